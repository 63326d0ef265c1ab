"""From files to rows: what is kept, what is told, what the digests hold."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.archive import extract, is_archive
from harness.data import PROBLEM, Examples, check_unique
from harness.errors import DataError, listed
from harness.files import listed_in
from harness_imagewang.images import Images
from harness_imagewang.reading.examine import Facts, examine
from harness_imagewang.reading.store import FileStore
from harness_imagewang.reading.tree import SUFFIXES, Part, images_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

ODD = 5
"""Files that a note names."""
BAD = "bad-files.txt"
"""Where all of them are named, in the cache."""
FOLDERS = {"train": "train", "valid": "val", "test": "test", "unlabelled": "unsup"}


class Reader:
    """Reads the parts of one data set and remembers what it saw.

    Parameters
    ----------
    classes : sequence of str
    cache : Path or None
        Where decoded images are kept; None keeps them in memory.
    skip_bad : bool
        Leave out training images and images without labels that cannot be decoded; otherwise they are refused.

    Attributes
    ----------
    notes : list of str
    shortest : int
        Smallest side of any image that can be decoded, pixels.
    content : dict of str to list of str
        By part, SHA-256 of each file that was kept.
    """

    def __init__(self, classes: Sequence[str], cache: Path | None, skip_bad: bool) -> None:
        self.codes = {name: code for code, name in enumerate(classes)}
        self.cache, self.skip_bad = cache, skip_bad
        self.notes: list[str] = []
        self.shortest = 0
        self.content: dict[str, list[str]] = {}
        self._rows: dict[str, list[str]] = {}

    def examples(self, name: str, part: Part) -> Examples:
        """Read one part.

        Raises
        ------
        DataError
            If a training image or one without a label cannot be decoded, or two files have one id.
        """
        facts = examine(part.paths, self.cache)
        bad = {row: fact.problem for row, fact in enumerate(facts) if fact.problem}
        keep: NDArray[np.int64] = np.arange(len(facts), dtype=np.int64)
        blank: frozenset[int] = frozenset()
        if bad and name in ("train", "unlabelled"):
            keep = self._without(bad, part)
        elif bad:
            blank = frozenset(bad)
            self._told(bad, "predicted as plain grey")
        self._measure(facts)
        ids = [part.ids[row] for row in keep]
        check_unique(np.array(ids, object), f"{FOLDERS[name]}/")
        self.content[name] = [facts[row].content for row in keep]
        labels = [part.labels[row] for row in keep] if part.labels else []
        self._rows[name] = [f"{one}\0{hashed}" for one, hashed in zip(ids, self.content[name], strict=True)]
        whole = hashlib.sha256("\n".join(fact.content for fact in facts).encode()).hexdigest()
        unread = frozenset(bad) if name in ("train", "unlabelled") else blank
        store = FileStore(part.paths, self.cache, whole, unread, [fact.content for fact in facts])
        return Examples(
            ids=np.array(ids, object),
            inputs=Images(store, keep.astype(np.int64)),
            targets=np.array([self.codes[label] for label in labels], np.int64) if labels else None,
            meta=_meta([facts[row] for row in keep], to_predict=name == "test"),
        )

    def shared(self, name: str, others: Sequence[str]) -> int:
        """Return how many files of a part have the content of a file of the others."""
        known = {content for other in others for content in self.content.get(other, ())}
        return sum(content in known for content in self.content.get(name, ()))

    def digest(self, reader: str, parts: Sequence[str], *facts: str) -> str:
        """Digest ids, labels (they are part of the ids) and contents of parts."""
        total = hashlib.sha256("\0".join((reader, *facts)).encode())
        for part in parts:
            total.update(f"\n{part}\n".encode() + "\n".join(self._rows.get(part, ())).encode())
        return total.hexdigest()

    def _without(self, bad: Mapping[int, str], part: Part) -> NDArray[np.int64]:
        if not self.skip_bad:
            raise DataError(f"{self._listed(bad)}; mend or remove, or leave such files out: --skip-bad")
        keep = np.array([row for row in range(len(part.paths)) if row not in bad], np.int64)
        gone = sorted(set(part.labels) - {part.labels[row] for row in keep}) if part.labels else []
        if gone:
            raise DataError(f"train/{gone[0]} has no image that can be decoded: {next(iter(bad.values()))}")
        self._told(bad, "left out")
        return keep

    def _told(self, bad: Mapping[int, str], what: str) -> None:
        noun = "file that cannot be decoded is" if len(bad) == 1 else "files that cannot be decoded are"
        self.notes.append(f"{len(bad)} {noun} {what}: {listed(bad.values(), ODD)}")

    def _listed(self, bad: Mapping[int, str]) -> str:
        texts = list(bad.values())
        return listed(texts, ODD) if self.cache is None else listed_in(texts, self.cache / BAD, ODD)

    def _measure(self, facts: Sequence[Facts]) -> None:
        sides = [min(fact.height, fact.width) for fact in facts if not fact.problem]
        if sides:
            self.shortest = min(sides) if not self.shortest else min(self.shortest, *sides)


def read_loose(path: Path, classes: Sequence[str]) -> Examples:
    """Read images to predict from a file, a folder or an archive; the pixels stay in memory.

    Raises
    ------
    DataError
        If there is no image.
    """
    if not path.exists():
        raise DataError(f"{path} does not exist")
    if path.is_file() and is_archive(path):
        folder = Path(tempfile.mkdtemp(prefix="imagewang-"))
        extract(path, folder / "images")
        found = read_loose(folder / "images", classes)
        weakref.finalize(found.inputs.store, shutil.rmtree, folder, ignore_errors=True)
        return found
    paths = [path] if path.is_file() else images_in(path)
    if not paths:
        raise DataError(f"{path} has no image; known are files named {listed(sorted(SUFFIXES), 20)}")
    home = path.parent if path.is_file() else path
    ids = tuple(one.relative_to(home).with_suffix("").as_posix() for one in paths)
    return Reader(classes, None, skip_bad=False).examples("test", Part(tuple(paths), ids))


def _meta(facts: Sequence[Facts], to_predict: bool) -> pd.DataFrame:
    columns: dict[str, Any] = {
        "height": np.array([fact.height for fact in facts], np.int64),
        "width": np.array([fact.width for fact in facts], np.int64),
        "mode": [fact.mode for fact in facts],
    }
    if to_predict:
        columns[PROBLEM] = [f"{fact.problem}; predicted as plain grey" if fact.problem else "" for fact in facts]
    return pd.DataFrame(columns)
