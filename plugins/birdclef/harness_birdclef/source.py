"""The data source ``birdclef.recordings``: an edition's folder, its rows made from recordings and labelled windows.

Another competition of the same form needs a competition file and nothing else. Nothing heavy is imported until a folder
is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.data import Dataset, DatasetInfo, Examples
from harness.offers import DataRequest, DatasetSource
from harness.params import param

Edition = Literal["2021", "2022", "2023", "2024", "2025", "2026", "folders"]


@dataclass(frozen=True)
class RecordingsParams:
    """The edition whose layout the folder has, names that differ from it, and policies."""

    edition: Edition = param(
        "2024", "whose file layout, label format and row ids the folder has; folders: one for each label, no tables"
    )
    train_audio: str = param("", "folder of training recordings; empty: the edition's own")
    train_table: str = param("", "table of training recordings; empty: the edition's own")
    labels_table: str = param("", "table of labelled soundscape windows; empty: the edition's own")
    train_soundscapes: str = param("", "folder of labelled soundscapes; empty: the edition's own")
    test_audio: str = param("", "folder of recordings to predict; empty: the edition's own")
    test_table: str = param("", "table of windows to predict; empty: the edition's own")
    sample_submission: str = param("", "the competition's own sample file; empty: the edition's own")
    rate: int = param(32000, "sampling rate that recordings are brought to (Hz)", low=8000, high=192000)
    window: float = param(5.0, "length of a soundscape's windows (s)", low=0.5, high=60)
    unknown_label: Literal["refuse", "drop"] = param("refuse", "labels that are no class of the competition")
    bad_files: Literal["refuse", "skip"] = param(
        "refuse", "training recordings that cannot be decoded; those to predict always get an answer"
    )
    group: Literal["author", "recording"] = param(
        "author", "what validation never splits: an author's recordings (unknown authors: the file), or the file only"
    )
    cache_gb: float = param(20.0, "disk space for decoded recordings (GB); what does not fit is decoded again", low=0)
    simulate: bool = param(False, "instead of files: a small made-up edition")
    simulate_species: int = param(8, "species of the made-up edition", low=2, high=200)
    simulate_clips: int = param(96, "its training recordings", low=6)
    simulate_soundscapes: int = param(4, "its labelled soundscapes, where the edition has such", low=2)
    simulate_test_soundscapes: int = param(4, "its soundscapes to predict", low=1)
    simulate_minutes: float = param(1.0, "length of a made-up soundscape (minutes)", low=0.25)
    simulate_seed: int = param(0, "seed of the simulation", low=0)


def load(params: RecordingsParams, request: DataRequest) -> Dataset:
    """Read an edition's folder.

    Inputs are `harness_birdclef.recordings.Recordings`: whole recordings and windows of soundscapes. Where soundscapes
    are labelled, their windows are the scored rows, and training recordings only train. Every file is scanned once.

    Raises
    ------
    HarnessError
        In one line: a missing table or column, unknown labels, recordings that cannot be decoded.
    """
    from harness_birdclef.assemble import assemble

    return assemble(params, request)


def read_new(params: RecordingsParams, path: Path, info: DatasetInfo) -> Examples:
    """Read new recordings to predict: a folder of them, or one file.

    Soundscapes are cut into windows, row ids as the edition writes them; where the competition predicts whole files, a
    row is a file. A file that cannot be decoded is predicted as silence.

    Raises
    ------
    DataError
        If there is no recording.
    """
    from harness_birdclef.new_recordings import read_folder

    return read_folder(params, path, info)


def datasets() -> Iterable[DatasetSource]:
    """Yield the plugin's data sources."""
    yield DatasetSource(
        "birdclef.recordings",
        "recordings and labelled soundscapes in the layout of a BirdCLEF edition",
        RecordingsParams,
        load,
        read_new,
    )
