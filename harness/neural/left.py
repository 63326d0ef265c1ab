"""What a training left in a fold's folder, as figures and tables of the run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from harness.results import Artifact, RunResult

EVERY_FOLD = "history"
"""Files whose names begin so are of interest for each fold; of others the first fold's stand for all."""


def left_by_training(result: RunResult, titles: Mapping[str, str]) -> Iterator[Artifact]:
    """Yield the files beside the models of a run.

    Parameters
    ----------
    titles : mapping of str to str
        File name -> title, in which ``{fold}`` is the fold's number; what is not there is left out.
    """
    for fold in result.folds:
        folder = None if fold.directory is None else fold.directory / "model"
        for name, title in titles.items():
            once = not name.startswith(EVERY_FOLD)
            if folder is None or not (folder / name).exists() or (once and fold.index != result.folds[0].index):
                continue
            stem, suffix = name.split(".")
            yield Artifact(
                f"{stem}.{suffix}" if once else f"{stem}-fold{fold.index}.{suffix}",
                title.format(fold=fold.index),
                partial(_copy, folder / name),
            )


def _copy(source: Path, path: Path) -> None:
    shutil.copyfile(source, path)
