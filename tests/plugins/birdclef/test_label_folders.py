"""A folder of recordings for each label, without any table; what is proposed for one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from harness_birdclef.editions import Layout, read_edition
from harness_birdclef.propose import propose
from harness_birdclef.source import RecordingsParams, load

from harness.data import TaskType
from harness.errors import DataError, HarnessError
from harness.offers import DataRequest
from harness.proposal import Given


def beep(path: Path, seconds: float = 1.0, rate: int = 16000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.1 * np.sin(np.arange(int(seconds * rate)) / 5).astype(np.float32), rate)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for label in ("owl", "frog"):
        for number in range(3):
            beep(tmp_path / f"given/train/{label}/{number}.wav")
    for name in ("007", "1e5"):
        beep(tmp_path / f"given/test/{name}.wav", 2.5)
    return tmp_path / "given"


def test_labels_are_folders_and_rows_whole_recordings(folder):
    found = read_edition(folder, "folders", Layout(), "refuse")
    assert found.classes == ("frog", "owl")
    assert found.clips["id"].tolist() == [f"{label}/{number}" for label in ("frog", "owl") for number in range(3)]
    assert found.clips["label"].tolist() == ["frog"] * 3 + ["owl"] * 3
    assert found.clips["path"][0] == "train/frog/0.wav"
    assert found.test is not None
    assert found.test["id"].tolist() == ["007", "1e5"]
    assert found.test[["start", "end"]].isna().all(axis=None)
    assert found.files == found.notes == ()


@pytest.mark.parametrize("suffix", ["", ".wav"])
def test_the_sample_names_the_rows(folder, suffix, tmp_path):
    (folder / "sample.csv").write_text(f"file,label\n1e5{suffix},owl\n007{suffix},owl\n")
    params = RecordingsParams(edition="folders", sample_submission="sample.csv", group="recording", rate=16000)
    found = load(params, DataRequest("mine", TaskType.MULTICLASS, "path", folder, folder, tmp_path / "cache"))
    assert found.test is not None
    assert found.test.ids.tolist() == [f"1e5{suffix}", f"007{suffix}"]
    assert found.test.meta is not None
    assert found.test.meta["end"].tolist() == [2.5, 2.5]
    assert found.train.targets is not None
    assert found.train.targets.tolist() == [0, 0, 0, 1, 1, 1]
    assert found.info.extra["whole_files"]


def test_what_does_not_fit_is_told(folder):
    (folder / "sample.csv").write_text("file,label\nnowhere,owl\n")
    with pytest.raises(DataError, match=r"sample.csv: 1 ids have no recording in test: nowhere"):
        read_edition(folder, "folders", Layout(sample_submission="sample.csv"), "refuse")
    with pytest.raises(HarnessError, match="edition 'folders' has none"):
        read_edition(folder, "folders", Layout(train_table="x.csv"), "refuse")
    beep(folder / "train/loose.wav")
    with pytest.raises(DataError, match=r"1 recordings lie in no folder of a label: loose.wav"):
        read_edition(folder, "folders", Layout(), "refuse")


def test_what_is_proposed(folder):
    (found,) = propose(Given(folder / "train", folder / "test"))
    assert found.about == "6 recordings in a folder for each of 2 labels"
    assert (found.task.value, found.path) == (TaskType.MULTICLASS, folder)
    assert {name: chosen.value for name, chosen in found.params.items()} == {
        "edition": "folders",
        "train_audio": "train",
        "test_audio": "test",
        "group": "recording",
        "rate": 16000,
    }
    assert [(one.name, one.named_only) for one in found.strategies] == [("mel-statistics", False), ("cnn", True)]
    assert found.strategies[0].model.params["seconds"] == 1.0


def test_what_is_left_open_is_told(folder):
    for given, told in [
        ({"target": "x"}, "--target 'x': folders of recordings have no columns"),
        ({"task": TaskType.REGRESSION}, "--task regression"),
        ({"test": folder / "train/owl/0.wav"}, "expected a folder of recordings"),
    ]:
        with pytest.raises(HarnessError, match=told):
            list(propose(Given(folder / "train", **given)))
    with pytest.raises(DataError, match="two or more; found none"):
        list(propose(Given(folder / "train/owl")))
    assert list(propose(Given(folder / "train/owl/0.wav"))) == []
