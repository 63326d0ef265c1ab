"""Is a submission valid? Everything that can be told without answers, one line per problem."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from harness.competition import SubmissionSchema
from harness.data import DatasetInfo, Submission
from harness.errors import listed, nearest
from harness.spreadsheets import STARTS, is_formula

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Ids = NDArray[np.object_] | Sequence[str]

SUM_TOLERANCE = 1e-3
"""How far the probabilities of a row may be from 1: files with 6 digits and hundreds of classes stay within it."""


def check(schema: SubmissionSchema, submission: Submission, expected: Ids, info: DatasetInfo) -> list[str]:
    """Check a submission without answers.

    Parameters
    ----------
    submission : Submission
        As `fill` makes it or as `read_submission` reads it: numbers may be strings.
    expected : (n,) ids
        See `expected_ids`; their order does not matter.

    Returns
    -------
    list of str
        One line per problem, naming rows by id, or columns; empty if the file is valid.
    """
    frame = submission.frame
    problems = list(_column_problems(schema, list(frame.columns)))
    if schema.id in frame.columns:
        problems += _id_problems(frame[schema.id], expected)
    present = [column for column in schema.columns if column in frame.columns]
    # cells are named by id, or by row number where there is no id column
    names = frame[schema.id] if schema.id in frame.columns else frame.index.to_series()
    if schema.values == "labels":
        return problems + [problem for c in present for problem in _label_problems(schema, c, frame[c], names, info)]
    values = {}
    for column in present:
        cells = _truths(frame[column]) if schema.values == "decisions" else frame[column]
        values[column], bad = numbers(cells)
        problems += _number_problems(schema, column, frame[column], values[column], bad, names)
    if len(present) == len(schema.columns):
        problems += _sum_problems(schema, values, names, info)
    return problems


def warnings_of(schema: SubmissionSchema, submission: Submission) -> list[str]:
    """Tell what is allowed but dangerous: ids that a spreadsheet program would run as formulas."""
    ids = submission.frame[schema.id].astype("str")
    formulas = ids[ids.str.startswith(STARTS)]
    formulas = formulas[formulas.map(is_formula)]
    if formulas.empty:
        return []
    count = "1 id" if len(formulas) == 1 else f"{len(formulas)} ids"
    return [f"a spreadsheet would run {count}, do not open the file in one: {listed(formulas)}"]


def numbers(column: pd.Series[Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Read a column as numbers, whether it holds numbers or text.

    Returns
    -------
    values : (n,) float64
        NaN where a cell is empty or no number.
    bad : (n,) bool
        Cells with a text that is no number.
    """
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    none = np.zeros(len(column), dtype=bool)
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan), none
    try:  # eight times faster than the careful way below
        return np.asarray(
            pc.cast(pa.array(column, from_pandas=True), pa.float64()).to_numpy(zero_copy_only=False)
        ), none
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError, AttributeError):
        values = pd.to_numeric(column.astype(object), errors="coerce").to_numpy(dtype=np.float64)
        text = column.astype("str").str.strip().str.lower()
        missing = column.isna() | text.isin(["", "nan", "na", "null", "none"])
        return values, np.isnan(values) & ~missing.to_numpy(dtype=bool)


def _truths(column: pd.Series[Any]) -> pd.Series[Any]:
    """Take True and False for 1 and 0, as some competitions write decisions."""
    if str(column.dtype) == "bool":
        return column.astype("int64")
    return column.replace({"True": "1", "False": "0", "true": "1", "false": "0"})


def _column_problems(schema: SubmissionSchema, found: Sequence[str]) -> Iterator[str]:
    wanted = [schema.id, *schema.columns]
    missing = [name for name in wanted if name not in found]
    extra = [name for name in found if name not in wanted]
    if missing:
        hint = nearest(missing[0], extra) if extra else ""
        yield f"missing {_count(missing, 'column')}: {listed(missing)}{hint if 'mean' in hint else ''}"
    if extra:
        yield f"unexpected {_count(extra, 'column')}: {listed(extra)}; expected {listed(wanted, 12)}"
    if not missing and not extra and list(found) != wanted:
        yield f"columns in another order: found {listed(found, 12)}; expected {listed(wanted, 12)}"


def _id_problems(ids: pd.Series[Any], expected: Ids) -> Iterator[str]:
    import numpy as np
    import pandas as pd

    found, wanted = ids.to_numpy(dtype=object), np.asarray(expected, dtype=object)
    if len(found) == len(wanted) and bool(np.all(found == wanted)) and ids.is_unique:
        return
    index, asked = pd.Index(found, dtype=object), pd.Index(wanted, dtype=object)
    if not index.is_unique:
        doubled = index[index.duplicated()].unique()
        yield f"{_count(doubled, 'duplicate id')}: {listed(map(repr, doubled))}"
    missing = wanted[~asked.isin(index)]
    if len(missing):
        yield f"{_count(missing, 'id')} missing: {listed(map(repr, missing))}"
    extra = index[~index.isin(asked)].unique()
    if len(extra):
        yield f"{_count(extra, 'unexpected id')}: {listed(map(repr, extra))}"


def _number_problems(
    schema: SubmissionSchema,
    column: str,
    cells: pd.Series[Any],
    values: NDArray[np.float64],
    bad: NDArray[np.bool_],
    names: pd.Series[Any],
) -> Iterator[str]:
    import numpy as np

    if bad.any():
        yield f"column {column!r}: {_count(cells[bad], 'cell')} no number: {_cells(cells, names, bad)}"
    empty = np.isnan(values) & ~bad
    if empty.any():
        yield f"column {column!r}: {_count(cells[empty], 'cell')} empty or NaN: {_cells(cells, names, empty)}"
    if np.isinf(values).any():
        infinite = np.isinf(values)
        yield f"column {column!r}: {_count(cells[infinite], 'cell')} infinite: {_cells(cells, names, infinite)}"
    low, high = (0.0, 1.0) if schema.values in ("probabilities", "decisions") else (schema.low, schema.high)
    outside = np.isfinite(values) & ((values < _or(low, -np.inf)) | (values > _or(high, np.inf)))
    if outside.any():
        bounds = f"[{'-inf' if low is None else f'{low:g}'}, {'inf' if high is None else f'{high:g}'}]"
        yield f"column {column!r}: {_count(cells[outside], 'cell')} outside {bounds}: {_cells(cells, names, outside)}"
    elif schema.values == "decisions" and (between := np.isfinite(values) & (values != np.round(values))).any():
        yield f"column {column!r}: {_count(cells[between], 'cell')} neither 0 nor 1: {_cells(cells, names, between)}"


def _sum_problems(
    schema: SubmissionSchema, values: dict[str, NDArray[np.float64]], names: pd.Series[Any], info: DatasetInfo
) -> Iterator[str]:
    import numpy as np

    if not info.task_type.single_label or set(schema.columns.values()) != set(info.classes):
        return
    sums = np.sum(list(values.values()), axis=0)
    off = np.isfinite(sums) & (np.abs(sums - 1) > SUM_TOLERANCE)
    if off.any():
        shown = [f"{name}={total:.6g}" for name, total in zip(names[off][:3], sums[off][:3], strict=True)]
        rows = f"{_count(sums[off], 'row')} whose {schema.values} do not sum to 1 (within {SUM_TOLERANCE:g})"
        yield f"{rows}: {', '.join(shown)}{' ...' if off.sum() > 3 else ''}"


def _label_problems(
    schema: SubmissionSchema, column: str, cells: pd.Series[Any], names: pd.Series[Any], info: DatasetInfo
) -> Iterator[str]:
    text = cells.astype("str").where(cells.notna(), "")
    known = {*info.classes, schema.nothing} if schema.nothing else set(info.classes)
    found = [value for value in text.unique() if value not in known]
    if not info.task_type.single_label:
        # several labels share a cell; an empty cell says "nothing" unless there is a word for it
        found = [v for v in found if not set(v.split()) <= set(info.classes) or (not v.split() and schema.nothing)]
    if found:
        rows = text.isin(found).to_numpy(dtype=bool)
        unknown = f"{_count(text[rows], 'cell')} not in the classes: {_cells(text, names, rows)}"
        yield f"column {column!r}: {unknown}{nearest(str(found[0]), known)}"


def _cells(cells: pd.Series[Any], names: pd.Series[Any], rows: NDArray[np.bool_]) -> str:
    pairs = zip(names[rows][:3], cells[rows][:3], strict=True)
    shown = ", ".join(f"{name}={str(cell)[:40]!r}" for name, cell in pairs)
    return shown + (" ..." if rows.sum() > 3 else "")


def _count(values: Any, noun: str) -> str:
    return f"{len(values):,} {noun}{'' if len(values) == 1 else 's'}"


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
