"""Whether a saved model holds a pickle, found without opening any."""

from __future__ import annotations

import gzip
import pickletools
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

SUFFIXES = (".pkl", ".pickle", ".joblib", ".dill")
HEAD = 4096
"""Bytes of each file that are looked at."""


def pickles_in(directory: Path) -> list[str]:
    """Return the files below a folder that are pickles or hold one, by relative path."""
    return [
        path.relative_to(directory).as_posix()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and _holds_pickle(path)
    ]


def _holds_pickle(path: Path) -> bool:
    if path.suffix in SUFFIXES:
        return True
    with path.open("rb") as file:
        head = file.read(HEAD)
    return any(_is_pickle(start) for start in (head, *_inflated(head))) or _object_array(path, head) or _in_zip(path)


def _inflated(head: bytes) -> Iterator[bytes]:
    """Yield the beginning of what a gzip or zlib stream (as joblib writes) holds."""
    for bits in (zlib.MAX_WBITS, zlib.MAX_WBITS | 16):
        try:
            yield zlib.decompressobj(bits).decompress(head, HEAD)
        except (zlib.error, gzip.BadGzipFile):
            continue


def _is_pickle(head: bytes) -> bool:
    # a length in another format may begin with the same byte, so the next instructions must be a pickle's too
    if head[:1] != b"\x80" or not 2 <= (head[1] if len(head) > 1 else 0) <= 5:
        return False
    read = 0
    try:
        for _ in pickletools.genops(head):
            read += 1
            if read == 4:
                break
    except ValueError:
        pass
    return read >= 3


def _object_array(path: Path, head: bytes) -> bool:
    import numpy as np

    if not head.startswith(b"\x93NUMPY"):
        return False
    try:
        np.load(path, allow_pickle=False, mmap_mode="r")
    except ValueError:
        return True
    return False


def _in_zip(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                if name.endswith(SUFFIXES) or _is_pickle(member.read(HEAD)):
                    return True
    return False
