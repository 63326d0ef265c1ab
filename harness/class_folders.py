"""A folder with a folder of files for each class, for plugins that propose what to make of one."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from harness.errors import ConfigError, DataError, listed
from harness.proposal import Chosen, Given


@dataclass(frozen=True)
class ClassFolders:
    """What was found.

    Attributes
    ----------
    files : tuple of Path
        Those of the training data, sorted.
    classes : tuple of str
        Names of the folders, sorted.
    share : float
        Share of all files that are of the wanted kind.
    root : Path
        The folder that holds training data, test data and sample file.
    """

    files: tuple[Path, ...]
    classes: tuple[str, ...]
    share: float
    root: Path

    def named(self, **paths: Path | None) -> dict[str, Chosen]:
        """Return parameters of a source that name paths from `root`; without those that are None."""
        return {
            name: Chosen(path.relative_to(self.root).as_posix()) for name, path in paths.items() if path is not None
        }


def class_folders(given: Given, suffixes: Collection[str], noun: str) -> ClassFolders | None:
    """Look whether the training data is a folder of files of a kind; None if most of it is something else.

    Parameters
    ----------
    suffixes : collection of str
        Of the kind, in lower case, with the dot.
    noun : str
        What such files are called: ``images``.

    Raises
    ------
    HarnessError
        If they do not lie in a folder for each class, the test data is of another kind, or an option names a column.
    """
    if not given.train.is_dir():
        return None
    every = [path for path in given.train.rglob("*") if path.is_file() and not path.name.startswith(".")]
    files = sorted(path for path in every if path.suffix.lower() in suffixes)
    if not files or len(files) < len(every) / 2:
        return None
    _check(given, suffixes, noun)
    parents = [path.parent for path in (given.train, given.test, given.sample) if path is not None]
    root = Path(os.path.commonpath(parents))
    return ClassFolders(tuple(files), _classes(given.train, files, noun), len(files) / len(every), root)


def _check(given: Given, suffixes: Collection[str], noun: str) -> None:
    for option, value in {"target": given.target, "id": given.id, "group": given.group, "time": given.time}.items():
        if value:
            raise ConfigError(f"--{option} {value!r}: folders of {noun} have no columns; a class is a folder's name")
    if given.test is not None:
        inside = given.test.rglob("*") if given.test.is_dir() else ()
        if not any(path.suffix.lower() in suffixes for path in inside):
            raise DataError(f"--test {given.test}: expected a folder of {noun}, as {given.train.name} is one")
    if given.sample is not None and not given.sample.is_file():
        raise DataError(f"--sample {given.sample}: expected a CSV file")


def _classes(folder: Path, files: list[Path], noun: str) -> tuple[str, ...]:
    names = {path.relative_to(folder).parts[0] for path in files if path.parent != folder}
    if len(names) < 2:
        found = f"one, {next(iter(names))!r}" if names else "none"
        raise DataError(f"{folder}: expected a folder of {noun} for each class, two or more; found {found}")
    loose = [path.name for path in files if path.parent == folder]
    if loose:
        raise DataError(f"{folder}: {len(loose)} {noun} lie in no folder of a class: {listed(loose, 3)}")
    return tuple(sorted(names))
