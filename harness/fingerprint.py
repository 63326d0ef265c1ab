"""A small fingerprint of a submission, by which its run is found again whatever the order of its rows and columns.

It is made when a submission is written. Rows are told apart by a 64-bit hash of their id; the rows with the smallest
hashes are a sample that any file with these ids has too (bottom-k sketch: Cohen and Kaplan, 2007, "Summarizing data
using bottom-k sketches"), so that numbers that were rounded, or a few that were edited, still compare with it. A sum
of hashes over all rows tells exact copies.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import StoreError
from harness.files import atomic_write
from harness.submission_check import numbers

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]

FILE = "fingerprint.npz"
VERSION = 1
_KEY = "harness-whence-1"
_CELLS, _MOST, _LEAST = 65_536, 1024, 64


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """What a submission is recognised by.

    Attributes
    ----------
    id : str
        Name of the id column.
    rows, bytes : int
        Of the file.
    ids : int
        Sum of the ids' hashes, modulo 2**64.
    content : int
        Sum over rows of a hash of the id and every value, modulo 2**64: equal for equal tables in any order.
    means : mapping of str to float
        Of each column of numbers.
    sample : (k,) uint64
        The smallest hashes of ids, ascending.
    numbers : mapping of str to (k,) float64
        The sampled rows of each column of numbers.
    texts : mapping of str to (k,) uint64
        Hashes of the sampled rows of each other column.
    """

    id: str
    rows: int
    bytes: int
    ids: int
    content: int
    means: Mapping[str, float]
    sample: Hashes
    numbers: Mapping[str, NDArray[np.float64]]
    texts: Mapping[str, Hashes]

    @property
    def columns(self) -> set[str]:
        """Names of the columns of values."""
        return {*self.numbers, *self.texts}


def hashed(column: pd.Series[Any]) -> Hashes:
    """Hash each cell as the text it is: (n,) uint64."""
    import numpy as np
    import pandas as pd

    found: Hashes = pd.util.hash_array(np.asarray(column.astype("str"), dtype=object), hash_key=_KEY, categorize=False)
    return found


def fingerprint_of(frame: pd.DataFrame, size: int = 0) -> Fingerprint:
    """Make the fingerprint of a submission.

    Parameters
    ----------
    frame : DataFrame
        (n, 1 + k), the id column first; numbers may be texts.
    size : int
        Bytes of the file.
    """
    import numpy as np

    key = str(frame.columns[0])
    keys = hashed(frame[key])
    room = max(_LEAST, min(_MOST, _CELLS // max(1, frame.shape[1] - 1)))
    least = np.argpartition(keys, room)[:room] if len(keys) > room else np.arange(len(keys))
    least = least[np.argsort(keys[least], kind="stable")]
    total, means, values, texts = keys.copy(), {}, {}, {}
    for name in map(str, frame.columns):
        if name == key:
            continue
        column = frame[name]
        if str(column.dtype) == "bool":
            column = column.map({True: "true", False: "false"})  # as the file has them
        cells, bad = numbers(column)
        if bad.any():
            own = hashed(column)
            texts[name] = own[least]
        else:
            own = np.where(np.isnan(cells), np.nan, cells + 0.0).view(np.uint64)  # one NaN, and no -0.0
            values[name] = cells[least]
            means[name] = float(np.nanmean(cells)) if not np.isnan(cells).all() else 0.0
        total += _mixed(own ^ _name_hash(name))
    content = int(_mixed(total).sum(dtype=np.uint64))
    return Fingerprint(
        key, len(frame), size, int(keys.sum(dtype=np.uint64)), content, means, keys[least], values, texts
    )


def _mixed(values: Hashes) -> Hashes:
    """Spread 64 bits over 64 bits, as the last step of SplitMix64 does (Steele, Lea and Flood, 2014)."""
    import numpy as np

    mixed = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)


def _name_hash(name: str) -> np.uint64:
    import hashlib

    import numpy as np

    return np.uint64(int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little"))


def write_fingerprint(path: Path, made: Fingerprint) -> None:
    """Store a fingerprint, atomically.

    Raises
    ------
    StoreError
        If the system refuses.
    """
    import numpy as np

    plain = {name: getattr(made, name) for name in ("id", "rows", "bytes", "ids", "content")}
    about = {**plain, "version": VERSION, "probe": _probe(), "means": dict(made.means)}
    about |= {"numbers": list(made.numbers), "texts": list(made.texts)}
    arrays = {
        "about": np.array(json.dumps(about)),
        "sample": made.sample,
        "numbers": np.array([*made.numbers.values()], dtype=np.float64),
        "texts": np.array([*made.texts.values()], dtype=np.uint64),
    }
    held = io.BytesIO()
    np.savez(held, allow_pickle=False, **arrays)
    with atomic_write(path) as file:
        file.write(held.getbuffer())


def read_fingerprint(path: Path, size: int) -> Fingerprint | None:
    """Read a stored fingerprint.

    Parameters
    ----------
    size : int
        Bytes of the submission that it should be of.

    Returns
    -------
    Fingerprint or None
        None if there is none, if it is of another file, or if it was made by other hashes.
    """
    import zipfile

    import numpy as np

    if not path.is_file():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            about = json.loads(str(stored["about"]))
            if (about["version"], about["probe"], about["bytes"]) != (VERSION, _probe(), size):
                return None
            values = dict(zip(about["numbers"], stored["numbers"], strict=True))
            texts = dict(zip(about["texts"], stored["texts"], strict=True))
            plain = {name: about[name] for name in ("id", "rows", "bytes", "ids", "content", "means")}
            return Fingerprint(sample=stored["sample"], numbers=values, texts=texts, **plain)
    except (ValueError, KeyError, OSError, zipfile.BadZipFile):  # damaged: the submission itself is read instead
        return None


def _probe() -> int:
    """Return the hash of a constant: another one means that the library hashes otherwise than it did."""
    import numpy as np
    import pandas as pd

    found = pd.util.hash_array(np.array(["harness"], dtype=object), hash_key=_KEY, categorize=False)
    return int(found[0])


def keep_fingerprint(submission: Path, made: Fingerprint) -> None:
    """Store a fingerprint beside its submission, where the folder may be written to."""
    try:
        write_fingerprint(submission.with_name(FILE), made)
    except StoreError:  # runs that others own are searched all the same, only slower
        return
