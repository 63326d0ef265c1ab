"""Submission files: CSV in and out, ids as the characters they are.

Reading keeps every cell a string (``007`` and ``1e5`` are ids, not numbers); pyarrow does the work, so that a million
rows take well under a second each way.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.data import Submission
from harness.errors import InvalidFileError, listed
from harness.files import atomic_write

if TYPE_CHECKING:
    import pandas as pd

_CHUNK = 200_000  # rows joined to text at once: bounds memory, and stays far below pyarrow's 2 GiB per string array
_NEEDS_QUOTES = r'[",\r\n]'


def read_submission(path: Path) -> Submission:
    """Read a submission or sample file; every value stays the string that it is in the file.

    UTF-8 with or without BOM, any line ends, also ``.gz``. The first column is the id.

    Raises
    ------
    InvalidFileError
        If it cannot be read, is empty, has only a header, names a column twice, or has rows of different lengths.
    """
    import pyarrow as pa

    if not path.is_file():
        raise InvalidFileError(f"cannot read {path}: there is no such file")
    try:
        names = _header(path)
        table = _read_table(path, names)
    except OSError as error:
        raise InvalidFileError(f"cannot read {path}: {error.strerror or error}") from None
    except (pa.ArrowInvalid, UnicodeDecodeError, csv.Error) as error:
        raise InvalidFileError(f"{path} is not a CSV file in UTF-8: {_first_line(error)}") from None
    if table.num_rows == 0:
        raise InvalidFileError(f"{path} has a header but no rows")
    return Submission(table.to_pandas())


def _header(path: Path) -> list[str]:
    import pyarrow as pa

    with pa.input_stream(str(path), compression="detect") as stream:
        head = stream.read(1 << 20)
    if not head.strip():
        raise InvalidFileError(f"{path} is empty; expected a header line and one row per id")
    if not {ord("\n"), ord("\r")} & set(head.rstrip()):
        raise InvalidFileError(f"{path} has a header but no rows")
    # cut at a line end: the first bytes of a long file may end within a character
    text = (head[: head.rfind(b"\n") + 1] or head).decode("utf-8-sig")
    names = next(csv.reader(io.StringIO(text, newline="")))
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise InvalidFileError(f"{path} names columns twice: {listed(doubled)}")
    if len(names) < 2:
        raise InvalidFileError(
            f"{path} has one column, {names[0][:80]!r}; expected an id and values, separated by commas"
        )
    return names


def _read_table(path: Path, names: Sequence[str]) -> Any:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    with pa.input_stream(str(path), compression="detect") as stream:
        return arrow_csv.read_csv(
            stream,
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200]


def write_submission(path: Path, submission: Submission) -> None:
    """Write a submission atomically as CSV: UTF-8, LF line ends, a cell quoted only if it needs it.

    Floats are written with the fewest digits that read back as the same float64.

    Raises
    ------
    StoreError
        If the system refuses; a file that was there stays.
    """
    with atomic_write(path) as file:
        for part in _lines(submission.frame):
            file.write(part)


def _lines(frame: pd.DataFrame) -> Iterator[memoryview]:
    yield memoryview((",".join(_cells(list(frame.columns)).to_pylist()) + "\n").encode())
    for start in range(0, len(frame), _CHUNK):
        part = frame.iloc[start : start + _CHUNK]
        columns = [_cells(part.iloc[:, position]) for position in range(part.shape[1])]
        yield memoryview(_joined(columns))


def _joined(columns: Sequence[Any]) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    comma, end, nothing = (pa.scalar(text, pa.large_string()) for text in (",", "\n", ""))
    rows = pc.binary_join_element_wise(pc.binary_join_element_wise(*columns, comma), nothing, end)
    # the strings of a fresh array without nulls lie end to end: its buffer is the text of the file
    return rows.buffers()[2][: pc.sum(pc.binary_length(rows)).as_py()]


def _cells(values: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    array = pa.array(values, from_pandas=True)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    text = pc.fill_null(pc.cast(array, pa.large_string()), "")
    if not pa.types.is_string(array.type) and not pa.types.is_large_string(array.type):
        return text
    needs = pc.match_substring_regex(text, _NEEDS_QUOTES)
    if not pc.any(needs).as_py():
        return text
    doubled = pc.replace_substring(text, '"', '""')
    quote, nothing = (pa.scalar(mark, pa.large_string()) for mark in ('"', ""))
    return pc.if_else(needs, pc.binary_join_element_wise(quote, doubled, quote, nothing), text)
