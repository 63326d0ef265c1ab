"""`harness tune`: trials are runs off the board, a killed study goes on, and the winner can be pasted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.prepare import prepare

pytest.importorskip("optuna", reason="tuning needs Optuna (the extra `tune`)")

SHARP = ("--range", "sharpness=0.2:20:log")


@pytest.fixture(autouse=True)
def fresh():
    prepare.cache_clear()


def tune(harness, *options, trials=6):
    return harness("tune", "toy", "-s", "sharp", *SHARP, "--trials", str(trials), *options)


def names(harness, *options):
    return [entry["name"] for entry in harness("leaderboard", "toy", *options, "--json").json["entries"]]


def test_the_winner_beats_the_default_and_is_a_run_of_its_own(harness, workspace):
    done = tune(harness, "--no-tracking", "--json", trials=8)
    assert done.code == 0, done.err
    found = done.json
    assert found["trials"] == 8
    assert found["pruned"] > 0
    assert found["best"]["oof"] < found["default"]["oof"]
    assert found["gain"] == pytest.approx(found["default"]["oof"] - found["best"]["oof"], abs=1e-3)
    finished = found["trials"] - found["pruned"]
    assert (found["selected_on_other_folds"] is None) == (2 * finished < found["trials"])
    assert found["again"]["gain"] > 0
    assert found["importance"] == {"model.sharpness": pytest.approx(1)}
    board = harness("leaderboard", "toy", "--json").json["entries"]
    winner = next(entry for entry in board if entry["name"] == "sharp-tuned")
    assert winner["scores"]["log_loss"]["oof"] == found["best"]["oof"]
    assert winner["marks"] == ["simulated", "best of 8 trials"]
    assert (workspace / "submissions/toy/sharp-tuned.csv").is_file()
    assert (workspace / "tune.db").is_file()


def test_each_fold_by_the_trial_best_on_the_others_is_told_where_most_trials_ended(harness):
    options = ("--range", "sharpness=0.9,1.0,1.1,1.2", "--trials", "5", "--no-tracking")
    done = harness("tune", "toy", "-s", "sharp", *options, "--json")
    found = done.json
    assert found["pruned"] <= 2, done.err
    assert found["best"]["oof"] <= found["selected_on_other_folds"] < found["default"]["oof"]


def test_a_gain_that_other_folds_do_not_show_is_called_one(harness):
    done = harness("tune", "toy", "-s", "near", "--range", "sharpness=0.9:1.1", "--trials", "5", "--no-tracking")
    assert done.code == 0, done.err
    again = next(line for line in done.out.splitlines() if line.startswith("again"))
    gain, error = (float(part) for part in again.split("better by ")[1].split(" on other")[0].split(" ± "))
    assert ("verdict" in done.out) == (gain <= error)


def test_trials_stay_off_the_board_unless_they_are_asked_for(harness):
    assert tune(harness, "--no-tracking", trials=4).code == 0
    assert names(harness) == ["sharp-tuned", "sharp", "baseline-prior"]
    entries = harness("leaderboard", "toy", "--trials", "--json").json["entries"]
    trials = [entry for entry in entries if entry["trial"] is not None]
    assert trials
    assert all(entry["name"] == f"sharp trial {entry['trial']['trial']}" for entry in trials)
    assert all(entry["label"].startswith("sharp (model.sharpness=") for entry in trials)
    winner = next(entry for entry in entries if entry["name"] == "sharp-tuned")
    assert winner["scores"] not in [entry["scores"] for entry in trials]  # the winner is there once


def test_a_trial_that_is_run_by_name_takes_its_place_on_the_board(harness, workspace):
    assert tune(harness, "--no-tracking", "--no-confirm", trials=4).code == 0
    entries = harness("leaderboard", "toy", "--trials", "--json").json["entries"]
    hidden = next((entry["label"], entry["run_id"]) for entry in entries if entry["trial"] is not None)
    value = hidden[0].split("=")[1].rstrip(")")
    count = workspace / "count"
    setting = f"sharp.sharpness={value}"
    done = harness("run", "toy", "-s", "sharp", "--set", setting, "--no-tracking", env={"TOY_COUNT": str(count)})
    assert done.code == 0, done.err
    assert not count.exists()  # its folds were there
    assert hidden[0] in names(harness)
    assert list((workspace / "runs/toy" / hidden[1] / "figures").iterdir())


def test_a_run_on_the_board_stays_there_when_a_trial_is_the_same(harness):
    assert harness("run", "toy", "-s", "near", "--set", "near.sharpness=2.0", "--no-tracking").code == 0
    done = harness(
        "tune", "toy", "-s", "near", "--range", "sharpness=1.0,2.0", "--trials", "6", "--no-tracking", "--no-confirm"
    )
    assert done.code == 0, done.err
    assert "near (model.sharpness=2.0)" in names(harness)


def test_the_winner_is_pasted_and_trains_nothing_again(harness, competitions, workspace):
    found = tune(harness, "--no-tracking", "--no-confirm", "--json", trials=3).json
    file = Path(found["file"])
    assert file.read_text() == found["strategy"]
    path = competitions / "toy/competition.toml"
    path.write_text(path.read_text() + "\n" + found["strategy"])
    prepare.cache_clear()
    count = workspace / "count"
    done = harness("run", "toy", "-s", "sharp-tuned", "--no-tracking", "--json", env={"TOY_COUNT": str(count)})
    assert done.code == 0, done.err
    run = next(one for one in done.json["strategies"] if one["name"] == "sharp-tuned")
    assert run["run_id"] == found["best"]["run_id"]
    assert run["scores"]["log_loss"]["oof"] == found["best"]["oof"]
    assert not count.exists()


def test_the_end_tells_what_luck_there_is_and_what_to_paste(harness):
    done = tune(harness, "--no-tracking")
    assert done.code == 0, done.err
    assert "the best of 6 is flattered by luck" in done.out
    for line in ("trials      6", "default     log_loss", "best        log_loss", "again       log_loss"):
        assert line in done.out
    assert "[strategies.sharp-tuned]" in done.out
    assert done.err.count("\ntrial ") == 6


def test_the_same_command_goes_on_and_more_trials_are_added(harness):
    options = ("--no-tracking", "--no-confirm", "--json")
    first = tune(harness, *options, trials=3).json
    more = tune(harness, *options, trials=6)
    assert (first["trials"], more.json["trials"]) == (3, 6)
    assert more.json["study"] == first["study"]
    assert more.err.count("\ntrial ") == 3
    again = tune(harness, *options, trials=6)
    assert again.json == more.json
    assert "\ntrial " not in again.err


def trials_of(workspace: Path) -> list[tuple]:
    import optuna

    storage = optuna.storages.RDBStorage(f"sqlite:///{workspace / 'tune.db'}")
    (summary,) = optuna.get_all_study_summaries(storage)
    study = optuna.load_study(study_name=summary.study_name, storage=storage)
    found = [
        (t.state.name, t.params["model.sharpness"], t.value, tuple(t.user_attrs["folds"]))
        for t in study.trials
        if t.state.name in ("COMPLETE", "PRUNED")
    ]
    failed = [t.state.name for t in study.trials if t.state.name == "FAIL"]
    storage.remove_session()
    storage.engine.dispose()
    return [found, failed]


def test_a_killed_study_goes_on_and_ends_as_one_that_nobody_disturbed(competitions, tmp_path):
    """Killed by SIGKILL in the middle of a trial, resumed by the same command."""

    def command(workspace: Path) -> list[str]:
        start = [sys.executable, "-m", "harness", "--competitions", str(competitions), "--workspace", str(workspace)]
        settings = ("--set", "near.slow=0.1", *SHARP, "--trials", "6", "--no-tracking", "--json", "--no-confirm")
        return [*start, "tune", "toy", "-s", "near", *settings]

    undisturbed = subprocess.run(command(tmp_path / "whole"), capture_output=True, text=True, timeout=120)
    assert undisturbed.returncode == 0, undisturbed.stderr
    killed = tmp_path / "killed"
    count = tmp_path / "count"
    process = subprocess.Popen(
        command(killed), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "TOY_COUNT": str(count)}
    )
    deadline = time.monotonic() + 60
    while not count.exists() or len(count.read_text().splitlines()) < 11:  # the default, two trials, and a half
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    resumed = subprocess.run(command(killed), capture_output=True, text=True, timeout=120)
    assert resumed.returncode == 0, resumed.stderr
    whole, again = trials_of(tmp_path / "whole"), trials_of(killed)
    assert again[0] == whole[0]
    assert (whole[1], again[1]) == ([], ["FAIL"])
    one, other = json.loads(undisturbed.stdout), json.loads(resumed.stdout)
    assert {**one, "file": ""} == {**other, "file": ""}


def test_a_default_outside_the_ranges_is_still_what_trials_are_compared_with(harness):
    options = ("--range", "sharpness=5:9", "--trials", "5", "--no-tracking", "--no-confirm", "--json")
    done = harness("tune", "toy", "-s", "near", *options)
    assert done.code == 0, done.err
    assert done.json["best"] is None
    assert done.json["selected_on_other_folds"] == done.json["default"]["oof"]
    assert "the best so far" not in done.err


@pytest.mark.slow
def test_several_workers_train_the_folds_of_a_trial(harness):
    one = tune(harness, "--no-tracking", "--no-confirm", "--json", trials=3).json
    prepare.cache_clear()
    options = ("--workspace", "other", "tune", "toy", "-s", "sharp", *SHARP, "--trials", "3")
    two = harness(*options, "--no-tracking", "--no-confirm", "--json", "--workers", "2", "--threads", "1")
    assert two.code == 0, two.err
    assert two.json["best"]["params"] == one["best"]["params"]


def test_time_ends_a_study_and_what_was_under_way_is_tried_first_the_next_time(harness):
    slow = ("--set", "sharp.slow=0.3", "--no-tracking", "--no-confirm", "--json")
    first = tune(harness, *slow, "--budget", "5s", trials=100)
    assert first.code == 0, first.err
    assert first.json["trials"] < 100
    more = tune(harness, *slow, trials=first.json["trials"] + 1)
    assert more.json["trials"] == first.json["trials"] + 1


def test_trials_are_nested_under_one_run_in_mlflow(harness, workspace):
    from mlflow import MlflowClient

    assert tune(harness, "--no-confirm", trials=4).code == 0
    assert tune(harness, "--no-confirm", trials=6).code == 0
    client = MlflowClient(f"sqlite:///{workspace / 'mlflow.db'}")
    (experiment,) = [e for e in client.search_experiments() if e.name == "toy"]
    runs = client.search_runs([experiment.experiment_id], max_results=500)
    (study,) = [run for run in runs if run.data.tags.get("level") == "tune"]
    trials = [run for run in runs if run.data.tags.get("level") == "trial"]
    assert len(trials) == 6
    assert {run.data.tags["mlflow.parentRunId"] for run in trials} == {study.info.run_id}
    assert study.info.status == "FINISHED"
    finished = [run for run in trials if run.info.status == "FINISHED"]
    assert {run.info.status for run in trials} <= {"FINISHED", "KILLED"}
    history = client.get_metric_history(study.info.run_id, "oof_log_loss")
    assert sorted(point.value for point in history) == sorted(run.data.metrics["oof_log_loss"] for run in finished)
    shown = [entry["name"] for entry in harness("leaderboard", "toy", "--from-tracking", "--json").json["entries"]]
    assert not any("(" in name for name in shown)


def test_a_trial_that_fails_costs_itself_only(harness):
    done = harness(
        *("tune", "toy", "-s", "near", "--range", "fail=,ValueError", "--range", "sharpness=0.2:5"),
        *("--trials", "4", "--no-tracking", "--json", "--no-confirm"),
    )
    assert done.code == 0, done.err
    assert done.json["trials"] == 4
    assert "failed: ValueError: asked to fail" in done.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("-s", "neer"), "did you mean 'near'?"),
        (("-s", "near", "--range", "sharp=1:2"), "has no parameter 'sharp'; did you mean 'sharpness'?"),
        (("-s", "near", "--range", "sharpness=2:1"), "expected LOW below HIGH"),
        (("-s", "near", "--range", "sharpness=0:1:log"), "begins above 0"),
        (("-s", "near", "--range", "sharpness=-1:1"), "expected a number at least 0"),
        (("-s", "near", "--range", "sharpness"), "it declares no range"),
        (("-s", "near", "--range", "sharpness=a:b"), "'a' is no number"),
        (("-s", "near",), "has no parameter with a range to tune"),
        (("-s", "near", *SHARP, "--budget", "soon"), "expected a length of time"),
        (("-s", "broken", *SHARP), "broken as it is fails, so nothing is tuned"),
    ],
)  # fmt: skip
def test_mistakes_are_told_in_one_line(options, told, harness):
    done = harness("tune", "toy", *options, "--no-tracking")
    assert done.code == 2
    assert told in done.err.splitlines()[-1]


def test_without_optuna_one_line_tells_how_to_get_it(harness, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    done = tune(harness, "--no-tracking")
    assert (done.code, done.err) == (
        2,
        "error: tuning needs Optuna; install it: pip install 'competition-harness[tune]'\n",
    )
