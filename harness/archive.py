"""Archives unpacked without trusting them.

An archive may name files outside its folder, links, devices, or more bytes than the disk holds. Only plain files and
folders are taken, sizes are counted while unpacking rather than believed, and the folder appears whole or not at all.
"""

from __future__ import annotations

import gzip
import lzma
import re
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from harness.errors import DataError
from harness.files import atomic_directory

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_BLOCK = 1 << 20
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, gzip.BadGzipFile, lzma.LZMAError, EOFError, UnicodeError)


@dataclass(frozen=True)
class Limits:
    """How much an archive may unpack to.

    Attributes
    ----------
    files : int
        Entries, folders included.
    bytes : int
        Unpacked, in all.
    ratio : float
        Unpacked bytes per byte of the archive; looked at above `free_bytes` only, since small tables of constant
        values compress without limit.
    """

    files: int = 500_000
    bytes: int = 100 << 30
    ratio: float = 100.0
    free_bytes: int = 100 << 20


@dataclass(frozen=True)
class _Entry:
    name: str
    folder: bool
    open: Callable[[], IO[bytes] | None]


def is_archive(path: Path) -> bool:
    """Tell by its name whether a file is an archive that `extract` can read.

    Examples
    --------
    >>> is_archive(Path("data.tar.gz")), is_archive(Path("train.csv.gz"))
    (True, False)
    """
    return path.name.lower().endswith(SUFFIXES)


def stem(path: Path) -> str:
    """Return an archive's name without its suffix.

    Examples
    --------
    >>> stem(Path("x/data.v2.tar.gz"))
    'data.v2'
    """
    lower = path.name.lower()
    longest = max((suffix for suffix in SUFFIXES if lower.endswith(suffix)), key=len, default="")
    return path.name[: len(path.name) - len(longest)] or path.name


def extract(archive: Path, into: Path, limits: Limits | None = None) -> list[Path]:
    """Unpack a zip or tar archive into a folder, atomically.

    Parameters
    ----------
    into : Path
        Replaced if it exists.
    limits : Limits, optional

    Returns
    -------
    list of Path
        The files, below `into`.

    Raises
    ------
    DataError
        If the archive is damaged, exceeds a limit, or holds anything but plain files and folders below its own root;
        nothing is left then.
    StoreError
        If the system refuses to write.
    """
    limits = limits or Limits()
    budget = _Budget(archive, limits)
    found: list[PurePosixPath] = []
    with atomic_directory(into) as folder, _readable(archive), closing(_entries(archive, limits)) as entries:
        for entry in entries:
            path = budget.admit(entry)
            if entry.folder:
                (folder / path).mkdir(parents=True, exist_ok=True)
            else:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                with _opened(entry) as source, (folder / path).open("xb") as target:
                    while block := source.read(_BLOCK):
                        budget.spend(len(block))
                        target.write(block)
                found.append(path)
    return [into / path for path in found]


def _opened(entry: _Entry) -> IO[bytes]:
    content = entry.open()
    assert content is not None, "only links have no content, and those were refused"
    return content


class _Budget:
    """What may still be unpacked, and which names were taken."""

    def __init__(self, archive: Path, limits: Limits) -> None:
        self.archive, self.limits = archive, limits
        self.entries, self.bytes, self.files, self.folders = 0, 0, set[str](), set[str]()
        size = archive.stat().st_size if archive.is_file() else 0
        self.most = min(limits.bytes, max(limits.free_bytes, int(size * limits.ratio)))

    def admit(self, entry: _Entry) -> PurePosixPath:
        self.entries += 1
        if self.entries > self.limits.files:
            raise DataError(f"{self.archive} has more than {self.limits.files:,} entries; it was not unpacked")
        path = _safe(entry.name, self.archive)
        # names that only some file systems tell apart would overwrite each other on the others
        key = unicodedata.normalize("NFC", str(path)).casefold()
        parents = {unicodedata.normalize("NFC", str(parent)).casefold() for parent in path.parents} - {"."}
        if entry.folder:
            parents.add(key)
        if (not entry.folder and key in self.files | self.folders) or parents & self.files:
            raise DataError(f"{self.archive} holds {entry.name[:200]!r} twice; it was not unpacked")
        self.folders |= parents
        if not entry.folder:
            self.files.add(key)
        return path

    def spend(self, size: int) -> None:
        self.bytes += size
        if self.bytes > self.most:
            raise DataError(
                f"{self.archive} unpacks to more than {self.most:,} bytes, far beyond its own size; it was not unpacked"
            )


def _safe(name: str, archive: Path) -> PurePosixPath:
    path = PurePosixPath(name)
    if (
        not name.strip("/.")
        or path.is_absolute()
        or ".." in path.parts
        or re.search(r"[\\\0]|^[A-Za-z]:", name)
        or any(unicodedata.category(character) == "Cc" for character in name)
    ):
        raise DataError(f"{archive} holds {name[:200]!r}, which is not below its own folder; it was not unpacked")
    return path


@contextmanager
def _readable(archive: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise DataError(f"{archive} is damaged: {str(error).splitlines()[0] if str(error) else 'cut short'}") from None
    except (NotImplementedError, RuntimeError) as error:  # zipfile: an unknown method, a password
        raise DataError(f"{archive} cannot be unpacked: {error}") from None


def _entries(archive: Path, limits: Limits) -> Generator[_Entry, None, None]:
    return _zip_entries(archive, limits) if archive.name.lower().endswith(".zip") else _tar_entries(archive, limits)


def _zip_entries(archive: Path, limits: Limits) -> Generator[_Entry, None, None]:
    with zipfile.ZipFile(archive) as file:
        members = file.infolist()
        if len(members) > limits.files:
            raise DataError(f"{archive} has {len(members):,} entries, at most {limits.files:,} are unpacked")
        for member in members:
            mode = member.external_attr >> 16
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _no_plain_file(archive, member.filename)
            yield _Entry(member.filename, member.is_dir(), partial(file.open, member))


def _tar_entries(archive: Path, limits: Limits) -> Generator[_Entry, None, None]:
    with tarfile.open(archive) as file:
        for member in file:
            if not (member.isreg() or member.isdir()):
                raise _no_plain_file(archive, member.name)
            if member.isdir() and not member.name.strip("/.") and ".." not in member.name:
                continue  # "./", the archive's own root
            yield _Entry(member.name, member.isdir(), partial(file.extractfile, member))
        # a compressed stream tells damage only at its very end, beyond the last member
        for _ in range(limits.free_bytes // _BLOCK + 1):
            if file.fileobj is None or not file.fileobj.read(_BLOCK):
                return
        raise DataError(f"{archive} goes on after its last entry; it was not unpacked")


def _no_plain_file(archive: Path, name: str) -> DataError:
    return DataError(f"{archive} holds {name[:200]!r}, a link or device; it was not unpacked")
