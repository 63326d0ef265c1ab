"""Ids, the order of rows, names, sizes and times of files: what of them tells the target, and could the test set's.

A train file sorted by its target is no leak where the test set's ids say nothing of that order, so a relation is a leak
only where the test's values lie among those of training (`properties.Property.reach`). The size of a file also follows
what is in it, so that only a strong relation is one, and only where files are not all made alike (`making`). Ids that
are dates tell of seasons and trends, as the time of a row may.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.findings import Finding, Severity
from harness.leaks.columns import coarser
from harness.leaks.making import making
from harness.leaks.material import Material
from harness.leaks.properties import DATE, Property, files_in, of_files, of_ids, of_names
from harness.leaks.strength import SURE, Strength, best, binned, by_bins, by_neighbours, strength

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.int64]

REACHED = 0.2
"""Share of the test set's values among those of training, from which these can tell of it."""
STRONG = 0.8
"""AUC from which the size of files is more than what is in them would explain."""
STRONG_SHARE = 0.3
DAY = 86_400.0
"""Seconds over which times of files are spread, at least, if they are still those of the data's collection."""
ADVICE = {
    "id-order": "never use ids as inputs; whoever hands out the data: deal ids at random",
    "id-text": "never use ids as inputs; whoever hands out the data: give ids that say nothing",
    "row-order": "see that no model learns from the order of rows; shuffle them if one could",
    "file-size": "decode all files alike (format, quality, length), so that no input follows from their size",
    "file-time": "never use times of files as inputs; whoever hands out the data: set all to one time",
    "file-name": "never use names of files as inputs; whoever hands out the data: give names that say nothing",
}
OF_DATES = (
    "the time of a row may be an input where the test's is known; see that folds lie in time as the test set does"
)
OF_ALIKE = "nothing is to be done to the files; see that no model reads their size beside what is in them"


def check_order(material: Material) -> Iterator[Finding]:
    """Look at ids, at the order of rows, and at files where inputs are such."""
    if not material.targets:
        return
    looks = list(_looks(material))
    tests = len(looks) * len(material.targets)
    found: dict[str, tuple[Strength, Finding]] = {}
    for kind, one in looks:
        told = _measured(material, one)
        if told.p * tests > SURE or not told.clear:
            continue
        finding = _finding(kind, one, told, material)
        before = found.get(finding.kind)
        # of several ways to read one thing the most telling is enough
        if before is None or _weight(finding, told) > _weight(before[1], before[0]):
            found[finding.kind] = (told, finding)
    if "id-order" in found and "row-order" in found:
        del found["row-order"]  # ids that count the rows said so already
    yield from (finding for _, finding in found.values())


def _weight(finding: Finding, told: Strength) -> tuple[bool, float]:
    return finding.severity is Severity.LEAK, told.share


def _looks(material: Material) -> Iterator[tuple[str, Property]]:
    parts = {"train": material.train.take(material.rows)}
    if material.test is not None:
        parts["test"] = material.test
    for one in of_ids({name: list(part.ids) for name, part in parts.items()}, material.is_time_the_id):
        yield ("id-order" if one.is_number else "id-text"), one
    if not all("/" in str(name) for name in material.train.ids):  # else files stand in the order of their folders
        yield "row-order", Property("the order of the rows", {"train": material.rows.astype(np.float64)}, True)
    files = {name: files_in(part.inputs) for name, part in parts.items()}
    known = {name: paths for name, paths in files.items() if paths is not None}
    if "train" not in known:
        return
    looks = of_files(known)
    own = all(path.is_relative_to(material.prepared.setting.cache) for path in known["train"])
    yield from ((kind, one) for kind, one in looks.items() if kind != "file-time" or not (own or _is_of_copying(one)))
    stems = {name: [path.stem for path in paths] for name, paths in known.items()}
    if stems["train"] != [str(one).rpartition("/")[2] for one in parts["train"].ids]:
        for one in of_names(stems, "the file name"):
            yield "file-name", one


def _measured(material: Material, one: Property) -> Strength:
    values = one.parts["train"]
    if one.is_number:
        codes = binned(values)
        ways = [by_bins(way) for way in (codes, coarser(codes)) if len(way)]
        if not np.isnan(values).any():
            ways.append(by_neighbours(values))
    else:
        ways = [by_bins(pd.factorize(values)[0].astype(np.int64))]
    found = [strength(way, target, material.folds, material.units) for target in material.targets for way in ways]
    chosen = best(found)
    # the number of targets is counted by the caller
    return Strength(chosen.share, chosen.auc, min(1.0, chosen.p / len(material.targets)))


def _finding(kind: str, one: Property, found: Strength, material: Material) -> Finding:
    measure, value = found.figure
    severity, kind, told, advice = _told(kind, one, found, material)
    return Finding(kind, severity, told, advice, measure, value, (one.name,))


def _told(kind: str, one: Property, found: Strength, material: Material) -> tuple[Severity, str, str, str]:
    """Return severity, kind, what is told and the advice."""
    if one.name == DATE:
        told = f"{DATE} predicts the target out of fold ({found.told}), as seasons and trends do"
        return Severity.NOTE, kind, told, OF_DATES
    if kind == "file-size":
        return _of_size(one, found, material)
    reach = one.reach("test") if "test" in one.parts else None
    told = f"{one.name} predicts the target out of fold ({found.told})"
    severity = Severity.WARNING
    if kind == "row-order":
        told += "; nothing shows that the order of the test rows could"
    elif reach is None:
        told += "; there is no test set whose ids could"
    elif reach >= REACHED:
        copied = kind == "file-time" and _within_a_day(one)
        severity = Severity.WARNING if copied else Severity.LEAK
        told += "; all were written within a day, as by copying them" if copied else ""
        told += f", and {reach:.0%} of the test rows lie among the training rows by it"
    elif kind == "id-order" and _counts_rows(one.parts["train"]):
        kind = "row-order"
        told = f"the training rows are in an order that predicts the target ({found.told}); {_of_test_ids(one)}"
    else:
        severity = Severity.WARNING if kind == "id-order" else Severity.NOTE
        told += f", but only {reach:.0%} of the test rows lie among the training rows by it"
    return severity, kind, told, ADVICE[kind]


def _of_size(one: Property, found: Strength, material: Material) -> tuple[Severity, str, str, str]:
    told = f"{one.name} predicts the target out of fold ({found.told})"
    strong = found.share >= STRONG_SHARE or (found.auc is not None and found.auc >= STRONG)
    if not strong:
        return Severity.WARNING, "file-size", f"{told}, as what is in the files may explain", ADVICE["file-size"]
    alike = making(files_in(material.train.take(material.rows).inputs) or [])
    if not alike:
        return Severity.LEAK, "file-size", told, ADVICE["file-size"]
    told += f"; all files are {alike}, so that what is in them explains it: some things compress better than others"
    return Severity.WARNING, "file-size", told, OF_ALIKE


def _of_test_ids(ids: Property) -> str:
    """Say how the test set's ids lie to those of training, which count its rows."""
    train, test = ids.parts["train"], ids.parts["test"]
    after = (test > train.max()).mean() if len(test) else 0.0
    if after == 1:
        return "test ids go on after the last of them, so that they tell of the test set's own order at most"
    if len(test) and (test < train.min()).all():
        return "test ids are all before the first of them, so that they tell of the test set's own order at most"
    return "test ids do not continue it"


def _is_of_copying(times: Property) -> bool:
    """Whether times lie within a day and tell nothing of the test set's."""
    return _within_a_day(times) and ("test" not in times.parts or times.reach("test") < REACHED)


def _within_a_day(times: Property) -> bool:
    return float(np.nanmax(times.parts["train"]) - np.nanmin(times.parts["train"])) < DAY


def _counts_rows(values: Sequence[float] | Any) -> bool:
    return bool((np.diff(values) > 0).all() or (np.diff(values) < 0).all())
