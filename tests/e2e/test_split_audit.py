"""``harness split-audit`` and the refusal of ``harness run``, on simulated sites whose truth is known."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

SITES = Path(__file__).parents[1] / "sites" / "sites"


@pytest.fixture
def sites(competitions) -> Path:
    return Path(shutil.copytree(SITES, competitions / "sites"))


def audited(harness, data: str, *more: str) -> dict:
    done = harness("split-audit", "sites", "--data", data, *more, "--json")
    assert done.code == 0, done.err
    return done.json


def rows_of(found: dict) -> dict:
    return {split["name"]: split for split in found["splits"]}


def test_sites_that_train_does_not_have_name_the_group_split(harness, sites):
    found = audited(harness, "new-sites")
    splits = rows_of(found)
    assert list(splits) == ["random", "group", "time", "group_time", "spatial"]
    # places are as far from each other as the test's are, so that spatial blocks are about as right
    assert found["recommended"] == "group"
    assert (found["own_split"], found["own_fits"]) == ("random", False)
    assert found["test"]["group_overlap"] == splits["group"]["group_overlap"] == 0
    assert found["test"]["auc"] > 0.95
    assert splits["random"]["auc"] == pytest.approx(0.5, abs=0.06)
    assert splits["random"]["group_overlap"] == 1
    # noise alone makes a mean absolute error of 0.8, an unknown site 2.4 more
    assert splits["random"]["score"] < 1.2
    assert splits["group"]["score"] > 2
    assert splits["random"]["optimism"] == pytest.approx(splits["group"]["score"] - splits["random"]["score"])
    assert splits["random"]["optimism_share"] > 0.4
    assert splits["group"]["optimism"] == 0
    assert splits["group"]["stderr"] > 0
    assert len(splits["group"]["fold_scores"]) == splits["group"]["folds"] == 3


def test_later_days_of_the_same_sites_name_the_time_split(harness, sites):
    found = audited(harness, "later")
    splits = rows_of(found)
    assert found["recommended"] == "time"
    assert (found["test"]["group_overlap"], found["test"]["later"]) == (1, 1)
    assert found["test"]["nearest_km"] == splits["time"]["nearest_km"] == 0
    assert splits["random"]["later"] == 0


def test_rows_of_the_same_kind_name_the_random_split(harness, sites):
    found = audited(harness, "alike")
    assert (found["recommended"], found["own_fits"]) == ("random", True)
    assert found["test"]["auc"] == pytest.approx(0.5, abs=0.06)
    assert rows_of(found)["group"]["optimism"] < 0


def test_without_a_test_set_the_most_cautious_split_is_named(harness, sites):
    found = audited(harness, "no-test")
    assert audited(harness, "no-test") == found
    assert (found["test"], found["recommended"]) == (None, "group_time")
    assert "no test set" in found["reason"]


def test_the_table_says_it_in_words(harness, sites):
    done = harness("split-audit", "sites")
    assert done.code == 0, done.err
    for text in ("SIMULATED", "random *", "train / test", "recommended", "AUC of"):
        assert text in done.out, text
    assert "Under random the model looks" in done.out
    assert 'this one: [split] use = "group"' in done.out
    assert 'group_on = "place"' in done.out


def test_a_strategy_takes_the_place_of_the_fast_model(harness, sites):
    found = audited(harness, "new-sites", "--strategy", "linear", "--folds", "4")
    assert found["model"] == "strategy linear"
    assert found["recommended"] == "group"
    # a linear model cannot tell one site from another, so that nothing flatters it
    assert abs(rows_of(found)["random"]["optimism_share"]) < 0.25
    assert rows_of(found)["group"]["folds"] == 4


def test_a_group_split_is_the_competitions_own(harness, sites):
    text = (sites / "competition.toml").read_text()
    own = 'use = "group"\ngroup_on = "place"'
    (sites / "competition.toml").write_text(text.replace('use = "random"', own))
    found = audited(harness, "new-sites")
    assert (found["recommended"], found["own_split"], found["own_fits"]) == ("group", "group", True)
    assert len(found["splits"]) == 5
    assert harness("run", "sites", "-s", "linear", "--no-tracking").code == 0


def test_inputs_that_are_no_table_ask_for_a_strategy(harness, sites):
    done = harness("split-audit", "sites", "--data", "images")
    assert done.code == 2
    assert "inputs are no table of numbers and categories; name what to train with --strategy: linear" in done.err


@pytest.mark.parametrize(("strategy", "told"), [("liner", "did you mean 'linear'"), ("broken", "local.cubic")])
def test_a_strategy_that_cannot_be_used_is_told(harness, sites, strategy, told):
    done = harness("split-audit", "sites", "--strategy", strategy)
    assert done.code == 2
    assert told in done.err


RUN = ("run", "sites", "-s", "linear", "--no-tracking")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("new-sites", "100% of test rows are of groups (place) that train does not have, 0% of validated ones"),
        ("images", "100% of test rows are of groups (place) that train does not have"),
        ("later", "100% of test rows are later (day) than all of train"),
        ("drift", "train and test are told apart with AUC 0.99"),
        ("no-test", "100% of validated rows have their group (place) in training, and no test set shows"),
    ],
)
def test_a_random_split_unlike_the_test_set_is_refused(harness, sites, workspace, data, told):
    done = harness(*RUN, "--data", data)
    assert done.code == 2
    assert told in done.err
    assert f"see: harness split-audit sites --data {data}; to insist: --allow-split" in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert not (workspace / "runs").exists()


def test_a_random_split_like_the_test_set_runs_unmarked(harness, sites):
    done = harness(*RUN, "--data", "alike")
    assert done.code == 0, done.err
    entries = harness("leaderboard", "sites", "--json").json["entries"]
    assert not [entry for entry in entries if "split not like test" in entry["marks"]]


@pytest.mark.parametrize("by", ["option", "file"])
def test_who_insists_is_marked_and_trains_the_same(harness, sites, workspace, by):
    option = ("--allow-split",) if by == "option" else ()
    if by == "file":
        text = (sites / "competition.toml").read_text()
        (sites / "competition.toml").write_text(text.replace("folds = 3", 'folds = 3\nallow = "as the rules say"'))
    done = harness(*RUN, *option)
    assert done.code == 0, done.err
    assert "warning: split 'random' deals rows at random, but 100% of test rows" in done.err
    assert f"kept: {'--allow-split' if by == 'option' else 'as the rules say'}" in done.err
    assert "split not like test" in done.out
    entries = harness("leaderboard", "sites", "--json").json["entries"]
    assert all("split not like test" in entry["flags"] for entry in entries)
    (record,) = (workspace / "runs/sites").glob("linear-*/run.json")
    assert json.loads(record.read_text())["identity"]["split"] == {
        "use": "random",
        "folds": 3,
        "seed": 0,
        "shuffle": True,
    }


def test_train_and_test_are_told_apart_once(harness, sites, workspace, monkeypatch):
    import harness.audit.sides as module

    calls = []
    real = module.adversarial_auc

    def counted(*args):
        calls.append(args)
        return real(*args)

    monkeypatch.setattr(module, "adversarial_auc", counted)
    for _ in range(3):
        assert harness(*RUN, "--data", "alike").code == 0
    assert len(calls) == 1
    assert len(list((workspace / "cache/audit").glob("*.json"))) == 1
    assert harness(*RUN, "--data", "drift").code == 2
    assert len(calls) == 2
