"""Sequences with their ids, labels and what else is known of them, from one file whatever its format."""

from __future__ import annotations

import re
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import DataError, listed, nearest
from harness_protein.reading.fasta import is_fasta, read_fasta

if TYPE_CHECKING:
    import pandas as pd

    from harness_protein.params import SequencesParams

TABLES = (".csv", ".tsv", ".tab", ".txt")
KNOWN = {
    "id": ("id", "sequence_name", "accession", "entry", "name", "protein_id", "row_id"),
    "sequence": ("sequence", "seq", "protein", "protein_sequence"),
    "target": ("target", "label", "class", "family_accession", "family", "y"),
    "organism": ("organism", "species"),
    "group": ("group", "cluster", "cluster_id"),
}
"""Names that a column of each role goes by, in any case, unless the competition names its own."""
EC_NUMBER = ("ec number", "ec")
_EC = re.compile(r"^\d+(\.(\d+|n\d+|-)){0,3}$")


@dataclass
class Sequences:
    """Raw rows of one file or of several.

    Attributes
    ----------
    labels : list of str or None
        None where the file has no such column.
    """

    where: str
    ids: list[str]
    sequences: list[str]
    labels: list[str] | None
    organisms: list[str] | None = None
    groups: list[str] | None = None
    notes: list[str] = field(default_factory=list)

    def take(self, rows: Sequence[int]) -> Sequences:
        """Return some rows."""

        def of(values: list[str] | None) -> list[str] | None:
            return None if values is None else [values[row] for row in rows]

        return Sequences(
            self.where,
            [self.ids[row] for row in rows],
            [self.sequences[row] for row in rows],
            of(self.labels),
            of(self.organisms),
            of(self.groups),
            list(self.notes),
        )


def is_readable(path: Path) -> bool:
    """Tell by its name whether a file may hold sequences."""
    return is_fasta(path) or path.name.lower().removesuffix(".gz").endswith(TABLES)


def read_sequences(paths: Sequence[Path], params: SequencesParams, labelled: bool) -> Sequences:
    """Read files of one part; several are parts of one table.

    Parameters
    ----------
    labelled : bool
        Whether every row must have a class. If not, no row is left out, and there may be labels all the same.

    Raises
    ------
    DataError
        Naming file and column.
    """
    where = paths[0].name if len(paths) == 1 else paths[0].parent.name
    if is_fasta(paths[0]):
        records = [record for path in paths for record in read_fasta(path)]
        labels, organisms = [record.label for record in records], [record.organism for record in records]
        found = Sequences(
            where,
            [record.id for record in records],
            [record.sequence for record in records],
            labels if any(labels) else None,
            organisms if any(organisms) else None,
        )
    else:
        found = _of_table(paths, where, params, labelled)
    if labelled and found.labels is None:
        raise DataError(f"{paths[0]}: no column or header says the class; name the column with target = 'NAME'")
    return found


def sequence_column(path: Path, named: str) -> str | None:
    """Return the column of a table's sequences: the one named if it is there, else one by its usual name, or None.

    Raises
    ------
    DataError
        If the header cannot be read.
    """
    columns = _names(read_table(path, rows=0))
    return named if named in columns else _usual(columns, "sequence")


def read_table(path: Path, rows: int | None = None) -> pd.DataFrame:
    """Read a table, every value as the text that stands there; what a short row lacks is empty.

    Parameters
    ----------
    rows : int, optional
        Read so many rows only.

    Raises
    ------
    DataError
        If it is no table, is damaged, has columns of the same name, or values beyond its header.
    """
    import pandas as pd

    tabs = path.name.lower().removesuffix(".gz").endswith((".tsv", ".tab"))
    options: dict[str, Any] = {"sep": "\t" if tabs else ",", "encoding": "utf-8-sig", "keep_default_na": False}
    try:
        with warnings.catch_warnings():
            # pandas only warns of rows that are longer than the header, and drops what is over
            warnings.simplefilter("error", pd.errors.ParserWarning)
            names = pd.read_csv(path, header=None, nrows=1, dtype=str, index_col=False, **options).iloc[0]
            if names.duplicated().any():
                raise DataError(f"{path} has columns of the same name: {listed(names[names.duplicated()])}")
            table: pd.DataFrame = pd.read_csv(path, dtype=str, index_col=False, nrows=rows, **options)
    except pd.errors.EmptyDataError:
        raise DataError(f"{path} is empty; expected a header and rows") from None
    except pd.errors.ParserWarning:
        raise DataError(f"{path} cannot be read: its rows have more values than its header has names") from None
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {' '.join(str(error).split())}") from None
    return table.fillna("")


def _of_table(paths: Sequence[Path], where: str, params: SequencesParams, labelled: bool) -> Sequences:
    import pandas as pd

    path, frames = paths[0], [read_table(path) for path in paths]
    for name, rows in zip(paths, frames, strict=True):
        if rows.empty:
            raise DataError(f"{name} has a header but no rows")
        if differing := set(_names(rows)) ^ set(_names(frames[0])):
            raise DataError(f"{name} has other columns than {path.name}: {listed(sorted(differing))}")
    frame = pd.concat(frames, ignore_index=True)
    needed = set(KNOWN) if labelled else {"id", "sequence"}
    columns = {role: _column(frame, role, getattr(params, role), path, role in needed) for role in KNOWN}
    if columns["sequence"] is None:
        raise DataError(
            f"{path} has no column of sequences among {listed(_names(frame))}; name it under [data.params] of the"
            " competition file: sequence = 'NAME'"
        )

    def of(role: str) -> list[str] | None:
        name = columns[role]
        return None if name is None else frame[name].tolist()

    ids = of("id") or [str(row) for row in range(len(frame))]
    found = Sequences(where, ids, of("sequence") or [], of("target"), of("organism"), of("group"))
    if found.labels is not None:
        found.labels = [label.strip() for label in found.labels]
    enzyme = next((name for name in _names(frame) if name.lower().strip() in EC_NUMBER), None)
    if labelled and found.labels is None and enzyme is not None:
        return _by_enzyme_class(found, frame[enzyme].tolist(), params.ec_level)
    return found


def _column(frame: pd.DataFrame, role: str, named: str, path: Path, needed: bool) -> str | None:
    columns = _names(frame)
    if named and named not in columns and needed:
        raise DataError(f"{path} has no column {named!r} for {role}{nearest(named, columns)}")
    if named:
        return named if named in columns else None
    return _usual(columns, role)


def _names(frame: pd.DataFrame) -> list[str]:
    return [str(name) for name in frame]


def _usual(columns: Sequence[str], role: str) -> str | None:
    lower = {name.lower().strip(): name for name in reversed(columns)}
    return next((lower[name] for name in KNOWN[role] if name in lower), None)


def _by_enzyme_class(found: Sequences, numbers: list[str], level: int) -> Sequences:
    """Label rows by the first levels of their EC number.

    Rows of none or of several classes are left out, and so are those of an incomplete number (``2.7.-.-``) where the
    levels asked for are not all given.
    """
    labels, kept, several, none = [], [], 0, 0
    for row, text in enumerate(numbers):
        given = [number.strip() for number in text.split(";") if _EC.match(number.strip())]
        classes = {".".join(number.split(".")[:level]) for number in given}
        whole = {name for name in classes if name.count(".") == level - 1 and "-" not in name}
        several += len(whole) > 1
        none += not whole
        if len(whole) == 1:
            kept.append(row)
            labels.append(next(iter(whole)))
    if not kept:
        raise DataError(f"{found.where}: no row has a single EC number of {level} levels")
    rest = found.take(kept)
    rest.labels = labels
    rest.notes += [f"{found.where}: {several:,} rows of several EC classes left out"] if several else []
    rest.notes += [f"{found.where}: {none:,} rows without an EC class left out"] if none else []
    return rest


def with_class(rows: Sequences, skip_bad: bool) -> Sequences:
    """Refuse rows without a class, or leave them out.

    Raises
    ------
    DataError
        Naming the rows.
    """
    labels = rows.labels or []
    empty = [row for row, label in enumerate(labels) if not label]
    if not empty:
        return rows
    told = f"{rows.where}: {len(empty):,} rows without a class"
    examples = listed([rows.ids[row] for row in empty], 3)
    if not skip_bad:
        raise DataError(f"{told}: {examples}; --skip-bad leaves them out")
    kept = rows.take([row for row, label in enumerate(labels) if label])
    kept.notes.append(f"{told} left out: {examples}")
    return kept
