"""What flows through the harness: examples, datasets, folds, predictions, submissions.

All of these are frozen records. Nothing here imports numpy or pandas when the module is merely listed: arrays appear in
annotations only, so that ``harness --help`` and ``harness list`` stay instant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import DataError, listed

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Rows = NDArray[np.int64]

POINT, LOWER, UPPER = "point", "lower", "upper"
"""Output columns of a regression: the prediction, and an interval where a model or an adjuster gives one."""

PROBLEM = "problem"
"""Column of `Examples.meta` of rows to predict: what was wrong with a row and how it is answered; empty for most."""


class TaskType(StrEnum):
    """What is to be predicted, which fixes the shape of targets and predictions.

    ========== ============================== ==================================
    task       targets                        prediction values
    ========== ============================== ==================================
    binary     (n,) int64 codes 0, 1          (n, 2) probabilities
    multiclass (n,) int64 codes 0..k-1        (n, k) probabilities
    multilabel (n, k) int8 in {0, 1}          (n, k) probabilities, rows sum freely
    regression (n,) float64                   (n, 1) values, column ``point``, or (n, 3) with
                                              ``lower`` and ``upper``
    ========== ============================== ==================================

    The positive class of a binary task is the second of `DatasetInfo.classes`.
    """

    BINARY = "binary"
    MULTICLASS = "multiclass"
    MULTILABEL = "multilabel"
    REGRESSION = "regression"

    @property
    def single_label(self) -> bool:
        """Whether each row has exactly one class."""
        return self in (TaskType.BINARY, TaskType.MULTICLASS)


@dataclass(frozen=True)
class Column:
    """A column of tabular inputs: its name and what it holds (``number``, ``category``, ``text``, ``time``)."""

    name: str
    kind: str = "number"


@dataclass(frozen=True)
class DatasetInfo:
    """Everything a recipe may know before it sees a row: no labels, no inputs.

    Attributes
    ----------
    classes : tuple of str
        Global class order; every prediction keeps it whatever a fold lacks. Empty for a regression.
    titles : mapping of str to str
        What pages and figures call a class, where that is more than its name.
    variant : str
        ``sample``, ``public``, ``official`` or ``path``.
    simulated : bool
        True if the rows were made up; it is then said wherever their scores appear.
    notes : tuple of str
        What a reader of the scores must know (how a hold-out was cut, say); shown beside every leaderboard.
    roles : mapping of str to str
        Columns of `Examples.meta` that say how rows belong together: ``group``, ``time``, ``latitude``, ``longitude``,
        ``region``, as far as there are such. Splits are audited by them.
    extra : mapping
        What a source wants its own plugin's recipes to know (sample rate, image size, ...); JSON values only.
    """

    name: str
    task_type: TaskType
    classes: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    variant: str = ""
    simulated: bool = False
    notes: tuple[str, ...] = ()
    url: str = ""
    licence: str = ""
    roles: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown_classes(self) -> tuple[str, ...]:
        """The classes as pages and figures call them."""
        return tuple(self.titles.get(name, name) for name in self.classes)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Columns every prediction has: the classes, or ``point``."""
        return self.classes or (POINT,)

    def named(self, width: int) -> tuple[str, ...]:
        """Return the columns of predictions of so many values a row: `outputs`, or those of an interval too.

        Examples
        --------
        >>> DatasetInfo("toy", TaskType.REGRESSION).named(3)
        ('point', 'lower', 'upper')
        """
        return (POINT, LOWER, UPPER) if not self.classes and width == 3 else self.outputs


@dataclass(frozen=True, eq=False)
class Examples:
    """Rows: what goes in, what is to come out, and what is known beside them.

    Attributes
    ----------
    ids : (n,) object array of str
        Unique, never parsed as numbers.
    inputs : indexable by rows
        DataFrame, array, list, or any object with ``__len__`` and ``take(rows)``.
    targets : array or None
        Shape by `TaskType`; None where unknown (test, unlabelled).
    meta : DataFrame or None
        (n, m) facts of a row that splits and reports name: group, time, place, author.
    weights : (n,) float64 or None
        Training weights; None means 1 for each row.
    scored : (n,) bool or None
        Which rows count in scores; None means all. Training units need not be scored units.
    """

    ids: NDArray[np.object_]
    inputs: Any
    targets: NDArray[Any] | None = None
    meta: pd.DataFrame | None = None
    weights: Floats | None = None
    scored: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        """Refuse parts that do not have the same number of rows."""
        n = len(self.ids)
        parts = {
            "inputs": self.inputs,
            "targets": self.targets,
            "meta": self.meta,
            "weights": self.weights,
            "scored": self.scored,
        }
        for name, part in parts.items():
            if part is None:
                continue
            rows = part.shape[0] if hasattr(part, "shape") else len(part)  # a sparse matrix has no len
            if rows != n:
                raise DataError(f"{name} has {rows} rows, ids has {n}")

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.ids)

    def take(self, rows: Rows) -> Examples:
        """Return the rows at the given positions, in that order.

        Parameters
        ----------
        rows : (m,) int64
        """
        return Examples(
            ids=self.ids[rows],
            inputs=take_rows(self.inputs, rows),
            targets=None if self.targets is None else self.targets[rows],
            meta=None if self.meta is None else self.meta.iloc[rows].reset_index(drop=True),
            weights=None if self.weights is None else self.weights[rows],
            scored=None if self.scored is None else self.scored[rows],
        )

    def with_inputs(self, inputs: Any) -> Examples:
        """Return the same rows with other inputs (after features, say)."""
        return replace(self, inputs=inputs)

    def unlabelled(self) -> Examples:
        """Return the same rows without targets and weights."""
        return replace(self, targets=None, weights=None)

    def scored_rows(self) -> Rows:
        """Return the positions of the rows that count in scores, as (m,) int64."""
        import numpy as np

        if self.scored is None:
            return np.arange(len(self), dtype=np.int64)
        return np.flatnonzero(self.scored).astype(np.int64)


def take_rows(inputs: Any, rows: Rows) -> Any:
    """Index any kind of inputs by row positions.

    Examples
    --------
    >>> take_rows(["a", "b", "c"], [2, 0])
    ['c', 'a']
    """
    if hasattr(inputs, "iloc"):
        return inputs.iloc[rows].reset_index(drop=True)
    if hasattr(inputs, "dtype"):
        return inputs[rows]
    if hasattr(inputs, "take"):
        return inputs.take(rows)
    return [inputs[int(row)] for row in rows]


@dataclass(frozen=True, eq=False)
class Dataset:
    """One competition's data, read once.

    Attributes
    ----------
    train, valid, test : Examples
        `valid` is a labelled set that resembles the test (None for most) and is never trained on; `test` has no
        targets.
    unlabelled : mapping of str to Examples
        Named corpora without labels.
    digest : str
        SHA-256 (hex) of everything the scores depend on; two runs compare only if it is equal.
    sample_submission : DataFrame or None
        The competition's own sample file, every value a string.
    """

    info: DatasetInfo
    train: Examples
    valid: Examples | None = None
    test: Examples | None = None
    unlabelled: Mapping[str, Examples] = field(default_factory=dict)
    unlabelled_digest: str = ""
    digest: str = ""
    sample_submission: pd.DataFrame | None = None


@dataclass(frozen=True, eq=False)
class Fold:
    """One fold: positions into `Dataset.train`.

    Attributes
    ----------
    train, valid : (m,) int64
        Disjoint. `valid` rows are those whose out-of-fold prediction this fold makes.
    """

    index: int
    train: Rows
    valid: Rows


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predicted values by id.

    Attributes
    ----------
    ids : (n,) object array of str
    values : (n, k) float64
    columns : tuple of k str
        The role of each column: a class, ``point``, ``lower``, ``upper``.
    """

    ids: NDArray[np.object_]
    values: Floats
    columns: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse a shape that does not fit ids and columns."""
        if not hasattr(self.values, "shape"):
            raise DataError(f"predictions are a {type(self.values).__name__}, expected an array of (ids, columns)")
        if tuple(self.values.shape) != (len(self.ids), len(self.columns)):
            raise DataError(
                f"predictions have shape {tuple(self.values.shape)}, expected {(len(self.ids), len(self.columns))}"
                " (ids, columns)"
            )

    def take(self, rows: Rows) -> Predictions:
        """Return the rows at the given positions."""
        return Predictions(self.ids[rows], self.values[rows], self.columns)


@dataclass(frozen=True, eq=False)
class Submission:
    """A submission table: the id column first, ids as strings."""

    frame: pd.DataFrame


_DIGESTED: ContextVar[dict[str, str] | None] = ContextVar("digested", default=None)


@contextmanager
def noting_files() -> Iterator[dict[str, str]]:
    """Note which files `digest_files` reads within the block.

    Yields
    ------
    dict of str to str
        Absolute path -> SHA-256 (hex), filled as files are read.
    """
    found: dict[str, str] = {}
    token = _DIGESTED.set(found)
    try:
        yield found
    finally:
        _DIGESTED.reset(token)


def digest_files(paths: Iterable[Path], *facts: str) -> str:
    """Digest files by name and content, and any facts that change how they are read.

    Returns
    -------
    str
        SHA-256, hex.
    """
    import hashlib

    total = hashlib.sha256()
    for fact in facts:
        total.update(fact.encode() + b"\0")
    for path in sorted(paths):
        with path.open("rb") as file:
            own = hashlib.file_digest(file, "sha256")
        total.update(path.name.encode() + b"\0" + own.digest())
        if (noted := _DIGESTED.get()) is not None:
            noted[str(path.resolve())] = own.hexdigest()
    return total.hexdigest()


def check_unique(ids: Sequence[str] | NDArray[np.object_], where: str) -> None:
    """Refuse duplicate ids, listing them.

    Raises
    ------
    DataError
        Naming the first duplicates.
    """
    import pandas as pd

    index = pd.Index(ids)
    if not index.is_unique:
        doubled = index[index.duplicated()].unique()
        raise DataError(f"{where} has {len(doubled)} duplicate ids: {listed(doubled)}")


def check_any(rows: Sized, where: str) -> None:
    """Refuse to learn from nothing.

    Raises
    ------
    DataError
    """
    if not len(rows):
        raise DataError(f"{where}: there are no rows; expected at least one")
