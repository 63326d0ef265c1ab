"""Ties of a leaderboard, held against simulations whose truth is known, and what they cost.

- Equal models: simulated predictions that share how hard a row is, with noise of their own in each row, and, where
  trainings differ, in each fold. How often is one called better? At most 5 % should be.
- Two seeds of one real model, and two algorithms that are equally good by symmetry, trained on fresh samples.
- A truly better model, by three standard errors of its own score as the board shows it, and by three of the difference,
  where no test that is wrong in 5 % of equal pairs can find more than 85 %.
- Many equal models: how often the truly best (any one, named beforehand) is outside the tied ones.
- Time for 10 entries and 100,000 rows.

Run with ``python benchmarks/ties.py [PAIRS]``.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import rankdata

from harness.builtin.metrics import harness_metrics
from harness.offers import Metric
from harness.paired import ALPHA, compare, differences
from harness.resampling import Entries, bootstrap, fold_deviations


def area(targets: np.ndarray, values: np.ndarray, _weights: None, _meta: None) -> float:
    """Return the area under the ROC curve from ranks: scikit-learn's, many times as fast."""
    ranks, positive = rankdata(values[:, 1]), targets == 1
    n = positive.sum()
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * (len(targets) - n)))


METRICS = {metric.name: metric for metric in harness_metrics()}
SKLEARN_AUC = METRICS["roc_auc"]
METRICS["roc_auc"] = replace(SKLEARN_AUC, score=area)
PAIRS = 200
NOISE = 0.6
"""Standard deviation of each entry's own noise in the logit of a row; that of what rows share is 1."""


def entries_of(metric: Metric, targets: np.ndarray, values: list[np.ndarray], folds: np.ndarray) -> Entries:
    """Return what is compared, best first, as `harness.ties` makes it from stored predictions."""
    scores = np.array([metric.score(targets, one, None, None) for one in values])
    sign = 1 if metric.direction == "min" else -1
    order = np.argsort(sign * scores, kind="stable")
    chosen = [values[place] for place in order]
    losses = None
    if metric.per_row is not None:
        losses = np.stack([metric.per_row(targets, one) for one in chosen], axis=1)
    return Entries(
        score=lambda rows: np.array([metric.score(targets[rows], one[rows], None, None) for one in chosen]),
        scores=scores[order],
        sign=sign,
        units=np.arange(len(targets)),
        folds=folds,
        losses=losses,
        weights=None,
        columns=2,
        refit=np.zeros(len(values)),
        refit_df=np.full(len(values), np.inf),
    )


def simulated(
    rng: np.random.Generator, rows: int, folds: int, fit: float, skills: list[float]
) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """Make targets (n,), the probabilities (n, 2) of each entry, and folds.

    Parameters
    ----------
    fit : float
        Standard deviation over folds of an entry's skill: how well a training came out.
    skills : list of float
        How much of what can be known each entry's logit holds.
    """
    signal = 1.5 * rng.normal(size=rows)
    hard = rng.normal(size=rows)
    targets = (rng.random(rows) < 1 / (1 + np.exp(-signal))).astype(np.int64)
    fold = rng.permutation(np.arange(rows) % folds)
    values = []
    for skill in skills:
        trained = skill + fit * rng.normal(size=folds)[fold]
        logit = trained * signal + hard + NOISE * rng.normal(size=rows)
        positive = 1 / (1 + np.exp(-logit))
        values.append(np.stack([1 - positive, positive], axis=1))
    return targets, values, fold


def corrected(entries: Entries) -> np.ndarray:
    """Return the corrected probabilities (m,) alone, as `harness.paired.compare` finds them."""
    return differences(entries, bootstrap(entries, np.random.default_rng(0)), fold_deviations(entries))[2]


def not_tied(entries: Entries) -> bool:
    """Whether the second entry is told from the first."""
    return bool(corrected(entries)[1] < ALPHA)


def rate(pairs: int, one: Callable[[np.random.Generator], bool]) -> float:
    """Return how often `one` is true over so many seeds."""
    return float(np.mean([one(np.random.default_rng(seed)) for seed in range(pairs)]))


def equal_models(metric: Metric, rows: int, folds: int, fit: float, pairs: int) -> float:
    """Return how often one of two equal models is called better."""

    def one(rng: np.random.Generator) -> bool:
        targets, values, fold = simulated(rng, rows, folds, fit, [1.0, 1.0])
        return not_tied(entries_of(metric, targets, values, fold))

    return rate(pairs, one)


def many_equal(metric: Metric, rows: int, folds: int, fit: float, pairs: int, m: int = 7) -> tuple[float, float]:
    """Return how often any of m equal models is called worse, and how often a certain one of them is."""
    rng, outside, certain = np.random.default_rng(1), 0, 0
    for _ in range(pairs):
        targets, values, fold = simulated(rng, rows, folds, fit, [1.0] * m)
        scores = [metric.score(targets, one, None, None) for one in values]
        p = corrected(entries_of(metric, targets, values, fold))
        place = int(np.argsort(np.argsort((1 if metric.direction == "min" else -1) * np.array(scores)))[0])
        outside += bool((p < ALPHA).any())
        certain += bool(p[place] < ALPHA)
    return outside / pairs, certain / pairs


def better_models(metric: Metric, rows: int, folds: int, fit: float, pairs: int, of: str) -> tuple[float, float]:
    """Return how often a model that is better by three standard errors is told, and the correlation of both scores.

    The skill that makes the difference is found from 200 simulated pairs.

    Parameters
    ----------
    of : str
        ``one``: standard errors over folds of the better one's score, as the board shows; ``difference``: of the paired
        difference.
    """
    sign = 1 if metric.direction == "min" else -1

    def drawn(skill: float, n: int = 100) -> tuple[float, float, float]:
        scores, spread = [], []
        for seed in range(n):
            targets, values, fold = simulated(np.random.default_rng(9000 + seed), rows, folds, fit, [1.0, skill])
            scores.append([metric.score(targets, one, None, None) for one in values])
            parts = [metric.score(targets[fold == k], values[0][fold == k], None, None) for k in range(folds)]
            spread.append(np.std(parts, ddof=1) ** 2 / folds)
        table = np.array(scores)
        size = np.sqrt(np.mean(spread)) if of == "one" else (table[:, 1] - table[:, 0]).std(ddof=1)
        return float(sign * (table[:, 1] - table[:, 0]).mean()), float(size), float(np.corrcoef(table.T)[0, 1])

    low, high = -3.0, 1.0  # a skill below 1 is worse
    for _ in range(12):
        middle = (low + high) / 2
        difference, size, correlation = drawn(middle)
        if difference < 3 * size:
            high = middle
        else:
            low = middle
    skill = (low + high) / 2

    def one(rng: np.random.Generator) -> bool:
        targets, values, fold = simulated(rng, rows, folds, fit, [1.0, skill])
        return not_tied(entries_of(metric, targets, values, fold))

    return rate(pairs, one), correlation


def trained(seed: int, rows: int, folds: int, kind: str) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """Return out-of-fold predictions of two real models that are equally good.

    Parameters
    ----------
    kind : str
        ``seeds``: boosted trees on half of the columns at each node, or ``networks``: a small network, in both two
        seeds of one model. ``mirrored``: boosted trees, one on the first half of the columns and one on the second,
        which are drawn alike, so that over samples neither is better.
    """
    from sklearn.datasets import make_classification
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedKFold
    from sklearn.neural_network import MLPClassifier

    rng = np.random.default_rng(seed)
    if kind == "mirrored":
        inputs = rng.normal(size=(rows, 12))
        signal = np.sin(2 * inputs) @ np.ones(12) * 0.7
        targets = (rng.random(rows) < 1 / (1 + np.exp(-signal))).astype(np.int64)
        parts = [inputs[:, :6], inputs[:, 6:]]
    else:
        inputs, targets = make_classification(rows, 12, n_informative=6, flip_y=0.1, random_state=seed)
        parts = [inputs, inputs]
    fold = np.zeros(rows, dtype=np.int64)
    values = [np.zeros((rows, 2)), np.zeros((rows, 2))]
    for k, (train, valid) in enumerate(StratifiedKFold(folds, shuffle=True, random_state=seed).split(inputs, targets)):
        fold[valid] = k
        for which, part in enumerate(parts):
            state = 2 * (seed * folds + k) + which
            if kind == "networks":
                model = MLPClassifier((8,), max_iter=30, random_state=state)
            else:
                model = HistGradientBoostingClassifier(
                    max_iter=30, max_leaf_nodes=8, max_features=0.5, random_state=state
                )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # thirty epochs are no convergence, and need be none
                values[which][valid] = model.fit(part[train], targets[train]).predict_proba(part[valid])
    return targets, values, fold


def real_models(kind: str, pairs: int, rows: int = 600, folds: int = 5) -> dict[str, float]:
    """Return by metric how often one of two equally good real models is called better."""
    called = {"log_loss": 0, "roc_auc": 0}
    for seed in range(pairs):
        targets, values, fold = trained(seed, rows, folds, kind)
        for name in called:
            called[name] += not_tied(entries_of(METRICS[name], targets, values, fold))
    return {name: count / pairs for name, count in called.items()}


def cost(metric: Metric, rows: int = 100_000, m: int = 10) -> tuple[float, float]:
    """Return the seconds that comparing takes: by the clock, and of CPU."""
    targets, values, fold = simulated(np.random.default_rng(0), rows, 5, 0.05, list(np.linspace(1, 0.8, m)))
    entries = entries_of(metric, targets, values, fold)
    wall, cpu = time.perf_counter(), time.process_time()
    compare(entries)
    return time.perf_counter() - wall, time.process_time() - cpu


def main(pairs: int) -> None:
    """Print every number."""
    out = Console(width=110)
    table = Table("metric", "rows", "folds", "training varies", "called better", title=f"equal models, {pairs} pairs")
    for name, rows, folds, fit in product(("log_loss", "roc_auc"), (300, 3000), (5, 10), (0.0, 0.2)):
        found = equal_models(METRICS[name], rows, folds, fit, pairs)
        table.add_row(name, str(rows), str(folds), "yes" if fit else "no", f"{found:.1%}")
    out.print(table)
    table = Table(
        "models", "log_loss", "roc_auc", title=f"real models, equally good, 5 folds, {pairs} pairs: called better"
    )
    for kind in ("seeds", "networks", "mirrored"):
        found_by = real_models(kind, pairs)
        table.add_row(kind, f"{found_by['log_loss']:.1%}", f"{found_by['roc_auc']:.1%}")
    out.print(table)
    table = Table(
        "metric",
        "rows",
        "folds",
        "training varies",
        "by 3 s.e. of",
        "told",
        "correlation",
        title="a truly better model",
    )
    for name, rows, folds, fit, of in product(
        ("log_loss", "roc_auc"), (3000,), (5, 10), (0.0, 0.1), ("one", "difference")
    ):
        power, correlation = better_models(METRICS[name], rows, folds, fit, pairs, of)
        cells = [name, str(rows), str(folds), "yes" if fit else "no", of, f"{power:.0%}", f"{correlation:.2f}"]
        table.add_row(*cells)
    out.print(table)
    table = Table("metric", "training varies", "any is called worse", "a certain one is", title="seven equal models")
    for name, fit in product(("log_loss", "roc_auc"), (0.0, 0.2)):
        any_of, certain = many_equal(METRICS[name], 1000, 5, fit, pairs)
        table.add_row(name, "yes" if fit else "no", f"{any_of:.1%}", f"{certain:.1%}")
    out.print(table)
    for metric in (METRICS["log_loss"], SKLEARN_AUC):
        wall, cpu = cost(metric)
        out.print(f"10 entries, 100,000 rows, {metric.name}: {wall:.1f} s, {cpu:.1f} s of CPU")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS)
