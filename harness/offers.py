"""What a plugin offers: small frozen records with a name, and the protocols behind them.

A name is ``<plugin>.<thing>`` (``birdclef.cnn``); built-in things are bare (``log_loss``); a competition's own
``plugin.py`` offers ``local.<thing>``. Everything heavy is imported inside the functions that a record holds, never by
the record itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from harness.data import Dataset, DatasetInfo, Examples, Fold, Predictions, TaskType
from harness.params import NoParams
from harness.sites.client import SiteClient

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ALL_TASKS: frozenset[TaskType] = frozenset(TaskType)
CLASSIFICATION: frozenset[TaskType] = frozenset({TaskType.BINARY, TaskType.MULTICLASS})


class TaskLog(Protocol):
    """Where a model tells what it does while it trains."""

    def epoch(self, step: int, **metrics: float) -> None:
        """Log metrics of one epoch (or boosting iteration); `step` counts from 0."""

    def note(self, text: str) -> None:
        """Log one line that a reader of the run must know."""


@dataclass(frozen=True)
class BuildContext:
    """What a recipe gets besides its parameters.

    Attributes
    ----------
    seed : int
        Already particular to the fold; the only source of randomness.
    device : str
        ``cpu`` or ``cuda``.
    threads : int
        CPU threads this task may use; part of a run's identity.
    stages : mapping of str to Path
        Directories of the finished stages the recipe declared, by stage name.
    """

    seed: int = 0
    device: Literal["cpu", "cuda"] = "cpu"
    threads: int = 1
    stages: Mapping[str, Path] = field(default_factory=dict)


class Model(Protocol):
    """Something that learns from examples and predicts.

    A model may set ``best_iteration: int`` while it fits with early stopping; a refit then uses the median over folds
    for the parameter that its recipe names in `ModelRecipe.iterations`.
    """

    def fit(self, train: Examples, inner: Examples | None, log: TaskLog) -> None:
        """Learn from `train`; `inner` is for early stopping, cut from the fold's own training rows, or None."""

    def predict(self, examples: Examples) -> Predictions:
        """Predict; columns are `DatasetInfo.outputs` in that order, ids those of the examples.

        A regression may add ``lower`` and ``upper``: an interval, which an adjuster may calibrate.
        """

    def save(self, directory: Path) -> None:
        """Write everything that `predict` needs into an existing empty directory."""

    def load(self, directory: Path) -> None:
        """Read what `save` wrote; nothing is unpickled."""


class Transformer(Protocol):
    """A scikit-learn style transformer of inputs, which can be saved.

    ``fit_transform`` sees the training rows with their targets; ``transform`` sees any other rows. They may differ for
    the same row, as in cross-fitted target encoding.
    """

    def fit_transform(self, inputs: Any, targets: NDArray[Any] | None) -> Any:
        """Learn from the fold's training inputs and return them transformed."""

    def transform(self, inputs: Any) -> Any:
        """Transform other inputs."""

    def save(self, directory: Path) -> None:
        """Write everything that `transform` needs into an existing empty directory."""

    def load(self, directory: Path) -> None:
        """Read what `save` wrote; nothing is unpickled."""


@dataclass(frozen=True, eq=False)
class StageInput:
    """What a stage may see: exactly the parts it declared in `Stage.uses`.

    Attributes
    ----------
    parts : mapping of str to Examples
        ``train``, ``valid``, ``test`` and ``unlabelled:<name>``. Without targets, except ``fold``: the training rows of
        this fold with their targets, for a stage of scope ``fold``.
    stages : mapping of str to Path
        Directories of the stages this one needs.
    """

    info: DatasetInfo
    parts: Mapping[str, Examples]
    stages: Mapping[str, Path]
    seed: int
    device: Literal["cpu", "cuda"]
    threads: int


@dataclass(frozen=True)
class Stage:
    """A pure, digest-keyed step shared by tasks: a language model, an encoder, a decoded cache.

    Attributes
    ----------
    name : str
        Unique within the recipe; ``<plugin>.<thing>``.
    scope : str
        ``dataset``: sees unlabelled inputs only and runs once. ``fold``: also sees that fold's training rows.
    params : dataclass instance
        Part of the key, with the plugin's version, the data seen, the seed and the stages needed.
    run : callable
        ``run(stage_input, out, log)`` writes its result into the existing empty directory `out`.
    uses : tuple of str
        Parts it reads; shown beside the score where it names ``test`` or ``valid``.
    needs : tuple of str
        Names of stages that run first.
    seeded : bool
        False if the result does not depend on the seed, so that all seeds share it.
    """

    name: str
    scope: Literal["dataset", "fold"]
    params: Any
    run: Callable[[StageInput, Path, TaskLog], None]
    uses: tuple[str, ...] = ("train",)
    needs: tuple[str, ...] = ()
    seeded: bool = True


StagesOf = Callable[[Any, DatasetInfo], Sequence[Stage]]


@dataclass(frozen=True)
class DataRequest:
    """Where a source is asked to read from.

    Attributes
    ----------
    variant : str
        ``path`` when the user gave a path, else the name of a variant in the competition file.
    path : Path or None
        The user's folder or file, or the folder of the fetched files; None for what the plugin ships itself.
    home : Path
        The competition's own folder.
    cache : Path
        A folder that the source may fill (decoded files, ...).
    skip_bad : bool
        Leave out training files that cannot be read, and say so in the notes; otherwise they are refused. Rows to
        predict always get an answer.
    unlabelled : tuple of Path
        Files or folders of rows without targets that the source is to read into `Dataset.unlabelled`, each under its
        name without suffix.
    """

    competition: str
    task_type: TaskType
    variant: str
    path: Path | None
    home: Path
    cache: Path
    skip_bad: bool = False
    unlabelled: tuple[Path, ...] = ()


@dataclass(frozen=True, eq=False)
class DatasetSource:
    """Reads a kind of data set, whatever competition it belongs to.

    Attributes
    ----------
    load : callable
        ``load(params, request) -> Dataset``.
    read_new : callable or None
        ``read_new(params, path, info) -> Examples`` without targets, for predicting on new data.
    table_new : callable or None
        ``table_new(params, examples, predictions) -> DataFrame``: how predictions of new data are written; None for the
        submission's columns.
    """

    kind: ClassVar[str] = "dataset source"
    name: str
    summary: str
    params: type[Any]
    load: Callable[[Any, DataRequest], Dataset]
    read_new: Callable[[Any, Path, DatasetInfo], Examples] | None = None
    table_new: Callable[[Any, Examples, Predictions], pd.DataFrame] | None = None


@dataclass(frozen=True, eq=False)
class Features:
    """Turns a dataset's inputs into what a model takes, fitted inside the fold.

    Attributes
    ----------
    build : callable
        ``build(params, info, context) -> Transformer``.
    """

    kind: ClassVar[str] = "features"
    name: str
    summary: str
    params: type[Any]
    build: Callable[[Any, DatasetInfo, BuildContext], Transformer]
    stages: StagesOf | None = None


@dataclass(frozen=True, eq=False)
class ModelRecipe:
    """How a model is built.

    Attributes
    ----------
    tasks : frozenset of TaskType
        What it can be used for.
    build : callable
        ``build(params, info, context) -> Model``.
    inner : callable or None
        ``inner(params) -> bool``: whether it wants a holdout cut from the fold's own training rows (early stopping).
    iterations : str or None
        The field of `params` that a refit sets to the median best iteration of the folds. Where `inner` is given and
        wants no holdout, folds have none.
    warn : callable or None
        ``warn(params, info) -> str``: what a person should know before it trains on these data, in a line; or nothing.
    """

    kind: ClassVar[str] = "model"
    name: str
    summary: str
    tasks: frozenset[TaskType]
    params: type[Any]
    build: Callable[[Any, DatasetInfo, BuildContext], Model]
    stages: StagesOf | None = None
    inner: Callable[[Any], bool] | None = None
    iterations: str | None = None
    warn: Callable[[Any, DatasetInfo], str] | None = None


class Score(Protocol):
    """``score(targets, values, weights, meta) -> float``; see `Metric.needs` for what `values` holds."""

    def __call__(
        self, targets: NDArray[Any], values: Floats, weights: Floats | None, meta: pd.DataFrame | None, /
    ) -> float:
        """Score n rows; `targets` by `TaskType`, `values` (n, k), `weights` (n,) or None."""


@dataclass(frozen=True, eq=False)
class Metric:
    """A score with a stored direction.

    Attributes
    ----------
    direction : str
        ``min`` or ``max``: which way is better.
    needs : str
        ``probabilities``: (n, k) in global class order. ``decisions``: (n, k) in {0, 1}, one-hot for single-label
        tasks, from the adjuster's thresholds; an all-zero row says "nothing here". ``values``: (n, k) as predicted.
    per_row : callable or None
        ``per_row(targets, values) -> (n,)``, where the score is the (weighted) mean over rows.
    """

    kind: ClassVar[str] = "metric"
    name: str
    summary: str
    direction: Literal["min", "max"]
    needs: Literal["probabilities", "decisions", "values"]
    tasks: frozenset[TaskType]
    score: Score
    per_row: Callable[[NDArray[Any], Floats], Floats] | None = None

    def better(self, one: float, other: float) -> bool:
        """Whether score `one` is strictly better than `other`."""
        return one < other if self.direction == "min" else one > other


@dataclass(frozen=True, eq=False)
class Splitter:
    """Cuts rows into folds.

    Attributes
    ----------
    split : callable
        ``split(params, examples, info) -> Iterable[Fold]``. Positions are into `examples`. Fold `valid` parts are
        disjoint and, but for forward time splits, cover every row once.
    forward : bool
        True if folds only look forward in time, so that OOF covers a subset of the rows.
    at_random : bool
        True if rows are dealt whatever their group, time or place; ``harness run`` refuses it where the test set is not
        such a draw.
    """

    kind: ClassVar[str] = "splitter"
    name: str
    summary: str
    params: type[Any]
    split: Callable[[Any, Examples, DatasetInfo], Iterable[Fold]]
    forward: bool = False
    at_random: bool = False


@dataclass(frozen=True, eq=False)
class Rebalancer:
    """Changes the class shares a model trains on; sees training rows of one fold only.

    Attributes
    ----------
    rebalance : callable
        ``rebalance(params, examples, info, seed) -> Examples``: fewer or repeated rows, other weights, or new
        rows, with ids ``generated:<n>``.
    generates : bool
        True if it makes new rows, for which it needs a numeric table (after features).
    """

    kind: ClassVar[str] = "rebalancer"
    name: str
    summary: str
    params: type[Any]
    rebalance: Callable[[Any, Examples, DatasetInfo, int], Examples]
    generates: bool = False


@dataclass(frozen=True, eq=False)
class AdjusterInput:
    """Out-of-fold predictions an adjuster learns from.

    Attributes
    ----------
    values : (n, k) float64
    targets : array
        Shape by `TaskType`.
    weights : (n,) float64 or None
        Evaluation weights (a declared target prior), never training weights.
    natural_shares, trained_shares : (k,) float64 or None
        Class shares of the training rows before and after rebalancing (weights included), mean over folds.
    """

    values: Floats
    targets: NDArray[Any]
    weights: Floats | None
    meta: pd.DataFrame | None
    natural_shares: Floats | None
    trained_shares: Floats | None
    seed: int


class Adjustment(Protocol):
    """A fitted correction of predictions."""

    notes: list[str]
    """Lines a reader of the score must know: what was estimated, or that it refuses and why."""

    def fit(self, oof: AdjusterInput) -> None:
        """Learn from out-of-fold predictions and their targets."""

    def apply(self, values: Floats, reference: Floats | None, meta: pd.DataFrame | None = None) -> Floats:
        """Adjust (n, k) values; `meta` is what is known of these n rows beside their inputs.

        `reference` is an unlabelled batch (m, k) of the same model's predictions on the test set, from which a
        label-shift correction estimates shares; None means: use what was stored at the last reference.
        """

    def decide(self, values: Floats) -> Floats | None:
        """Turn adjusted values into decisions (n, k) in {0, 1}; None leaves the default (argmax, or >= 0.5)."""

    def state(self) -> dict[str, Any]:
        """Return what was learned as JSON values."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""


@dataclass(frozen=True, eq=False)
class Adjuster:
    """Corrects predictions after training, cross-fitted over folds.

    Attributes
    ----------
    build : callable
        ``build(params, info) -> Adjustment``.
    sees_test : bool
        True if `Adjustment.apply` learns from the test set's inputs; the score then carries that mark, and rules may
        forbid it.
    """

    kind: ClassVar[str] = "adjuster"
    name: str
    summary: str
    tasks: frozenset[TaskType]
    params: type[Any]
    build: Callable[[Any, DatasetInfo], Adjustment]
    sees_test: bool = False


@dataclass(frozen=True)
class PoolRequest:
    """What a command asks of an executor.

    Attributes
    ----------
    workers : int
        Tasks at once.
    threads : int
        Threads that each task uses.
    device : str
        ``"cpu"`` or ``"cuda"``.
    address : str
        Of a cluster that is there already; empty: this machine.
    """

    workers: int = 1
    threads: int = 1
    device: str = "cpu"
    address: str = ""


class Pool(Protocol):
    """Where tasks run, while it is open."""

    @property
    def room(self) -> int:
        """Return how many tasks may be under way; read anew before each that is submitted."""

    def submit(self, task: Any, limit: float | None = None) -> None:
        """Take a task; called while fewer than `room` are under way.

        Parameters
        ----------
        limit : float, optional
            Seconds after which the task is stopped and answered by a `harness.errors.TaskTimeoutError`.
        """

    def wait(self) -> tuple[Any, Any]:
        """Wait for any task to end; return it, and its result or the exception that ended it.

        A task whose process died is answered by a `harness.errors.WorkerDiedError`; it is submitted once more.
        """


@dataclass(frozen=True, eq=False)
class Executor:
    """Decides where tasks run; never changes what a task computes.

    Attributes
    ----------
    open : callable
        ``open(function, request)`` returns a context manager of a `Pool` that calls ``function(task)``. `function` is a
        module-level function, and tasks can be pickled.
    live : bool
        Whether `function` is called in this process, so that a listener can be told while it runs.
    """

    kind: ClassVar[str] = "executor"
    name: str
    summary: str
    open: Callable[[Callable[[Any], Any], PoolRequest], AbstractContextManager[Pool]]
    live: bool = False
    params: type[Any] = NoParams


@dataclass(frozen=True, eq=False)
class Site:
    """Where a competition's data comes from and its submissions go.

    Attributes
    ----------
    open : callable
        ``open()`` imports the site's client, finds the user's credentials and returns a
        `harness.sites.client.SiteClient`.
    """

    kind: ClassVar[str] = "site"
    name: str
    summary: str
    open: Callable[[], SiteClient]
    params: type[Any] = NoParams


Offer = DatasetSource | Features | ModelRecipe | Metric | Splitter | Rebalancer | Adjuster | Executor | Site
