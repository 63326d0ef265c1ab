"""Data the tests share: scikit-learn's digits as the plugin reads them, and a folder in Kaggle's layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from harness.data import Dataset, TaskType
from harness.offers import DataRequest

from harness_digits.source import CsvParams, load


def request_for(folder: Path | None, task: TaskType = TaskType.MULTICLASS) -> DataRequest:
    """Ask for a folder's data, or for the sample."""
    variant = "sample" if folder is None else "path"
    return DataRequest("digit-recognizer", task, variant, folder, Path(), Path())


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """Return the sample."""
    return load(CsvParams(white=16), request_for(None))


def pixels(rows: int, side: int, seed: int = 0) -> pd.DataFrame:
    """Make pictures by chance, values from 0 to 255."""
    values = np.random.default_rng(seed).integers(0, 256, (rows, side * side))
    return pd.DataFrame(values, columns=[f"pixel{number}" for number in range(side * side)])


@pytest.fixture
def kaggle(tmp_path: Path) -> Path:
    """Return a folder of 28 x 28 pictures in Kaggle's layout; the brighter half of a picture tells its label."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 10
    pictures = rng.integers(0, 60, (60, 28, 28))
    for picture, label in zip(pictures, labels, strict=True):
        picture[:, 2 * label : 2 * label + 8] += 150
    frame = pd.DataFrame(pictures.reshape(60, -1), columns=pixels(1, 28).columns)
    folder = tmp_path / "kaggle"
    folder.mkdir()
    frame.assign(label=labels)[["label", *frame.columns]].to_csv(folder / "train.csv", index=False)
    frame.iloc[:7].to_csv(folder / "test.csv", index=False)
    pd.DataFrame({"ImageId": range(1, 8), "Label": 0}).to_csv(folder / "sample_submission.csv", index=False)
    return folder
