"""Protein competitions from data to submission, report and predictions of new sequences."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

TINY = [
    "--set", "ulmfit-char*.lm_epochs=1", "--set", "ulmfit-char*.epochs=2",
    "--set", "ulmfit-char*.embedding=16", "--set", "ulmfit-char*.hidden=24",
]  # fmt: skip
"""ULMFiT in seconds: does it run at all?"""


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """Sixty short sequences of two families in the layout of the competition."""
    rows = [("ACDEFGHIKL" * 3)[at % 7 :] + "W" * (at % 3) for at in range(30)]
    rows += [("MNPQRSTVWY" * 3)[at % 7 :] + "C" * (at % 3) for at in range(30)]
    folder = tmp_path / "kinases"
    folder.mkdir()
    classes = [row // 30 if row % 30 > 8 else row % 8 for row in range(60)]
    train = pd.DataFrame({"ID": [f"a{row}" for row in range(60)], "Sequence": rows, "target": classes})
    train.to_csv(folder / "Train.csv", index=False)
    test = pd.DataFrame({"ID": ["007", "1e5"], "Sequence": ["acdefghikl", ""]})
    test.to_csv(folder / "Test.csv", index=False)
    return folder


def test_from_a_folder_to_a_checked_submission(harness, workspace: Path, layout: Path, tmp_path: Path) -> None:
    done = harness(
        "run", "protein-kinase", "--data", layout, "--folds", 2, "-s", "tfidf", "-s", "neighbours", "--no-tracking"
    )
    assert done.code == 0, done.err
    best = pd.read_csv(workspace / "submissions" / "protein-kinase" / "best.csv", dtype={"ID": str})
    assert best["ID"].tolist() == ["007", "1e5"]
    assert list(best.columns) == ["ID", *(f"target_{code}" for code in range(8))]
    new = tmp_path / "new.fasta"
    new.write_text(">first\nACDEFGHIKL\n>second\nmnpqrs*\n")
    run = next((workspace / "runs" / "protein-kinase").glob("tfidf-*"))
    done = harness("predict", run.name, "--input", new, "--output", tmp_path / "new.csv")
    assert done.code == 0, done.err
    assert pd.read_csv(tmp_path / "new.csv")["ID"].tolist() == ["first", "second"]


@pytest.mark.drawn
def test_ulmfit_reads_a_corpus_and_says_so(harness, workspace: Path, layout: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "others.fasta"
    corpus.write_text("".join(f">{row}\n{'ACDEFGHIKLMNPQRSTVWY' * 4}\n" for row in range(3)))
    done = harness(
        "run", "protein-kinase", "--data", layout, "--folds", 2, "--unlabelled", corpus, "-s", "ulmfit-char",
        "-s", "ulmfit-char-nopretrain", "--no-tracking", *TINY,
    )  # fmt: skip
    assert done.code == 0, done.err
    (path,) = (workspace / "runs" / "protein-kinase").glob("ulmfit-char-s0-*/result.json")
    result = json.loads(path.read_text())
    assert "reads others" in result["marks"]
    assert any("forward language model: next token" in note for note in result["notes"])
    figures = [figure.name for figure in path.parent.rglob("*.png")]
    assert {"curves.png", "identity_bands.png"} <= set(figures)
    report = harness("report", "protein-kinase", "--run", path.parent.name, "--output", tmp_path / "page.html")
    assert report.code == 0, report.err
    assert "What pretraining and subwords bring" in (tmp_path / "page.html").read_text()


@pytest.mark.fault("F-51")
def test_what_reads_the_test_set_says_so_and_may_be_forbidden(
    harness, workspace: Path, layout: Path, competitions: Path
) -> None:
    done = harness(
        "run", "protein-kinase", "--data", layout, "--folds", 2, "-s", "ulmfit-char", "--no-tracking", *TINY,
        "--set", "ulmfit-char.test_inputs=true",
    )  # fmt: skip
    assert done.code == 0, done.err
    (path,) = (workspace / "runs" / "protein-kinase").glob("ulmfit-char-s0-*/result.json")
    assert "sees test inputs" in json.loads(path.read_text())["marks"]
    home = competitions / "strict"
    home.mkdir()
    import harness as package

    text = (Path(package.__file__).parents[1] / "competitions" / "protein-kinase" / "competition.toml").read_text()
    (home / "competition.toml").write_text(text + "\n[rules]\ntest_inputs = false\n")
    refused = harness(
        "run", "strict", "--data", layout, "--folds", 2, "-s", "ulmfit-char", "--set", "ulmfit-char.test_inputs=true"
    )
    assert refused.code == 2
    assert "learns from the test set's inputs, which the rules of strict forbid" in refused.err


def test_a_class_without_a_column_is_told_before_anything_is_trained(harness, layout: Path) -> None:
    rows = pd.read_csv(layout / "Train.csv", dtype=str)
    rows.loc[0, "target"] = "9"
    rows.to_csv(layout / "Train.csv", index=False)
    for command in ("check", "run"):
        done = harness(command, "protein-kinase", "--data", layout)
        assert done.code == 2
        assert "[submission] has no column for 9, classes of the training rows" in done.err


def test_a_command_shows_the_board_of_its_own_data(harness, workspace: Path, layout: Path) -> None:
    first = ("run", "protein-kinase", "--data", layout, "--folds", 2, "-s", "tfidf", "--no-tracking")
    assert harness(*first).code == 0
    assert harness("run", "protein-kinase", "--folds", 2, "-s", "tfidf", "--fast", "--no-tracking").code == 0
    done = harness(*first)
    assert "data: path" in done.out
    best = pd.read_csv(workspace / "submissions" / "protein-kinase" / "best.csv", dtype=str)
    assert best["ID"].tolist() == ["007", "1e5"]


@pytest.mark.slow
def test_kinases_on_the_real_layout(harness, workspace: Path, real_data: Path) -> None:
    """The default strategies: a checked submission, and pretraining that pays."""
    done = harness("run", "protein-kinase", "--data", real_data / "protein" / "kinase_domain_ec8", "--json")
    assert done.code == 0, done.err
    board = {entry["name"]: entry["scores"] for entry in done.json["leaderboard"]["entries"]}
    assert board["blend"]["log_loss"]["oof"] <= 0.24
    assert board["blend"]["ece"]["oof"] <= 0.03
    assert board["ulmfit-bpe-1000"]["log_loss"]["oof"] < board["ulmfit-bpe-1000-nopretrain"]["log_loss"]["oof"]


@pytest.mark.slow
def test_enzymes_on_the_real_layout(harness, real_data: Path) -> None:
    done = harness("run", "enzyme-class", "--data", real_data / "protein" / "enzyme_ec7", "-s", "neighbours", "--json")
    assert done.code == 0, done.err
    assert done.json["leaderboard"]["entries"][0]["scores"]["log_loss"]["oof"] <= 1.20
