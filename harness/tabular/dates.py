"""Dates as text: in which form they are written, told from all of them, and reading them."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

DAYS = (
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%b %d %Y",
    "%d %b %Y",
    "%d %B %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
)
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
FORMS = tuple(day + clock for clock in CLOCKS for day in DAYS)
"""Forms that are tried beside ISO 8601, as strptime has them."""
ISO = re.compile(r"\d{4}-\d{2}-\d{2}([ T].*)?")
LOOKED_AT = 1000
"""Values that are tried before all are."""


def date_forms(values: pd.Series[Any]) -> list[str]:
    """Return the forms in which all values of a column are dates; forms that read the same dates count once.

    Returns
    -------
    list of str
        Of `FORMS`; ``[""]`` for ISO 8601; empty where they are no dates, or not text.

    Examples
    --------
    >>> date_forms(pd.Series(["01/02/2024", "31/12/2024"])), date_forms(pd.Series(["2024-01-31"]))
    (['%d/%m/%Y'], [''])
    >>> date_forms(pd.Series(["01/02/2024", "03/04/2024"]))
    ['%d/%m/%Y', '%m/%d/%Y']
    """
    if pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_datetime64_any_dtype(values.dtype):
        return []
    texts = pd.Series(values.dropna().astype(str).unique(), dtype=object)
    if texts.empty:
        return []
    if texts.str.fullmatch(ISO).all():
        return [""] if read_dates(texts).notna().all() else []
    found = list(FORMS)
    for some in (texts.head(1), texts.head(LOOKED_AT), texts):
        found = [form for form in found if read_dates(some, form).notna().all()]
    read = {form: read_dates(texts, form) for form in found}
    return [form for at, form in enumerate(found) if not any(read[form].equals(read[one]) for one in found[:at])]


def read_dates(values: pd.Series[Any], form: str = "") -> pd.Series[Any]:
    """Read dates of a form, ISO 8601 by default; NaT where one is none. Time zones become UTC.

    Examples
    --------
    >>> read_dates(pd.Series(["31/12/2024", "2024"]), "%d/%m/%Y").tolist()
    [Timestamp('2024-12-31 00:00:00'), NaT]
    """
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        read = pd.to_datetime(values, utc=True)
    else:
        read = pd.to_datetime(values.astype(object), format=form or "ISO8601", errors="coerce", utc=True)
    return read.dt.tz_localize(None)
