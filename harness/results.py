"""What happened: runs, folds, scores and the files that show them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.data import Dataset, Examples, Predictions
from harness.offers import Model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Status(StrEnum):
    """How far a run came."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    TIMEOUT = "timeout"


@dataclass(frozen=True)
class Run:
    """One strategy on one seed over all folds: who it is, before anything is trained.

    Attributes
    ----------
    run_id : str
        ``<strategy>-s<seed>-<key>``; `key` is the beginning of the digest of `identity`.
    seed : int or None
        None for the mean over seeds.
    identity : mapping
        Everything the result depends on, as JSON values: strategy with every parameter, split, data digest, plugin
        versions, seed, threads, device. Two runs with equal identities are the same run.
    label : str
        Name on a leaderboard: the strategy, and parameters set on the command line.
    facts : mapping
        What is worth knowing but changes no result: git commit, host, versions of libraries, start time
        (ISO 8601, UTC).
    """

    competition: str
    strategy: str
    seed: int | None
    run_id: str
    directory: Path
    identity: Mapping[str, Any]
    label: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    fast: bool = False

    @property
    def trial(self) -> Mapping[str, Any] | None:
        """Which trial of which study of ``harness tune`` it is; None for a run of its own."""
        found: Mapping[str, Any] | None = self.facts.get("tune")
        return found


@dataclass(frozen=True, slots=True)
class FoldResult:
    """One finished task.

    Attributes
    ----------
    scores : mapping of str to float
        Metrics of the fold's own validation rows, before any adjuster; only those that need no decisions.
    counts_before, counts_after : mapping of str to float
        Training rows (weights summed) by class, before and after rebalancing; empty for a regression.
    seconds : float
        Wall time.
    peak_memory : int
        Bytes, highest resident size while the task ran; 0 where the system does not tell.
    epochs : tuple of mapping
        What the model logged: ``{"step": int, metric: float, ...}``.
    resumed : bool
        True if it was read from the store instead of being trained now.
    directory : Path or None
        Where its files are: predictions, and whatever the model saved, in ``model``; None if that is not known.
    """

    index: int
    n_train: int
    n_valid: int
    scores: Mapping[str, float]
    counts_before: Mapping[str, float]
    counts_after: Mapping[str, float]
    seconds: float
    peak_memory: int
    device: str
    threads: int
    best_iteration: int | None = None
    epochs: tuple[Mapping[str, float], ...] = ()
    notes: tuple[str, ...] = ()
    resumed: bool = False
    directory: Path | None = None


@dataclass(frozen=True)
class Score:
    """One metric of one run.

    Attributes
    ----------
    oof : float
        Over all out-of-fold rows at once, adjusted, reweighted to the target prior where one is declared.
    raw_oof : float or None
        The same without reweighting, where a target prior is declared.
    valid : float or None
        On the labelled validation set, where there is one.
    mean, stderr : float
        Mean over folds, and its standard error (NaN for one fold).
    """

    oof: float
    mean: float
    stderr: float
    valid: float | None = None
    raw_oof: float | None = None


@dataclass(frozen=True, eq=False)
class Scored:
    """A labelled set with its adjusted predictions, ready for metrics and figures.

    Attributes
    ----------
    targets : array
        Shape by `harness.data.TaskType`.
    predictions : Predictions
    decisions : (n, k) float64 in {0, 1} or None
        None for a regression.
    weights : (n,) float64 or None
        Evaluation weights.
    folds : (n,) int64
        The fold that predicted each row; -1 in a validation set.
    """

    targets: NDArray[Any]
    predictions: Predictions
    decisions: NDArray[np.float64] | None
    weights: NDArray[np.float64] | None
    folds: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RunResult:
    """One finished run.

    Attributes
    ----------
    oof, valid : Scored
        `valid` is None where the data set has none.
    test : Predictions or None
        Adjusted test predictions; `test_decisions` are those in {0, 1}, None for a regression.
    marks : tuple of str
        What is shown beside the score: ``sees test inputs``, ``fast``, ``simulated``, ``imported``,
        ``split not like test``.
    """

    run: Run
    status: Status
    scores: Mapping[str, Score]
    folds: tuple[FoldResult, ...]
    oof: Scored
    valid: Scored | None
    test: Predictions | None
    test_decisions: Predictions | None = None
    notes: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    seconds: float = 0.0
    submission: Path | None = None


@dataclass(frozen=True, eq=False)
class Artifact:
    """A file a report makes: a figure or a table.

    Attributes
    ----------
    name : str
        Path below the run's ``figures`` folder, with its suffix: ``reliability.png``.
    title : str
        One line for a person.
    write : callable
        ``write(path)`` writes the file.
    """

    name: str
    title: str
    write: Callable[[Path], None]


@dataclass(frozen=True, eq=False)
class FittedFold:
    """A model of a finished run, read back from the store.

    Attributes
    ----------
    index : int
        The fold it did not see; -1 for a refit on all training rows.
    transform : callable
        ``transform(examples) -> Examples`` as ``model.predict`` takes them: through the fold's own features.
    """

    index: int
    model: Model
    transform: Callable[[Examples], Examples]


@dataclass(frozen=True, eq=False)
class Shown:
    """What a page of a competition is made from: a finished run, or a bare file of predictions.

    Attributes
    ----------
    predictions : Path or None
        The file; everything else is then empty.
    board : mapping
        As ``harness leaderboard --json`` prints it.
    dataset : Dataset or None
        The data that the run was trained on.
    result : RunResult or None
    fitted : callable
        ``fitted() -> sequence of FittedFold``, read when asked for; empty for an imported run.
    runs : callable
        ``runs() -> sequence of RunResult``: every run of the board, best first, read when asked for.
    card : mapping or None
        What ``harness check`` keeps of the data, as JSON values; None if it never looked.
    provenance : mapping or None
        What is recorded of the run's making; None of an older one.
    command : str
        What to type for this program, with the options that lead it here.
    """

    predictions: Path | None = None
    board: Mapping[str, Any] = field(default_factory=dict)
    dataset: Dataset | None = None
    result: RunResult | None = None
    fitted: Callable[[], Sequence[FittedFold]] = tuple
    runs: Callable[[], Sequence[RunResult]] = tuple
    card: Mapping[str, Any] | None = None
    provenance: Mapping[str, Any] | None = None
    command: str = "harness"
