"""One fold of one run: a pure function that writes one directory atomically.

The directory holds raw predictions (before any adjuster), the model, the features and what was logged. Everything else
(adjusters, scores, submission) is made from these files, so strategies that train the same model share them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from harness.competition import Strategy
from harness.competition_file import FILE
from harness.data import DatasetInfo, Examples, Fold, Predictions, TaskType
from harness.device import PeakMemory
from harness.errors import ConfigError, DataError, PluginError, listed
from harness.files import atomic_directory, read_json, write_checksums, write_json
from harness.offers import BuildContext, Features, Model, ModelRecipe, Rebalancer, Transformer
from harness.params import parse_params
from harness.prepare import Prepared, Setting, prepare
from harness.results import FoldResult
from harness.stages import run_stages

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REFIT = -1
"""Fold number of a model that is fitted on all training rows."""

Listener = Callable[[int, int, Mapping[str, float]], None]
"""``listener(fold, step, metrics)``."""


@dataclass(frozen=True)
class Task:
    """Everything one fold depends on, small enough to send to another process.

    Attributes
    ----------
    fold : int
        Position in the folds, or `REFIT`.
    iterations : int or None
        For a refit: what the recipe's `iterations` parameter is set to.
    directory : Path
        Where the result goes; complete when it exists.
    """

    setting: Setting
    strategy: Strategy
    fold: int
    seed: int
    device: Literal["cpu", "cuda"]
    threads: int
    directory: Path
    iterations: int | None = None


@dataclass(frozen=True, eq=False)
class Parts:
    """A strategy's offers with their parsed parameters."""

    recipe: ModelRecipe
    model: Any
    features: Features | None
    features_params: Any
    rebalancer: Rebalancer | None
    rebalancer_params: Any


class EventLog:
    """Appends what a model logs to a file, one JSON object a line, and tells a listener in this process."""

    def __init__(self, file: IO[str], fold: int, listener: Listener | None) -> None:
        self.file, self.fold, self.listener = file, fold, listener

    def epoch(self, step: int, **metrics: float) -> None:
        """Log metrics of one epoch."""
        plain = {name: float(value) for name, value in metrics.items()}
        self._write({"step": int(step), **plain})
        if self.listener is not None:
            self.listener(self.fold, int(step), plain)

    def note(self, text: str) -> None:
        """Log one line."""
        self._write({"note": text})

    def _write(self, event: Mapping[str, Any]) -> None:
        self.file.write(json.dumps(event) + "\n")
        self.file.flush()


def parts_of(strategy: Strategy, prepared: Prepared) -> Parts:
    """Find a strategy's features, model and rebalancer and parse their parameters.

    Raises
    ------
    HarnessError
        Naming the strategy and what is wrong with it.
    """
    plugins, where = prepared.plugins, f"{prepared.competition.id}/{FILE}: strategies.{strategy.name}"
    recipe = plugins.find(ModelRecipe, strategy.model.name, f"{where}: model")
    if prepared.competition.task not in recipe.tasks:
        raise ConfigError(f"{where}: model {recipe.name!r} does not fit task {prepared.competition.task.value!r}")
    features = rebalancer = features_params = rebalancer_params = None
    if strategy.features is not None:
        features = plugins.find(Features, strategy.features.name, f"{where}: features")
        features_params = parse_params(features.params, strategy.features.params, f"{where}: features")
    if strategy.rebalancer is not None:
        if not prepared.competition.task.single_label:
            raise ConfigError(f"{where}: a rebalancer needs a single-label task")
        rebalancer = plugins.find(Rebalancer, strategy.rebalancer.name, f"{where}: rebalancer")
        rebalancer_params = parse_params(rebalancer.params, strategy.rebalancer.params, f"{where}: rebalancer")
    model = parse_params(recipe.params, strategy.model.params, f"{where}: model")
    return Parts(recipe, model, features, features_params, rebalancer, rebalancer_params)


def execute(task: Task, listener: Listener | None = None) -> FoldResult:
    """Train one fold, predict its rows, the validation set and the test set, and store all of it.

    Raises
    ------
    HarnessError
        If data, parameters or a plugin's answers cannot be used.
    Exception
        Whatever the plugin's own code raises.
    """
    from threadpoolctl import threadpool_limits

    prepared = prepare(task.setting)
    fold = fold_of(task, prepared)
    started, memory = time.perf_counter(), PeakMemory()
    with (
        threadpool_limits(limits=task.threads),
        atomic_directory(task.directory) as out,
        (out / "events.jsonl").open("w", encoding="utf-8") as events,
    ):
        log = EventLog(events, task.fold, listener)
        result = _train(task, prepared, fold, out, log)
        result = replace(result, seconds=time.perf_counter() - started, peak_memory=memory.read())
        write_json(out / "result.json", asdict(result))
        events.close()
        write_checksums(out)
    return read_result(task.directory)


def fold_of(task: Task, prepared: Prepared) -> Fold:
    """Return the fold a task trains; a refit trains on every row and validates none."""
    import numpy as np

    if task.fold != REFIT:
        return prepared.folds[task.fold]
    return Fold(REFIT, np.arange(len(prepared.dataset.train)), np.empty(0, dtype=np.int64))


def fold_seed(seed: int, fold: int) -> int:
    """Derive a fold's own seed: 31 bits, independent between folds and between neighbouring seeds."""
    import numpy as np

    return int(np.random.SeedSequence([seed, fold + 1]).generate_state(1)[0] >> 1)


def _train(task: Task, prepared: Prepared, fold: Fold, out: Path, log: EventLog) -> FoldResult:
    import numpy as np

    dataset, parts = prepared.dataset, parts_of(task.strategy, prepared)
    if task.iterations is not None and parts.recipe.iterations:
        parts = replace(parts, model=replace(parts.model, **{parts.recipe.iterations: task.iterations}))
    context = BuildContext(fold_seed(task.seed, task.fold), task.device, task.threads)
    context = _with_stages(context, parts, task, prepared, fold, log)

    train, inner = _cut_inner(parts, prepared, dataset.train.take(fold.train), task)
    transform = _features(parts, dataset.info, context, train, out)
    train = transform(train, True)
    before = class_counts(train, dataset.info)
    if parts.rebalancer is not None:
        train = parts.rebalancer.rebalance(parts.rebalancer_params, train, dataset.info, context.seed)
    after = class_counts(train, dataset.info)

    model = parts.recipe.build(parts.model, dataset.info, context)
    model.fit(train, None if inner is None else transform(inner, False), log)
    scores: dict[str, float] = {}
    for name, examples in (("oof", dataset.train.take(fold.valid)), ("valid", dataset.valid), ("test", dataset.test)):
        if examples is None or not len(examples):
            continue
        predictions = predict_checked(model, transform(examples, False), dataset.info, parts.recipe.name)
        np.save(out / f"{name}.npy", predictions.values, allow_pickle=False)
        if name == "oof":
            scores = _raw_scores(prepared, examples, predictions)
    (out / "model").mkdir()
    model.save(out / "model")
    return FoldResult(
        index=task.fold,
        n_train=len(train),
        n_valid=len(fold.valid),
        scores=scores,
        counts_before=before,
        counts_after=after,
        seconds=0.0,
        peak_memory=0,
        device=task.device,
        threads=task.threads,
        best_iteration=getattr(model, "best_iteration", None),
    )


def _with_stages(
    context: BuildContext, parts: Parts, task: Task, prepared: Prepared, fold: Fold, log: EventLog
) -> BuildContext:
    info = prepared.dataset.info
    stages = [*(parts.recipe.stages(parts.model, info) if parts.recipe.stages else ())]
    if parts.features is not None and parts.features.stages is not None:
        stages += parts.features.stages(parts.features_params, info)
    if not stages:
        return context
    done = run_stages(stages, prepared.dataset, fold, context, task.seed, prepared.plugins, prepared.setting.cache, log)
    return replace(context, stages=done)


def _cut_inner(parts: Parts, prepared: Prepared, train: Examples, task: Task) -> tuple[Examples, Examples | None]:
    """Cut the early-stopping holdout from the fold's own training rows, by the competition's own splitter.

    The last fold is taken: for forward time splits that is the latest one, for the others any one does.
    """
    if task.iterations is not None or parts.recipe.inner is None or not parts.recipe.inner(parts.model):
        return train, None
    last = _inner_folds(prepared, train)[-1]
    return train.take(last.train), train.take(last.valid)


def _inner_folds(prepared: Prepared, train: Examples) -> list[Fold]:
    """Cut folds within a fold's training rows; fewer than outside, where there are not enough groups or times left."""
    use = {key: value for key, value in prepared.split.items() if key != "use"}
    for folds in range(use.get("folds", 2), 1, -1):
        if "folds" in use:
            use["folds"] = folds
        params = parse_params(prepared.splitter.params, use, "split")
        try:
            return list(prepared.splitter.split(params, train, prepared.dataset.info))
        except DataError:
            if folds == 2:
                raise
    raise AssertionError(use)


def _features(
    parts: Parts, info: DatasetInfo, context: BuildContext, train: Examples, out: Path
) -> Callable[[Examples, bool], Examples]:
    """Fit the features once; return ``transform(examples, training)``."""
    if parts.features is None:
        return lambda examples, _: examples
    transformer: Transformer = parts.features.build(parts.features_params, info, context)
    fitted = transformer.fit_transform(train.inputs, train.targets)
    (out / "features").mkdir()
    transformer.save(out / "features")
    return lambda examples, training: examples.with_inputs(
        fitted if training else transformer.transform(examples.inputs)
    )


def class_counts(examples: Examples, info: DatasetInfo) -> dict[str, float]:
    """Return training rows by class, weights summed; empty where rows have no single class."""
    import numpy as np

    if not info.task_type.single_label or examples.targets is None:
        return {}
    counts = np.bincount(examples.targets, weights=examples.weights, minlength=len(info.classes))
    return dict(zip(info.classes, counts.astype(float).tolist(), strict=True))


def predict_checked(model: Model, examples: Examples, info: DatasetInfo, who: str) -> Predictions:
    """Predict, and refuse an answer that breaks the contract.

    Raises
    ------
    PluginError
        On a wrong type, shape, order of rows or classes, a NaN, or impossible probabilities.
    """
    import numpy as np

    found = model.predict(examples)
    if not isinstance(found, Predictions):
        raise PluginError(f"model {who!r} predicted a {type(found).__name__}, expected Predictions")
    if tuple(found.columns) != info.outputs:
        raise PluginError(f"model {who!r} predicted columns {listed(found.columns)}; expected {listed(info.outputs)}")
    if len(found.ids) != len(examples) or not np.array_equal(found.ids, examples.ids):
        raise PluginError(f"model {who!r} predicted other rows than it was given, or in another order")
    values = np.ascontiguousarray(found.values, dtype=np.float64)
    check_values(values, info.task_type, f"model {who!r}")
    return Predictions(found.ids, values, tuple(found.columns))


def check_values(values: NDArray[np.float64], task: TaskType, who: str) -> None:
    """Refuse NaN, infinities, and probabilities that are none.

    Raises
    ------
    PluginError
        Saying how many rows are wrong.
    """
    import numpy as np

    wrong = int((~np.isfinite(values)).any(axis=1).sum())
    if wrong:
        raise PluginError(f"{who} predicted NaN or infinity in {wrong} of {len(values)} rows")
    if task is TaskType.REGRESSION:
        return
    outside = int(((values < 0) | (values > 1)).any(axis=1).sum())
    if outside:
        raise PluginError(f"{who} predicted probabilities outside [0, 1] in {outside} of {len(values)} rows")
    if task.single_label:
        off = int((np.abs(values.sum(axis=1) - 1) > 1e-3).sum())
        if off:
            raise PluginError(f"{who} predicted probabilities that do not sum to 1 in {off} of {len(values)} rows")


def _raw_scores(prepared: Prepared, examples: Examples, predictions: Predictions) -> dict[str, float]:
    assert examples.targets is not None
    return {
        metric.name: float(metric.score(examples.targets, predictions.values, None, examples.meta))
        for metric in prepared.metrics
        if metric.needs != "decisions"
    }


def read_result(directory: Path, resumed: bool = False) -> FoldResult:
    """Read a stored fold with the epochs and notes that were logged."""
    stored = read_json(directory / "result.json")
    events = [json.loads(line) for line in (directory / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    return FoldResult(
        **{
            **stored,
            "epochs": tuple(event for event in events if "step" in event),
            "notes": tuple(event["note"] for event in events if "note" in event),
            "resumed": resumed,
        }
    )


def read_values(directory: Path, name: str) -> NDArray[np.float64] | None:
    """Read raw predictions (``oof``, ``valid`` or ``test``) of a stored fold; None where there are none.

    Raises
    ------
    DataError
        If the file holds anything but numbers.
    """
    import numpy as np

    path = directory / f"{name}.npy"
    if not path.exists():
        return None
    values = np.load(path, allow_pickle=False)
    if values.ndim != 2:
        raise DataError(f"{path} has {values.ndim} dimensions, expected 2")
    return np.asarray(values, dtype=np.float64)


def load_fold(directory: Path, strategy: Strategy, prepared: Prepared) -> Callable[[Examples], Predictions]:
    """Load a stored fold's features and model; return ``predict(examples)``."""
    parts, context = parts_of(strategy, prepared), BuildContext()
    info = prepared.dataset.info
    model = parts.recipe.build(parts.model, info, context)
    model.load(directory / "model")
    transformer = None
    if parts.features is not None:
        transformer = parts.features.build(parts.features_params, info, context)
        transformer.load(directory / "features")

    def predict(examples: Examples) -> Predictions:
        if transformer is not None:
            examples = examples.with_inputs(transformer.transform(examples.inputs))
        return predict_checked(model, examples, info, parts.recipe.name)

    return predict
