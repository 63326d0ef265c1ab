"""Features of this competition alone: how late a client pays, and how much of the limit is used."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness import hookimpl
from harness.data import DatasetInfo
from harness.errors import DataError, listed
from harness.offers import BuildContext, Features
from harness.params import NoParams

STATUS = ("PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6")
BILLS = tuple(f"BILL_AMT{month}" for month in range(1, 7))
PAID = tuple(f"PAY_AMT{month}" for month in range(1, 7))


class Repayment:
    """Adds columns to the table; learns nothing from it."""

    def fit_transform(self, inputs: Any, targets: Any) -> Any:  # noqa: ARG002
        """Return the training rows with the columns added."""
        return self.transform(inputs)

    def transform(self, inputs: Any) -> Any:
        """Return rows with the columns added: months late, shares of the limit, amounts in the currency of the bills.

        Raises
        ------
        DataError
            If the table lacks a column these are made of.
        """
        absent = [name for name in ("LIMIT_BAL", *STATUS, *BILLS, *PAID) if name not in inputs]
        if absent:
            raise DataError(f"local.repayment needs {listed(absent)}; choose features = 'imbalance.columns'")
        limit, bills, paid = inputs["LIMIT_BAL"], inputs[list(BILLS)], inputs[list(PAID)]
        late = inputs[list(STATUS)].clip(lower=0)
        shares = {f"USED_{name}": inputs[name] / limit for name in BILLS}
        return inputs.assign(
            LATE_MAX=late.max(axis=1),
            LATE_SUM=late.sum(axis=1),
            LATE_MONTHS=(late > 0).sum(axis=1).astype(float),
            USED_MEAN=bills.mean(axis=1) / limit,
            USED_TREND=(inputs["BILL_AMT1"] - inputs["BILL_AMT6"]) / limit,
            # a bill of nothing, or a credit, would make the ratio boundless
            PAID_OF_BILLS=(paid.sum(axis=1) / bills.sum(axis=1).clip(lower=1)).clip(upper=10),
            PAID_OF_LIMIT=paid.sum(axis=1) / limit,
            PAID_MIN=paid.min(axis=1),
            HEADROOM=limit - inputs["BILL_AMT1"],
            **shares,
        )

    def save(self, directory: Path) -> None:
        """Write nothing: there is nothing to remember."""

    def load(self, directory: Path) -> None:
        """Read nothing."""


def _build(params: NoParams, info: DatasetInfo, context: BuildContext) -> Repayment:  # noqa: ARG001
    return Repayment()


@hookimpl
def harness_features() -> Iterable[Features]:
    """Offer the columns as features."""
    yield Features("local.repayment", "months late, shares of the limit used and paid", NoParams, _build)
