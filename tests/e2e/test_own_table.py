"""An own table, by TOML alone: trained, submitted, predicted again."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

TOML = """
title = "Mine"
task = "binary"
metrics = ["roc_auc", "log_loss"]
[data]
source = "imbalance.table"
variant = "path"
[data.params]
id = "id"
target = "y"
positive = "1"
train = "train.csv"
test = "test.csv"
[strategies.lr]
features = "imbalance.columns"
model = "imbalance.logistic_regression"
"""


@pytest.fixture
def table(competitions: Path, tmp_path: Path) -> Path:
    rng = random.Random(0)
    (competitions / "mine").mkdir()
    (competitions / "mine/competition.toml").write_text(TOML)
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [(f"{number:03d}", rng.random(), rng.choice("abc")) for number in range(120)]
    lines = [f"{name},{x},{c},{int(x + rng.random() * 0.6 > 0.9)}\n" for name, x, c in rows]
    (folder / "train.csv").write_text("id,x,c,y\n" + "".join(lines))
    ids = ("007", "1e5", "ü", "9007199254740993")
    test = "\ufeffid,x,c\r\n" + "".join(f"{name},{rng.random()},{rng.choice('abcd')}\r\n" for name in ids)
    (folder / "test.csv").write_text(test, encoding="utf-8", newline="")
    return folder


@pytest.mark.fault("F-24", "F-28")
def test_own_table_is_trained_and_its_test_file_predicted_again_alike(harness, workspace, table):
    done = harness("run", "mine", "--data", str(table), "--no-tracking")
    assert done.code == 0, done.err
    submission = (workspace / "submissions/mine/lr.csv").read_text(encoding="utf-8")
    assert [line.split(",")[0] for line in submission.splitlines()] == ["id", "007", "1e5", "ü", "9007199254740993"]
    again = harness("predict", "lr", "--input", str(table / "test.csv"), "--output", "again.csv")
    assert again.code == 0, again.err
    assert (workspace / "again.csv").read_text(encoding="utf-8") == submission
