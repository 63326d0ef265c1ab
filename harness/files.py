"""Files that are either whole or absent.

Everything that matters is written to a temporary name in the same folder, flushed, fsynced and renamed, so that a
process killed at any moment leaves the old file or the new one, and never half of one.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
import secrets
import shutil
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from harness.errors import StoreError, listed

CHECKSUMS = "checksums.json"
TEMPORARY = ".tmp-"


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes its final name only when the block ends well.

    Parameters
    ----------
    path : Path
        Final name; missing folders are made, an existing file is replaced.

    Yields
    ------
    binary file
        Bytes written to it are on disk when the block has ended. If the block raises, the file that was there before
        stays as it was, byte for byte.

    Raises
    ------
    StoreError
        If the system refuses (no space, no permission), naming path, reason and bytes written so far.
    """
    written = 0
    with _told(path, lambda: written):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _temporary(path)
        try:
            with temporary.open("xb") as file:
                try:
                    yield file
                    file.flush()
                finally:
                    with suppress(OSError, ValueError):
                        written = temporary.stat().st_size
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)


@contextmanager
def atomic_directory(path: Path) -> Iterator[Path]:
    """Fill a folder that takes its final name only when the block ends well.

    Yields
    ------
    Path
        An empty sibling folder. When the block ends its files are fsynced and it is renamed to `path`, replacing a
        folder of that name; if the block raises, it is removed and what was at `path` stays.

    Raises
    ------
    StoreError
        If the system refuses, naming path, reason and bytes written so far.
    """
    written = 0
    with _told(path, lambda: written):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _temporary(path)
        temporary.mkdir()
        try:
            yield temporary
            _sync_tree(temporary)
            _replace_directory(temporary, path)
        except BaseException:
            written = sum(file.stat().st_size for file in temporary.rglob("*") if file.is_file())
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        _sync_folder(path.parent)


def _replace_directory(new: Path, path: Path) -> None:
    try:
        new.rename(path)
        return
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
    # no portable call swaps two folders; the old one is put aside, and put back if the second rename fails
    aside = _temporary(path)
    path.rename(aside)
    try:
        new.rename(path)
    except BaseException:
        aside.rename(path)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _temporary(path: Path) -> Path:
    return path.parent / f"{TEMPORARY}{secrets.token_hex(8)}"


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically, line ends as they are; what UTF-8 lacks, such as half of a pair, as an escape."""
    with atomic_write(path) as file:
        file.write(text.encode(errors="backslashreplace"))


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically: keys in their order, one space of indent, NaN and infinities as null.

    Numpy scalars are written as numbers; paths and anything else JSON lacks is refused with `TypeError`.
    """
    text = json.dumps(_plain(value), indent=1, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises
    ------
    StoreError
        If it is missing, unreadable or not JSON, in one line.
    """
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise StoreError(f"cannot read {path}: {_reason(error)}") from None
    except ValueError as error:
        raise StoreError(f"{path} is damaged: not JSON ({error}); delete it and run the command again") from None


def sha256(path: Path) -> str:
    """Digest one file's content, hex.

    Raises
    ------
    StoreError
        If it cannot be read.
    """
    with _told(path, verb="read"), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_checksums(directory: Path) -> dict[str, dict[str, Any]]:
    """Write ``checksums.json``: size in bytes and SHA-256 of every file below a folder.

    Returns
    -------
    dict
        Relative POSIX path -> ``{"bytes": int, "sha256": str}``. Temporary files and `CHECKSUMS` itself are left out.
    """
    found = {
        file.relative_to(directory).as_posix(): {"bytes": file.stat().st_size, "sha256": sha256(file)}
        for file in sorted(directory.rglob("*"))
        if file.is_file() and file != directory / CHECKSUMS and not file.name.startswith(TEMPORARY)
    }
    write_json(directory / CHECKSUMS, found)
    return found


def verify_checksums(directory: Path) -> list[str]:
    """Compare a folder with its ``checksums.json``.

    Returns
    -------
    list of str
        One line per file that is missing, truncated or altered; empty if all is well. Files that are not in the list
        are ignored.
    """
    try:
        known = read_json(directory / CHECKSUMS)
    except StoreError as error:
        return [str(error)]
    if not isinstance(known, Mapping) or not all(isinstance(facts, Mapping) for facts in known.values()):
        return [f"{directory / CHECKSUMS} is damaged: expected a table of files"]
    problems = (_file_problem(directory / name, facts) for name, facts in known.items())
    return [problem for problem in problems if problem]


def _file_problem(path: Path, facts: Mapping[str, Any]) -> str:
    if not path.is_file():
        return f"{path} is missing"
    size, wanted = path.stat().st_size, facts.get("bytes")
    if size != wanted:
        what = "truncated" if isinstance(wanted, int) and size < wanted else "altered"
        return f"{path} is {what}: {size} bytes, expected {wanted}"
    if sha256(path) != facts.get("sha256"):
        return f"{path} is altered: same size, other content"
    return ""


def slug(name: str) -> str:
    """Turn any name into one safe part of a path.

    ASCII letters, digits, ``-``, ``_`` and ``.`` stay. A name that had to be changed gets eight hex digits of its
    digest, so that different names never share a file.

    Examples
    --------
    >>> slug("smote-5x")
    'smote-5x'
    >>> slug("smote (model.depth=4)")
    'smote-model.depth-4-dbb04039'
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-.")[:80]
    if safe and safe == name:
        return safe
    return f"{safe or 'x'}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def listed_in(texts: Sequence[str], path: Path, limit: int = 5) -> str:
    """Join texts for a message as `listed` does; where that shows a part only, all are written to a file it names."""
    if len(texts) <= limit:
        return listed(texts, limit)
    write_text(path, "".join(f"{text}\n" for text in texts))
    return f"{listed(texts, limit)}; all of them: {path}"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


@contextmanager
def _told(path: Path, written: Callable[[], int] = lambda: 0, verb: str = "write") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.filename is not None and not _concerns(path, Path(os.fsdecode(error.filename))):
            raise  # the caller's block failed on a file of its own
        size = written()
        after = f" after {size:,} bytes" if size else ""
        raise StoreError(f"cannot {verb} {path}: {_reason(error)}{after}{_next_step(error)}") from error


def _concerns(path: Path, named: Path) -> bool:
    return named == path or path.is_relative_to(named) or named.is_relative_to(path.parent)


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


def _next_step(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "; free some space, then run the same command again"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "; choose another folder or change its permissions"
    return ""


def _sync_tree(directory: Path) -> None:
    for folder, _, names in os.walk(directory, topdown=False):
        for name in names:
            with (Path(folder) / name).open("rb") as file:
                os.fsync(file.fileno())
        _sync_folder(Path(folder))


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # folders cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
