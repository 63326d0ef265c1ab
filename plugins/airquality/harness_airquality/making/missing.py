"""What a row lacks: satellite bands fail together, under clouds, and clouds say something of the air."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness_airquality.making.kind import Kind, covariate_names, names


class Missing(Kind):
    """A flag for each group of covariates that the training rows miss together, and the count of missing covariates.

    A flag is the share of its group that is missing: 0 or 1 in training rows. Covariates that training rows miss
    always or never have no flag, but count.
    """

    def fit(self, X: pd.DataFrame, y: Any = None) -> Missing:  # noqa: ARG002
        """Learn which covariates are missing in the same training rows."""
        self.columns_ = covariate_names(X)
        groups: dict[bytes, list[str]] = {}
        for name in self.columns_:
            gaps = X[name].isna().to_numpy()
            if gaps.any() and not gaps.all():
                groups.setdefault(np.packbits(gaps).tobytes(), []).append(name)
        self.groups_ = list(groups.values())
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the new columns (n, k) of rows (n, m)."""
        gaps = X[self.columns_].isna()
        flags = [gaps[group].to_numpy().mean(axis=1) for group in self.groups_]
        return self.framed(np.array([*flags, gaps.to_numpy().sum(axis=1)], dtype=np.float64))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:  # noqa: ARG002
        """Return the names of the new columns: a group has that of its first covariate."""
        return names([*(f"missing_{group[0]}" for group in self.groups_), "missing_count"])

    def state(self) -> dict[str, Any]:
        """Return what was learned as JSON values."""
        return {"columns": self.columns_, "groups": self.groups_}

    def restore(self, state: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> None:  # noqa: ARG002
        """Take back what `state` returned."""
        self.columns_, self.groups_ = state["columns"], state["groups"]
