"""Folders under other names, and test images under the names that a sample file has for them; what is proposed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from harness_imagewang.propose import propose
from harness_imagewang.source import FolderParams, load
from PIL import Image

from harness.data import Dataset, TaskType
from harness.errors import ConfigError, DataError, HarnessError
from harness.offers import DataRequest
from harness.proposal import Given


def paint(path: Path, value: int, side: int = 40) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((side, side, 3), value, np.uint8)).save(path)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for number in range(3):
        paint(tmp_path / f"given/pictures/cat/{number}.png", number)
        paint(tmp_path / f"given/pictures/dog/{number}.png", 100 + number)
        paint(tmp_path / f"given/asked/part/00{number}.png", 200 + number)
    return tmp_path / "given"


def read(tree: Path, sample: str = "", **params: str) -> Dataset:
    if sample:
        (tree / "sample.csv").write_text(sample)
        params["sample_submission"] = "sample.csv"
    params = {"train": "pictures", "test": "asked", **params}
    cache = tree.parent / "cache"
    return load(FolderParams(**params), DataRequest("mine", TaskType.BINARY, "path", tree, cache, cache))


def test_folders_have_the_names_that_are_given(tree):
    found = read(tree)
    assert found.info.classes == ("cat", "dog")
    assert found.test is not None
    assert found.test.ids.tolist() == ["asked/part/000", "asked/part/001", "asked/part/002"]
    assert found.sample_submission is None


@pytest.mark.parametrize("form", ["00{}", "00{}.png", "part/00{}", "part/00{}.png"])
def test_an_id_is_a_name_or_a_path_with_or_without_suffix(tree, form):
    ids = [form.format(number) for number in (2, 0, 1)]
    found = read(tree, "file,dog\n" + "".join(f"{name},0.5\n" for name in ids))
    assert found.test is not None
    assert sorted(found.test.ids) == sorted(ids)
    assert found.sample_submission is not None
    assert found.sample_submission["file"].tolist() == ids
    pixels = found.test.inputs.at(8)[np.arange(3)][:, 0, 0, 0]
    assert dict(zip(found.test.ids, pixels.tolist(), strict=True)) == {form.format(n): 200 + n for n in range(3)}


def test_a_sample_of_other_images_is_refused(tree):
    with pytest.raises(DataError, match=r"1 ids without an image \(9\), 1 images without an id \(part/002.png\)"):
        read(tree, "file,dog\n000,1\n001,1\n9,1\n")
    with pytest.raises(DataError, match="duplicate ids: 000"):
        read(tree, "file,dog\n000,1\n001,1\n000,1\n")
    with pytest.raises(DataError, match="has a header but no rows"):
        read(tree, "file,dog\n")


def test_a_name_outside_the_folder_is_refused(tree):
    with pytest.raises(ConfigError, match=r"'../x': expected a name within"):
        read(tree, test="../x")


def test_what_is_proposed(tree):
    (tree / "sample.csv").write_text("file,dog\n000,1\n")
    (found,) = propose(Given(tree / "pictures", tree / "asked", tree / "sample.csv"))
    assert found.about == "6 images in a folder for each of 2 classes"
    assert (found.task.value, found.path, found.sure) == (TaskType.BINARY, tree, 1.0)
    assert {name: chosen.value for name, chosen in found.params.items()} == {
        "train": "pictures",
        "test": "asked",
        "sample_submission": "sample.csv",
    }
    assert [one.name for one in found.strategies if not one.named_only] == ["linear", "neighbours"]
    assert found.strategies[0].model.params["size"] == 64  # 40 pixels, and the next step


@pytest.mark.parametrize(
    ("spoil", "given", "told"),
    [
        ("loose.png", {}, "1 images lie in no folder of a class: loose.png"),
        ("", {"target": "x"}, "--target 'x': folders of images have no columns"),
        ("", {"task": TaskType.REGRESSION}, "--task regression: folders of images have one class an image"),
        ("", {"test": "pictures/cat/0.png"}, "expected a folder of images"),
    ],
)
def test_what_is_left_open_is_told(tree, spoil, given, told):
    if spoil:
        paint(tree / "pictures" / spoil, 1)
    given = {key: tree / value if key == "test" else value for key, value in given.items()}
    with pytest.raises(HarnessError, match=told):
        list(propose(Given(tree / "pictures", **given)))


def test_other_folders_are_not_answered(tree, tmp_path):
    (tmp_path / "sounds/a").mkdir(parents=True)
    (tmp_path / "sounds/a/1.wav").write_bytes(b"RIFF")
    assert list(propose(Given(tmp_path / "sounds"))) == []
    assert list(propose(Given(tree / "pictures/cat/0.png"))) == []
    with pytest.raises(DataError, match="found one, 'part'"):
        list(propose(Given(tree / "asked")))
