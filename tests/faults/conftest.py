"""The toy competition with other plugins, and a competition of an own table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.prepare import prepare

TABLE = """
title = "Mine"
task = "{task}"
metrics = ["{metric}"]
[data]
source = "imbalance.table"
variant = "path"
[data.params]
id = "id"
target = "y"
test = "test.csv"
{params}
[split]
{split}
[strategies.plain]
features = "imbalance.columns"
model = "{model}"
"""


@pytest.fixture
def toy(competitions, harness, workspace):
    """Return the toy competition: ``add`` code to its own plugin, ``change`` its file, ``run`` strategies of it."""
    plugin, file = competitions / "toy/plugin.py", competitions / "toy/competition.toml"

    def add(code: str) -> None:
        plugin.write_text(f"{plugin.read_text()}\n{code}\n")
        prepare.cache_clear()  # a command of its own process would read the file anew

    def change(old: str, new: str) -> None:
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))
        prepare.cache_clear()

    def run(*args: str, **options):
        return harness("run", "toy", *args, "--no-tracking", **options)

    return SimpleNamespace(add=add, change=change, run=run, file=file, runs=workspace / "runs/toy", ws=workspace)


@pytest.fixture
def table(competitions, harness, tmp_path) -> Callable[..., SimpleNamespace]:
    """Return ``table({"train.csv": ..., "test.csv": ...}, task=..., ...)``: a competition "mine" of these files."""

    def make(files: dict[str, str | bytes], **given: str) -> SimpleNamespace:
        folder = Path(tmp_path / "data")
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        facts = {
            "task": "binary",
            "metric": "log_loss",
            "params": "",
            "split": 'use = "stratified"\nfolds = 3',
            "model": "imbalance.logistic_regression",
        }
        (competitions / "mine").mkdir(exist_ok=True)
        (competitions / "mine/competition.toml").write_text(TABLE.format(**{**facts, **given}))
        prepare.cache_clear()

        def run(*args: str):
            return harness("run", "mine", "--data", str(folder), "--no-tracking", *args)

        return SimpleNamespace(folder=folder, run=run)

    return make
