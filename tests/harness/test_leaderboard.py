"""The board: best first in either direction, runs without a score last, and only what can be compared."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace

import pytest

from harness.builtin.metrics import harness_metrics
from harness.cli import show
from harness.competition import Evaluate
from harness.competition_file import read_competition
from harness.errors import StoreError
from harness.files import write_json
from harness.leaderboard import NOT_BETTER, best_submission, rank, read_board, score_of
from harness.store import RESULT, RUN, Workspace
from harness.which_board import board_of

METRICS = {metric.name: metric for metric in harness_metrics()}
LOSS, F1 = METRICS["log_loss"], METRICS["macro_f1"]


@pytest.fixture
def toy(competitions):
    return read_competition(competitions / "toy")


def entry(name, loss, f1=0.5, baseline=False, valid=None, marks=(), **more):
    scores = {"log_loss": {"oof": loss, "valid": valid}, "macro_f1": {"oof": f1, "valid": valid}}
    return {"name": name, "baseline": baseline, "scores": scores, "marks": list(marks), **more}


def order(board):
    return [(line["rank"], line["name"]) for line in board.entries]


def test_the_least_loss_is_first(toy):
    board = rank(toy, [LOSS, F1], [entry("b", 0.5), entry("a", 0.9), entry("c", 0.1)], {})
    assert order(board) == [(1, "c"), (2, "b"), (3, "a")]
    assert (board.metric, board.direction, board.on, board.metrics) == (
        "log_loss",
        "min",
        "oof",
        ("log_loss", "macro_f1"),
    )


def test_the_greatest_f1_is_first(toy):
    board = rank(toy, [F1, LOSS], [entry("b", 0, 0.5), entry("a", 0, 0.9), entry("c", 0, 0.1)], {})
    assert order(board) == [(1, "a"), (2, "b"), (3, "c")]


@pytest.mark.parametrize(("score", "told"), [(0.4722, True), (0.5, False), (None, False)])
def test_a_constant_that_ranks_worse_than_chance_is_explained(toy, score, told):
    constant = {**entry("baseline-prior", None, baseline=True), "scores": {"roc_auc": {"oof": score}}}
    model = {**entry("a", None), "scores": {"roc_auc": {"oof": 0.4}}}
    notes = show._notes(rank(toy, [METRICS["roc_auc"]], [constant, model], {}))
    assert any("baseline-prior: roc_auc below 0.5 is chance" in note for note in notes) == told
    assert len(notes) == told


@pytest.mark.parametrize("metric", [LOSS, F1])
def test_runs_without_a_score_are_last_and_equal_ones_in_the_order_of_names(toy, metric):
    entries = [entry("none", None, None), entry("z", 0.5), entry("nan", float("nan"), float("nan")), entry("a", 0.5)]
    entries.append({**entry("unscored", 0.5), "scores": {}})
    assert [name for _, name in order(rank(toy, [metric], entries, {}))] == ["a", "z", "nan", "none", "unscored"]


def test_the_board_ranks_on_the_labelled_set_where_the_competition_says_so(toy):
    on_valid = replace(toy, evaluate=Evaluate(on="valid"))
    entries = [entry("a", 0.1, valid=0.9), entry("b", 0.9, valid=0.1), entry("c", 0.0)]
    assert [name for _, name in order(rank(on_valid, [LOSS], entries, {}))] == ["b", "a", "c"]


@pytest.mark.fault("F-50")
@pytest.mark.parametrize(("metric", "worse"), [(LOSS, {"a", "level"}), (F1, {"b", "level"})])
def test_what_is_no_better_than_the_best_baseline_is_flagged(toy, metric, worse):
    entries = [
        entry("baseline-prior", 0.5, 0.5, baseline=True),
        entry("a", 0.9, 0.9, marks=["simulated"]),
        entry("b", 0.1, 0.1),
        entry("level", 0.5, 0.5),
    ]
    board = rank(toy, [metric], entries, {})
    assert {line["name"] for line in board.entries if NOT_BETTER in line["flags"]} == worse
    flags = next(line["flags"] for line in board.entries if line["name"] == "a")
    assert flags[0] == "simulated"


def test_the_best_of_several_baselines_counts_and_a_score_that_is_none_beats_nothing(toy):
    entries = [
        entry("baseline-prior", 0.9, baseline=True),
        entry("baseline-target-prior", 0.4, baseline=True),
        entry("between", 0.6),
        entry("nan", float("nan")),
    ]
    flagged = [line["name"] for line in rank(toy, [LOSS], entries, {}).entries if line["flags"]]
    assert flagged == ["between", "nan"]
    assert not any(line["flags"] for line in rank(toy, [LOSS], [entry("alone", 0.6)], {}).entries)


def test_score_of_reads_null_as_nan():
    assert score_of(entry("a", 0.5), "log_loss", "oof") == 0.5
    assert score_of(entry("a", 0.5), "log_loss", "valid") != score_of(entry("a", 0.5), "log_loss", "valid")


@pytest.fixture
def store(workspace):
    """Return ``store(run_id, board, loss, ...)``: write a finished run, each newer than the last."""
    place, count = Workspace(workspace), iter(range(1000))

    def write(run_id, board, loss, label=None, seed=0, fast=False, submission=None, given=""):
        directory = place.runs("toy") / run_id
        write_json(directory / RUN, {"run_id": run_id})
        result = {
            **entry(label or run_id, loss, marks=["fast"] if fast else []),
            "label": label or run_id,
            "strategy": run_id,
            "seed": seed,
            "run_id": run_id,
            "status": "done",
            "fast": fast,
            "board": board,
            "fold_scores": {},
            "seconds": 1.0,
            "submission": submission,
            "notes": [],
            "finished": "",
            "data": {"variant": "path" if given else "sample", "given": given, "digest": board, "info": {}},
        }
        write_json(directory / RESULT, result)
        moment = time.time() - 1000 + next(count)
        os.utime(directory / RESULT, (moment, moment))
        return directory

    return write


def test_runs_on_other_data_or_splits_are_counted_but_not_shown(toy, workspace, store):
    store("old", "board-1", 0.1)
    store("older", "board-1", 0.2)
    store("new", "board-2", 0.5)
    board = read_board(Workspace(workspace), toy, [LOSS, F1])
    assert [line["name"] for line in board.entries] == ["new"]
    assert (board.others, board.data["digest"]) == (2, "board-2")


def test_the_board_of_other_data_or_of_a_run_is_found_again(toy, workspace, store, tmp_path):
    place, folder = Workspace(workspace), tmp_path / "photos"
    store("old-full", "board-1", 0.1)
    store("old-fast", "board-2", 0.2, fast=True)
    store("moved", "board-3", 0.3, given=str(folder))
    store("new", "board-4", 0.5, given=str(tmp_path / "others"))
    board = read_board(place, toy, [LOSS])
    assert (board.others, board.other_data) == (3, ("sample", str(folder)))
    assert board_of(place, toy) == ""
    assert board_of(place, toy, data="sample") == "board-1"
    assert board_of(place, toy, data=str(tmp_path / "others/../photos")) == "board-3"
    assert board_of(place, toy, run="old-fa") == "board-2"
    asked = read_board(place, toy, [LOSS], board_of(place, toy, run="old-fast"))
    assert [line["name"] for line in asked.entries] == ["old-fast"]
    with pytest.raises(StoreError, match=f"no finished run of toy on 'public'; there are runs on sample, {folder}"):
        board_of(place, toy, data="public")


def test_full_runs_come_before_later_fast_ones(toy, workspace, store):
    store("full", "board-1", 0.5)
    store("fast", "board-2", 0.1, fast=True)
    assert [line["name"] for line in read_board(Workspace(workspace), toy, [LOSS]).entries] == ["full"]


def test_fast_runs_have_a_board_where_there_are_no_others(toy, workspace, store):
    store("fast", "board-2", 0.1, fast=True)
    assert [line["name"] for line in read_board(Workspace(workspace), toy, [LOSS]).entries] == ["fast"]


def test_only_the_newest_run_of_a_label_and_seed_is_shown(toy, workspace, store):
    store("near-1", "board", 0.1, label="near")
    store("near-2", "board", 0.3, label="near")
    store("near-3", "board", 0.2, label="near", seed=1)
    board = read_board(Workspace(workspace), toy, [LOSS])
    assert [line["run_id"] for line in board.entries] == ["near-3", "near-2"]
    json.dumps(board.as_json(), allow_nan=False)


def test_an_empty_workspace_has_an_empty_board(toy, workspace):
    board = read_board(Workspace(workspace), toy, [LOSS])
    assert (board.entries, board.others) == ((), 0)
    assert best_submission(board, Workspace(workspace)) is None


def test_the_best_submission_is_that_of_the_first_entry_that_has_one(toy, workspace, store):
    store("first", "board", 0.1)
    second = store("second", "board", 0.2, submission="submission.csv")
    store("third", "board", 0.3, submission="submission.csv")
    place = Workspace(workspace)
    board = read_board(place, toy, [LOSS])
    assert board.entries[1]["submission"] == "runs/toy/second/submission.csv"
    assert best_submission(board, place) == second / "submission.csv"
