"""The bar that a search for relatives sets: classes of the nearest training sequences, as calibrated probabilities.

Similarities by shared words and by ungapped alignment (`harness_protein.homology.relatives`) are gathered by class. How
much each of them tells is learned within the fold's training rows, each compared with all others but itself: a
multinomial logistic model whose weights are the same for all classes, plus a small correction for each pair of
classes. Where nothing near is known, probabilities so fall back towards the class shares.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.data import DatasetInfo, Examples, Predictions
from harness.errors import DataError, StoreError
from harness.offers import CLASSIFICATION, BuildContext, Model, ModelRecipe, TaskLog
from harness.params import param

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FILE = "neighbours.npz"
PRIOR = 0.002
"""Share of the class shares in every prediction: relatives can be mislabelled, and no class gets 0."""
STEPS = 300
"""Iterations of the solver at most."""


@dataclass(frozen=True)
class NeighboursParams:
    """Parameters of ``protein.neighbours``."""

    aligned: int = param(40, "nearest training sequences, by shared words, that are aligned", low=1, high=1000)
    learn_on: int = param(
        5000, "training rows, drawn at random, on which the weight of similarities is learned", low=50, high=1_000_000
    )
    shared_penalty: float = param(
        30.0, "penalty on weights that all classes share, over the number of rows", low=1e-3, high=1e5, log=True
    )
    class_penalty: float = param(
        60.0, "penalty on each pair of classes' own weights, over the number of rows", low=1e-3, high=1e6, log=True
    )


def build(params: NeighboursParams, info: DatasetInfo, context: BuildContext) -> Model:
    """Build the model."""
    return Neighbours(params, info, context.seed)


class Neighbours:
    """See the module.

    Parameters
    ----------
    seed : int
        Draws the rows that weights are learned on, where there are more than `NeighboursParams.learn_on`.
    """

    def __init__(self, params: NeighboursParams, info: DatasetInfo, seed: int) -> None:
        self.params = params
        self.info = info
        self.seed = seed
        self._reference: Any = None
        self._weights: dict[str, Floats] = {}
        self._shares: Floats | None = None

    def fit(self, train: Examples, inner: Examples | None, log: TaskLog) -> None:
        """Keep the sequences and learn what similarities tell; `inner` is not used."""
        import numpy as np

        from harness_protein.homology.kmers import residues
        from harness_protein.homology.logit import fit
        from harness_protein.homology.relatives import facts, reference

        del inner, log
        assert train.targets is not None
        if len(train) < 2:
            raise DataError("protein.neighbours: one training row has no neighbours; give it at least two")
        k = len(self.info.classes)
        given = train.take(np.argsort(train.targets, kind="stable").astype(np.int64))
        assert given.targets is not None
        targets, weights = given.targets, np.ones(len(train)) if given.weights is None else given.weights
        bounds = np.searchsorted(targets, np.arange(k + 1))
        self._reference = reference(residues(given.inputs), bounds)
        self._shares = (np.bincount(targets, weights, k) + weights.mean()) / (weights.sum() + k * weights.mean())
        rng = np.random.default_rng(self.seed)
        rows = np.sort(rng.permutation(len(train))[: self.params.learn_on])
        about = facts(residues(given.take(rows).inputs), self._reference, self.params.aligned, own=rows)
        penalties = (self.params.shared_penalty / len(rows), self.params.class_penalty / len(rows))
        self._weights = fit(about, targets[rows], weights[rows], penalties, STEPS)

    def predict(self, examples: Examples) -> Predictions:
        """Predict."""
        import numpy as np

        from harness_protein.homology.kmers import residues
        from harness_protein.homology.logit import probabilities
        from harness_protein.homology.relatives import facts

        assert self._shares is not None
        if not len(examples):
            return Predictions(examples.ids, np.zeros((0, len(self.info.outputs))), self.info.outputs)
        about = facts(residues(examples.inputs), self._reference, self.params.aligned)
        values = (1 - PRIOR) * probabilities(about, self._weights) + PRIOR * self._shares
        return Predictions(examples.ids, values, self.info.outputs)

    def save(self, directory: Path) -> None:
        """Write the training sequences by class, and what was learned."""
        import numpy as np

        from harness.files import atomic_write

        given = self._reference.residues
        arrays: dict[str, Any] = {"shares": self._shares, "bounds": self._reference.bounds, **self._weights}
        with atomic_write(directory / FILE) as file:
            np.savez_compressed(file, letters=given.letters, starts=given.starts, **arrays)

    def load(self, directory: Path) -> None:
        """Read it back."""
        import numpy as np

        from harness_protein.homology.kmers import Residues
        from harness_protein.homology.logit import PARTS
        from harness_protein.homology.relatives import reference

        path = directory / FILE
        try:
            with np.load(path, allow_pickle=False) as stored:
                given = Residues(stored["letters"], stored["starts"])
                bounds, self._shares = stored["bounds"], stored["shares"]
                self._weights = {name: stored[name] for name in PARTS}
        except (OSError, KeyError, ValueError) as error:
            raise StoreError(f"{path}: cannot be read ({error}); train the run again") from error
        self._reference = reference(given, bounds)


RECIPE = ModelRecipe(
    "protein.neighbours",
    "classes of the nearest training sequences, by shared words and ungapped alignment, calibrated",
    CLASSIFICATION,
    NeighboursParams,
    build,
)
