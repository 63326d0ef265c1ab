"""What else is known of a row: every column without a role, as numbers or categories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.data import Column
from harness.errors import ConfigError, DataError, listed, nearest
from harness.tabular.columns import Schema, as_text, inputs_of, learn_schema
from harness_airquality.stations import COUNTRY, ROLES

if TYPE_CHECKING:
    from harness_airquality.reading.parts import Part
    from harness_airquality.source import StationsParams


def covariates_of(part: Part, params: StationsParams) -> pd.DataFrame:
    """Return the columns of a part that have no role; of the time's own columns those that are kept."""
    taken = {params.place, params.region, params.country, params.id, params.target, *params.drop}
    taken |= {name for name in (params.latitude, params.longitude) if isinstance(name, str)}
    taken |= {*params.times} - {*params.keep}
    frame = part.frame[[name for name in part.frame.columns if str(name) not in taken]].copy()
    for name in params.keep:
        if name in frame and name not in params.categorical:  # it was read as text, to be joined to a time
            numbers = pd.to_numeric(frame[name], errors="coerce")
            frame[name] = frame[name] if (numbers.isna() & frame[name].notna()).any() else numbers
    return frame


def learn_covariates(part: Part, params: StationsParams) -> tuple[Schema, list[str]]:
    """Decide from the training rows what each covariate is.

    Returns
    -------
    Schema
    notes : list of str
        Columns without any value.

    Raises
    ------
    ConfigError
        If a declared column is no column, or a covariate has the name of a role.
    DataError
        If a column of numbers has a few texts in it.
    """
    names = [str(name) for name in part.frame.columns]
    for role in ("categorical", "drop", "keep"):
        for name in getattr(params, role):
            if name not in names:
                raise ConfigError(f"data: {role}: {part.where} has no column {name!r}{nearest(name, names)}")
    frame = covariates_of(part, params)
    clash = sorted({*map(str, frame.columns)} & {*ROLES, COUNTRY})
    if clash:
        raise ConfigError(
            f"data: {part.where} has a column {clash[0]!r}, which is the name of a role: declare it"
            f" ({clash[0]} = {clash[0]!r}) or list it under drop"
        )
    _refuse_marks(part, params, frame)
    if frame.empty:
        return Schema((), {}), []
    schema = learn_schema(frame, params.bare_roles, part.where)
    empty = [column.name for column in schema.columns if frame[column.name].isna().all()]
    return schema, [f"{len(empty)} columns have no value in any training row: {listed(empty, 3)}"] if empty else []


def _refuse_marks(part: Part, params: StationsParams, frame: pd.DataFrame) -> None:
    """Refuse ``ND`` and ``<0.5`` among numbers: they would make a category of thousands of levels."""
    for name in frame.columns:
        if pd.api.types.is_numeric_dtype(frame[name].dtype) or str(name) in params.categorical:
            continue
        texts = as_text(frame[name])
        numbers = pd.to_numeric(texts, errors="coerce")
        odd = (numbers.isna() & texts.notna()).to_numpy()
        if numbers.notna().sum() > odd.sum() > 0:
            raise DataError(
                f"{part.where}: column {name!r} holds numbers, but {listed(map(repr, texts[odd].unique()), 3)} in"
                f" {int(odd.sum())} rows: {part.rows(odd)}; list such texts under missing, or the column under"
                " categorical"
            )


def type_covariates(part: Part, params: StationsParams, schema: Schema, ids: Any) -> pd.DataFrame:
    """Return the covariates of a part, typed as those of the training rows.

    Returns
    -------
    DataFrame
        (n, m): float64 with NaN where missing, or ``category`` with the schema's levels.

    Raises
    ------
    DataError
        If columns are missing or extra, or a number is text or infinite.
    """
    frame = covariates_of(part, params)
    if not schema.columns and frame.empty:
        return pd.DataFrame(index=pd.RangeIndex(len(part)))
    typed: pd.DataFrame = inputs_of(frame, params.bare_roles, schema, ids, part.where)
    return typed


def schema_from(columns: tuple[Column, ...], levels: Mapping[str, Any]) -> Schema:
    """Return the schema of the covariates among all columns of a dataset."""
    kept = tuple(column for column in columns if column.name not in ROLES)
    return Schema(kept, {name: tuple(values) for name, values in levels.items()})


def mean_rows(table: pd.DataFrame, codes: Any, first: Any) -> pd.DataFrame:
    """Average numbers within groups of rows; categories are those of each group's first row.

    Parameters
    ----------
    codes : (n,) int64
        Group of each row, numbered in order of appearance.
    first : (g,) int64
        First row of each group.
    """
    out: pd.DataFrame = table.iloc[first].reset_index(drop=True)
    numbers = list(table.select_dtypes("number").columns)
    if numbers:
        out[numbers] = table[numbers].groupby(np.asarray(codes)).mean().to_numpy()
    return out
