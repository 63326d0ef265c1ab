"""Where tasks run changes nothing: the same bytes in one process, in several, and on Ray, for every plugin's sample."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ULMFIT = ("lm_epochs=1", "epochs=2", "embedding=16", "hidden=24")
CNN = ("mels=32", "hop=2048", "epochs=1", "epoch_examples=32")
SMALLEST = {
    "class-imbalance": ("-s", "none", "-s", "smote"),
    "air-quality-africa": (),
    "birdclef-2024": (
        *("-s", "cnn", "-s", "mel-statistics", "--set", "mel*.examples=150", "--set", "mel*.mels=32"),
        *(part for value in CNN for part in ("--set", f"cnn.model.{value}")),
    ),
    "enzyme-class": (
        *("-s", "ulmfit-char", "-s", "tfidf"),
        *(part for value in ULMFIT for part in ("--set", f"ulmfit-char.{value}")),
    ),
    "imagewang": (
        *("-s", "scratch", "-s", "greyblur-knn", "-s", "sesemi-linear"),
        *("--set", "*.size=16", "--set", "*.pretrain_epochs=1", "--set", "*.pretrain_batch=16"),
    ),
}
"""What each plugin's sample can train in seconds."""


def hashes(workspace: Path) -> dict[str, str]:
    files = [*workspace.glob("runs/*/*/oof.parquet"), *workspace.glob("submissions/*/*.csv")]
    return {str(path.relative_to(workspace)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.fault("F-09", "F-49")
@pytest.mark.parametrize("competition", SMALLEST)
def test_executors_agree_to_the_byte(harness, tmp_path, competition):
    found = {}
    for executor, workers in (("sequential", "1"), ("process", "2"), ("ray", "2")):
        place = tmp_path / executor
        args = ("--executor", executor, "--workers", workers, "--threads", "1", "--fast", "--no-tracking")
        given = ("--competitions", ROOT / "competitions", "--workspace", place, "run", competition)
        done = harness(*given, *SMALLEST[competition], *args)
        assert done.code == 0, done.err
        found[executor] = hashes(place)
    assert len(found["sequential"]) >= 3
    assert found["process"] == found["sequential"]
    assert found["ray"] == found["sequential"]
