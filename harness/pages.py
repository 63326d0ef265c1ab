"""``harness report``: one page of a finished run, or of a bare file of predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.competition import Competition
from harness.competition_file import FILE, read_competition
from harness.data import Dataset
from harness.errors import DataError, PluginError, StoreError
from harness.finding import find_competition
from harness.leaderboard import read_board, with_published
from harness.offers import Metric, Splitter
from harness.planning import strategy_from_record
from harness.plugins import LOCAL, Plugins, load_plugins
from harness.prepare import FAST_ROWS, Prepared, Setting, load_dataset, subsample
from harness.records import read_run_result
from harness.results import FittedFold, Run, RunResult, Shown
from harness.store import Stored, Workspace, find_run, stored_tasks
from harness.stored_task import load_fitted

BUILTIN = "page"


def write_page(
    workspace: Workspace, name: str, run: str, predictions: Path | None, path: Path, competitions: Path | None
) -> list[str]:
    """Write the page of a competition.

    Parameters
    ----------
    name : str
        A competition's id.
    run : str
        A run's id or a beginning of it; empty for the first of the leaderboard.
    predictions : Path or None
        A bare file of predictions to show instead of a run.

    Returns
    -------
    list of str
        Lines worth printing.

    Raises
    ------
    HarnessError
        If there is no such run, its data has changed, or nobody can show it.
    """
    competition = read_competition(find_competition(name, competitions, load_plugins()))
    plugins = load_plugins(competition.plugin)
    shown = Shown(predictions=predictions) if predictions is not None else _shown(workspace, competition, plugins, run)
    path.parent.mkdir(parents=True, exist_ok=True)
    owner = competition.data.source.partition(".")[0]
    for plugin in dict.fromkeys((LOCAL, owner, BUILTIN)):
        for _, answer in plugins.ask(
            "harness_write_page", only=[plugin], competition=competition, shown=shown, path=path
        ):
            if answer is not None:
                return [str(line) for line in answer]
    raise PluginError(f"no plugin shows a bare file of predictions of {competition.id}; leave --predictions out")


def _shown(workspace: Workspace, competition: Competition, plugins: Plugins, run: str) -> Shown:
    metrics = [plugins.find(Metric, metric, f"{competition.id}/{FILE}: metrics") for metric in competition.metrics]
    board = with_published(read_board(workspace, competition, metrics), competition, metrics)
    if not board.entries:
        raise StoreError(f"no finished run of {competition.id}; run: harness run {competition.id}")
    stored = find_run(workspace, run or str(board.entries[0]["run_id"]), competition.id)
    if stored.result["competition"] != competition.id:
        raise StoreError(f"{stored.directory.name} is a run of {stored.result['competition']}, not of {competition.id}")
    prepared = _prepared(workspace, competition, plugins, metrics, stored)
    result = read_run_result(_run_of(stored), prepared.dataset.info, ())
    info = prepared.dataset.info

    def runs() -> list[RunResult]:
        found = [find_run(workspace, str(entry["run_id"])) for entry in board.entries]
        return [read_run_result(_run_of(one), info, ()) for one in found]

    return Shown(
        board=board.as_json(),
        dataset=prepared.dataset,
        result=result,
        fitted=lambda: _fitted(workspace, stored, prepared),
        runs=runs,
    )


def _prepared(
    workspace: Workspace, competition: Competition, plugins: Plugins, metrics: Sequence[Metric], stored: Stored
) -> Prepared:
    """Load the run's data again; no folds are cut, since its OOF rows are found by id."""
    given: Mapping[str, Any] = stored.result["data"]
    # what could not be read was left out before, or there was nothing
    setting = Setting(
        competition.home,
        workspace.cache.resolve(),
        given["given"],
        skip_bad=True,
        unlabelled=tuple(given.get("unlabelled", ())),
    )
    dataset: Dataset = load_dataset(competition, plugins, setting)
    if stored.result["fast"]:
        dataset = subsample(dataset, FAST_ROWS)
    if dataset.digest != given["digest"]:
        raise DataError(
            f"the data of {competition.id} is no longer what {stored.directory.name} was trained on;"
            f" run it again: harness run {competition.id}"
        )
    splitter = plugins.find(Splitter, competition.split.name, competition.id)
    return Prepared(setting, competition, plugins, dataset, splitter, {}, (), tuple(metrics), None)


def _run_of(stored: Stored) -> Run:
    record = stored.run
    return Run(
        competition=record["competition"],
        strategy=record["strategy"],
        seed=record["seed"],
        run_id=record["run_id"],
        directory=stored.directory,
        identity=record["identity"],
        label=record["label"],
        facts=record["facts"],
        fast=record["fast"],
    )


def _fitted(workspace: Workspace, stored: Stored, prepared: Prepared) -> list[FittedFold]:
    folders = stored_tasks(workspace, stored)
    if not folders:  # nor a strategy that could be read back
        return []
    strategy = strategy_from_record(stored.run)
    return [load_fitted(folder, strategy, prepared) for folder in folders]
