"""Checks of a dataset source."""

from __future__ import annotations

import shutil
import string
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from harness.data import Dataset, Examples, TaskType
from harness.errors import listed
from harness.offers import DataRequest, DatasetSource
from harness.testing.bench import REFUSALS
from harness.testing.findings import SKIPPED, Finding, attempt, if_sound, raised
from harness.testing.generated import same_examples
from harness.testing.hostile import check_clock, check_network, check_refusal
from harness.testing.offered import check_params, ready_params
from harness.testing.state import from_before, watched

TABLES = (".csv", ".tsv", ".txt", ".json", ".jsonl")
MANY = 5
"""How many files are changed, one after the other."""


@from_before
def check_source(
    source: DatasetSource, params: Any = None, path: Path | None = None, hostile: bool = False
) -> Iterator[Finding]:
    """Check a dataset source on what it ships itself, its variant ``sample``, or on a folder.

    Parameters
    ----------
    params : dataclass instance, optional
        Parameters to try it with, instead of the defaults.
    path : Path, optional
        Data that it can read; without it, what it ships.
    hostile : bool
        Also try it without a network (it is only asked to read), on another day, on folders that hold nothing, and on
        a copy of `path` with other numbers.

    Yields
    ------
    Finding
        A source that has nothing to read for any kind of task is skipped.
    """
    yield from check_params(source)
    chosen = ready_params(source, params)
    if chosen is None:
        return
    path = None if path is None else path.absolute()  # what is watched runs in another folder
    with TemporaryDirectory(prefix="harness-") as folder:
        refusals = []
        for task in TaskType:
            request = DataRequest("check", task, "path" if path else "sample", path, Path(folder), Path(folder))
            try:
                dataset = source.load(chosen, request)
            except REFUSALS as error:
                refusals.append(f"{SKIPPED}load: {error}")
                continue
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # a plugin's SystemExit must not end the checks
                yield Finding(source.name, f"{task}: load", raised(error))
                continue
            findings = list(_findings(source, chosen, request, dataset))
            yield from findings
            if hostile:
                yield from if_sound(findings, _hostile(source, chosen, request, dataset))
        if len(refusals) == len(TaskType):
            yield Finding(source.name, refusals[0])


def _findings(source: DatasetSource, params: Any, request: DataRequest, dataset: Dataset) -> Iterator[Finding]:
    name, task = source.name, request.task_type
    if not isinstance(dataset, Dataset):
        yield Finding(name, f"{task}: load", f"answered a {type(dataset).__name__}, expected a Dataset")
        return
    yield Finding(name, f"{task}: load")

    def repeats() -> str:
        with watched() as told:
            again = source.load(params, request)
        changed.extend(told)
        return _differs(dataset, again)

    changed: list[str] = []
    yield attempt(name, f"{task}: ids are unique texts", lambda: _ids(dataset))
    yield attempt(name, f"{task}: targets fit the task", lambda: _targets(dataset, task))
    yield attempt(name, f"{task}: no labels in the test part", lambda: _unlabelled(dataset))
    yield attempt(name, f"{task}: the digest is a SHA-256", lambda: _digest(dataset))
    yield attempt(name, f"{task}: reading twice, the same data", repeats)
    yield Finding(name, f"{task}: leaves global state as it is", "".join(changed))


def _hostile(source: DatasetSource, params: Any, request: DataRequest, dataset: Dataset) -> Iterator[Finding]:
    name, task = source.name, request.task_type

    def anew() -> Dataset:
        return source.load(params, request)

    def read(path: Path) -> object:
        return source.load(params, DataRequest("check", task, "path", path, request.home, request.cache))

    def read_new(path: Path) -> object:
        return None if source.read_new is None else source.read_new(params, path, dataset.info)

    yield check_network(name, f"{task}: reaches no network", anew)
    yield check_clock(name, f"{task}: the day is nothing", lambda: _differs(dataset, anew()))
    if request.path is not None:
        given = request.path
        yield attempt(name, f"{task}: the digest follows the files", lambda: _follows(given, read))
    with TemporaryDirectory(prefix="harness-") as folder:
        empty, missing, blank = Path(folder) / "empty", Path(folder) / "missing", Path(folder) / "blank.csv"
        empty.mkdir()
        blank.touch()
        for told, path in (("an empty folder", empty), ("a folder that is not there", missing)):
            yield check_refusal(name, f"{task}: refuses {told}", partial(_must_refuse, read, path))
        for told, path in (("a file that is not there", missing), ("an empty file", blank)):
            yield check_refusal(name, f"{task}: takes or refuses {told} of new rows", partial(read_new, path))


def _follows(path: Path, read: Callable[[Path], Any]) -> str:
    """Change a digit of each table in a copy: where other rows are read from it, the digest must be another one."""
    with TemporaryDirectory(prefix="harness-") as folder:
        copy = Path(folder) / path.name
        if path.is_dir():
            shutil.copytree(path, copy)
        else:
            shutil.copy(path, copy)
        before = read(copy)
        tables = [one for one in (copy, *sorted(copy.rglob("*"))) if one.suffix in TABLES and one.is_file()]
        for table in tables[:MANY]:
            content = table.read_bytes()
            table.write_bytes(_other_digit(content))
            try:
                after = read(copy)
            except Exception:  # then nothing was read from it
                after = before
            table.write_bytes(content)
            if after.digest == before.digest and _differs(before, after):
                return f"{table.name} has another number, but {_differs(before, after)}; use harness.data.digest_files"
    return ""


def _other_digit(content: bytes) -> bytes:
    """Return a file with its last digit changed."""
    place = max((content.rfind(str(digit).encode()) for digit in range(10)), default=-1)
    if place < 0:
        return content
    return content[:place] + str((int(content[place : place + 1]) + 1) % 10).encode() + content[place + 1 :]


def _must_refuse(read: Callable[[Path], object], path: Path) -> str:
    read(path)
    return "took it without a word; expected a HarnessError that says what is missing"


def _parts(dataset: Dataset) -> dict[str, Examples]:
    parts = {"train": dataset.train, "valid": dataset.valid, "test": dataset.test}
    return {name: part for name, part in parts.items() if part is not None}


def _differs(one: Dataset, other: Dataset) -> str:
    if one.digest != other.digest:
        return "the digest is another one"
    before, after = _parts(one), _parts(other)
    parts = [name for name in before if name not in after or not same_examples(before[name], after[name])]
    return f"{listed(parts)}: other rows, though the digest is the same" if parts else ""


def _ids(dataset: Dataset) -> str:
    for name, part in _parts(dataset).items():
        strange = sum(not isinstance(one, str) for one in part.ids)
        if strange or part.ids.dtype != object:
            return (
                f"{name}: {strange} ids are no texts, in an array of {part.ids.dtype}; expected texts in one of objects"
            )
        if not pd.Index(part.ids).is_unique:
            return f"{name}: some ids come twice"
    return ""


def _targets(dataset: Dataset, task: TaskType) -> str:
    if dataset.info.task_type is not task:
        return f"asked for {task}, the info says {dataset.info.task_type}"
    k = len(dataset.info.classes)
    wanted: dict[TaskType, tuple[Any, tuple[int, ...]]] = {
        TaskType.REGRESSION: (np.float64, ()),
        TaskType.MULTILABEL: (np.int8, (k,)),
    }
    dtype, shape = wanted.get(task, (np.int64, ()))
    for name, part in _parts(dataset).items():
        if part.targets is None:
            if name != "test":
                return f"{name} has no targets"
            continue
        if part.targets.dtype != dtype or part.targets.shape != (len(part), *shape):
            found, expected = (part.targets.dtype, part.targets.shape), (np.dtype(dtype), (len(part), *shape))
            return f"{name} has targets of {found[0]} {found[1]}, expected {expected[0]} {expected[1]}"
        if k and task.single_label and not ((part.targets >= 0) & (part.targets < k)).all():
            return f"{name} has codes that are none of 0 to {k - 1}"
    return ""


def _unlabelled(dataset: Dataset) -> str:
    told = "the test part has targets; a strategy could read them: leave them out"
    return told if dataset.test is not None and dataset.test.targets is not None else ""


def _digest(dataset: Dataset) -> str:
    fine = len(dataset.digest) == 64 and set(dataset.digest) <= set(string.hexdigits)
    return "" if fine else f"{dataset.digest!r}; use harness.data.digest_files with the files and what else matters"
