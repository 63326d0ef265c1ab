"""What the models take: a table of numbers and categories, read the same way at fit and at predict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import DataError, listed

if TYPE_CHECKING:
    import pandas as pd

MISSING = "<missing>"
"""The level that stands for a missing category, so that every model sees it as one more level."""


@dataclass(frozen=True)
class Columns:
    """Columns a model was fitted on.

    Attributes
    ----------
    names : tuple of str
        All of them, in the order the model sees.
    categories : tuple of str
        Those that hold categories; the others hold numbers.
    """

    names: tuple[str, ...]
    categories: tuple[str, ...]

    @property
    def numbers(self) -> tuple[str, ...]:
        """Columns of numbers, in order."""
        return tuple(name for name in self.names if name not in set(self.categories))

    def as_json(self) -> dict[str, list[str]]:
        """Return JSON values that `columns_from_json` reads."""
        return {"names": list(self.names), "categories": list(self.categories)}


def columns_from_json(state: Mapping[str, Any]) -> Columns:
    """Read what `Columns.as_json` returned."""
    return Columns(tuple(state["names"]), tuple(state["categories"]))


def as_frame(inputs: Any) -> pd.DataFrame:
    """Return inputs as a table; a 2-d numeric array gets its column positions as names.

    Raises
    ------
    DataError
        If the inputs are no table, or one without columns.
    """
    import numpy as np
    import pandas as pd

    if getattr(inputs, "ndim", 0) == 2 and inputs.shape[1] == 0:
        raise DataError("inputs have no column, expected at least one number or category")
    if isinstance(inputs, pd.DataFrame):
        frame = inputs.rename(columns=str)
        doubled = frame.columns[frame.columns.duplicated()]
        if len(doubled):
            raise DataError(f"inputs have doubled columns: {listed(doubled.unique())}; give each its own name")
        return frame
    if isinstance(inputs, np.ndarray) and inputs.ndim == 2 and inputs.dtype.kind in "biuf":
        return pd.DataFrame(inputs, columns=[str(position) for position in range(inputs.shape[1])])
    raise DataError(
        f"inputs are {type(inputs).__name__}, expected a table of numbers and categories; name features that make one"
    )


def learn_columns(frame: pd.DataFrame) -> Columns:
    """Tell numbers from categories by dtype.

    Raises
    ------
    DataError
        If a column holds neither numbers nor the ``category`` dtype.
    """
    import pandas as pd

    categories = [name for name, dtype in frame.dtypes.items() if isinstance(dtype, pd.CategoricalDtype)]
    strange = [
        f"{name} ({dtype})"
        for name, dtype in frame.dtypes.items()
        if name not in categories and not (pd.api.types.is_numeric_dtype(dtype) and dtype.kind in "biuf")
    ]
    if strange:
        raise DataError(
            f"columns hold neither numbers nor categories: {listed(strange)}; declare them categorical in the"
            " competition file, or name features that encode them"
        )
    return Columns(tuple(map(str, frame.columns)), tuple(map(str, categories)))


def read_table(inputs: Any, columns: Columns) -> pd.DataFrame:
    """Read inputs into the form the models were written for.

    Returns
    -------
    DataFrame
        (n, len(columns.names)) in that order whatever the order of the inputs. Numbers are float64 with NaN where
        missing or infinite; categories are object columns of str, `MISSING` where missing.

    Raises
    ------
    DataError
        If a column is missing, or changed from numbers to categories or back.
    """
    import pandas as pd

    frame = as_frame(inputs)
    absent = [name for name in columns.names if name not in frame.columns]
    if absent:
        raise DataError(f"inputs lack columns that the model was trained on: {listed(absent)}")
    found = learn_columns(frame[list(columns.names)])
    changed = sorted(set(found.categories) ^ set(columns.categories))
    if changed:
        raise DataError(f"columns are categories here but not in training, or the other way round: {listed(changed)}")
    read = {
        name: _categories(frame[name]) if name in columns.categories else _numbers(frame[name]) for name in found.names
    }
    return pd.DataFrame(read, index=pd.RangeIndex(len(frame)))


def varying(table: pd.DataFrame, columns: Columns) -> Columns:
    """Keep the columns that hold two different values (missing counts as one); no model learns from the others.

    scikit-learn's histogram boosting even fails on a column without any value.
    """
    import numpy as np

    def varies(name: str) -> bool:
        values = table[name].to_numpy()
        if name in columns.categories:
            return bool((values != values[0]).any())
        same = np.isnan(values) if np.isnan(values[0]) else values == values[0]
        return not same.all()

    kept = [name for name in columns.names if varies(name)]
    return Columns(tuple(kept), tuple(name for name in columns.categories if name in kept))


def _numbers(column: pd.Series[Any]) -> Any:
    import numpy as np

    values = column.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    values[np.isinf(values)] = np.nan
    return values


def _categories(column: pd.Series[Any]) -> pd.Series[Any]:
    import numpy as np
    import pandas as pd

    # pandas 3 would turn strings into its own str dtype, which CatBoost and HistGradientBoosting refuse
    levels = np.array([*map(str, column.cat.categories), MISSING], dtype=object)
    return pd.Series(levels[column.cat.codes.to_numpy()], dtype=object)
