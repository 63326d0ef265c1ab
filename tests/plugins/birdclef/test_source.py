"""Rows of recordings: what is scored, what only trains, and what happens to files that are bad, absent or too many."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile
from harness_birdclef.recordings import Recordings
from harness_birdclef.source import RecordingsParams, load, read_new

from harness.data import TaskType
from harness.errors import ConfigError, DataError
from tests.plugins.birdclef.conftest import CLIPS, request_for, small


@pytest.fixture
def folder(birds_folder, tmp_path):
    """Return a copy of the small edition that may be spoiled."""
    target = tmp_path / "edition"
    shutil.copytree(birds_folder, target)
    return target


def read(folder, tmp_path, **given):
    params = RecordingsParams(edition="2021", **{k: v for k, v in given.items() if k not in ("skip_bad", "task")})
    return load(params, request_for(tmp_path, folder, **{k: v for k, v in given.items() if k in ("skip_bad", "task")}))


def test_windows_are_scored_and_recordings_only_train(birds):
    kinds = birds.train.meta["kind"].to_numpy()
    assert (kinds == "clip").sum() == CLIPS
    assert birds.train.scored.tolist() == (kinds == "window").tolist()
    assert isinstance(birds.train.inputs, Recordings)
    assert birds.info.simulated
    assert birds.info.task_type is TaskType.MULTILABEL
    assert (birds.train.targets[kinds == "clip"].sum(axis=1) >= 1).all()


def test_a_group_is_an_author_or_a_file(birds):
    meta = birds.train.meta
    windows = meta[meta["kind"] == "window"]
    assert (windows["group"] == windows["recording"]).all()
    by_author = meta[(meta["kind"] == "clip") & (meta["author"] != "")]
    assert by_author.groupby("author")["group"].nunique().eq(1).all()
    assert len(by_author) > by_author["group"].nunique()


def test_unknown_authors_are_no_group(folder, tmp_path):
    table = folder / "train_metadata.csv"
    rows = pd.read_csv(table, dtype=str, keep_default_na=False)
    rows["author"] = "unknown"
    rows.to_csv(table, index=False)
    meta = read(folder, tmp_path).train.meta
    clips = meta[meta["kind"] == "clip"]
    assert clips["group"].nunique() == len(clips)


def test_the_same_folder_has_the_same_digest_and_a_changed_recording_another(folder, tmp_path):
    first = read(folder, tmp_path / "one")
    again = read(folder, tmp_path / "two")
    assert first.digest == again.digest
    clip = next((folder / "train_short_audio").rglob("*.ogg"))
    soundfile.write(clip, np.zeros(32000, dtype=np.float32), 32000)
    assert read(folder, tmp_path / "one").digest != first.digest


@pytest.mark.fault("F-18")
def test_bad_recordings_are_refused_with_a_list_or_left_out_with_a_count(folder, tmp_path):
    clips = sorted((folder / "train_short_audio").rglob("*.ogg"))
    clips[0].write_bytes(b"")
    clips[1].write_text("no sound")
    with pytest.raises(DataError, match=r"^2 training recordings cannot be used: .*is empty.*--skip-bad") as told:
        read(folder, tmp_path)
    assert clips[0].name in str(told.value)
    assert "\n" not in str(told.value)
    found = read(folder, tmp_path, skip_bad=True)
    assert (found.train.meta["kind"] == "clip").sum() == CLIPS - 2
    assert any(note.startswith("2 training recordings left out: ") for note in found.info.notes)


@pytest.mark.fault("F-18")
def test_rows_to_predict_are_never_dropped(folder, tmp_path):
    whole = read(folder, tmp_path / "before")
    first, second = sorted((folder / "test_soundscapes").rglob("*.ogg"))
    first.write_bytes(b"spoiled")
    second.unlink()
    found = read(folder, tmp_path / "after")
    assert found.test.ids.tolist() == whole.test.ids.tolist()
    assert not found.test.inputs.read(0, 0.0, 5.0).any()
    assert any("taken for silence" in note for note in found.info.notes)


def test_a_window_beyond_the_end_is_silence_and_is_counted(folder, tmp_path):
    labels = folder / "train_soundscape_labels.csv"
    rows = pd.read_csv(labels, dtype=str)
    last = rows.iloc[-1].copy()
    last["seconds"], last["row_id"] = "600", last["row_id"].rsplit("_", 1)[0] + "_600"
    pd.concat([rows, last.to_frame().T]).to_csv(labels, index=False)
    found = read(folder, tmp_path)
    assert any(note.startswith("1 labelled windows lie beyond the end") for note in found.info.notes)
    row = found.train.ids.tolist().index(last["row_id"])
    assert not found.train.inputs.read(row, 0.0, 5.0).any()


def test_metadata_without_a_file_and_files_without_metadata_are_counted(folder, tmp_path):
    clips = sorted((folder / "train_short_audio").rglob("*.ogg"))
    clips[0].unlink()
    shutil.copy(clips[1], clips[1].with_name("stray.ogg"))
    found = read(folder, tmp_path)
    assert (found.train.meta["kind"] == "clip").sum() == CLIPS - 1
    told = " ".join(found.info.notes)
    assert clips[0].name in told
    assert "stray.ogg" in told


def test_a_label_that_is_no_class_is_refused_by_name_or_dropped(folder, tmp_path):
    labels = folder / "train_soundscape_labels.csv"
    rows = pd.read_csv(labels, dtype=str)
    rows.loc[0, "birds"] = "dodo1"
    rows.to_csv(labels, index=False)
    with pytest.raises(DataError, match="dodo1"):
        read(folder, tmp_path)
    found = read(folder, tmp_path, unknown_label="drop")
    assert any("dodo1" in note for note in found.info.notes)


def test_a_path_that_is_no_folder_and_a_task_that_does_not_fit_are_refused(folder, tmp_path):
    with pytest.raises(DataError, match="no folder"):
        read(folder / "train_metadata.csv", tmp_path)
    with pytest.raises(ConfigError, match="multilabel"):
        read(folder, tmp_path, task=TaskType.BINARY)
    with pytest.raises(ConfigError, match="labelled soundscapes need task"):
        read(folder, tmp_path, task=TaskType.MULTICLASS)


@pytest.mark.fault("F-18")
def test_new_recordings_of_any_kind_are_cut_into_windows(birds, tmp_path):
    rng = np.random.default_rng(0)
    soundfile.write(tmp_path / "9001_XYZ_20200101.ogg", rng.normal(0, 0.1, 12 * 32000).astype(np.float32), 32000)
    soundfile.write(tmp_path / "9002_XYZ_20200101.wav", rng.normal(0, 0.1, (5 * 8000, 2)).astype(np.float32), 8000)
    (tmp_path / "9003_XYZ_20200101.flac").write_bytes(b"")
    found = read_new(small("2021"), tmp_path, birds.info)
    assert found.ids.tolist() == ["9001_XYZ_5", "9001_XYZ_10", "9001_XYZ_15", "9002_XYZ_5", "9003_XYZ_5"]
    assert found.targets is None
    assert found.meta["site"].tolist() == ["XYZ"] * 5
    assert found.inputs.read(2, 0.0, 5.0)[: 2 * 32000].any()
    assert not found.inputs.read(2, 0.0, 5.0)[2 * 32000 :].any()
    one = read_new(small("2021"), tmp_path / "9002_XYZ_20200101.wav", birds.info)
    assert one.ids.tolist() == ["9002_XYZ_5"]
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match="no recording"):
        read_new(small("2021"), empty, birds.info)


@pytest.mark.parametrize("edition", ["2022", "2023", "2024", "2025", "2026"])
def test_every_edition_is_read(edition, tmp_path):
    found = load(small(edition, simulate_clips=9), request_for(tmp_path))
    assert len(found.info.classes) == 3
    assert found.test is not None
    assert len(found.test) >= 6
    assert found.sample_submission is not None
    assert (found.train.scored is not None) == (edition == "2026")
    assert ("soundscapes" in found.unlabelled) == (edition in ("2024", "2025"))


def test_the_real_layouts_are_read(real_data, tmp_path):
    birds = load(RecordingsParams(edition="2021"), request_for(tmp_path, real_data / "birdclef-2021"))
    assert (birds.train.meta["kind"] == "clip").sum() == 48
    assert birds.train.scored.sum() == len(birds.test) == 96
    assert sum(birds.train.targets[birds.train.scored].sum(axis=1) == 0) == 49
