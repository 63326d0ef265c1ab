"""Every hook of the harness, in firing order: the map of the program.

A plugin implements any of these with ``@harness.hookimpl``. Leave out the arguments you do not need; never give an
argument a default (pluggy would silently pass the default).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:  # the specifications only name these, so that listing plugins stays instant
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from harness.competition import Competition
    from harness.data import Dataset, Predictions, Submission
    from harness.findings import Finding
    from harness.offers import (
        Adjuster,
        DatasetSource,
        Executor,
        Features,
        Metric,
        ModelRecipe,
        Rebalancer,
        Site,
        Splitter,
    )
    from harness.proposal import Given, Proposal
    from harness.results import Artifact, FoldResult, Run, RunResult, Shown

PROJECT = "harness"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


# ------------------------------------------------------------------------------------------------------------------
# Offers: every plugin answers; the core gathers them and refuses duplicates, naming both plugins.
# ------------------------------------------------------------------------------------------------------------------


@hookspec
def harness_competitions() -> Iterable[Path]:  # type: ignore[empty-body]
    """Yield folders that hold competitions: each child with a ``competition.toml`` is one."""


@hookspec
def harness_datasets() -> Iterable[DatasetSource]:  # type: ignore[empty-body]
    """Yield the dataset sources a ``[data] source`` may name."""


@hookspec
def harness_features() -> Iterable[Features]:  # type: ignore[empty-body]
    """Yield the features a strategy may name."""


@hookspec
def harness_models() -> Iterable[ModelRecipe]:  # type: ignore[empty-body]
    """Yield the models a strategy may name."""


@hookspec
def harness_metrics() -> Iterable[Metric]:  # type: ignore[empty-body]
    """Yield the metrics that ``metrics`` may name."""


@hookspec
def harness_splitters() -> Iterable[Splitter]:  # type: ignore[empty-body]
    """Yield the splitters a ``[split] use`` may name."""


@hookspec
def harness_rebalancers() -> Iterable[Rebalancer]:  # type: ignore[empty-body]
    """Yield the rebalancers a strategy may name."""


@hookspec
def harness_adjusters() -> Iterable[Adjuster]:  # type: ignore[empty-body]
    """Yield the adjusters a strategy may name."""


@hookspec
def harness_executors() -> Iterable[Executor]:  # type: ignore[empty-body]
    """Yield the executors ``--executor`` may name."""


@hookspec
def harness_sites() -> Iterable[Site]:  # type: ignore[empty-body]
    """Yield the sites that ``[site] name`` may name: where data is fetched from and submissions are sent."""


@hookspec
def harness_propose(given: Given) -> Iterable[Proposal]:  # type: ignore[empty-body]
    """Yield what could be made of files for which ``harness new competition`` is asked; nothing for what is not yours.

    Asked of every plugin; the surest proposal is taken. Files whose kind is yours but which leave something open are
    refused with a `HarnessError` that names the option that decides.
    """


# ------------------------------------------------------------------------------------------------------------------
# Data and run: checks answer with problems, events return nothing and change nothing.
# ------------------------------------------------------------------------------------------------------------------


@hookspec
def harness_check_dataset(competition: Competition, dataset: Dataset) -> Iterable[str | Finding]:  # type: ignore[empty-body]
    """Yield one line per problem of the data, and a `Finding` for what makes scores too good; nothing: all is well.

    Called once after loading, before folds are cut, by every command that loads the data: keep it quick. Any problem
    stops the command with exit code 2; findings stop nothing but ``harness check``, which exits with 1 on a leak.
    """


@hookspec
def harness_run_started(run: Run) -> None:
    """A run begins, or goes on after it was killed (event)."""


@hookspec
def harness_fold_started(run: Run, fold: int) -> None:
    """A fold's task begins (event); not fired for folds read from the store."""


@hookspec
def harness_epoch_logged(run: Run, fold: int, step: int, metrics: Mapping[str, float]) -> None:
    """A model logged an epoch (event); live where the task runs in this process, else replayed when it ends."""


@hookspec
def harness_fold_scored(run: Run, fold: FoldResult) -> None:
    """A fold's task is finished and stored (event)."""


# ------------------------------------------------------------------------------------------------------------------
# Submission: a decision, asked of the competition's own plugin, of its data source's, then of the built-in, never of
# strangers.
# ------------------------------------------------------------------------------------------------------------------


@hookspec(firstresult=True)
def harness_make_submission(
    competition: Competition, dataset: Dataset, predictions: Predictions, decisions: Predictions | None
) -> Submission | None:
    """Turn adjusted test predictions into the competition's submission table.

    Asked once per strategy, of the competition's own plugin, then of the one its data source comes from; return None to
    leave it to the built-in, which fills the schema's columns by id. `decisions` has the same shape, in {0, 1} (None
    for a regression). The result is checked before anything is written.
    """


@hookspec
def harness_check_submission(  # type: ignore[empty-body]
    competition: Competition, dataset: Dataset, submission: Submission
) -> Iterable[str]:
    """Yield one line per problem of a submission; nothing means that it is valid.

    Called for every submission the harness makes and for ``harness validate``, beside the built-in checks of ids,
    columns, ranges and sums.
    """


# ------------------------------------------------------------------------------------------------------------------
# Reports and the end of a run.
# ------------------------------------------------------------------------------------------------------------------


@hookspec
def harness_report(  # type: ignore[empty-body]
    competition: Competition, dataset: Dataset, result: RunResult
) -> Iterable[Artifact]:
    """Yield figures and tables for a run's folder and its page in MLflow."""


@hookspec
def harness_run_finished(run: Run, result: RunResult) -> None:
    """A run is complete: scored, reported, stored (event)."""


@hookspec
def harness_warned(run: Run, message: str) -> None:
    """Something a person must know while a run goes on: a damaged fold, a changed parameter (event)."""


@hookspec
def harness_run_failed(run: Run, message: str) -> None:
    """A run ended without a result (event)."""


@hookspec
def harness_board_updated(competition: Competition, board: Mapping[str, Any], figures: Iterable[Path]) -> None:
    """All runs of one command are over (event); `board` is what ``harness leaderboard --json`` prints."""


@hookspec(firstresult=True)
def harness_write_page(competition: Competition, shown: Shown, path: Path) -> list[str] | None:
    """Write one HTML page that shows a run, or a bare file of predictions, for ``harness report``.

    Asked of the competition's own plugin, of the plugin that its data source comes from, then of the built-in, never
    of strangers. The page is one file that works offline. The lines returned are printed below its path; None leaves
    the page to the next.
    """
