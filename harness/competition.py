"""A competition: data that names things.

Nothing in it can name code, only offers of plugins. `harness.competition_file` reads one from its TOML.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.data import TaskType
from harness.errors import ConfigError, nearest


@dataclass(frozen=True)
class Use:
    """An offer by name with the parameters that are set.

    In TOML either ``"imbalance.smote"`` or ``{ use = "imbalance.smote", k_neighbors = 3 }``.
    """

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Resources:
    """What one task asks of a cluster, so that it is sent where there is room; changes nothing of what it computes.

    Attributes
    ----------
    cpus : float or None
        Cores; None: as many as the run gives a task threads.
    gpus : float or None
        GPUs, or the share of one; None: one where the run trains on a GPU.
    memory_gb : float or None
        Main memory in 10^9 bytes.
    """

    cpus: float | None = None
    gpus: float | None = None
    memory_gb: float | None = None


@dataclass(frozen=True)
class Strategy:
    """One line of a leaderboard: features x model x rebalancer x adjusters, with their parameters.

    Attributes
    ----------
    model : Use
        What learns; the one part that a strategy cannot do without.
    features : Use or None
        What turns the inputs into those of the model, fitted inside the fold.
    rebalancer : Use or None
        What changes the training rows of a fold, or their weights.
    adjusters : tuple of Use
        Corrections of the predictions, fitted across folds and applied in this order.
    description : str
        One line for the board.
    refit : bool
        Predict the test set with one model fitted on all training rows, instead of the mean over folds.
    baseline : bool
        Added by the harness itself.
    named_only : bool
        Runs only where ``--strategy`` names it: an ablation, or what takes a GPU.
    resources : Resources
        For executors of a cluster.
    overrides : mapping
        Parameters set on the command line, ``{"model.depth": 4}``; part of its label.
    """

    name: str
    model: Use
    features: Use | None = None
    rebalancer: Use | None = None
    adjusters: tuple[Use, ...] = ()
    description: str = ""
    refit: bool = False
    baseline: bool = False
    named_only: bool = False
    resources: Resources = Resources()
    overrides: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Name on a leaderboard: ``smote`` or ``smote (model.depth=4)``."""
        if not self.overrides:
            return self.name
        return f"{self.name} ({', '.join(f'{key}={value}' for key, value in sorted(self.overrides.items()))})"


BLEND_METHODS: Mapping[str, frozenset[TaskType]] = {
    "mean": frozenset(TaskType),
    "linear": frozenset(TaskType),
    "log_linear": frozenset(TaskType) - {TaskType.REGRESSION},
    "logit_mean": frozenset(TaskType) - {TaskType.REGRESSION},
    "rank_mean": frozenset({TaskType.BINARY, TaskType.MULTILABEL}),
    "median": frozenset({TaskType.REGRESSION}),
    "greedy": frozenset(TaskType),
    "best": frozenset(TaskType),
}
"""What a blend may do with its members' predictions, and for which tasks; `harness.builtin.blends` does it."""


@dataclass(frozen=True)
class Blend:
    """One line of a leaderboard made of others: predictions of strategies put together.

    Attributes
    ----------
    of : tuple of str
        At least two strategies of the same file.
    method : str
        What is done with the members' predictions.
    description : str
        One line for the board.
    named_only : bool
        Runs only where ``--strategy`` names it.
    """

    name: str
    of: tuple[str, ...]
    method: str = "mean"
    description: str = ""
    named_only: bool = False


@dataclass(frozen=True)
class FileFacts:
    """What the publisher of a file tells of it where a digest of the whole is not known, as fast.ai does.

    Attributes
    ----------
    bytes : int
        Size of the file.
    head_md5 : str
        MD5 (hex) of its first MiB.
    """

    bytes: int
    head_md5: str


@dataclass(frozen=True)
class VariantSpec:
    """A variant of the data: parameters of the source that differ, and where the files come from.

    Attributes
    ----------
    about : str
        One line for people: what these data are.
    params : mapping
        Parameters of the source that differ for this variant.
    path : str
        Folder or file on this machine, relative to the competition's folder; empty where the files lie elsewhere.
    urls : tuple of str
        Files that ``harness fetch`` downloads; empty for what a plugin ships itself.
    sha256 : mapping of str to str
        Known digests by file name; a file without one is shown as unverified.
    published : mapping of str to FileFacts
        What else is known of files, by name.
    size : str
        For people: ``"1.2 GB"``.
    licence : str
        For people: under which terms the data are given.
    from_site : bool
        ``harness fetch`` downloads the files of the competition's site instead, with the user's account there.
    """

    name: str
    about: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    path: str = ""
    urls: tuple[str, ...] = ()
    sha256: Mapping[str, str] = field(default_factory=dict)
    published: Mapping[str, FileFacts] = field(default_factory=dict)
    size: str = ""
    licence: str = ""
    from_site: bool = False

    @property
    def fetched(self) -> bool:
        """Whether its files are downloaded by ``harness fetch``."""
        return bool(self.urls) or self.from_site


@dataclass(frozen=True)
class DataSpec:
    """Where the data comes from.

    Attributes
    ----------
    source : str
        The offer that reads the data.
    variant : str
        What is read unless ``--data`` says otherwise.
    params : mapping
        Parameters of the source.
    variants : mapping of str to VariantSpec
        The variants by name: ``sample``, ``public``, ``official``.
    unlabelled : tuple of str
        Files or folders of rows without targets, relative to the data or to the competition's folder.
    """

    source: str
    variant: str = "sample"
    params: Mapping[str, Any] = field(default_factory=dict)
    variants: Mapping[str, VariantSpec] = field(default_factory=dict)
    unlabelled: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evaluate:
    """What the board is ranked by.

    Attributes
    ----------
    on : str
        ``oof`` or ``valid``.
    target_prior : mapping of str to float, "valid" or None
        Class shares of the test set, to which OOF is reweighted; ``"valid"`` takes those of the labelled validation
        set.
    """

    on: str = "oof"
    target_prior: Mapping[str, float] | str | None = None


@dataclass(frozen=True)
class SubmissionSchema:
    """What a submission file looks like.

    Attributes
    ----------
    id : str
        Name of the id column of the file.
    columns : mapping of str to str
        Submission column -> output it holds: a class, ``point``, or ``label``.
    values : str
        ``probabilities``, ``labels`` (the decided class), ``decisions`` (0/1 per class) or ``point``.
    low, high : float or None
        Inclusive range of the values; probabilities are always in [0, 1].
    nothing : str
        The word that stands in a column of labels for a row without any class (multilabel tasks).
    per_class : bool
        A row of the file is a row of the data and a class, as ``window_species_5``: only a plugin that knows how such
        ids are written can fill the one column.
    """

    id: str
    columns: Mapping[str, str]
    values: str = "probabilities"
    low: float | None = None
    high: float | None = None
    nothing: str = ""
    per_class: bool = False


@dataclass(frozen=True)
class Rules:
    """What the competition allows.

    Attributes
    ----------
    external_data : bool
        Whether rows from elsewhere may be learned from.
    pretrained : bool
        Whether pretrained weights may be used.
    test_inputs : bool
        Whether anything may be learned from the test set's inputs.
    text : str
        The rules in words, for people.
    """

    external_data: bool = True
    pretrained: bool = True
    test_inputs: bool = True
    text: str = ""


@dataclass(frozen=True)
class Leaks:
    """What ``harness check`` may find without failing.

    Attributes
    ----------
    accepted : mapping of str to str
        The reason by kind, or by kind and name: ``{"target-copy:AGE": "..."}``.
    """

    accepted: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BoardSpec:
    """The final board of the competition's site, whose scores lie in ``final_board.csv`` beside the competition file.

    Attributes
    ----------
    site : str
        Whose rules give medals: ``kaggle``; ``zindi`` has none that are computed here.
    medals : mapping of str to int
        The last rank of ``gold``, ``silver`` and ``bronze``, where the organisers said so; before the site's rules.
    awarded : bool
        False where the competition gave no medals.
    source : str
        Web address of the board.
    """

    site: str
    medals: Mapping[str, int] = field(default_factory=dict)
    awarded: bool = True
    source: str = ""


@dataclass(frozen=True)
class SiteSpec:
    """Where the competition is held.

    Attributes
    ----------
    name : str
        A site that a plugin offers: ``kaggle``, ``zindi``.
    id : str
        What the site calls the competition, as in its web address.
    """

    name: str
    id: str


@dataclass(frozen=True)
class Budget:
    """How long training may take, seconds; None: as long as it takes.

    Attributes
    ----------
    strategy : float or None
        All tasks of one strategy on one seed together.
    task : float or None
        One fold, or a refit.
    """

    strategy: float | None = None
    task: float | None = None


@dataclass(frozen=True)
class Competition:
    """A competition file, read and checked.

    Attributes
    ----------
    title : str
        One line for people.
    task : TaskType
        What is to be predicted.
    metrics : tuple of str
        The scores of the board; the first ranks it.
    data : DataSpec
        Where the data come from.
    split : Use
        How rows are cut into folds.
    strategies : tuple of Strategy
        What is tried: each a line of the board.
    blends : tuple of Blend
        Strategies put together, each a line of the board.
    description : str
        A sentence or two for people.
    url : str
        Web address of the competition, or of its data.
    evaluate : Evaluate
        What the board is ranked by.
    submission : SubmissionSchema or None
        What a submission file looks like; None: as the sample file of the data.
    rules : Rules
        What the competition allows.
    budget : Budget
        How long training may take.
    leaks : Leaks
        What ``harness check`` may find without failing.
    board : BoardSpec or None
        Where ``final_board.csv`` comes from, and what gives medals.
    site : SiteSpec or None
        Where data is fetched from and submissions are sent.
    split_allowed : str
        Why a split at random is right although the test set is not such a draw; empty: it is refused.
    """

    id: str
    home: Path
    title: str
    task: TaskType
    metrics: tuple[str, ...]
    data: DataSpec
    split: Use
    strategies: tuple[Strategy, ...]
    blends: tuple[Blend, ...] = ()
    description: str = ""
    url: str = ""
    evaluate: Evaluate = field(default_factory=Evaluate)
    submission: SubmissionSchema | None = None
    rules: Rules = field(default_factory=Rules)
    budget: Budget = field(default_factory=Budget)
    leaks: Leaks = field(default_factory=Leaks)
    split_allowed: str = ""
    board: BoardSpec | None = None
    site: SiteSpec | None = None

    @property
    def primary(self) -> str:
        """Name of the metric the board is ranked by."""
        return self.metrics[0]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all strategies, then of all blends: what ``--strategy`` may say."""
        return (*(strategy.name for strategy in self.strategies), *(blend.name for blend in self.blends))

    @property
    def plugin(self) -> Path | None:
        """The competition's own ``plugin.py``, if it has one."""
        path = self.home / "plugin.py"
        return path if path.is_file() else None

    def strategy(self, name: str) -> Strategy:
        """Return a strategy by name.

        Raises
        ------
        ConfigError
            With the nearest name.
        """
        known = {strategy.name: strategy for strategy in self.strategies}
        if name not in known:
            raise ConfigError(f"{self.id} has no strategy {name!r}{nearest(name, known)}")
        return known[name]


def override(strategy: Strategy, part: str, key: str, value: Any) -> Strategy:
    """Return the strategy with one parameter set.

    Parameters
    ----------
    part : str
        ``features``, ``model``, ``rebalancer``, or ``adjuster`` (``adjuster2`` for the second of a chain).
    """
    overrides = {**strategy.overrides, f"{part}.{key}": value}
    if part.startswith("adjuster"):
        position = int(part.removeprefix("adjuster") or 1) - 1
        chain = list(strategy.adjusters)
        chain[position] = replace(chain[position], params={**chain[position].params, key: value})
        return replace(strategy, adjusters=tuple(chain), overrides=overrides)
    use: Use = getattr(strategy, part)
    changed = replace(use, params={**use.params, key: value})
    parts: dict[str, Any] = {part: changed, "overrides": overrides}
    return replace(strategy, **parts)
