"""The files as they are: separators, names of columns, values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import ConfigError, DataError, listed, nearest
from harness.proposal import Given
from harness.tabular.columns import text_columns
from harness.tabular.files import OTHER, NotDecodedError, guess_separator, read_header, read_sample, read_table
from harness_imbalance.table import TableParams

if TYPE_CHECKING:
    import pandas as pd

SEVERAL = (
    "a table with several targets is not supported by new competition: write a data source for it in a plugin.py beside"
    " a competition.toml"
)
NAMES = ("target", "label", "class", "y")
"""What a column must be called to be taken for the target where no test or sample file tells."""


@dataclass(frozen=True, eq=False)
class Tables:
    """The files, read; the target and the id stand in them as text.

    Attributes
    ----------
    target, id : str
        Columns; the id may be empty.
    target_why, id_why : str
        What tells that they are.
    encoding : str
        Of all files; empty: UTF-8.
    named_paths : mapping of str to Path
        By parameter of the data source.
    sample : DataFrame or None
        Every value a string.
    """

    train: pd.DataFrame
    test: pd.DataFrame | None
    sample: pd.DataFrame | None
    target: str
    target_why: str
    id: str
    id_why: str
    separator: str
    encoding: str
    named_paths: dict[str, Path]

    @property
    def paths(self) -> list[Path]:
        """All files."""
        return list(self.named_paths.values())

    @property
    def sample_columns(self) -> list[str]:
        """Columns of the sample file; empty without one."""
        return [] if self.sample is None else [str(name) for name in self.sample.columns]


def look(given: Given) -> Tables:
    """Read the files, with target and id as text, once it is known which columns they are.

    Raises
    ------
    HarnessError
        If a file cannot be read, or nothing tells which column is the target.
    """
    paths = {"train": given.train, "test": given.test, "sample_submission": given.sample}
    named = {name: path for name, path in paths.items() if path is not None}
    for path in named.values():
        if not path.is_file():
            raise DataError(f"{path} is a folder, expected a file: {given.train.name} is a table")
    for encoding in ("", OTHER):
        try:
            return _look(given, named, encoding)
        except NotDecodedError:
            continue
    return _look(given, named, "latin-1")  # has a character for each byte


def _check_alike(named: dict[str, Path], separator: str, encoding: str) -> None:
    """Refuse a file that is UTF-8 beside one that is not: read alike, its accents would become others."""
    for path in named.values():
        read = TableParams(separator=separator)
        try:
            same = read_sample(path, read).equals(read_sample(path, replace(read, encoding=encoding)))
        except NotDecodedError:
            continue
        if not same:
            raise DataError(f"{path.name} is UTF-8, another file is not; write them alike")


def _look(given: Given, named: dict[str, Path], encoding: str) -> Tables:
    separator = _separator(named, encoding)
    columns = {name: read_header(path, separator, encoding) for name, path in named.items()}
    if encoding:
        _check_alike(named, separator, encoding)
    target, target_why = _target(given, columns)
    roles = TableParams(target=target, separator=separator, encoding=encoding)
    sample = read_sample(named["sample_submission"], roles) if "sample_submission" in named else None
    if sample is not None and sample.empty:
        raise DataError(f"{named['sample_submission']} has a header but no rows")
    key, id_why = _id_by_name(given, columns)
    train = read_table(given.train, replace(roles, id=key), ())
    texts = [name for name in text_columns(train) if name not in (key, target)]
    test = read_table(named["test"], replace(roles, id=key), texts) if "test" in named else None
    return Tables(train, test, sample, target, target_why, key, id_why, separator, encoding, named)


def _separator(named: dict[str, Path], encoding: str) -> str:
    found = {name: guess_separator(path, encoding) for name, path in named.items()}
    other = next((name for name in found if found[name] != found["train"]), "")
    if other:
        raise DataError(
            f"{named[other].name} is separated by {found[other]!r}, {named['train'].name} by {found['train']!r};"
            " write them alike"
        )
    return found["train"]


def _target(given: Given, columns: dict[str, tuple[str, ...]]) -> tuple[str, str]:
    train, where = columns["train"], given.train.name
    asked = [name for name in columns.get("sample_submission", ())[1:] if name in train]
    if len(asked) > 1 and not set(asked) & set(columns.get("test", ())):
        raise ConfigError(
            f"{_sample(given)} asks for {len(asked)} columns of {where}: {listed(asked)}; {SEVERAL}; for one of"
            " them: --target NAME, without --sample"
        )
    if given.target:
        if given.target not in train:
            raise ConfigError(f"--target {given.target!r}: {where} has no such column{nearest(given.target, train)}")
        return given.target, "as --target says"
    if "test" not in columns:
        return _target_alone(train, asked, where)
    only = [name for name in train if name not in columns["test"]]
    test = given.test.name if given.test else ""
    if len(only) == 1:
        return only[0], f"the only column of {where} that {test} lacks"
    named = [name for name in asked if name in only] or asked
    if len(named) == 1:
        return named[0], f"{_sample(given)} asks for it"
    if not only:
        raise ConfigError(f"every column of {where} is in {test}, too; say which one is to be predicted: --target NAME")
    raise ConfigError(
        f"{len(only)} columns of {where} are not in {test}: {listed(only)}; say which one is to be predicted:"
        f" --target NAME; the others are left out, as {SEVERAL}"
    )


def _target_alone(train: tuple[str, ...], asked: list[str], where: str) -> tuple[str, str]:
    named = asked or [name for name in train if name.lower() in NAMES]
    if len(named) == 1:
        return named[0], "the sample submission asks for it" if asked else "by its name, as there is no test file"
    raise ConfigError(
        f"without a test file nothing tells which column of {where} is to be predicted: --target NAME; columns:"
        f" {listed(train, 12)}"
    )


def _sample(given: Given) -> str:
    return given.sample.name if given.sample else ""


def _id_by_name(given: Given, columns: dict[str, tuple[str, ...]]) -> tuple[str, str]:
    rows = [columns[name] for name in ("train", "test") if name in columns]
    if given.id:
        if given.id == "none":
            return "", "as --id none says"
        for name, path in (("train", given.train), ("test", given.test)):
            if name in columns and path is not None and given.id not in columns[name]:
                raise ConfigError(
                    f"--id {given.id!r}: {path.name} has no such column{nearest(given.id, columns[name])}"
                )
        return given.id, "as --id says"
    if "sample_submission" in columns:
        first = columns["sample_submission"][0]
        if all(first in one for one in rows):
            return first, f"the first column of {_sample(given)}"
    named = [name for name in rows[0] if name.lower() in ("id", "row_id", "index") and all(name in one for one in rows)]
    return (named[0], "by its name") if len(named) == 1 else ("", "")
