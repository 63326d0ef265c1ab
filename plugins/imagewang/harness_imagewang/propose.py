"""The plugin's answer to ``harness new competition``: a folder with a folder of images for each class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.class_folders import class_folders
from harness.competition import Strategy, Use
from harness.data import TaskType
from harness.errors import ConfigError, DataError, listed
from harness.proposal import Chosen, Given, Proposal
from harness_imagewang.reading.decode import facts_of
from harness_imagewang.reading.tree import SUFFIXES

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
    found = class_folders(given, SUFFIXES, "images")
    if found is None:
        return
    files = found.named(train=given.train, test=given.test, sample_submission=given.sample)
    yield Proposal(
        source="imagewang.folder",
        about=f"{len(found.files):,} images in a folder for each of {len(found.classes)} classes",
        sure=found.share,
        path=found.root,
        task=_task(given, found.classes),
        params=files,
        strategies=_strategies(_size(found.files)),
    )


def _task(given: Given, classes: Sequence[str]) -> Chosen:
    if given.task is not None and not given.task.single_label:
        raise ConfigError(f"--task {given.task.value}: folders of images have one class an image")
    task = given.task or (TaskType.BINARY if len(classes) == 2 else TaskType.MULTICLASS)
    return Chosen(task, f"{len(classes)} classes, each a folder: {listed(classes, 8)}")


def _size(images: Sequence[Path]) -> int:
    """Return the size to which the median image is nearest from above, within bounds."""
    sides = []
    for path in images[:: max(1, len(images) // LOOKED_AT)]:
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
