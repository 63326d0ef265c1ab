"""The leaderboard: one line that says it all, a forest plot, a table, the scores by fold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from harness.builtin._page.html import (
    MISSING,
    Cell,
    chart,
    dot,
    error,
    give,
    line,
    number,
    percent,
    short,
    table,
    ticks,
    words,
)

Entry = Mapping[str, Any]
Board = Mapping[str, Any]
SHOWN = 30
"""Lines of a plot; the table has them all."""


class Layout(NamedTuple):
    """Where a picture with a lane for each entry has what, in its own pixels.

    Attributes
    ----------
    names, right : float
        Left of the lanes, for names, and right of them, for scores.
    label, mark : float
        Of a name, and of what is drawn: how far below the middle of its row.
    most : int
        Characters of a name.
    """

    width: float
    names: float
    right: float
    row: float
    label: float
    mark: float
    most: int


WIDE = Layout(1080.0, 285.0, 90.0, 27.0, 4.0, 0.0, 34)
PHONE = Layout(360.0, 36.0, 12.0, 42.0, -6.0, 10.0, 30)
"""Names above what is drawn, and text as large as around it where a screen is a hand wide."""
RANK, NAME = 30, 40
"""Where ranks end and names begin, pixels from the left."""


def value_of(entry: Entry, board: Board, metric: str = "", on: str = "") -> float | None:
    """Return a score of an entry, by default of the ranked metric and set; None where there is none."""
    found = entry["scores"].get(metric or board["metric"], {}).get(on or board["on"])
    return float(found) if isinstance(found, int | float) and math.isfinite(found) else None


def spread_of(entry: Entry, board: Board) -> float | None:
    """Return the standard error over folds of the ranked metric."""
    found, value = value_of(entry, board, on="stderr"), value_of(entry, board)
    # the folds of a constant differ by rounding
    return 0.0 if found is not None and value is not None and found < 1e-12 * abs(value) else found


def tied(entry: Entry) -> bool:
    """Tell whether an entry is not told apart from the best one."""
    return bool((entry.get("tie") or {}).get("tied"))


def marked(board: Board) -> bool:
    """Tell whether any entry is tied with another; the best one is with itself."""
    return sum(map(tied, board["entries"])) > 1


def set_name(on: str) -> str:
    """Return the words for a set of rows."""
    return "the labelled validation set" if on == "valid" else "out-of-fold rows"


def headline(board: Board) -> str:
    """Say in one sentence who leads, how surely, and against what; plain text."""
    scored = [entry for entry in board["entries"] if value_of(entry, board) is not None]
    if not scored:
        return "No run has a score yet."
    best, metric = scored[0], board["metric"]
    base = next((entry for entry in scored if entry.get("baseline")), None)
    if best.get("baseline"):
        return f"Nothing beats the baseline {best['name']}: {metric} {number(value_of(best, board))}."
    spread = spread_of(best, board)
    told = f"{best['name']} leads with {metric} {give(value_of(best, board), spread)}"
    others = [entry for entry in scored[1:] if tied(entry)]
    if others:
        count = len(others)
        told += f"; {'one other is' if count == 1 else f'{count} others are'} tied with it"
    elif any(entry.get("tie") for entry in scored[1:]):
        told += ", better than every other beyond chance"
        counted = (board.get("ties") or {}).get("training", True)
        told += "" if counted else " of the rows (another training is not counted)"
    if base is not None:
        score = number(value_of(base, board))
        among = f", the baseline ({score}) among them" if len(others) > 1 else f": the baseline, with {score}"
        told += among if tied(base) else f"; the baseline has {score}"
    return f"{told}."


def forest(board: Board, here: str, at: Layout = WIDE) -> str:
    """Draw every entry's score with one standard error to each side; a dashed line is the best baseline."""
    entries = [entry for entry in board["entries"] if value_of(entry, board) is not None][:SHOWN]
    if not entries:
        return ""
    other = "oof" if board["on"] == "valid" else "valid"
    values = [value for entry in entries for value in _extent(entry, board, other)]
    low, high = min(values), max(values)
    pad = 0.04 * (high - low) or 0.05 * abs(high) or 1.0
    low, high = low - pad, high + pad
    height = at.row * len(entries) + 46

    def x(value: float) -> float:
        return at.names + (value - low) / (high - low) * (at.width - at.names - at.right)

    bottom = at.row * len(entries) + 12
    parts = []
    for tick in ticks(low, high, 5 if at is WIDE else 3):
        parts += [line(x(tick), 8, x(tick), bottom, "grid"), words(x(tick), bottom + 16, f"{tick:.4g}", "p", "middle")]
    parts.append(words(at.width - at.right, bottom + 31, _axis(board), "p", "end"))
    base = next((value_of(entry, board) for entry in entries if entry.get("baseline")), None)
    if base is not None:
        parts.append(line(x(base), 8, x(base), bottom, "ref"))
    for place, entry in enumerate(entries):
        parts += _lane(entry, board, other, x, 8 + at.row * (place + 0.5), at, place == 0, entry["run_id"] == here)
    hollow = (
        f", hollow: on {set_name(other)}"
        if any(value_of(entry, board, on=other) is not None for entry in entries)
        else ""
    )
    left = len([entry for entry in board["entries"] if value_of(entry, board) is not None]) - len(entries)
    rest = f" {left} more in the table." if left > 0 else ""
    dashed = " Dashed: the best baseline." if base is not None else ""
    dots = f"Dots: {board['metric']} on {set_name(board['on'])}"
    caption = f"{dots}; bars: one standard error over folds{hollow}.{dashed}{rest}"
    return chart("".join(parts), at.width, height, f"{headline(board)} {caption}") + f"<p>{escape(caption)}</p>"


def _extent(entry: Entry, board: Board, other: str) -> Iterator[float]:
    value, spread = value_of(entry, board), spread_of(entry, board) or 0.0
    assert value is not None
    yield from (value - spread, value + spread)
    hollow = value_of(entry, board, on=other)
    if hollow is not None:
        yield hollow


def _lane(entry: Entry, board: Board, other: str, x: Any, y: float, at: Layout, first: bool, here: bool) -> list[str]:
    value, spread = value_of(entry, board), spread_of(entry, board)
    assert value is not None
    kind = "base" if entry.get("baseline") else "best" if first else ""
    parts = (
        [f'<rect x="0" y="{y - at.row / 2:.1f}" width="{at.width:.0f}" height="{at.row:.0f}" class="wash"/>']
        if here
        else []
    )
    mark = "=" if tied(entry) and marked(board) else ""
    style = "b" if here else "p" if entry.get("baseline") else ""
    parts.append(words(RANK, y + at.label, f"{entry['rank']}{mark}", "p", "end"))
    parts.append(words(NAME, y + at.label, short(name_of(entry), at.most), style))
    if spread:
        parts.append(line(x(value - spread), y + at.mark, x(value + spread), y + at.mark, f"{kind}bar"))
    hollow = value_of(entry, board, on=other)
    if hollow is not None:
        parts.append(
            dot(x(hollow), y + at.mark, 4.2, "hollow", f"{entry['name']}: {number(hollow)} on {set_name(other)}")
        )
    told = f"{entry['name']}: {give(value, spread)}"
    parts.append(dot(x(value), y + at.mark, 5, {"base": "basedot", "best": "best"}.get(kind, "dot"), told))
    parts.append(words(at.width, y + at.label, number(value), "b" if first else "", "end"))
    return parts


def _axis(board: Board) -> str:
    return f"{board['metric']}, {'lower' if board['direction'] == 'min' else 'higher'} is better"


def board_table(board: Board, here: str) -> str:
    """Write every line of the board with all its metrics, ties, seeds, time and marks."""
    entries: Sequence[Entry] = board["entries"]
    metrics = [board["metric"], *(name for name in board["metrics"] if name != board["metric"])]
    other = "oof" if board["on"] == "valid" else "valid"
    both = any(value_of(entry, board, on=other) is not None for entry in entries)
    ties = any(entry.get("tie") for entry in entries)
    heads = ["#", "strategy", f"{metrics[0]} ({board['on']})", "± s.e."]
    heads += [f"{metrics[0]} ({other})"] if both else []
    heads += ["to the best", "p", "P(best)", "ranks"] if ties else []
    heads += [*(name.rpartition(".")[2] for name in metrics[1:]), "time"]
    rows: list[list[str | Cell]] = []
    for entry in entries:
        row: list[str | Cell] = [f"{entry['rank']}{'=' if tied(entry) and marked(board) else ''}", _named(entry, board)]
        row += [number(value_of(entry, board)), error(spread_of(entry, board))]
        row += [number(value_of(entry, board, on=other))] if both else []
        row += _tie(entry.get("tie")) if ties else []
        row += [number(value_of(entry, board, metric)) for metric in metrics[1:]]
        rows.append([*row, _time(entry.get("seconds"))])
    place = next((n for n, entry in enumerate(entries) if entry["run_id"] == here), None)
    return table(heads, rows, "Entries with every metric", (1,), place, named=1)


def _tie(tie: Mapping[str, Any] | None) -> list[str]:
    if not tie:
        return [MISSING] * 4
    low, high = tie["ranks"]
    ranks = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    if tie["difference"] == 0 and tie["stderr"] == 0:
        return [MISSING, MISSING, percent(tie["best"]), ranks]
    return [
        give(tie["difference"], tie["stderr"]),
        _probability(tie["p"]),
        percent(tie["best"]),
        ranks,
    ]


def _probability(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def name_of(entry: Entry) -> str:
    """Return a line's name, with its seed unless that is 0."""
    one = entry.get("seed") and not entry.get("seeds")
    return f"{entry['name']} (seed {entry['seed']})" if one else str(entry["name"])


def _seeds_of(entry: Entry, board: Board) -> str:
    """Return how the single scores of a mean over seeds lie; empty for others."""
    seeds = entry.get("seeds")
    found = seeds["mean"].get(board["metric"], {}).get(board["on"]) if seeds else None
    return "" if not seeds or found is None else f": seeds {give(found, seeds['std'][board['metric']][board['on']])}"


def _named(entry: Entry, board: Board) -> Cell:
    name = escape(name_of(entry) + _seeds_of(entry, board))
    return Cell((f'<span class="base">{name}</span>' if entry.get("baseline") else name) + _marks(entry))


def _marks(entry: Entry) -> str:
    told = dict.fromkeys(
        [*(["baseline"] if entry.get("baseline") else []), *entry.get("flags", ()), *entry.get("marks", ())]
    )
    bad = ("not better", "simulated", "not like")
    tags = [
        f'<span class="tag{" bad" if any(word in text for word in bad) else ""}">{escape(text)}</span>' for text in told
    ]
    if tied(entry) and entry["rank"] != 1:
        tags.insert(0, '<span class="tag tie">tied with the best</span>')
    return f"<br>{''.join(tags)}" if tags else ""


def _time(seconds: float | None) -> str:
    if seconds is None:
        return MISSING
    return (
        f"{seconds:.1f} s"
        if seconds < 60
        else f"{seconds / 60:.1f} min"
        if seconds < 5400
        else f"{seconds / 3600:.1f} h"
    )


def about_ties(board: Board) -> str:
    """Say how ties were found, where they were."""
    ties = board.get("ties")
    if not ties:
        return ""
    told = ["= is tied with the best"] if marked(board) else []
    told += [str(ties["method"])] if ties.get("method") else []
    if isinstance(ties.get("stability"), int | float):
        told.append(f"ranks on random halves of the rows agree with Kendall's tau {ties['stability']:.2f}")
    told += [str(note) for note in ties.get("notes", ())]
    return f"<p>{escape('; '.join(told))}.</p>"


def published(board: Board) -> Iterator[str]:
    """Write the results of others, and how ours differs from them."""
    results: Sequence[Mapping[str, Any]] = board["published"]
    names = list(dict.fromkeys(name for one in results for name in one["setting"]))
    rows: list[list[str | Cell]] = []
    for one in results:
        link = Cell(f'<a href="{escape(one["source"])}" rel="noreferrer">{escape(one["entry"])}</a>')
        settings = [str(one["setting"].get(name, MISSING)) for name in names]
        rows.append([str(one["rank"]), link, f"{one['score']:.4g}", *settings])
    yield table(["#", "entry", str(results[0]["metric"]), *names], rows, "Published results", (1,), named=1)
    yield "<p>Results of others, in their own settings.</p>"
    if board.get("difference"):
        yield f"<p>{escape(str(board['difference']))}</p>"
