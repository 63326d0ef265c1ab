"""One look for every figure: colours, type sizes, titles that tell the finding.

Colours are of Okabe and Ito's palette, which stays apart in every common form of colour blindness
(https://jfly.uni-koeln.de/color/).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

BLUE, ORANGE, GREEN, RED, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
CYCLE = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY)
INK, GREY, PALE, GRID = "#1f2328", "#6e7781", "#c9d1d9", "#eaeef2"
DPI = 150
SIZE = (6.4, 4.4)
"""Inches; 960 x 660 pixels."""

LOOK = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": PALE,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "path.simplify": True,
}


@contextmanager
def drawing(title: str, about: str, path: Path, size: tuple[float, float] = SIZE) -> Iterator[Any]:
    """Yield an empty `matplotlib.figure.Figure` with its title, and write it as PNG when done.

    Parameters
    ----------
    title : str
        The finding, in one line.
    about : str
        What is shown: strategy, set, number of rows.
    size : (float, float)
        Inches.
    """
    with matplotlib.rc_context(LOOK), warnings.catch_warnings():
        figure = Figure(figsize=size, dpi=DPI, facecolor="white")
        FigureCanvasAgg(figure)
        height = size[1]
        figure.text(0.024, 1 - 0.14 / height, title, size=_fitting(title, size[0], 11.5, 0.67), weight="bold", va="top")
        figure.text(0.024, 1 - 0.40 / height, about, size=_fitting(about, size[0], 9, 0.56), color=GREY, va="top")
        yield figure
        # a class named in a script the font lacks shows as boxes, which is no reason to go without the figure
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(path, format="png", metadata={"Title": title})


def place(figure: Any, left: float, bottom: float, right: float, top: float) -> Any:
    """Add axes with margins in inches, so that labels fit whatever the figure's size."""
    width, height = figure.get_size_inches()
    box = (left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height)
    return figure.add_axes(box)


def percent(axis: Any) -> None:
    """Show shares of an axis in percent."""
    axis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))


def short(text: str, limit: int = 18) -> str:
    """Cut a long name in its middle, where names of classes differ least.

    Examples
    --------
    >>> short("a_very_long_name_of_a_class_no_7", 15)
    'a_very_…ss_no_7'
    """
    if len(text) <= limit:
        return text
    head = (limit - 1) // 2
    return f"{text[:head]}…{text[head - limit + 1 :]}"


def share(value: float) -> str:
    """Tell a share in percent with two figures that matter.

    Examples
    --------
    >>> share(0.5), share(0.0537), share(0.00123), share(1.0), share(0.0), share(1e-6)
    ('50%', '5.4%', '0.12%', '100%', '0%', '<0.01%')
    """
    if 0 < value < 1e-4:
        return "<0.01%"
    text = f"{100 * value:.0f}" if value >= 0.0995 or value == 0 else f"{100 * value:.2g}"
    return f"{text}%"


def escaped(text: str) -> str:
    r"""Keep a name from being read as a formula.

    Examples
    --------
    >>> escaped("cost_$")
    'cost_\\$'
    """
    return text.replace("$", r"\$")


def _fitting(text: str, width: float, size: float, letter: float) -> float:
    # `letter`: mean width of a letter of DejaVu Sans as a part of its size
    return min(size, (width - 0.3) * 72 / (letter * max(len(text), 1)))
