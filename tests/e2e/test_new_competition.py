"""A stranger's files: `new competition`, then `run`, with no edit in between, beat a constant on rows nobody saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

from harness.competition_file import read_competition

SHARE = 0.7


@dataclass(frozen=True)
class Files:
    """Where the files of a competition lie, and the hidden answers."""

    train: Path
    test: Path
    sample: Path
    answers: Path


def cut(folder: Path, frame: pd.DataFrame, target: str, sample: dict[str, object]) -> Files:
    """Write a table as train.csv, test.csv, sample_submission.csv and the answers that nobody is shown."""
    folder.mkdir(parents=True)
    frame = frame.sample(frac=1, random_state=0).reset_index(drop=True)
    frame.insert(0, "id", [f"{number:04d}" for number in range(len(frame))])
    rows = int(len(frame) * SHARE)
    files = Files(*(folder / f"{name}.csv" for name in ("train", "test", "sample_submission", "answers")))
    frame[:rows].to_csv(files.train, index=False)
    frame[rows:].drop(columns=target).to_csv(files.test, index=False)
    frame[rows:][["id"]].assign(**sample).to_csv(files.sample, index=False)
    frame[rows:][["id", target]].to_csv(files.answers, index=False)
    return files


@pytest.fixture
def beats_a_constant(harness, workspace, competitions) -> Callable[..., dict[str, float]]:
    """Return what makes a competition of files, runs it, and compares it with the constant baseline."""

    def trial(name: str, files: Files, metric: str, baseline: str = "baseline-prior", folds: int = 3) -> None:
        made = harness(
            *("new", "competition", name, "--train", files.train, "--test", files.test, "--sample", files.sample),
            *("--folds", str(folds)),
        )
        assert made.code == 0, made.err
        assert made.out.splitlines()[-1].endswith(f"run {name}")
        assert read_competition(competitions / name).primary == metric
        run = harness("run", name, "--no-tracking", "--threads", "1")
        assert run.code == 0, run.err
        scores = {}
        for file in ("best", baseline):
            path = workspace / "submissions" / name / f"{file}.csv"
            assert harness("validate", name, path).code == 0
            graded = harness("grade", name, path, "--truth", files.answers, "--json")
            assert graded.code == 0, graded.err
            scores[file] = graded.json["scores"][metric]
        lower = metric in ("log_loss", "rmse")
        assert (scores["best"] < 0.8 * scores[baseline]) if lower else (scores["best"] > 1.2 * scores[baseline]), scores

    return trial


def test_a_table_of_several_classes(beats_a_constant, tmp_path):
    wine = datasets.load_wine(as_frame=True)
    frame = wine.data.assign(kind=wine.target_names[wine.target])
    files = cut(tmp_path / "wine", frame, "kind", dict.fromkeys(wine.target_names, 1 / 3))
    beats_a_constant("wine", files, "log_loss")


def test_a_table_of_two_classes(beats_a_constant, tmp_path):
    cancer = datasets.load_breast_cancer(as_frame=True)
    frame = cancer.data.assign(benign=cancer.target)[:300]
    beats_a_constant("cancer", cut(tmp_path / "cancer", frame, "benign", {"benign": 0.5}), "roc_auc")


def test_a_table_of_numbers(beats_a_constant, tmp_path, harness, competitions):
    diabetes = datasets.load_diabetes(as_frame=True)
    frame = diabetes.data.assign(progression=diabetes.target)
    files = cut(tmp_path / "diabetes", frame, "progression", {"progression": 0})
    beats_a_constant("diabetes", files, "rmse", "baseline-mean")
    described = harness("describe", "diabetes")
    assert described.code == 0
    assert "local: ../../diabetes" in described.out.replace(str(tmp_path), "")
    assert harness("check", "diabetes").code == 0
    assert "| split | `random`" in (competitions / "diabetes/README.md").read_text()


def test_a_table_with_a_text(beats_a_constant, tmp_path, competitions):
    rng = np.random.default_rng(0)
    topics = {"cooking": "salt pan oven butter dough knife", "sailing": "wind mast rope harbour sail tide"}
    common = ["the", "and", "then", "again", "slowly", "with", "some", "more", "before", "after"]
    rows = []
    for number in range(160):
        topic = list(topics)[number % 2]
        words = [*rng.choice(topics[topic].split(), 3), *rng.choice(common, 7)]
        rows.append((" ".join(rng.permutation(words)), rng.normal(), topic))
    frame = pd.DataFrame(rows, columns=["story", "length", "topic"])
    files = cut(tmp_path / "stories", frame, "topic", {"topic": "cooking"})
    beats_a_constant("stories", files, "accuracy")
    found = read_competition(competitions / "stories")
    assert found.data.params["text"] == ["story"]
    assert {one.features.name for one in found.strategies if one.features} == {"imbalance.text", "imbalance.columns"}


def test_a_folder_of_images(beats_a_constant, tmp_path):
    from PIL import Image

    digits = datasets.load_digits(n_class=4)
    files = folder_files(tmp_path / "digits")
    answers = []
    for number, (pixels, digit) in enumerate(zip(digits.images[:120], digits.target, strict=False)):
        hidden = number >= 80
        home = files.test if hidden else files.train / f"digit-{digit}"
        home.mkdir(parents=True, exist_ok=True)
        Image.fromarray((pixels * 15).astype(np.uint8)).resize((32, 32)).save(home / f"{number}.png")
        answers += [(f"{number}.png", f"digit-{digit}")] if hidden else []
    table = pd.DataFrame(answers, columns=["file", "label"])
    table.to_csv(files.answers, index=False)
    table[["file"]].assign(**{f"digit-{digit}": 0.25 for digit in range(4)}).to_csv(files.sample, index=False)
    beats_a_constant("digits", files, "log_loss", folds=2)


def test_a_folder_of_sounds(beats_a_constant, tmp_path):
    import soundfile

    rng = np.random.default_rng(0)
    files = folder_files(tmp_path / "tones")
    answers = []
    seconds = np.arange(8000) / 8000
    for number in range(45):
        label, pitch = ("low", 400) if number % 3 == 0 else ("high", 1600) if number % 3 == 1 else ("middle", 800)
        tone = 0.3 * np.sin(2 * np.pi * pitch * rng.uniform(0.9, 1.1) * seconds) + rng.normal(0, 0.1, 8000)
        hidden = number >= 30
        home = files.test if hidden else files.train / label
        home.mkdir(parents=True, exist_ok=True)
        soundfile.write(home / f"{number:03d}.wav", tone.astype(np.float32), 8000)
        answers += [(f"{number:03d}", label)] if hidden else []
    table = pd.DataFrame(answers, columns=["recording", "label"])
    table.to_csv(files.answers, index=False)
    table.assign(label="low").to_csv(files.sample, index=False)
    beats_a_constant("tones", files, "accuracy", folds=2)


def folder_files(folder: Path) -> Files:
    """Return the places of a competition whose data are folders."""
    folder.mkdir()
    return Files(folder / "train", folder / "test", folder / "sample.csv", folder / "answers.csv")
