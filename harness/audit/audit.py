"""Try the splits that a competition's data allows, and say which one its test set resembles."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.audit.candidates import Candidate, candidates
from harness.audit.likeness import Verdict, recommend
from harness.audit.scoring import Scorer, fast_scorer, rows_to_use, strategy_scorer
from harness.audit.sides import Sides, Where, adversarial_auc, compare, sides_of_test, whereabouts
from harness.prepare import Prepared

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_ROWS = 20_000
"""Training rows that models see, at most, so that an audit takes seconds."""
FOLDS_TOLD_APART = 2
"""Folds whose sides a classifier tells apart; one AUC is much like another's."""


@dataclass(frozen=True)
class Tried:
    """One split that was tried.

    Attributes
    ----------
    forward : bool
        Whether it predicts later rows only, so that its score is of fewer rows than that of others.
    scores : tuple of float
        Of each fold, on the primary metric; empty if it cannot be cut, and `problem` says why.
    optimism : float or None
        How much better the mean score looks than under the recommended split, in units of the metric.
    optimism_share : float or None
        The same as a share of the score under the recommended split.
    """

    name: str
    own: bool
    forward: bool
    use: dict[str, Any]
    scores: tuple[float, ...]
    sides: Sides
    problem: str = ""
    optimism: float | None = None
    optimism_share: float | None = None

    @property
    def mean(self) -> float:
        """Mean over the folds that define the metric; NaN if none does."""
        defined = [score for score in self.scores if not math.isnan(score)]
        return sum(defined) / len(defined) if defined else math.nan

    @property
    def stderr(self) -> float:
        """Standard error of the mean; NaN for one fold."""
        defined = [score for score in self.scores if not math.isnan(score)]
        if len(defined) < 2:
            return math.nan
        return math.sqrt(sum((score - self.mean) ** 2 for score in defined) / (len(defined) - 1) / len(defined))


@dataclass(frozen=True)
class Audit:
    """What was found.

    Attributes
    ----------
    model : str
        What was trained, for people.
    rows, used : int
        Training rows, and how many of them models saw.
    test : Sides or None
        The test set against all training rows.
    """

    metric: str
    direction: str
    model: str
    rows: int
    used: int
    splits: tuple[Tried, ...]
    test: Sides | None
    verdict: Verdict


def audit(
    prepared: Prepared,
    strategy: str = "",
    folds: int | None = None,
    seed: int = 0,
    tell: Callable[[str], None] = lambda _: None,
) -> Audit:
    """Train one model under every split that the data's roles allow, and compare the splits with the test set.

    Parameters
    ----------
    strategy : str
        Name of a strategy whose features and model are trained; empty for a fast model.
    folds : int or None
        Folds of each split; None for as many as the competition's own has, at least 2.
    tell : callable
        Is told what is being done.

    Raises
    ------
    HarnessError
        If the inputs are no table and no strategy is named, or the named one cannot be used.
    """
    dataset = prepared.dataset
    (where,) = whereabouts([dataset.train], dataset.info.roles)
    kept = rows_to_use(dataset.train, where.groups, MOST_ROWS, seed)
    if strategy:
        scorer = strategy_scorer(prepared, prepared.competition.strategy(strategy), kept, seed)
    else:
        scorer = fast_scorer(prepared, kept, seed)
    tell("cutting folds")
    tried = [_try(one, scorer, where, seed, tell) for one in candidates(prepared, folds or _own_folds(prepared), seed)]
    tell("comparing train with test")
    test = sides_of_test(dataset, prepared.setting.cache)
    own = next(one.name for one in tried if one.own)
    verdict = recommend({one.name: one.sides for one in tried if not one.problem}, test, own)
    return Audit(
        metric=prepared.primary.name,
        direction=prepared.primary.direction,
        model=scorer.name,
        rows=len(dataset.train),
        used=int(kept.sum()),
        splits=tuple(_with_optimism(tried, verdict.split, prepared.primary.direction)),
        test=test,
        verdict=verdict,
    )


def _own_folds(prepared: Prepared) -> int:
    return max(2, len(prepared.folds))


def _try(candidate: Candidate, scorer: Scorer, where: Where, seed: int, tell: Callable[[str], None]) -> Tried:
    scores: list[float] = []
    sides: list[Sides] = []
    train = scorer.prepared.dataset.train
    for fold in candidate.folds:
        tell(f"{candidate.name}: fold {fold.index + 1} of {len(candidate.folds)}")
        scores.append(scorer.fold(candidate, fold))
        auc = None
        if len(sides) < FOLDS_TOLD_APART:
            one, other = (_some(rows, scorer.kept) for rows in (fold.train, fold.valid))
            auc = adversarial_auc(train.take(one), train.take(other), seed, scorer.prepared.dataset.info.roles)
        sides.append(compare(where.take(fold.train), where.take(fold.valid), auc))
    return Tried(
        candidate.name,
        candidate.own,
        candidate.splitter.forward,
        dict(candidate.use),
        tuple(scores),
        _mean_sides(sides),
        candidate.problem,
    )


def _some(rows: NDArray[np.int64], kept: NDArray[np.bool_]) -> NDArray[np.int64]:
    chosen: NDArray[np.int64] = rows[kept[rows]]
    return chosen if len(chosen) else rows


def _mean_sides(folds: Sequence[Sides]) -> Sides:
    import numpy as np

    def mean(name: str) -> float | None:
        values = [getattr(fold, name) for fold in folds]
        known = [value for value in values if value is not None and not math.isnan(value)]
        return float(np.mean(known)) if known else None

    return Sides(mean("auc"), mean("group_overlap"), mean("later"), mean("nearest_km"))


def _with_optimism(tried: Sequence[Tried], recommended: str, direction: str) -> list[Tried]:
    right = next((one.mean for one in tried if one.name == recommended), math.nan)
    sign = 1 if direction == "min" else -1
    found = []
    for one in tried:
        units = sign * (right - one.mean)
        if math.isnan(units):
            found.append(one)
        else:
            found.append(replace(one, optimism=units, optimism_share=units / abs(right) if right else None))
    return found


def audit_json(found: Audit) -> dict[str, Any]:
    """Return what ``harness split-audit --json`` prints."""
    splits = [
        {
            "name": one.name,
            "own": one.own,
            "forward": one.forward,
            "split": one.use,
            "folds": len(one.scores),
            "score": None if math.isnan(one.mean) else one.mean,
            "stderr": None if math.isnan(one.stderr) else one.stderr,
            "fold_scores": list(one.scores),
            "optimism": one.optimism,
            "optimism_share": one.optimism_share,
            **asdict(one.sides),
            "distance": found.verdict.distances.get(one.name),
            "problem": one.problem,
        }
        for one in found.splits
    ]
    return {
        "metric": found.metric,
        "direction": found.direction,
        "model": found.model,
        "rows": found.rows,
        "rows_used": found.used,
        "splits": splits,
        "test": None if found.test is None else asdict(found.test),
        "recommended": found.verdict.split,
        "reason": found.verdict.reason,
        "own_split": next(one.name for one in found.splits if one.own),
        "own_fits": found.verdict.own_fits,
    }
