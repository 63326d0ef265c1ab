"""TF-IDF of words of residues and logistic regression: the classical bar, with spaced words and places."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.data import DatasetInfo, Examples, Predictions
from harness.errors import ConfigError, StoreError
from harness.offers import CLASSIFICATION, BuildContext, Model, ModelRecipe, TaskLog
from harness.params import param

if TYPE_CHECKING:
    from harness_protein.peers.words import Kind, Vocabulary

NAME = "protein.tfidf"
ARRAYS, FACTS = "tfidf.npz", "tfidf.json"
PATTERN = re.compile("1([01]*1)?")
MOST_READ = 9
"""Residues of a word; more would not fit a number of 64 bits."""


@dataclass(frozen=True)
class TfidfParams:
    """Parameters of ``protein.tfidf``."""

    words: tuple[str, ...] = param(
        ("1", "11", "101", "1001", "10001", "111"), "kinds of words: 1 for each residue that is read, 0 for one skipped"
    )
    reduced: tuple[str, ...] = param(
        ("1111", "11111", "11011"), "kinds of words of the ten classes of residues of Murphy et al. 2000"
    )
    sections: int = param(
        16, "parts of a sequence in which single residues and pairs are counted once more; 1: not", low=1, high=200
    )
    min_rows: int = param(2, "training sequences that a word occurs in, at least", low=1, high=1000)
    max_words: int = param(100_000, "words of each kind, the commonest", low=100, high=10_000_000)
    sublinear: bool = param(True, "count the logarithm of how often a word occurs in a sequence")
    rarity: bool = param(False, "weigh words by inverse document frequency")
    strength: float = param(
        0.0, "inverse of the penalty (C); 0: the one that predicts held-out training rows best", low=0.0, high=1e5
    )
    class_weights: bool = param(False, "weight classes by the inverse of their share; changes the probabilities")


def build(params: TfidfParams, info: DatasetInfo, context: BuildContext) -> Model:
    """Build the model.

    Raises
    ------
    ConfigError
        If a kind of words is written in another way, or there is none.
    """
    for pattern in (*params.words, *params.reduced):
        if not PATTERN.fullmatch(pattern) or pattern.count("1") > MOST_READ:
            raise ConfigError(
                f"{NAME}: {pattern!r} is no kind of words; expected 1 and 0, a 1 at both ends, at most"
                f" {MOST_READ} times 1, such as '111' or '1001'"
            )
    if not params.words and not params.reduced and params.sections == 1:
        raise ConfigError(f"{NAME}: nothing is counted; set words, such as ['11', '111']")
    return Tfidf(params, info, context)


def recipe() -> ModelRecipe:
    """Return ``protein.tfidf``."""
    return ModelRecipe(
        NAME,
        "TF-IDF of contiguous and spaced words of residues, logistic regression",
        CLASSIFICATION,
        TfidfParams,
        build,
        inner=_chooses,
    )


def _chooses(params: TfidfParams) -> bool:
    return not params.strength


class Tfidf:
    """See the module."""

    def __init__(self, params: TfidfParams, info: DatasetInfo, context: BuildContext) -> None:
        self.params, self.info, self.context = params, info, context
        self._vocabularies: list[Vocabulary] = []
        self._model: dict[str, Any] = {}

    def fit(self, train: Examples, inner: Examples | None, log: TaskLog) -> None:
        """Choose words, the penalty and, on all rows that are given, the weights."""
        from harness_protein.homology.kmers import residues
        from harness_protein.peers.logistic import chosen, fitted, holdout
        from harness_protein.peers.shares import joined, texts
        from harness_protein.peers.words import learn

        params, threads = self.params, self.context.threads
        rows = train if inner is None else joined(train, inner)
        given = residues(texts(rows, NAME))
        self._vocabularies = [
            learn(given, kind, params.min_rows, params.max_words, params.rarity) for kind in self._kinds()
        ]
        inputs = self._matrix(rows)
        strength = params.strength
        if not strength:
            held = holdout(len(train), None if inner is None else len(inner), self.context.seed)
            strength = chosen(inputs, rows, held, params.class_weights, threads, log)
        self._model = fitted(inputs, rows, strength, params.class_weights, threads, log)

    def predict(self, examples: Examples) -> Predictions:
        """Predict (n, k) probabilities."""
        from harness_protein.peers.logistic import probabilities

        values = probabilities(self._matrix(examples), self._model, len(self.info.outputs))
        return Predictions(examples.ids, values, self.info.outputs)

    def save(self, directory: Path) -> None:
        """Write words, weights and classes."""
        import numpy as np

        arrays = dict(self._model)
        for place, vocabulary in enumerate(self._vocabularies):
            arrays[f"codes-{place}"], arrays[f"rarity-{place}"] = vocabulary.codes, vocabulary.rarity
        np.savez_compressed(directory / ARRAYS, **arrays)
        facts = {"classes": list(self.info.outputs), "kinds": len(self._vocabularies)}
        (directory / FACTS).write_text(json.dumps(facts), encoding="utf-8")

    def load(self, directory: Path) -> None:
        """Read what `save` wrote; nothing is unpickled."""
        import numpy as np

        from harness_protein.peers.logistic import PARTS
        from harness_protein.peers.words import Vocabulary

        facts = json.loads((directory / FACTS).read_text(encoding="utf-8"))
        if tuple(facts["classes"]) != self.info.outputs or facts["kinds"] != len(self._kinds()):
            raise StoreError(f"{directory / FACTS} is of other classes or other words; train it again")
        with np.load(directory / ARRAYS, allow_pickle=False) as stored:
            self._vocabularies = [
                Vocabulary(stored[f"codes-{place}"], stored[f"rarity-{place}"]) for place in range(facts["kinds"])
            ]
            self._model = {name: stored[name] for name in PARTS}

    def _kinds(self) -> list[Kind]:
        from harness_protein.peers.words import kinds

        return kinds(self.params.words, self.params.reduced, self.params.sections)

    def _matrix(self, examples: Examples) -> Any:
        """Return the weighted counts of all kinds side by side, (n, v) CSR float32."""
        from scipy import sparse

        from harness_protein.homology.kmers import residues
        from harness_protein.peers.shares import texts
        from harness_protein.peers.words import matrix

        given, sublinear = residues(texts(examples, NAME)), self.params.sublinear
        known = zip(self._kinds(), self._vocabularies, strict=True)
        blocks = [matrix(given, kind, vocabulary, sublinear) for kind, vocabulary in known]
        return sparse.hstack(blocks, format="csr")
