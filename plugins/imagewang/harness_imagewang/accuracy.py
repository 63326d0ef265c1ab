"""Figures of a fine-tuning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from harness.neural.pictures import INK, TRAIN, VALID, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def _title(rows: Sequence[Mapping[str, float]], best: int | None) -> str:
    if best is not None:
        kept = rows[best - 1]
        return f"Epoch {best} of {len(rows)} kept: {100 * kept['valid_accuracy']:.0f}% of held-out images are right"
    last = f"{100 * rows[-1]['train_accuracy']:.0f}% of augmented training images are right"
    return f"After {len(rows)} epoch{'' if len(rows) == 1 else 's'} {last}"


def accuracy_figure(rows: Sequence[Mapping[str, float]], best: int | None) -> Figure:
    """Draw the accuracy by epoch, in percent, of training batches and of images held out; mark the epoch kept."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axis = figure.subplots()
    epochs = [row["epoch"] for row in rows]
    for name, colour, label in (
        ("train_accuracy", TRAIN, "training, augmented"),
        ("valid_accuracy", VALID, "held out"),
    ):
        if all(name in row for row in rows):
            axis.plot(epochs, [100 * row[name] for row in rows], color=colour, marker="o", markersize=4, label=label)
    if best is not None:
        axis.axvline(best, color=INK, linestyle=":", label=f"kept: epoch {best}")
    axis.set_title(_title(rows, best), loc="left", fontsize=10, color=INK)
    axis.set(xlabel="epoch", ylabel="accuracy over all classes, %", ylim=(0, None))
    axis.set_xlim(0.5, len(rows) + 0.5)  # one epoch has no width of its own
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    return plain(figure, axis)
