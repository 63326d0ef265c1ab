"""Columns of free text as numbers: TF-IDF of their commonest words, or the directions in which it varies most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.extmath import randomized_svd

from harness.data import TaskType
from harness.errors import DataError
from harness.files import read_json, write_json
from harness_imbalance.features import ColumnsParams, TextParams, is_text
from harness_imbalance.transform import ColumnsTransformer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FILE, TOPICS, OTHERS = "texts.json", "topics.npz", "columns"
WORD = r"(?u)\b\w+\b"
"""Words of a single letter too."""


class TextTransformer:
    """The transformer of ``imbalance.text``.

    Of each text column the words (and runs of them) that most training rows hold become columns: (1 + log n) times
    log((1 + rows) / (1 + rows with it)) + 1, a row of one text of length 1. With `TextParams.topics` they are projected
    on the first right singular vectors of the training rows (Deerwester et al. 1990,
    https://doi.org/10.1002/(SICI)1097-4571(199009)41:6%3C391::AID-ASI1%3E3.0.CO;2-9).
    """

    def __init__(self, params: TextParams, task: TaskType, seed: int) -> None:
        self.params, self.seed = params, seed
        self.others = ColumnsTransformer(ColumnsParams(impute="median", scale=True, encode="onehot"), task, seed)
        self.names: list[str] = []
        self.has_others = False
        self.words: dict[str, list[str]] = {}
        self.weights: dict[str, list[float]] = {}
        self.topics: dict[str, Floats] = {}

    def fit_transform(self, inputs: Any, targets: NDArray[Any] | None) -> pd.DataFrame:
        """Learn words, weights and topics from a fold's training inputs and return them transformed.

        Returns
        -------
        (n, k) DataFrame of float64

        Raises
        ------
        DataError
            If the inputs are no table.
        """
        table = _table(inputs)
        self.names = [str(name) for name in table if is_text(table[name])]
        rest = table.drop(columns=self.names)
        self.has_others = rest.shape[1] > 0
        parts = [self.others.fit_transform(rest, targets)] if self.has_others else []
        for name in self.names:
            texts = table[name].tolist()
            self.words[name] = self._commonest(texts)
            if self.words[name]:
                self.weights[name] = self._vectorizer(name).fit(texts).idf_.tolist()
                found = self._weighted(name, texts)
                self._learn_topics(name, found)
                parts.append(self._named(name, found))
        return _joined(parts, len(table))

    def transform(self, inputs: Any) -> pd.DataFrame:
        """Transform other inputs; words that the training rows lack count for nothing.

        Raises
        ------
        DataError
            If the inputs are no table, or have no rows.
        """
        table = _table(inputs)
        if not len(table):
            raise DataError("imbalance.text: there are no rows to transform")
        parts = [self.others.transform(table.drop(columns=self.names))] if self.has_others else []
        parts += [self._named(name, self._weighted(name, table[name].tolist())) for name in self.weights]
        return _joined(parts, len(table))

    def save(self, directory: Path) -> None:
        """Write words, weights, topics and what the other columns need."""
        state = {"names": self.names, "others": self.has_others, "words": self.words, "weights": self.weights}
        write_json(directory / FILE, state)
        np.savez(directory / TOPICS, **self.topics)  # type: ignore[arg-type]
        if self.has_others:
            (directory / OTHERS).mkdir()
            self.others.save(directory / OTHERS)

    def load(self, directory: Path) -> None:
        """Read what `save` wrote; nothing is unpickled."""
        state = read_json(directory / FILE)
        self.names, self.has_others = state["names"], state["others"]
        self.words, self.weights = state["words"], state["weights"]
        with np.load(directory / TOPICS, allow_pickle=False) as stored:
            self.topics = {name: stored[name] for name in stored.files}
        if self.has_others:
            self.others.load(directory / OTHERS)

    def _commonest(self, texts: Sequence[str]) -> list[str]:
        analyze = self._plain().build_analyzer()
        rows = Counter(word for text in texts for word in set(analyze(text)))
        kept = sorted((-count, word) for word, count in rows.items() if count >= self.params.min_rows)
        return sorted(word for _, word in kept[: self.params.words])

    def _plain(self, vocabulary: Sequence[str] | None = None) -> Any:
        return TfidfVectorizer(
            ngram_range=(1, self.params.ngrams), token_pattern=WORD, sublinear_tf=True, vocabulary=vocabulary
        )

    def _vectorizer(self, name: str) -> Any:
        made = self._plain(self.words[name])
        if name in self.weights:
            made.idf_ = np.array(self.weights[name])
        return made

    def _weighted(self, name: str, texts: Sequence[str]) -> Any:
        return self._vectorizer(name).transform(texts)

    def _learn_topics(self, name: str, found: Any) -> None:
        count = min(self.params.topics, *(side - 1 for side in found.shape))
        if count > 0:
            _, _, self.topics[name] = randomized_svd(found, count, random_state=self.seed % 2**32)

    def _named(self, name: str, found: Any) -> pd.DataFrame:
        if name in self.topics:
            columns = [f"{name}: topic {number}" for number in range(len(self.topics[name]))]
            return pd.DataFrame(found @ self.topics[name].T, columns=columns)
        return pd.DataFrame(found.toarray(), columns=[f"{name}: {word}" for word in self.words[name]])


def _table(inputs: Any) -> pd.DataFrame:
    if not isinstance(inputs, pd.DataFrame):
        raise DataError(f"imbalance.text works on tables, found {type(inputs).__name__}")
    return inputs


def _joined(parts: Sequence[pd.DataFrame], rows: int) -> pd.DataFrame:
    if not parts:
        return pd.DataFrame(index=pd.RangeIndex(rows))
    return pd.concat([part.reset_index(drop=True) for part in parts], axis=1)
