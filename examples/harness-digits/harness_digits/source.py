"""The data source ``digits.csv``: a folder in Kaggle's layout, or scikit-learn's digits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.data import Dataset, DatasetInfo, Examples, TaskType, digest_files
from harness.errors import DataError, listed
from harness.offers import DataRequest, DatasetSource
from harness.params import param

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

READER = "digits.csv 1"
"""Part of the data's digest: a change in how files are read makes other data of the same bytes."""
CLASSES = tuple("0123456789")
TEST_SHARE = 0.2
"""Of scikit-learn's digits, which know no test set."""


@dataclass(frozen=True)
class CsvParams:
    """Parameters of ``digits.csv``."""

    white: float = param(255.0, "value of a white pixel; black is 0", low=1.0)


def load(params: CsvParams, request: DataRequest) -> Dataset:
    """Read ``train.csv``, and ``test.csv`` and ``sample_submission.csv`` where there are such.

    Inputs are pictures, (n, side, side) float32 in [0, 1]; `side` follows from the number of pixel columns. Ids of
    training rows are ``train1``, ``train2``, ...; those of test rows are Kaggle's ``ImageId``: 1, 2, ...

    Raises
    ------
    DataError
        If the task is not multiclass, a file is missing or cannot be read, a label is not a digit, the pixels make no
        square, or one of them is out of range.
    """
    import pandas as pd

    if request.task_type is not TaskType.MULTICLASS:
        raise DataError(
            f"{request.competition}: digits.csv reads task = 'multiclass', found {request.task_type.value!r}"
        )
    test: pd.DataFrame | None = None
    sample: pd.DataFrame | None = None
    if request.path is None:
        train, test = _scikit_learn()
        digest = digest_files((), READER, str(params.white), *map(_content, (train, test)))
    else:
        folder = request.path
        train = _read(folder / "train.csv")
        if (folder / "test.csv").exists():
            test = _read(folder / "test.csv")
        if (folder / "sample_submission.csv").exists():
            sample = pd.read_csv(folder / "sample_submission.csv", dtype=str)
        paths = [folder / name for name in ("train.csv", "test.csv") if (folder / name).exists()]
        digest = digest_files(paths, READER, str(params.white))
    pictures = _pictures(train, params, "train.csv")
    side = pictures.shape[1]
    return Dataset(
        info=DatasetInfo(
            name=request.competition,
            task_type=request.task_type,
            classes=CLASSES,
            variant=request.variant,
            notes=(f"{side} x {side} pixels",),
            extra={"side": side},
        ),
        train=Examples(_ids("train", len(train)), pictures, _labels(train, "train.csv")),
        test=None if test is None else Examples(_ids("", len(test)), _pictures(test, params, "test.csv", side)),
        digest=digest,
        sample_submission=sample,
    )


def read_new(params: CsvParams, path: Path, info: DatasetInfo) -> Examples:
    """Read pictures to predict: a file in the layout of ``test.csv``; labels in it are not looked at."""
    frame = _read(path)
    return Examples(_ids("", len(frame)), _pictures(frame, params, path.name, int(info.extra["side"])))


def _scikit_learn() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return scikit-learn's digits as train and test tables in Kaggle's layout."""
    import pandas as pd
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    frame = pd.DataFrame(digits.data, columns=[f"pixel{number}" for number in range(digits.data.shape[1])])
    frame.insert(0, "label", digits.target)
    train, test = train_test_split(frame, test_size=TEST_SHARE, random_state=0, stratify=frame["label"])
    return train.reset_index(drop=True), test.drop(columns="label").reset_index(drop=True)


def _content(frame: pd.DataFrame) -> str:
    import hashlib

    return hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest()


def _read(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        frame = pd.read_csv(path)
    except (OSError, ValueError) as error:  # pandas' own errors of parsing are ValueErrors
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path}: cannot be read as CSV ({reason}); expected a file in Kaggle's layout") from None
    if frame.empty:
        raise DataError(f"{path} has a header but no rows")
    return frame


def _pictures(frame: pd.DataFrame, params: CsvParams, where: str, side: int = 0) -> NDArray[np.float32]:
    """Return (n, side, side) in [0, 1]; `side` is that of the training pictures, 0 for these themselves."""
    import numpy as np

    found = [str(name) for name in frame.columns if str(name).startswith("pixel")]
    wanted = [f"pixel{number}" for number in range((side or max(1, math.isqrt(len(found)))) ** 2)]
    if set(found) != set(wanted):
        told = f"a picture of {side} x {side}" if side else "a square picture (784 for 28 x 28)"
        raise DataError(f"{where} has {len(found)} columns pixel0, pixel1, ...; expected those of {told}")
    texts = frame[wanted].select_dtypes(exclude="number").columns
    if len(texts):
        raise DataError(f"{where}: what is no number stands in {listed(texts)}")
    values = frame[wanted].to_numpy(np.float32)
    wrong = np.flatnonzero(~((values >= 0) & (values <= params.white)).all(axis=1))
    if len(wrong):
        rows = listed(wrong + 1)
        raise DataError(f"{where}: rows {rows} have pixels that are missing or not in [0, {params.white:g}]")
    side = math.isqrt(len(wanted))
    return (values / np.float32(params.white)).astype(np.float32).reshape(len(frame), side, side)


def _labels(frame: pd.DataFrame, where: str) -> NDArray[np.int64]:
    import numpy as np

    if "label" not in frame:
        raise DataError(f"{where} has no column 'label'; it begins with {listed(frame.columns[:3])}")
    wrong = frame.loc[~frame["label"].isin(range(len(CLASSES))), "label"]
    if len(wrong):
        raise DataError(f"{where}: labels {listed(wrong.unique())} are not digits from 0 to 9")
    return frame["label"].to_numpy(np.int64)


def _ids(prefix: str, count: int) -> NDArray[np.object_]:
    import numpy as np

    return np.array([f"{prefix}{number}" for number in range(1, count + 1)], dtype=object)


SOURCE = DatasetSource("digits.csv", "pictures of digits in Kaggle's layout", CsvParams, load, read_new)
