"""Where the images of a data set are: a folder, or an archive of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.archive import extract, is_archive, stem
from harness.errors import DataError, listed

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm"})


@dataclass(frozen=True, eq=False)
class Part:
    """One part of a tree.

    Attributes
    ----------
    paths : tuple of Path
        Sorted by name.
    ids : tuple of str
        Path within the tree, without suffix: ``train/cat/1``.
    labels : tuple of str
        Class folders; empty where there are none.
    """

    paths: tuple[Path, ...]
    ids: tuple[str, ...]
    labels: tuple[str, ...] = ()


def root_of(path: Path, cache: Path, train: str = "train") -> Path:
    """Return the folder that holds `train`; archives are unpacked into the cache, once.

    Raises
    ------
    DataError
        If there is none.
    """
    if not path.exists():
        raise DataError(f"{path} does not exist")
    if path.is_file():
        if not is_archive(path):
            raise DataError(f"{path} is no folder and no archive; expected a tree with train/<class>/")
        facts = path.stat()
        folder = cache / "trees" / f"{stem(path)}-{facts.st_size}-{facts.st_mtime_ns}"
        if not folder.is_dir():
            extract(path, folder)
        path = folder
    for folder in (path, *_folders(path)):
        if (folder / train).is_dir():
            return folder
    for archive in sorted(file for file in path.iterdir() if is_archive(file)):
        return root_of(archive, cache, train)
    raise DataError(f"{path} has no folder {train}/ with a folder for each class; it has: {_content(path)}")


def labelled(root: Path, name: str) -> Part:
    """Return the images of ``<name>/<class>/``, whatever lies below.

    Raises
    ------
    DataError
        If it has no class, or a class has no image.
    """
    folder = root / name
    classes = _folders(folder)
    if not classes:
        raise DataError(f"{folder} has no folder of a class; it has: {_content(folder)}")
    paths: list[Path] = []
    labels: list[str] = []
    for home in classes:
        found = images_in(home)
        if not found:
            raise DataError(f"{home} has no image; a class needs at least one, or its folder must go")
        paths += found
        labels += [home.name] * len(found)
    return Part(tuple(paths), ids_of(paths, root), tuple(labels))


def unlabelled(root: Path, name: str) -> Part:
    """Return the images of a folder; none if there is no such folder."""
    folder = root / name
    paths = images_in(folder) if folder.is_dir() else []
    return Part(tuple(paths), ids_of(paths, root))


def images_in(folder: Path) -> list[Path]:
    """Return the image files below a folder, by name; hidden ones are left out."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and not path.name.startswith("."))
    return sorted(path for path in found if path.is_file())


def ids_of(paths: Sequence[Path], root: Path) -> tuple[str, ...]:
    """Return the path of each file within a folder, without its suffix."""
    return tuple(path.relative_to(root).with_suffix("").as_posix() for path in paths)


def _folders(path: Path) -> list[Path]:
    return sorted(child for child in path.iterdir() if child.is_dir() and not child.name.startswith((".", "__")))


def _content(path: Path) -> str:
    return listed(sorted(child.name for child in path.iterdir())) or "nothing"
