"""The scores of the first entries by fold, the same fold joined."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from harness.builtin._page.board import NAME, WIDE, Board, Layout, name_of
from harness.builtin._page.html import chart, dot, line, number, short, ticks, words

LANES = 8
"""Entries whose folds are drawn."""


def folds(board: Board, at: Layout = WIDE) -> str:
    """Draw the scores of the first entries by fold, the same fold joined; empty where there is one fold only."""
    found = []
    for entry in board["entries"]:
        if entry.get("baseline"):  # a constant is the same in each, and far from what is to be seen
            continue
        scores = (entry.get("fold_scores") or {}).get(board["metric"]) or []
        kept = [value if isinstance(value, int | float) and math.isfinite(value) else None for value in scores]
        if len(kept) > 1 and sum(value is not None for value in kept) > 1:
            found.append((entry, kept))
    length = max((len(scores) for _, scores in found), default=0)
    found = [(entry, scores) for entry, scores in found if len(scores) == length][:LANES]
    if not found:
        return ""
    values = [value for _, scores in found for value in scores if value is not None]
    low, high = min(values), max(values)
    pad = 0.04 * (high - low) or 0.05 * abs(high) or 1.0
    low, high = low - pad, high + pad
    bottom = at.row * len(found) + 12

    def x(value: float) -> float:
        return at.names + (value - low) / (high - low) * (at.width - at.names - 20)

    parts = []
    for tick in ticks(low, high, 5 if at is WIDE else 3):
        parts += [line(x(tick), 8, x(tick), bottom, "grid"), words(x(tick), bottom + 16, f"{tick:.4g}", "p", "middle")]
    for fold in range(length):
        points = [
            (x(v), 8 + at.row * (n + 0.5) + at.mark)
            for n, (_, scores) in enumerate(found)
            if (v := scores[fold]) is not None
        ]
        parts.append(f'<polyline points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in points)}" class="thin"/>')
    for place, (entry, scores) in enumerate(found):
        y = 8 + at.row * (place + 0.5)
        parts.append(words(NAME, y + at.label, short(name_of(entry), at.most)))
        kind = "best" if place == 0 else "dot"
        told = [
            dot(x(v), y + at.mark, 4, kind, f"fold {n}: {number(v)}") for n, v in enumerate(scores) if v is not None
        ]
        parts += told
    hardest = _hardest(str(found[0][0]["name"]), found[0][1], board["direction"])
    count = "1 entry" if len(found) == 1 else f"{len(found)} entries"
    about = f"{board['metric']} of {length} folds for {count}; lines join the same fold. {hardest}"
    caption = f"{board['metric']} by fold; thin lines join the same fold. {hardest}"
    return chart("".join(parts), at.width, bottom + 24, about) + f"<p>{escape(caption)}</p>"


def _hardest(name: str, scores: Sequence[float | None], direction: str) -> str:
    known = [(value, fold) for fold, value in enumerate(scores) if value is not None]
    worst, best = (max(known), min(known)) if direction == "min" else (min(known), max(known))
    if worst[0] == best[0]:
        return f"{name} is as good on each fold ({number(worst[0])})."
    told = f"{name} is worst on fold {worst[1]} ({number(worst[0])})"
    return f"{told} and best on fold {best[1]} ({number(best[0])})."
