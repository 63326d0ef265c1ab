"""The plugin's answer to ``harness new competition``: tables of numbers, categories and texts."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from pathlib import Path

from harness.data import TaskType
from harness.proposal import Chosen, Given, Proposal
from harness_imbalance.proposing.columns import Found, find_columns
from harness_imbalance.proposing.look import Tables, look
from harness_imbalance.proposing.strategies import strategies_for
from harness_imbalance.proposing.task import choose_positive, choose_task

SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".pq")
SURE = 0.6
"""A table may be a plugin's that knows more of what stands in it."""


def propose(given: Given) -> Iterator[Proposal]:
    """Propose what to make of a table; nothing if the training data is none.

    Raises
    ------
    HarnessError
        If the files leave something open, with the option that decides it.
    """
    if not given.train.is_file() or not any(suffix in SUFFIXES for suffix in given.train.suffixes):
        return
    tables = look(given)
    found = find_columns(tables, given)
    task = choose_task(tables, found, given.task)
    root = _root(tables.paths)
    params = {**_columns(found), **_about_target(tables, task), **_files(tables, root)}
    rows, inputs = len(tables.train), len(found.inputs)
    yield Proposal(
        source="imbalance.table",
        about=f"a table of {rows:,} rows and {inputs} input column{'s' if inputs > 1 else ''}",
        sure=SURE,
        path=root,
        task=task,
        params=params,
        strategies=strategies_for(task.value, rows, len(found.texts), inputs > len(found.texts)),
        id=found.id.value or (tables.sample_columns[0] if tables.sample_columns else "id"),
        target=found.target.value,
        notes=found.notes,
    )


def _columns(found: Found) -> dict[str, Chosen]:
    params = {"target": found.target}
    if found.id.value:
        params["id"] = found.id
    others = {
        "text": found.text,
        "group": found.group,
        "time": found.time,
        "time_format": found.time_format,
        "drop": found.drop,
    }
    params |= {name: chosen for name, chosen in others.items() if chosen is not None}
    if found.codes:
        why = "whole numbers of few values: list those that are codes, not amounts"
        params["categorical"] = Chosen(list(found.codes), why, used=False)
    return params


def _about_target(tables: Tables, task: Chosen) -> dict[str, Chosen]:
    return {"positive": choose_positive(tables)} if task.value is TaskType.BINARY else {}


def _files(tables: Tables, root: Path) -> dict[str, Chosen]:
    params = {}
    if tables.separator != ",":
        params["separator"] = Chosen(tables.separator, "what stands between the values of a row")
    if tables.encoding:
        params["encoding"] = Chosen(
            tables.encoding, "the files are not UTF-8; this one reads them: see that its accents are right"
        )
    for name, path in tables.named_paths.items():
        # a name may hold what is a pattern elsewhere: train[1].csv
        params[name] = Chosen(glob.escape(path.relative_to(root).as_posix()))
    return params


def _root(paths: list[Path]) -> Path:
    return Path(os.path.commonpath([path.parent for path in paths]))
