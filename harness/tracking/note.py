"""The descriptions MLflow shows: the leaderboard above an experiment, the scores above a run. Markdown."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

from harness.tracking.about import About
from harness.tracking.stored import Finished

LIMIT = 4800
"""Characters: older servers keep 5,000 of a tag."""
ROWS = 25
_GAP = "&nbsp;&nbsp;"


def board_note(about: About, entries: Sequence[Mapping[str, Any]]) -> str:
    """Write the leaderboard as Markdown; rows that do not fit are counted in a last line.

    Parameters
    ----------
    entries : sequence of mapping
        As ``harness leaderboard --json`` prints them, best first.
    """
    for shown in range(min(len(entries), ROWS), -1, -1):
        note = "\n".join(_lines(about, entries, shown))
        if len(note) <= LIMIT or shown == 0:
            return note[:LIMIT]
    raise AssertionError("unreachable")


def _lines(about: About, entries: Sequence[Mapping[str, Any]], shown: int) -> list[str]:
    # the page shows two lines until it is unfolded: they must say which strategy is best
    lines = [_best(about, entries), "", f"### {plain(about.title)}"]
    if about.simulated:
        lines += ["", "**The data are simulated: these scores say nothing about the real competition.**"]
    lines += ["", *_table(about, entries[:shown])]
    if len(entries) > shown:
        lines += ["", f"... and {len(entries) - shown} more runs."]
    return [*lines, "", *_data(about)]


def _best(about: About, entries: Sequence[Mapping[str, Any]]) -> str:
    on, primary = about.on, about.primary
    scored = [entry for entry in entries if value_of(entry, primary, on) is not None]
    if not scored:
        return f"**{plain(about.title)}**: no run is finished yet."
    best, score = scored[0], value_of(scored[0], primary, on)
    text = f"**Best: {_cell(best['name'])}** with {primary} **{_number(score)}** ({on})"
    text += "".join(f", {_cell(flag)}" for flag in flags_of(best))
    base = next((entry for entry in scored if entry.get("baseline")), None)
    if base is not None and base is not best:
        text += f"; the baseline {_cell(base['name'])} has {_number(value_of(base, primary, on))}"
    tied = [entry for entry in scored if entry is not best and is_tied(entry)]
    if tied:
        others = ", ".join(_cell(entry["name"]) for entry in tied[:3])
        more = f" and {len(tied) - 3} more" if len(tied) > 3 else ""
        text += f"; **tied (=) with {others}{more}**"
    return f"{text}. {_better(about.direction)}."


def _table(about: About, entries: Sequence[Mapping[str, Any]]) -> list[str]:
    on, primary = about.on, about.primary
    other = "valid" if on == "oof" else "oof"
    both = any(value_of(entry, primary, other) is not None for entry in entries)
    heads = ["#", "strategy", f"{primary} ({on})", "± s.e. over folds", *([f"{primary} ({other})"] if both else [])]
    heads += [*about.metrics[1:], "seconds", ""]
    # the page sets columns without any space between them
    rows = ["| " + " | ".join(f"{head}{_GAP}" for head in heads) + " |", "|" + "---|" * len(heads)]
    several_tied = sum(map(is_tied, entries)) > 1
    several = len({entry.get("seed") for entry in entries if not entry.get("baseline")}) > 1
    for entry in entries:
        name = _cell(entry["name"]) + (f" (seed {entry['seed']})" if several and entry.get("seed") is not None else "")
        place = f"{entry.get('rank') or '-'}{'=' if several_tied and is_tied(entry) else ''}"
        cells = [place, (f"*{name}*" if entry.get("baseline") else name) + _GAP]
        cells += [_number(value_of(entry, primary, on)), _number(value_of(entry, primary, "stderr"))]
        cells += [_number(value_of(entry, primary, other))] if both else []
        cells += [_number(value_of(entry, metric, on)) for metric in about.metrics[1:]]
        seconds = entry.get("seconds")
        cells += [f"{seconds:.0f}" if isinstance(seconds, int | float) else "-", _cell(", ".join(flags_of(entry)))]
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def _better(direction: str) -> str:
    return "Lower is better" if direction == "min" else "Higher is better"


def _data(about: About) -> list[str]:
    sets = {"oof": "out-of-fold rows", "valid": "the labelled validation set"}[about.on]
    ranked = f"Ranked by {about.primary} on {sets}. {_better(about.direction)}."
    data = f"Data: {plain(about.data)}, variant **{plain(about.variant or '-')}**, digest `{about.digest[:12]}`."
    return [
        f"{ranked} {data}",
        *(f"- {plain(note)}" for note in about.notes),
        "",
        "Saved view **Leaderboard** (above the table) has the columns, the order and the charts.",
    ]


def run_note(about: About, result: Finished) -> str:
    """Write a run's scores as Markdown, for the top of its page."""
    rows = ["| metric | oof | valid | mean of folds | s.e. |", "|---|---|---|---|---|"]
    for name, score in result.scores.items():
        cells = [_number(value) + _GAP for value in (score.oof, score.valid, score.mean, score.stderr)]
        rows.append(f"| {'**' + name + '**' if name == about.primary else name}{_GAP} | " + " | ".join(cells) + " |")
    marks = [f"**{plain(mark)}**" for mark in result.marks]
    return "\n".join([*rows, "", *([", ".join(marks), ""] if marks else []), *(f"- {plain(n)}" for n in result.notes)])[
        :LIMIT
    ]


def value_of(entry: Mapping[str, Any], metric: str, which: str) -> float | None:
    """Return one score of an entry; None where it has none."""
    value = (entry.get("scores") or {}).get(metric, {}).get(which)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def is_tied(entry: Mapping[str, Any]) -> bool:
    """Tell whether an entry is not told apart from the best one, as ``harness leaderboard --ties`` shows it."""
    return bool((entry.get("tie") or {}).get("tied"))


def flags_of(entry: Mapping[str, Any]) -> list[str]:
    """Return what is to be shown beside an entry: its marks and flags, and its status if it is not finished."""
    found = ["baseline"] if entry.get("baseline") else []
    for key in ("flags", "marks"):
        value = entry.get(key) or ()
        found += [value] if isinstance(value, str) else [str(item) for item in value]
    if entry.get("status") not in (None, "done"):
        found.append(str(entry["status"]))
    return list(dict.fromkeys(found))


def _number(value: float | None) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value:.4g}" if abs(value) >= 1 else f"{value:.4f}"


def plain(text: str) -> str:
    """Return text on one line that Markdown cannot take for HTML.

    Examples
    --------
    >>> plain("a <script> & b")
    'a &lt;script&gt; &amp; b'
    """
    return html.escape(" ".join(str(text).split()), quote=False)


def _cell(text: str) -> str:
    return plain(text).replace("|", "\\|")
