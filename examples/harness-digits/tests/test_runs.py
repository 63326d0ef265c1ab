"""From data to a board, a submission, pictures and predictions of new digits, as a person would type it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from harness.cli import main
from matplotlib.image import imread


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return ``harness("run", ...)``: the command line, called in this process for speed."""
    monkeypatch.chdir(tmp_path)

    def call(*args: object) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["--workspace", str(tmp_path / "work"), *map(str, args)])
        found = capsys.readouterr()
        assert not ended.value.code, found.err
        return found.out

    return call


def test_a_run_learns_from_the_sample_and_draws_the_code(harness, tmp_path: Path) -> None:
    quick = ["--no-tracking", "--threads", "1", "--set", "*.pretrain_epochs=8", "--set", "*.epochs=6"]
    harness("run", "digit-recognizer", "--fast", "-s", "variational", *quick)
    board = json.loads(harness("leaderboard", "digit-recognizer", "--json"))
    scores = {entry["strategy"]: entry["scores"]["accuracy"]["oof"] for entry in board["entries"]}
    assert scores["variational"] > 0.8
    assert scores["baseline-prior"] < 0.2
    figures = {path.name: path for path in (tmp_path / "work" / "runs").rglob("figures/*.png")}
    assert {"code-plane.png", "code-grid.png", "reconstructions.png"} <= set(figures)
    for name in ("code-plane.png", "code-grid.png", "reconstructions.png"):
        assert imread(figures[name]).std() > 0.05, f"{name} is blank"
    run, page = figures["code-plane.png"].parents[1].name, tmp_path / "page.html"
    harness("report", "digit-recognizer", "--run", run, "--output", page)
    assert "code plane" in page.read_text()


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
