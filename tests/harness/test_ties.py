"""Ties on a board: read from stored predictions, kept until something changes, told on screen and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from harness.builtin.metrics import harness_metrics
from harness.cli.ties import _significant
from harness.competition import Evaluate, Use
from harness.competition_file import read_competition
from harness.data import DatasetInfo, Predictions, TaskType
from harness.files import write_json
from harness.leaderboard import rank
from harness.records import scored_frame, write_parquet
from harness.results import Scored
from harness.store import Workspace
from harness.ties import KEYS, conclusion, with_ties

METRICS = {metric.name: metric for metric in harness_metrics()}
LOSS, F1 = METRICS["log_loss"], METRICS["macro_f1"]
INFO = DatasetInfo("blobs", TaskType.MULTICLASS, ("ash", "beech", "cedar"), variant="sample", simulated=True)
DATA = {"variant": "sample", "digest": "d", "info": {**INFO.__dict__, "task_type": "multiclass", "columns": []}}


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    # what is drawn is tested in test_paired.py
    monkeypatch.setattr("harness.resampling.OTHER_DRAWS", 50)
    monkeypatch.setattr("harness.resampling.SPLITS", 10)


@pytest.fixture
def toy(competitions):
    return read_competition(competitions / "toy")


@pytest.fixture
def place(workspace):
    return Workspace(workspace)


def scored(noise, seed=0, rows=300, folds=5, on="oof", **changes):
    rng = np.random.default_rng(seed)
    targets = np.arange(rows) % 3
    logits = 2 * np.eye(3)[targets] + noise * rng.normal(size=(rows, 3))
    values = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    ids = np.array([f"{row:04d}" for row in range(rows)], dtype=object)
    fold = np.arange(rows) // 3 % folds if on == "oof" else np.full(rows, -1)
    found = Scored(targets, Predictions(ids, values, INFO.classes), np.eye(3)[values.argmax(axis=1)], None, fold)
    return replace(found, **changes)


@pytest.fixture
def board_of(toy, place):
    """Return ``board_of({name: Scored})``: store predictions and rank them by a metric."""

    def make(by_name, metric=LOSS, on="oof", seeds=None):
        entries = []
        for name, one in by_name.items():
            write_parquet(place.runs("toy") / name / f"{on}.parquet", scored_frame(one, INFO))
            values = one.decisions if metric.needs == "decisions" else one.predictions.values
            score = metric.score(one.targets, values, one.weights, None)
            scores = {metric.name: {"oof": score, "valid": score, "stderr": 0.01}}
            line = {"name": name, "run_id": name, "board": "b", "scores": scores, "seeds": (seeds or {}).get(name)}
            entries.append({**line, "baseline": False, "marks": [], "seed": 0, "seconds": 1.0})
        return rank(replace(toy, evaluate=Evaluate(on=on)), [metric], entries, DATA)

    return make


THREE = {"a": scored(1.0, 1), "b": scored(1.0, 2), "c": scored(3.0, 3)}


def ties_of(board):
    return {entry["name"]: entry["tie"] for entry in board.entries}


def test_equal_entries_are_tied_and_a_worse_one_is_not(board_of, place, toy):
    board = with_ties(board_of(THREE), place, toy, [LOSS])
    ties = ties_of(board)
    assert {name: tie["tied"] for name, tie in ties.items()} == {"a": True, "b": True, "c": False}
    first = ties[board.entries[0]["name"]]
    assert (first["difference"], first["stderr"], first["p"]) == (0.0, 0.0, 1.0)
    assert ties["c"]["difference"] > 0
    assert ties["c"]["ranks"] == [3, 3]
    assert sum(tie["best"] for tie in ties.values()) == pytest.approx(1.0)
    assert all(tuple(tie) == KEYS for tie in ties.values())
    assert (board.ties["units"], board.ties["count"], board.ties["compared"]) == ("rows", 300, 3)
    assert "jackknife over 5 folds" in board.ties["method"]
    assert json.loads(json.dumps(board.as_json(), allow_nan=False))["ties"] == board.ties


def test_the_same_file_under_two_names_counts_once_and_is_told(board_of, place, toy):
    alone = with_ties(board_of({"a": scored(0.5), "b": scored(0.8, 1)}), place, toy, [LOSS])
    board = with_ties(board_of({"a": scored(0.5), "b": scored(0.8, 1), "c": scored(0.8, 1)}), place, toy, [LOSS])
    assert [ties_of(board)[name]["p"] for name in "bc"] == pytest.approx([ties_of(alone)["b"]["p"]] * 2, rel=1e-9)
    assert board.ties["counted"] == 2
    assert "b, c have the same predictions: they count once in the correction" in board.ties["notes"]


def test_it_is_told_where_few_folds_cannot_tell_what_looks_apart(board_of, place, toy):
    better = scored(0.0, folds=3)
    away = np.array([0.1, 0.04, 0.07])[better.folds][:, None]
    values = better.predictions.values
    worse = replace(better, predictions=replace(better.predictions, values=values * (1 - away) + away / 3))
    board = with_ties(board_of({"a": better, "b": worse}), place, toy, [LOSS])
    b = ties_of(board)["b"]
    assert b["tied"]
    assert 3 <= b["difference"] / b["stderr"] < 4.4
    assert board.ties["notes"][1].startswith(
        "3 folds cannot tell b from a, though 3 standard errors or more lie between"
    )


@pytest.mark.parametrize("metric", [LOSS, F1])
def test_differences_are_positive_where_worse_whichever_way_is_better(board_of, place, toy, metric):
    board = with_ties(board_of(THREE, metric), place, toy, [metric])
    best, _, worst = board.entries
    gap = abs(worst["scores"][metric.name]["oof"] - best["scores"][metric.name]["oof"])
    assert worst["tie"]["difference"] == pytest.approx(gap)
    assert not worst["tie"]["tied"]


def test_rows_in_another_order_are_found_by_id(board_of, place, toy):
    b = THREE["b"]
    mixed = np.random.default_rng(0).permutation(300)
    turned = Scored(b.targets[mixed], b.predictions.take(mixed), b.decisions[mixed], None, b.folds[mixed])
    straight = ties_of(with_ties(board_of(THREE), place, toy, [LOSS]))
    found = ties_of(with_ties(board_of({**THREE, "b": turned}), place, toy, [LOSS]))
    assert found["b"]["difference"] == pytest.approx(straight["b"]["difference"])
    assert found["c"]["stderr"] == pytest.approx(straight["c"]["stderr"])


def test_on_the_validation_set_seeds_tell_what_another_training_changes(board_of, place, toy):
    on_valid = replace(toy, evaluate=Evaluate(on="valid"))
    runs = {name: replace(one, folds=np.full(300, -1)) for name, one in THREE.items()}
    plain = with_ties(board_of(runs, on="valid"), place, on_valid, [LOSS])
    assert "no trainings" in plain.ties["method"]
    assert "several seeds would tell" in plain.ties["notes"][0]
    assert plain.ties["training"] is False
    spread = {"count": 3, "mean": {"log_loss": {"valid": 1.0}}, "std": {"log_loss": {"valid": 0.3}}}
    seeds = dict.fromkeys(runs, spread)
    told = with_ties(board_of(runs, on="valid", seeds=seeds), place, on_valid, [LOSS])
    expected = np.sqrt(ties_of(plain)["c"]["stderr"] ** 2 + 2 * 0.3**2 / 3)
    assert ties_of(told)["c"]["stderr"] == pytest.approx(expected)
    assert "variance over seeds" in told.ties["method"]
    assert told.ties["notes"] == []
    assert told.ties["training"] is True


def test_an_entry_without_predictions_is_left_out_and_named(board_of, place, toy):
    board = board_of(THREE)
    (place.runs("toy") / "c" / "oof.parquet").unlink()
    (place.runs("toy") / board.entries[0]["name"] / "oof.parquet").write_bytes(b"broken")
    found = with_ties(board, place, toy, [LOSS])
    left = [name for name, tie in ties_of(found).items() if tie is None]
    assert sorted(left) == sorted(["c", board.entries[0]["name"]])
    notes = " ".join(found.ties["notes"])
    assert "c is not compared: oof.parquet of c is missing" in notes
    assert "is damaged" in notes
    assert f"differences are to {board.entries[1]['name']}, the best entry that can be compared" in notes


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (scored(1.0, rows=297), "its rows, targets or folds are not those of"),
        (scored(1.0, folds=4), "its rows, targets or folds are not those of"),
    ],
)
def test_other_rows_or_folds_do_not_compare(board_of, place, toy, other, reason):
    found = with_ties(board_of({"a": scored(0.5), "b": other}), place, toy, [LOSS])
    assert ties_of(found)["b"] is None
    assert reason in found.ties["notes"][0]


def test_predictions_that_do_not_score_what_the_board_shows_do_not_compare(board_of, place, toy):
    board = board_of(THREE)
    write_parquet(place.runs("toy") / "c" / "oof.parquet", scored_frame(scored(2.0), INFO))
    found = with_ties(board, place, toy, [LOSS])
    assert ties_of(found)["c"] is None
    assert "c is not compared: its stored predictions do not score what the board shows" in found.ties["notes"]
    assert ties_of(found)["a"]["p"] == 1 or ties_of(found)["b"]["p"] == 1


def test_an_entry_without_a_score_and_an_entry_alone(board_of, place, toy):
    board = board_of({"a": THREE["a"]})
    unscored = {**board.entries[0], "name": "nan", "run_id": "nan", "scores": {"log_loss": {"oof": None}}}
    found = with_ties(rank(toy, [LOSS], [*board.entries, unscored], DATA), place, toy, [LOSS])
    assert ties_of(found)["nan"] is None
    assert ties_of(found)["a"] == {"tied": True, "difference": 0, "stderr": 0, "p": 1, "best": 1, "ranks": [1, 1]}
    assert found.ties["stability"] is None
    assert "nothing to compare" in conclusion(found)


def test_an_empty_board_and_one_of_unknown_data_stay_as_they_are(board_of, place, toy):
    assert with_ties(rank(toy, [LOSS], [], {}), place, toy, [LOSS]).ties is None
    unknown = with_ties(replace(board_of(THREE), data={"info": {}}), place, toy, [LOSS])
    assert set(ties_of(unknown).values()) == {None}
    assert conclusion(unknown) == ""


def test_groups_are_drawn_where_the_split_keeps_them(competitions, board_of, place):
    plugin = competitions / "toy" / "plugin.py"
    text = plugin.read_text().replace(
        "return Examples(ids, points, targets if labelled else None)",
        "import pandas as pd\n"
        "        sites = pd.DataFrame({'site': np.arange(n) // 10})\n"
        "        return Examples(ids, points, targets if labelled else None, sites)",
    )
    plugin.write_text(text)
    grouped = replace(read_competition(competitions / "toy"), split=Use("group", {"group_on": "site", "folds": 5}))
    runs = {name: scored(noise, seed, rows=90) for seed, (name, noise) in enumerate({"a": 1.0, "b": 3.0}.items())}
    for name, one in runs.items():
        ids = np.array([f"{row:03d}" for row in range(90)], dtype=object)
        runs[name] = replace(one, predictions=replace(one.predictions, ids=ids))
    board = board_of(runs)
    for name in runs:
        data = {**DATA, "digest": "blobs-90-1.0", "given": ""}
        write_json(place.runs("toy") / name / "run.json", {"run_id": name})
        write_json(place.runs("toy") / name / "result.json", {"data": data, "fast": False})
    found = with_ties(board, place, grouped, [LOSS])
    assert (found.ties["units"], found.ties["count"]) == ("groups of site", 9)
    write_json(place.runs("toy") / "a" / "result.json", {"data": {**DATA, "given": ""}, "fast": False})
    (place.cache / "ties" / "toy.json").unlink()
    changed = with_ties(board, place, grouped, [LOSS])
    assert changed.ties["units"] == "rows"
    assert "rows are drawn instead of groups" in changed.ties["notes"][0]


def kept_at(place):
    return place.cache / "ties" / "toy.json"


def test_what_was_found_is_kept_and_read_again(board_of, place, toy, monkeypatch):
    board = board_of(THREE)
    first = with_ties(board, place, toy, [LOSS])
    monkeypatch.setattr("harness.ties.compare", lambda *_: pytest.fail("computed again"))
    again = with_ties(board, place, toy, [LOSS])
    assert (again.entries, again.ties) == (first.entries, first.ties)


@pytest.mark.parametrize("change", ["run", "predictions", "metric"])
def test_what_changes_the_answer_is_compared_again(board_of, place, toy, change):
    with_ties(board_of(THREE), place, toy, [LOSS])
    before = json.loads(kept_at(place).read_text())["key"]
    if change == "run":
        board = board_of({**THREE, "d": scored(1.0, 9)})
    elif change == "metric":
        board = board_of(THREE, F1)
    else:
        board = board_of({**THREE, "c": scored(2.0, 7)})
    found = with_ties(board, place, toy, [LOSS, F1])
    assert json.loads(kept_at(place).read_text())["key"] != before
    assert all(found.entries[place]["tie"] for place in range(len(board.entries)))


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", '{"key": 1}'])
def test_a_damaged_cache_is_made_again(board_of, place, toy, damage):
    board = board_of(THREE)
    first = with_ties(board, place, toy, [LOSS])
    whole = kept_at(place).read_text()
    kept_at(place).write_text(damage)
    assert with_ties(board, place, toy, [LOSS]).entries == first.entries
    assert kept_at(place).read_text() == whole
    kept_at(place).write_text(whole.replace('"tied": true', '"tied": 7'))
    assert with_ties(board, place, toy, [LOSS]).entries == first.entries


def test_a_cache_that_cannot_be_written_stops_nothing(board_of, place, toy):
    board = board_of(THREE)
    place.cache.mkdir(parents=True)
    (place.cache / "ties").write_text("a file where a folder should be")
    assert with_ties(board, place, toy, [LOSS]).ties["compared"] == 3


def test_a_table_does_not_wait_for_what_takes_long(board_of, place, toy, monkeypatch):
    board = board_of(THREE, F1)
    monkeypatch.setattr("harness.ties.QUICK_CELLS", 100)
    assert with_ties(board, place, toy, [F1], quick=True).ties is None
    with_ties(board, place, toy, [F1])
    assert with_ties(board, place, toy, [F1], quick=True).ties is not None
    assert with_ties(board_of(THREE), place, toy, [LOSS], quick=True).ties is not None


def test_a_metric_that_fails_on_parts_is_told(board_of, place, toy):
    def fragile(targets, values, weights, meta):
        if len(np.unique(targets)) < 3 or len(targets) != 300:
            raise ZeroDivisionError("too few")
        return LOSS.score(targets, values, weights, meta)

    metric = replace(LOSS, per_row=None, score=fragile)
    found = with_ties(board_of(THREE), place, toy, [metric])
    assert set(ties_of(found).values()) == {None}
    assert "fails on a part of the rows: ZeroDivisionError: too few" in found.ties["notes"][-1]


def test_the_command_marks_ties_and_explains_them(harness):
    harness("run", "toy", "--strategy", "near", "--strategy", "sharp")
    marked = harness("leaderboard", "toy")
    assert "1= " in marked.out
    assert "= tied with the best (p >= 0.05, corrected for 3 entries" in marked.out
    shown = harness("leaderboard", "toy", "--ties")
    assert all(word in shown.out for word in ("P(best)", "worse by", "ranks", "are tied with the best; #1 is first in"))
    assert "paired bootstrap of rows, jackknife over 3 folds" in shown.out
    told = harness("leaderboard", "toy", "--json").json
    assert told["ties"]["compared"] == 3
    assert set(told["entries"][0]["tie"]) == set(KEYS)


def test_the_command_says_what_to_do_where_ties_take_long(harness, competitions, monkeypatch):
    file = competitions / "toy" / "competition.toml"
    file.write_text(file.read_text().replace('["log_loss", "macro_f1"]', '["macro_f1", "log_loss"]'))
    monkeypatch.setattr("harness.ties.QUICK_CELLS", 0)
    harness("run", "toy", "--strategy", "near")
    plain = harness("leaderboard", "toy")
    board, told = plain.out.split("which are tied with the best takes a while to tell: ")
    assert "=" not in board
    assert told.endswith(" leaderboard toy --ties\n")


def test_ties_of_a_tracking_server_are_refused_in_one_line(harness):
    found = harness("leaderboard", "toy", "--ties", "--from-tracking")
    assert found.code == 2
    assert "a tracking server keeps no predictions" in found.err


def test_ties_of_no_runs_say_what_to_do(harness):
    assert "no finished runs of toy" in harness("leaderboard", "toy", "--ties").err


@pytest.mark.parametrize(("value", "shown"), [(-0.0, "0.0000"), (0.0, "0.0000"), (-1e-9, "-1.0e-09"), (0.25, "0.2500")])
def test_no_difference_has_no_sign(value, shown):
    assert _significant(value) == shown
