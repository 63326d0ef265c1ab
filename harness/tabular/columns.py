"""Columns of a table: what is a number, what is a category, learned from the training rows and imposed on others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pandas.api import types

from harness.data import Column, check_unique
from harness.errors import DataError, listed, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.tabular.roles import Roles


MISSING = ("", "NaN", "nan", "-NaN", "-nan", "NA", "N/A", "n/a", "<NA>", "#N/A", "#NA", "NULL", "null", "None")
"""Texts in a file that mean a missing value."""
UNSEEN = "unseen"
"""Attribute of a table of inputs: column -> rows whose value the training rows do not have."""


@dataclass(frozen=True)
class Schema:
    """Input columns in order, and the levels of those that are categories."""

    columns: tuple[Column, ...]
    levels: Mapping[str, tuple[str, ...]]


def as_text(values: pd.Series) -> pd.Series:
    """Return values as text, whole numbers without a decimal point, missing ones as None.

    Examples
    --------
    >>> as_text(pd.Series([1.0, 2.5, None])).tolist()
    ['1', '2.5', None]
    """
    known = values.notna()
    if isinstance(values.dtype, pd.StringDtype):
        return values.astype(object).where(known, None)
    if types.is_float_dtype(values.dtype):
        texts = [str(int(value)) if float(value).is_integer() else str(value) for value in values[known]]
    else:
        texts = [str(value) for value in values[known]]
    out = pd.Series([None] * len(values), index=values.index, dtype=object)
    out[known] = texts
    return out


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Sort names, by value if all are numbers.

    Examples
    --------
    >>> in_order(["10", "9", "1"]), in_order(["b", "10", "9"])
    (('1', '9', '10'), ('10', '9', 'b'))
    """
    found = sorted(set(names))
    try:
        return tuple(sorted(found, key=float))
    except ValueError:
        return tuple(found)


def text_columns(frame: pd.DataFrame) -> list[str]:
    """Return the columns that hold text, so that other files are read alike."""
    return [str(name) for name in frame if not types.is_numeric_dtype(frame[name].dtype)]


def learn_schema(train: pd.DataFrame, roles: Roles, where: str, texts: Collection[str] = ()) -> Schema:
    """Decide what each input column is.

    Text, flags and what is declared in ``categorical`` are categories; all else is a number.

    Parameters
    ----------
    texts : collection of str
        Columns of free text, which are kept as they are.

    Raises
    ------
    DataError
        If a declared column is missing, or one holds dates.
    """
    names = [str(name) for name in train.columns]
    _check_declared(names, roles, texts, where)
    columns, levels = [], {}
    for name in names:
        if name in _apart(roles):
            continue
        if name in texts:
            columns.append(Column(name, "text"))
            continue
        if types.is_datetime64_any_dtype(train[name].dtype):
            raise DataError(f"{where}: column {name!r} holds dates; list it under meta or drop")
        if name in roles.categorical or _is_category(train[name]):
            levels[name] = in_order(as_text(train[name]).dropna())
        columns.append(Column(name, "category" if name in levels else "number"))
    if not columns:
        raise DataError(f"{where} has no input columns besides id, target, meta and drop")
    return Schema(tuple(columns), levels)


def _check_declared(names: list[str], roles: Roles, texts: Collection[str], where: str) -> None:
    declared = {role: getattr(roles, role) for role in ("target", "id", "categorical", "meta", "drop")}
    for role, value in {**declared, "text": tuple(texts)}.items():
        for name in (value,) if isinstance(value, str) else value:
            if name and name not in names:
                raise DataError(f"{where} has no column {name!r} ({role}){nearest(name, names)}")


def _is_category(values: pd.Series) -> bool:
    numeric = types.is_numeric_dtype(values.dtype) and not types.is_bool_dtype(values.dtype)
    return not numeric and bool(values.notna().any())


def _apart(roles: Roles) -> set[str]:
    return {roles.id, roles.target, *roles.meta, *roles.drop}


def inputs_of(frame: pd.DataFrame, roles: Roles, schema: Schema, ids: NDArray[np.object_], where: str) -> pd.DataFrame:
    """Return the input columns of a part, typed as the training rows are.

    Returns
    -------
    DataFrame
        (n, m): float64, ``category`` with the schema's levels (an unknown level is missing), or texts ("" is missing).
        Its ``attrs`` tell under `UNSEEN` in how many rows of which columns a level is unknown.

    Raises
    ------
    DataError
        If columns are missing or extra, or a number is text or infinite.
    """
    wanted = [column.name for column in schema.columns]
    found = [str(name) for name in frame.columns if str(name) not in _apart(roles)]
    missing, extra = [n for n in wanted if n not in found], [n for n in found if n not in wanted]
    if missing or extra:
        lists = (("missing", missing), ("extra", extra))
        told = "; ".join(f"{word} {listed(names)}" for word, names in lists if names)
        raise DataError(
            f"{where} does not have the columns of the training data: {told} (rename them, add them, or"
            " list under drop what is no input)"
        )
    typed = {column.name: _typed(frame[column.name], column, schema, ids, where) for column in schema.columns}
    table = pd.DataFrame(typed, copy=False).reset_index(drop=True)
    gone = {name: np.asarray(pd.isna(typed[name])) & frame[name].notna().to_numpy() for name in schema.levels}
    lost = {name: int(rows.sum()) for name, rows in gone.items()}
    if any(lost.values()):
        table.attrs[UNSEEN] = {name: count for name, count in lost.items() if count}
    refuse_infinite(table, where)
    return table


def refuse_infinite(table: pd.DataFrame, where: str) -> None:
    """Refuse infinite numbers, naming their columns.

    Raises
    ------
    DataError
    """
    numbers = table.select_dtypes("number")
    infinite = [str(name) for name in numbers if np.isinf(numbers[name].to_numpy()).any()]
    if infinite:
        raise DataError(f"{where}: infinite values in {listed(infinite)}; make them missing or finite")


def _typed(
    values: pd.Series, column: Column, schema: Schema, ids: NDArray[np.object_], where: str
) -> pd.Series | NDArray[np.object_]:
    if column.kind == "text":
        return as_text(values).fillna("").to_numpy(dtype=object)
    if column.kind == "category":
        return _category(values, schema.levels[column.name])
    return _number(values, ids, where)


def _category(values: pd.Series, levels: tuple[str, ...]) -> pd.Series:
    dtype = pd.CategoricalDtype(pd.Index(levels, dtype=object))
    return pd.Series(pd.Categorical(as_text(values).where(lambda text: text.isin(levels)), dtype=dtype))


def _number(values: pd.Series, ids: NDArray[np.object_], where: str) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce").astype("float64").reset_index(drop=True)
    strange = (numbers.isna() & values.notna().to_numpy()).to_numpy()
    if strange.any():
        raise DataError(
            f"{where}: column {values.name!r} holds numbers in the training data, but {values[strange].iloc[0]!r} in"
            f" {strange.sum()} rows: {listed(ids[strange])}"
        )
    return numbers


def row_ids(frame: pd.DataFrame, roles: Roles, part: str, where: str) -> NDArray[np.object_]:
    """Return the ids of a part's rows as text, as they stand in the file.

    Without an id column they are row numbers from 0, ``train-0`` and ``valid-0`` outside the test set.

    Returns
    -------
    (n,) object array of str

    Raises
    ------
    DataError
        If ids are empty or not unique.
    """
    if not roles.id:
        prefix = "" if part == "test" else f"{part}-"
        return np.array([f"{prefix}{row}" for row in range(len(frame))], dtype=object)
    if roles.id not in frame:
        raise DataError(f"{where} has no column {roles.id!r} (id){nearest(roles.id, map(str, frame.columns))}")
    ids = frame[roles.id].to_numpy(dtype=object)
    empty = np.flatnonzero(ids == "")
    if len(empty):
        raise DataError(f"{where}: {len(empty)} rows have no id: rows {listed(empty + 1)} after the header")
    check_unique(ids, where)
    return ids
