"""Which of a competition's boards: that of a run, or of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.competition import Competition
from harness.errors import StoreError, listed
from harness.store import Stored, Workspace, find_run, finished_runs


def board_of(workspace: Workspace, competition: Competition, run: str = "", data: str = "") -> str:
    """Return the key of a board, as `harness.leaderboard.read_board` takes it; empty: that of the latest run.

    Parameters
    ----------
    run : str
        Id of a run that is on it, or a beginning of one.
    data : str
        The data it is of, as ``--data`` was given: a variant, or a path. Of several boards of the same data it is that
        of the latest full run.

    Raises
    ------
    StoreError
        If there is no such run, or no run on such data.
    """
    if run:
        return str(find_run(workspace, run, competition.id).result["board"])
    if not data:
        return ""
    runs = list(finished_runs(workspace, competition.id))
    fitting = [one for one in runs if _is_of(one, data)]
    if not fitting:
        names = list(dict.fromkeys(map(data_name, runs)))
        known = f"; there are runs on {listed(names)}" if names else f"; run: harness run {competition.id}"
        raise StoreError(f"no finished run of {competition.id} on {data!r}{known}")
    full = [one for one in fitting if not one.result["fast"]]
    return str((full or fitting)[-1].result["board"])


def data_name(run: Stored) -> str:
    """Return what ``--data`` would be called with for the data of a run."""
    data: dict[str, Any] = run.result["data"]
    return str(data.get("given") or data["variant"])


def _is_of(run: Stored, data: str) -> bool:
    name = data_name(run)
    if run.result["data"]["variant"] != "path":
        return data == name
    return data == name or Path(data).resolve() == Path(name).resolve()
