"""What is read from files is what stands in them; what cannot be used is refused in one line."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import pixels, request_for
from harness.data import TaskType
from harness.errors import DataError
from sklearn.datasets import load_digits

from harness_digits.source import CLASSES, CsvParams, load, read_new

READ = CsvParams()


def test_the_sample_is_scikit_learns_digits(digits) -> None:
    found = np.concatenate([digits.train.inputs, digits.test.inputs]).reshape(-1, 64) * 16
    expected = load_digits().data
    assert sorted(map(tuple, found)) == sorted(map(tuple, expected))
    assert (len(digits.train), len(digits.test), digits.info.extra["side"]) == (1437, 360, 8)
    assert digits.test.targets is None
    assert not digits.info.simulated


def test_a_label_stays_with_its_picture(digits) -> None:
    known = {tuple(row): label for row, label in zip(*load_digits(return_X_y=True), strict=True)}
    rows = digits.train.inputs.reshape(-1, 64) * 16
    assert [known[tuple(row)] for row in rows] == digits.train.targets.tolist()


def test_a_folder_in_kaggles_layout(kaggle) -> None:
    data = load(READ, request_for(kaggle))
    frame = pd.read_csv(kaggle / "train.csv")
    assert data.train.inputs.shape == (60, 28, 28)
    assert data.train.inputs[3, 1, 2] == pytest.approx(frame.loc[3, "pixel30"] / 255)
    assert data.train.targets.tolist() == frame["label"].tolist()
    assert data.info.classes == CLASSES
    assert data.test.ids.tolist() == ["1", "2", "3", "4", "5", "6", "7"]
    assert data.sample_submission["ImageId"].tolist() == data.test.ids.tolist()
    assert not set(data.train.ids) & set(data.test.ids)


def test_pixels_are_found_by_name(kaggle) -> None:
    before = load(READ, request_for(kaggle))
    frame = pd.read_csv(kaggle / "test.csv")
    frame[frame.columns[::-1]].to_csv(kaggle / "new.csv", index=False)
    new = read_new(READ, kaggle / "new.csv", before.info)
    assert np.array_equal(new.inputs, before.test.inputs)


def test_other_bytes_are_other_data(kaggle) -> None:
    before = load(READ, request_for(kaggle)).digest
    assert load(READ, request_for(kaggle)).digest == before
    with (kaggle / "test.csv").open("a") as file:
        file.write(",".join(["0"] * 784) + "\n")
    assert load(READ, request_for(kaggle)).digest != before


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (pixels(2, 3).assign(label=[1, 10]), "labels 10 are not digits"),
        (pixels(2, 3).assign(label=[1, 2.5]), "labels 2.5 are not digits"),
        (pixels(2, 3).assign(label=["1", "two"]), "labels 1, two are not digits"),
        (pixels(2, 3), "no column 'label'"),
        (pixels(2, 3).assign(label=1).drop(columns="pixel4"), "8 columns pixel0"),
        (pixels(2, 3).assign(label=1, pixel4=[1, None]), r"rows 2 have pixels"),
        (pixels(2, 3).assign(label=1, pixel4=[256, 1]), r"rows 1 have pixels"),
        (pixels(2, 3).assign(label=1, pixel4="x"), "stands in pixel4"),
        (pixels(0, 3).assign(label=1), "no rows"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path, frame: pd.DataFrame, told: str) -> None:
    frame.to_csv(tmp_path / "train.csv", index=False)
    with pytest.raises(DataError, match=told):
        load(READ, request_for(tmp_path))


def test_a_test_picture_of_another_size_is_refused(kaggle) -> None:
    pixels(2, 8).to_csv(kaggle / "test.csv", index=False)
    with pytest.raises(DataError, match="64 columns .* 28 x 28"):
        load(READ, request_for(kaggle))


def test_a_missing_file_and_another_task_are_refused(tmp_path, kaggle) -> None:
    with pytest.raises(DataError, match=r"train.csv: cannot be read"):
        load(READ, request_for(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="found 'regression'"):
        load(READ, request_for(kaggle, TaskType.REGRESSION))
