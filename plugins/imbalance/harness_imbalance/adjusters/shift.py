"""Correction to the class shares of an unlabelled batch, applied only where it has shown that it helps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.offers import AdjusterInput
from harness_imbalance.adjusters import LabelShiftParams
from harness_imbalance.adjusters.bcts import METHODS, Calibration, calibrate
from harness_imbalance.adjusters.shares import (
    bbse_shares,
    em_shares,
    reweigh,
    shares_of,
    soft_confusion,
    tell,
    total_variation,
)
from harness_imbalance.adjusters.trial import Trial, choose, informed, simulate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FEWEST = 10
"""Out-of-fold rows a class needs: each half of the simulation must have a few."""

SURELY = 2.0
"""Standard errors by which predictions must beat the class shares; see `informed`."""
WORTH = 1e-4
"""Log loss below which a gain is none, whatever its standard error."""


class LabelShift:
    """Predictions moved to the test set's own class shares.

    Out-of-fold predictions are calibrated against their labels, which ties them to the out-of-fold class shares however
    the model's training rows were rebalanced; relative to those shares expectation-maximisation estimates the shares of
    the reference batch. Black-box shift estimation of the same shares is told beside it. Evaluation weights are not
    used: they express a declared prior of the test set, and the estimate must not know it.

    Predictions stay as they are where the correction did not gain log loss on simulated shifts, and where the estimated
    shares differ from the out-of-fold ones by no more than estimates without any shift do.
    """

    def __init__(self, params: LabelShiftParams, classes: Sequence[str]) -> None:
        self.notes: list[str] = []
        self._params = params
        self._classes = tuple(classes)
        self._fit_notes: list[str] = []
        self._trusted = False
        self._calibration = Calibration(1.0, np.zeros(len(self._classes)))
        self._source = np.full(len(self._classes), 1 / max(len(self._classes), 1))
        self._confusion = np.eye(len(self._classes))
        self._error, self._rows = 0.0, 1
        self._shares: Floats | None = None

    def fit(self, oof: AdjusterInput) -> None:
        """Calibrate, and find out on simulated shifts whether the correction helps."""
        k = oof.values.shape[1]
        counts = np.bincount(oof.targets, minlength=k)
        self._trusted, self._shares = False, None
        if counts.min() < FEWEST:
            rare = self._classes[int(np.argmin(counts))]
            self._say(
                f"refused, {rare!r} has {counts.min()} out-of-fold rows and needs {FEWEST}; predictions are unchanged"
            )
            return
        if informed(oof.values, oof.targets) < SURELY:
            self._say("refused, predictions tell no more than the class shares; predictions are unchanged")
            return
        trial = self._try(oof)
        self._source = shares_of(oof.targets, k)
        self._calibration = calibrate(oof.values, oof.targets, trial.how)
        self._confusion = soft_confusion(self._calibration.apply(oof.values), oof.targets)
        self._error, self._rows = trial.error, trial.rows
        self._trusted = trial.gain > max(trial.stderr, WORTH)
        gained = f"log loss gain {trial.gain:.4f} ± {trial.stderr:.4f} in {trial.raw.size} simulated shifts"
        gained += f" (calibration: {trial.how})"
        self._say(gained if self._trusted else f"refused, {gained}; predictions are unchanged")

    def _try(self, oof: AdjusterInput) -> Trial:
        wanted = self._params.calibrate
        return choose(
            [
                simulate(
                    oof.values,
                    oof.targets,
                    how=how,
                    simulations=self._params.simulations,
                    batch=self._params.batch,
                    seed=oof.seed,
                )
                for how in (METHODS if wanted == "auto" else (wanted,))
            ]
        )

    def apply(self, values: Floats, reference: Floats | None, meta: Any = None) -> Floats:  # noqa: ARG002
        """Correct (n, k) probabilities to the shares of the (m, k) reference batch, or of the last one."""
        if not self._trusted:
            return values
        if reference is not None:
            self._look(reference)
        if self._shares is None:
            return values
        return reweigh(self._calibration.apply(values), self._source, self._shares)

    def _look(self, reference: Floats) -> None:
        calibrated = self._calibration.apply(reference)
        shares, check = em_shares(calibrated, self._source), bbse_shares(self._confusion, calibrated)
        moved, apart = total_variation(shares, self._source), total_variation(shares, check)
        usual = self._error * max(1.0, (self._rows / len(reference)) ** 0.5)
        self._shares = shares if moved > usual else None
        text = f"test shares by EM: {tell(shares, self._classes)}; by BBSE: {tell(check, self._classes)}"
        text += f"; out of fold: {tell(self._source, self._classes)}"
        self.notes = [*self._fit_notes, f"label shift: {text}"]
        if self._shares is None:
            self.notes.append(
                f"label shift: no shift found, shares differ by {moved:.3f} and without a shift by up to {usual:.3f};"
                " predictions are unchanged"
            )
        if apart > self._params.disagreement:
            self.notes.append(
                f"label shift: WARNING, EM and BBSE differ by {apart:.3f}; the classes themselves may look different in"
                " the test set, compare with a labelled set before trusting this"
            )

    def _say(self, text: str) -> None:
        self._fit_notes = [f"label shift: {text}"]
        self.notes = list(self._fit_notes)

    def decide(self, values: Floats) -> Floats | None:  # noqa: ARG002
        """Leave decisions to the default."""
        return None

    def state(self) -> dict[str, Any]:
        """Return the calibration, the shares, and what the simulation showed."""
        return {
            "trusted": self._trusted,
            "slope": self._calibration.slope,
            "bias": self._calibration.bias.tolist(),
            "source": self._source.tolist(),
            "confusion": self._confusion.tolist(),
            "error": self._error,
            "rows": self._rows,
            "shares": None if self._shares is None else self._shares.tolist(),
            "fit_notes": list(self._fit_notes),
            "notes": list(self.notes),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self._trusted = bool(state["trusted"])
        self._calibration = Calibration(float(state["slope"]), np.array(state["bias"], dtype=np.float64))
        self._source = np.array(state["source"], dtype=np.float64)
        self._confusion = np.array(state["confusion"], dtype=np.float64)
        self._error, self._rows = float(state["error"]), int(state["rows"])
        self._shares = None if state["shares"] is None else np.array(state["shares"], dtype=np.float64)
        self._fit_notes, self.notes = list(state["fit_notes"]), list(state["notes"])
