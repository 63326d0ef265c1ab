"""The complete, numeric space in which neighbours are looked for and rows are made, and the way back.

SMOTE and its kin refuse missing values and categories. So the fold's table is read into a matrix: numbers imputed by
their median and (by default) scaled, categories as codes with the most frequent level where missing. Only generated
rows ever come back from it; the original rows are never touched.

Numbers are scaled because neighbours are found by Euclidean distance: without it, the columns in the largest units (an
amount in dollars beside a count of late payments) decide alone who is near.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import DataError, listed

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Axis:
    """One column of the table.

    Attributes
    ----------
    fill : float
        What stands for a missing value: the median, or the code of the most frequent level.
    scale : float
        Unit of a number; a power of two, so that scaling there and back changes no bit and a value that all
        neighbours share comes back as itself.
    levels : int
        Levels of a category, 0 for a number.
    empty : bool
        True if every value is missing; generated rows miss it too.
    """

    name: Any
    fill: float
    scale: float = 1.0
    levels: int = 0
    empty: bool = False


@dataclass(frozen=True)
class Space:
    """Axes of a fold's table; `spread` is the median standard deviation of the scaled numbers, 1 without numbers."""

    axes: tuple[Axis, ...]
    spread: float

    @property
    def used(self) -> list[Axis]:
        """Axes that the matrix has, in order."""
        return [axis for axis in self.axes if not axis.empty]

    @property
    def categories(self) -> list[int]:
        """Positions of categories in the matrix."""
        return [position for position, axis in enumerate(self.used) if axis.levels]


def learn_space(inputs: Any, *, scale: bool) -> Space:
    """Learn medians, units and frequent levels from a fold's training rows.

    Raises
    ------
    DataError
        If the inputs are not a table of numbers and categories, or every value is missing or infinite.
    """
    import numpy as np

    frame = _frame(inputs)
    axes = tuple(_axis(frame[name], name, scale=scale) for name in frame.columns)
    if all(axis.empty for axis in axes):
        raise DataError("generating rows needs a column with values; every column is missing")
    spreads = [
        float(np.nanstd(_numbers(frame[axis.name]))) / axis.scale for axis in axes if not axis.levels and not axis.empty
    ]
    return Space(axes, float(np.median(spreads)) or 1.0 if spreads else 1.0)


def to_matrix(space: Space, inputs: Any) -> Floats:
    """Return the rows as (n, len(space.used)) float64: scaled numbers, codes of categories, nothing missing."""
    import numpy as np

    frame = _frame(inputs)
    columns = []
    for axis in space.used:
        column = frame[axis.name]
        values = column.cat.codes.to_numpy().astype(np.float64) if axis.levels else _numbers(column)
        missing = values < 0 if axis.levels else np.isnan(values)
        columns.append(np.where(missing, axis.fill, values) / axis.scale)
    return np.column_stack(columns)


def to_inputs(space: Space, matrix: Floats, like: Any) -> Any:
    """Return rows of the matrix in the form of the inputs `like`: the same columns, dtypes of categories, levels."""
    import numpy as np
    import pandas as pd

    columns = iter(matrix.T)
    read: dict[Any, Any] = {}
    for axis in space.axes:
        values = np.full(len(matrix), np.nan) if axis.empty else next(columns) * axis.scale
        if axis.levels or (axis.empty and isinstance(like, pd.DataFrame) and _is_category(like[axis.name])):
            codes = np.where(np.isnan(values), -1, np.rint(values)).astype(np.int64)
            read[axis.name] = pd.Categorical.from_codes(codes, dtype=like[axis.name].dtype)
        else:
            read[axis.name] = values
    frame = pd.DataFrame(read, index=pd.RangeIndex(len(matrix)))
    return frame if isinstance(like, pd.DataFrame) else frame.to_numpy(dtype=np.float64)


def spread_out(space: Space, matrix: Floats) -> Floats:
    """Replace codes of categories by one column per level, for distances.

    Two rows of different levels are as far apart as in SMOTE-NC (Chawla et al. 2002, section 6.1, as imbalanced-learn
    computes it): each level's column holds half the median standard deviation of the numbers.
    """
    import numpy as np

    parts = []
    for position, axis in enumerate(space.used):
        column = matrix[:, position]
        parts.append(
            np.eye(axis.levels)[column.astype(np.int64)] * space.spread / 2 if axis.levels else column[:, np.newaxis]
        )
    return np.hstack(parts)


def gather(space: Space, wide: Floats) -> Floats:
    """Undo `spread_out` for made-up rows: a category becomes the level nearest by."""
    import numpy as np

    columns, start = [], 0
    for axis in space.used:
        width = axis.levels or 1
        block = wide[:, start : start + width]
        columns.append(block.argmax(axis=1).astype(np.float64) if axis.levels else block[:, 0])
        start += width
    return np.column_stack(columns)


def _axis(column: pd.Series[Any], name: Any, *, scale: bool) -> Axis:
    import numpy as np

    if _is_category(column):
        codes = column.cat.codes.to_numpy()
        seen = codes[codes >= 0]
        if len(seen) == 0:
            return Axis(name, 0.0, empty=True)
        return Axis(name, float(np.bincount(seen).argmax()), levels=len(column.cat.categories))
    values = _numbers(column)
    if np.isnan(values).all():
        return Axis(name, 0.0, empty=True)
    deviation = float(np.nanstd(values)) if scale else 0.0
    unit = 2.0 ** round(np.log2(deviation)) if deviation > 0 else 1.0
    return Axis(name, float(np.nanmedian(values)), unit)


def _is_category(column: pd.Series[Any]) -> bool:
    import pandas as pd

    return isinstance(column.dtype, pd.CategoricalDtype)


def _numbers(column: pd.Series[Any]) -> Floats:
    import numpy as np

    values = column.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    values[np.isinf(values)] = np.nan
    return values


def _frame(inputs: Any) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    if isinstance(inputs, np.ndarray) and inputs.ndim == 2 and inputs.dtype.kind in "biuf":
        return pd.DataFrame(inputs)
    if not isinstance(inputs, pd.DataFrame):
        raise DataError(
            f"generating rows needs a table of numbers and categories, the inputs are {type(inputs).__name__}; name"
            " features that make one, or use imbalance.undersample, imbalance.oversample or imbalance.class_weights"
        )
    strange = [
        f"{name} ({dtype})"
        for name, dtype in inputs.dtypes.items()
        if not isinstance(dtype, pd.CategoricalDtype) and dtype.kind not in "biuf"
    ]
    if strange or inputs.shape[1] == 0:
        raise DataError(
            f"generating rows needs numbers and categories, found {listed(strange) or 'no column'}; declare them"
            " categorical in the competition file, or name features that encode them"
        )
    return inputs
