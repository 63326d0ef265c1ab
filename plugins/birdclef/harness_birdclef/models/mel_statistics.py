"""Statistics of each mel band and logistic regression: the baseline that a network has to earn its time against."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.data import DatasetInfo, Examples, Predictions, TaskType, check_any
from harness.errors import StoreError
from harness.offers import BuildContext, TaskLog
from harness_birdclef.models.examples import Sampler
from harness_birdclef.models.params import MelStatisticsParams
from harness_birdclef.models.pieces import pieces_of, pooled
from harness_birdclef.peaks_stage import NAME as PEAKS
from harness_birdclef.peaks_stage import read_peaks
from harness_birdclef.sound.mel import Mel, MelParams

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ARRAYS, FACTS = "weights.npz", "mel_statistics.json"
PERCENTILES = (10, 50, 90)
HOP, FFT, LOW = 1024, 2048, 50.0
MOST_ITERATIONS = 300
BATCH = 64
STRIDE = 0.5
CLIP = 30.0
"""Logits beyond this are certainty."""


class MelStatistics:
    """``birdclef.mel_statistics``.

    Attributes
    ----------
    weights : (features + 1, k) float64
        Of standardised statistics; the last row is the intercept.
    centre, scale : (features,) float64
    """

    def __init__(self, params: MelStatisticsParams, info: DatasetInfo, context: BuildContext) -> None:
        self.params, self.info, self.context = params, info, context
        self.single = info.task_type is TaskType.MULTICLASS
        rate = int(info.extra["rate"])
        self._mel = Mel(MelParams(rate=rate, mels=params.mels, window=FFT, hop=HOP, low=LOW, high=rate / 2))
        self.weights: Floats = np.empty((0, 0))
        self.centre: Floats = np.empty(0)
        self.scale: Floats = np.empty(0)

    def fit(self, train: Examples, inner: Examples | None, log: TaskLog) -> None:  # noqa: ARG002
        """Learn from examples drawn as a network's are."""
        check_any(train, "birdclef.mel_statistics")
        peaks = read_peaks(self.context.stages[PEAKS]) if PEAKS in self.context.stages else None
        sampler = Sampler(train, self.info, self.params, peaks)
        generator = np.random.default_rng(self.context.seed)
        parts, targets, weights = [], [], []
        for first in range(0, self.params.examples, BATCH):
            batch = sampler.draw(generator, min(BATCH, self.params.examples - first))
            parts.append(self._statistics(batch.samples))
            targets.append(batch.targets)
            weights.append(batch.weights)
        features = np.concatenate(parts)
        self.centre, self.scale = features.mean(axis=0), features.std(axis=0) + 1e-6
        inputs = (features - self.centre) / self.scale
        self.weights = self._fitted(inputs, np.concatenate(targets), np.concatenate(weights), log)

    def predict(self, examples: Examples) -> Predictions:
        """Predict (n, k) probabilities."""
        inputs, params = examples.inputs, self.params
        rows = []
        for row in range(len(inputs)):
            pieces = np.stack(list(pieces_of(inputs, row, params.seconds, STRIDE, 0.0, params.pad)))
            features = (self._statistics(pieces) - self.centre) / self.scale
            rows.append((features @ self.weights[:-1] + self.weights[-1]).astype(np.float32))
        logits = pooled(rows, "mean").astype(np.float64) if rows else np.zeros((0, len(self.info.outputs)))
        return Predictions(examples.ids, self._probabilities(logits), self.info.outputs)

    def save(self, directory: Path) -> None:
        """Write the weights."""
        np.savez(directory / ARRAYS, weights=self.weights, centre=self.centre, scale=self.scale)
        (directory / FACTS).write_text(json.dumps({"classes": list(self.info.outputs)}), encoding="utf-8")

    def load(self, directory: Path) -> None:
        """Read what `save` wrote; nothing is unpickled."""
        if tuple(json.loads((directory / FACTS).read_text(encoding="utf-8"))["classes"]) != self.info.outputs:
            raise StoreError(f"{directory / FACTS} is of other classes; train it again")
        with np.load(directory / ARRAYS, allow_pickle=False) as stored:
            self.weights, self.centre, self.scale = stored["weights"], stored["centre"], stored["scale"]

    def _statistics(self, samples: NDArray[np.float32]) -> Floats:
        """Return each band's mean, deviation, greatest value and percentiles over time, (n, 6 x mels)."""
        spectrograms = self._mel(samples)
        spectrograms = spectrograms - spectrograms.mean(axis=(1, 2), keepdims=True)
        parts = [spectrograms.mean(axis=2), spectrograms.std(axis=2), spectrograms.max(axis=2)]
        parts += list(np.percentile(spectrograms, PERCENTILES, axis=2))
        return np.concatenate(parts, axis=1).astype(np.float64)

    def _fitted(
        self, inputs: Floats, targets: NDArray[np.float32], weights: NDArray[np.float32], log: TaskLog
    ) -> Floats:
        """Fit one regression for all classes, or one for each of several labels; a class never heard is impossible."""
        k = len(self.info.outputs)
        found = np.zeros((inputs.shape[1] + 1, k))
        if self.single:
            codes = targets.argmax(axis=1)
            present = np.unique(codes)
            model = self._model().fit(inputs, codes)
            found[-1] = -CLIP
            binary = len(present) == 2
            found[:-1, present] = np.vstack([-model.coef_, model.coef_]).T / 2 if binary else model.coef_.T
            found[-1, present] = np.append(-model.intercept_, model.intercept_) / 2 if binary else model.intercept_
            return found
        for code in range(k):
            sure = weights[:, code] > 0
            heard = targets[sure, code] >= 0.5
            if not heard.any() or heard.all():
                found[-1, code] = CLIP if heard.all() and len(heard) else -CLIP
                log.note(f"{self.info.outputs[code]} is in no training example, so it is never predicted")
                continue
            model = self._model().fit(inputs[sure], heard)
            found[:-1, code], found[-1, code] = model.coef_[0], model.intercept_[0]
        return found

    def _model(self) -> Any:
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=self.params.strength / 10, max_iter=MOST_ITERATIONS)

    def _probabilities(self, logits: Floats) -> Floats:
        bounded = np.clip(logits, -CLIP, CLIP)
        if self.single:
            powers = np.exp(bounded - bounded.max(axis=1, keepdims=True))
            shares: Floats = powers / powers.sum(axis=1, keepdims=True)
            return shares
        chances: Floats = 1 / (1 + np.exp(-bounded))
        return chances
