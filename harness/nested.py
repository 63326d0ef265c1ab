"""A blend learned from OOF and scored honestly: what is used on a fold's rows was learned, and chosen, on the others'.

The fold's own rows then play no part in its weights, nor in the choice of the method, so that the score of the blended
rows is one of rows that were not seen. What is used on new rows is learned on all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.adjusting import default_decisions, held_out
from harness.competition import BLEND_METHODS
from harness.data import TaskType
from harness.offers import Metric

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

GREEDY, BEST = "greedy", "best"


@dataclass(frozen=True, eq=False)
class Known:
    """OOF predictions of several runs with their targets.

    Attributes
    ----------
    values : (m, n, k) float64
        Of m members.
    weights : (n,) float64 or None
        Evaluation weights.
    folds : (n,) int64
        The fold that predicted each row.
    meta : DataFrame or None
        What is known of the rows, for metrics that ask.
    """

    task: TaskType
    metric: Metric
    values: Floats
    targets: NDArray[Any]
    weights: Floats | None
    folds: NDArray[np.int64]
    meta: pd.DataFrame | None = None

    def of(self, rows: NDArray[np.bool_]) -> Known:
        """Return what is known of some rows."""
        return replace(
            self,
            values=self.values[:, rows],
            targets=self.targets[rows],
            weights=None if self.weights is None else self.weights[rows],
            folds=self.folds[rows],
            meta=None if self.meta is None else self.meta[rows].reset_index(drop=True),
        )

    def score(self, blended: Floats) -> float:
        """Score blended predictions (n, k) by the primary metric, weighted as the board is."""
        values: Floats | None = blended
        if self.metric.needs == "decisions":
            values = default_decisions(blended, self.task)
        assert values is not None
        return float(self.metric.score(self.targets, values, self.weights, self.meta))

    def worth(self, blended: Floats) -> float:
        """Return the score, turned so that higher is better."""
        score = self.score(blended)
        return -score if self.metric.direction == "min" else score


@dataclass(frozen=True, eq=False)
class Learned:
    """Weights of a blend, in the order of its members.

    Attributes
    ----------
    weights : (m,) float64
        From all OOF rows.
    of_fold : mapping of int to (m,) float64
        From the OOF rows of all other folds.
    oof : (n, k) float64
        Each fold's rows, blended with its own weights.
    method : str
        What blends new rows; never ``best``.
    methods : mapping of int to str
        What blended each fold's rows.
    naive : (n, k) float64
        All rows, blended with the weights that they were used to learn: their score is too good.
    """

    weights: Floats
    of_fold: Mapping[int, Floats]
    oof: Floats
    method: str
    methods: Mapping[int, str]
    naive: Floats


def learns(method: str) -> bool:
    """Whether a method takes anything from the targets."""
    from harness.builtin.blends import LEARNED

    return method in LEARNED or method in (GREEDY, BEST)


def nested(known: Known, method: str) -> Learned:
    """Learn a blend on all rows, and for each fold on those of the others.

    Parameters
    ----------
    method : str
        One of `harness.competition.BLEND_METHODS`; ``best`` chooses one of the others, anew for each fold.
    """
    import numpy as np

    from harness.builtin.blends import apply

    oof, of_fold, methods = np.empty(known.values.shape[1:]), {}, {}
    for fold, own in held_out(known.folds):
        others = known.of(~own)
        methods[fold] = used = chosen(others) if method == BEST else method
        of_fold[fold] = weigh(others, used)
        oof[own] = apply(used, of_fold[fold], known.values[:, own], known.task, others.values)
    used = chosen(known) if method == BEST else method
    weights = weigh(known, used)
    naive = apply(used, weights, known.values, known.task, known.values)
    return Learned(weights, of_fold, oof, used, methods, naive)


def weigh(known: Known, method: str) -> Floats:
    """Return the weights (m,) of a method, learned on all rows that are known."""
    from harness.builtin.blends import fit
    from harness.builtin.greedy import select

    if method == GREEDY:
        return select(known.values, known.worth)
    absolute = known.metric.name.rpartition(".")[2] == "mae"
    return fit(method, known.values, known.targets, known.weights, known.task, absolute)


def chosen(known: Known) -> str:
    """Return the method whose nested blend scores best; of equals the first."""
    import numpy as np

    methods = [name for name, tasks in BLEND_METHODS.items() if known.task in tasks and name != BEST]
    worths = [known.worth(nested(known, method).oof) for method in methods]
    return methods[int(np.argmax(np.nan_to_num(worths, nan=-np.inf)))]
