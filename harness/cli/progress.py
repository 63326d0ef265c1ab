"""Progress of a run in a terminal; quiet where there is none."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from harness.cli.app import one_line
from harness.cli.show import console, duration, number
from harness.cli.train import shown_path
from harness.files import read_json
from harness.hookspecs import hookimpl
from harness.planning import Plan
from harness.results import FoldResult, Run, RunResult
from harness.store import FAILED

LONG = 60.0
"""Seconds of a first fold from which the imports that it pays for do not count."""
REVISED = 6
"""Trained folds after which the estimate is made again."""
SOON = 1.0
"""Seconds left below which no estimate is printed."""


class RunProgress:
    """Listens to the events of a run: a bar of folds, a line for each finished strategy, an estimate of the time left.

    Parameters
    ----------
    metric : str
        The primary metric, shown for each finished strategy.
    on : str
        The set that is ranked.
    """

    def __init__(self, metric: str, on: str, workers: int = 1) -> None:
        self.metric, self.on, self.workers = metric, on, workers
        self.out = console(stderr=True)
        self.live = self.out.is_terminal
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self.bar = Progress(*columns, TimeElapsedColumn(), console=self.out, transient=True, disable=not self.live)
        self.row = self.bar.add_task("", total=None)
        self.total = self.done = 0
        self.trained: list[float] = []
        self.estimate = 0.0
        self.baselines: set[str] = set()
        self.refits: dict[str, Path] = {}
        self.refitted: set[Path] = set()

    def __enter__(self) -> RunProgress:
        """Start the bar."""
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the bar."""
        self.bar.stop()

    def planned(self, plans: Sequence[Plan]) -> None:
        """Take note of all tasks to come; those that strategies share count once, those that are stored not at all."""
        tasks = {task.directory for plan in plans for task in plan.all_tasks}
        self.total = sum(not directory.exists() for directory in tasks)
        refits = {plan.run.run_id: plan.refit.directory for plan in plans if plan.refit is not None}
        self.refits = {run: directory for run, directory in refits.items() if not directory.exists()}
        self.baselines = {plan.run.run_id for plan in plans if plan.strategy.baseline}
        self.bar.update(self.row, total=self.total)

    def warn(self, message: str) -> None:
        """Print a warning without disturbing the bar."""
        # a message may hold brackets, which are no markup
        self.out.print("[yellow]warning:[/yellow]", escape(one_line(message)), markup=True, soft_wrap=True)

    @hookimpl
    def harness_fold_started(self, run: Run, fold: int) -> None:
        """Show which fold trains."""
        self.bar.update(self.row, description=escape(one_line(f"{run.label} fold {fold}")))

    @hookimpl
    def harness_epoch_logged(self, run: Run, fold: int, step: int, metrics: Mapping[str, float]) -> None:
        """Show the latest epoch."""
        name, value = next(iter(metrics.items()), ("", float("nan")))
        self.bar.update(
            self.row, description=escape(one_line(f"{run.label} fold {fold}, step {step}, {name} {number(value)}"))
        )

    @hookimpl
    def harness_fold_scored(self, run: Run, fold: FoldResult) -> None:
        """Advance, and estimate the time after the first fold that was trained for a strategy."""
        if not fold.resumed:
            self.done += 1
            self.bar.update(self.row, completed=self.done)
        if fold.resumed or run.run_id in self.baselines:
            return
        if any(note.startswith("stage ") for note in fold.notes):
            return  # it also paid for what the others find made
        self.trained.append(fold.seconds)
        if len(self.trained) in (1 if fold.seconds > LONG else 2, REVISED):
            self._estimate()

    def _estimate(self) -> None:
        """Print how long the rest takes; the first fold also pays for imports, so the line is revised once."""
        later, more = self.trained[1:] or self.trained, max(0, self.total - self.done)
        left = more * sum(later) / len(later) / self.workers
        if left < SOON or (self.estimate and 0.67 < left / self.estimate < 1.5):
            return
        word = "now " if self.estimate else f"a fold took {duration(later[-1])}; "
        self.estimate = left
        folds = "1 more fold" if more == 1 else f"{more} more folds"
        self.out.print(f"{word}about {duration(left)} for {folds}, if all are alike", style="dim")

    @hookimpl
    def harness_warned(self, run: Run, message: str) -> None:
        """Print what a person must know."""
        del run
        self.warn(message)

    @hookimpl
    def harness_run_finished(self, run: Run, result: RunResult) -> None:
        """Advance by the refit, and print a line for a finished strategy."""
        refit = self.refits.get(run.run_id)
        if refit is not None and refit not in self.refitted:
            self.refitted.add(refit)
            self.done += 1
            self.bar.update(self.row, completed=self.done)
        if not self.live:
            return
        score = result.scores[self.metric]
        value = getattr(score, self.on)
        seed = f" seed {run.seed}" if run.seed else ""
        self.out.print(
            f"[green]done[/green] {escape(one_line(run.label))}{seed}: {self.metric} {number(value)}"
            f" [dim]± {number(score.stderr)} over folds, {duration(result.seconds)}[/dim]"
        )

    @hookimpl
    def harness_run_failed(self, run: Run, message: str) -> None:
        """Print why a strategy failed; the end of the command tells that it was interrupted."""
        if message == "interrupted":
            return
        path = run.directory / FAILED
        found = path.is_file() and read_json(path).get("traceback")
        more = f" (traceback: {shown_path(path)})" if found else ""
        # what a plugin says is no markup, and nothing a terminal should obey
        self.out.print(f"[red]failed[/red] {escape(one_line(f'{run.label}: {message}{more}'))}", soft_wrap=True)


class Download:
    """A progress bar for one download after another; called as ``progress(name, done, total)``."""

    def __init__(self) -> None:
        from rich.progress import DownloadColumn, TransferSpeedColumn

        out = console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self.bar = Progress(*columns, console=out, transient=True, disable=not out.is_terminal)
        self.rows: dict[str, Any] = {}
        self.started = time.monotonic()

    def __call__(self, name: str, done: int, total: int | None) -> None:
        """Show how far a file has come, in bytes."""
        if name not in self.rows:
            self.rows[name] = self.bar.add_task(escape(one_line(name)), total=total)
        self.bar.update(self.rows[name], completed=done, total=total)

    def __enter__(self) -> Download:
        """Start the bars."""
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the bars."""
        self.bar.stop()
