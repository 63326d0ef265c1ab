"""What autoencoders make of pictures: the plane of their codes, reconstructions, a grid of decoded codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from harness_digits.training import as_tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness_digits.networks import Autoencoder

COLOURS = (
    "#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#9c6ade", "#8c6d4f", "#e377c2", "#6e7781", "#b5a300", "#17a2b8",
)  # fmt: skip
INK = "#24292f"
MOST = 4000
"""Points of the plane."""
GRID = 14
"""Codes along each side of the grid."""


def code_plane(network: Autoencoder, pictures: NDArray[np.float32], labels: NDArray[np.int64]) -> Figure:
    """Draw the two-neuron code of each picture as a point, coloured by a class that the autoencoder never saw."""
    rows = np.random.default_rng(0).permutation(len(pictures))[:MOST]  # mixed, so that no class is drawn above others
    labels = labels[rows]
    with torch.inference_mode():
        codes = network.code(as_tensor(pictures[rows], "cpu")).numpy()
    figure = Figure(figsize=(7, 7), layout="constrained")
    axes: Any = figure.subplots()
    axes.scatter(*codes.T, c=np.array(COLOURS)[labels % len(COLOURS)], s=16, alpha=0.75, linewidths=0)
    for label in np.unique(labels):
        middle = np.median(codes[labels == label], axis=0)
        halo = [withStroke(linewidth=4, foreground="white")]
        style = {"size": 22, "weight": "bold", "ha": "center", "va": "center", "path_effects": halo}
        axes.text(*middle, str(label), color=COLOURS[label % len(COLOURS)], **style)
    low, high = np.quantile(codes, [0.002, 0.998], axis=0)  # a few stray points must not shrink the rest
    room = 0.06 * (high - low)
    axes.set(xlim=(low[0] - room[0], high[0] + room[0]), ylim=(low[1] - room[1], high[1] + room[1]))
    axes.set(xlabel="first neuron of the code", ylabel="second neuron")
    _plain(axes)
    return figure


def reconstructions(network: Autoencoder, pictures: NDArray[np.float32], seed: int) -> Figure:
    """Draw pictures, what the encoder was shown if that differs, and what the decoder made of it, side by side."""
    given = as_tensor(pictures, "cpu")
    with torch.inference_mode(), torch.random.fork_rng():
        torch.manual_seed(seed)
        shown = network.corrupt(given)
        made = network.decode(network.code(shown))
    rows = [("input", given), *([] if torch.equal(shown, given) else [("shown", shown)]), ("restored", made)]
    figure = Figure(figsize=(0.75 * len(pictures) + 0.9, 0.78 * len(rows)), layout="constrained")
    grid: Any = figure.subplots(len(rows), len(pictures), squeeze=False)
    for line, (name, images) in zip(grid, rows, strict=True):
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", color=INK)
        for axes, image in zip(line, images[:, 0], strict=True):
            axes.imshow(image.numpy(), cmap="gray_r", vmin=0, vmax=1)
            _plain(axes)
    return figure


def code_grid(network: Autoencoder) -> Figure:
    """Draw what the decoder makes of a grid of codes: the quantiles of the normal distribution along each neuron."""
    shares = (torch.arange(GRID) + 0.5) / GRID
    along = torch.special.ndtri(shares)
    codes = torch.cartesian_prod(-along, along).flip(1)  # the first neuron to the right, the second upwards
    with torch.inference_mode():
        made = network.decode(codes)[:, 0].numpy()
    gap = max(1, made.shape[-1] // 8)
    made = np.pad(made, ((0, 0), (gap, gap), (gap, gap)))
    side = made.shape[-1]
    sheet = made.reshape(GRID, GRID, side, side).transpose(0, 2, 1, 3).reshape(GRID * side, GRID * side)
    figure = Figure(figsize=(7, 7), layout="constrained")
    axes: Any = figure.subplots()
    axes.imshow(sheet, cmap="gray_r", vmin=0, vmax=1)
    axes.set(xlabel="first neuron of the code", ylabel="second neuron")
    _plain(axes)
    return figure


def _plain(axes: Any) -> None:
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
