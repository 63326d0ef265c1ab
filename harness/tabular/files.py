"""Files of a table: finding them by name or pattern, and reading CSV and Parquet, also compressed."""

from __future__ import annotations

import codecs
import gzip
import io
import lzma
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from harness.archive import Limits
from harness.data import check_unique
from harness.errors import ConfigError, DataError, listed, nearest
from harness.tabular.columns import MISSING, as_text

if TYPE_CHECKING:
    from harness.tabular.roles import Roles

PARQUET = (".parquet", ".pq", ".parquet.gz")
SEPARATORS = (",", ";", "\t", "|")
"""What may stand between the values of a CSV; the first where nothing tells."""
UTF_8 = "utf-8"
OTHER = "cp1252"
"""The encoding of a file that is not UTF-8, most likely: Western European, as spreadsheets write it."""
_DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


class NotDecodedError(DataError):
    """A file's bytes are no text in the encoding that it is read in."""


def locate(folder: Path, pattern: str, role: str) -> Path:
    """Find the one file of a role.

    Parameters
    ----------
    folder : Path
    pattern : str
        A name, or a pattern with ``*``, within `folder`.
    role : str
        Name of the parameter, for messages.

    Raises
    ------
    DataError
        If there is none, or more than one.
    """
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise ConfigError(f"data: {role} = {pattern!r}: expected a file name within the data's folder")
    if not folder.is_dir():
        raise DataError(f"{folder}: {role} is {pattern!r}, expected a folder that holds it")
    found = sorted(path for path in folder.glob(pattern) if path.is_file())
    if len(found) == 1:
        return found[0]
    if found:
        raise DataError(f"{folder}: {len(found)} files fit {role} = {pattern!r}: {listed(p.name for p in found)}")
    held = [path.name for path in folder.iterdir() if path.is_file()]
    raise DataError(f"{folder}: no file fits {role} = {pattern!r}{nearest(pattern, held) or '; the folder is empty'}")


def read_table(path: Path, roles: Roles, texts: Iterable[str]) -> pd.DataFrame:
    """Read a table without changing ids, class names or category codes.

    Parameters
    ----------
    path : Path
        CSV or Parquet by its suffix; ``.gz``, ``.bz2``, ``.xz``, ``.zip`` and ``.zst`` are unpacked.
    roles : Roles
    texts : iterable of str
        Columns to read as text: categories.

    Returns
    -------
    DataFrame
        The id column as text, as it stands in the file; `texts` and columns of true and false as text; others as pandas
        infers them.

    Raises
    ------
    DataError
        If the file is missing, empty, damaged or without rows.
    """
    with _reading(path, roles.encoding):
        frame = _read_parquet(path, roles) if path.name.endswith(PARQUET) else _read_csv(path, roles, set(texts))
    if frame.empty:
        raise DataError(f"{path} has a header but no rows")
    return frame


def read_header(path: Path, separator: str, encoding: str = "") -> tuple[str, ...]:
    """Return the names of a table's columns; one without a name, as of an index, is ``Unnamed: POSITION``.

    Raises
    ------
    DataError
        If the file is missing, empty or damaged.
    """
    with _reading(path, encoding):
        if path.name.endswith(PARQUET):
            import pyarrow.parquet as pq

            return tuple(pq.read_schema(path).names)
        return tuple(str(name) for name in _header(path, separator, encoding))


def guess_separator(path: Path, encoding: str = "") -> str:
    """Return what stands between the values of a CSV: of `SEPARATORS` the one that cuts its header into most columns.

    Raises
    ------
    DataError
        If none of them does, or the file cannot be read.
    """
    if path.name.endswith(PARQUET):
        return SEPARATORS[0]
    columns = {separator: len(read_header(path, separator, encoding)) for separator in SEPARATORS}
    found = max(columns, key=lambda separator: columns[separator])
    if columns[found] < 2:
        raise DataError(f"{path} has a header of one column; expected several, separated by ',', ';', '|' or tabs")
    return found


@contextmanager
def _reading(path: Path, encoding: str = "") -> Iterator[None]:
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    try:
        _check_zip(path)
        yield
    except pd.errors.EmptyDataError:
        raise DataError(f"{path} is empty; expected a header and rows") from None
    except _DAMAGED as error:
        raise DataError(f"{path} is damaged or cut short ({_line(error)}); fetch it again") from None
    except UnicodeDecodeError:
        found = encoding or UTF_8
        raise NotDecodedError(
            f"{path} cannot be read as {found}: save it as UTF-8, or say its own where the source takes one:"
            f" encoding = {OTHER if found != OTHER else 'latin-1'!r} under [data.params]"
        ) from None
    except (pd.errors.ParserError, pd.errors.ParserWarning, OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {_line(error)}") from None


def _codec(encoding: str) -> str:
    """Return the codec of a declared encoding; that of UTF-8 takes a byte order mark off."""
    try:
        known = codecs.lookup(encoding or UTF_8).name
    except LookupError:
        raise ConfigError(
            f"data: encoding = {encoding!r} is unknown; expected one such as 'utf-8' or 'cp1252'"
        ) from None
    return "utf-8-sig" if known == UTF_8 else known


def _header(path: Path, separator: str, encoding: str) -> pd.Series[str]:
    names = pd.read_csv(
        path,
        header=None,
        nrows=1,
        dtype=str,
        keep_default_na=False,
        sep=separator,
        encoding=_codec(encoding),
        index_col=False,
    ).iloc[0]
    return names.where(names != "", [f"Unnamed: {at}" for at in range(len(names))])


def _check_zip(path: Path) -> None:
    """Refuse a zip of several files, and one that would unpack without end; sizes are what it tells itself."""
    if path.suffix != ".zip":
        return
    with zipfile.ZipFile(path) as archive:
        held = [one for one in archive.infolist() if not one.is_dir()]
    if len(held) > 1:
        raise DataError(f"{path} holds {len(held)} files; unpack it and give the folder: --data FOLDER")
    size, limits = sum(one.file_size for one in held), Limits()
    if size > max(limits.free_bytes, limits.ratio * path.stat().st_size):
        raise DataError(f"{path} would unpack to {size:,} bytes, {size // path.stat().st_size} times its size: refused")


def _line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _read_csv(path: Path, roles: Roles, texts: set[str]) -> pd.DataFrame:
    options: dict[str, Any] = {"sep": roles.separator, "encoding": _codec(roles.encoding), "index_col": False}
    header = _header(path, roles.separator, roles.encoding)
    if header.duplicated().any():
        raise DataError(f"{path} has columns of the same name: {listed(header[header.duplicated()])}")
    verbatim = {name for name in (roles.id, roles.target) if name in set(header)}
    missing = [*MISSING, *roles.missing]
    with warnings.catch_warnings():
        # pandas only warns of rows with more values than the header, and drops what is over
        warnings.simplefilter("error", pd.errors.ParserWarning)
        frame = pd.read_csv(
            path,
            dtype=dict.fromkeys(texts | verbatim, "str"),
            # "NA" may be an id, "None" a class
            na_values={name: missing for name in header if name not in verbatim},
            keep_default_na=False,
            low_memory=False,
            **options,
        )
    flags = {name for name in frame if frame[name].dtype in (bool, object)} - verbatim - texts
    # True and TRUE are read as the same flag in one file and as two texts in another
    return _read_csv(path, roles, texts | flags) if flags else frame


def _read_parquet(path: Path, roles: Roles) -> pd.DataFrame:
    if path.suffix == ".gz":
        with gzip.open(path) as file:
            frame = pd.read_parquet(io.BytesIO(file.read()))
    else:
        frame = pd.read_parquet(path)
    for name in (roles.id, roles.target):
        if name in frame:
            frame[name] = as_text(frame[name]).fillna("")
    return frame.replace(list(roles.missing), None) if roles.missing else frame


def read_sample(path: Path, roles: Roles) -> pd.DataFrame:
    """Read a sample submission, every value as text."""
    if path.name.endswith(PARQUET):
        frame = read_table(path, roles, ())
        return frame.apply(lambda column: as_text(column).fillna(""))
    with _reading(path, roles.encoding):
        encoding = _codec(roles.encoding)
        return pd.read_csv(path, sep=roles.separator, dtype=str, keep_default_na=False, encoding=encoding)


def join_truth(frame: pd.DataFrame, truth: pd.DataFrame, roles: Roles, paths: Mapping[str, Path]) -> pd.DataFrame:
    """Give validation rows their labels from a separate file, by id and never by position.

    Raises
    ------
    DataError
        If ids are missing, doubled, or not those of the validation rows.
    """
    rows, labels = paths["validation"].name, paths["validation_truth"].name
    if not roles.id:
        raise ConfigError("data: validation_truth is joined by id; name the id column with id = 'NAME'")
    for column in (roles.id, roles.target):
        if column not in truth:
            raise DataError(f"{labels} has no column {column!r}{nearest(column, map(str, truth.columns))}")
    if roles.id not in frame:
        raise DataError(f"{rows} has no column {roles.id!r}{nearest(roles.id, map(str, frame.columns))}")
    check_unique(truth[roles.id].to_numpy(dtype=object), labels)
    by_id = truth.set_index(roles.id)[roles.target]
    without, unknown = set(frame[roles.id]) - set(by_id.index), set(by_id.index) - set(frame[roles.id])
    if without or unknown:
        raise DataError(
            f"{labels} does not fit {rows}: {len(without)} ids without a label ({listed(sorted(without)) or 'none'}),"
            f" {len(unknown)} labels without a row ({listed(sorted(unknown)) or 'none'})"
        )
    return frame.assign(**{roles.target: frame[roles.id].map(by_id)})
