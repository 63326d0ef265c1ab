"""Which column of a table is which: from names, values, and how training and test rows differ in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from harness.errors import ConfigError, DataError, listed, nearest
from harness.proposal import Chosen, Given
from harness.tabular.dates import date_forms, read_dates

if TYPE_CHECKING:
    from harness_imbalance.proposing.look import Tables

WORDS = 6
"""Words that a text has on average, at least; a category or a name has fewer."""
ID_WORDS = 4
"""Words below which something that differs in every row may be its id."""
DIFFERENT = 0.5
"""Share of different values among those of a text, at least."""
ROWS_PER_GROUP = 2
"""Rows of a group on average, at least."""
GROUPS = 5
"""Groups, at least: fewer do not make folds."""
SHARED = 0.1
"""Share of the test rows whose group is in training, at most: more, and folds need not keep groups apart."""
OWN = 0.9
"""Share of different values from which a column of short texts names its rows rather than kinds of rows."""
FEWEST = 20
"""Values from which that can be told."""
CODES = (3, 12)
"""Different whole numbers of a column that may be codes."""
DATE = re.compile(r"\d{4}-\d{2}-\d{2}([ T].*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}( .*)?")
TIMES = ("time", "timestamp", "date", "datetime", "day", "week", "month", "year")
LOOKED_AT = 1000
"""Values of a column that are looked at for their form."""


@dataclass(frozen=True)
class Found:
    """What each column is for; None where there is no such column."""

    target: Chosen
    id: Chosen
    text: Chosen | None
    group: Chosen | None
    time: Chosen | None
    time_format: Chosen | None
    drop: Chosen | None
    inputs: tuple[str, ...]
    codes: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """Columns of free text."""
        return () if self.text is None else tuple(self.text.value)


def find_columns(tables: Tables, given: Given) -> Found:
    """Tell what each column is for.

    Raises
    ------
    HarnessError
        If ids repeat or do not fit the sample file, or columns of the two files do not fit.
    """
    key = _id(tables)
    _check_sample(tables, key.value)
    rest = [str(name) for name in tables.train if name not in (tables.target, key.value)]
    dropped = _dropped(tables, rest)
    rest = [name for name in rest if name not in dropped]
    _check_decimals(tables, rest)
    forms = _forms(tables, [*rest, *([key.value] if key.value else [])])
    time = _time(tables, [*rest, *([key.value] if key.value else [])], forms, given)
    apart = {key.value, "" if time is None else str(time.value)}
    dates = [name for name in rest if name not in apart and (name in forms or _is_date(tables.train[name]))]
    dropped |= dict.fromkeys(dates, "dates, which no model here reads; make numbers of them")
    rest = [name for name in rest if name not in dates and name not in apart]
    group = _group(tables, rest, given)
    inputs = tuple(name for name in rest if group is None or name != group.value)
    own = [name for name in inputs if _is_own(tables.train[name])]
    if len(own) < len(inputs):
        why = "nearly every row has its own, so that it is no category; list it under text where its words matter"
        dropped |= dict.fromkeys(own, why)
        inputs = tuple(name for name in inputs if name not in own)
    if not inputs:
        raise DataError(f"no input column is left besides target and id: {listed(map(str, tables.train.columns))}")
    why = "; ".join(f"{name}: {reason}" for name, reason in dropped.items())
    return Found(
        target=Chosen(tables.target, tables.target_why),
        id=key,
        text=_texts(tables.train, inputs),
        group=group,
        time=time,
        time_format=None if time is None else _time_format(tables, str(time.value), forms),
        drop=Chosen(list(dropped), why) if dropped else None,
        inputs=inputs,
        codes=_codes(tables.train, inputs),
        notes=tuple(_notes(dates)),
    )


def _parts(tables: Tables) -> dict[str, pd.DataFrame]:
    parts = {tables.named_paths["train"].name: tables.train}
    return parts if tables.test is None else {**parts, tables.named_paths["test"].name: tables.test}


def _id(tables: Tables) -> Chosen:
    parts = _parts(tables)
    if not tables.id:
        found = [] if tables.id_why else _unique_columns(tables)
        if len(found) == 1:
            return Chosen(found[0], f"the only column whose values never repeat, in {' or '.join(parts)}")
        if len(found) > 1:
            raise ConfigError(f"any of {listed(found)} could name the rows; say which: --id NAME, or --id none")
        return Chosen("", tables.id_why or "no column names the rows, so their numbers do, from 0")
    for where, frame in parts.items():
        doubled = frame[tables.id][frame[tables.id].duplicated()].unique()
        if len(doubled):
            told = f"{where}: {len(doubled)} ids of column {tables.id!r} repeat: {listed(doubled, 3)}"
            raise DataError(f"{told}; {_instead(tables)}")
    return Chosen(tables.id, f"{tables.id_why}; no value repeats")


def _instead(tables: Tables) -> str:
    """Say what to do where ids repeat: rows can be numbered only if the sample file numbers them so, too."""
    if tables.sample is None or tables.test is None or _numbered(tables):
        group = f", and what repeats is perhaps --group {tables.id}"
        return f"name another column with --id NAME (--id none: rows are numbered){group}"
    first = tables.sample_columns[0]
    told = f"the sample file asks for what is in its {first!r}, so that each row needs an id of its own there"
    return f"{told}: write one into all files, and keep what repeats as another column, which is perhaps --group"


def _numbered(tables: Tables) -> bool:
    """Whether the sample file's ids are the row numbers of the test file."""
    assert tables.sample is not None
    assert tables.test is not None
    return list(tables.sample.iloc[:, 0]) == [str(row) for row in range(len(tables.test))]


def _unique_columns(tables: Tables) -> list[str]:
    """Return columns of texts that differ in every row, none of them in both files."""
    if tables.test is None:
        return []
    train, test = tables.train, tables.test
    found = []
    for name in map(str, train.columns):
        if name == tables.target or name not in test or pd.api.types.is_numeric_dtype(train[name].dtype):
            continue
        both = pd.concat([train[name], test[name]])
        if both.notna().all() and both.is_unique and _words(both) < ID_WORDS:
            found.append(name)
    return found


def _check_sample(tables: Tables, id: str) -> None:
    """Refuse a sample file whose ids are not those of the test rows."""
    if tables.sample is None or tables.test is None:
        return
    first, where = tables.sample_columns[0], tables.named_paths["sample_submission"].name
    test = tables.named_paths["test"].name
    asked = set(tables.sample[first])
    there = set(tables.test[id].astype(str)) if id else {str(row) for row in range(len(tables.test))}
    if asked == there and len(asked) == len(tables.sample):
        return
    if len(asked) < len(tables.sample):
        told = f"{where}: {len(tables.sample) - len(asked)} ids of column {first!r} repeat"
        raise DataError(f"{told}; each row to predict needs an id of its own, in {test} as well")
    told = f"column {id!r} of {test}" if id else f"the row numbers of {test} from 0, as no column names its rows"
    if not id and tables.id_why and first in tables.test and asked == set(tables.test[first].astype(str)):
        raise DataError(
            f"{where}: its ids are column {first!r} of {test}, so that --id none does not fit; leave it out"
        )
    lacking, extra = sorted(asked - there), sorted(there - asked)
    raise DataError(
        f"{where}: the ids in {first!r} are not {told}: {len(lacking)} only in {where} ({listed(lacking, 3) or '-'}),"
        f" {len(extra)} only in {test} ({listed(extra, 3) or '-'}); give the files that belong together, or --id NAME"
    )


def _dropped(tables: Tables, names: list[str]) -> dict[str, str]:
    """Return columns that cannot be inputs, with the reason."""
    found = {}
    if tables.test is not None:
        extra = [str(name) for name in tables.test if name not in tables.train]
        if extra:
            test, train = (tables.named_paths[name].name for name in ("test", "train"))
            raise DataError(f"{test} has columns that {train} lacks: {listed(extra)}; remove or rename them")
        absent = [name for name in names if name not in tables.test]
        found = dict.fromkeys(absent, f"not in {tables.named_paths['test'].name}")
    numbers = np.arange(len(tables.train))
    for name in names:
        values = tables.train[name]
        if name in found or not pd.api.types.is_integer_dtype(values.dtype) or len(values) < 2:
            continue
        if (values.to_numpy() - values.iloc[0] == numbers).all():
            found[name] = "it only numbers the rows"
    return found


def _check_decimals(tables: Tables, names: list[str]) -> None:
    for name in names:
        values = tables.train[name].dropna().astype(str)
        if not pd.api.types.is_numeric_dtype(tables.train[name].dtype) and len(values):
            fits = values.head(LOOKED_AT).str.fullmatch(r"-?\d*,\d+")
            if fits.all():
                raise DataError(
                    f"{tables.named_paths['train'].name}: column {name!r} has numbers with a decimal comma"
                    f" ({values.iloc[0]!r}); write them with a point"
                )


def _forms(tables: Tables, names: list[str]) -> dict[str, list[str]]:
    """Return the columns of dates, each with the forms in which all its values can be read; the likeliest first."""
    found = {name: date_forms(_both(tables, name)) for name in names}
    return {
        name: sorted(forms, key=lambda form: not _in_order(tables, name, form))
        for name, forms in found.items()
        if forms
    }


def _both(tables: Tables, name: str) -> pd.Series:
    parts = [part[name] for part in (tables.train, tables.test) if part is not None and name in part]
    return pd.concat(parts, ignore_index=True)


def _in_order(tables: Tables, name: str, form: str) -> bool:
    """Whether the training rows are sorted by a column of dates, if they are read in this form."""
    return bool(read_dates(tables.train[name].dropna(), form).is_monotonic_increasing)


def _time(tables: Tables, names: list[str], forms: dict[str, list[str]], given: Given) -> Chosen | None:
    """Return the column of times, if test rows are later or a person says so; the id may be it."""
    if given.time:
        _check_named(given.time, names, "--time")
        if given.time not in forms and pd.to_numeric(tables.train[given.time], errors="coerce").isna().all():
            raise ConfigError(
                f"--time {given.time!r}: {tables.train[given.time].iloc[0]!r} and others are neither numbers nor dates"
                " of one form; write them as ISO 8601, such as 2024-12-31"
            )
        return Chosen(given.time, "as --time says")
    for name in [*forms, *(name for name in names if name not in forms and name.lower() in TIMES)]:
        later = _later(tables, name, forms.get(name))
        if later > DIFFERENT:
            return Chosen(name, f"{later:.0%} of the test rows are later than all training rows")
    return None


def _later(tables: Tables, name: str, forms: list[str] | None) -> float:
    """Return the share of test rows that are later than all training rows; 0 where nothing tells."""
    if tables.test is None or name not in tables.test or pd.api.types.is_bool_dtype(tables.train[name].dtype):
        return 0.0
    sides = (tables.train[name].dropna(), tables.test[name].dropna())
    if forms is None:  # an id is text; numbers it must be all the same
        train, test = (pd.to_numeric(side, errors="coerce") for side in sides)
    else:
        train, test = (read_dates(side, forms[0]) for side in sides)
    if not len(train) or not len(test) or train.isna().any() or test.isna().any():
        return 0.0
    return float((test > train.max()).mean())


def _time_format(tables: Tables, name: str, forms: dict[str, list[str]]) -> Chosen | None:
    """Return how the dates of the time column are written, unless they are ISO 8601 or numbers."""
    form, *others = forms.get(name, [""])
    if not form:
        return None
    shown = repr(str(tables.train[name].dropna().iloc[0]))
    if not others:
        return Chosen(form, f"how dates are written ({shown}): no other common form reads all of them")
    told = "by it the training rows are in order" if _in_order(tables, name, form) else "nothing tells which is right"
    return Chosen(form, f"how dates are written ({shown}): {told}; if it is wrong: {' or '.join(others)}")


def _notes(dates: list[str]) -> Iterator[str]:
    if dates:
        yield (
            f"{listed(dates)}: dates, left out; where rows to predict are later than those trained on, name the column"
            " with --time"
        )


def _group(tables: Tables, names: list[str], given: Given) -> Chosen | None:
    """Return a column whose values train and test do not share, though each has several rows of one."""
    if given.group:
        _check_named(given.group, names, "--group")
        return Chosen(given.group, "as --group says")
    if tables.test is None:
        return None
    for name in names:
        train, test = tables.train[name], tables.test[name].dropna()
        if pd.api.types.is_float_dtype(train.dtype) or not len(test):
            continue
        count = train.nunique()
        shared = test.isin(train.unique()).mean()
        if count >= GROUPS and len(train) / count >= ROWS_PER_GROUP and shared <= SHARED:
            why = (
                f"{1 - shared:.0%} of the test rows have a value that no training row has, and a value has several rows"
            )
            return Chosen(name, why)
    return None


def _check_named(name: str, names: list[str], option: str) -> None:
    if name not in names:
        raise ConfigError(f"{option} {name!r} is no column that could be one{nearest(name, names)}")


def _texts(train: pd.DataFrame, names: tuple[str, ...]) -> Chosen | None:
    found = [name for name in names if _is_text(train[name])]
    if not found:
        return None
    words = {name: _words(train[name]) for name in found}
    why = "; ".join(f"{name}: texts of {count:.0f} words on average" for name, count in words.items())
    return Chosen(found, why)


def _words(values: pd.Series) -> float:
    return float(np.mean([len(str(text).split()) for text in values.dropna().head(LOOKED_AT)]))


def _is_text(values: pd.Series) -> bool:
    known = values.dropna()
    if pd.api.types.is_numeric_dtype(values.dtype) or not len(known):
        return False
    return bool(known.nunique() / len(known) >= DIFFERENT and _words(known) >= WORDS)


def _is_own(values: pd.Series) -> bool:
    """Whether nearly every row has its own short text, such as a person's name."""
    known = values.dropna()
    if pd.api.types.is_numeric_dtype(values.dtype) or len(known) < FEWEST or _is_text(values):
        return False
    return bool(known.nunique() / len(known) >= OWN)


def _is_date(values: pd.Series) -> bool:
    """Whether values look like dates, of several forms perhaps."""
    if pd.api.types.is_numeric_dtype(values.dtype):
        return False
    known = values.dropna().head(LOOKED_AT).astype(str)
    return bool(len(known) and known.str.fullmatch(DATE).all())


def _codes(train: pd.DataFrame, names: tuple[str, ...]) -> tuple[str, ...]:
    low, high = CODES
    return tuple(
        name
        for name in names
        if pd.api.types.is_integer_dtype(train[name].dtype) and low <= train[name].nunique() <= high
    )
