"""Corrections of class shares: offers and parameters only; the methods load when one is built."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from harness.data import DatasetInfo
from harness.offers import CLASSIFICATION, Adjuster, Adjustment
from harness.params import NoParams, param


@dataclass(frozen=True)
class LabelShiftParams:
    """How the test set's class shares are estimated, and when the estimate is trusted."""

    calibrate: Literal["auto", "none", "bias", "temperature", "bcts"] = param(
        "auto", "calibration before estimating: none, bias per class, temperature, bcts (both), or auto, by simulation"
    )
    simulations: int = param(40, "simulated batches on which the correction must prove itself", low=4, high=1000)
    batch: int = param(1000, "rows of a simulated batch", low=20, high=100000)
    disagreement: float = param(
        0.1, "total variation between the two estimates above which a warning is given", low=0.0, high=1.0
    )


def _sampling_correction(params: NoParams, info: DatasetInfo) -> Adjustment:  # noqa: ARG001
    from harness_imbalance.adjusters.sampling import SamplingCorrection

    return SamplingCorrection(info.classes)


def _label_shift(params: LabelShiftParams, info: DatasetInfo) -> Adjustment:
    from harness_imbalance.adjusters.shift import LabelShift

    return LabelShift(params, info.classes)


def adjusters() -> Iterable[Adjuster]:
    """Yield the plugin's adjusters."""
    yield Adjuster(
        "imbalance.sampling_correction",
        "exact correction for class shares changed by sampling or weights",
        CLASSIFICATION,
        NoParams,
        _sampling_correction,
    )
    yield Adjuster(
        "imbalance.label_shift",
        "correction to the test set's own class shares, estimated without labels",
        CLASSIFICATION,
        LabelShiftParams,
        _label_shift,
        sees_test=True,
    )
