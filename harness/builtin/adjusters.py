"""Built-in adjusters: temperature and isotonic calibration, and thresholds for F1.

Only parameters and offers are here; the methods load when one is built.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from harness.data import DatasetInfo, TaskType
from harness.errors import ConfigError
from harness.hookspecs import hookimpl
from harness.offers import CLASSIFICATION, Adjuster, Adjustment
from harness.params import NoParams, param

LABELS = CLASSIFICATION | {TaskType.MULTILABEL}


@dataclass(frozen=True)
class ThresholdParams:
    """What thresholds are tuned for."""

    metric: Literal["macro_f1", "f1"] = param("macro_f1", "macro_f1, or f1 of the positive class of a binary task")
    per_class: bool = param(True, "multilabel: one threshold per class, else one for all")


def _temperature(params: NoParams, info: DatasetInfo) -> Adjustment:  # noqa: ARG001
    from harness.builtin.calibration import Temperature

    return Temperature(info.task_type)


def _isotonic(params: NoParams, info: DatasetInfo) -> Adjustment:  # noqa: ARG001
    from harness.builtin.calibration import Isotonic

    return Isotonic(info.task_type)


def _threshold(params: ThresholdParams, info: DatasetInfo) -> Adjustment:
    from harness.builtin.thresholds import Thresholds

    if params.metric == "f1" and info.task_type is not TaskType.BINARY:
        raise ConfigError(f"threshold: metric = 'f1' needs a binary task, this one is {info.task_type}; use 'macro_f1'")
    return Thresholds(info.task_type, info.classes, params.metric, params.per_class)


@hookimpl
def harness_adjusters() -> Iterable[Adjuster]:
    yield Adjuster("temperature", "one temperature on log-probabilities or logits", LABELS, NoParams, _temperature)
    yield Adjuster("isotonic", "isotonic calibration, one class against the rest", LABELS, NoParams, _isotonic)
    yield Adjuster("threshold", "thresholds that maximise F1", LABELS, ThresholdParams, _threshold)
