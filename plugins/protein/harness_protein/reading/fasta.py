"""FASTA: headers, wrapped sequences, also compressed."""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from harness.errors import DataError

SUFFIXES = (".fasta", ".fa", ".faa", ".fas", ".fsa", ".seq", ".pep")
_PAIR = re.compile(r"\b(\w+)=([^\s|]+)")
_ORGANISM = re.compile(r"\bOS=(.+?)(?=\s+[A-Z]{2}=|$)")


@dataclass(frozen=True)
class Record:
    """One sequence of a FASTA file.

    Attributes
    ----------
    id : str
        The header up to the first white space or ``|``; of UniProt's ``sp|P12345|NAME`` the accession.
    label : str
        What ``label=``, ``class=`` or ``target=`` says, else what follows a ``|``; empty if neither is there.
    organism : str
        What ``OS=`` says, as in UniProt's headers; empty if it is not there.
    line : int
        Line of the header, from 1.
    """

    id: str
    label: str
    organism: str
    sequence: str
    line: int


def is_fasta(path: Path) -> bool:
    """Tell by the name, which may end in ``.gz``, whether a file is FASTA."""
    return path.name.lower().removesuffix(".gz").endswith(SUFFIXES)


def read_fasta(path: Path) -> list[Record]:
    """Read a FASTA file; blank lines and lines that begin with ``;`` are left out.

    Raises
    ------
    DataError
        Naming file and line: a sequence before any header, a header without an id, no record at all, a damaged file.
    """
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.name.lower().endswith(".gz") else content).decode("utf-8-sig")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is damaged or cut short ({error}); fetch it again") from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is not text") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    found: list[Record] = []
    header: tuple[str, str, str] | None = None
    begin, pieces = 0, list[str]()
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith(";"):
            continue
        if line.startswith(">"):
            if header is not None:
                found.append(Record(*header, "".join(pieces), begin))
            header, begin, pieces = _header(line, path, number), number, []
        elif header is None:
            raise DataError(f"{path}, line {number}: a sequence before the first header; a header begins with '>'")
        else:
            pieces.append(line)
    if header is None:
        raise DataError(f"{path} has no record; expected lines '>ID' each followed by a sequence")
    found.append(Record(*header, "".join(pieces), begin))
    return found


def _header(line: str, path: Path, number: int) -> tuple[str, str, str]:
    """Return id, label and organism."""
    text = line[1:].strip()
    pairs = {key.lower(): value for key, value in _PAIR.findall(text)}
    label = next((pairs[key] for key in ("label", "class", "target") if key in pairs), "")
    first = text.split()[0] if text else ""
    parts = first.split("|")
    if parts[0] in ("sp", "tr") and len(parts) >= 2:
        name, rest = parts[1], ""
    else:
        name, rest = parts[0], parts[1] if len(parts) > 1 else ""
    if not name or "=" in name:
        raise DataError(f"{path}, line {number}: a header without an id: {line[:40]!r}")
    organism = _ORGANISM.search(text)
    return name, label or rest, organism[1].strip() if organism else ""
