"""Log loss against vocabulary size, as SVG that takes the page's colours."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape

from harness_protein.report.homework import TOKENIZERS, Line, series

Across = Callable[[int], float]
Up = Callable[[float], float]

WIDTH, HEIGHT = 420.0, 290.0
LEFT, RIGHT, TOP, BOTTOM = 48.0, 12.0, 30.0, 46.0
ABOUT = "Log loss against vocabulary size, by tokenizer, with and without pretraining"
APART = 1.6
"""Ends of the axis lie so much beyond the vocabularies."""
COLOURS = {"char": "var(--char)", "kmer": "var(--kmer)", "bpe": "var(--bpe)", "unigram": "var(--unigram)"}
STYLE = """
:root { --char: #6e7781; --kmer: #c05a00; --bpe: #0072b2; --unigram: #00875f; }
@media (prefers-color-scheme: dark) {
  :root { --char: #a8b1bd; --kmer: #f0964d; --bpe: #56b4e9; --unigram: #3ecf9c; }
}
.chart { display: block; width: 100%; max-width: 42rem; height: auto; font: 12px system-ui, sans-serif; }
.chart text { fill: var(--pale); } .chart .grid { stroke: var(--line); }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; font-size: .9rem; margin: .8rem 0 .4rem; }
.legend span::before { content: ""; display: inline-block; width: .62em; height: .62em; border-radius: 50%;
  margin-right: .45em; border: 2px solid var(--mark); background: var(--fill); }
"""


def chart(found: Sequence[Line]) -> str:
    """Draw one line a tokenizer: filled dots are pretrained, hollow ones are not; bars are one standard error.

    Returns
    -------
    str
        A legend and SVG; empty where there is nothing to compare.
    """
    if not found:
        return ""
    sizes = [line.vocabulary for line in found]
    low, high = math.log10(min(sizes) / APART), math.log10(max(sizes) * APART)
    errors = [0.0 if math.isnan(line.stderr) else line.stderr for line in found]
    least = min(line.log_loss - error for line, error in zip(found, errors, strict=True))
    most = max(line.log_loss + error for line, error in zip(found, errors, strict=True))
    ticks = _ticks(least, most)

    def across(size: int) -> float:
        return LEFT + (math.log10(size) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def up(loss: float) -> float:
        return HEIGHT - BOTTOM - (loss - ticks[0]) / (ticks[-1] - ticks[0]) * (HEIGHT - BOTTOM - TOP)

    parts = [
        *_legend(found),
        f'<svg class="chart" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{ABOUT}">',
    ]
    for tick in ticks:
        y = up(tick)
        parts.append(f'<line class="grid" x1="{LEFT:g}" x2="{WIDTH - RIGHT:g}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 8:g}" y="{y + 4:.1f}" text-anchor="end">{_number(tick, ticks)}</text>')
    parts += [
        f'<text x="{across(size):.1f}" y="{HEIGHT - BOTTOM + 17:g}" text-anchor="middle">{_size(size)}</text>'
        for size in _labelled(sizes, across)
    ]
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle:g}" y="{HEIGHT - 6:g}" text-anchor="middle">tokens in the vocabulary</text>')
    parts.append('<text x="4" y="14">log loss, out of fold</text>')
    for tokenizer, pretrain, points in series(found):
        parts += _drawn(tokenizer, pretrain, points, across, up)
    return "\n".join([*parts, "</svg>"])


def _drawn(tokenizer: str, pretrain: bool, points: Sequence[Line], across: Across, up: Up) -> Iterator[str]:
    colour = COLOURS[tokenizer]
    if len(points) > 1:
        path = " ".join(f"{across(line.vocabulary):.1f},{up(line.log_loss):.1f}" for line in points)
        dashes = "" if pretrain else ' stroke-dasharray="4 4"'
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"{dashes}/>'
    for line in points:
        x, y = across(line.vocabulary), up(line.log_loss)
        if not math.isnan(line.stderr):
            ends = up(line.log_loss - line.stderr), up(line.log_loss + line.stderr)
            yield (
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{ends[0]:.1f}" y2="{ends[1]:.1f}" stroke="{colour}"'
                ' stroke-width="2.4" opacity=".35"/>'
            )
        fill = colour if pretrain else "var(--page)"
        yield (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.4" fill="{fill}" stroke="{colour}" stroke-width="1.8">'
            f"<title>{escape(line.name)}: {line.log_loss:.4f}</title></circle>"
        )


def _legend(found: Sequence[Line]) -> Iterator[str]:
    yield '<p class="legend">'
    for tokenizer, name in TOKENIZERS.items():
        if any(line.tokenizer == tokenizer for line in found):
            colour = COLOURS[tokenizer]
            yield f'<span style="--mark: {colour}; --fill: {colour}">{name}</span>'
    if any(not line.pretrain for line in found):
        yield '<span style="--mark: var(--pale); --fill: none">hollow: without pretraining</span>'
    yield "</p>"


def _ticks(low: float, high: float) -> list[float]:
    """Return round values from below `low` to above `high`, about five of them."""
    span = max(high - low, 1e-3)
    unit = 10 ** math.floor(math.log10(span / 4))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if span / (unit * factor) <= 5)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [step * at for at in range(first, max(last, first + 1) + 1)]


def _number(tick: float, ticks: Sequence[float]) -> str:
    """Write a tick with as many digits as tell it from the next."""
    step = ticks[1] - ticks[0]
    digits = next(d for d in range(12) if abs(round(step, d) - step) < 1e-9 * max(step, 1))
    return f"{tick:.{digits}f}"


def _size(tokens: int) -> str:
    return f"{tokens // 1000}k" if tokens % 1000 == 0 else str(tokens)


def _labelled(sizes: Sequence[int], across: Across) -> list[int]:
    """Leave out sizes whose names would run into their neighbours'."""
    kept: list[int] = []
    for size in sorted(set(sizes)):
        if not kept or across(size) - across(kept[-1]) > 26:
            kept.append(size)
    return kept
