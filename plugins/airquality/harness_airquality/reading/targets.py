"""What was measured: the target as numbers, and what becomes of missing and negative ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.errors import DataError
from harness.tabular.columns import MISSING, as_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness_airquality.reading.parts import Part
    from harness_airquality.source import StationsParams

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]


def read_targets(part: Part, params: StationsParams) -> tuple[Floats, Mask, list[str]]:
    """Read the targets of a labelled part and decide which rows stay.

    Returns
    -------
    targets : (n,) float64
    kept : (n,) bool
        False for the rows that a policy drops.
    notes : list of str
        What was dropped, counted.

    Raises
    ------
    DataError
        Naming the rows whose target is text, infinite, or missing or negative where that is refused.
    """
    targets = _numbers(part, params)
    missing, negative = np.isnan(targets), targets < 0
    notes = []
    for what, rows, policy, key in (
        ("without a target", missing, params.missing_target, "missing_target"),
        ("with a negative target", negative, params.negative_target, "negative_target"),
    ):
        if not rows.any():
            continue
        if policy == "refuse":
            raise DataError(_refusal(part, params, what, rows, key))
        done = "were dropped" if policy == "drop" else "are kept"
        notes.append(f"{int(rows.sum()):,} of {len(part):,} rows of {part.where} {what} {done}")
    kept = ~missing & ~(negative & (params.negative_target == "drop"))
    if not kept.any():
        raise DataError(f"{part.where}: no row with a usable {params.target!r} is left of {len(part)}")
    return targets, kept, notes


def _refusal(part: Part, params: StationsParams, what: str, rows: Mask, key: str) -> str:
    others = '"drop"' if key == "missing_target" else '"drop" or "keep", or missing = ["-999"] for such a mark'
    return f"{part.where}: {int(rows.sum())} rows {what} ({params.target!r}): {part.rows(rows)}; set {key} = {others}"


def _numbers(part: Part, params: StationsParams) -> Floats:
    values: pd.Series[Any] = part.column(params.target, "target")
    texts = pd.Series([text.strip() for text in as_text(values).fillna("")], dtype=object)
    missing = texts.isin({*MISSING, *params.missing})
    numbers = pd.to_numeric(texts.where(~missing), errors="coerce").to_numpy(dtype=np.float64, copy=True)
    strange = ~np.isfinite(numbers) & ~missing.to_numpy()
    if strange.any():
        raise DataError(
            f"{part.where}: {params.target!r} is no finite number in {int(strange.sum())} rows: {part.rows(strange)};"
            f" the first is {texts[strange].iloc[0]!r}; mend them, or list the text under missing"
        )
    return numbers
