"""What every model of this plugin takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.data import Examples
from harness.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def pictures_of(examples: Examples, model: str) -> NDArray[np.float32]:
    """Return the pictures, (n, side, side) float32 in [0, 1].

    Raises
    ------
    DataError
        If the inputs are something else: a table, say.
    """
    found = examples.inputs
    if getattr(found, "ndim", 0) != 3 or found.shape[1] != found.shape[2]:
        raise DataError(
            f"{model} takes square pictures, found a {type(found).__name__}; data source digits.csv has them"
        )
    pictures: NDArray[np.float32] = found
    return pictures
