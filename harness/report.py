"""The leaderboard as a picture: every strategy's primary metric with its spread over folds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.builtin._figures.style import BLUE, GREEN, GREY, INK, PALE, drawing, escaped, place, short
from harness.competition import Competition
from harness.leaderboard import score_of

LIMIT = 30
"""Entries shown, the best ones first."""


def board_figure(competition: Competition, board: Mapping[str, Any], path: Path) -> None:
    """Draw a leaderboard.

    A filled dot is the score on the ranked set, with one standard error over folds to each side; a hollow dot is the
    score on the other set. The board's first is green, baselines are grey; the dashed line is the best baseline.

    Parameters
    ----------
    board : mapping
        As ``harness leaderboard --json`` prints it.
    path : Path
        PNG to write.
    """
    metric, on = board["metric"], board["on"]
    entries = [entry for entry in board["entries"] if not math.isnan(score_of(entry, metric, on))][:LIMIT]
    if not entries:
        return
    other = "oof" if on == "valid" else "valid"
    names = [escaped(short(str(entry["name"]), 34)) for entry in entries]
    arrow = "lower is better" if board["direction"] == "min" else "higher is better"
    about = f"{escaped(competition.id)} · {metric} on {_set(on)} ({arrow}), bars: one standard error over folds"
    size = (7.6, 1.5 + 0.3 * len(entries))
    with drawing(_finding(entries, metric, on), about, path, size) as figure:
        axes = place(figure, 0.35 + 0.08 * max(map(len, names)), 0.55, 0.9, 0.85)
        _dots(axes, entries, metric, on, other)
        axes.set_yticks(range(len(entries)), names)
        axes.tick_params(axis="y", colors=INK)
        axes.set(ylim=(len(entries) - 0.4, -0.6), xlabel=metric)
        axes.xaxis.label.set_color(GREY)
        axes.grid(True, axis="x")
        axes.spines["left"].set_visible(False)
        axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=4, borderaxespad=0, handletextpad=0.4)


def _dots(axes: Any, entries: Sequence[Mapping[str, Any]], metric: str, on: str, other: str) -> None:
    baselines = [score_of(entry, metric, on) for entry in entries if entry["baseline"]]
    hollow = [score_of(entry, metric, other) for entry in entries]
    if not all(map(math.isnan, hollow)):
        axes.plot(hollow, range(len(entries)), "o", mfc="white", mec=BLUE, ms=5.5, ls="", label=_set(other))
    axes.plot([], [], "o", color=BLUE, ms=6.5, label=_set(on))
    for place_, entry in enumerate(entries):
        colour = GREY if entry["baseline"] else GREEN if place_ == 0 else BLUE
        value, spread = score_of(entry, metric, on), entry["scores"][metric]["stderr"]
        if spread is not None and not math.isnan(spread):
            axes.plot([value - spread, value + spread], [place_, place_], color=colour, lw=2.2, alpha=0.35)
        axes.plot([value], [place_], "o", color=colour, ms=6.5, label="first" if colour == GREEN else None)
        axes.text(1.01, place_, f"{value:.4g}", transform=axes.get_yaxis_transform(), va="center", color=INK, size=8.5)
    if baselines:
        axes.axvline(baselines[0], color=PALE, ls="--", lw=1.2, zorder=0, label="baseline")


def _finding(entries: Sequence[Mapping[str, Any]], metric: str, on: str) -> str:
    best, baselines = entries[0], [entry for entry in entries if entry["baseline"]]
    name = escaped(short(str(best["name"]), 34))
    if best["baseline"]:
        return f"Nothing beats the baseline: {metric} {score_of(best, metric, on):.4g}"
    if not baselines:
        return f"{name} leads with {metric} {score_of(best, metric, on):.4g}"
    value, reference = score_of(best, metric, on), score_of(baselines[0], metric, on)
    return f"{name} leads: {metric} {value:.4g}, the baseline has {reference:.4g}"


def _set(on: str) -> str:
    return "validation" if on == "valid" else "out-of-fold"
