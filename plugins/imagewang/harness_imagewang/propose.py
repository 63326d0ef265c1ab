"""The plugin's answer to ``harness new competition``: a folder with a folder of images for each class."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.competition import Strategy, Use
from harness.data import TaskType
from harness.errors import ConfigError, DataError, listed
from harness.proposal import Chosen, Given, Proposal
from harness_imagewang.reading.decode import facts_of
from harness_imagewang.reading.tree import SUFFIXES, images_in

LOOKED_AT = 50
"""Images whose size is looked at."""
STEP, SMALLEST, LARGEST = 32, 32, 96
"""Sizes that are proposed, pixels."""


def propose(given: Given) -> Iterator[Proposal]:
    """Propose what to make of a folder of images; nothing if most of its files are something else.

    Raises
    ------
    HarnessError
        If the images do not lie in a folder for each class.
    """
    if not given.train.is_dir():
        return
    files = [path for path in given.train.rglob("*") if path.is_file() and not path.name.startswith(".")]
    images = [path for path in files if path.suffix.lower() in SUFFIXES]
    if not images or len(images) < len(files) / 2:
        return
    _check(given)
    classes = _classes(given.train, images)
    size = _size(images)
    root = Path(os.path.commonpath([path.parent for path in (given.train, given.test, given.sample) if path]))
    yield Proposal(
        source="imagewang.folder",
        about=f"{len(images):,} images in a folder for each of {len(classes)} classes",
        sure=len(images) / len(files),
        path=root,
        task=_task(given, classes),
        params=_params(given, root),
        strategies=_strategies(size),
    )


def _check(given: Given) -> None:
    for option, value in {"target": given.target, "id": given.id, "group": given.group, "time": given.time}.items():
        if value:
            raise ConfigError(f"--{option} {value!r}: folders of images have no columns; a class is a folder's name")
    if given.test is not None and (not given.test.is_dir() or not images_in(given.test)):
        raise DataError(f"--test {given.test}: expected a folder of images, as {given.train.name} is one")
    if given.sample is not None and not given.sample.is_file():
        raise DataError(f"--sample {given.sample}: expected a CSV file")


def _classes(folder: Path, images: Sequence[Path]) -> list[str]:
    names = {path.relative_to(folder).parts[0] for path in images if path.parent != folder}
    if len(names) < 2:
        found = f"one, {next(iter(names))!r}" if names else "none"
        raise DataError(f"{folder}: expected a folder of images for each class, two or more; found {found}")
    loose = [path.name for path in images if path.parent == folder]
    if loose:
        raise DataError(f"{folder}: {len(loose)} images lie in no folder of a class: {listed(loose, 3)}")
    return sorted(names)


def _task(given: Given, classes: Sequence[str]) -> Chosen:
    if given.task is not None and not given.task.single_label:
        raise ConfigError(f"--task {given.task.value}: folders of images have one class an image")
    task = given.task or (TaskType.BINARY if len(classes) == 2 else TaskType.MULTICLASS)
    return Chosen(task, f"{len(classes)} classes, each a folder: {listed(classes, 8)}")


def _params(given: Given, root: Path) -> dict[str, Chosen]:
    params = {"train": Chosen(given.train.relative_to(root).as_posix(), "a folder for each class")}
    if given.test is not None:
        params["test"] = Chosen(given.test.relative_to(root).as_posix(), "images to predict")
    if given.sample is not None:
        params["sample_submission"] = Chosen(given.sample.relative_to(root).as_posix(), "its ids are names of images")
    return params


def _size(images: Sequence[Path]) -> int:
    """Return the size to which the median image is nearest from above, within bounds."""
    sides = []
    for path in sorted(images)[:: max(1, len(images) // LOOKED_AT)]:
        try:
            sides.append(min(facts_of(path)[:2]))
        except DataError:  # the data source tells of it, with all others
            continue
    median = sorted(sides)[len(sides) // 2] if sides else SMALLEST
    return min(LARGEST, max(SMALLEST, -(-median // STEP) * STEP))


def _strategies(size: int) -> tuple[Strategy, ...]:
    linear = Use("imagewang.linear", {"size": size, "penalty": 100.0, "balance": False})
    near = Use("imagewang.knn", {"size": size, "neighbours": 10, "balance": False})
    network = Use("imagewang.finetune", {"size": size, "epochs": 12})
    return (
        Strategy("linear", linear, description="logistic regression on the features of a network of random weights"),
        Strategy("neighbours", near, description="nearest training images by the same features"),
        Strategy("network", network, description="that network trained, from random weights", named_only=True),
    )
