"""Choices that the parameters of several models share; nothing heavy is imported here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.errors import ConfigError, listed

Loss = Literal["rmse", "mae", "huber", "poisson", "tweedie"]
Transform = Literal["none", "log1p", "sqrt"]
Statistic = Literal["mean", "median"]

LINKED = ("poisson", "tweedie")
"""Losses on a logarithmic scale of their own, for targets of 0 and above."""

TRANSFORM_HELP = "scale the targets are learned on: none, log1p or sqrt"
CORRECTION_HELP = "smear predictions of a transformed target back to its mean (Duan 1983); never with loss mae"
INTERVAL_HELP = "nominal coverage of an interval from two quantile models, 0.9 say; 0 = none"


@dataclass(frozen=True)
class Plan:
    """How a model treats the target.

    Attributes
    ----------
    median : bool
        Whether the loss asks for the median: it goes through a monotone transform unchanged, so nothing is corrected.
    nonnegative : bool
        Whether the loss refuses targets below 0.
    interval : float
        Nominal coverage; 0 = no interval.
    bag : int
        Models that differ in their seed only, averaged.
    """

    who: str
    transform: Transform = "none"
    median: bool = False
    nonnegative: bool = False
    bias_correction: bool = True
    interval: float = 0.0
    bag: int = 1

    @property
    def corrects(self) -> bool:
        """Whether predictions are smeared on the way back."""
        return self.bias_correction and self.transform != "none" and not self.median

    @property
    def quantiles(self) -> tuple[float, ...]:
        """Lower and upper quantile of the interval, or none."""
        tail = (1 - self.interval) / 2
        return (tail, 1 - tail) if self.interval > 0 else ()


def refuse_loss(who: str, loss: str, known: tuple[str, ...], transform: str) -> None:
    """Refuse a loss that a library lacks, and a second logarithm on top of a loss that has its own.

    Raises
    ------
    ConfigError
    """
    if loss not in known:
        raise ConfigError(
            f"{who}: loss = {loss!r}: it has {listed(known)}; airquality.catboost has huber, poisson and tweedie"
        )
    if loss in LINKED and transform != "none":
        raise ConfigError(
            f"{who}: loss = {loss!r} works on a logarithmic scale already, so transform = {transform!r} does not fit;"
            " set transform to 'none' or loss to 'rmse'"
        )
