"""Figures of a training: losses, the learning-rate finder."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

DPI = 120
INK, TRAIN, VALID = "#30363d", "#2f6f9f", "#c4572e"


def png(figure: Figure) -> bytes:
    """Return a figure as PNG."""
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=DPI, bbox_inches="tight")
    return out.getvalue()


def loss_figure(train: Sequence[float], epochs: Sequence[tuple[float, float | None]]) -> Figure:
    """Draw the loss of every step, and at the end of each epoch its mean and that of held-out rows, if any."""
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axis = figure.subplots()
    axis.plot(np.arange(1, len(train) + 1), train, color=TRAIN, alpha=0.35, linewidth=1)
    ends = np.linspace(0, len(train), len(epochs) + 1)[1:]
    axis.plot(ends, [mean for mean, _ in epochs], color=TRAIN, marker="o", markersize=3, label="training")
    held = [value for _, value in epochs if value is not None]
    if len(held) == len(epochs) and held:
        axis.plot(ends, held, color=VALID, marker="o", markersize=3, label="held out")
    axis.set(xlabel="step", ylabel="loss", ylim=(0, None))
    return plain(figure, axis)


def rate_figure(rates: Sequence[float], losses: Sequence[float], chosen: float, suggested: float) -> Figure:
    """Draw the learning-rate finder: loss over the rate, the rate that is used and the one suggested."""
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axis = figure.subplots()
    axis.plot(rates, losses, color=TRAIN)
    axis.axvline(chosen, color=VALID, label=f"used {chosen:g}")
    axis.axvline(suggested, color=INK, linestyle=":", label=f"suggested {suggested:.2g}")
    axis.set(xlabel="learning rate", ylabel="loss, smoothed", xscale="log")
    return plain(figure, axis)


def plain(figure: Figure, axis: Any) -> Figure:
    """Take the frame off and add a legend."""
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False)
    return figure
