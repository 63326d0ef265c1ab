"""`harness blend`: finished runs of one board, and imported ones, put together."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from harness.prepare import prepare

CLASSES = ["ash", "beech", "cedar"]


@pytest.fixture
def trained(harness, workspace):
    prepare.cache_clear()
    done = harness("run", "toy", "-s", "near", "-s", "sharp", "--no-tracking", "--json")
    assert done.code == 0, done.err
    return {entry["name"]: entry["run_id"] for entry in done.json["strategies"]}


def board(harness):
    return {entry["name"]: entry for entry in harness("leaderboard", "toy", "--json").json["entries"]}


def test_the_runs_of_the_board_are_blended_into_a_run_like_any_other(trained, harness, workspace):
    done = harness("blend", "toy", "--json")
    assert done.code == 0, done.err
    found = done.json
    assert [member["name"] for member in found["members"]] == ["near", "sharp"]
    assert sum(found["weights"].values()) == pytest.approx(1)
    assert set(found["fold_weights"]) == {"0", "1", "2"}
    line = board(harness)["blend-greedy"]
    assert line["run_id"] == found["run_id"]
    assert line["scores"]["log_loss"]["oof"] == found["scores"]["log_loss"]["oof"]
    assert "simulated" in line["marks"]
    tests = [pd.read_csv(workspace / f"submissions/toy/{name}.csv", index_col=0)[CLASSES] for name in found["weights"]]
    blended = pd.read_csv(workspace / "submissions/toy/blend-greedy.csv", index_col=0)[CLASSES]
    expected = sum(weight * test for weight, test in zip(found["weights"].values(), tests, strict=True))
    np.testing.assert_allclose(blended, expected, atol=1e-9)
    again = harness("blend", "toy", "--no-tracking", "--json").json
    assert again == found  # the blend on the board is no member of itself


def test_another_blend_of_the_board_gets_a_name_of_its_own(trained, harness, workspace):
    first = harness("blend", "toy", "--method", "mean", "--no-tracking", "--json").json
    kept = (workspace / "submissions/toy/blend-mean.csv").read_bytes()
    pair = (trained["near"], first["run_id"])
    second = harness("blend", "toy", *pair, "--method", "mean", "--no-tracking", "--json").json
    assert (first["name"], second["name"]) == ("blend-mean", "blend-mean-2")
    assert (workspace / "submissions/toy/blend-mean.csv").read_bytes() == kept
    assert (workspace / "submissions/toy/blend-mean-2.csv").exists()
    assert {"blend-mean", "blend-mean-2"} <= set(board(harness))
    assert harness("blend", "toy", *pair, "--method", "mean", "--no-tracking", "--json").json == second


def test_a_blend_predicts_new_data_and_is_told_in_the_terminal(trained, harness, workspace):
    done = harness("blend", "toy", trained["near"], trained["sharp"][:8], "--method", "logit_mean", "--no-tracking")
    assert done.code == 0, done.err
    assert "nested      log_loss" in done.out
    assert "0.500" in done.out
    (workspace / "new.json").write_text(json.dumps({"a": [0.1, 0.2], "b": [2.0, 0.3]}))
    given = []
    run = board(harness)["blend-logit_mean"]["run_id"]
    for name in (run, trained["near"], trained["sharp"]):
        assert harness("predict", name, "--input", "new.json", "--output", "new.csv").code == 0
        given.append(pd.read_csv(workspace / "new.csv", index_col=0)[CLASSES])
    mean = np.sqrt(given[1] * given[2])  # the geometric mean, made to sum to 1
    np.testing.assert_allclose(given[0], mean.div(mean.sum(axis=1), axis=0), rtol=1e-9)


def test_imported_predictions_are_blended_too(trained, harness, workspace):
    folder = next((workspace / "runs/toy").glob("sharp-s0-*"))
    for name in ("oof", "test"):
        frame = pd.read_parquet(folder / f"{name}.parquet")
        values = frame[[f"prediction:{name}" for name in CLASSES]].set_axis(CLASSES, axis=1)
        pd.concat([frame["id"], values], axis=1).to_csv(workspace / f"{name}.csv", index=False)
    files = ("--oof", "oof.csv", "--test", "test.csv")
    done = harness("import", "toy", "--name", "notebook", *files, "--no-tracking", "--json")
    assert done.code == 0, done.err
    options = ("--method", "linear", "--name", "with-notebook", "--no-tracking", "--json")
    blended = harness("blend", "toy", trained["near"], done.json["run_id"], *options)
    assert blended.code == 0, blended.err
    assert board(harness)["with-notebook"]["marks"] == ["simulated", "has an imported member"]
    twin = harness("blend", "toy", trained["near"], trained["sharp"], *options)
    assert blended.json["scores"] == twin.json["scores"]
    (workspace / "new.json").write_text(json.dumps({"a": [0.1, 0.2]}))
    predicted = harness("predict", blended.json["run_id"], "--input", "new.json", "--output", "new.csv")
    assert predicted.code == 2
    assert "has no models of its own" in predicted.err


def test_of_several_seeds_the_mean_is_taken(harness):
    prepare.cache_clear()
    seeds = ("--seed", "1", "--seed", "2")
    for name in ("near", "sharp"):
        options = ("--set", f"{name}.noise=0.5", "--no-tracking")
        assert harness("run", "toy", "-s", name, *seeds, *options).code == 0
    found = harness("blend", "toy", "--method", "mean", "--no-tracking", "--json").json
    assert [member["run_id"].split("-mean-")[0] for member in found["members"]] == ["near", "sharp"]


def test_runs_of_other_boards_are_refused_with_the_reason(trained, competitions, harness):
    done = harness("run", "toy", "-s", "near", "--folds", "2", "--no-tracking", "--json")
    other = next(entry["run_id"] for entry in done.json["strategies"] if entry["name"] == "near")
    found = harness("blend", "toy", trained["sharp"], other, "--no-tracking")
    assert (found.code, found.err) == (
        2,
        f"error: {other} cannot be blended with these: it has other folds (folds 2, here 3)\n",
    )
    fast = harness("run", "toy", "-s", "near", "--fast", "--no-tracking", "--json").json["strategies"]
    other = next(entry["run_id"] for entry in fast if entry["name"] == "near")
    found = harness("blend", "toy", trained["sharp"], other, "--no-tracking")
    assert found.code == 2
    assert "it is of other data" in found.err
    path = competitions / "toy/competition.toml"
    path.write_text(path.read_text().replace('["log_loss", "macro_f1"]', '["macro_f1", "log_loss"]'))
    prepare.cache_clear()
    found = harness("blend", "toy", trained["near"], trained["sharp"], "--no-tracking")
    assert found.code == 2
    assert "other metrics" in found.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("near",), "at least two finished runs"),
        (("near", "near"), "is named twice"),
        (("--name", "near"), "is a strategy or a blend"),
        (("--name", "a/b"), "a blend's name has letters"),
        (("--method", "median"), "does not fit task 'multiclass'; did you mean 'mean'?"),
        (("--method", "gredy"), "gredy"),
    ],
)
def test_what_cannot_be_blended_is_told_in_one_line(arguments, told, trained, harness):
    done = harness("blend", "toy", *arguments, "--no-tracking")
    assert done.code == 2
    assert told in done.err
    assert done.err.count("\n") == 1
