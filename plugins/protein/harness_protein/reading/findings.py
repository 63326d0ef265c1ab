"""What a reader of the scores must know about the sequences of a data set, and what says whether it is the same one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

import numpy as np

from harness.data import Examples
from harness.errors import listed

USUAL_FOLDS = 5
"""A class of fewer rows is told, as it cannot be in each of the usual number of folds."""
SHOWN = 3


def told(train: Examples, test: Examples | None, classes: Sequence[str]) -> list[str]:
    """Return notes of sequences that occur more than once, of those with several classes, and of rare classes.

    All are kept: which of several classes is right, the file does not say.
    """
    assert train.targets is not None
    rows: dict[str, list[int]] = {}
    for row, sequence in enumerate(train.inputs):
        rows.setdefault(sequence, []).append(row)
    several = [same for same in rows.values() if len(same) > 1]
    torn = [same for same in several if len(set(train.targets[same])) > 1]
    notes = []
    if several:
        notes.append(f"{sum(map(len, several)):,} training rows share {len(several):,} sequences")
    if torn:
        groups = [" = ".join(map(str, train.ids[same][:SHOWN])) for same in torn]
        notes.append(f"{len(torn):,} sequences have several classes: {listed(groups, SHOWN)}")
    if test is not None:
        known = sum(sequence in rows for sequence in test.inputs)
        notes += [f"{known:,} test sequences are training sequences too"] if known else []
    counts = np.bincount(train.targets, minlength=len(classes))
    rare = [f"{name} ({count})" for name, count in zip(classes, counts, strict=True) if count < USUAL_FOLDS]
    if rare:
        notes.append(f"classes of fewer rows than {USUAL_FOLDS} folds, which some folds lack: {listed(rare, SHOWN)}")
    return notes


def digest_rows(parts: Mapping[str, Examples | None], *facts: str) -> str:
    """Digest rows as models see them: ids, sequences, targets and what is known beside; whatever file they are from.

    Returns
    -------
    str
        SHA-256, hex.
    """
    total = hashlib.sha256(json.dumps(facts).encode())
    for name, rows in parts.items():
        if rows is None:
            continue
        targets = None if rows.targets is None else rows.targets.tolist()
        meta = None if rows.meta is None else rows.meta.to_dict("list")
        total.update(json.dumps([name, rows.ids.tolist(), list(rows.inputs), targets, meta]).encode())
    return total.hexdigest()
