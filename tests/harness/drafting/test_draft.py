"""From CSV files to a commented competition.toml that reads back as what was decided; odd names and folders."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.competition_file import read_competition
from harness.finding import find_competitions
from harness.plugins import load_plugins


def write(folder: Path, frame: pd.DataFrame, rows: int, target: str = "y") -> list[str]:
    folder.mkdir()
    frame[:rows].to_csv(folder / "train.csv", index=False)
    frame[rows:].drop(columns=target).to_csv(folder / "test.csv", index=False)
    return ["--train", str(folder / "train.csv"), "--test", str(folder / "test.csv")]


def table(n: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.normal(size=n)
    return pd.DataFrame(
        {"id": [f"r{k}" for k in range(n)], "x": x, "z": rng.normal(size=n), "y": x + rng.normal(size=n) > 0}
    )


@pytest.fixture
def files(tmp_path) -> list[str]:
    return write(tmp_path / "data", table(), 90)


def test_the_file_reads_back_and_tells_a_reason_for_each_choice(harness, competitions, files):
    done = harness("new", "competition", "mine", *files, "--title", 'My "own" task')
    assert done.code == 0, done.err
    text = (competitions / "mine/competition.toml").read_text(encoding="utf-8")
    found = read_competition(competitions / "mine")
    assert found.title == 'My "own" task'
    assert (found.task, found.split.name, found.primary) == ("binary", "stratified", "log_loss")
    assert found.data.variants["local"].path == "../../data"
    assert list(found.submission.columns) == ["False", "True"]
    assert found.blends[0].of == tuple(one.name for one in found.strategies)
    lines = text.splitlines()
    for key in ("task =", "metrics =", "source =", "path =", "target =", "id =", "positive =", 'use = "stratified"'):
        at = next(number for number, line in enumerate(lines) if line.startswith(key))
        assert lines[at - 1].startswith("# "), key
    assert max(map(len, lines)) <= 120
    assert harness("check", "mine").code == 0
    assert harness("describe", "mine").code == 0


def test_a_file_that_moved_is_told(harness, competitions, files, tmp_path):
    assert harness("new", "competition", "mine", *files).code == 0
    (tmp_path / "data").rename(tmp_path / "elsewhere")
    done = harness("check", "mine")
    assert done.code == 2
    assert "does not exist; mend path under [data.variants.local] in" in done.err
    assert harness("check", "mine", "--data", tmp_path / "elsewhere").code == 0


def test_odd_names_of_columns_and_classes_survive(harness, competitions, tmp_path):
    frame = table().rename(columns={"x": 'a "b"\\c', "z": "ü # [x]"})
    frame["y"] = np.where(frame["y"], "yes, 'please'", 'no = "never"')
    assert harness("new", "competition", "odd", *write(tmp_path / "d\u00e4ta [1]", frame, 90)).code == 0
    found = read_competition(competitions / "odd")
    assert set(found.submission.columns) == {"yes, 'please'", 'no = "never"'}
    assert harness("check", "odd").code == 0


def test_groups_that_the_test_set_does_not_share_are_kept_apart(harness, competitions, tmp_path):
    frame = table().assign(patient=np.arange(120) // 6)
    done = harness("new", "competition", "patients", *write(tmp_path / "data", frame, 90))
    assert done.code == 0, done.err
    found = read_competition(competitions / "patients")
    assert (found.split.name, found.split.params["group_on"]) == ("stratified_group", "patient")
    assert "of the test set, 0% have their group in training" in done.out
    assert harness("check", "patients").code == 0


def test_a_later_test_set_makes_a_split_by_time(harness, competitions, tmp_path):
    days = pd.date_range("2024-01-01", periods=120).strftime("%Y-%m-%d")
    frame = table().assign(day=days, y=np.arange(120) / 7)
    assert harness("new", "competition", "days", *write(tmp_path / "data", frame, 90)).code == 0
    found = read_competition(competitions / "days")
    assert (found.split.name, found.split.params["time_on"]) == ("time", "day")


def test_a_test_set_that_is_no_such_draw_is_told_and_marked(harness, competitions, tmp_path):
    frame = table().assign(age=np.r_[np.zeros(90), np.ones(30)] + np.linspace(0, 0.1, 120))  # no draw from the same
    done = harness("new", "competition", "shifted", *write(tmp_path / "data", frame, 90))
    assert done.code == 0, done.err
    assert "warning: split stratified, proposed although train and test are told apart with AUC 1.000" in done.out
    assert read_competition(competitions / "shifted").split_allowed.startswith("proposed although train and test")


def test_options_decide(harness, competitions, files):
    options = ["--metric", "f1", "--split", "random", "--folds", "3", "--id", "none", "--task", "binary"]
    assert harness("new", "competition", "mine", *files, *options).code == 0
    found = read_competition(competitions / "mine")
    assert (found.primary, found.split.name, found.split.params["folds"]) == ("f1", "random", 3)
    assert "id" not in found.data.params
    assert all(one.adjusters[0].name == "threshold" for one in found.strategies)


def test_without_a_test_file_there_is_no_submission(harness, competitions, files):
    done = harness("new", "competition", "mine", *files[:2], "--target", "y")
    assert done.code == 0, done.err
    assert "without a test file nothing is predicted but the folds" in done.out
    assert harness("check", "mine").code == 0


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("../up", "expected letters, digits, '-' and '_'"),
        ("a b", "expected letters, digits, '-' and '_'"),
        ("", "expected letters, digits, '-' and '_'"),
        ("toy", "toy exists already: choose another name, or remove it"),
        ("class-imbalance", "class-imbalance exists already: choose another name, or remove it"),
    ],
)
def test_unsafe_and_taken_names_are_refused(harness, competitions, files, name, told):
    before = sorted(competitions.rglob("*"))
    done = harness("new", "competition", name, *files)
    assert done.code == 2
    assert told in done.err
    assert sorted(competitions.rglob("*")) == before


def test_what_is_missing_is_told_before_anything_is_written(harness, competitions, files):
    for options, told in [
        ((*files[:1], "nowhere.csv"), "--train nowhere.csv: no such file or folder"),
        ((*files, "--sample", "no.csv"), "--sample no.csv: no such file or folder"),
        ((*files, "--split", "group"), "--split group: it needs a column of groups; name it with --group NAME"),
        ((*files, "--split", "strat"), "did you mean 'stratified'?"),
        ((*files, "--metric", "auc"), "no metric 'auc' is offered"),
    ]:
        done = harness("new", "competition", "mine", *options)
        assert (done.code, done.err.count("\n")) == (2, 1), done.err
        assert told in done.err
    assert "mine" not in find_competitions(competitions, load_plugins())


def test_a_leak_is_told_and_waits_for_a_reason(harness, competitions, tmp_path):
    frame = table()
    files = write(tmp_path / "data", frame.assign(copy=frame["y"] * 2.5), 90)
    done = harness("new", "competition", "mine", *files)
    assert done.code == 0
    assert "leak: target-copy" in done.out
    assert harness("check", "mine").code == 1
    path = competitions / "mine/competition.toml"
    text = path.read_text(encoding="utf-8")
    assert text.count('# target-copy = "why it is harmless"') == 1
    path.write_text(text.replace("# target-copy = ", "target-copy = "), encoding="utf-8")
    assert read_competition(competitions / "mine").leaks.accepted == {"target-copy": "why it is harmless"}


@pytest.mark.parametrize(
    ("targets", "told"),
    [
        (["", "a", "b"], "'y' is missing in 30 rows: r0, r3, r6"),
        (["a"], "has a single value, 'a'"),
        ([""], "(target) is empty in all rows"),
    ],
)
def test_targets_that_are_missing_or_alike_are_told(harness, competitions, tmp_path, targets, told):
    frame = table().assign(y=[targets[row % len(targets)] for row in range(120)])
    done = harness("new", "competition", "mine", *write(tmp_path / "data", frame, 90))
    assert done.code == 2
    assert told in done.err
    assert not (competitions / "mine").exists()


def test_the_group_of_commands_lists_and_suggests(harness):
    assert "competition" in harness("new", "--help").out
    assert "did you mean 'competition'?" in harness("new", "competiton", "x").err


def test_a_bare_comment_is_no_key(harness, competitions, files):
    assert harness("new", "competition", "mine", *files).code == 0
    table_ = tomllib.loads((competitions / "mine/competition.toml").read_text(encoding="utf-8"))
    assert set(table_) == {"title", "task", "metrics", "data", "split", "submission", "strategies", "blends"}


def test_more_folds_than_the_rarest_class_has_rows(harness, competitions, tmp_path):
    frame = table().assign(y=["rare" if row % 30 == 0 else "common" for row in range(120)])
    files = write(tmp_path / "data", frame, 90)
    done = harness("new", "competition", "mine", *files, "--folds", "50")
    assert done.code == 2
    assert "--folds 50: class 'rare' has 3 rows, fewer than the 50 folds" in done.err
    assert "expected at most 5" in done.err
    done = harness("new", "competition", "mine", *files)
    assert done.code == 0, done.err
    assert "class 'rare' has 3 rows, fewer than the 5 folds, some of which will have none of it" in done.out


def test_a_tab_is_shown_as_one_writes_it(harness, competitions, tmp_path):
    files = write(tmp_path / "data", table(), 90)
    for path in files[1::2]:
        Path(path).write_text(Path(path).read_text().replace(",", "\t"))
    done = harness("new", "competition", "mine", *files)
    assert done.code == 0, done.err
    assert "\\t  what stands between the values" in done.out
    assert harness("check", "mine").code == 0


def test_a_group_split_is_called_by_its_name_in_its_reason(harness, competitions, tmp_path):
    frame = table().assign(patient=np.arange(120) // 6)
    done = harness("new", "competition", "patients", *write(tmp_path / "data", frame, 90))
    assert "of what stratified_group validates" in done.out
    assert "of what group validates" not in done.out


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d/%m/%Y"])
def test_days_that_name_the_rows_make_a_split_by_time_and_are_no_leak(harness, competitions, tmp_path, form):
    days = pd.date_range("2024-01-01", periods=400)
    seasons = np.sin(np.arange(400) / 58) + np.random.default_rng(0).normal(size=400) * 0.1
    frame = table(400).drop(columns="id").assign(day=days.strftime(form), y=seasons)
    files = write(tmp_path / "data", frame, 300)
    frame[300:][["day", "y"]].to_csv(tmp_path / "sample.csv", index=False)
    done = harness("new", "competition", "days", *files, "--sample", str(tmp_path / "sample.csv"))
    assert done.code == 0, done.err
    found = read_competition(competitions / "days")
    assert (found.split.name, found.split.params["time_on"], found.submission.id) == ("time", "day", "day")
    done = harness("check", "days")
    assert done.code == 0, done.out
    assert "note: id-order: the date in the id predicts the target" in done.out
