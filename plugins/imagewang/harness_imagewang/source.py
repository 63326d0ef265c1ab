"""The data source ``imagewang.folder``: a tree of images, some with a class, most without."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.data import Dataset, DatasetInfo, Examples
from harness.errors import ConfigError, DataError, listed
from harness.findings import Finding, Severity
from harness.offers import DataRequest, DatasetSource
from harness.params import param
from harness_imagewang.titles import titles_of

if TYPE_CHECKING:
    from harness.competition import Competition
    from harness_imagewang.reading.tree import Part

SOURCE = "imagewang.folder"
SHARED = 0.005
"""Share of the validation images that may be among others before it is a leak."""
READER = "imagewang.folder 1"
"""Part of every digest."""


@dataclass(frozen=True)
class FolderParams:
    """Parameters of ``imagewang.folder``."""

    unlabelled: str = param("unsup", "folder of images without labels, beside train")
    validation: str = param("val", "folder of labelled images that are like those to predict, beside train")
    train: str = param("train", "folder with a folder of images for each class")
    test: str = param("test", "folder of the images to predict")
    sample_submission: str = param("", "the competition's own sample file, whose ids are names of test images")


def load(params: FolderParams, request: DataRequest) -> Dataset:
    """Read a tree: ``train/<class>``, and ``val/<class>``, ``unsup``, ``test`` where there are such.

    Inputs are `harness_imagewang.images.Images`. Without ``test`` the validation images, without their labels, are what
    a submission answers.

    Raises
    ------
    DataError
        If there is no class, a file of the training images cannot be read, or a class of the validation images is
        unknown.
    """
    from harness_imagewang.reading.asked import asked_for
    from harness_imagewang.reading.read import Reader
    from harness_imagewang.reading.tree import labelled, root_of, unlabelled

    if not request.task_type.single_label:
        raise DataError(f"{request.competition}: imagewang.folder reads one class a row; task = {request.task_type!r}")
    _check_names(params)
    root = _sample(request.cache) if request.path is None else root_of(request.path, request.cache, params.train)
    parts = {"train": labelled(root, params.train)}
    if unlabelled(root, params.validation).paths:
        parts["valid"] = labelled(root, params.validation)
    classes = tuple(sorted(set(parts["train"].labels)))
    _check_classes(parts.get("valid"), classes, params.validation)
    reader = Reader(classes, request.cache, request.skip_bad)
    train = reader.examples("train", parts["train"])
    valid = reader.examples("valid", parts["valid"]) if "valid" in parts else None
    asked, sample = asked_for(root, params.test, params.sample_submission)
    test = None if asked is None else reader.examples("test", asked)
    if test is None and valid is not None:
        test = valid.unlabelled()
    found = unlabelled(root, params.unlabelled)
    corpus = reader.examples("unlabelled", found) if found.paths else None
    notes = [*reader.notes, *_of_corpus(corpus, params.unlabelled)]
    if valid is None and (root / params.validation).is_dir():
        notes.append(f"{params.validation}/ has no image: there is no validation set")
    shared = reader.shared("valid", ("train", "unlabelled"))
    where = [
        f"{count} in {folder}/"
        for folder, name in (("train", "train"), (params.unlabelled, "unlabelled"))
        if (count := reader.shared("valid", (name,)))
    ]
    if shared:
        count = len(reader.content["valid"])
        notes.append(f"{shared} of {count:,} validation images are among the others too: {', '.join(where)}")
    info = DatasetInfo(
        name=request.competition,
        task_type=request.task_type,
        classes=classes,
        variant=request.variant,
        simulated=request.path is None,
        notes=tuple(notes),
        titles=titles_of(classes),
        extra={
            "corpora": ["unsup"] if corpus is not None and len(corpus) else [],
            "valid_classes": sorted(set(parts["valid"].labels)) if "valid" in parts else [],
            "shortest": reader.shortest,
            "shared_with_valid": shared,
            "shared_where": ", ".join(where),
        },
    )
    return Dataset(
        info=info,
        train=train,
        valid=valid,
        test=test,
        unlabelled={} if corpus is None or not len(corpus) else {"unsup": corpus},
        unlabelled_digest=reader.digest(READER, ("unlabelled",)),
        digest=reader.digest(READER, ("train", "valid", "test"), request.task_type, *classes),
        sample_submission=sample,
    )


def read_new(params: FolderParams, path: Path, info: DatasetInfo) -> Examples:  # noqa: ARG001
    """Read images to predict: a file, a folder of them, or an archive; every one gets an answer.

    Raises
    ------
    DataError
        If there is no image.
    """
    from harness_imagewang.reading.read import read_loose

    return read_loose(path, info.classes)


def findings(competition: Competition, dataset: Dataset) -> Iterable[Finding]:
    """Tell of strategies that lack images to pretrain on, and of validation images among those to train on."""
    lacking = [one.name for one in competition.strategies if one.model.params.get("pretext")]
    if lacking and not dataset.info.extra.get("corpora") and competition.data.source == SOURCE:
        told = f"there are no images without labels, so these strategies cannot run: {listed(lacking, 12)}"
        advice = "put some beside train/, or name the others with -s"
        yield Finding("imagewang.no-unlabelled", Severity.WARNING, told, advice)
    shared = dataset.info.extra.get("shared_with_valid", 0)
    if not shared or dataset.valid is None:
        return
    share = shared / len(dataset.valid)
    told = f"{shared} of {len(dataset.valid):,} validation images ({share:.1%}) are among those to train or pretrain on"
    told += f" ({dataset.info.extra['shared_where']})"
    severity = Severity.LEAK if share >= SHARED else Severity.WARNING
    advice = "remove them from train/ and from the images without labels"
    yield Finding("imagewang.seen-validation", severity, told, advice, "share of rows", share)


def datasets() -> Iterable[DatasetSource]:
    """Return the data source of this plugin."""
    return (
        DatasetSource(
            name=SOURCE,
            summary="a tree of images: train/<class>, and val/<class>, unsup and test where there are such",
            params=FolderParams,
            load=load,
            read_new=read_new,
        ),
    )


def _sample(cache: Path) -> Path:
    from harness_imagewang.samples import write_sample

    return write_sample(cache)


def _check_names(params: FolderParams) -> None:
    names = (params.unlabelled, params.validation)
    taken = [name for name in names if name in (params.train, params.test) or names.count(name) > 1]
    if taken:
        raise ConfigError(f"imagewang.folder: the folder {taken[0]!r} is something else already")
    odd = [name for name in names if Path(name).name != name or name.startswith(".")]
    if odd:
        raise ConfigError(f"imagewang.folder: {odd[0]!r}: expected the plain name of a folder beside train")
    for name in (params.train, params.test, params.sample_submission):
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise ConfigError(f"imagewang.folder: {name!r}: expected a name within the data's folder")


def _check_classes(valid: Part | None, classes: Sequence[str], folder: str) -> None:
    unknown = sorted(set(valid.labels) - set(classes)) if valid is not None else []
    if unknown:
        noun = "a class" if len(unknown) == 1 else "classes"
        raise DataError(f"{folder}/ has {noun} that train/ lacks: {listed(unknown)}; train has: {listed(classes, 30)}")


def _of_corpus(corpus: Examples | None, folder: str) -> list[str]:
    if corpus is None or not len(corpus):
        return [f"no images without labels ({folder}/ is absent or empty): pretext tasks cannot be trained"]
    return []
