"""The columns that say where and when a row was measured; every part of the plugin uses these names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

PLACE, TIME, LATITUDE, LONGITUDE, REGION, COUNTRY = "place", "time", "latitude", "longitude", "region", "country"
ROLES = (PLACE, TIME, LATITUDE, LONGITUDE, REGION)
"""First columns of the inputs, in this order; covariates follow."""
NOT_INPUT = (PLACE, TIME, REGION)
"""Role columns that no model takes: what they tell, features make from them."""


def covariates(inputs: pd.DataFrame) -> pd.DataFrame:
    """Return what a model takes of the inputs: numbers and categories, without place, time and region.

    Examples
    --------
    >>> import pandas as pd
    >>> list(covariates(pd.DataFrame({"place": ["a"], "latitude": [0.3], "region": ["x"], "no2": [1.0]})))
    ['latitude', 'no2']
    """
    return inputs.drop(columns=[name for name in NOT_INPUT if name in inputs])
