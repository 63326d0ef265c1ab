"""One fold of one run: a pure function that writes one directory atomically.

The directory holds raw predictions (before any adjuster), the model, the features and what was logged. Everything else
(adjusters, scores, submission) is made from these files, so strategies that train the same model share them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from harness.checked import predict_checked
from harness.competition import Strategy
from harness.data import DatasetInfo, Examples, Fold, Predictions
from harness.device import PeakMemory
from harness.errors import DataError
from harness.files import atomic_directory, write_checksums, write_json
from harness.offers import BuildContext, Transformer
from harness.params import parse_params
from harness.parts import Parts, parts_of, stages_of
from harness.prepare import Prepared, Setting, prepare
from harness.results import FoldResult
from harness.stages import run_stages
from harness.store import FORMAT, RESULT
from harness.stored_task import read_result

if TYPE_CHECKING:
    pass

REFIT = -1
"""Fold number of a model that is fitted on all training rows."""

Listener = Callable[[int, int, Mapping[str, float]], None]
"""``listener(fold, step, metrics)``."""


@dataclass(frozen=True)
class Task:
    """Everything one fold depends on, small enough to send to another process.

    Attributes
    ----------
    fold : int
        Position in the folds, or `REFIT`.
    iterations : int or None
        For a refit: what the recipe's `iterations` parameter is set to.
    directory : Path
        Where the result goes; complete when it exists.
    """

    setting: Setting
    strategy: Strategy
    fold: int
    seed: int
    device: Literal["cpu", "cuda"]
    threads: int
    directory: Path
    iterations: int | None = None


class EventLog:
    """Appends what a model logs to a file, one JSON object a line, and tells a listener in this process."""

    def __init__(self, file: IO[str], fold: int, listener: Listener | None) -> None:
        self.file, self.fold, self.listener = file, fold, listener

    def epoch(self, step: int, **metrics: float) -> None:
        """Log metrics of one epoch."""
        plain = {name: float(value) for name, value in metrics.items()}
        self._write({"step": int(step), **plain})
        if self.listener is not None:
            self.listener(self.fold, int(step), plain)

    def note(self, text: str) -> None:
        """Log one line."""
        self._write({"note": text})

    def _write(self, event: Mapping[str, Any]) -> None:
        self.file.write(json.dumps(event) + "\n")
        self.file.flush()


def execute(task: Task, listener: Listener | None = None) -> FoldResult:
    """Train one fold, predict its rows, the validation set and the test set, and store all of it.

    Raises
    ------
    HarnessError
        If data, parameters or a plugin's answers cannot be used.
    Exception
        Whatever the plugin's own code raises.
    """
    from threadpoolctl import threadpool_limits

    prepared = prepare(task.setting)
    fold = fold_of(task, prepared)
    started, memory = time.perf_counter(), PeakMemory()
    with (
        threadpool_limits(limits=task.threads),
        atomic_directory(task.directory) as out,
        (out / "events.jsonl").open("w", encoding="utf-8") as events,
    ):
        log = EventLog(events, task.fold, listener)
        result = train_fold(task, prepared, fold, out, log)
        result = replace(result, seconds=time.perf_counter() - started, peak_memory=memory.read())
        write_json(out / RESULT, {"format": FORMAT, **asdict(result)})
        events.close()
        write_checksums(out)
    return read_result(task.directory)


def fold_of(task: Task, prepared: Prepared) -> Fold:
    """Return the fold a task trains; a refit trains on every row and validates none."""
    import numpy as np

    if task.fold != REFIT:
        return prepared.folds[task.fold]
    return Fold(REFIT, np.arange(len(prepared.dataset.train)), np.empty(0, dtype=np.int64))


def fold_seed(seed: int, fold: int) -> int:
    """Derive a fold's own seed: 31 bits, independent between folds and between neighbouring seeds."""
    import numpy as np

    return int(np.random.SeedSequence([seed, fold + 1]).generate_state(1)[0] >> 1)


def train_fold(task: Task, prepared: Prepared, fold: Fold, out: Path, log: EventLog) -> FoldResult:
    """Train one fold and write its predictions, features and model into `out`; time and memory are left at 0."""
    import numpy as np

    dataset, parts = prepared.dataset, parts_of(task.strategy, prepared)
    if task.iterations is not None and parts.recipe.iterations:
        parts = replace(parts, model=replace(parts.model, **{parts.recipe.iterations: task.iterations}))
    context = BuildContext(fold_seed(task.seed, task.fold), task.device, task.threads)
    context = _with_stages(context, parts, task, prepared, fold, log)

    train, inner = _cut_inner(parts, prepared, dataset.train.take(fold.train), task)
    transform = _features(parts, dataset.info, context, train, out)
    train = transform(train, True)
    before = class_counts(train, dataset.info)
    if parts.rebalancer is not None:
        train = parts.rebalancer.rebalance(parts.rebalancer_params, train, dataset.info, context.seed)
    after = class_counts(train, dataset.info)

    model = parts.recipe.build(parts.model, dataset.info, context)
    model.fit(train, None if inner is None else transform(inner, False), log)
    scores: dict[str, float] = {}
    for name, examples in (("oof", dataset.train.take(fold.valid)), ("valid", dataset.valid), ("test", dataset.test)):
        if examples is None or not len(examples):
            continue
        predictions = predict_checked(model, transform(examples, False), dataset.info, parts.recipe.name)
        np.save(out / f"{name}.npy", predictions.values, allow_pickle=False)
        if name == "oof":
            scores = _raw_scores(prepared, examples, predictions)
    (out / "model").mkdir()
    model.save(out / "model")
    return FoldResult(
        index=task.fold,
        n_train=len(train),
        n_valid=len(fold.valid),
        scores=scores,
        counts_before=before,
        counts_after=after,
        seconds=0.0,
        peak_memory=0,
        device=task.device,
        threads=task.threads,
        best_iteration=getattr(model, "best_iteration", None),
    )


def _with_stages(
    context: BuildContext, parts: Parts, task: Task, prepared: Prepared, fold: Fold, log: EventLog
) -> BuildContext:
    info = prepared.dataset.info
    stages = stages_of(parts, info)
    if not stages:
        return context
    done = run_stages(stages, prepared.dataset, fold, context, task.seed, prepared.plugins, prepared.setting.cache, log)
    return replace(context, stages=done)


def _cut_inner(parts: Parts, prepared: Prepared, train: Examples, task: Task) -> tuple[Examples, Examples | None]:
    """Cut the early-stopping holdout from the fold's own training rows, by the competition's own splitter.

    The last fold is taken: for forward time splits that is the latest one, for the others any one does.
    """
    if task.iterations is not None or parts.recipe.inner is None or not parts.recipe.inner(parts.model):
        return train, None
    last = _inner_folds(prepared, train)[-1]
    return train.take(last.train), train.take(last.valid)


def _inner_folds(prepared: Prepared, train: Examples) -> list[Fold]:
    """Cut folds within a fold's training rows; fewer than outside, where there are not enough groups or times left."""
    use = {key: value for key, value in prepared.split.items() if key != "use"}
    for folds in range(use.get("folds", 2), 1, -1):
        if "folds" in use:
            use["folds"] = folds
        params = parse_params(prepared.splitter.params, use, "split")
        try:
            return list(prepared.splitter.split(params, train, prepared.dataset.info))
        except DataError:
            if folds == 2:
                raise
    raise AssertionError(use)


def _features(
    parts: Parts, info: DatasetInfo, context: BuildContext, train: Examples, out: Path
) -> Callable[[Examples, bool], Examples]:
    """Fit the features once; return ``transform(examples, training)``."""
    if parts.features is None:
        return lambda examples, _: examples
    transformer: Transformer = parts.features.build(parts.features_params, info, context)
    fitted = transformer.fit_transform(train.inputs, train.targets)
    (out / "features").mkdir()
    transformer.save(out / "features")
    return lambda examples, training: examples.with_inputs(
        fitted if training else transformer.transform(examples.inputs)
    )


def class_counts(examples: Examples, info: DatasetInfo) -> dict[str, float]:
    """Return training rows by class, weights summed; empty where rows have no single class."""
    import numpy as np

    if not info.task_type.single_label or examples.targets is None:
        return {}
    counts = np.bincount(examples.targets, weights=examples.weights, minlength=len(info.classes))
    return dict(zip(info.classes, counts.astype(float).tolist(), strict=True))


def _raw_scores(prepared: Prepared, examples: Examples, predictions: Predictions) -> dict[str, float]:
    assert examples.targets is not None
    return {
        metric.name: float(metric.score(examples.targets, predictions.values, None, examples.meta))
        for metric in prepared.metrics
        if metric.needs != "decisions"
    }
