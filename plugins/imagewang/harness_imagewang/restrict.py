"""The adjuster ``imagewang.restrict``: only the classes that the validation set has are ever right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from harness.data import DatasetInfo, TaskType
from harness.errors import DataError
from harness.offers import Adjuster
from harness.params import NoParams

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from harness.offers import AdjusterInput

    Floats = NDArray[np.float64]

NAME = "imagewang.restrict"


class Restriction:
    """Sets the probability of every other class to 0 and lets the rest sum to 1.

    Attributes
    ----------
    notes : list of str
    """

    def __init__(self, info: DatasetInfo) -> None:
        kept = set(info.extra.get("valid_classes", ()))
        unknown = kept - set(info.classes)
        if unknown:
            raise DataError(f"{NAME}: the validation set has classes that training lacks: {sorted(unknown)}")
        self.allowed = [name in kept for name in info.classes] if kept else [True] * len(info.classes)
        self.notes = [self._told(kept, len(info.classes))]

    def _told(self, kept: set[str], count: int) -> str:
        if not kept:
            return "no validation set says which classes are to be predicted: all are kept"
        return f"restricted to the {len(kept)} of {count} classes that the validation set has"

    def fit(self, oof: AdjusterInput) -> None:
        """Learn nothing: which classes are kept is known."""

    def apply(self, values: Floats, reference: Floats | None, meta: pd.DataFrame | None = None) -> Floats:  # noqa: ARG002
        """Return (n, k) probabilities of the classes kept; equal ones where a row has nothing left."""
        import numpy as np

        kept = np.where(self.allowed, values, 0.0)
        total = kept.sum(axis=1, keepdims=True)
        equal = np.array(self.allowed) / sum(self.allowed)
        restricted: Floats = np.where(
            total > 0, np.divide(kept, total, where=total > 0, out=np.zeros_like(kept)), equal
        )
        return restricted

    def decide(self, values: Floats) -> Floats | None:  # noqa: ARG002
        """Leave the decision to the likeliest class."""
        return None

    def state(self) -> dict[str, Any]:
        """Return which classes are kept."""
        return {"allowed": self.allowed, "notes": self.notes}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self.allowed, self.notes = list(state["allowed"]), list(state["notes"])


def adjusters() -> Iterable[Adjuster]:
    """Return the adjuster of this plugin."""
    return (
        Adjuster(
            name=NAME,
            summary="only the classes that the validation set has",
            tasks=frozenset({TaskType.MULTICLASS, TaskType.BINARY}),
            params=NoParams,
            build=lambda _, info: Restriction(info),
        ),
    )
