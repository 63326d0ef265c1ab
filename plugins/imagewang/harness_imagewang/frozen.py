"""What an encoder's features are worth as they are: a linear probe and nearest neighbours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from harness.data import DatasetInfo, Examples, Predictions, check_any
from harness.errors import StoreError
from harness.neural.learner import seeded
from harness.neural.threads import threads_of
from harness.offers import BuildContext, TaskLog
from harness.params import as_json
from harness_imagewang.features import BATCH, features_of
from harness_imagewang.images import images_of
from harness_imagewang.left import encoder_of, files_of_stage, tell_size
from harness_imagewang.network import Encoder
from harness_imagewang.params import EncoderParams, KnnParams, LinearParams

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CONFIG, FITTED, WEIGHTS = "frozen.json", "fitted.npz", "encoder.safetensors"
FLOOR = 1e-3
"""Share of the probability that is spread over all classes: a class without a vote may still happen."""
MOST_STEPS = 2000


class _Frozen:
    """An encoder that stays as it is, and what is fitted on its features."""

    name: ClassVar[str]

    def __init__(self, params: EncoderParams, info: DatasetInfo, context: BuildContext) -> None:
        self.params, self.info, self.context = params, info, context
        self.files: dict[str, bytes] = {}
        self.fitted: dict[str, NDArray[np.float32]] = {}
        self._encoder: Encoder | None = None

    def fit(self, train: Examples, inner: Examples | None, log: TaskLog) -> None:  # noqa: ARG002
        """Compute the features of the training images and learn from them."""
        images_of(train, self.name)
        check_any(train, self.name)
        tell_size(self.params, self.info, log)
        with seeded(self.context.seed, self.context.threads):
            self._encoder = encoder_of(self.params, self.context)
        self.files = files_of_stage(self.context)
        assert train.targets is not None
        weights = np.ones(len(train)) if train.weights is None else train.weights
        with threads_of(self.context.threads):
            self.fitted = self._fit(self._features(train), np.asarray(train.targets, np.int64), weights)

    def predict(self, examples: Examples) -> Predictions:
        """Predict (n, k) probabilities."""
        values = np.zeros((len(examples), len(self.info.outputs)))
        if len(examples):
            values = self._values(self._features(examples))
            values = (1 - FLOOR) * values + FLOOR / values.shape[1]
        return Predictions(examples.ids, values, self.info.outputs)

    def save(self, directory: Path) -> None:
        """Write the encoder, what was fitted, and pictures."""
        from safetensors.torch import save_file

        assert self._encoder is not None
        state = {name: tensor.detach().cpu().contiguous() for name, tensor in self._encoder.state_dict().items()}
        save_file(state, str(directory / WEIGHTS))
        np.savez(directory / FITTED, **self.fitted)  # type: ignore[arg-type]
        config = {"params": as_json(self.params), "classes": list(self.info.outputs)}
        (directory / CONFIG).write_text(json.dumps(config), encoding="utf-8")
        for name, content in self.files.items():
            (directory / name).write_bytes(content)

    def load(self, directory: Path) -> None:
        """Read what `save` wrote."""
        from safetensors.torch import load_file

        config = json.loads((directory / CONFIG).read_text(encoding="utf-8"))
        if tuple(config["classes"]) != self.info.outputs:
            raise StoreError(f"{directory / CONFIG} is of other classes; train it again")
        self._encoder = Encoder(self.params.backbone, self.params.activation)
        self._encoder.load_state_dict(load_file(str(directory / WEIGHTS)))
        with np.load(directory / FITTED, allow_pickle=False) as stored:
            self.fitted = {name: stored[name] for name in stored.files}

    def _features(self, examples: Examples) -> NDArray[np.float32]:
        assert self._encoder is not None
        images = images_of(examples, self.name)
        return features_of(self._encoder, images, self.params.size, self.context.device, self.context.threads)

    def _fit(
        self, features: NDArray[np.float32], codes: NDArray[np.int64], weights: Floats
    ) -> dict[str, NDArray[np.float32]]:
        raise NotImplementedError

    def _values(self, features: NDArray[np.float32]) -> Floats:
        raise NotImplementedError


class LinearProbe(_Frozen):
    """``imagewang.linear``."""

    name = "imagewang.linear"
    params: LinearParams

    def _fit(
        self, features: NDArray[np.float32], codes: NDArray[np.int64], weights: Floats
    ) -> dict[str, NDArray[np.float32]]:
        from sklearn.linear_model import LogisticRegression

        mean, deviation = features.mean(axis=0), features.std(axis=0) + 1e-6
        k, seen = len(self.info.outputs), np.unique(codes)
        coefficients, intercepts = np.zeros((k, features.shape[1])), np.full(k, -np.inf)
        if len(seen) == 1:
            intercepts[seen] = 0.0
        else:
            # per row, so that the penalty means the same for any number of rows
            model = LogisticRegression(
                C=self.params.penalty / len(codes),
                max_iter=MOST_STEPS,
                class_weight="balanced" if self.params.balance else None,
            )
            model.fit((features - mean) / deviation, codes, sample_weight=weights)
            if len(seen) == 2:
                coefficients[seen[1]], intercepts[seen] = model.coef_[0], [0.0, model.intercept_[0]]
            else:
                coefficients[seen], intercepts[seen] = model.coef_, model.intercept_
        found = {"mean": mean, "deviation": deviation, "coefficients": coefficients, "intercepts": intercepts}
        return {name: np.asarray(value, np.float32) for name, value in found.items()}

    def _values(self, features: NDArray[np.float32]) -> Floats:
        from scipy.special import softmax

        standard = (features - self.fitted["mean"]) / self.fitted["deviation"]
        logits = standard.astype(np.float64) @ self.fitted["coefficients"].T + self.fitted["intercepts"]
        values: Floats = softmax(logits, axis=1)
        return values


class NearestNeighbours(_Frozen):
    """``imagewang.knn``: votes weighted by exp(cosine / temperature), as in Wu et al. 2018 (https://arxiv.org/abs/1805.01978)."""

    name = "imagewang.knn"
    params: KnnParams

    def _fit(
        self, features: NDArray[np.float32], codes: NDArray[np.int64], weights: Floats
    ) -> dict[str, NDArray[np.float32]]:
        votes = np.zeros((len(codes), len(self.info.outputs)), np.float32)
        totals = np.bincount(codes, weights=weights, minlength=votes.shape[1])
        votes[np.arange(len(codes)), codes] = weights / totals[codes] if self.params.balance else weights
        return {"features": _unit(features), "votes": votes}

    def _values(self, features: NDArray[np.float32]) -> Floats:
        known, votes = self.fitted["features"], self.fitted["votes"]
        count = min(self.params.neighbours, len(known))
        values = np.empty((len(features), votes.shape[1]))
        for start in range(0, len(features), BATCH):
            near = _unit(features[start : start + BATCH]) @ known.T
            best = np.argpartition(-near, count - 1, axis=1)[:, :count]
            closeness = np.take_along_axis(near, best, axis=1)
            weights = np.exp((closeness - closeness.max(axis=1, keepdims=True)) / self.params.temperature)
            values[start : start + BATCH] = (weights[:, :, None] * votes[best]).sum(axis=1)
        shares: Floats = values / values.sum(axis=1, keepdims=True)
        return shares


def _unit(features: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    return unit
