"""A table's columns through scikit-learn's transformers, fitted on a fold's training rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder

from harness.data import TaskType
from harness.errors import DataError, nearest
from harness.persist import load_sklearn, save_sklearn
from harness.tabular.columns import refuse_infinite
from harness.tabular.tables import MISSING
from harness_imbalance.features import ColumnsParams, is_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILE = "columns.skops"
TRUSTED = ("sklearn.model_selection._split.KFold", "sklearn.model_selection._split.StratifiedKFold")
"""Types in a saved file beyond those the core trusts."""
TARGET_TYPE = {
    TaskType.BINARY: "binary",
    TaskType.MULTICLASS: "multiclass",
    TaskType.REGRESSION: "continuous",
}


class ColumnsTransformer:
    """The transformer of ``imbalance.columns``.

    Texts are left out, unless they are encoded as categories are. A column whose training rows are all missing becomes
    0 if imputed and stays missing otherwise; a constant column becomes 0 if scaled; a level that the training rows lack
    is all zeros one-hot, missing as a code (-1 if imputed), and the training mean as a target encoding.
    """

    def __init__(self, params: ColumnsParams, task: TaskType, seed: int) -> None:
        self.params, self.task, self.seed = params, task, seed
        self.fitted: ColumnTransformer | None = None

    def fit_transform(self, inputs: Any, targets: NDArray[Any] | None) -> pd.DataFrame:
        """Learn from a fold's training inputs and return them transformed.

        Parameters
        ----------
        inputs : (n, m) DataFrame
        targets : (n,) array or None
            Needed for target encoding, which returns cross-fitted means here and means over all rows in `transform`.

        Returns
        -------
        DataFrame
            (n, k): float64, and ``category`` columns where they are not encoded.

        Raises
        ------
        DataError
            If the inputs are not a table, hold infinite numbers, or target encoding has no targets.
        """
        table = self._prepared(inputs)
        if self.params.encode == "target" and (targets is None or self.task not in TARGET_TYPE):
            raise DataError("imbalance.columns: encode = 'target' needs one known target a row; choose another")
        self.fitted = self._transformer(table, targets)
        return _floats(self.fitted.fit_transform(table, targets))

    def transform(self, inputs: Any) -> pd.DataFrame:
        """Transform other inputs.

        Raises
        ------
        DataError
            If a column of the training inputs is missing.
        """
        assert self.fitted is not None, "fit_transform comes first"
        table = self._prepared(inputs)
        for name in self.fitted.feature_names_in_:
            if name not in table:
                raise DataError(f"imbalance.columns: no column {name!r}{nearest(name, map(str, table.columns))}")
        return _floats(self.fitted.transform(table[list(self.fitted.feature_names_in_)]))

    def save(self, directory: Path) -> None:
        """Write the fitted transformers."""
        save_sklearn(self.fitted, directory / FILE)

    def load(self, directory: Path) -> None:
        """Read what `save` wrote."""
        self.fitted = load_sklearn(directory / FILE, TRUSTED)

    def _prepared(self, inputs: Any) -> pd.DataFrame:
        if not isinstance(inputs, pd.DataFrame):
            raise DataError(f"imbalance.columns works on tables, found {type(inputs).__name__}")
        refuse_infinite(inputs, "imbalance.columns")
        table: pd.DataFrame = inputs
        if self.params.encode == "none":
            # texts are no categories, and no model reads them
            table = table.drop(columns=[name for name in table if is_text(table[name])])
        categories = _categories(table)
        if self.params.impute != "none":
            table = table.assign(**{name: _known(table[name]) for name in categories})
        if self.params.encode != "none":
            # the encoders compare values, and take a category's own text for them
            table = table.astype(dict.fromkeys(categories, object))
        return table

    def _transformer(self, table: pd.DataFrame, targets: NDArray[Any] | None) -> ColumnTransformer:
        numbers = [name for name in table if pd.api.types.is_numeric_dtype(table[name].dtype)]
        others = [name for name in table if name not in numbers]
        # a scaler divides by the count of known values
        empty = [name for name in numbers if table[name].isna().all()] if self.params.impute == "none" else []
        gaps = [name for name in numbers if table[name].isna().any()] if self.params.missing_flags else []
        parts: list[tuple[str, Any, list[Any]]] = [
            ("numbers", self._of_numbers(), [name for name in numbers if name not in empty]),
            ("empty", "passthrough", empty),
            ("categories", self._of_categories(targets), others),
            ("missing", MissingIndicator(features="all") if gaps else "drop", gaps),
        ]
        transformer = ColumnTransformer(
            [part for part in parts if part[2]], verbose_feature_names_out=False, sparse_threshold=0.0
        )
        return transformer.set_output(transform="pandas")

    def _of_numbers(self) -> Any:
        steps = []
        if self.params.impute == "median":
            steps.append(SimpleImputer(strategy="median", keep_empty_features=True))
        if self.params.scale:
            steps.append(StandardScaler())
        return make_pipeline(*steps) if steps else "passthrough"

    def _of_categories(self, targets: NDArray[Any] | None) -> Any:
        if self.params.encode == "ordinal":
            unknown = np.nan if self.params.impute == "none" else -1
            return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=unknown)
        if self.params.encode == "onehot":
            return OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        if self.params.encode == "target":
            return TargetEncoder(target_type=TARGET_TYPE[self.task], cv=_folds(targets, self.task, self.seed))
        return "passthrough"


def _categories(table: pd.DataFrame) -> list[Any]:
    return [name for name in table if isinstance(table[name].dtype, pd.CategoricalDtype)]


def _known(values: pd.Series[Any]) -> pd.Series[Any]:
    if MISSING not in values.cat.categories:
        values = values.cat.add_categories([MISSING])
    return values.fillna(MISSING)


def _folds(targets: NDArray[Any] | None, task: TaskType, seed: int) -> Any:
    if targets is None or not task.single_label:
        return KFold(5, shuffle=True, random_state=seed % 2**32)
    counts = np.bincount(targets)
    folds = int(np.clip(counts[counts > 0].min(), 2, 5))
    return StratifiedKFold(folds, shuffle=True, random_state=seed % 2**32)


def _floats(table: pd.DataFrame) -> pd.DataFrame:
    kept = {name: "float64" for name, dtype in table.dtypes.items() if not isinstance(dtype, pd.CategoricalDtype)}
    return table.astype(kept).reset_index(drop=True)
