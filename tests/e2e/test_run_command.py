"""``harness run`` as a user runs it, on the toy competition."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import pytest

from harness.plugins import KNOWN


def rows(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text(encoding="utf-8").splitlines()))


def test_run_ends_with_a_board_and_checked_submissions(harness, workspace):
    done = harness("run", "toy", "-s", "near", "-s", "calibrated")
    assert done.code == 0, done.err
    for text in ("baseline-prior", "near", "calibrated", "SIMULATED", "submissions/toy/best.csv", " ui toy\n"):
        assert text in done.out, text
    files = sorted(path.name for path in (workspace / "submissions/toy").iterdir())
    assert files == ["baseline-prior.csv", "best.csv", "calibrated.csv", "near.csv"]
    table = rows(workspace / "submissions/toy/near.csv")
    assert table[0] == ["row_id", "ash", "beech", "cedar"]
    assert [row[0] for row in table[1:]] == [f"{500 + row}" for row in range(30)]
    assert sum(map(float, table[1][1:])) == pytest.approx(1)
    assert harness("validate", "toy", str(workspace / "submissions/toy/near.csv")).code == 0
    assert not [path for path in workspace.rglob("*") if path.name.startswith((".tmp", ".writing"))]


def test_json_has_the_documented_keys(harness, workspace):
    done = harness("run", "toy", "-s", "near", "--no-tracking", "--json", "--out", "handed/in")
    found = done.json
    assert set(found) >= {"competition", "data", "strategies"}
    assert set(found["data"]) == {"variant", "digest"}
    entry = next(entry for entry in found["strategies"] if entry["name"] == "near")
    assert set(entry) == {"name", "seed", "run_id", "status", "scores", "seconds", "submission"}
    assert set(entry["scores"]["log_loss"]) >= {"oof", "valid", "mean", "stderr"}
    assert entry["scores"]["log_loss"]["valid"] is None
    assert (workspace / entry["submission"]).is_file()
    assert (workspace / "handed/in/best.csv").is_file()


@pytest.mark.fault("F-50")
def test_board_is_ranked_with_a_baseline_and_json_agrees(harness):
    harness("run", "toy", "-s", "near", "-s", "sharp", "--no-tracking")
    board = harness("leaderboard", "toy", "--json").json
    entries = board["entries"]
    scores = [entry["scores"]["log_loss"]["oof"] for entry in entries]
    assert [entry["rank"] for entry in entries] == [1, 2, 3]
    assert scores == sorted(scores)
    assert sum(entry["baseline"] for entry in entries) == 1
    assert entries[-1]["name"] == "baseline-prior"
    assert entries[-1]["scores"]["log_loss"]["oof"] == pytest.approx(1.0986, abs=1e-3)


@pytest.mark.fault("F-50")
def test_a_strategy_worse_than_the_baseline_is_flagged(harness):
    harness("run", "toy", "-s", "sharp", "--set", "sharp.sharpness=2000.0", "--no-tracking")
    entries = harness("leaderboard", "toy", "--json").json["entries"]
    worst = entries[-1]
    assert worst["name"] == "sharp (model.sharpness=2000.0)"
    assert worst["flags"] == ["simulated", "not better than the baseline"]


def test_same_command_twice_gives_identical_bytes_and_trains_nothing(harness, workspace):
    count = workspace / "count"
    args = ("run", "toy", "-s", "near", "--set", "near.noise=0.1", "--no-tracking", "--json")
    first = harness(*args, env={"TOY_COUNT": str(count)}).json
    trained = count.read_text()
    second = harness(*args, env={"TOY_COUNT": str(count)}).json
    assert count.read_text() == trained == "fit\n" * 3
    assert first == second


@pytest.mark.fault("F-49")
def test_same_seed_in_another_workspace_gives_the_same_oof_and_another_seed_does_not(harness, workspace):
    def oof(folder: str, seed: str) -> pd.DataFrame:
        args = ("run", "toy", "-s", "near", "--set", "near.noise=0.1", "--seed", seed, "--no-tracking", "--json")
        entry = harness("--workspace", folder, *args).json["strategies"][-1]
        return pd.read_parquet(workspace / folder / "runs/toy" / entry["run_id"] / "oof.parquet")

    pd.testing.assert_frame_equal(oof("a", "1"), oof("b", "1"), check_exact=True)
    assert not oof("a", "1").equals(oof("b", "2"))


@pytest.mark.fault("F-09")
def test_processes_give_the_same_bytes_as_one_process(harness, workspace):
    args = ("run", "toy", "-s", "near", "--set", "near.noise=0.1", "--threads", "1", "--no-tracking")
    harness("--workspace", "one", *args)
    done = harness("--workspace", "two", *args, "--workers", "2")
    assert done.code == 0, done.err
    (one,) = (workspace / "one/runs/toy").glob("near-*/oof.parquet")
    (two,) = (workspace / "two/runs/toy").glob("near-*/oof.parquet")
    assert one.parent.name == two.parent.name
    assert one.read_bytes() == two.read_bytes()


def test_several_seeds_make_a_mean_of_their_own(harness, workspace):
    done = harness("run", "toy", "-s", "near", "--set", "near.noise=0.5", "--seed", "1", "--seed", "2", "--json")
    names = [(entry["name"], entry["seed"]) for entry in done.json["strategies"] if entry["name"].startswith("near")]
    label = "near (model.noise=0.5)"
    assert names == [(label, 1), (label, 2), (f"{label} (mean of 2 seeds)", None)]
    folder = workspace / "submissions/toy"
    one, two, mean = (pd.read_csv(folder / f"near{end}.csv", index_col="row_id") for end in ("-seed1", "-seed2", ""))
    pd.testing.assert_frame_equal(mean, (one + two) / 2)
    scores = [entry["scores"]["log_loss"]["oof"] for entry in done.json["strategies"][-3:]]
    assert scores[2] < max(scores[:2])


def test_strategies_that_train_the_same_model_share_its_folds(harness, workspace):
    count = workspace / "count"
    harness("run", "toy", "-s", "sharp", "-s", "calibrated", "--no-tracking", env={"TOY_COUNT": str(count)})
    assert count.read_text() == "fit\n" * 3
    scores = {
        e["name"]: e["scores"]["log_loss"]["oof"] for e in harness("leaderboard", "toy", "--json").json["entries"]
    }
    assert scores["calibrated"] < scores["sharp"]


@pytest.mark.fault("F-31")
def test_a_failing_strategy_leaves_the_others_alone_and_the_code_says_partial(harness, workspace):
    done = harness("run", "toy", "-s", "near", "-s", "broken")
    assert done.code == 3
    assert "broken: ValueError: asked to fail" in done.err
    (record,) = (workspace / "runs/toy").glob("broken-*/failed.json")
    assert f"asked to fail (traceback: {record.relative_to(workspace)})\n" in done.err
    assert "asked to fail" in json.loads(record.read_text())["traceback"]
    assert (workspace / "submissions/toy/near.csv").exists()
    assert not (workspace / "submissions/toy/broken.csv").exists()
    again = harness("run", "toy", "-s", "near", "-s", "broken")
    assert again.code == 3
    assert "--retry-failed" in again.err


@pytest.mark.fault("F-31")
def test_a_plugin_that_exits_fails_its_own_strategy_only(harness):
    done = harness("run", "toy", "-s", "near", "-s", "broken", "--set", "broken.fail=SystemExit", "--no-tracking")
    assert done.code == 3
    assert "SystemExit: asked to fail" in done.err


def test_fast_is_marked_everywhere_and_stays_off_the_full_board(harness, workspace):
    done = harness("run", "toy", "-s", "near", "--fast", "--no-tracking")
    assert done.code == 0, done.err
    assert "fast" in done.out
    assert sorted(path.name for path in (workspace / "submissions/toy").iterdir()) == [
        "baseline-prior-fast.csv",
        "best-fast.csv",
        "near-fast.csv",
    ]
    harness("run", "toy", "-s", "near", "--no-tracking")
    board = harness("leaderboard", "toy", "--json").json
    assert [entry["flags"] for entry in board["entries"]] == [["simulated"]] * 2
    assert board["others"] == 2


@pytest.mark.fault("F-05")
def test_a_changed_parameter_is_a_new_run_and_the_screen_says_what_differs(harness, workspace):
    harness("run", "toy", "-s", "near", "--no-tracking")
    done = harness("run", "toy", "-s", "near", "--set", "near.sharpness=2.0", "--no-tracking")
    assert "a new run, model.sharpness: 1.0 -> 2.0" in done.err
    assert len(list((workspace / "runs/toy").glob("near-*"))) == 2


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("run", "toyy"), "no competition 'toyy'; did you mean 'toy'?"),
        (("run", "toy", "-s", "neer"), "toy has no strategy 'neer'; did you mean 'near'?"),
        (("run", "toy", "--set", "near.sharpnes=1"), "has no parameter 'sharpnes'; did you mean 'sharpness'?"),
        (("run", "toy", "--set", "near.sharpness=big"), "expected `float`, got `str`"),
        (("run", "toy", "--set", "near.sharpness=-1"), "expected a number at least 0"),
        (("run", "toy", "--data", "smaple"), "did you mean 'sample'?"),
        (("run", "toy", "--device", "cuda"), "no CUDA device was found"),
        (("grade", "toy", "competition.toml"), "Missing option '--truth'; see: harness grade --help"),
        (("rnu", "toy"), "no command 'rnu'; did you mean 'run'?"),
        (("run", "toy", "--seed", "1", "--seed", "1"), "--seed is given twice"),
        (("validate", "toy", "nowhere.csv"), "nowhere.csv"),
        (("predict", "nothing", "--input", "x", "--output", "y"), "no finished run 'nothing'"),
    ],
)
def test_mistakes_are_one_line_with_exit_code_2(harness, args, message):
    done = harness(*args)
    assert done.code == 2, done.err
    assert message in done.err
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert done.out == ""


def test_an_unknown_key_in_the_file_is_named_with_the_nearest(harness, competitions):
    path = competitions / "toy/competition.toml"
    path.write_text(path.read_text().replace("[split]", "[splitt]"))
    done = harness("check", "toy")
    assert done.code == 2
    assert "unknown key 'splitt'; did you mean 'split'?" in done.err


def test_a_missing_plugin_is_named_with_how_to_install_it(harness, competitions, monkeypatch):
    monkeypatch.setitem(KNOWN, "speech", "competition-harness-speech")
    path = competitions / "toy/competition.toml"
    path.write_text(path.read_text().replace('model = "local.means"', 'model = "speech.cnn"'))
    done = harness("run", "toy", "-s", "near")
    assert done.code == 2
    assert "no plugin 'speech' is installed; install it: pip install competition-harness-speech" in done.err


def test_predict_new_rows_as_the_test_rows_were(harness, workspace):
    run = harness("run", "toy", "-s", "calibrated", "--no-tracking", "--json").json["strategies"][-1]["run_id"]
    (workspace / "new.json").write_text(json.dumps({"007": [0.0, 0.0], "1e5": [2.0, 0.0], "ü": [0.0, 2.0]}))
    done = harness("predict", run, "--input", "new.json", "--output", "new.csv")
    assert done.code == 0, done.err
    frame = pd.read_csv(workspace / "new.csv", dtype={"row_id": str}, index_col="row_id")
    assert list(frame.index) == ["007", "1e5", "ü"]
    assert list(frame.idxmax(axis=1)) == ["ash", "beech", "cedar"]


def test_import_scores_a_notebook_like_the_run_it_came_from(harness, workspace):
    run = harness("run", "toy", "-s", "near", "--no-tracking", "--json").json["strategies"][-1]
    oof = pd.read_parquet(workspace / "runs/toy" / run["run_id"] / "oof.parquet")
    values = oof[["id", *(f"prediction:{name}" for name in ("cedar", "ash", "beech"))]]
    values.columns = ["id", "cedar", "ash", "beech"]
    values.sample(frac=1, random_state=0).to_csv(workspace / "oof.csv", index=False)
    args = ("import", "toy", "--name", "notebook", "--oof", "oof.csv", "--test", run["submission"])
    done = harness(*args, "--no-tracking", "--json")
    assert done.code == 0, done.err
    assert done.json["scores"]["log_loss"]["oof"] == pytest.approx(run["scores"]["log_loss"]["oof"], abs=1e-12)
    assert "imported" in done.json["flags"]
    (workspace / "short.csv").write_text("\n".join((workspace / "oof.csv").read_text().splitlines()[:5]))
    short = harness("import", "toy", "--name", "short", "--oof", "short.csv", "--test", run["submission"])
    assert short.code == 2
    assert "lacks 86 of 90 ids" in short.err
