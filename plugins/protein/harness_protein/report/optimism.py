"""By how much a split at random flatters: a quick model of relatives, scored under it and under clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.builtin._splits.rows import StratifiedParams, stratified
from harness.data import Dataset, Examples, Fold
from harness_protein.homology import logit
from harness_protein.homology.clusters import ClustersParams, clusters, split
from harness_protein.homology.kmers import MURPHY, Word, count, having, rarity, residues, weighted
from harness_protein.homology.relatives import others_of, votes_by_class
from harness_protein.report.bands import TINY, stderr

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

WORD = Word("1101011", MURPHY)
PENALTIES = (30.0, 60.0)
MOST = 6000
"""Sequences compared with each other at most; of more, so many are drawn."""


@dataclass(frozen=True)
class Optimism:
    """Scores of one model under two splits of the same rows.

    Attributes
    ----------
    rows, clusters, largest : int
        Sequences compared, clusters they fall into, and sequences in the largest.
    accuracy, log_loss : (float, float)
        Under the split at random, and under clusters.
    accuracy_gap, log_loss_gap : (float, float)
        Clusters minus random, paired by row, and its standard error over rows.
    """

    rows: int
    clusters: int
    largest: int
    accuracy: tuple[float, float]
    log_loss: tuple[float, float]
    accuracy_gap: tuple[float, float]
    log_loss_gap: tuple[float, float]


def optimism(dataset: Dataset, params: ClustersParams, seed: int = 0) -> Optimism:
    """Score a nearest-neighbour model under both splits.

    The model is the core of ``protein.neighbours``: votes of the training rows by shared spaced words, weighed by a
    logistic model. It sees each row's relatives as any model may, and takes seconds.

    Raises
    ------
    DataError
        If the data cannot be split so.
    """
    train = dataset.train.take(dataset.train.scored_rows())
    if len(train) > MOST:
        train = train.take(np.sort(np.random.default_rng(seed).permutation(len(train))[:MOST]))
    assert train.targets is not None
    codes = clusters(params, train, dataset.info)
    counted = count(residues(train.inputs), WORD)
    matrix = weighted(counted.matrix, rarity(having(counted.matrix), len(train)))
    alike = (matrix @ matrix.T).toarray()
    k = len(dataset.info.classes)
    at_random = stratified(StratifiedParams(folds=params.folds, seed=params.seed), train, dataset.info)
    by_cluster = split(params, train, dataset.info)
    one, other = (_scored(alike, train, k, folds) for folds in (at_random, by_cluster))
    right, loss = ((other[at] - one[at]) for at in (0, 1))
    return Optimism(
        len(train),
        int(codes.max()) + 1,
        int(np.bincount(codes).max()),
        (float(one[0].mean()), float(other[0].mean())),
        (float(one[1].mean()), float(other[1].mean())),
        (float(right.mean()), stderr(right)),
        (float(loss.mean()), stderr(loss)),
    )


def _scored(alike: NDArray[np.float32], train: Examples, k: int, folds: Iterable[Fold]) -> tuple[Floats, Floats]:
    """Return whether each row is right, and its log loss, each predicted from the other folds."""
    targets = train.targets
    assert targets is not None
    right, loss = np.zeros(len(targets)), np.zeros(len(targets))
    for fold in folds:
        known = fold.train[np.argsort(targets[fold.train], kind="stable")]
        bounds = np.searchsorted(targets[known], np.arange(k + 1))
        near = alike[np.ix_(known, known)]
        np.fill_diagonal(near, 0)
        facts = votes_by_class(near, bounds, others_of(bounds, len(known), np.arange(len(known))))
        penalties = (PENALTIES[0] / len(known), PENALTIES[1] / len(known))
        learned = logit.fit(facts, targets[known], np.ones(len(known)), penalties, 100)
        far = alike[np.ix_(fold.valid, known)]
        values = logit.probabilities(votes_by_class(far, bounds, others_of(bounds, len(far), None)), learned)
        truth = targets[fold.valid]
        right[fold.valid] = values.argmax(axis=1) == truth
        loss[fold.valid] = -np.log(np.maximum(values[np.arange(len(truth)), truth], TINY))
    return right, loss
