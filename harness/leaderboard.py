"""The leaderboard: read from run directories, ranked by the competition's rule.

Only runs on the same data, split and evaluation are comparable: the board shows those of the latest one and says how
many others there are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.competition import Competition
from harness.offers import Metric
from harness.store import Stored, Workspace, finished_runs

NOT_BETTER = "not better than the baseline"
NO_DATA: Mapping[str, Any] = {"variant": "", "digest": "", "info": {}}


@dataclass(frozen=True)
class Board:
    """A ranked leaderboard.

    Attributes
    ----------
    entries : tuple of mapping
        As ``harness leaderboard --json`` prints them, best first.
    others : int
        Finished runs that are not comparable with these.
    """

    competition: str
    metric: str
    direction: str
    on: str
    metrics: tuple[str, ...]
    data: Mapping[str, Any]
    entries: tuple[Mapping[str, Any], ...]
    others: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the board as JSON values."""
        return {
            "competition": self.competition,
            "metric": self.metric,
            "direction": self.direction,
            "on": self.on,
            "metrics": list(self.metrics),
            "data": dict(self.data),
            "entries": [dict(entry) for entry in self.entries],
            "others": self.others,
        }


def read_board(workspace: Workspace, competition: Competition, metrics: Sequence[Metric], key: str = "") -> Board:
    """Read a board.

    Parameters
    ----------
    key : str
        Which data, split and evaluation it is of, as runs store it; empty: those of the latest run, where full runs
        come before ``--fast`` ones.
    """
    runs = list(finished_runs(workspace, competition.id))
    entries, others = comparable([entry_of(run, workspace) for run in runs], key)
    shown = {entry["run_id"] for entry in entries}
    data = next((run.result["data"] for run in reversed(runs) if run.result["run_id"] in shown), NO_DATA)
    return rank(competition, metrics, entries, data, others)


def comparable(entries: Sequence[Mapping[str, Any]], key: str = "") -> tuple[list[Mapping[str, Any]], int]:
    """Keep the lines of one board.

    Parameters
    ----------
    entries : sequence of mapping
        Oldest first. Of lines with the same name and seed the newest is kept.
    key : str
        Which board; empty: that of the latest full run, or of the latest ``--fast`` one if there is no other.

    Returns
    -------
    (list of mapping, int)
        The lines, and how many were left out because they do not compare.
    """
    full = [entry for entry in entries if "fast" not in entry["marks"]]
    wanted = {key} if key else {entry["board"] for entry in (full or entries)[-1:]}
    same = [entry for entry in entries if entry["board"] in wanted]
    newest = {(entry["name"], entry["seed"]): entry for entry in same}
    return list(newest.values()), len(entries) - len(same)


def entry_of(run: Stored, workspace: Workspace) -> dict[str, Any]:
    """Return one line of the board as JSON values."""
    result = run.result
    return {
        "name": result["label"],
        "strategy": result["strategy"],
        "seed": result["seed"],
        "run_id": result["run_id"],
        "status": result["status"],
        "baseline": result["baseline"],
        "scores": result["scores"],
        "fold_scores": result["fold_scores"],
        "seconds": result["seconds"],
        "submission": _relative(run, workspace),
        "marks": result["marks"],
        "notes": result["notes"],
        "finished": result["finished"],
        "board": result["board"],
    }


def _relative(run: Stored, workspace: Workspace) -> str | None:
    if not run.result["submission"]:
        return None
    path = run.directory / run.result["submission"]
    try:
        return str(path.relative_to(workspace.root).as_posix())
    except ValueError:
        return str(path)


def rank(
    competition: Competition,
    metrics: Sequence[Metric],
    entries: Sequence[Mapping[str, Any]],
    data: Mapping[str, Any],
    others: int = 0,
) -> Board:
    """Sort entries by the primary metric on the ranked set, number them, and flag those no better than the baseline."""
    primary, on = metrics[0], competition.evaluate.on
    sign = 1 if primary.direction == "min" else -1

    def key(entry: Mapping[str, Any]) -> tuple[bool, float, str]:
        value = score_of(entry, primary.name, on)
        return (math.isnan(value), 0.0 if math.isnan(value) else sign * value, str(entry["name"]))

    ordered = sorted(entries, key=key)
    baselines = [score_of(entry, primary.name, on) for entry in ordered if entry["baseline"]]
    best = next((value for value in baselines if not math.isnan(value)), math.nan)
    ranked = []
    for place, entry in enumerate(ordered, start=1):
        value = score_of(entry, primary.name, on)
        flags = list(entry["marks"])
        if not entry["baseline"] and not math.isnan(best) and not primary.better(value, best):
            flags.append(NOT_BETTER)
        ranked.append({"rank": place, **entry, "flags": flags})
    return Board(
        competition=competition.id,
        metric=primary.name,
        direction=primary.direction,
        on=on,
        metrics=tuple(metric.name for metric in metrics),
        data=data,
        entries=tuple(ranked),
        others=others,
    )


def score_of(entry: Mapping[str, Any], metric: str, on: str) -> float:
    """Return an entry's score on the ranked set; NaN where there is none."""
    value = entry["scores"].get(metric, {}).get(on)
    return math.nan if value is None else float(value)


def best_submission(board: Board, workspace: Workspace) -> Path | None:
    """Return the submission of the best entry that has one."""
    for entry in board.entries:
        if entry["submission"]:
            return workspace.root / str(entry["submission"])
    return None
