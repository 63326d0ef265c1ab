"""Logistic regression on the vectors of a frozen ESM-2, where its weights are on this machine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.data import DatasetInfo, Examples, Predictions, check_any
from harness.errors import StoreError
from harness.offers import CLASSIFICATION, BuildContext, Model, ModelRecipe, TaskLog
from harness.params import param

NAME = "protein.esm"
ARRAYS, FACTS = "esm.npz", "esm.json"
LEAST_SCALE = 1e-6


@dataclass(frozen=True)
class EsmParams:
    """Parameters of ``protein.esm``."""

    weights: str = param(
        "", "folder of ESM-2's weights, or their name in the local cache of Hugging Face", weights=True
    )
    window: int = param(1022, "residues read at once; longer sequences in overlapping windows", low=8, high=100_000)
    strength: float = param(0.01, "inverse of the penalty (C)", low=1e-6, high=1e4, log=True)
    class_weights: bool = param(False, "weight classes by the inverse of their share; changes the probabilities")


def build(params: EsmParams, info: DatasetInfo, context: BuildContext) -> Model:
    """Build the model.

    Raises
    ------
    ConfigError
        If ``transformers`` or the weights are not here.
    """
    from harness_protein.peers.embeddings import folder_of

    return Esm(params, info, context, folder_of(params.weights))


def recipe() -> ModelRecipe:
    """Return ``protein.esm``."""
    return ModelRecipe(
        NAME,
        "ESM-2's vectors and logistic regression, where the weights are on this machine (extra: esm)",
        CLASSIFICATION,
        EsmParams,
        build,
    )


class Esm:
    """See the module.

    Parameters
    ----------
    folder : Path
        Of the weights; they stay there, and a stored model holds their digest.
    """

    def __init__(self, params: EsmParams, info: DatasetInfo, context: BuildContext, folder: Path) -> None:
        self.params, self.info, self.context, self.folder = params, info, context, folder
        self._arrays: dict[str, Any] = {}

    def fit(self, train: Examples, inner: Examples | None, log: TaskLog) -> None:  # noqa: ARG002
        """Fit a regression on standardized vectors; the network stays as it is."""
        from harness_protein.peers.logistic import fitted

        check_any(train, NAME)
        params, threads = self.params, self.context.threads
        vectors = self._vectors(train)
        centre, scale = vectors.mean(axis=0), vectors.std(axis=0) + LEAST_SCALE
        model = fitted((vectors - centre) / scale, train, params.strength, params.class_weights, threads, log)
        self._arrays = {"centre": centre, "scale": scale, **model}

    def predict(self, examples: Examples) -> Predictions:
        """Predict (n, k) probabilities."""
        from harness_protein.peers.logistic import probabilities

        vectors = (self._vectors(examples) - self._arrays["centre"]) / self._arrays["scale"]
        values = probabilities(vectors, self._arrays, len(self.info.outputs))
        return Predictions(examples.ids, values, self.info.outputs)

    def save(self, directory: Path) -> None:
        """Write the regression, and the digest of the network's weights."""
        import numpy as np

        from harness_protein.peers.embeddings import digest

        np.savez(directory / ARRAYS, **self._arrays)
        facts = {"classes": list(self.info.outputs), "network": digest(self.folder)}
        (directory / FACTS).write_text(json.dumps(facts), encoding="utf-8")

    def load(self, directory: Path) -> None:
        """Read what `save` wrote; nothing is unpickled.

        Raises
        ------
        StoreError
            If it was trained on vectors of another network.
        """
        import numpy as np

        from harness_protein.peers.embeddings import digest

        facts = json.loads((directory / FACTS).read_text(encoding="utf-8"))
        if tuple(facts["classes"]) != self.info.outputs:
            raise StoreError(f"{directory / FACTS} is of other classes; train it again")
        if facts["network"] != digest(self.folder):
            raise StoreError(f"{directory / FACTS} is of other weights than those in {self.folder}; train it again")
        with np.load(directory / ARRAYS, allow_pickle=False) as stored:
            self._arrays = dict(stored)

    def _vectors(self, examples: Examples) -> Any:
        from harness_protein.peers.embeddings import embedder
        from harness_protein.peers.shares import texts

        embed = embedder(self.folder, self.context.device, self.context.threads)
        return embed(texts(examples, NAME), self.params.window)
