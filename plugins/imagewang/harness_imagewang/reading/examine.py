"""What is known of every file before any is trained on: content, size, mode, whether it can be decoded."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.errors import DataError
from harness.files import read_json, write_json
from harness_imagewang.reading.decode import facts_of, pixels_of, quiet
from harness_imagewang.reading.store import READER, fingerprint

LOOK = 32
"""Size at which a file is decoded to see whether it can be."""


@dataclass(frozen=True)
class Facts:
    """One file.

    Attributes
    ----------
    content : str
        SHA-256, hex.
    height, width : int
        Pixels; 0 where the file is no image.
    mode : str
        As Pillow names it: RGB, L, CMYK, ...
    problem : str
        Why it cannot be decoded; empty if it can.
    """

    content: str
    height: int
    width: int
    mode: str
    problem: str


def examine(paths: Sequence[Path], cache: Path | None) -> list[Facts]:
    """Look at files, once: what was seen is kept until names, sizes or times of change differ."""
    if cache is None:
        return _all(paths)
    name = hashlib.sha256(f"{READER}\n{fingerprint(paths)}".encode()).hexdigest()[:24]
    path = cache / "pixels" / f"files-{name}.json"
    if path.exists():
        try:
            return [Facts(**facts) for facts in read_json(path)]
        except TypeError:
            raise DataError(f"{path} is damaged; remove it, it is made again") from None
    found = _all(paths)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, json.loads(json.dumps([asdict(facts) for facts in found])))
    return found


def _all(paths: Sequence[Path]) -> list[Facts]:
    with quiet(), ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(_facts, paths))


def _facts(path: Path) -> Facts:
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    height, width, mode = 0, 0, ""
    try:
        height, width, mode = facts_of(path)
        pixels_of(path, LOOK)
    except DataError as error:
        return Facts(content, height, width, mode, str(error))
    return Facts(content, height, width, mode, "")
