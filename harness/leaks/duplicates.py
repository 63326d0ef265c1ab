"""The same rows, files or texts on both sides: of a fold, of train and test, of train and the validation set.

Rows of few coarse columns are alike by chance. Copies are told from these in three ways. By chance there are more rows
that differ in exactly one column than in none (several columns could differ), among copies hardly any. What is alike by
chance has the most frequent values in its columns; copies are rows like any other. And copies within training have one
target. Rows that stand many times in training are common ones, no copies. Contents of files cannot be alike by chance,
nor can long texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.data import Examples
from harness.findings import Finding, Severity
from harness.leaks.material import SEED, Material, table_in
from harness.leaks.properties import files_in

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]
    Codes = NDArray[np.int64]

SHARE = 0.005
"""Share of rows with a copy on the other side from which it is a leak; below, it is told."""
OTHER_TARGET = 0.1
"""Share of the doubles within training that may have another target, if they are copies of rows."""
COMMON = 20
"""Rows that stand so often in training are no copies."""
CHANCE = 0.25
"""Chance that a row alike in all but at most one column is alike in that one too, at most."""
SURE = 0.01
QUERIES = 20_000
"""Rows of the other side that are looked up, at most."""
LONG = 30
"""Letters of the median text from which two that are the same are copies."""
MISSING_BYTES = 0x9E3779B97F4A7C15


@dataclass(frozen=True, eq=False)
class Content:
    """Rows as numbers that are equal where the rows are.

    Attributes
    ----------
    rows : (n,) uint64
    columns : tuple of (n,) uint64
        Of a table, what each column adds to `rows` (modulo 2^64).
    certain : bool
        Whether two equal rows cannot be chance.
    what : str
        A row, for people.
    """

    rows: Hashes
    columns: tuple[Hashes, ...]
    certain: bool
    what: str


def check_duplicates(material: Material) -> Iterator[Finding]:
    """Look for rows of one side on the other."""
    contents = {name: content_of(part) for name, part in {"train": material.train, **material.others}.items()}
    train = contents["train"]
    if train is None:
        return
    every = np.arange(len(material.train), dtype=np.int64)
    for name in material.others:
        other = contents[name]
        if other is not None and len(other.columns) == len(train.columns) and other.what == train.what:
            yield from _found(material, train, (every, np.arange(len(other.rows), dtype=np.int64)), other, name)
    folds = material.whole_folds
    shares = [float(_shared(train.rows[one], train.rows[rest]).mean()) for one, rest in folds]
    if any(shares):
        yield from _found(material, train, folds[int(np.argmax(shares))], train, "")


def content_of(examples: Examples) -> Content | None:
    """Reduce rows to numbers, or None where nothing is known of what they hold."""
    inputs = examples.inputs
    if hasattr(inputs, "digests") and callable(inputs.digests):
        return Content(_hashed(pd.Series(list(inputs.digests()), dtype=object)), (), True, "file")
    table = table_in(inputs)
    if table is not None:
        return _table(table)
    files = files_in(inputs)
    if files is not None:
        return Content(_hashed(pd.Series([_digest(path) for path in files], dtype=object)), (), True, "file")
    if isinstance(inputs, np.ndarray) and inputs.ndim > 1 and inputs.dtype.kind in "biuf":
        digests = pd.Series([row.tobytes() for row in inputs], dtype=object)
        return Content(_hashed(digests), (), True, "array")
    if texts := texts_in(inputs):
        series = pd.Series(texts, dtype=object).str.split().str.join(" ").str.lower()
        certain = bool(series.str.len().median() >= LONG)
        return Content(_hashed(series), (), certain, "text")
    return None


def texts_in(inputs: Any) -> list[str]:
    """Return inputs that are texts and no paths of files, else nothing."""
    if getattr(inputs, "ndim", 1) != 1 or not hasattr(inputs, "__getitem__") or isinstance(inputs, pd.DataFrame):
        return []
    found = [inputs[row] for row in range(len(inputs))] if hasattr(inputs, "__len__") else []
    return found if found and all(isinstance(one, str) for one in found) and files_in(inputs) is None else []


def _digest(path: Any) -> str:
    import hashlib

    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return str(path)


def _hashed(values: pd.Series[Any]) -> Hashes:
    return np.asarray(pd.util.hash_pandas_object(values, index=False), dtype=np.uint64)


def _rounded(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to 12 decimals; what is so large that it has none stays, since rounding would overflow."""
    found = numbers.copy()
    small = np.abs(numbers) < 1e15
    found[small] = numbers[small].round(12)
    return found + 0.0  # so that -0 is 0


def _table(table: pd.DataFrame) -> Content:
    columns: list[Hashes] = []
    rng = np.random.default_rng(SEED)
    for name in table:
        values = table[name]
        if isinstance(values.dtype, pd.CategoricalDtype):
            values = values.astype(object)
        elif values.dtype.kind == "f":
            values = pd.Series(_rounded(values.to_numpy(np.float64, na_value=np.nan)), index=values.index)
        elif values.dtype.kind in "iub":
            values = values.astype(np.float64)
        hashed: NDArray[Any]
        try:
            hashed = pd.util.hash_pandas_object(values, index=False).to_numpy()
        except TypeError:
            hashed = _hashed(values.astype(str).astype(object))
        hashed = np.where(values.isna().to_numpy(), np.uint64(MISSING_BYTES), hashed)
        # numbers that differ by column, so that equal values in two columns cannot change places
        columns.append(hashed * np.uint64(int(rng.integers(1, 2**63)) * 2 + 1))
    rows = np.zeros(len(table), dtype=np.uint64)
    for hashed in columns:
        rows += hashed
    return Content(rows, tuple(columns), False, "row")


def _shared(one: Hashes, other: Hashes) -> NDArray[np.bool_]:
    """Return which rows of the other side stand in this one, though not many times."""
    known, counts = np.unique(one, return_counts=True)
    return _among(known[counts < COMMON], other)


def _among(known: Hashes, wanted: Hashes) -> NDArray[np.bool_]:
    if not len(known):
        return np.zeros(len(wanted), dtype=bool)
    found: NDArray[np.bool_] = known[np.minimum(np.searchsorted(known, wanted), len(known) - 1)] == wanted
    return found


def _found(
    material: Material, train: Content, sides: tuple[Codes, Codes], other: Content, part: str
) -> Iterator[Finding]:
    one, rest = sides
    copies = _shared(train.rows[one], other.rows[rest])
    if not copies.any():
        return
    share, count = float(copies.mean()), int(copies.sum())
    differ = _other_target(material, train)
    sure = train.certain or (
        bool(train.columns)
        and not (differ is not None and differ > OTHER_TARGET)
        and _beyond_chance(train, one, other, rest, copies)
    )
    side = {"": "of the validated rows of a fold", "test": "of test rows", "valid": "of the labelled validation rows"}[
        part
    ]
    noun = {"row": "a copy", "text": "the same text", "file": "the same file", "array": "a copy"}[train.what]
    told = f"{count:,} {side} ({share:.1%}) have {noun} among the {'other ' if not part else ''}training rows"
    if not part and differ is not None:
        told += f"; of all doubles in training {differ:.0%} have another target"
    told += "" if sure else "; so few and coarse values may be alike by chance"
    ids = (material.train if not part else material.others[part]).ids[rest[copies]]
    advice = "drop the doubles, or make them a group and split by it" if not part else "drop them from training"
    severity = Severity.NOTE if not sure else Severity.LEAK if share >= SHARE else Severity.WARNING
    yield Finding("duplicates", severity, told, advice, "share of rows", share, tuple(str(name) for name in ids[:5]))


def _other_target(material: Material, train: Content) -> float | None:
    """Return the share of rows whose first double within training has another target; None without doubles."""
    targets = material.train.targets
    assert targets is not None
    _, first, which, counts = np.unique(train.rows, return_index=True, return_inverse=True, return_counts=True)
    doubles = np.flatnonzero((counts[which] > 1) & (counts[which] < COMMON) & (first[which] != np.arange(len(which))))
    if not len(doubles):
        return None
    differ = targets[first[which[doubles]]] != targets[doubles]
    return float((differ.any(axis=1) if differ.ndim == 2 else differ).mean())


def _beyond_chance(train: Content, one: Codes, other: Content, rest: Codes, copies: NDArray[np.bool_]) -> bool:
    """Compare rows alike in all columns with rows alike in all but one, and how common their values are with others."""
    from scipy.stats import binomtest, mannwhitneyu

    rng = np.random.default_rng(SEED)
    drawn = np.sort(rng.permutation(len(rest))[:QUERIES])
    queries, whole = rest[drawn], copies[drawn]
    if not whole.any():
        return False
    almost = np.zeros(len(queries), dtype=bool)
    common = np.zeros(len(queries))
    for mine, theirs in zip(train.columns, other.columns, strict=True):
        known, counts = np.unique(mine[one], return_counts=True)
        if len(known) == 1:
            continue
        almost |= _shared(train.rows[one] - mine[one], other.rows[queries] - theirs[queries])
        at = np.minimum(np.searchsorted(known, theirs[queries]), len(known) - 1)
        # what a copy is a copy of does not count
        common += np.log(np.maximum(np.where(known[at] == theirs[queries], counts[at], 0) - whole, 0) + 1)
    nearly = int((almost & ~whole).sum())
    if binomtest(int(whole.sum()), int(whole.sum()) + nearly, CHANCE, alternative="greater").pvalue >= SURE:
        return False
    if whole.all():
        return True
    return bool(mannwhitneyu(common[whole], common[~whole], alternative="greater").pvalue > SURE)
