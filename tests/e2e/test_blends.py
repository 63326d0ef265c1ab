"""Blends on the command line: a line of the board like any other, made of its members, and only of them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from harness.builtin.blends import FLOOR
from harness.prepare import prepare

BLENDS = """
[blends.both]
of = ["near", "sharp"]
method = "log_linear"
description = "two that differ in how sure they are"

[blends.half]
of = ["near", "sharp"]
named_only = true

[blends.cracked]
of = ["near", "broken"]
named_only = true
"""
CLASSES = ["ash", "beech", "cedar"]


@pytest.fixture
def toy(competitions):
    """Return the toy competition's file, with blends and without the strategy that fails by itself."""
    file = competitions / "toy/competition.toml"
    text = file.read_text().replace(
        'model = { fail = "ValueError" }', 'model = { fail = "ValueError" }\nnamed_only = true'
    )
    file.write_text(text + BLENDS)
    return file


def pooled(first, second, weights):
    """Return the product of powers, divided by its sum: a log-linear blend by hand."""
    product = first.clip(FLOOR, 1 - FLOOR) ** weights["near"] * second.clip(FLOOR, 1 - FLOOR) ** weights["sharp"]
    return product.div(product.sum(axis=1), axis=0)


def stored(workspace, name):
    (path,) = workspace.glob(f"runs/toy/{name}/result.json")
    return json.loads(path.read_text()), path.parent


def line(done, name):
    return next(entry for entry in done.json["strategies"] if entry["name"] == name)


def test_a_blend_is_a_run_with_a_score_a_submission_and_its_weights(toy, harness, workspace):
    done = harness("run", "toy", "--no-tracking", "--json")
    assert done.code == 0, done.err
    entry = line(done, "both")
    assert (entry["status"], entry["seed"]) == ("done", 0)
    found, folder = stored(workspace, "both-s0-*")
    weights = found["blend"]["weights"]
    assert set(weights) == {"near", "sharp"}
    assert set(found["blend"]["fold_weights"]) == {"0", "1", "2"}
    first, naive = found["notes"]
    assert first.startswith("weights: near ")
    assert (
        naive
        == f"scored on the rows it was learned on it would show log_loss {found['blend']['naive']['log_loss']:.4f}"
    )
    assert found["blend"]["naive"]["log_loss"] < found["scores"]["log_loss"]["oof"]
    assert found["marks"] == ["simulated"]
    assert (folder / "oof.parquet").is_file()
    assert list((folder / "figures").iterdir())

    tests = [pd.read_csv(workspace / f"submissions/toy/{name}.csv", index_col=0)[CLASSES] for name in ("near", "sharp")]
    blended = pd.read_csv(workspace / "submissions/toy/both.csv", index_col=0)[CLASSES]
    np.testing.assert_allclose(blended, pooled(*tests, weights), rtol=1e-9)
    assert harness("validate", "toy", str(workspace / "submissions/toy/both.csv")).code == 0
    board = harness("leaderboard", "toy", "--json").json["entries"]
    assert "both" in {entry["name"] for entry in board}
    assert not {"half", "cracked"} & {entry["name"] for entry in board}
    assert harness("report", "toy", "--run", entry["run_id"]).code == 0
    assert "weights: near" in (workspace / "reports/toy.html").read_text()


def test_oof_of_a_fold_is_blended_with_weights_of_the_other_folds(toy, harness, workspace):
    harness("run", "toy", "-s", "both", "--no-tracking")
    found, folder = stored(workspace, "both-s0-*")
    oof = [pd.read_parquet(stored(workspace, f"{name}-s0-*")[1] / "oof.parquet") for name in ("near", "sharp")]
    blended = pd.read_parquet(folder / "oof.parquet")
    columns = [f"prediction:{name}" for name in CLASSES]
    for fold, weights in found["blend"]["fold_weights"].items():
        own = blended["fold"] == int(fold)
        expected = pooled(oof[0].loc[own, columns], oof[1].loc[own, columns], weights)
        np.testing.assert_allclose(blended.loc[own, columns], expected, rtol=1e-9)


def test_naming_a_blend_runs_its_members_and_naming_a_member_runs_no_blend(toy, harness, workspace):
    count = workspace / "count"
    env = {"TOY_COUNT": str(count)}
    done = harness("run", "toy", "-s", "near", "--no-tracking", "--json", env=env)
    assert {entry["name"] for entry in done.json["strategies"]} == {"baseline-prior", "near"}
    done = harness("run", "toy", "-s", "ha*", "--no-tracking", "--json", env=env)
    assert [entry["name"] for entry in done.json["strategies"]] == ["baseline-prior", "near", "sharp", "half"]
    assert count.read_text() == "fit\n" * 6, "near was stored"
    near, sharp, half = (
        pd.read_csv(workspace / f"submissions/toy/{n}.csv")[CLASSES] for n in ("near", "sharp", "half")
    )
    np.testing.assert_allclose(half, (near + sharp) / 2, atol=1e-12)
    mistyped = harness("run", "toy", "-s", "bot")
    assert (mistyped.code, mistyped.err) == (2, "error: toy has no strategy 'bot'; did you mean 'both'?\n")


RECORDER = """
def _note(name, run):
    with Path({log!r}).open("a") as file:
        file.write(f"{{name}} {{run.label}}\\n")

@hookimpl
def harness_run_started(run): _note("started", run)

@hookimpl
def harness_run_finished(run): _note("finished", run)

@hookimpl
def harness_run_failed(run): _note("failed", run)
"""


def test_a_second_run_reads_the_blend_and_tells_of_it_again(toy, harness, workspace):
    plugin = toy.parent / "plugin.py"
    plugin.write_text(plugin.read_text() + RECORDER.format(log=str(workspace / "log")))
    prepare.cache_clear()
    first = harness("run", "toy", "-s", "both", "--no-tracking", "--json")
    _, folder = stored(workspace, "both-s0-*")
    written = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    again = harness("run", "toy", "-s", "both", "--no-tracking", "--json")
    assert again.json == first.json
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == written
    log = (workspace / "log").read_text().splitlines()
    assert log.count("started both") == log.count("finished both") == 2
    assert log.index("finished sharp") < log.index("started both")


@pytest.mark.fault("F-31")
def test_a_failed_member_costs_the_blend_and_one_line(toy, harness, workspace):
    done = harness("run", "toy", "-s", "cracked", "--no-tracking", "--json")
    assert done.code == 3
    assert line(done, "cracked")["status"] == "failed"
    assert line(done, "cracked")["error"] == "its member broken failed"
    assert "warning: cracked is not blended: its member broken failed" in done.err
    assert not (workspace / "submissions/toy/cracked.csv").exists()
    assert (workspace / "submissions/toy/near.csv").exists()


@pytest.mark.fault("F-29", "F-31")
def test_a_blend_whose_submission_is_refused_fails_alone(toy, harness, workspace):
    plugin = toy.parent / "plugin.py"
    refuse = "yield from ['a refused one'] if refused(submission) else []"
    plugin.write_text(
        plugin.read_text()
        + f"\n\ndef refused(submission):\n    return Path({str(workspace / 'refuse')!r}).exists()\n"
        + f"\n@hookimpl\ndef harness_check_submission(submission):\n    {refuse}\n"
    )
    prepare.cache_clear()
    assert harness("run", "toy", "-s", "near", "-s", "sharp", "--no-tracking").code == 0
    (workspace / "refuse").touch()
    done = harness("run", "toy", "-s", "both", "--no-tracking", "--json")
    assert done.code == 3
    assert "a refused one" in line(done, "both")["error"]
    assert "failed both:" in done.err
    (workspace / "refuse").unlink()
    assert harness("run", "toy", "-s", "both", "--no-tracking").code == 0


def test_of_several_seeds_the_means_are_blended(toy, harness, workspace):
    settings = ("--set", "near.noise=0.5", "--seed", "1", "--seed", "2")
    done = harness("run", "toy", "-s", "half", *settings, "--no-tracking", "--json")
    assert done.code == 0, done.err
    entry = line(done, "half (near.model.noise=0.5, mean of 2 seeds)")
    assert entry["seed"] is None
    found, _ = stored(workspace, "half-mean-*")
    assert [member.split("-mean-")[0] for member in found["members"]] == ["near", "sharp"]
    near, sharp, half = (
        pd.read_csv(workspace / f"submissions/toy/{n}.csv")[CLASSES] for n in ("near", "sharp", "half")
    )
    np.testing.assert_allclose(half, (near + sharp) / 2, atol=1e-12)


@pytest.mark.parametrize("seeds", [(), ("--seed", "1", "--seed", "2")], ids=["one seed", "two"])
def test_a_blend_predicts_new_data_with_its_members(seeds, toy, harness, workspace):
    done = harness("run", "toy", "-s", "both", *seeds, "--no-tracking", "--json")
    entry = done.json["strategies"][-1]
    found, _ = stored(workspace, "both-*")
    (workspace / "new.json").write_text(json.dumps({"a": [0.1, 0.2], "b": [2.0, 0.3]}))
    given = []
    for run in (entry["run_id"], *found["members"]):
        predicted = harness("predict", run, "--input", "new.json", "--output", "new.csv")
        assert predicted.code == 0, predicted.err
        given.append(pd.read_csv(workspace / "new.csv", index_col=0)[CLASSES])
    np.testing.assert_allclose(given[0], pooled(given[1], given[2], found["blend"]["weights"]), rtol=1e-9)


def test_a_blend_is_described_checked_and_fast(toy, harness):
    told = harness("describe", "toy").out
    assert "blends" in told
    assert "log_linear of near, sharp" in told
    assert harness("describe", "toy", "--json").json["blends"][0]["of"] == ["near", "sharp"]
    assert harness("check", "toy", "--json").json["blends"] == "3"
    assert harness("list").code == 0
    done = harness("run", "toy", "-s", "both", "--fast", "--no-tracking", "--json")
    assert done.code == 0, done.err
    assert done.json["strategies"][-1]["submission"].endswith("both-fast.csv")


def test_a_blend_of_a_strategy_that_cannot_run_here_is_left_out(toy, harness):
    toy.write_text(toy.read_text().replace("[strategies.sharp]\n", '[strategies.sharp]\nfeatures = "gone.away"\n'))
    done = harness("run", "toy", "--no-tracking", "--json")
    assert done.code == 3, done.err
    assert "both is left out: so is its member sharp" in done.err
