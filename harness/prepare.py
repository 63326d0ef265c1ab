"""From a competition's name to everything its tasks need: plugins, data, folds, metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.archive import is_archive, stem
from harness.builtin.splits import check_folds
from harness.competition import Competition, Use, VariantSpec
from harness.competition_file import FILE, read_competition
from harness.contract import findings_in
from harness.data import Dataset, Examples, Fold, TaskType, check_unique, noting_files
from harness.errors import ConfigError, DataError, PluginError, listed, nearest
from harness.fetch import RECORD
from harness.findings import Finding
from harness.offers import DataRequest, DatasetSource, Metric, Splitter
from harness.params import as_json, parse_params
from harness.plugins import Plugins, load_plugins
from harness.schema import schema_of

if TYPE_CHECKING:
    from harness.data import Rows

FAST_ROWS = 2000
"""Training rows of a ``--fast`` run, at most."""


@dataclass(frozen=True)
class Setting:
    """What a user chose for all strategies of a command; hashable and small, so that a worker can prepare the same.

    Attributes
    ----------
    home : Path
        The competition's folder.
    data : str
        A variant's name, a path, or empty for the competition's default.
    folds : int or None
        Number of folds, if not the competition's own.
    skip_bad : bool
        Go on without training files that cannot be read.
    unlabelled : tuple of str
        Files or folders of rows without targets, beside those of the competition file.
    reseed : int
        Added to the seed of the split, so that the same rows are dealt into other folds.
    cache : Path
        The workspace's cache folder.
    """

    home: Path
    cache: Path
    data: str = ""
    folds: int | None = None
    fast: bool = False
    skip_bad: bool = False
    unlabelled: tuple[str, ...] = ()
    reseed: int = 0


@dataclass(frozen=True, eq=False)
class Prepared:
    """A competition ready to run.

    Attributes
    ----------
    folds : tuple of Fold
        Positions into ``dataset.train``.
    split : mapping
        The splitter and every parameter, as JSON values.
    target_prior : mapping of str to float or None
        Class shares to which OOF is reweighted.
    marks : tuple of str
        What must be shown beside every score of these folds; no part of a run's identity.
    findings : tuple of Finding
        What plugins found in the data that stops nothing; ``harness check`` shows it.
    files : mapping of str to str
        Absolute path -> SHA-256 of the files that the data source digested; empty where it digests rows instead.
    """

    setting: Setting
    competition: Competition
    plugins: Plugins
    dataset: Dataset
    splitter: Splitter
    split: Mapping[str, Any]
    folds: tuple[Fold, ...]
    metrics: tuple[Metric, ...]
    target_prior: Mapping[str, float] | None
    marks: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def primary(self) -> Metric:
        """The metric the board is ranked by."""
        return self.metrics[0]


def oof_rows(prepared: Prepared) -> tuple[Rows, Rows]:
    """Return which training rows are predicted out of fold, in their order, and the fold of each.

    Returns
    -------
    rows, folds : (n,) int64
    """
    import numpy as np

    rows = np.concatenate([fold.valid for fold in prepared.folds])
    folds = np.concatenate([np.full(len(fold.valid), fold.index, dtype=np.int64) for fold in prepared.folds])
    order = np.argsort(rows, kind="stable")
    return rows[order], folds[order]


@lru_cache(maxsize=1)
def prepare(setting: Setting) -> Prepared:
    """Read a competition with its data and cut the folds; the last one is kept, so that tasks in one process share it.

    Raises
    ------
    HarnessError
        If any part of it cannot be used, in one line.
    """
    competition = read_competition(setting.home)
    plugins = load_plugins(competition.plugin)
    return assembled(setting, competition, plugins)


def assembled(setting: Setting, competition: Competition, plugins: Plugins, loaded: Dataset | None = None) -> Prepared:
    """Load the data of a competition and cut the folds; see `prepare`.

    Parameters
    ----------
    loaded : Dataset, optional
        The data, where it was read already.
    """
    where = f"{competition.id}/{FILE}"
    metrics = tuple(plugins.find(Metric, name, f"{where}: metrics") for name in competition.metrics)
    for metric in metrics:
        if competition.task not in metric.tasks:
            raise ConfigError(f"{where}: metric {metric.name!r} does not fit task {competition.task.value!r}")
    splitter, split_params = _splitter(competition, setting, plugins, where)
    with noting_files() as files:
        dataset = load_dataset(competition, plugins, setting) if loaded is None else loaded
    if setting.fast:
        dataset = subsample(dataset, FAST_ROWS)
    findings = check_dataset(competition, dataset, plugins)
    folds = tuple(splitter.split(split_params, dataset.train, dataset.info))
    problems = check_folds(folds, dataset.train, splitter, split_params)
    if problems:
        raise DataError(f"{where}: split {splitter.name!r} leaks: {listed(problems, 3)}")
    if setting.fast:
        folds = folds[:1]
    return Prepared(
        setting=setting,
        competition=competition,
        plugins=plugins,
        dataset=dataset,
        splitter=splitter,
        split={"use": splitter.name, **as_json(split_params)},
        folds=folds,
        metrics=metrics,
        target_prior=_target_prior(competition, dataset),
        findings=findings,
        files=files,
    )


def _splitter(competition: Competition, setting: Setting, plugins: Plugins, where: str) -> tuple[Splitter, Any]:
    use = competition.split
    splitter = plugins.find(Splitter, use.name, f"{where}: split")
    if setting.folds is not None:
        if "folds" not in {field.name for field in fields(splitter.params)}:
            raise ConfigError(f"--folds {setting.folds}: split {splitter.name!r} has its own folds")
        use = Use(use.name, {**use.params, "folds": setting.folds})
    params = parse_params(splitter.params, use.params, f"{where}: split")
    if setting.reseed and hasattr(params, "seed"):
        params = replace(params, seed=params.seed + setting.reseed)
    return splitter, params


def variant_of(competition: Competition, data: str) -> tuple[VariantSpec, Path | None]:
    """Tell a variant's name from a path.

    Returns
    -------
    (VariantSpec, Path or None)
        The path is the user's own, or the one that the variant names; None for files that are fetched or shipped.

    Raises
    ------
    ConfigError
        If it is neither a known variant nor an existing path.
    DataError
        If the path that the variant names does not exist.
    """
    name = data or competition.data.variant
    if name in competition.data.variants:
        variant = competition.data.variants[name]
        return variant, _local_path(competition, variant)
    path = Path(name).expanduser()
    if data and path.exists():
        return competition.data.variants.get("path", VariantSpec("path")), path.resolve()
    if name == "path":
        raise ConfigError(f"{competition.id} has no data of its own: give it with --data PATH")
    known = [variant for variant in competition.data.variants if variant != "path"]
    raise ConfigError(f"--data {name!r} is no existing path and no variant of {competition.id}{nearest(name, known)}")


def _local_path(competition: Competition, variant: VariantSpec) -> Path | None:
    if not variant.path:
        return None
    path = (competition.home / Path(variant.path).expanduser()).resolve()
    if not path.exists():
        raise DataError(
            f"{competition.id}: {path} does not exist; mend path under [data.variants.{variant.name}] in"
            f" {competition.home / FILE}, or give --data PATH"
        )
    return path


def fetched_folder(cache: Path, competition: str, variant: str) -> Path:
    """Return where ``harness fetch`` puts the files of a variant."""
    return cache / "data" / competition / variant


def site_folder(folder: Path) -> Path:
    """Return where a site's files lie among what was fetched: within its one archive, where it sends all in one."""
    archives = [path for path in folder.iterdir() if path.is_file() and is_archive(path)]
    others = [path for path in folder.iterdir() if path.is_file() and path not in archives and path.name != RECORD]
    return folder / stem(archives[0]) if len(archives) == 1 and not others else folder


def source_of(competition: Competition, plugins: Plugins, variant: VariantSpec) -> tuple[DatasetSource, Any]:
    """Return the competition's dataset source with its parsed parameters."""
    where = f"{competition.id}/{FILE}: data"
    source = plugins.find(DatasetSource, competition.data.source, where)
    params = parse_params(source.params, {**competition.data.params, **variant.params}, where)
    return source, params


def load_dataset(competition: Competition, plugins: Plugins, setting: Setting) -> Dataset:
    """Read the data set of a competition.

    Raises
    ------
    DataError
        If the files of a variant were not fetched, or cannot be used.
    """
    variant, path = variant_of(competition, setting.data)
    if variant.fetched and path is None:
        path = fetched_folder(setting.cache, competition.id, variant.name)
        if not path.is_dir():
            raise DataError(
                f"variant {variant.name!r} is not on this machine;"
                f" fetch it: harness fetch {competition.id} --variant {variant.name}"
            )
        path = site_folder(path) if variant.from_site else path
    source, params = source_of(competition, plugins, variant)
    request = DataRequest(
        competition=competition.id,
        task_type=competition.task,
        variant=variant.name,
        path=path,
        home=competition.home,
        cache=setting.cache / "sources" / competition.id,
        skip_bad=setting.skip_bad,
        unlabelled=_unlabelled(competition, setting, path),
    )
    dataset = source.load(params, request)
    if not isinstance(dataset, Dataset):
        raise PluginError(f"dataset source {source.name!r} returned {type(dataset).__name__}, expected Dataset")
    if request.unlabelled and not dataset.unlabelled:
        raise ConfigError(f"{competition.id}: dataset source {source.name!r} reads no unlabelled data")
    return dataset


def _unlabelled(competition: Competition, setting: Setting, data: Path | None) -> tuple[Path, ...]:
    """Find the corpora: those of the competition beside the data or in its folder, the user's own where they say."""
    if (competition.data.unlabelled or setting.unlabelled) and not competition.rules.external_data:
        raise ConfigError(f"unlabelled data is external data, which the rules of {competition.id} forbid")
    found = []
    for name in competition.data.unlabelled:
        places = [folder / name for folder in (data, competition.home) if folder is not None]
        existing = [place.resolve() for place in places if place.exists()]
        if not existing:
            raise DataError(f"{competition.id}: no unlabelled data at {listed(places)}")
        found.append(existing[0])
    for name in setting.unlabelled:
        path = Path(name).expanduser()
        if not path.exists():
            raise ConfigError(f"--unlabelled {name!r} is no existing path")
        found.append(path.resolve())
    return tuple(found)


def check_dataset(competition: Competition, dataset: Dataset, plugins: Plugins) -> tuple[Finding, ...]:
    """Refuse data nobody could train on, and whatever a plugin's check tells.

    Returns
    -------
    tuple of Finding
        What plugins found that is no reason to refuse.

    Raises
    ------
    DataError
        With the first problem, and how many there are.
    """
    import numpy as np

    _check_ids(dataset)
    if dataset.train.targets is None:
        raise DataError("train has no targets")
    if competition.task is TaskType.REGRESSION:
        bad = np.flatnonzero(~np.isfinite(dataset.train.targets))
        if len(bad):
            raise DataError(f"train has {len(bad)} targets that are not finite: rows {listed(dataset.train.ids[bad])}")
    elif competition.task.single_label and len(np.unique(dataset.train.targets)) < 2:
        raise DataError(f"train has a single class, {dataset.info.classes[int(dataset.train.targets[0])]!r}")
    if competition.submission is not None and dataset.test is not None:
        schema_of(competition, dataset)  # what could not be submitted is told before anything is trained
    problems: list[str] = []
    findings: list[Finding] = []
    hook = "harness_check_dataset"
    for plugin, answer in plugins.ask(hook, competition=competition, dataset=dataset):
        told, found = findings_in(answer, plugin, hook)
        problems += [f"{problem} ({plugin})" for problem in told]
        findings += found
    if problems:
        raise DataError(listed(problems, 3))
    return tuple(findings)


def _check_ids(dataset: Dataset) -> None:
    check_unique(dataset.train.ids, "train")
    if dataset.test is not None:
        check_unique(dataset.test.ids, "test")
    if dataset.valid is not None:
        check_unique(dataset.valid.ids, "the labelled validation set")
        both = sorted({*dataset.train.ids} & {*dataset.valid.ids})
        if both:
            raise DataError(f"{len(both)} ids are in both train and the labelled validation set: {listed(both)}")
    if dataset.sample_submission is not None and dataset.sample_submission.empty:
        raise DataError("the sample submission has a header but no rows")


def subsample(dataset: Dataset, rows: int) -> Dataset:
    """Keep about `rows` training rows, each class in its share but with at least 20 rows; the same rows every time."""
    import numpy as np

    train = dataset.train
    if len(train) <= rows:
        return replace(dataset, digest=f"{dataset.digest}-fast")
    order = np.random.default_rng(0).permutation(len(train))
    if dataset.info.task_type.single_label:
        assert train.targets is not None
        kept = []
        for code in np.unique(train.targets):
            of_class = order[train.targets[order] == code]
            kept.append(of_class[: max(20, round(len(of_class) * rows / len(train)))])
        chosen = np.concatenate(kept)
    else:
        chosen = order[:rows]
    return replace(dataset, train=train.take(np.sort(chosen)), digest=f"{dataset.digest}-fast")


def _target_prior(competition: Competition, dataset: Dataset) -> Mapping[str, float] | None:
    declared, where = competition.evaluate.target_prior, f"{competition.id}/{FILE}: evaluate: target_prior"
    if competition.evaluate.on == "valid" and dataset.valid is None:
        raise DataError(f'{competition.id} ranks on = "valid", but its data has no labelled validation set')
    if declared is None:
        return None
    if not competition.task.single_label:
        raise ConfigError(f"{where}: only single-label tasks have class shares")
    if isinstance(declared, str):
        if dataset.valid is None:
            raise DataError(
                f'{where} = "valid": the data has no labelled validation set; in a copy of the'
                " competition leave it out, or give shares by class"
            )
        return class_shares(dataset.valid, dataset.info.classes)
    for name in sorted({*declared} ^ {*dataset.info.classes}):
        raise ConfigError(f"{where}: {name!r} is not in both it and the classes of the data")
    return {name: float(declared[name]) for name in dataset.info.classes}


def class_shares(examples: Examples, classes: tuple[str, ...]) -> dict[str, float]:
    """Return the share of each class among the scored rows."""
    import numpy as np

    assert examples.targets is not None
    counts = np.bincount(examples.targets[examples.scored_rows()], minlength=len(classes))
    return dict(zip(classes, (counts / counts.sum()).tolist(), strict=True))
