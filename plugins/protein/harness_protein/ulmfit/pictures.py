"""Figures that a training of ULMFiT leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from harness.neural.pictures import plain, png, rate_figure

COLOURS = {"forward": "#2f6f9f", "backward": "#c4572e"}
PANELS = (
    ("language_model", "perplexity", "perplexity of held-out sequences"),
    ("language_model", "accuracy", "share of next tokens right"),
    ("classifier", "train_loss", "loss of the classifier"),
)
"""What is drawn: the stage, its measure, and the words for it."""


def curves(found: Mapping[str, Sequence[Mapping[str, float]]]) -> bytes:
    """Draw what each epoch came to, a panel each for the language model's two measures and for the classifier's loss.

    Parameters
    ----------
    found : mapping
        Epochs by ``<stage>.<direction>``.
    """
    panels = [panel for panel in PANELS if any(f"{panel[0]}." in name for name in found)]
    figure = Figure(figsize=(3.6 * len(panels), 3.2), layout="constrained")
    for axis, (stage, measure, words) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for name, epochs in found.items():
            direction = name.rpartition(".")[2]
            if f"{stage}." in name:
                values = [epoch[measure] for epoch in epochs]
                axis.plot(
                    range(1, len(values) + 1), values, "o-", markersize=3, color=COLOURS[direction], label=direction
                )
        axis.set(xlabel="epoch", title=words)
        axis.title.set_size(9.5)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        plain(figure, axis)
    return png(figure)


def rates(rates: Sequence[float], losses: Sequence[float], chosen: float, suggested: float) -> bytes:
    """Draw the learning-rate finder."""
    return png(rate_figure(rates, losses, chosen, suggested))
