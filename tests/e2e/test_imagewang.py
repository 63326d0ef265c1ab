"""Image网 from a tree of images to a board of pretext tasks, a page, a submission and predictions of new images."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

TINY = ["--set", "*.size=16", "--set", "*.pretrain_epochs=1", "--set", "*.pretrain_batch=16", "--no-tracking"]
"""Networks in seconds: does it run at all?"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Four classes, of which two are in val; colours tell them apart."""
    rng = np.random.default_rng(0)

    def paint(path: Path, code: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 100, (36, 40, 3)).astype(np.uint8)
        pixels[:, :, code % 3] += np.uint8(60 + 60 * (code // 3))
        Image.fromarray(pixels).save(path)

    home = tmp_path / "wang"
    for code, name in enumerate(("ball", "beagle", "church", "dingo")):
        for row in range(4 if name in ("beagle", "dingo") else 8):
            paint(home / "train" / name / f"{name}{row}.png", code)
        if name in ("beagle", "dingo"):
            for row in range(4):
                paint(home / "val" / name / f"{name}_v{row}.png", code)
    for row in range(8):
        paint(home / "unsup" / f"u{row}.png", 1 + 2 * (row % 2))
    return home


def result_of(workspace: Path, name: str) -> SimpleNamespace:
    (path,) = (workspace / "runs" / "imagewang").glob(f"{name}-s0-*/result.json")
    return SimpleNamespace(folder=path.parent, **json.loads(path.read_text()))


@pytest.mark.drawn
def test_from_a_tree_to_a_board_a_page_and_a_submission(harness, workspace: Path, tree: Path, tmp_path: Path) -> None:
    done = harness("run", "imagewang", "--data", tree, "-s", "scratch", "-s", "greyblur", "-s", "simclr-knn", *TINY)
    assert done.code == 0, done.err
    greyblur = result_of(workspace, "greyblur")
    assert greyblur.marks == ["reads unsup"]
    assert any(note.startswith("greyblur: one pass over 32 images") for note in greyblur.notes)
    assert {"pretext.png", "accuracy.png", "confusion.png"} <= {path.name for path in greyblur.folder.rglob("*.png")}
    scores = greyblur.scores["accuracy"]
    assert 0 <= scores["oof"] <= 1
    assert 0 <= scores["valid"] <= 1
    frame = pd.read_csv(workspace / "submissions" / "imagewang" / "best.csv", dtype={"id": str})
    assert frame["id"].is_unique
    assert len(frame) == 8
    assert list(frame.columns) == ["id", "ball", "beagle", "church", "dingo"]
    assert (frame[["ball", "church"]] == 0).all().all()
    page = tmp_path / "page.html"
    done = harness("report", "imagewang", "--run", greyblur.folder.name, "--output", page)
    assert done.code == 0, done.err
    for words in ("What pretext tasks bring", "Rules", "What each task shows the network", "by epoch"):
        assert words in page.read_text(), words
    done = harness("predict", greyblur.folder.name, "--input", tree / "unsup", "--output", tmp_path / "new.csv")
    assert done.code == 0, done.err
    assert len(pd.read_csv(tmp_path / "new.csv")) == 8
    assert "warning" not in done.err
    (tree / "unsup" / "odd.png").write_text("no image")
    done = harness(
        "predict", greyblur.folder.name, "--input", tree / "unsup" / "odd.png", "--output", tmp_path / "n.csv"
    )
    assert done.code == 0, done.err
    assert "odd.png is not an image that can be read; predicted as plain grey" in done.err
    assert done.out.startswith("1 row: ")


def test_an_encoder_is_pretrained_alone_and_found_by_a_later_run(harness, workspace: Path, tree: Path) -> None:
    done = harness("stages", "imagewang", "--data", tree, "-s", "greyblur", *TINY[:-1])
    assert done.code == 0, done.err
    assert "imagewang.encoder" in done.out
    (encoder,) = (workspace / "cache").rglob("encoder.safetensors")
    made = encoder.stat().st_mtime_ns
    done = harness("run", "imagewang", "--data", tree, "-s", "greyblur", *TINY)
    assert done.code == 0, done.err
    assert [path.stat().st_mtime_ns for path in (workspace / "cache").rglob("encoder.safetensors")] == [made]


def test_without_unlabelled_images_the_others_run(harness, workspace: Path, tree: Path) -> None:
    for path in (tree / "unsup").iterdir():
        path.unlink()
    done = harness("run", "imagewang", "--data", tree, "-s", "scratch", "-s", "greyblur", *TINY)
    assert done.code == 3
    assert "no unsup folder, or an empty one" in done.err
    assert result_of(workspace, "scratch").status == "done"


@pytest.mark.fault("F-51")
def test_validation_images_in_a_pretext_task_are_marked(harness, workspace: Path, tree: Path) -> None:
    done = harness("run", "imagewang", "--data", tree, "-s", "greyblur", "--set", "greyblur.valid_images=true", *TINY)
    assert done.code == 0, done.err
    assert "sees validation inputs" in result_of(workspace, "greyblur").marks


def test_published_results_stand_beside_ours(harness, workspace: Path, tree: Path) -> None:
    done = harness("run", "imagewang", "--data", tree, "-s", "scratch", *TINY)
    assert done.code == 0, done.err
    done = harness("leaderboard", "imagewang")
    assert done.code == 0, done.err
    for words in ("SwAV", "0.7294", "size 16"):
        assert words in done.out, words


def test_the_sample_says_that_it_is_simulated(harness) -> None:
    done = harness("run", "imagewang", "-s", "scratch-linear", *TINY)
    assert done.code == 0, done.err
    assert "SIMULATED" in done.out
