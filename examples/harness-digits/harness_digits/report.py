"""The figures of a run: drawn from the autoencoder that its first fold keeps beside its model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from harness.results import Artifact

from harness_digits.pretext import CONFIG, read_autoencoder

if TYPE_CHECKING:
    from harness.competition import Competition
    from harness.data import Dataset
    from harness.results import RunResult
    from matplotlib.figure import Figure

SHOWN = 10
"""Pictures of the reconstructions: the first of each class."""


def report(competition: Competition, dataset: Dataset, result: RunResult) -> Iterator[Artifact]:
    """Yield them; nothing for other data, or a run without an autoencoder."""
    if competition.data.source != "digits.csv" or not result.folds or result.folds[0].directory is None:
        return
    folder = result.folds[0].directory / "model"
    if not (folder / CONFIG).is_file():
        return
    import numpy as np

    from harness_digits import pictures
    from harness_digits.networks import Variational

    network = read_autoencoder(folder)
    inputs, labels = dataset.train.inputs, np.asarray(dataset.train.targets, np.int64)
    first = inputs[np.unique(labels, return_index=True)[1][:SHOWN]]
    yield _artifact(
        "reconstructions.png",
        "what the autoencoder is shown and what it makes of it",
        lambda: pictures.reconstructions(network, first, seed=0),
    )
    if network.codes == 2:
        yield _artifact(
            "code-plane.png",
            "the two-neuron code of each training picture, coloured by its class",
            lambda: pictures.code_plane(network, inputs, labels),
        )
    if network.codes == 2 and isinstance(network, Variational):  # only its codes are known to lie near 0
        yield _artifact("code-grid.png", "digits decoded from a grid of codes", lambda: pictures.code_grid(network))


def _artifact(name: str, title: str, draw: Callable[[], Figure]) -> Artifact:
    def write(path: Path) -> None:
        from harness.neural.pictures import png

        path.write_bytes(png(draw()))

    return Artifact(name, title, write)
