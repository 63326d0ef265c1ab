"""A batch of spectrograms with its labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from harness.neural.pictures import INK

if TYPE_CHECKING:
    from numpy.typing import NDArray


def batch_figure(
    spectrograms: NDArray[np.float32], titles: Sequence[str], rows: int, columns: int, axes_text: str = ""
) -> Figure:
    """Draw spectrograms (n, mels, frames) in a grid, low frequencies at the bottom, with a title each."""
    figure = Figure(figsize=(3.4 * columns, 2.0 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for at, axis in enumerate(axes.flat):
        axis.set_axis_off()
        if at >= len(spectrograms):
            continue
        one = spectrograms[at]
        low, high = np.percentile(one, [5, 99.8])
        axis.imshow(one, origin="lower", aspect="auto", cmap="magma", vmin=low, vmax=max(high, low + 1e-3))
        axis.set_title(titles[at] if at < len(titles) else "", fontsize=9, color=INK, loc="left")
    if axes_text:
        figure.supxlabel(axes_text, fontsize=9, color=INK)
    return figure
