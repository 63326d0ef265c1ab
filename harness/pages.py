"""``harness report``: one page of a finished run, or of a bare file of predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.competition import Competition
from harness.competition_file import FILE, read_competition
from harness.errors import PluginError, StoreError
from harness.facts import PROVENANCE
from harness.files import read_json
from harness.finding import find_competition
from harness.leaderboard import read_board, with_published
from harness.leaks.scan import card_json, card_path, read_card
from harness.offers import Metric, Splitter
from harness.planning import strategy_from_record
from harness.plugins import LOCAL, Plugins, load_plugins
from harness.prepare import Prepared
from harness.records import read_dataset, read_run_result, run_of
from harness.results import FittedFold, RunResult, Shown
from harness.store import Stored, Workspace, find_run, stored_tasks
from harness.stored_task import load_fitted
from harness.ties import with_ties
from harness.which_board import board_of

BUILTIN = "page"


def write_page(
    workspace: Workspace,
    name: str,
    run: str,
    predictions: Path | None,
    path: Path,
    competitions: Path | None,
    command: str = "harness",
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
    command : str
        As `Shown.command`.

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
    shown = (
        Shown(predictions=predictions)
        if predictions is not None
        else _shown(workspace, competition, plugins, run, command)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    owner = competition.data.source.partition(".")[0]
    for plugin in dict.fromkeys((LOCAL, owner, BUILTIN)):
        for _, answer in plugins.ask(
            "harness_write_page", only=[plugin], competition=competition, shown=shown, path=path
        ):
            if answer is not None:
                return [str(line) for line in answer]
    raise PluginError(f"no plugin shows a bare file of predictions of {competition.id}; leave --predictions out")


def _shown(workspace: Workspace, competition: Competition, plugins: Plugins, run: str, command: str) -> Shown:
    metrics = [plugins.find(Metric, metric, f"{competition.id}/{FILE}: metrics") for metric in competition.metrics]
    key = board_of(workspace, competition, run)
    board = with_ties(read_board(workspace, competition, metrics, key), workspace, competition, metrics)
    board = with_published(board, competition, metrics)
    if not board.entries and not run:
        raise StoreError(f"no finished run of {competition.id}; run: {command} run {competition.id}")
    stored = find_run(workspace, run or str(board.entries[0]["run_id"]), competition.id)
    if stored.result["competition"] != competition.id:
        raise StoreError(f"{stored.directory.name} is a run of {stored.result['competition']}, not of {competition.id}")
    prepared = _prepared(workspace, competition, plugins, metrics, stored)
    result = read_run_result(run_of(stored), prepared.dataset.info, ())
    info = prepared.dataset.info

    def runs() -> list[RunResult]:
        found = [find_run(workspace, str(entry["run_id"])) for entry in board.entries]
        return [read_run_result(run_of(one), info, ()) for one in found]

    return Shown(
        board=board.as_json(),
        dataset=prepared.dataset,
        result=result,
        fitted=lambda: _fitted(workspace, stored, prepared),
        runs=runs,
        card=_card(workspace, competition, info.variant, prepared.dataset.digest),
        provenance=_provenance(stored),
        command=command,
    )


def _card(workspace: Workspace, competition: Competition, variant: str, digest: str) -> dict[str, Any] | None:
    path = card_path(workspace, competition.id, variant, digest)
    try:
        return card_json(read_card(path)) if path.exists() else None
    except (StoreError, KeyError, TypeError, ValueError):  # a damaged card costs a line of the page
        return None


def _provenance(stored: Stored) -> Mapping[str, Any] | None:
    try:
        found = read_json(stored.directory / PROVENANCE)
    except StoreError:
        return None
    return found if isinstance(found, dict) else None


def _prepared(
    workspace: Workspace, competition: Competition, plugins: Plugins, metrics: Sequence[Metric], stored: Stored
) -> Prepared:
    """Load the run's data again; no folds are cut, since its OOF rows are found by id."""
    setting, dataset = read_dataset(stored, competition, plugins, workspace)
    splitter = plugins.find(Splitter, competition.split.name, competition.id)
    return Prepared(setting, competition, plugins, dataset, splitter, {}, (), tuple(metrics), None)


def _fitted(workspace: Workspace, stored: Stored, prepared: Prepared) -> list[FittedFold]:
    folders = stored_tasks(workspace, stored)
    if not folders:  # nor a strategy that could be read back
        return []
    strategy = strategy_from_record(stored.run)
    return [load_fitted(folder, strategy, prepared) for folder in folders]
