"""The stored predictions of a board's entries, side by side on the same rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.competition import Competition
from harness.data import Dataset
from harness.errors import HarnessError, PluginError
from harness.leaderboard import Board, score_of
from harness.offers import Metric, Splitter
from harness.params import parse_params
from harness.plugins import describe_error, load_plugins
from harness.records import info_from, read_dataset, read_scored
from harness.resampling import LEAST_FOLDS, Entries
from harness.results import Scored
from harness.store import Workspace, read_stored

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.int64]

SAME_SCORE = 1e-6
Kept = list[tuple[Mapping[str, Any], Scored]]
"""Lines of a board with their predictions."""


def file_of(entry: Mapping[str, Any], board: Board, workspace: Workspace, competition: Competition) -> Path:
    """Return where an entry's predictions of the ranked set are."""
    return workspace.runs(competition.id) / str(entry["run_id"]) / f"{board.on}.parquet"


def read_entries(board: Board, workspace: Workspace, competition: Competition) -> tuple[Kept, list[str]]:
    """Read the predictions of every entry, rows in the order of the first; what does not compare becomes a note."""
    kept: Kept = []
    notes: list[str] = []
    for entry in board.entries:
        name = str(entry["name"])
        if not math.isfinite(score_of(entry, board.metric, board.on)):
            notes.append(f"{name} is not compared: it has no {board.metric}")
            continue
        path = file_of(entry, board, workspace, competition)
        try:
            scored = read_scored(path, info_from(board.data["info"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = "missing" if isinstance(error, FileNotFoundError) else f"damaged, {describe_error(error)}"
            notes.append(f"{name} is not compared: {path.name} of {path.parent.name} is {reason}")
            continue
        aligned = _aligned(scored, kept[0][1]) if kept else scored
        if aligned is None:
            notes.append(f"{name} is not compared: its rows, targets or folds are not those of {kept[0][0]['name']}")
            continue
        kept.append((entry, aligned))
    return kept, notes


def _aligned(scored: Scored, like: Scored) -> Scored | None:
    import numpy as np
    import pandas as pd

    ids, wanted = pd.Index(scored.predictions.ids), like.predictions.ids
    if len(ids) != len(wanted) or not ids.is_unique:
        return None
    rows = ids.get_indexer(pd.Index(wanted))
    if (rows < 0).any():
        return None
    decisions, weights = scored.decisions, scored.weights
    found = Scored(
        scored.targets[rows],
        scored.predictions.take(rows),
        None if decisions is None else decisions[rows],
        None if weights is None else weights[rows],
        scored.folds[rows],
    )
    same = np.array_equal(found.targets, like.targets) and np.array_equal(found.folds, like.folds)
    return found if same else None


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of the rows.

    Attributes
    ----------
    meta : DataFrame or None
        Where it was needed.
    codes : (n,) int64
        The unit of each row.
    units : str
        What a unit is: ``rows``, ``groups of place``.
    """

    meta: pd.DataFrame | None
    codes: Codes
    units: str


def known_rows(
    kept: Kept,
    board: Board,
    workspace: Workspace,
    competition: Competition,
    metric: Metric,
    notes: list[str],
    dataset: Dataset | None = None,
) -> Known:
    """Tell which rows belong together, where the split keeps groups or the metric asks.

    Parameters
    ----------
    dataset : Dataset, optional
        What the runs were trained on; else it is loaded again.
    """
    import numpy as np
    import pandas as pd

    ids = kept[0][1].predictions.ids if kept else np.array([], dtype=object)
    rows = Known(None, np.arange(len(ids)), "rows")
    plugins = load_plugins(competition.plugin)
    splitter = plugins.find(Splitter, competition.split.name, competition.id)
    group = getattr(parse_params(splitter.params, competition.split.params, competition.id), "group_on", "")
    if not kept or (not group and _same_score(*kept[0], board, metric, None)):
        return rows
    try:
        if dataset is None:
            stored = read_stored(workspace.runs(competition.id) / str(kept[0][0]["run_id"]))
            _, dataset = read_dataset(stored, competition, plugins, workspace)
    except HarnessError as error:
        if group:
            notes.append(f"rows are drawn instead of groups, which makes differences look surer: {error}")
        return rows
    examples = dataset.valid if board.on == "valid" else dataset.train
    if examples is None or examples.meta is None:
        return rows
    places = pd.Index(examples.ids).get_indexer(pd.Index(ids))
    if (places < 0).any():
        return rows
    meta = examples.meta.iloc[places].reset_index(drop=True)
    if not group or group not in meta:
        return replace(rows, meta=meta)
    return Known(meta, pd.factorize(meta[group], use_na_sentinel=False)[0].astype(np.int64), f"groups of {group}")


def reproduced(kept: Kept, board: Board, metric: Metric, meta: pd.DataFrame | None, notes: list[str]) -> Kept:
    """Keep those whose stored predictions score what the board shows; the others become notes."""
    good: Kept = []
    for entry, scored in kept:
        if _same_score(entry, scored, board, metric, meta):
            good.append((entry, scored))
        else:
            notes.append(f"{entry['name']} is not compared: its stored predictions do not score what the board shows")
    if good and good[0][0] is not board.entries[0]:
        notes.append(f"differences are to {good[0][0]['name']}, the best entry that can be compared")
    return good


def _same_score(
    entry: Mapping[str, Any], scored: Scored, board: Board, metric: Metric, meta: pd.DataFrame | None
) -> bool:
    try:
        found = _score(metric, scored, meta, None)
    except PluginError:  # it needs what is not known of the rows
        return False
    return math.isclose(found, score_of(entry, board.metric, board.on), rel_tol=SAME_SCORE, abs_tol=1e-9)


def _values(metric: Metric, scored: Scored) -> Floats:
    if metric.needs != "decisions":
        return scored.predictions.values
    if scored.decisions is None:
        raise PluginError(f"metric {metric.name!r} needs decisions, which were not stored")
    return scored.decisions


def _score(metric: Metric, scored: Scored, meta: pd.DataFrame | None, rows: Codes | None) -> float:
    values, targets, weights = _values(metric, scored), scored.targets, scored.weights
    if rows is not None:
        values, targets = values[rows], targets[rows]
        weights = None if weights is None else weights[rows]
        meta = None if meta is None else meta.iloc[rows].reset_index(drop=True)
    try:
        return float(metric.score(targets, values, weights, meta))
    except Exception as error:  # a plugin's metric may stumble over a part of the rows
        raise PluginError(f"metric {metric.name!r} fails on a part of the rows: {describe_error(error)}") from error


def entries_of(kept: Kept, board: Board, metric: Metric, known: Known) -> Entries:
    """Return what `harness.paired.compare` takes."""
    import numpy as np

    first = kept[0][1]
    losses = None
    if metric.per_row is not None:
        losses = np.stack([metric.per_row(scored.targets, _values(metric, scored)) for _, scored in kept], axis=1)
    spread = [_over_seeds(entry, board) for entry, _ in kept]
    folds = first.folds if board.on == "oof" and len(np.unique(first.folds)) >= LEAST_FOLDS else None
    return Entries(
        score=lambda rows: np.array([_score(metric, scored, known.meta, rows) for _, scored in kept]),
        scores=np.array([score_of(entry, board.metric, board.on) for entry, _ in kept]),
        sign=1 if metric.direction == "min" else -1,
        units=known.codes,
        folds=folds,
        losses=losses,
        weights=first.weights,
        columns=first.predictions.values.shape[1],
        refit=np.array([variance for variance, _ in spread]),
        refit_df=np.array([df for _, df in spread]),
        same_as=_alike([_values(metric, scored) for _, scored in kept]),
    )


def _alike(values: Sequence[Floats]) -> Codes:
    """Return a number for each of m predictions, in the order of their first appearance: (m,) int64."""
    import numpy as np

    seen: dict[bytes, int] = {}
    return np.array([seen.setdefault(np.ascontiguousarray(one).tobytes(), len(seen)) for one in values], dtype=np.int64)


def _over_seeds(entry: Mapping[str, Any], board: Board) -> tuple[float, float]:
    seeds = entry.get("seeds")
    std = None if not seeds else seeds["std"].get(board.metric, {}).get(board.on)
    return (0.0, math.inf) if not seeds or std is None else (std**2 / seeds["count"], seeds["count"] - 1.0)
