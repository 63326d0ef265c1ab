"""Does a blend's own score hold on rows that nobody has seen? Fifty simulated boards, each with a held-out set.

A board is a few hundred OOF rows, five folds, and members of which some are good, some alike and some worthless. A
blend is learned on it as `harness blend` does. Its nested score is what the board shows; its naive score is that of the
rows that it was learned on; the true one is that of the same blend on 20,000 new rows.

Run with ``python benchmarks/blends.py [BOARDS [METHOD or METRIC]]``.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from harness.builtin.blends import apply
from harness.data import TaskType
from harness.nested import Known, nested
from harness.offers import Metric
from harness.plugins import load_plugins

BOARDS, ROWS, NEW, FOLDS, MEMBERS = 50, 300, 20_000, 5, 12


@dataclass(frozen=True)
class Scores:
    """One blend of one board; `error` is the standard error over folds that the board shows beside its score."""

    nested: float
    naive: float
    true: float
    error: float


def board(seed: int, metric: Metric, members: int = MEMBERS) -> tuple[Known, Known]:
    """Simulate what is known of the OOF rows, and the same of new ones."""
    rng = np.random.default_rng(seed)
    skill = rng.uniform(0.0, 1.0, members) * (rng.uniform(size=members) < 0.7)
    shared = rng.normal(size=(members, 3))

    def rows(n: int) -> Known:
        truth, common = rng.normal(0, 1.5, n), rng.normal(size=(3, n))
        noise = 0.5 * shared @ common + rng.normal(size=(members, n))
        chance = expit(skill[:, None] * truth + 0.6 * noise)
        targets = (rng.uniform(size=n) < expit(truth)).astype(np.int64)
        values = np.stack([1 - chance, chance], axis=2)
        return Known(TaskType.BINARY, metric, values, targets, None, np.arange(n) % FOLDS)

    return rows(ROWS), rows(NEW)


def scores_of(known: Known, new: Known, method: str) -> Scores:
    """Learn a blend on the OOF rows and score it three ways."""
    learned = nested(known, method)
    folds = [known.of(known.folds == fold).score(learned.oof[known.folds == fold]) for fold in range(FOLDS)]
    blended = apply(learned.method, learned.weights, new.values, known.task, known.values)
    error = float(np.std(folds, ddof=1) / np.sqrt(FOLDS))
    return Scores(known.score(learned.oof), known.score(learned.naive), new.score(blended), error)


def compared(metric: Metric, method: str, boards: int, members: int = MEMBERS) -> list[Scores]:
    """Return the scores of one method on many boards."""
    return [scores_of(*board(seed, metric, members), method) for seed in range(boards)]


def metric_of(name: str) -> Metric:
    """Return a metric of the harness."""
    return load_plugins().find(Metric, name, "benchmark")


def optimism(found: list[Scores], metric: Metric, which: str) -> np.ndarray:
    """Return by how much a score is too good on each board."""
    gaps = np.array([getattr(one, which) - one.true for one in found])
    return -gaps if metric.direction == "min" else gaps


def main(boards: int, only: str) -> None:
    """Print, for each method, how much too good both scores are, with standard errors over boards."""
    print(f"{boards} boards of {ROWS} rows; true: the same blend on {NEW:,} new rows\n")
    heads = ("metric", "method", "members", "true", "s.e.", "nested too good by", "naive too good by", "within 1 s.e.")
    line = "{:>9} {:>11} {:>8} {:>7} {:>7} {:>19} {:>19} {:>14}"
    print(line.format(*heads))
    cases = [("log_loss", method, MEMBERS) for method in ("greedy", "linear", "log_linear", "logit_mean")]
    for name, method, members in [*cases, ("log_loss", "best", 4), ("roc_auc", "greedy", 6)]:
        if only not in ("", method, name):
            continue
        metric = metric_of(name)
        found = compared(metric, method, boards, members)
        error = np.array([one.error for one in found])
        gaps = [optimism(found, metric, which) for which in ("nested", "naive")]
        cells = [f"{gap.mean():+.4f} ± {gap.std(ddof=1) / np.sqrt(boards):.4f}" for gap in gaps]
        inside = f"{(np.abs(gaps[0]) <= error).sum()} of {boards}"
        true = f"{np.mean([one.true for one in found]):.4f}"
        print(line.format(name, method, members, true, f"{error.mean():.4f}", *cells, inside), flush=True)


if __name__ == "__main__":
    given = sys.argv[1:]
    main(int(given[0]) if given else BOARDS, given[1] if len(given) > 1 else "")
