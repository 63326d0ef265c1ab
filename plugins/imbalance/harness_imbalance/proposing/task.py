"""Classes or numbers: from the target's values and what the sample file asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from harness.data import TaskType
from harness.errors import ConfigError, DataError, listed
from harness.proposal import Chosen
from harness.schema import match_classes
from harness.tabular.columns import MISSING, in_order
from harness_imbalance.proposing.look import SEVERAL

if TYPE_CHECKING:
    from harness_imbalance.proposing.columns import Found
    from harness_imbalance.proposing.look import Tables

FEW, MANY = 10, 20
"""Different whole numbers that are surely classes, at most, and surely amounts, if there are more."""
OWN = 0.5
"""Share of different texts among the targets above which they are no classes."""
YES = ("1", "true", "yes", "y", "positive", "t")


def choose_task(tables: Tables, found: Found, asked: TaskType | None) -> Chosen:
    """Choose the task type.

    Raises
    ------
    HarnessError
        If the target has a single value or is no text of classes, or numbers may be either.
    """
    texts = _known(tables)
    values = texts.unique()
    where = f"{tables.named_paths['train'].name}: column {found.target.value!r}"
    if not len(values):
        raise DataError(f"{where} (target) is empty in all rows")
    if len(values) == 1:
        raise DataError(f"{where} has a single value, {values[0]!r}; there is nothing to learn; --target NAME?")
    if asked is TaskType.MULTILABEL:
        raise ConfigError(f"--task multilabel: {SEVERAL}; binary, multiclass and regression fit")
    if asked is not None:
        return Chosen(asked, f"as --task says; {len(values)} different values")
    numbers = pd.to_numeric(pd.Series(values), errors="coerce")
    if numbers.isna().any():
        return _texts_to_classes(values, len(texts), where)
    return _numbers_to_task(values, numbers, tables, where)


def _known(tables: Tables) -> pd.Series:
    texts = tables.train[tables.target].astype(str).str.strip()
    return texts[~texts.isin(MISSING)]


def _classes(count: int, told: str) -> Chosen:
    return Chosen(TaskType.BINARY if count == 2 else TaskType.MULTICLASS, told)


def _texts_to_classes(values: object, rows: int, where: str) -> Chosen:
    found = list(values)  # type: ignore[call-overload]
    if len(found) > max(MANY, OWN * rows):
        raise DataError(
            f"{where} holds {len(found):,} different texts in {rows:,} rows, such as {listed(found, 3)}: no classes;"
            " say which column is to be predicted: --target NAME"
        )
    return _classes(len(found), f"{len(found)} classes, as texts: {listed(in_order(found), 8)}")


def _numbers_to_task(values: object, numbers: pd.Series, tables: Tables, where: str) -> Chosen:
    names, count = list(values), len(numbers)  # type: ignore[call-overload]
    asked = tables.sample_columns[1:]
    if len(asked) > 1:
        if match_classes(asked, in_order(names)):
            return _classes(count, f"the sample file has a column for each of the {count} classes")
        raise ConfigError(
            f"{where}: {count} different numbers, but the sample file has the columns {listed(asked)}; say what is"
            " asked for: --task binary, multiclass or regression"
        )
    if (numbers % 1 != 0).any():
        return Chosen(TaskType.REGRESSION, f"{count:,} different numbers, not whole ones")
    if count == 2:
        return _classes(2, f"two different values: {listed(in_order(names))}")
    if _asks_for_fractions(tables):
        return Chosen(TaskType.REGRESSION, "the sample file has numbers that are not whole in its one column")
    if count > MANY:
        return Chosen(TaskType.REGRESSION, f"{count:,} different numbers")
    in_a_row = numbers.max() - numbers.min() == count - 1 and numbers.min() in (0, 1)
    if count <= FEW and in_a_row:
        return _classes(count, f"{count} whole numbers in a row: {listed(in_order(names), 8)}; or --task regression")
    raise ConfigError(
        f"{where}: {count} different whole numbers ({listed(in_order(names), 8)}) may be classes or amounts; say which:"
        " --task multiclass, or --task regression"
    )


def _asks_for_fractions(tables: Tables) -> bool:
    if tables.sample is None or len(tables.sample_columns) < 2:
        return False
    numbers = pd.to_numeric(tables.sample.iloc[:, 1], errors="coerce")
    return bool(numbers.notna().all() and (numbers % 1 != 0).any())


def choose_positive(tables: Tables) -> Chosen:
    """Choose the positive class of a binary task: one that says yes, the one the sample file names, or the rarer."""
    counts = _known(tables).value_counts()
    classes = in_order(counts.index)
    named = [name for name in tables.sample_columns[1:] if name in classes]
    yes = [name for name in classes if name.lower() in YES]
    if len(named) == 1:
        return Chosen(
            named[0], "the sample file has a column of this name; the other class: " + _other(classes, named[0])
        )
    if len(yes) == 1:
        return Chosen(yes[0], f"of {listed(classes)} the one that says yes")
    rarer = counts.index[-1] if counts.iloc[0] > counts.iloc[-1] else classes[-1]
    return Chosen(rarer, f"of {listed(classes)} the rarer one; matters where one probability a row is asked for")


def _other(classes: tuple[str, ...], one: str) -> str:
    return next((name for name in classes if name != one), "")
