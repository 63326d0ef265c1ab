"""What pretext tasks bring: runs of a board, each paired with its twin from random weights."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.results import RunResult, Scored

    Floats = NDArray[np.float64]
    Settings = Mapping[str, Any]

DOWNSTREAM = {
    "imagewang.finetune": "fine-tuning",
    "imagewang.linear": "linear probe",
    "imagewang.knn": "nearest neighbours",
}
"""Names for people, in the order of the table."""
OF_PRETRAINING = ("pretext", "options", "pretrain_", "train_images", "valid_images")
"""Beginnings of parameters that mean nothing from random weights: twins may differ in them."""
SURE = 1.96
"""Standard errors to each side of a 95% interval."""


@dataclass(frozen=True)
class Gain:
    """A paired difference of accuracy to random weights; above 0 is better.

    Attributes
    ----------
    mean : float
        Over rows and seeds.
    rows_error : float
        Standard error over images, of the mean over seeds of each.
    seeds_error : float
        Standard error over seeds; NaN for one seed.
    seeds : int
        Seeds that both have.
    """

    mean: float
    rows_error: float
    seeds_error: float
    seeds: int

    @property
    def error(self) -> float:
        """Both errors together; somewhat too large, as a seed's luck is part of both."""
        return math.hypot(self.rows_error, 0.0 if math.isnan(self.seeds_error) else self.seeds_error)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval."""
        return self.mean - SURE * self.error, self.mean + SURE * self.error


@dataclass(frozen=True)
class Line:
    """One strategy over its seeds.

    Attributes
    ----------
    pretext : str
        Empty for random weights.
    oof, valid : float
        Accuracy, mean over seeds; NaN where there is no validation set.
    oof_spread, valid_spread : float
        Standard deviation over seeds; NaN for one seed.
    oof_gain, valid_gain : Gain or None
        Against random weights; None where no such run is on the board.
    """

    name: str
    downstream: str
    pretext: str
    seeds: int
    oof: float
    oof_spread: float
    valid: float
    valid_spread: float
    oof_gain: Gain | None
    valid_gain: Gain | None


@dataclass(frozen=True)
class _Right:
    """Which rows a run got right."""

    ids: NDArray[np.object_]
    right: Floats
    weights: Floats

    @property
    def accuracy(self) -> float:
        return float(self.right @ self.weights)


def lines(runs: Sequence[RunResult]) -> list[Line]:
    """Read the table from the runs of a board.

    Parameters
    ----------
    runs : sequence of RunResult
        Of one data set and split; other models, blends and means over seeds are left aside.

    Returns
    -------
    list of Line
        By downstream task; random weights first, then by accuracy out of fold.
    """
    found: dict[str, dict[int, RunResult]] = {}
    settings: dict[str, Settings] = {}
    for run in runs:
        params = run.run.identity.get("model")
        if run.run.seed is None or not isinstance(params, Mapping) or params.get("use") not in DOWNSTREAM:
            continue
        key = json.dumps([params, _beside(run)], sort_keys=True)
        settings[key] = params
        found.setdefault(key, {})[run.run.seed] = run
    oof = {key: {seed: _right(run.oof) for seed, run in seeds.items()} for key, seeds in found.items()}
    valid = {
        key: {seed: _right(run.valid) for seed, run in seeds.items() if run.valid is not None}
        for key, seeds in found.items()
    }
    names = _names({key: _one(seeds) for key, seeds in found.items()})
    twins = {key: _twin(key, settings, found) for key in found}
    made = [
        Line(
            name=names[key],
            downstream=str(settings[key]["use"]),
            pretext=str(settings[key]["pretext"]),
            seeds=len(seeds),
            oof=_mean(oof[key]),
            oof_spread=_spread(oof[key]),
            valid=_mean(valid[key]),
            valid_spread=_spread(valid[key]),
            oof_gain=None if twins[key] is None else paired(oof[key], oof[str(twins[key])]),
            valid_gain=None if twins[key] is None else paired(valid[key], valid[str(twins[key])]),
        )
        for key, seeds in found.items()
    ]
    return sorted(made, key=lambda line: (list(DOWNSTREAM).index(line.downstream), bool(line.pretext), -line.oof))


def chosen(found: Sequence[Line]) -> Line | None:
    """Return the pretext task of the best fine-tuned strategy out of fold; validation images take no part."""
    tried = [line for line in found if line.downstream == "imagewang.finetune" and line.pretext]
    return max(tried, key=lambda line: line.oof, default=None)


def paired(mine: Mapping[int, _Right], theirs: Mapping[int, _Right]) -> Gain | None:
    """Compare which rows are right, over the seeds that both have; None where they share none."""
    seeds = sorted(mine.keys() & theirs.keys())
    if not seeds:
        return None
    differences = np.stack([mine[seed].right - _in_order(theirs[seed], mine[seed].ids) for seed in seeds])
    weights = mine[seeds[0]].weights
    rows, means = differences.mean(axis=0), differences @ weights
    mean = float(rows @ weights)
    rows_error = math.sqrt(float((weights**2) @ (rows - mean) ** 2))
    seeds_error = float(means.std(ddof=1) / math.sqrt(len(seeds))) if len(seeds) > 1 else math.nan
    return Gain(mean, rows_error, seeds_error, len(seeds))


def _names(runs: Mapping[str, RunResult]) -> dict[str, str]:
    """Return the strategies' names; with the parameters set on the command line where two would be the same."""
    strategies = [run.run.strategy for run in runs.values()]
    return {
        key: run.run.label if strategies.count(run.run.strategy) > 1 else run.run.strategy for key, run in runs.items()
    }


def _right(scored: Scored) -> _Right:
    right = (scored.predictions.values.argmax(axis=1) == scored.targets).astype(np.float64)
    weights = np.ones(len(right)) if scored.weights is None else scored.weights
    return _Right(scored.predictions.ids, right, weights / weights.sum())


def _in_order(other: _Right, ids: NDArray[np.object_]) -> Floats:
    places = {name: place for place, name in enumerate(other.ids.tolist())}
    return other.right[[places[name] for name in ids.tolist()]]


def _twin(key: str, settings: Mapping[str, Settings], found: Mapping[str, Mapping[int, RunResult]]) -> str | None:
    """Return the key of the run from random weights that differs in nothing else."""
    params = settings[key]
    if not params["pretext"]:
        return None
    for other, theirs in settings.items():
        alike = _without(theirs) == _without(params) and _beside(_one(found[other])) == _beside(_one(found[key]))
        if alike and not theirs["pretext"]:
            return other
    return None


def _without(params: Settings) -> dict[str, Any]:
    return {name: value for name, value in params.items() if not name.startswith(OF_PRETRAINING)}


def _beside(run: RunResult) -> list[Any]:
    return [run.run.identity.get(name) for name in ("features", "rebalancer", "adjusters")]


def _one(seeds: Mapping[int, RunResult]) -> RunResult:
    return next(iter(seeds.values()))


def _mean(seeds: Mapping[int, _Right]) -> float:
    return float(np.mean([one.accuracy for one in seeds.values()])) if seeds else math.nan


def _spread(seeds: Mapping[int, _Right]) -> float:
    return float(np.std([one.accuracy for one in seeds.values()], ddof=1)) if len(seeds) > 1 else math.nan
