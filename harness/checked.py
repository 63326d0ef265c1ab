"""Predictions that break the contract are refused before they are scored or stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.data import DatasetInfo, Examples, Predictions, TaskType
from harness.errors import PluginError, listed
from harness.offers import Model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def predict_checked(model: Model, examples: Examples, info: DatasetInfo, who: str) -> Predictions:
    """Predict from inputs, without labels, and refuse an answer that breaks the contract.

    Raises
    ------
    PluginError
        On a wrong type, shape, order of rows or classes, a NaN, or impossible probabilities.
    """
    # labels and weights of what is predicted stay here, whatever the model would make of them
    return checked(model.predict(examples.unlabelled()), examples, info, who)


def checked(found: object, examples: Examples, info: DatasetInfo, who: str) -> Predictions:
    """Return what a model predicted for these examples as float64, or refuse it. See `predict_checked`."""
    import numpy as np

    if not isinstance(found, Predictions):
        raise PluginError(f"model {who!r} predicted a {type(found).__name__}, expected Predictions")
    if tuple(found.columns) != info.named(found.values.shape[1]):
        raise PluginError(f"model {who!r} predicted columns {listed(found.columns)}; expected {listed(info.outputs)}")
    if len(found.ids) != len(examples) or not np.array_equal(found.ids, examples.ids):
        raise PluginError(f"model {who!r} predicted other rows than it was given, or in another order")
    if found.values.dtype.kind not in "fiub":  # texts and complex numbers would be converted without a word
        raise PluginError(f"model {who!r} predicted values of dtype {found.values.dtype}, expected float64")
    values = np.ascontiguousarray(found.values, dtype=np.float64)
    check_values(values, info.task_type, f"model {who!r}")
    return Predictions(found.ids, values, tuple(found.columns))


def check_values(values: NDArray[np.float64], task: TaskType, who: str) -> None:
    """Refuse NaN, infinities, and probabilities that are none.

    Raises
    ------
    PluginError
        Saying how many rows are wrong.
    """
    import numpy as np

    wrong = int((~np.isfinite(values)).any(axis=1).sum())
    if wrong:
        raise PluginError(f"{who} predicted NaN or infinity in {wrong} of {len(values)} rows")
    if task is TaskType.REGRESSION:
        return
    outside = int(((values < 0) | (values > 1)).any(axis=1).sum())
    if outside:
        raise PluginError(f"{who} predicted probabilities outside [0, 1] in {outside} of {len(values)} rows")
    if task.single_label:
        off = int((np.abs(values.sum(axis=1) - 1) > 1e-3).sum())
        if off:
            raise PluginError(f"{who} predicted probabilities that do not sum to 1 in {off} of {len(values)} rows")
