"""Small pieces of HTML: everything that comes in is escaped here, and nowhere else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

MISSING = "\u2013"


class Cell(NamedTuple):
    """A cell of a table that is more than text.

    Attributes
    ----------
    html : str
        Escaped already.
    """

    html: str


def number(value: float | None) -> str:
    """Return a number in four significant digits, thousands apart.

    Examples
    --------
    >>> number(0.5), number(1234567.0), number(-0.00001234), number(0.0)
    ('0.5000', '1,234,567', '-1.234e-05', '0')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    if abs(value) >= 10_000:
        return f"{value:,.0f}"
    return f"{value:#.4g}".rstrip(".") if value else "0"


def error(value: float | None) -> str:
    """Return a standard error in two significant digits.

    Examples
    --------
    >>> error(0.005213), error(0.006), error(12.3), error(0.0)
    ('0.0052', '0.0060', '12', '0')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{value:,.0f}" if value >= 100 else f"{value:#.2g}".rstrip(".") if value else "0"


def give(value: float | None, spread: float | None) -> str:
    """Return a value with its error, both to the second digit of the error.

    Examples
    --------
    >>> give(0.428571, 0.005213), give(26.57321, 1.74), give(1234.5, 151.0), give(0.4, 0.01)
    ('0.4286 ± 0.0052', '26.6 ± 1.7', '1,234 ± 151', '0.400 ± 0.010')
    >>> give(0.5, None), give(0.5, 0.0)
    ('0.5000', '0.5000')
    """
    if value is None or not math.isfinite(value) or spread is None or not math.isfinite(spread) or spread <= 0:
        return number(value)
    digits = 1 - math.floor(math.log10(spread))
    if digits > 8 or abs(value) >= 1e12:  # neither is read as decimals
        return f"{number(value)} ± {error(spread)}"
    return f"{value:,.{max(0, digits)}f} ± {spread:,.{max(0, digits)}f}"


def for_screens(wide: str, phone: str) -> str:
    """Show one of two pictures of the same, by the width of the screen; the other is not read out either."""
    return f'<div class="wide">{wide}</div><div class="phone">{phone}</div>' if wide else ""


def percent(value: float | None, digits: int = 0) -> str:
    """Return a share as a percentage.

    Examples
    --------
    >>> percent(0.4567), percent(0.4567, 1)
    ('46%', '45.7%')
    """
    return MISSING if value is None or not math.isfinite(value) else f"{100 * value:.{digits}f}%"


def short(text: str, most: int = 34) -> str:
    """Cut a name that would not fit.

    Examples
    --------
    >>> short("abcdef", 4)
    'abc…'
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str | Cell]],
    about: str,
    text: Sequence[int] = (0,),
    here: int | None = None,
    named: int = 0,
) -> str:
    """Write a table that scrolls by itself where it is too wide.

    Parameters
    ----------
    about : str
        What it shows; read out, and shown by nothing else.
    text : sequence of int
        Columns of words, which are set to the left.
    here : int, optional
        Row to set off.
    named : int
        The column that names a row.
    """
    kinds = dict.fromkeys(text, ' class="t"')

    def cell(column: int, value: str | Cell) -> str:
        inside = value.html if isinstance(value, Cell) else escape(value)
        kind = kinds.get(column, "")
        return f'<th scope="row"{kind}>{inside}</th>' if column == named else f"<td{kind}>{inside}</td>"

    def head(column: int, name: str) -> str:
        return f'<th scope="col"{kinds.get(column, "")}>{escape(name) or "&nbsp;"}</th>'

    top = "".join(head(column, name) for column, name in enumerate(heads))
    lines = []
    for place, row in enumerate(rows):
        cells = "".join(cell(column, value) for column, value in enumerate(row))
        lines.append(f'<tr class="here">{cells}</tr>' if place == here else f"<tr>{cells}</tr>")
    body = "\n".join(lines)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(about)}">'
        f"<table><thead><tr>{top}</tr></thead><tbody>\n{body}\n</tbody></table></div>"
    )


def chart(body: str, width: float, height: float, about: str) -> str:
    """Write an inline picture; it scrolls by itself where a screen is too narrow to read it.

    Parameters
    ----------
    body : str
        SVG.
    about : str
        What one sees, for those who do not.
    """
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(about)}">'
        f'<svg class="plot" viewBox="0 0 {width:.0f} {height:.0f}" style="min-width:{560 if width > 560 else 0}px;'
        f'max-width:{width:.0f}px" role="img" aria-label="{escape(about)}">{body}</svg></div>'
    )


def words(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    """Write text into a picture."""
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(text)}</text>'


def line(x: float, y: float, to_x: float, to_y: float, kind: str) -> str:
    """Draw a line into a picture."""
    return f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" class="{kind}"/>'


def dot(x: float, y: float, radius: float, kind: str, title: str = "") -> str:
    """Draw a dot into a picture; the title is shown by a pointer that rests on it."""
    told = f"<title>{escape(title)}</title>" if title else ""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" class="{kind}">{told}</circle>'


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Return round numbers between two ends.

    Examples
    --------
    >>> ticks(0.0, 1.0)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    >>> ticks(3.0, 3.0)
    [3.0]
    """
    if not high > low:
        return [low]
    rough = (high - low) / wanted
    size = 10.0 ** math.floor(math.log10(rough))
    step = next((size * times for times in (1, 2, 5, 10) if size * times >= rough * 0.999), size * 10)
    first = math.ceil(low / step - 1e-9)
    return [round(step * place, 12) for place in range(first, math.floor(high / step + 1e-9) + 1)]
