"""Folders of sequences: a competition's own layout, the Pfam seed split, or whatever lies in them as a corpus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import ConfigError, DataError, listed, nearest
from harness_protein.params import SequencesParams
from harness_protein.reading.fasta import is_fasta
from harness_protein.reading.tables import Sequences, is_readable, read_sequences, read_table, sequence_column

if TYPE_CHECKING:
    from harness_protein.source import Parts

NAMES = {
    "train": ("train", "training"),
    "valid": ("dev", "valid", "validation"),
    "test": ("test",),
    "sample": ("samplesubmission", "sample_submission"),
    "classes": ("classes",),
}
"""How a file or folder of each part is called, in any case, without its suffix."""
SHOWN_CLASSES = 12


def read_folder(folder: Path, params: SequencesParams) -> Parts:
    """Read the parts of a data set.

    ``Train.csv``, ``Test.csv`` and ``SampleSubmission.csv`` of Zindi and Kaggle in any case, also as TSV, FASTA or
    compressed; or folders ``train``, ``dev`` and ``test`` of shards, as the Pfam seed split has them, where ``dev``
    becomes the labelled validation set and the classes of ``test`` are no targets: they only say which rows are left
    when `families` keeps a few classes. A folder of one file is that file. ``classes.csv`` tells what the classes of
    the submission stand for.

    Raises
    ------
    DataError
        If there are no training rows, or two files for one part.
    """
    from harness_protein.source import Parts

    found = {part: paths for part in NAMES if (paths := find_part(folder, part, params))}
    if "train" not in found:
        files = [path for path in sorted(folder.iterdir()) if path.is_file() and is_readable(path)]
        files = [path for path in files if not any(_is(path, part) for part in NAMES)]
        if len(files) != 1:
            held = listed([path.name for path in sorted(folder.iterdir())]) or "nothing"
            raise DataError(f"{folder}: no file named train.* ({held}); expected Train.csv or train.fasta")
        found["train"] = files
    return Parts(
        train=read_sequences(found["train"], params, labelled=True),
        valid=read_sequences(found["valid"], params, labelled=True) if "valid" in found else None,
        test=read_sequences(found["test"], params, labelled=False) if "test" in found else None,
        sample=read_table(found["sample"][0]) if "sample" in found else None,
        notes=_named_classes(found["classes"][0]) if "classes" in found else [],
    )


def find_part(folder: Path, part: str, params: SequencesParams) -> list[Path]:
    """Find the files of a part of `NAMES`: by the name in `params`, else by its usual names; empty if there are none.

    Raises
    ------
    DataError
        If what `params` names is not there, or several files have a usual name.
    """
    name = {"train": params.train, "test": params.test}.get(part, "")
    return _named(folder, part, name) if name else _usual(folder, part)


def read_corpus(path: Path, params: SequencesParams) -> Sequences:
    """Read every sequence of a file or folder, whatever part it is of; labels are left out.

    Tables of a folder without a column of sequences are passed over; what cannot be read is not.

    Raises
    ------
    DataError
        If there are none, or a file cannot be read.
    """
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file() and is_readable(file))
    parts = []
    for file in files:
        column = "" if is_fasta(file) else sequence_column(file, params.sequence)
        if column is not None:
            parts.append(read_sequences([file], SequencesParams(sequence=column), labelled=False))
    if not parts:
        raise DataError(f"{path}: no FASTA, and no table with a column of sequences; a corpus needs some")
    ids = [name for part in parts for name in part.ids]
    return Sequences(path.name, ids, [sequence for part in parts for sequence in part.sequences], None)


def _named(folder: Path, part: str, name: str) -> list[Path]:
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ConfigError(f"data: {part} = {name!r}: expected a name within the data's folder")
    path = folder / name
    if not path.exists():
        known = [entry.name for entry in folder.iterdir()]
        raise DataError(f"{folder}: no {name!r} for {part}{nearest(name, known) or '; the folder is empty'}")
    files = _shards(path) if path.is_dir() else [path]
    if not files:
        raise DataError(f"{path}: no file for {part}")
    return files


def _usual(folder: Path, part: str) -> list[Path]:
    entries = [path for path in sorted(folder.iterdir()) if _is(path, part)]
    files = [path for path in entries if path.is_file() and is_readable(path)]
    if len(files) > 1:
        raise DataError(f"{folder}: {len(files)} files for {part}: {listed([path.name for path in files])}")
    shards = [_shards(path) for path in entries if path.is_dir()]
    return files or next((paths for paths in shards if paths), [])


def _shards(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")]


def _is(path: Path, part: str) -> bool:
    return path.name.split(".")[0].lower() in NAMES[part]


def _named_classes(path: Path) -> list[str]:
    """Return a note that says what the classes stand for, from a table of two columns."""
    table = read_table(path)
    if table.shape[1] != 2:
        return []
    pairs = [f"{code} {name}" for code, name in table.itertuples(index=False)]
    return [f"classes: {listed(pairs, SHOWN_CLASSES)}"]
