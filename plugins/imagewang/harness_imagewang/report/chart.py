"""Inline SVG that takes the page's colours: differences with their intervals, accuracy by epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from harness_imagewang.report.gains import DOWNSTREAM, Line

WIDTH, LEFT, RIGHT, ROW = 640.0, 150.0, 16.0, 26.0
HEIGHT, BELOW, ABOVE = 300.0, 44.0, 26.0
COLOURS = ("#0072b2", "#c05a00", "#00875f", "#a6408b", "#7a6a00", "#4f5bd5", "#6e7781", "#b42318")
STYLE = """
.chart { display: block; width: 100%; max-width: 44rem; height: auto; font: 12px system-ui, sans-serif; }
.chart text { fill: var(--pale); } .chart .name { fill: var(--ink); } .chart .grid { stroke: var(--line); }
.chart .zero { stroke: var(--pale); } .chart .dot { fill: var(--dot); stroke: var(--dot); }
:root { --dot: #0072b2; } @media (prefers-color-scheme: dark) { :root { --dot: #56b4e9; } }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; font-size: .9rem; margin: .8rem 0 .4rem; }
.legend span::before { content: ""; display: inline-block; width: .9em; height: .25em; vertical-align: middle;
  margin-right: .45em; background: var(--mark); }
"""


def gains_chart(found: Sequence[Line]) -> str:
    """Draw each difference of accuracy to random weights on the validation set with its 95% interval; "" for none."""
    drawn = [(line, line.valid_gain or line.oof_gain) for line in found]
    kept = [(line, gain) for line, gain in drawn if gain is not None]
    if not kept:
        return ""
    low = min(0.0, *(100 * gain.interval[0] for _, gain in kept))
    high = max(0.0, *(100 * gain.interval[1] for _, gain in kept))
    ticks = _ticks(low, high)
    height = ABOVE + ROW * len(kept) + BELOW

    def across(points: float) -> float:
        return LEFT + (points - ticks[0]) / (ticks[-1] - ticks[0]) * (WIDTH - LEFT - RIGHT)

    about = "Difference of accuracy to random weights, in points, with its 95% interval"
    parts = [f'<svg class="chart" viewBox="0 0 {WIDTH:g} {height:g}" role="img" aria-label="{about}">']
    for tick in ticks:
        x, kind = across(tick), "zero" if tick == 0 else "grid"
        parts.append(f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{ABOVE - 8:g}" y2="{height - BELOW:g}"/>')
        parts.append(f'<text x="{x:.1f}" y="{height - BELOW + 16:g}" text-anchor="middle">{_signed(tick)}</text>')
    for number, (line, gain) in enumerate(kept):
        y = ABOVE + ROW * (number + 0.4)
        first, last = (across(100 * end) for end in gain.interval)
        parts.append(
            f'<text class="name" x="{LEFT - 10:g}" y="{y + 4:.1f}" text-anchor="end">{escape(line.name)}</text>'
        )
        parts.append(f'<line class="dot" x1="{first:.1f}" x2="{last:.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke-width="2"/>')
        title = f"{DOWNSTREAM[line.downstream]}: {100 * gain.mean:+.1f} points"
        middle = across(100 * gain.mean)
        parts.append(f'<circle class="dot" cx="{middle:.1f}" cy="{y:.1f}" r="4.5"><title>{title}</title></circle>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    unit = "points of accuracy more than random weights"
    parts.append(f'<text x="{middle:g}" y="{height - 6:g}" text-anchor="middle">{unit}</text>')
    return "\n".join([*parts, "</svg>"])


def epochs_chart(curves: Mapping[str, Sequence[float]], kept: Mapping[str, int]) -> str:
    """Draw accuracy by epoch.

    Parameters
    ----------
    curves : mapping of str to sequence of float
        Strategy -> accuracy of each epoch, in [0, 1].
    kept : mapping of str to int
        Epoch, from 1, whose weights were kept; of strategies that have such.
    """
    most = max(len(values) for values in curves.values())
    ticks = _ticks(0.0, 100 * max(max(values) for values in curves.values()))

    def across(epoch: float) -> float:
        return 44 + (epoch - 1) / max(most - 1, 1) * (WIDTH - 44 - RIGHT)

    def up(percent: float) -> float:
        return HEIGHT - BELOW - percent / ticks[-1] * (HEIGHT - BELOW - ABOVE)

    parts = [*_legend(list(curves))]
    parts.append(f'<svg class="chart" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="Accuracy by epoch">')
    for tick in ticks:
        y = up(tick)
        parts.append(f'<line class="grid" x1="44" x2="{WIDTH - RIGHT:g}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="36" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    step = max(1, math.ceil(most / 10))
    parts += [
        f'<text x="{across(epoch):.1f}" y="{HEIGHT - BELOW + 17:g}" text-anchor="middle">{epoch}</text>'
        for epoch in range(1, most + 1, step)
    ]
    parts.append(f'<text x="{WIDTH / 2:g}" y="{HEIGHT - 6:g}" text-anchor="middle">epoch of fine-tuning</text>')
    parts.append('<text x="4" y="14">accuracy, %</text>')
    for number, (name, values) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        points = " ".join(f"{across(epoch):.1f},{up(100 * value):.1f}" for epoch, value in enumerate(values, start=1))
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"><title>{escape(name)}</title>'
            "</polyline>"
        )
        if name in kept:
            x, y = across(kept[name]), up(100 * values[kept[name] - 1])
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"><title>kept</title></circle>')
    return "\n".join([*parts, "</svg>"])


def _legend(names: Sequence[str]) -> Iterator[str]:
    yield '<p class="legend">'
    for number, name in enumerate(names):
        yield f'<span style="--mark: {COLOURS[number % len(COLOURS)]}">{escape(name)}</span>'
    yield "</p>"


def _ticks(low: float, high: float) -> list[float]:
    """Return round values from below `low` to above `high`, about six of them."""
    span = max(high - low, 1e-3)
    unit = 10 ** math.floor(math.log10(span / 5))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if span / (unit * factor) <= 6)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [step * at for at in range(first, max(last, first + 1) + 1)]


def _signed(tick: float) -> str:
    return "0" if tick == 0 else f"{tick:+g}".replace("-", "\N{MINUS SIGN}")
