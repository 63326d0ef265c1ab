"""Targets of a table: class names to codes in one global order, or numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.data import TaskType
from harness.errors import ConfigError, DataError, listed, nearest
from harness.tabular.columns import MISSING, in_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness_imbalance.table import TableParams


@dataclass(frozen=True)
class Labels:
    """What a target means.

    Attributes
    ----------
    classes : tuple of str
        Empty for a regression.
    codes : mapping of str to int
        Position in `classes` by the text in the file.
    missing : frozenset of str
        Texts that mean a missing label; not those that a class is declared under.
    """

    classes: tuple[str, ...]
    codes: Mapping[str, int]
    missing: frozenset[str]

    def encode(self, frame: pd.DataFrame, column: str, ids: NDArray[np.object_], where: str) -> NDArray[Any]:
        """Return the targets of rows.

        Returns
        -------
        (n,) int64 codes, or (n,) float64 for a regression

        Raises
        ------
        DataError
            Naming the rows without a target, or with one that the training rows do not have.
        """
        texts = _texts(frame, column, where)
        absent = np.array([text.strip() in self.missing for text in texts])
        if absent.any():
            raise DataError(
                f"{where}: {column!r} is missing in {absent.sum()} rows: {listed(ids[absent])} (their ids); take these"
                " rows out of the file, or fill them: without a target they can neither be learned from nor be scored"
            )
        if not self.classes:
            return _numbers(texts, column, ids, where)
        strange = np.array([text not in self.codes for text in texts])
        if strange.any():
            raise DataError(
                f"{where}: {column!r} holds {listed(map(repr, sorted(set(texts[strange]))))}, unknown to the training"
                f" data, in rows {listed(ids[strange])}; known: {listed(self.codes, 12)}"
            )
        return np.array([self.codes[text] for text in texts], dtype=np.int64)


def _texts(frame: pd.DataFrame, column: str, where: str) -> NDArray[np.object_]:
    if column not in frame:
        raise DataError(f"{where} has no column {column!r} (target){nearest(column, map(str, frame.columns))}")
    return frame[column].to_numpy(dtype=object)


def _numbers(texts: NDArray[np.object_], column: str, ids: NDArray[np.object_], where: str) -> NDArray[np.float64]:
    numbers = pd.to_numeric(pd.Series(texts), errors="coerce").to_numpy(dtype=np.float64)
    strange = ~np.isfinite(numbers)
    if strange.any():
        raise DataError(
            f"{where}: {column!r} is not a finite number ({texts[strange][0]!r}) in {strange.sum()} rows:"
            f" {listed(ids[strange])}"
        )
    return numbers


def learn_labels(train: pd.DataFrame, params: TableParams, task: TaskType, where: str) -> Labels:
    """Fix the classes and their order from the training rows and what is declared.

    Raises
    ------
    ConfigError
        If what is declared fits neither itself nor the task.
    DataError
        If the training rows have a single class, or others than declared.
    """
    declared = {*params.classes, params.positive, params.rest} - {""}
    missing = frozenset((*MISSING, *params.missing)) - declared
    if task is TaskType.REGRESSION:
        if declared:
            raise ConfigError(f"data: a regression has no classes, found {listed(sorted(declared))}")
        return Labels((), {}, missing)
    found = in_order(text for text in _texts(train, params.target, where) if text.strip() not in missing)
    if len(found) < 2:
        raise DataError(f"{where}: {params.target!r} has a single class ({listed(found) or 'none'}); expected several")
    classes = _binary(found, params, where) if task is TaskType.BINARY else _several(found, params, where)
    codes = {text: classes.index(text) if text in classes else classes.index(params.rest) for text in found}
    return Labels(classes, codes, missing)


def _several(found: tuple[str, ...], params: TableParams, where: str) -> tuple[str, ...]:
    if params.positive or params.rest:
        raise ConfigError("data: positive and rest belong to task = 'binary'; give the order with classes")
    return _declared(found, params.classes, where) if params.classes else found


def _declared(found: tuple[str, ...], classes: tuple[str, ...], where: str) -> tuple[str, ...]:
    unknown = [name for name in found if name not in classes]
    if unknown:
        raise DataError(f"{where}: classes {listed(map(repr, unknown))} are not declared; declared: {listed(classes)}")
    absent = [name for name in classes if name not in found]
    if absent:
        raise DataError(f"{where} has no row of the declared classes {listed(map(repr, absent))}")
    return classes


def _binary(found: tuple[str, ...], params: TableParams, where: str) -> tuple[str, ...]:
    if params.positive and params.positive not in found:
        raise DataError(f"{where} has no row of class {params.positive!r} (positive){nearest(params.positive, found)}")
    if params.rest:
        if not params.positive or params.rest == params.positive:
            raise ConfigError("data: rest needs positive = 'CLASS', another name than its own")
        return params.rest, params.positive
    if len(found) > 2:
        raise DataError(
            f"{where}: {params.target!r} has {len(found)} classes ({listed(found)}), expected 2: name one as positive"
            " and the others together as rest, or set task = 'multiclass'"
        )
    if params.classes:
        return _declared(found, params.classes, where)
    if params.positive:
        return (*(name for name in found if name != params.positive), params.positive)
    return found
