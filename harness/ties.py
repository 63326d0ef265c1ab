"""Ties on a leaderboard: which strategies are as good as the best, how likely each is truly best, how stable ranks are.

Entries are compared on the rows that the board is ranked on, by their stored final predictions; `harness.paired` says
how, and what it cannot see. Where the split keeps groups together, groups are drawn instead of rows. On the labelled
validation set, and with fewer than three folds, another training is told only by the seeds of a mean over seeds.

What was found is kept in the workspace's cache until a run, or how it is compared, changes.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness import __version__
from harness.competition import Competition
from harness.data import Dataset
from harness.entries import Kept, entries_of, file_of, known_rows, read_entries, reproduced
from harness.errors import HarnessError, StoreError, listed
from harness.files import read_json, write_json
from harness.leaderboard import Board, read_board, score_of
from harness.offers import Metric
from harness.paired import ALPHA, FAR, Compared, compare
from harness.planning import board_key
from harness.plugins import describe_error
from harness.prepare import Prepared
from harness.resampling import Entries
from harness.store import Workspace, digest_of

FORMAT = 3
"""Version of what is kept; it grows with every change of how entries are compared."""
KEYS = ("tied", "difference", "stderr", "p", "best", "ranks")
QUICK_CELLS, CALL_CELLS = 100_000, 4_000
"""Predicted numbers up to which scores that are no means over rows are compared while somebody waits for a table, and
how many the mere call of a metric counts for."""
OVERLAP = "folds share training rows: another training sample would change scores by more than the standard errors tell"


def with_ties(
    board: Board,
    workspace: Workspace,
    competition: Competition,
    metrics: Sequence[Metric],
    quick: bool = False,
    dataset: Dataset | None = None,
) -> Board:
    """Tell of each entry whether it is tied with the best.

    Each entry gets ``tie``: None where it cannot be compared (the notes say why), or

    ``tied`` (corrected p >= 0.05), ``difference`` to the best in the metric's unit (positive: worse), its ``stderr``,
    ``p`` (two-sided, corrected for the number of entries), ``best`` (probability of being truly best) and ``ranks``
    ([low, high], 5 % and 95 % quantiles over random halves of the rows).

    Parameters
    ----------
    quick : bool
        Leave the board as it is where nothing is kept and comparing takes long.
    dataset : Dataset, optional
        What the runs were trained on, where it is at hand.

    Returns
    -------
    Board
        Its ``ties`` hold ``method``, ``draws``, ``units`` (what is drawn), ``count`` (how many of them there are),
        ``compared`` (entries), ``counted`` (those with predictions of their own), ``alpha``, ``stability`` (mean of
        Kendall's tau between two halves of the rows, or None), ``training`` (whether another training is counted for
        every entry) and ``notes``.
    """
    if not board.entries:
        return board
    key, path = _key(board, workspace, competition), workspace.cache / "ties" / f"{competition.id}.json"
    found = _kept(path, key)
    if found is None:
        metric = next(one for one in metrics if one.name == board.metric)
        found = _found(board, workspace, competition, metric, quick, dataset)
        if found is None:
            return board
        with suppress(StoreError):  # a workspace that only others may write to can still be read
            write_json(path, {"key": key, "digest": digest_of(found), "found": found})
    entries = tuple({**entry, "tie": found["entries"][entry["run_id"]]} for entry in board.entries)
    return replace(board, entries=entries, ties=found["ties"])


def told_board(prepared: Prepared, workspace: Workspace) -> Board:
    """Read the board of prepared data with its ties, for all that hear of it after a run."""
    board = read_board(workspace, prepared.competition, prepared.metrics, board_key(prepared))
    return with_ties(board, workspace, prepared.competition, prepared.metrics, quick=True, dataset=prepared.dataset)


def conclusion(board: Board) -> str:
    """Say in one line which entries are tied and how sure the first place is; empty where nothing was compared."""
    compared = [entry for entry in board.entries if entry.get("tie")]
    if not compared or board.ties is None:
        return ""
    tied = sum(entry["tie"]["tied"] for entry in compared)
    first = compared[0]
    if len(compared) == 1:
        return "one entry alone: there is nothing to compare it with"
    kept = (
        f"{tied} of {len(compared)} are tied with the best"
        if tied > 1
        else f"none is tied with the best, #{first['rank']}"
    )
    share = f"{first['tie']['best']:.0%} of draws of {board.ties['units']} and trainings"
    told = f"{kept}; #{first['rank']} is first in {share}"
    if board.ties["stability"] is not None:
        told += f"; two halves of the data order the entries alike with Kendall's tau {board.ties['stability']:.2f}"
    return told


def _key(board: Board, workspace: Workspace, competition: Competition) -> str:
    def state(path: Path) -> list[int]:
        try:
            found = path.stat()
        except OSError:
            return []
        return [found.st_size, found.st_mtime_ns]

    return digest_of(
        {
            "format": FORMAT,
            "harness": __version__,
            "metric": board.metric,
            "on": board.on,
            "split": [competition.split.name, dict(competition.split.params)],
            "runs": [
                [
                    entry["run_id"],
                    entry["board"],
                    entry["seeds"],
                    repr(score_of(entry, board.metric, board.on)),
                    state(file_of(entry, board, workspace, competition)),
                ]
                for entry in board.entries
            ],
        }
    )


def _kept(path: Path, key: str) -> dict[str, Any] | None:
    try:
        stored = read_json(path)
        good = stored["key"] == key and stored["digest"] == digest_of(stored["found"])
    except (StoreError, KeyError, TypeError):
        return None
    return stored["found"] if good else None


def _found(
    board: Board, workspace: Workspace, competition: Competition, metric: Metric, quick: bool, dataset: Dataset | None
) -> dict[str, Any] | None:
    ties: dict[str, Any] = {
        "method": "",
        "draws": 0,
        "units": "rows",
        "count": 0,
        "compared": 0,
        "counted": 0,
        "alpha": ALPHA,
    }
    by_run: dict[str, Any] = {str(entry["run_id"]): None for entry in board.entries}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # parts of the rows may lack a class, of which metrics warn
        kept, notes = read_entries(board, workspace, competition)
        cells = sum(max(CALL_CELLS, scored.predictions.values.size) for _, scored in kept)
        if quick and metric.per_row is None and cells > QUICK_CELLS:
            return None
        try:
            known = known_rows(kept, board, workspace, competition, metric, notes, dataset)
            kept = reproduced(kept, board, metric, known.meta, notes)
            if kept:
                entries = entries_of(kept, board, metric, known)
                compared = compare(entries)
                ties |= _told(compared, entries, known.units, notes, kept)
                by_run |= _by_run(kept, compared)
        except (HarnessError, ValueError) as error:
            notes.append(f"not compared: {describe_error(error)}")
            by_run = dict.fromkeys(by_run)
    ties = {"stability": None, "training": False, **ties, "notes": notes}
    return {"ties": ties, "entries": by_run}


def _told(compared: Compared, entries: Entries, units: str, notes: list[str], kept: Kept) -> dict[str, Any]:
    training = f"jackknife over {compared.folds} folds"
    first, names = str(kept[0][0]["name"]), [str(entry["name"]) for entry, _ in kept]
    bare: list[str] = []
    if compared.folds:
        notes.append(OVERLAP)
        if far := [name for name, unsure in zip(names, compared.unsure, strict=True) if unsure]:
            notes.append(
                f"{compared.folds} folds cannot tell {_named(far)} from {first}, though {FAR:g} standard errors or more"
                " lie between them: so few folds tell the error itself only roughly; more folds would tell"
            )
    else:
        bare = [str(entry["name"]) for (entry, _), df in zip(kept, entries.refit_df, strict=True) if math.isinf(df)]
        training = "no trainings" if len(bare) == len(kept) else "variance over seeds"
        if bare and len(kept) > 1:
            notes.append(
                f"another training is not counted for {_named(bare)}; several seeds would tell: --seed 0 --seed 1"
            )
    counted = _distinct(entries, names, notes)
    return {
        "method": f"paired bootstrap of {units}, {training}, Student's t, corrected after Holm",
        "draws": compared.draws,
        "units": units,
        "count": _drawn(entries),
        "compared": len(kept),
        "counted": counted,
        "stability": None if math.isnan(compared.stability) else compared.stability,
        "training": not bare or len(kept) < 2,
    }


def _drawn(entries: Entries) -> int:
    """Return how many units have a row that counts."""
    counting = entries.units if entries.weights is None else entries.units[entries.weights > 0]
    return len(set(counting.tolist()))


def _distinct(entries: Entries, names: list[str], notes: list[str]) -> int:
    """Return how many entries differ in their predictions, and note those that do not."""
    same_as = list(range(len(names))) if entries.same_as is None else entries.same_as.tolist()
    for code in range(max(same_as) + 1):
        alike = [name for name, own in zip(names, same_as, strict=True) if own == code]
        if len(alike) > 1:
            notes.append(f"{_named(alike)} have the same predictions: they count once in the correction")
    return len(set(same_as))


def _named(names: Sequence[str]) -> str:
    """Join the names of lines; several seeds of one strategy are named once.

    Examples
    --------
    >>> _named(["a", "a", "b"])
    'a (2 seeds), b'
    """
    return listed(name if count == 1 else f"{name} ({count} seeds)" for name, count in Counter(names).items())


def _by_run(kept: Kept, compared: Compared) -> dict[str, dict[str, Any]]:
    columns = (
        (compared.p >= ALPHA).tolist(),
        compared.difference.tolist(),
        compared.stderr.tolist(),
        compared.p.tolist(),
        compared.best.tolist(),
        compared.ranks.tolist(),
    )
    lines = [dict(zip(KEYS, values, strict=True)) for values in zip(*columns, strict=True)]
    return {str(entry["run_id"]): line for (entry, _), line in zip(kept, lines, strict=True)}
