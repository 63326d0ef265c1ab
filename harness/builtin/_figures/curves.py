"""The numbers behind the classification figures; nothing is drawn here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Reliability:
    """Predicted against observed shares in bins of equal width.

    Attributes
    ----------
    predicted, observed : (m,) float64
        Weighted means over the rows of each bin that has rows.
    low, high : (m,) float64
        95% Wilson interval of `observed`.
    effective : (m,) float64
        Rows behind each observed share; with weights, their effective number.
    rows : (bins,) float64
        Share of the weight in every bin, empty ones too.
    gap : float
        Mean of ``|predicted - observed|``, weighted by the bins' weight; with the top class's confidence this is the
        expected calibration error, as the metric ``ece``; of a binary task's positive class it is another number.
    mean_predicted, mean_observed : float
    """

    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats
    effective: Floats
    rows: Floats
    gap: float
    mean_predicted: float
    mean_observed: float


def reliability(confidence: Floats, hit: Floats, weights: Floats, bins: int = 15) -> Reliability:
    """Bin confidences and compare them with what happened.

    Parameters
    ----------
    confidence : (n,) float64 in [0, 1]
    hit : (n,) float64 in {0, 1}
    weights : (n,) float64
    bins : int
        Of equal width, closed on the right, as in Guo et al. 2017, "On calibration of modern neural networks"
        (https://arxiv.org/abs/1706.04599).

    Examples
    --------
    >>> found = reliability(np.array([0.2, 0.2, 0.9, 0.9]), np.array([0.0, 1.0, 1.0, 1.0]), np.ones(4), bins=2)
    >>> round(found.gap, 3), found.observed.tolist()
    (0.2, [0.5, 1.0])
    """
    where = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    mass = np.bincount(where, weights, bins)
    squares = np.bincount(where, weights**2, bins)
    used = mass > 0
    predicted = np.bincount(where, weights * confidence, bins)[used] / mass[used]
    observed = np.bincount(where, weights * hit, bins)[used] / mass[used]
    effective = mass[used] ** 2 / squares[used]
    low, high = wilson(observed, effective)
    share = mass / mass.sum()
    gap = float(np.sum(share[used] * np.abs(predicted - observed)))
    mean_predicted = float(np.average(confidence, weights=weights))
    return Reliability(
        predicted, observed, low, high, effective, share, gap, mean_predicted, float(np.average(hit, weights=weights))
    )


def wilson(share: Floats, rows: Floats, z: float = 1.96) -> tuple[Floats, Floats]:
    """Return Wilson's score interval of shares.

    Parameters
    ----------
    share : (m,) float64
    rows : (m,) float64
        Rows behind each share; with weights, the effective number ``sum(w)^2 / sum(w^2)``.

    References
    ----------
    Wilson 1927, "Probable inference, the law of succession, and statistical inference",
    https://doi.org/10.1080/01621459.1927.10502953
    """
    scale = 1 + z**2 / rows
    centre = (share + z**2 / (2 * rows)) / scale
    half = z * np.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2)) / scale
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """One class's curve.

    Attributes
    ----------
    precision, recall : (m,) float64
        Thinned for drawing; recall falls.
    average : float
        Average precision of the whole curve.
    prevalence : float
        The (weighted) share of the class: the precision of a blind guess.
    point : (recall, precision) or None
        Where the decisions lie; None without decisions, or if they never name the class.
    """

    precision: Floats
    recall: Floats
    average: float
    prevalence: float
    point: tuple[float, float] | None


def precision_recall(truth: Floats, score: Floats, decided: Floats | None, weights: Floats) -> PrecisionRecall | None:
    """Return one class's precision-recall curve, or None if the class does not occur.

    Parameters
    ----------
    truth : (n,) float64 in {0, 1}
    score : (n,) float64
    decided : (n,) float64 in {0, 1} or None
    weights : (n,) float64
    """
    from sklearn.metrics import precision_recall_curve

    positive = float(np.sum(weights * truth))
    if positive <= 0:
        return None
    precision, recall, _ = precision_recall_curve(truth, score, sample_weight=weights)
    average = float(-np.sum(np.diff(recall) * precision[:-1]))
    point = None
    if decided is not None and np.sum(weights * decided) > 0:
        hits = float(np.sum(weights * truth * decided))
        point = (hits / positive, hits / float(np.sum(weights * decided)))
    kept = _thinned(recall)
    return PrecisionRecall(precision[kept], recall[kept], average, positive / float(np.sum(weights)), point)


def _thinned(recall: Floats, limit: int = 600) -> NDArray[np.int64]:
    # a million thresholds draw no better than a few hundred; both ends stay
    if len(recall) <= limit:
        return np.arange(len(recall), dtype=np.int64)
    return np.unique(np.linspace(0, len(recall) - 1, limit).round().astype(np.int64))


@dataclass(frozen=True, eq=False)
class Confusion:
    """Truth against decision.

    Attributes
    ----------
    names, decided : tuple of str
        Names of rows (truth) and columns (decisions). Columns may end with ``none``: rows decided as no class.
    own : (rows,) int64
        Column of each row's class.
    counts : (rows, columns) float64
    shares : (rows, columns) float64
        Of each row's weight.
    """

    names: tuple[str, ...]
    decided: tuple[str, ...]
    counts: Floats
    shares: Floats
    recall: Floats
    precision: Floats
    own: NDArray[np.int64]


def confusion(
    codes: NDArray[Any], decisions: Floats, weights: Floats, classes: tuple[str, ...], limit: int = 20
) -> Confusion:
    """Count decisions by true class; classes beyond the `limit` most frequent are joined as ``other``.

    Rows of weight 0 do not count. A class without other rows is left out; it stays a column if some are taken for it.

    Parameters
    ----------
    codes : (n,) int64
        True classes.
    decisions : (n, k) float64 in {0, 1}
        One-hot; an all-zero row decides for no class.
    weights : (n,) float64
    """
    k = len(classes)
    codes, decisions, weights = codes[weights > 0], decisions[weights > 0], weights[weights > 0]
    chosen = np.where(decisions.sum(axis=1) > 0, decisions.argmax(axis=1), k)
    names = list(classes)
    if k > limit:
        frequent = np.sort(np.argsort(-np.bincount(codes, minlength=k), kind="stable")[: limit - 1])
        place = np.full(k + 1, limit - 1)
        place[frequent] = np.arange(limit - 1)
        place[k] = limit
        codes, chosen = place[codes], place[chosen]
        names = [*(classes[code] for code in frequent), "other"]
        k = limit
    cells = codes.astype(np.int64) * (k + 1) + chosen
    counts = np.bincount(cells, minlength=k * (k + 1)).reshape(k, k + 1).astype(np.float64)
    mass = np.bincount(cells, weights, k * (k + 1)).reshape(k, k + 1)
    rows = np.flatnonzero(counts.sum(axis=1) > 0)
    columns = np.union1d(rows, np.flatnonzero(counts.sum(axis=0) > 0))
    return Confusion(
        tuple(names[row] for row in rows),
        tuple([*names, "none"][column] for column in columns),
        counts[np.ix_(rows, columns)],
        _shares(mass, mass.sum(axis=1, keepdims=True))[np.ix_(rows, columns)],
        _shares(np.diag(mass), mass.sum(axis=1))[rows],
        _shares(np.diag(mass), mass[:, :k].sum(axis=0))[rows],
        np.searchsorted(columns, rows),
    )


def _shares(part: NDArray[Any], whole: NDArray[Any]) -> Floats:
    out = np.zeros(part.shape, dtype=np.float64)
    np.divide(part, whole, out=out, where=whole > 0)
    return out
