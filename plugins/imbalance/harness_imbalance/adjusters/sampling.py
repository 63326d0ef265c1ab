"""Exact correction for class shares that were changed on purpose: by under- or oversampling, or by weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.offers import AdjusterInput
from harness_imbalance.adjusters.shares import reweigh, tell

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class SamplingCorrection:
    """Predictions of a model trained on changed class shares, moved back to the natural ones.

    Each probability is multiplied by ``natural share / trained share`` of its class and rows are rescaled. For binary
    undersampling that keeps a fraction b of the majority this is ``p = b p_s / ((b - 1) p_s + 1)``. It is exact where
    rows are dropped, repeated or weighted at random within a class, and an approximation where a rebalancer makes new
    rows.

    References
    ----------
    Elkan 2001, The Foundations of Cost-Sensitive Learning; Dal Pozzolo et al. 2015, Calibrating Probability with
    Undersampling for Unbalanced Classification, equation 4.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.notes: list[str] = []
        self._classes = tuple(classes)
        self._shares: tuple[Floats, Floats] | None = None

    def fit(self, oof: AdjusterInput) -> None:
        """Read the class shares before and after rebalancing."""
        self._shares = None
        natural, trained = oof.natural_shares, oof.trained_shares
        if natural is None or trained is None:
            self.notes = ["sampling correction: class shares in training are not known; predictions are unchanged"]
        elif np.allclose(natural, trained, rtol=1e-6, atol=0):
            self.notes = ["sampling correction: trained on the natural class shares; predictions are unchanged"]
        else:
            unseen = (trained <= 0) & (natural > 0)
            natural = np.where(trained > 0, natural, 0.0)
            self._shares = (trained, natural / natural.sum())
            self.notes = [f"sampling correction from {tell(trained, self._classes)} to {tell(natural, self._classes)}"]
            if unseen.any():
                names = ", ".join(name for name, lost in zip(self._classes, unseen, strict=True) if lost)
                self.notes.append(f"sampling correction: no training row was left of {names}; left as predicted")

    def apply(self, values: Floats, reference: Floats | None, meta: Any = None) -> Floats:  # noqa: ARG002
        """Correct (n, k) probabilities; `reference` is not used."""
        if self._shares is None:
            return values
        return reweigh(values, *self._shares)

    def decide(self, values: Floats) -> Floats | None:  # noqa: ARG002
        """Leave decisions to the default."""
        return None

    def state(self) -> dict[str, Any]:
        """Return both sets of shares."""
        shares = None if self._shares is None else [part.tolist() for part in self._shares]
        return {"shares": shares, "notes": list(self.notes)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        shares = state["shares"]
        self._shares = None if shares is None else (np.array(shares[0]), np.array(shares[1]))
        self.notes = list(state["notes"])
