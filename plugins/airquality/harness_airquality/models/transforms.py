"""Target transforms, and the mean on the way back (Duan 1983, https://doi.org/10.2307/2288126)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .choices import Transform

    Floats = NDArray[np.float64]


def forward(targets: Floats, transform: Transform, who: str) -> Floats:
    """Return targets (n,) on the scale that is learned.

    Raises
    ------
    DataError
        If a target lies outside the domain.
    """
    lowest = {"none": -np.inf, "log1p": -1.0, "sqrt": 0.0}[transform]
    outside = targets <= lowest if transform == "log1p" else targets < lowest
    if outside.any():
        raise DataError(
            f"{who}: transform = {transform!r} needs targets {'above' if transform == 'log1p' else 'of at least'}"
            f" {lowest:g}, but {int(outside.sum())} of {len(targets)} are not (lowest {targets.min():g});"
            " set transform to 'none' or mend the targets"
        )
    if transform == "log1p":
        return np.asarray(np.log1p(targets))
    return np.sqrt(targets) if transform == "sqrt" else targets


def inverse(values: Floats, transform: Transform) -> Floats:
    """Return values (n,) on the target's own scale; monotone, so quantiles and medians stay what they are."""
    if transform == "log1p":
        return np.asarray(np.expm1(values))
    return np.maximum(values, 0.0) ** 2 if transform == "sqrt" else values


@dataclass(frozen=True)
class Smearing:
    """The mean of ``inverse(value + residual)``, as the two numbers that suffice for it.

    Attributes
    ----------
    first : float
        log1p: mean of exp(residual); sqrt: mean of the residuals.
    second : float
        sqrt: mean of the squared residuals.
    """

    transform: Transform
    first: float
    second: float = 0.0

    def mean(self, values: Floats) -> Floats:
        """Return the retransformed means of values (n,)."""
        if self.transform == "log1p":
            return np.asarray(np.exp(values) * self.first - 1.0)
        return values**2 + 2 * values * self.first + self.second

    def as_json(self) -> dict[str, str | float]:
        """Return JSON values that the constructor takes."""
        return asdict(self)


def smearing(values: Floats, residuals: Floats, weights: Floats | None, transform: Transform) -> Smearing:
    """Learn the retransformation from predictions and residuals (n,) of the same rows, on the transformed scale.

    Duan's residuals do not depend on the prediction. Those of a model that overfits do: where it predicts high they are
    low, and his plain mean then predicts too much. So each counts by the slope of the inverse at its prediction, which
    makes the mean prediction of these rows equal to their mean target, as the ratio estimator of Snowdon (1991,
    https://doi.org/10.1139/x91-101) does; where all predictions are equal it is Duan's mean.

    Examples
    --------
    A log-normal variable: the median is exp(mu), the mean exp(mu + s ** 2 / 2).

    >>> normal = np.random.default_rng(0).normal(0, 0.5, 1_000_000)
    >>> learned = smearing(np.full(1_000_000, 2.0), normal, None, "log1p")
    >>> round(float((learned.mean(np.array([2.0]))[0] + 1) / np.exp(2 + 0.5**2 / 2)), 2)
    1.0
    """
    counts = np.ones(len(values)) if weights is None else weights
    if transform == "log1p":
        return Smearing(transform, float(np.average(np.exp(residuals), weights=counts * np.exp(values))))
    slopes = counts * values
    first = float(np.average(residuals, weights=slopes)) if slopes.sum() > 0 else 0.0
    return Smearing(transform, first, float(np.average(residuals**2, weights=counts)))
