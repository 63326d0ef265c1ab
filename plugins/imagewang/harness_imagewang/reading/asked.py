"""The images to predict, under the names that a sample file has for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.data import check_unique
from harness.errors import DataError, SubmissionError, listed
from harness.submission_file import read_submission
from harness_imagewang.reading.tree import Part, unlabelled

if TYPE_CHECKING:
    import pandas as pd


def asked_for(root: Path, folder: str, sample: str) -> tuple[Part | None, pd.DataFrame | None]:
    """Return the images to predict and the sample file.

    An id of the sample is a file's path within `folder`, or its name, with or without suffix. Without a sample, ids are
    paths within `root` without suffix.

    Returns
    -------
    (Part or None, DataFrame or None)
        None where there is no such folder or file.

    Raises
    ------
    DataError
        If the sample's ids are not the names of the images.
    """
    part = unlabelled(root, folder) if (root / folder).is_dir() else None
    if not sample:
        return part, None
    try:
        frame = read_submission(root / sample).frame
    except SubmissionError as error:
        raise DataError(str(error)) from None
    ids = frame.iloc[:, 0].to_numpy(dtype=object)
    check_unique(ids, sample)
    return (None if part is None else _renamed(part, root / folder, set(ids), sample)), frame


def _renamed(part: Part, folder: Path, asked: set[str], sample: str) -> Part:
    ids, extra = [], []
    for path in part.paths:
        within = path.relative_to(folder)
        names = (within.as_posix(), within.with_suffix("").as_posix(), path.name, path.stem)
        found = next((name for name in names if name in asked), None)
        if found is None:
            extra.append(within.as_posix())
        else:
            ids.append(found)
    check_unique(ids, f"{folder.name}/")
    lacking = sorted(asked - set(ids))
    if lacking or extra:
        raise DataError(
            f"{sample} does not fit the images of {folder.name}/: {len(lacking)} ids without an image"
            f" ({listed(lacking, 3) or '-'}), {len(extra)} images without an id ({listed(extra, 3) or '-'})"
        )
    return Part(part.paths, tuple(ids))
