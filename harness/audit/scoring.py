"""How well a model does under a split: a fast one on the table, or one of the competition's strategies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from harness.adjusting import default_decisions
from harness.audit.candidates import Candidate
from harness.audit.fast import fast_model, loss_for, table_of
from harness.checked import predict_checked
from harness.competition import Strategy
from harness.data import Examples, Fold, TaskType
from harness.device import choose_device, default_threads
from harness.errors import ConfigError
from harness.parts import parts_of
from harness.prepare import Prepared
from harness.scoring import evaluation_weights
from harness.tabular.model import Quiet
from harness.task import EventLog, Task, fold_seed, train_fold

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Predict = Callable[[Candidate, Fold], "Floats"]
"""``predict(candidate, fold)``: train on a fold's training rows and return values (m, k) of its validated rows."""


@dataclass(frozen=True, eq=False)
class Scorer:
    """Scores folds on the primary metric.

    Attributes
    ----------
    name : str
        What is trained, for people.
    kept : (n,) bool
        Rows that are used, of all training rows.
    """

    name: str
    prepared: Prepared
    predict: Predict
    kept: NDArray[np.bool_]

    def fold(self, candidate: Candidate, fold: Fold) -> float:
        """Train and score one fold on the rows that are kept; NaN if a side has none."""
        import numpy as np

        train, valid = fold.train[self.kept[fold.train]], fold.valid[self.kept[fold.valid]]
        if not len(train) or not len(valid):
            return float("nan")
        values = self.predict(candidate, Fold(fold.index, train, valid))
        dataset, metric = self.prepared.dataset, self.prepared.primary
        assert dataset.train.targets is not None
        weights = evaluation_weights(dataset.train.targets, dataset.info.classes, self.prepared.target_prior)
        if metric.needs == "decisions":
            decided = default_decisions(values, dataset.info.task_type)
            assert decided is not None, metric.name
            values = decided
        meta = None if dataset.train.meta is None else dataset.train.meta.iloc[valid].reset_index(drop=True)
        score = metric.score(dataset.train.targets[valid], values, None if weights is None else weights[valid], meta)
        return float(score) if np.isfinite(score) else float("nan")


def fast_scorer(prepared: Prepared, kept: NDArray[np.bool_], seed: int) -> Scorer:
    """Score the fast model on the inputs' numbers and categories.

    Raises
    ------
    ConfigError
        If inputs are no table, or rows have several labels: name a strategy.
    """
    dataset = prepared.dataset
    table = table_of(dataset.train, dataset.info.roles)
    strategies = ", ".join(strategy.name for strategy in prepared.competition.strategies[:5])
    if table is None or dataset.info.task_type is TaskType.MULTILABEL:
        what = "inputs are no table of numbers and categories" if table is None else "rows have several labels"
        raise ConfigError(f"{prepared.competition.id}: {what}; name what to train with --strategy: {strategies}")
    train = dataset.train.with_inputs(table)
    loss = loss_for(prepared.primary, train) if dataset.info.task_type is TaskType.REGRESSION else ""

    def predict(candidate: Candidate, fold: Fold) -> Floats:
        del candidate
        model = fast_model(dataset.info, fold_seed(seed, fold.index), loss=loss)
        model.fit(train.take(fold.train), None, Quiet())
        return predict_checked(model, train.take(fold.valid), dataset.info, "fast").values

    columns = f"{table.shape[1]} column{'s' if table.shape[1] != 1 else ''}"
    return Scorer(f"histogram gradient boosting on {columns}", prepared, predict, kept)


def strategy_scorer(prepared: Prepared, strategy: Strategy, kept: NDArray[np.bool_], seed: int) -> Scorer:
    """Score a strategy's features and model, without its adjusters, as a run would train them.

    Raises
    ------
    HarnessError
        If the strategy cannot be used.
    """
    import numpy as np

    parts = parts_of(strategy, prepared)
    staged = parts.recipe.stages is not None or (parts.features is not None and parts.features.stages is not None)
    # only a stage may look at the other parts; predicting them would cost time for nothing
    dataset = prepared.dataset if staged else replace(prepared.dataset, valid=None, test=None)
    device, threads = choose_device("auto"), default_threads()

    def predict(candidate: Candidate, fold: Fold) -> Floats:
        own = replace(
            prepared, dataset=dataset, splitter=candidate.splitter, split=candidate.use, folds=candidate.folds
        )
        with TemporaryDirectory(prefix="harness-") as folder:
            out = Path(folder)
            task = Task(prepared.setting, strategy, fold.index, seed, device, threads, out)
            with (out / "events.jsonl").open("w", encoding="utf-8") as events:
                train_fold(task, own, fold, out, EventLog(events, fold.index, None))
            values: Floats = np.load(out / "oof.npy", allow_pickle=False)
        return values

    return Scorer(f"strategy {strategy.label}", prepared, predict, kept)


def rows_to_use(examples: Examples, groups: NDArray[np.int64] | None, most: int, seed: int) -> NDArray[np.bool_]:
    """Choose about `most` rows: whole groups, or where those would be fewer than thirty, rows of all groups.

    Returns
    -------
    (n,) bool
    """
    import numpy as np

    n = len(examples)
    kept = np.ones(n, dtype=bool)
    if n <= most:
        return kept
    rng = np.random.default_rng(seed)
    if groups is not None and (groups >= 0).all():
        counts = np.bincount(groups)
        order = rng.permutation(len(counts))
        whole = order[np.cumsum(counts[order]) <= most]
        if len(whole) >= FEWEST_GROUPS:
            return np.isin(groups, whole)
    kept[rng.permutation(n)[most:]] = False
    return kept


FEWEST_GROUPS = 30
"""Fewer whole groups than this would be a poor sample of them."""
