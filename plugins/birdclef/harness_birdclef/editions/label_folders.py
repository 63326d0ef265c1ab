"""No edition at all: a folder of recordings for each label, and a folder of recordings to predict."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pandas as pd

from harness.errors import ConfigError, DataError, listed
from harness_birdclef.editions.asked_rows import AskedRow, asked_table
from harness_birdclef.editions.clips import FILENAME, LABEL, read_clips
from harness_birdclef.editions.folder import AudioFolder, EditionFolder, stem_of
from harness_birdclef.editions.tables import Tables

if TYPE_CHECKING:
    from harness_birdclef.editions.tables import UnknownLabel

UNUSED = ("train_table", "labels_table", "train_soundscapes", "test_table")


def read(folder: EditionFolder, unknown_label: UnknownLabel) -> Tables:
    """Read the folder; see `harness_birdclef.editions.tables.read_edition`.

    An id of the sample submission is a recording's path within the test folder, or its name, with or without suffix.
    """
    for name in UNUSED:
        if getattr(folder.layout, name):
            raise ConfigError(f"data: {name} = {getattr(folder.layout, name)!r}: edition 'folders' has none")
    audio = folder.audio("train_audio")
    metadata = _metadata(audio)
    classes = tuple(sorted({*metadata[LABEL]}))
    clips = read_clips(folder, metadata, classes, unknown_label)
    sample = folder.optional_table("sample_submission", ())
    test, told = _test(folder, sample)
    return Tables(
        classes=classes,
        clips=clips.frame,
        windows=None,
        test=test,
        soundscapes=(),
        sample_submission=sample,
        missing=(),
        strays=(),
        notes=(*clips.notes, *told),
        files=folder.files,
    )


def _metadata(audio: AudioFolder) -> pd.DataFrame:
    loose = [file for file in audio.files if "/" not in file]
    if loose:
        raise DataError(f"{audio.name}: {len(loose)} recordings lie in no folder of a label: {listed(loose, 3)}")
    if not audio.files:
        raise DataError(f"{audio.name} holds no recording; expected a folder of them for each label")
    labels = [file.partition("/")[0] for file in audio.files]
    return pd.DataFrame({LABEL: labels, FILENAME: list(audio.files)}, dtype=object)


def _test(folder: EditionFolder, sample: pd.DataFrame | None) -> tuple[pd.DataFrame | None, list[str]]:
    audio = folder.audio("test_audio", optional=True)
    if not audio.files:
        return None, [f"there is no recording in {audio.name}, so that there are no test rows"]
    if sample is None:
        return asked_table([AskedRow(stem_of(file), stem_of(file), file) for file in audio.files], audio, audio.name)
    known: dict[str, str] = {}
    for file in audio.files:
        for name in (stem_of(file), file.rpartition("/")[2], os.path.splitext(file)[0], file):  # noqa: PTH122
            known[name] = file
    rows = [AskedRow(name, stem_of(name), known.get(name, "")) for name in sample.iloc[:, 0]]
    lacking = [row.id for row in rows if not row.file]
    if lacking:
        where = folder.layout.sample_submission
        raise DataError(f"{where}: {len(lacking)} ids have no recording in {audio.name}: {listed(lacking, 3)}")
    return asked_table(rows, audio, folder.layout.sample_submission)
