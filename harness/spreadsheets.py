"""Tables that people open in a spreadsheet program, which would run some texts as formulas.

Submissions are no such tables: their ids stay as they are, and a warning tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What makes a formula of a text: https://owasp.org/www-community/attacks/CSV_Injection."""


def defused(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose texts, names of columns too, begin with an apostrophe where they would be run.

    Parameters
    ----------
    frame : (n, m) DataFrame
        Numbers, and texts that are numbers, stay as they are.
    """
    made = frame.rename(columns=defused_cell)
    for position, dtype in enumerate(frame.dtypes):
        if dtype.kind not in "biufcmM":
            made.isetitem(position, frame.iloc[:, position].astype(object).map(defused_cell).to_numpy(object))
    return made


def defused_cell(value: Any) -> Any:
    """Return a cell, with an apostrophe before a text that would be run.

    Examples
    --------
    >>> defused_cell("=1+1"), defused_cell("-0.5"), defused_cell("- none -"), defused_cell(-1)
    ("'=1+1", '-0.5', "'- none -", -1)
    """
    return f"'{value}" if isinstance(value, str) and is_formula(value) else value


def is_formula(text: str) -> bool:
    """Whether a spreadsheet program would run a text; a number is none.

    Examples
    --------
    >>> is_formula("@SUM(A1)"), is_formula("-1e5")
    (True, False)
    """
    if not text.startswith(STARTS):
        return False
    try:
        float(text)
    except ValueError:
        return True
    return False
