"""SMOTE, then random undersampling of the majority (Chawla et al. 2002, section 4.3)."""

from __future__ import annotations

from dataclasses import dataclass

from harness.data import DatasetInfo, Examples
from harness.offers import Rebalancer
from harness.params import param

from .counts import class_counts, codes, majority
from .generate import SmoteParams, smote_only
from .undersample import UndersampleParams
from .undersample import rebalance as undersample


@dataclass(frozen=True)
class SmoteUndersampleParams(SmoteParams):
    """Parameters of `imbalance.smote_undersample`."""

    keep: float = param(
        0.25, "share of the majority to keep after SMOTE", low=0.0001, high=1.0, log=True, tune=(0.05, 1.0)
    )


def rebalance(params: SmoteUndersampleParams, examples: Examples, info: DatasetInfo, seed: int) -> Examples:
    """Grow the smaller classes, then keep a share of what was the majority before."""
    most = info.classes[majority(class_counts(codes(examples, info)))]
    return undersample(UndersampleParams(params.keep, (most,)), smote_only(params, examples, info, seed), info, seed)


REBALANCER = Rebalancer(
    "imbalance.smote_undersample",
    "SMOTE, then keep a random share of the majority",
    SmoteUndersampleParams,
    rebalance,
    generates=True,
)
