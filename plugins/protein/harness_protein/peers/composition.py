"""Gradient boosting on what a sequence is made of; see `harness_protein.peers.descriptors`."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.data import DatasetInfo, Examples, Predictions
from harness.errors import DataError, StoreError
from harness.offers import CLASSIFICATION, BuildContext, Model, ModelRecipe, TaskLog
from harness.params import param

NAME = "protein.composition"
TREES, FACTS = "trees.skops", "composition.json"
ORGANISM = "organism"
PATIENCE = 10
"""Iterations without a better loss on held-out rows after which training ends."""


@dataclass(frozen=True)
class CompositionParams:
    """Parameters of ``protein.composition``."""

    pairs: int = param(1, "greatest distance of the pairs of residues that are counted; 0: none", low=0, high=10)
    lags: int = param(10, "greatest distance at which scales are correlated along the sequence", low=0, high=100)
    organisms: int = param(20, "commonest organisms told apart, where the data names them", low=0, high=254)
    iterations: int = param(100, "of boosting", low=1, high=10_000)
    rate: float = param(0.06, "learning rate", low=1e-3, high=1.0, log=True)
    leaves: int = param(8, "leaves of a tree", low=2, high=256)
    least: int = param(10, "training rows of a leaf", low=1, high=1000)
    penalty: float = param(5.0, "on the squares of the leaves' values", low=0.0, high=1e4)
    features: float = param(0.2, "share of the features that a split chooses from", low=0.01, high=1.0)
    class_weights: bool = param(False, "weight classes by the inverse of their share; changes the probabilities")
    holdout: bool = param(False, "hold out a part of the training rows, and stop where it is predicted best")


class Composition:
    """``protein.composition``.

    Attributes
    ----------
    best_iteration : int or None
        Where a holdout stopped the training.
    """

    def __init__(self, params: CompositionParams, info: DatasetInfo, context: BuildContext) -> None:
        self.params, self.info, self.context = params, info, context
        self.best_iteration: int | None = None
        self._organisms: list[str] = []
        self._trees: Any = None
        self._rows = 0

    def fit(self, train: Examples, inner: Examples | None, log: TaskLog) -> None:
        """Boost on `train`; with `inner`, as many iterations as predict it best."""
        import numpy as np

        from harness_protein.peers.shares import row_weights

        assert train.targets is not None
        if len(np.unique(train.targets)) < 2:
            raise DataError(f"{NAME}: training rows of one class are nothing to learn from; give it two or more")
        self._rows, self._organisms = len(train), _commonest(train, self.params.organisms)
        features, weights = self._features(train), row_weights(train, self.params.class_weights)
        iterations = self.params.iterations
        if inner is not None:
            assert inner.targets is not None
            seen = np.isin(inner.targets, train.targets)
            held = {"X_val": self._features(inner)[seen], "y_val": inner.targets[seen]}
            found = self._fitted(iterations, features, train.targets, weights, held)
            # the first score is that of no tree at all
            iterations = self.best_iteration = max(1, int(np.argmax(found.validation_score_)))
            for step, score in enumerate(found.validation_score_[1:]):
                log.epoch(step, valid_loss=-float(score))
        self._trees = self._fitted(iterations, features, train.targets, weights, {})

    def predict(self, examples: Examples) -> Predictions:
        """Predict (n, k) probabilities."""
        import numpy as np
        from threadpoolctl import threadpool_limits

        from harness_protein.peers.shares import completed

        k = len(self.info.outputs)
        if not len(examples):
            return Predictions(examples.ids, np.zeros((0, k)), self.info.outputs)
        with threadpool_limits(limits=self.context.threads):
            values = self._trees.predict_proba(self._features(examples))
        return Predictions(examples.ids, completed(values, self._trees.classes_, k, self._rows), self.info.outputs)

    def save(self, directory: Path) -> None:
        """Write the trees, the organisms and the classes."""
        from harness.persist import save_sklearn

        save_sklearn(self._trees, directory / TREES)
        facts = {"classes": list(self.info.outputs), "organisms": self._organisms, "rows": self._rows}
        (directory / FACTS).write_text(json.dumps(facts), encoding="utf-8")

    def load(self, directory: Path) -> None:
        """Read what `save` wrote; nothing is unpickled."""
        from harness.persist import load_sklearn

        facts = json.loads((directory / FACTS).read_text(encoding="utf-8"))
        if tuple(facts["classes"]) != self.info.outputs:
            raise StoreError(f"{directory / FACTS} is of other classes; train it again")
        self._organisms, self._rows = facts["organisms"], facts["rows"]
        self._trees = load_sklearn(directory / TREES)

    def _features(self, examples: Examples) -> Any:
        """Return (n, m) float32: each sequence's description, and a column for each organism that is told apart."""
        import numpy as np

        from harness_protein.peers.descriptors import describe
        from harness_protein.peers.shares import texts

        found = describe(texts(examples, NAME), range(1, self.params.pairs + 1), self.params.lags)
        if not self._organisms:
            return found
        named = _organisms(examples)
        columns = [np.array([name == known for name in named], np.float32) for known in self._organisms]
        return np.column_stack([found, *columns])

    def _fitted(self, iterations: int, features: Any, targets: Any, weights: Any, held: dict[str, Any]) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier
        from threadpoolctl import threadpool_limits

        params = self.params
        model = HistGradientBoostingClassifier(
            max_iter=iterations,
            learning_rate=params.rate,
            max_leaf_nodes=params.leaves,
            min_samples_leaf=params.least,
            l2_regularization=params.penalty,
            max_features=params.features,
            early_stopping=bool(held),
            n_iter_no_change=PATIENCE,
            random_state=self.context.seed % 2**32,
        )
        with threadpool_limits(limits=self.context.threads):
            return model.fit(features, targets, sample_weight=weights, **held)


def build(params: CompositionParams, info: DatasetInfo, context: BuildContext) -> Model:
    """Build the model."""
    return Composition(params, info, context)


def recipe() -> ModelRecipe:
    """Return ``protein.composition``."""
    return ModelRecipe(
        NAME,
        "gradient boosting on amino-acid composition, pairs of residues and physico-chemical scales",
        CLASSIFICATION,
        CompositionParams,
        build,
        inner=_wants_inner,
        iterations="iterations",
    )


def _wants_inner(params: CompositionParams) -> bool:
    return params.holdout


def _organisms(examples: Examples) -> list[str]:
    if examples.meta is None or ORGANISM not in examples.meta:
        return [""] * len(examples)
    return [str(name) for name in examples.meta[ORGANISM]]


def _commonest(train: Examples, most: int) -> list[str]:
    counts = Counter(name for name in _organisms(train) if name)
    # by name where they are equally common, so that the order of rows does not matter
    return [name for name, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]]
