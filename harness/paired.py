"""Scores of several predictors on the same rows: which differ by more than chance, and how sure their order is.

Each comparison is with the best. What a difference of scores would vary by has two parts:

- other rows: a paired bootstrap of units, `harness.resampling.bootstrap`;
- another training (seed, training rows): a jackknife over folds, `harness.resampling.fold_deviations`. It holds the
  rows' part too, so that the greater of both is taken.

The test is Student's: K - 1 degrees of freedom where the K folds tell the variance, more where the rows' part exceeds
theirs (`degrees_of_freedom`). Probabilities are corrected for the number of comparisons after S. Holm, "A simple
sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979).

What this cannot see: folds share most of their training rows, so that what all of them have in common does not show in
their differences, and another training sample would move scores by more than is told (C. Nadeau and Y. Bengio,
"Inference for the generalization error", Machine Learning 52, 2003; with five folds they multiply the variance by
2.25). And the best is
chosen among all by the same scores: that the truly best entry is among the tied is what the correction holds, not that
every entry outside is worse than this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.resampling import Entries, bootstrap, fold_deviations, halves

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.int64]

ALPHA = 0.05
"""Corrected probability from which on a difference is put down to chance."""
DRAWS_OF_BEST = 4000
FAR = 3.0
"""Standard errors from which a reader takes a difference for a true one."""


@dataclass(frozen=True, eq=False)
class Compared:
    """What comparing m entries with the first of them says.

    Attributes
    ----------
    difference, stderr, p, best : (m,) float64
        Difference to the first (positive: worse), its standard error, its corrected probability (two-sided), and the
        probability of being truly best.
    ranks : (m, 2) int64
        From the 5 % to the 95 % quantile over half-splits.
    stability : float
        Kendall's tau between the orders of two halves, mean over splits; NaN for one entry.
    draws : int
        Bootstrap draws that every entry has a score on.
    folds : int
        Folds that told what another training changes; 0 where none did.
    unsure : (m,) bool
        Differs by `FAR` standard errors or more and is put down to chance still, since so few folds tell the error.
    """

    difference: Floats
    stderr: Floats
    p: Floats
    best: Floats
    ranks: Codes
    stability: float
    draws: int
    folds: int
    unsure: NDArray[np.bool_]


def compare(entries: Entries, seed: int = 0) -> Compared:
    """Compare entries with the first of them.

    Raises
    ------
    ValueError
        If fewer than half of the bootstrap draws define every score.
    """
    import numpy as np

    if len(entries.scores) == 1:
        zero, one = np.zeros(1), np.ones(1)
        return Compared(zero, zero, one, one, np.ones((1, 2), dtype=np.int64), float("nan"), 0, 0, one > 1)
    rng = np.random.default_rng(seed)
    drawn, by_fold = bootstrap(entries, rng), fold_deviations(entries)
    difference, stderr, p = differences(entries, drawn, by_fold)
    ranks, stability = rank_stability(entries, rng)
    relative = entries.sign * (drawn - drawn[:, :1])
    best = probability_of_best(difference, relative, *spread(entries, drawn, by_fold), rng)
    folds = 0 if by_fold is None else len(by_fold)
    with np.errstate(divide="ignore", invalid="ignore"):
        unsure = (p >= ALPHA) & (difference / stderr >= FAR) & (folds > 0)
    return Compared(difference, stderr, p, best, ranks, stability, len(drawn), folds, unsure)


def differences(entries: Entries, drawn: Floats, by_fold: Floats | None) -> tuple[Floats, Floats, Floats]:
    """Test each entry against the first.

    Parameters
    ----------
    drawn : (draws, m) float64
        From `bootstrap`.
    by_fold : (K, m) float64 or None
        From `fold_deviations`; None: another training is told by `Entries.refit`.

    Returns
    -------
    difference, stderr, p : (m,) float64
        As in `Compared`.
    """
    import numpy as np

    difference = entries.sign * (entries.scores - entries.scores[0])
    variance, df = spread(entries, drawn, by_fold)
    stderr = np.sqrt(variance)
    p = two_sided(difference, stderr, df)
    p[1:] = holm(p[1:], None if entries.same_as is None else entries.same_as[1:])
    stderr[0], p[0] = 0.0, 1.0
    return difference, stderr, p


def spread(entries: Entries, drawn: Floats, by_fold: Floats | None) -> tuple[Floats, Floats]:
    """Return the variance of each difference to the first entry, and its degrees of freedom: both (m,).

    Parameters
    ----------
    drawn, by_fold
        As in `differences`.
    """
    import numpy as np

    rows = (drawn - drawn[:, :1]).var(axis=0, ddof=1)
    if by_fold is not None:
        jackknife = ((by_fold - by_fold[:, :1]) ** 2).sum(axis=0)
        variance = np.maximum(rows, jackknife)
        df = degrees_of_freedom(rows, jackknife, len(by_fold))
    else:
        variance = rows + entries.refit + entries.refit[0]
        uncertain = entries.refit**2 / entries.refit_df  # Satterthwaite's sum; infinite degrees add nothing
        with np.errstate(divide="ignore", invalid="ignore"):
            df = np.nan_to_num(variance**2 / (uncertain + uncertain[0]), nan=np.inf, posinf=np.inf)
    variance[0] = 0.0
    return variance, np.minimum(df, len(drawn) - 1.0)


def degrees_of_freedom(rows: Floats, jackknife: Floats, folds: int) -> Floats:
    """Return (K - 1) (V / J)^2 for V = max(rows, jackknife), J = jackknife.

    The variance of J, which is chi-squared with K - 1 degrees, set against V as Satterthwaite does (Biometrics
    Bulletin 2, 1946). In simulations of no true difference, whatever the rows' share of the variance, it rejects 5.0 %
    at most for five folds and ten (5.5 % for three), where counting the excess V - rows alone as uncertain rejects up
    to 8.9 % for five.
    """
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        df: Floats = (folds - 1) * (np.maximum(rows, jackknife) / jackknife) ** 2
    return np.nan_to_num(df, nan=np.inf, posinf=np.inf)


def two_sided(difference: Floats, stderr: Floats, df: Floats) -> Floats:
    """Return Student's two-sided probabilities; 1 for what is equal, 0 for what differs without any spread."""
    import numpy as np
    from scipy import stats

    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stats.t.sf(np.abs(difference) / stderr, df)
    found: Floats = np.where(difference == 0, 1.0, np.where(stderr > 0, p, 0.0))
    return found


def holm(p: Floats, same_as: Codes | None = None) -> Floats:
    """Correct probabilities for their number, step by step from the least.

    Parameters
    ----------
    same_as : (m,) int64, optional
        Comparisons with the same number are one, and count once; those with 0 are of the first entry with itself under
        another name, and count for nothing.

    Examples
    --------
    >>> import numpy as np
    >>> holm(np.array([0.04, 0.01, 0.03])).round(3).tolist()
    [0.06, 0.03, 0.06]
    >>> holm(np.array([0.04, 0.01, 0.01, 1.0]), np.array([1, 2, 2, 0])).round(3).tolist()
    [0.04, 0.02, 0.02, 1.0]
    """
    import numpy as np

    same_as = np.arange(1, len(p) + 1) if same_as is None else same_as
    _, first, back = np.unique(same_as, return_index=True, return_inverse=True)
    one, counts = p[first], same_as[first] > 0
    order = np.argsort(np.where(counts, one, np.inf), kind="stable")
    times = np.maximum(np.arange(counts.sum(), counts.sum() - len(one), -1), 1)
    corrected: Floats = np.empty_like(one)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(one[order] * times))
    return corrected[back]


def probability_of_best(
    difference: Floats, relative: Floats, variance: Floats, df: Floats, rng: np.random.Generator
) -> Floats:
    """Return how often each entry is best, if differences lie around those found as widely as the test takes them to.

    Bootstrap draws tell how differences go together; they are stretched to the whole variance, with tails of Student's
    t. Of two entries the first is so best with 1 - p/2.

    Parameters
    ----------
    difference : (m,) float64
        To the first entry, positive: worse.
    relative : (draws, m) float64
        Deviations of differences by rows.
    variance, df : (m,) float64
        From `spread`.

    Returns
    -------
    (m,) float64
        Sums to 1; equal ones share.
    """
    import numpy as np

    drawn = np.tile(relative, (-(-DRAWS_OF_BEST // len(relative)), 1))
    rows = relative.var(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        stretched = np.where(
            rows > 0, drawn * np.sqrt(variance / rows), rng.normal(size=drawn.shape) * np.sqrt(variance)
        )
    finite = np.where(np.isfinite(df), df, 1.0)
    tails = np.where(np.isfinite(df), np.sqrt(finite / rng.chisquare(finite, size=drawn.shape)), 1.0)
    values = difference + stretched * tails
    values[:, 0] = 0.0
    first = values == values.min(axis=1, keepdims=True)
    shares: Floats = (first / first.sum(axis=1, keepdims=True)).mean(axis=0)
    return shares


def rank_stability(entries: Entries, rng: np.random.Generator) -> tuple[Codes, float]:
    """Rank entries on each of two halves of the units, `SPLITS` times.

    Returns
    -------
    (m, 2) int64
        Ranks from the 5 % to the 95 % quantile.
    float
        Mean of Kendall's tau between the halves (M. Kendall, Biometrika 30, 1938); NaN where nothing is ordered.
    """
    import numpy as np
    from scipy import stats

    ranks, agreement = [], []
    for deviation in halves(entries, rng):
        one, other = (
            stats.rankdata(entries.sign * (entries.scores + part), method="min") for part in (deviation, -deviation)
        )
        ranks += [one, other]
        agreement.append(float(stats.kendalltau(one, other).statistic))
    if not ranks:
        return np.tile([1, len(entries.scores)], (len(entries.scores), 1)), float("nan")
    low, high = (
        np.quantile(ranks, level, axis=0, method=method)  # type: ignore[call-overload]
        for level, method in ((0.05, "lower"), (0.95, "higher"))
    )
    known = [value for value in agreement if not np.isnan(value)]
    return np.stack([low, high], axis=1).astype(np.int64), float(np.mean(known)) if known else float("nan")
