"""From data to a board, a submission, pictures and predictions of new digits, as a person would type it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread


@pytest.fixture
def harness(tmp_path: Path):
    """Return ``harness("run", ...)``, which answers with what is printed."""

    def call(*args: object) -> str:
        command = [sys.executable, "-m", "harness", *map(str, args)]
        env = {**os.environ, "HARNESS_WORKSPACE": str(tmp_path / "work")}
        done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path, timeout=280)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return call


def test_a_run_learns_from_the_sample_and_draws_the_code(harness, tmp_path: Path) -> None:
    quick = ["--no-tracking", "--set", "*.pretrain_epochs=8", "--set", "*.epochs=6"]
    harness("run", "digit-recognizer", "--fast", "-s", "variational", *quick)
    board = json.loads(harness("leaderboard", "digit-recognizer", "--json"))
    scores = {entry["strategy"]: entry["scores"]["accuracy"]["oof"] for entry in board["entries"]}
    assert scores["variational"] > 0.8
    assert scores["baseline-prior"] < 0.2
    figures = {path.name: path for path in (tmp_path / "work" / "runs").rglob("figures/*.png")}
    assert {"code-plane.png", "code-grid.png", "reconstructions.png"} <= set(figures)
    for name in ("code-plane.png", "code-grid.png", "reconstructions.png"):
        assert imread(figures[name]).std() > 0.05, f"{name} is blank"
    harness(
        "report",
        "digit-recognizer",
        "--run",
        next(iter(figures.values())).parents[1].name,
        "--output",
        tmp_path / "page.html",
    )
    assert "code plane" in (tmp_path / "page.html").read_text()


def test_kaggles_folder_becomes_a_submission_and_predictions_of_new_digits(
    harness, kaggle: Path, tmp_path: Path
) -> None:
    harness("run", "digit-recognizer", "--data", kaggle, "-s", "logistic", "--no-tracking")
    sent = pd.read_csv(tmp_path / "work" / "submissions" / "digit-recognizer" / "logistic.csv")
    assert list(sent.columns) == ["ImageId", "Label"]
    assert sent["Label"].tolist() == pd.read_csv(kaggle / "train.csv")["label"].iloc[:7].tolist()
    (run,) = (tmp_path / "work" / "runs" / "digit-recognizer").glob("logistic-*")
    harness("predict", run.name, "--input", kaggle / "test.csv", "--output", tmp_path / "new.csv")
    assert np.array_equal(pd.read_csv(tmp_path / "new.csv"), sent)
