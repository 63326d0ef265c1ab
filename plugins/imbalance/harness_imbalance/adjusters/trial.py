"""Does a label-shift correction help this model? Shifts simulated on labelled predictions tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness_imbalance.adjusters.bcts import Calibration, calibrate
from harness_imbalance.adjusters.shares import em_shares, reweigh, shares_of, total_variation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Rows = NDArray[np.int64]

QUANTILE = 0.95
HALVINGS = 5
MOST, FEW = 20_000, 20


@dataclass(frozen=True, eq=False)
class Trial:
    """What simulated batches show.

    Attributes
    ----------
    how : str
        The calibration that was tried.
    raw, calibrated, corrected : (h, b) float64
        Log loss of each shifted batch of each half: as predicted, calibrated only, and corrected to its estimated
        shares.
    errors : (h, b) float64
        Total variation between natural and estimated shares in batches without a shift.
    rows : int
        Rows of a batch.
    """

    how: str
    raw: Floats
    calibrated: Floats
    corrected: Floats
    errors: Floats
    rows: int

    @property
    def gains(self) -> Floats:
        """Log loss gained in each batch, against the better of raw and calibrated predictions."""
        better = self.raw if self.raw.mean() <= self.calibrated.mean() else self.calibrated
        return better - self.corrected

    @property
    def gain(self) -> float:
        """Mean log loss gained."""
        return float(self.gains.mean())

    @property
    def stderr(self) -> float:
        """Standard error of `gain`."""
        return _stderr(self.gains)

    @property
    def error(self) -> float:
        """Error of estimated shares that 95% of batches without a shift stay below."""
        return float(np.quantile(self.errors, QUANTILE))


def informed(values: Floats, targets: NDArray[np.int64]) -> float:
    """Tell how surely predictions say more than class shares alone.

    Returns
    -------
    float
        Mean log loss that recalibrated predictions gain over the shares, in standard errors. About half the square root
        of the likelihood ratio of one parameter, so 2 stands for a chance of 1 in 16,000.
    """
    calibrated = calibrate(values, targets, "bcts").apply(values)
    shares = shares_of(targets, values.shape[1])
    gains = np.log(np.maximum(calibrated[np.arange(len(targets)), targets], np.finfo(np.float64).eps) / shares[targets])
    spread = float(gains.std(ddof=1))
    return float(gains.mean() / (spread / np.sqrt(len(gains)))) if spread > 1e-9 else 0.0


def choose(trials: Sequence[Trial]) -> Trial:
    """Return the first trial, simplest calibration first, whose log loss is within a standard error of the best.

    The standard error is that of the difference, since all trials saw the same batches.
    """
    best = min(trials, key=lambda trial: float(trial.corrected.mean()))
    for trial in trials:
        worse = trial.corrected - best.corrected
        if worse.mean() <= _stderr(worse):
            return trial
    return best


def simulate(values: Floats, targets: NDArray[np.int64], *, how: str, simulations: int, batch: int, seed: int) -> Trial:
    """Try the correction on batches drawn with other class shares.

    Rows are halved within classes, `HALVINGS` times; each half calibrates for batches drawn from the other one. A
    shifted batch has shares halfway between the natural ones and a point drawn evenly from all possible shares.

    Parameters
    ----------
    values : (n, k) float64
        Raw predictions; every class needs two rows or more. Of more than `MOST` rows a part is used.
    targets : (n,) int64
    how : str
        The calibration, as for `calibrate`.
    simulations : int
        Shifted batches, and as many without a shift; rounded up to a multiple of the number of halves.
    """
    rng = np.random.default_rng(seed)
    halvings = [_halve(rng, targets, values.shape[1]) for _ in range(HALVINGS)]
    sides = [side for one, other in halvings for side in ((one, other), (other, one))]
    rounds, batch = -(-simulations // len(sides)), min(batch, len(sides[0][0]))
    losses, errors = [], []
    for fitted, held in sides:
        calibration = calibrate(values[fitted], targets[fitted], how)
        found = [
            _try_batch(
                rng, calibration, shares_of(targets[fitted], values.shape[1]), values[held], targets[held], batch
            )
            for _ in range(rounds)
        ]
        losses.append([loss for loss, _ in found])
        errors.append([error for _, error in found])
    raw, calibrated, corrected = np.moveaxis(np.array(losses), 2, 0)
    return Trial(how, raw, calibrated, corrected, np.array(errors), batch)


def _try_batch(
    rng: np.random.Generator,
    calibration: Calibration,
    source: Floats,
    values: Floats,
    targets: NDArray[np.int64],
    batch: int,
) -> tuple[tuple[float, float, float], float]:
    """Return the losses of one shifted batch (raw, calibrated, corrected), and the error of one without a shift."""
    natural = shares_of(targets, len(source))
    rows = _draw(rng, targets, (natural + rng.dirichlet(np.ones(len(source)))) / 2, batch)
    held, truth = calibration.apply(values[rows]), targets[rows]
    moved = reweigh(held, source, em_shares(held, source))
    losses = (_log_loss(values[rows], truth), _log_loss(held, truth), _log_loss(moved, truth))
    same = calibration.apply(values[_draw(rng, targets, natural, batch)])
    return losses, total_variation(em_shares(same, source), natural)


def _halve(rng: np.random.Generator, targets: NDArray[np.int64], k: int) -> tuple[Rows, Rows]:
    """Cut rows into two halves with the same classes, leaving rows out where there are more than `MOST`."""
    part = min(1.0, MOST / len(targets))
    halves: tuple[list[Rows], list[Rows]] = ([], [])
    for label in range(k):
        rows = rng.permutation(np.flatnonzero(targets == label))
        rows = rows[: max(FEW, round(part * len(rows)))]
        halves[0].append(rows[: len(rows) // 2])
        halves[1].append(rows[len(rows) // 2 :])
    return np.concatenate(halves[0]), np.concatenate(halves[1])


def _stderr(values: Floats) -> float:
    # The two halves of a halving are separate samples; further halvings are of the same rows and add none.
    return float(values.mean(axis=1).std(ddof=1) / np.sqrt(2))


def _draw(rng: np.random.Generator, targets: NDArray[np.int64], shares: Floats, batch: int) -> NDArray[np.int64]:
    counts = rng.multinomial(batch, shares)
    parts = [rng.choice(np.flatnonzero(targets == label), count) for label, count in enumerate(counts) if count]
    return np.concatenate(parts)


def _log_loss(values: Floats, targets: NDArray[Any]) -> float:
    chosen = values[np.arange(len(targets)), targets]
    return float(-np.log(np.maximum(chosen, np.finfo(np.float64).eps)).mean())
