"""The leaderboard: read from run directories, ranked by the competition's rule.

Only runs on the same data, split and evaluation are comparable: the board shows those of the latest one and says how
many others there are. Published results stand beside it, below a line of their own: their data and setting may differ.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from harness.competition import Competition
from harness.offers import Metric
from harness.published import Published, difference, read_published
from harness.standings import public_score
from harness.store import Stored, Workspace, finished_runs
from harness.which_board import data_name

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
        Finished runs that are not comparable with these; `other_data` are the data they are on, as ``--data`` takes it.
    published : tuple of Published
        Results of others, best first.
    difference : str
        How our best full run differs from these, in one line; empty where there is nothing to say.
    ties : mapping or None
        How entries were compared with the best, as `harness.ties` tells; None where they were not.
    """

    competition: str
    metric: str
    direction: str
    on: str
    metrics: tuple[str, ...]
    data: Mapping[str, Any]
    entries: tuple[Mapping[str, Any], ...]
    others: int = 0
    other_data: tuple[str, ...] = ()
    published: tuple[Published, ...] = ()
    difference: str = ""
    ties: Mapping[str, Any] | None = None

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
            "other_data": list(self.other_data),
            "published": [{"rank": place, **asdict(one)} for place, one in enumerate(self.published, start=1)],
            "difference": self.difference,
            "ties": None if self.ties is None else dict(self.ties),
        }


def read_board(
    workspace: Workspace, competition: Competition, metrics: Sequence[Metric], key: str = "", trials: bool = False
) -> Board:
    """Read a board.

    Parameters
    ----------
    key : str
        Which data, split and evaluation it is of, as runs store it; empty: those of the latest run, where full runs
        come before ``--fast`` ones.
    trials : bool
        Whether trials of ``harness tune`` are on it.
    """
    everything = list(finished_runs(workspace, competition.id))
    known = {str(run.result["run_id"]): run for run in everything}
    runs = [run for run in everything if _shown(run, trials)]
    entries, others = comparable([entry_of(run, workspace, known) for run in runs], key)
    if trials:
        entries = without_twins(entries)
    shown = {entry["run_id"] for entry in entries}
    latest = next((run for run in reversed(runs) if run.result["run_id"] in shown), None)
    elsewhere = dict.fromkeys(map(data_name, runs))
    if latest is not None:
        del elsewhere[data_name(latest)]
    data = NO_DATA if latest is None else latest.result["data"]
    return replace(rank(competition, metrics, entries, data, others), other_data=tuple(elsewhere))


def _shown(run: Stored, trials: bool) -> bool:
    """Whether a run is a line; what tuning ran again on other folds never is."""
    trial = run.result.get("trial")
    return trial is None or (trials and trial["trial"] >= 0)


def without_twins(entries: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Leave out a trial that is on the board as the winner too: the same parameters with the same scores."""
    own = [_content(entry) for entry in entries if entry["trial"] is None]
    return [entry for entry in entries if entry["trial"] is None or _content(entry) not in own]


def _content(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    return entry["seed"], entry["setting"], entry["scores"], entry["fold_scores"]


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
    newest = {(entry["name"], entry["seed"], (entry.get("trial") or {}).get("study")): entry for entry in same}
    return list(newest.values()), len(entries) - len(same)


def entry_of(run: Stored, workspace: Workspace, known: Mapping[str, Stored]) -> dict[str, Any]:
    """Return one line of the board as JSON values.

    Parameters
    ----------
    known : mapping of str to Stored
        Every finished run by its id, so that a mean over seeds finds those that it is of.
    """
    result, trial = run.result, run.result.get("trial")
    members = [known.get(str(name)) for name in run.run.get("identity", {}).get("mean_of", ())]
    singles = [member for member in members if member is not None]
    return {
        "name": result["label"] if trial is None else f"{result['strategy']} trial {trial['trial']}",
        "label": result["label"],
        "trial": trial,
        "strategy": result["strategy"],
        "seed": result["seed"],
        "run_id": result["run_id"],
        "status": result["status"],
        "baseline": result["baseline"],
        "scores": result["scores"],
        "fold_scores": result["fold_scores"],
        "seconds": result["seconds"],
        "submission": _relative(run, workspace),
        "public_score": public_score(run.directory),
        "marks": result["marks"],
        "notes": result["notes"],
        "finished": result["finished"],
        "board": result["board"],
        "setting": _setting(singles[0] if singles else run),
        "seeds": over_seeds([one.result["scores"] for one in singles]) if len(singles) == len(members) > 1 else None,
    }


def _setting(run: Stored) -> dict[str, Any]:
    """Return the parameters of a run's model; none for what is not trained, such as a blend."""
    model = run.run.get("identity", {}).get("model") or {}
    return {name: value for name, value in model.items() if name != "use"}


def over_seeds(scores: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Return how the scores of single runs lie: beside the score of their averaged predictions, which is another thing.

    Parameters
    ----------
    scores : sequence of mapping
        Of each seed, metric -> ``oof``, ``valid`` -> score or None; at least two.

    Returns
    -------
    dict
        ``count``, and ``mean`` and ``std`` (the sample's, n - 1) by metric and set; None where a seed has no score.

    Examples
    --------
    >>> over_seeds([{"f1": {"oof": 0.5, "valid": None}}, {"f1": {"oof": 0.7, "valid": None}}])["mean"]
    {'f1': {'oof': 0.6, 'valid': None}}
    """
    found: dict[str, Any] = {"count": len(scores), "mean": {}, "std": {}}
    for metric in scores[0]:
        for name, function in (("mean", statistics.fmean), ("std", statistics.stdev)):
            found[name][metric] = {}
            for on in ("oof", "valid"):
                values = [score[metric][on] for score in scores if score.get(metric, {}).get(on) is not None]
                found[name][metric][on] = function(values) if len(values) == len(scores) else None
    return found


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


def with_published(board: Board, competition: Competition, metrics: Sequence[Metric]) -> Board:
    """Put the published results of a competition beside its board, and tell how our best full run differs.

    Raises
    ------
    ConfigError
        If the competition's table of them cannot be used.
    """
    published = read_published(competition.home, metrics)
    full = [entry for entry in board.entries if not entry["baseline"] and "fast" not in entry["marks"]]
    if not published or not full:
        return replace(board, published=published)
    return replace(board, published=published, difference=_difference(published, full[0], board))


def _difference(published: Sequence[Published], entry: Mapping[str, Any], board: Board) -> str:
    seeds = entry.get("seeds")
    setting = entry.get("setting")  # of a blend or an import it is not known
    ours = {**setting, "runs": seeds["count"] if seeds else 1} if setting else {}
    variant, given = str(board.data["variant"]), str(board.data.get("given", ""))
    ours["data"] = Path(given).name if variant == "path" and given else variant
    metric = published[0].metric
    values = entry["scores"].get(metric, {})
    on = "oof" if values.get("valid") is None else "valid"
    told = [f"ours: {entry['name']}"]
    if seeds and seeds["mean"][metric][on] is not None:
        mean, spread = seeds["mean"][metric][on], seeds["std"][metric][on]
        told.append(f"{metric} {mean:.4g} ± {spread:.2g} over seeds ({values[on]:.4g} of their averaged predictions)")
    elif values.get(on) is not None:
        told.append(f"{metric} {values[on]:.4g}")
    where = "the labelled validation set" if on == "valid" else "out-of-fold rows"
    told[-1] += f" on {where}" if len(told) > 1 else ""
    told += difference(published, ours)
    if "data" not in {name for one in published for name in one.setting}:
        told.append(f"data {ours['data'] or '?'}")
    return ", ".join(told) + (" (SIMULATED)" if "simulated" in entry["marks"] else "")
