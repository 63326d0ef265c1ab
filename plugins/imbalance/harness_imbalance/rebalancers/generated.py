"""Rows that were made up: their ids, and how they join the rows they were made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.data import Examples

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PREFIX = "generated:"


def generated_ids(count: int) -> NDArray[np.object_]:
    """Return ``generated:0`` to ``generated:<count - 1>``, (count,) object.

    Examples
    --------
    >>> generated_ids(2).tolist()
    ['generated:0', 'generated:1']
    """
    import numpy as np

    ids = np.empty(count, dtype=object)
    ids[:] = [f"{PREFIX}{number}" for number in range(count)]
    return ids


def append(examples: Examples, inputs: Any, targets: NDArray[np.int64]) -> Examples:
    """Append generated rows; the original rows stay as they are.

    Generated rows have missing `meta`, weight 1 where there are weights, and are never scored.

    Parameters
    ----------
    inputs : table or array
        Of the same columns as `examples.inputs`.
    targets : (m,) int64
    """
    import numpy as np
    import pandas as pd

    count = len(targets)
    both: Any
    if isinstance(examples.inputs, pd.DataFrame):
        flags = dict.fromkeys(examples.inputs.select_dtypes("bool").columns, np.float64)
        both = pd.concat([examples.inputs.astype(flags), inputs], ignore_index=True)
    else:
        both = np.concatenate([examples.inputs, inputs])
    meta = examples.meta
    return Examples(
        ids=np.concatenate([examples.ids, generated_ids(count)]),
        inputs=both,
        targets=np.concatenate([np.asarray(examples.targets), targets]),
        meta=None if meta is None else meta.reset_index(drop=True).reindex(range(len(examples) + count)),
        weights=None if examples.weights is None else np.concatenate([examples.weights, np.ones(count)]),
        scored=None if examples.scored is None else np.concatenate([examples.scored, np.zeros(count, dtype=bool)]),
    )
