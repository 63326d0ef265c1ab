"""Rows of recordings: what a scan for leaks compares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from harness_birdclef.recordings import Files, Recordings
from harness_birdclef.sound.decoded import Decoded, Facts


def test_rows_are_equal_where_file_and_part_are_and_silence_equals_nothing(tmp_path: Path) -> None:
    facts = (Facts("aa", 60.0, 1.0), Facts("aa", 60.0, 1.0), Facts("bb", 60.0, 1.0), Facts("", 0.0, 0.0))
    files = Files(tmp_path, ("one.ogg", "copy.ogg", "two.ogg", ""), facts, Decoded(tmp_path / "cache", 8000, 1e6))
    which = np.array([0, 1, 0, 2, 3, 3])
    start = np.array([0.0, 0.0, 5.0, 0.0, 0.0, 0.0])
    rows = Recordings(files, which, start, start + 5)
    first, again, *others = rows.digests()
    assert first == again
    assert len({first, *others}) == 5
    assert rows.file_paths()[:3] == [tmp_path / "one.ogg", tmp_path / "copy.ogg", tmp_path / "one.ogg"]
