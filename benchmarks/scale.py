"""A simulated competition of many tasks of a millisecond: what the engine's own process spends on each.

Two strategies on as many folds as it takes, through the whole engine: scheduling, storing, telling listeners. The
driver's CPU time and resident memory are read at every hundredth task; what ends a run (scores, figures, submission) is
counted by itself, and tracking is off.

Usage: python benchmarks/scale.py [TASKS] [EXECUTOR] [FOLDER]   # 10000 process; FOLDER gets a CSV and scale.png
"""

from __future__ import annotations

import csv
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.results import Run

STRATEGIES = 2
EVERY = 100

PLUGIN = """
import time
from dataclasses import dataclass

from harness import hookimpl
from harness.data import Dataset, DatasetInfo, Examples, Fold, Predictions, TaskType
from harness.offers import DatasetSource, ModelRecipe, Splitter
from harness.params import NoParams, param


@dataclass(frozen=True)
class Folds:
    folds: int = param(10, "folds", low=2)


@dataclass(frozen=True)
class Params:
    shift: float = param(0.0, "tells strategies apart")


def load(params, request):
    import numpy as np

    targets = np.arange({rows}) % 2
    ids = np.array([f"r{{row}}" for row in range({rows})], dtype=object)
    info = DatasetInfo("scale", TaskType.BINARY, ("no", "yes"), variant=request.variant, simulated=True)
    test = Examples(ids[:4], targets[:4].astype(float), None)
    return Dataset(info, Examples(ids, targets.astype(float), targets), None, test, digest="scale")


def split(params, examples, info):
    import numpy as np

    rows = np.arange(len(examples))
    for fold in range(params.folds):
        yield Fold(fold, rows[rows % params.folds != fold], rows[rows % params.folds == fold])


class Nap:
    def __init__(self, params, info, context):
        self.params, self.info = params, info

    def fit(self, train, inner, log):
        time.sleep(0.001)

    def predict(self, examples):
        import numpy as np

        yes = 0.4 + 0.2 * examples.inputs
        return Predictions(examples.ids, np.column_stack([1 - yes, yes]), self.info.outputs)

    def save(self, directory): ...
    def load(self, directory): ...


@hookimpl
def harness_datasets():
    yield DatasetSource("local.scale", "rows", NoParams, load)


@hookimpl
def harness_splitters():
    yield Splitter("local.many", "", Folds, split)


@hookimpl
def harness_models():
    yield ModelRecipe("local.nap", "sleeps", frozenset({{TaskType.BINARY}}), Params, Nap)
"""
COMPETITION = """
title = "Many tasks"
task = "binary"
metrics = ["log_loss"]
[data]
source = "local.scale"
variant = "path"
[data.variants.path]
about = "simulated"
[split]
use = "local.many"
folds = {folds}
"""


def main() -> None:
    """Run the competition and print what a task costs."""
    tasks = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    executor = sys.argv[2] if len(sys.argv) > 2 else "process"
    folder = Path(sys.argv[3]) if len(sys.argv) > 3 else None
    folds = tasks // STRATEGIES
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "competitions/scale"
        home.mkdir(parents=True)
        strategies = [f'[strategies.s{n}]\nmodel = {{ use = "local.nap", shift = {n}.0 }}\n' for n in range(STRATEGIES)]
        (home / "competition.toml").write_text(COMPETITION.format(folds=folds) + "\n".join(strategies))
        (home / "plugin.py").write_text(PLUGIN.format(rows=max(2000, 2 * folds)))
        points, wall, ends = _run(home, Path(place) / "workspace", executor)
    # the first strategy pays for imports and buffers, the second shows what grows with tasks
    (first, cpu_0, rss_0), (last, cpu_1, rss_1) = points[len(points) // 2 + 1], points[-1]
    count = last - first
    print(f"{executor}: {last:,} tasks in {wall:.0f} s, {ends / STRATEGIES:.1f} s of them for the end of each run")
    print(f"driver's own time for a task   {1000 * (cpu_1 - cpu_0) / count:6.2f} ms   (target 2)")
    print(f"driver's memory for a task     {1024 * (rss_1 - rss_0) / count:6.0f} bytes   (target 1024)")
    if folder is not None:
        _write(points, folder, executor)


def _run(home: Path, workspace: Path, executor: str) -> tuple[list[tuple[int, float, float]], float, float]:
    import harness.run
    from harness.hookspecs import hookimpl
    from harness.planning import Hardware
    from harness.prepare import Setting, prepare
    from harness.run import Options, run_all
    from harness.store import Workspace

    points: list[tuple[int, float, float]] = []

    class Meter:
        done = 0
        ended = 0.0

        @hookimpl
        def harness_fold_scored(self, run: Run) -> None:
            if not run.strategy.startswith("s"):
                return
            if self.done % EVERY == 0:
                points.append((self.done, time.process_time() - self.ended, _rss()))
            self.done += 1

    end = harness.run._end

    def timed(*given: Any) -> Any:
        started = time.process_time()
        answer = end(*given)
        meter.ended += time.process_time() - started
        return answer

    harness.run._end = timed

    meter = Meter()
    place = Workspace(workspace)
    workspace.mkdir()
    prepared = prepare(Setting(home, place.cache.resolve()))
    prepared.plugins.manager.register(meter)
    options = Options(workspace=place, hardware=Hardware("cpu", 1), workers=os.cpu_count() or 2, executor=executor)
    started = time.perf_counter()
    failed = [o.failure for o in run_all(prepared, prepared.competition.strategies, [0], options) if o.result is None]
    if failed:
        sys.exit(failed[0])
    return points, time.perf_counter() - started, meter.ended


def _rss() -> float:
    """Return resident memory, KiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("VmRSS")))


def _write(points: list[tuple[int, float, float]], folder: Path, executor: str) -> None:
    """Write the points, and a picture of all executors measured so far."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"scale-{executor}.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("tasks", "driver_cpu_s", "rss_kib"), *points])
    _draw(folder)


def _draw(folder: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    looks = (("#2a6f97", "bottom"), ("#c8553d", "top"))  # a label above its line, the other below
    for path, (colour, side) in zip(sorted(folder.glob("scale-*.csv")), looks, strict=False):
        with path.open(newline="") as file:
            rows = [[float(value) for value in row] for row in list(csv.reader(file))[1:]]
        tasks, cpu, memory = zip(*rows, strict=True)
        name = path.stem.removeprefix("scale-")
        axes[0].plot(tasks, [value - cpu[0] for value in cpu], color=colour)
        axes[1].plot(tasks, [(value - memory[0]) / 1024 for value in memory], color=colour)
        axes[0].text(tasks[-1], cpu[-1] - cpu[0], f" {name}", color=colour, va="center")
        half = len(tasks) // 2
        axes[1].text(
            tasks[half],
            (memory[half + 1] - memory[0]) / 1024,
            f"{name}, one run ended: figures  ",
            color=colour,
            va=side,
            ha="right",
            fontsize=8,
        )
    for axis, label in ((axes[0], "driver's CPU time (s)"), (axes[1], "driver's memory (MiB more)")):
        axis.set(xlabel="tasks of a millisecond", ylabel=label, ylim=(0, None))
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].margins(x=0.12)
    axes[1].margins(y=0.12)
    figure.savefig(folder / "scale.png", dpi=110)


if __name__ == "__main__":
    main()
