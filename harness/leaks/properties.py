"""What a row's id, name, place in its file, or own file would tell without a look inside: numbers and words."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.tabular.dates import date_forms, read_dates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DIGITS = 15
"""Of a number in an id; further ones in front are cut off."""
MOST_NUMBERS = 3
"""Runs of digits in ids that are looked at."""
FEW_WORDS = 5
"""Rows that one word must have on average to be worth a look."""
REPEATED = 0.2
"""Share of a test set's numbers that training has too, from which both were counted separately."""
DATE = "the date in the id"
"""Name of the property of ids that are dates."""
COMPACT = "%Y%m%d"
HEX = re.compile(r"[0-9a-fA-F]{6,}(?:-[0-9a-fA-F]+)*")


@dataclass(frozen=True, eq=False)
class Property:
    """One fact of each row of several parts.

    Attributes
    ----------
    name : str
        As a reader would say it: ``the number in the id``.
    parts : mapping of str to array
        By part: (n,) float64 where `is_number`, else texts.
    forms : mapping of str to (n,) array of str, or None
        What stands around a number; numbers in other surroundings are counted apart.
    """

    name: str
    parts: dict[str, Any]
    is_number: bool
    forms: dict[str, NDArray[Any]] | None = None

    def reach(self, part: str) -> float:
        """Share of a part's rows whose value lies among those of training, so that these could tell of it.

        None do where all of the part's are the same.
        """
        train, other = self.parts["train"], self.parts[part]
        if len(other) > 1 and len(np.unique(other)) == 1:
            return 0.0
        if not self.is_number:
            return float(np.isin(other, np.unique(train)).mean())
        found = _reach(train[~np.isnan(train)], other[~np.isnan(other)])
        if self.forms is None or not found:
            return found
        return found * float(np.isin(self.forms[part], np.unique(self.forms["train"])).mean())


def _reach(train: Floats, other: Floats) -> float:
    known, counts = np.unique(train, return_counts=True)
    if len(known) < 2 or not len(other):
        return 0.0
    once = counts.max() == 1 and len(np.unique(other)) == len(other)
    if once and np.isin(other, known).mean() > REPEATED:
        return 0.0  # one count never gives a number twice
    at = np.clip(np.searchsorted(known, other), 1, len(known) - 1)
    near = np.minimum(np.abs(other - known[at - 1]), np.abs(other - known[at]))
    inside = (other >= known[0]) & (other <= known[-1])
    return float((inside & (near <= 2 * np.quantile(np.diff(known), 0.95))).mean())


def of_ids(ids: Mapping[str, Sequence[Any]], are_times: bool = False) -> list[Property]:
    """Read what ids of several parts tell; of dates, and of what is the rows' own time, only when they are.

    Examples
    --------
    >>> [one.name for one in of_ids({"train": ["2024-01-31", "2024-02-01"], "test": ["2024-03-01"]})]
    ['the date in the id']
    """
    texts = pd.Series([str(one) for found in ids.values() for one in found], dtype=object)
    read = _dates(texts, are_times)
    if read is None:
        return of_names(ids, "the id")
    ends = np.cumsum([len(found) for found in ids.values()])[:-1]
    one = Property(DATE, dict(zip(ids, np.split(read, ends), strict=True)), True)
    return [one] if _varies(one.parts["train"], True) else []


def _dates(texts: pd.Series, are_times: bool) -> Floats | None:
    """Return ids as seconds, or as the numbers that times are; None if they are no times."""
    forms = date_forms(texts)
    if not forms and texts.str.fullmatch(r"(19|20)\d{6}").all() and read_dates(texts, COMPACT).notna().all():
        forms = [COMPACT] if len(texts) else []
    if forms:
        return read_dates(texts, forms[0]).to_numpy().astype("datetime64[s]").astype(np.float64)
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64) if are_times else np.array([np.nan])
    return None if np.isnan(numbers).any() else numbers


def of_names(names: Mapping[str, Sequence[Any]], what: str) -> list[Property]:
    """Read numbers and words out of the ids or names of several parts; of a path its last part: folders are classes."""
    texts = {
        part: pd.Series([str(name).rpartition("/")[2] for name in found], dtype=object) for part, found in names.items()
    }
    every = pd.concat(texts.values(), ignore_index=True)
    found = []
    if (
        len(every)
        and bool(every.map(HEX.fullmatch).notna().all())
        and bool(every.str.contains("[a-fA-F]").mean() > 0.5)
    ):
        found.append(Property(f"{what} as a hexadecimal number", _each(texts, _hexadecimal), True))
    else:
        found += _numbers(texts, every, what)
    if not found and every.is_unique:
        order = pd.Series(np.arange(len(every), dtype=np.float64), index=every.sort_values())
        ranks = {part: order.loc[list(one)].to_numpy() for part, one in texts.items()}
        found.append(Property(f"the alphabetical order of {what}", ranks, True))
    found.append(Property(f"the first word of {what}", _each(texts, _first_word), False))
    found.append(Property(f"the text beside the digits of {what}", _each(texts, _letters), False))
    return [one for one in found if _varies(one.parts["train"], one.is_number)]


def _each(texts: dict[str, pd.Series], read: Any) -> dict[str, Any]:
    return {part: read(one) for part, one in texts.items()}


def _varies(values: Any, is_number: bool) -> bool:
    if is_number:
        known = values[~np.isnan(values)]
        return len(known) > 1 and bool(known.min() < known.max())
    distinct = len(np.unique(values))
    return 1 < distinct <= len(values) / FEW_WORDS


def _hexadecimal(texts: pd.Series) -> Floats:
    return np.array([int(text.replace("-", "")[:13], 16) for text in texts], dtype=np.float64)


def _numbers(texts: dict[str, pd.Series], every: pd.Series, what: str) -> list[Property]:
    runs = {part: one.str.findall(r"\d+") for part, one in texts.items()}
    least, most = every.str.count(r"\d+").agg(["min", "max"]) if len(every) else (0, 0)
    if not most:
        return []
    places = range(int(most)) if least == most <= MOST_NUMBERS else (0, -1)
    words = {0: "first ", -1: "last "} if most > 1 else {0: ""}

    def read(place: int) -> Any:
        def of(one: pd.Series) -> Floats:
            return np.array([float(run[place][-DIGITS:]) if run else np.nan for run in one], dtype=np.float64)

        return of

    forms = _each(texts, _letters)
    return [
        Property(f"the {words.get(place, f'{place + 1}. ')}number in {what}", _each(runs, read(place)), True, forms)
        for place in places
    ]


def _first_word(texts: pd.Series) -> NDArray[Any]:
    return np.array([re.split(r"[\W_]", text, maxsplit=1)[0] for text in texts], dtype=str)


def _letters(texts: pd.Series) -> NDArray[Any]:
    return np.array([re.sub(r"\d+", "#", text) for text in texts], dtype=str)


def files_in(inputs: Any) -> list[Path] | None:
    """Return the file of each row, where inputs say so (``file_paths()``) or are paths of files; else None."""
    if hasattr(inputs, "file_paths"):
        return [Path(path) for path in inputs.file_paths()]
    if isinstance(inputs, pd.DataFrame) or getattr(inputs, "ndim", 1) != 1 or not hasattr(inputs, "__getitem__"):
        return None
    first = [inputs[row] for row in range(min(len(inputs), 20))]
    if not first or not all(isinstance(one, str | Path) and _is_file(one) for one in first):
        return None
    return [Path(one) for one in inputs]


def _is_file(path: str | Path) -> bool:
    return bool(str(path)) and "\0" not in str(path) and os.path.isfile(path)  # noqa: PTH113 - a Path costs more


def of_files(files: Mapping[str, Sequence[Path]]) -> dict[str, Property]:
    """Return size and time of the files of several parts, by kind of finding; a file that is gone is missing."""
    facts = {part: np.array([_facts(path) for path in paths]).reshape(-1, 2) for part, paths in files.items()}
    found = {
        "file-size": Property("the size of a row's file", {part: one[:, 0] for part, one in facts.items()}, True),
        "file-time": Property("the time of a row's file", {part: one[:, 1] for part, one in facts.items()}, True),
    }
    return {kind: one for kind, one in found.items() if _varies(one.parts["train"], True)}


def _facts(path: Path) -> tuple[float, float]:
    try:
        found = path.stat()
    except OSError:
        return np.nan, np.nan
    return float(found.st_size), found.st_mtime
