"""The parts of a run's page: what they say is what the numbers are, and nobody's text becomes HTML."""

import math
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from harness.builtin import page
from harness.builtin._figures import reliability
from harness.builtin._figures.sets import Shown
from harness.builtin._page import board, facts, folds
from harness.builtin._page.calibration import calibration
from harness.builtin._page.errors import errors
from harness.builtin._page.rows import rows_of
from harness.data import Dataset, DatasetInfo, Examples, Predictions, TaskType
from harness.results import Scored

HOSTILE = "<b onclick='x'>\"&"


def entry(rank, name, value, *, stderr=0.01, valid=None, baseline=False, tie=None, fold_scores=(), **more):
    return {
        "rank": rank,
        "name": name,
        "run_id": f"{name}-s0-1",
        "seed": 0,
        "scores": {"log_loss": {"oof": value, "valid": valid, "stderr": stderr}, "f1": {"oof": 0.5, "valid": None}},
        "fold_scores": {"log_loss": list(fold_scores)},
        "baseline": baseline,
        "seconds": 3.0,
        "marks": [],
        "flags": [],
        "seeds": None,
        "tie": tie,
        **more,
    }


def made(*entries, on="oof"):
    return {
        "metric": "log_loss",
        "direction": "min",
        "on": on,
        "metrics": ["log_loss", "f1"],
        "entries": list(entries),
        "published": [],
    }


def tie(tied, difference=0.1):
    return {"tied": tied, "difference": difference, "stderr": 0.05, "p": 0.04, "best": 0.25, "ranks": [1, 3]}


def test_the_headline_tells_who_leads_and_how_surely():
    base = entry(3, "prior", 0.9, baseline=True)
    first, second = entry(1, "a", 0.4, tie=tie(True, 0)), entry(2, "b", 0.5, tie=tie(True))
    told = board.headline(made(first, second, base))
    assert told == "a leads with log_loss 0.400 ± 0.010; one other is tied with it; the baseline has 0.9000."
    chance = {**base, "tie": tie(True)}
    assert board.headline(made(first, second, chance)).endswith(
        "2 others are tied with it, the baseline (0.9000) among them."
    )
    assert board.headline(made(first, chance)).endswith("one other is tied with it: the baseline, with 0.9000.")
    apart = board.headline(made(first, {**second, "tie": tie(False)}, base))
    assert "a leads with log_loss 0.400 ± 0.010, better than every other beyond chance; the baseline" in apart
    bare = {"ties": {"training": False}}
    apart = board.headline(made(first, {**second, "tie": tie(False)}) | bare)
    assert apart.endswith(", better than every other beyond chance of the rows (another training is not counted).")
    unknown = board.headline(made({**first, "tie": None}, {**second, "tie": None}))
    assert unknown == "a leads with log_loss 0.400 ± 0.010."
    assert board.headline(made(entry(1, "prior", 0.3, baseline=True), first)).startswith("Nothing beats the baseline")
    assert board.headline(made(entry(1, "a", None))) == "No run has a score yet."
    assert board.headline(made()) == "No run has a score yet."


def test_the_forest_has_a_dot_for_each_score_and_a_bar_where_there_is_a_spread():
    entries = [
        entry(1, "a", 0.4, valid=0.45, tie=tie(True, 0)),
        entry(2, HOSTILE, 0.5, stderr=None, tie=tie(True)),
        entry(3, "c", 0.6, stderr=math.nan),
        entry(4, "prior", 0.7, baseline=True, stderr=1e-17),
        entry(5, "failed", None),
    ]
    drawn = board.forest(made(*entries), "a-s0-1")
    assert drawn.count("<circle") == 5
    assert drawn.count('class="hollow"') == 1
    assert len(re.findall(r'class="\w*bar"', drawn)) == 1
    assert drawn.count('class="wash"') == 1
    assert drawn.count('class="ref"') == 1
    assert ">2=</text>" in drawn
    assert HOSTILE not in drawn
    assert "&lt;b onclick" in drawn
    assert "Dashed: the best baseline" in drawn
    assert board.forest(made(entry(1, "failed", None)), "") == ""
    assert "<circle" in board.forest(made(entry(1, "one", 0.5, stderr=None)), "")


def test_more_entries_than_a_plot_holds_are_counted_and_all_are_in_the_table():
    entries = [entry(n, f"s{n}", n / 100) for n in range(1, board.SHOWN + 6)]
    assert "5 more in the table" in board.forest(made(*entries), "")
    assert board.board_table(made(*entries), "").count("<tr") == len(entries) + 1


def test_the_table_has_every_metric_the_marks_and_ties_where_they_are_known():
    entries = [
        entry(1, "a", 0.4, tie=tie(True, 0)),
        entry(2, "b", 0.5, tie=tie(True), flags=[HOSTILE]),
        entry(3, "c", 12345.6, tie=None),
    ]
    shown = board.board_table(made(*entries), "b-s0-1")
    assert shown.count('<tr class="here">') == 1
    assert "tied with the best" in shown
    assert "0.100 ± 0.050" in shown
    assert "25%" in shown
    assert "1 to 3" in shown
    assert "12,346" in shown
    assert "&lt;b onclick" in shown
    assert HOSTILE not in shown
    assert "P(best)" not in board.board_table(made(entry(1, "a", 0.4)), "")


def test_folds_are_drawn_where_there_are_several_and_constants_are_not():
    two = [entry(1, "a", 0.4, fold_scores=[0.3, 0.5, 0.4]), entry(2, "b", 0.5, fold_scores=[0.4, None, 0.45])]
    base = entry(3, "prior", 0.9, baseline=True, fold_scores=[0.9] * 3)
    drawn = folds.folds(made(*two, base))
    assert drawn.count("<circle") == 5
    assert drawn.count("<polyline") == 3
    assert "prior" not in drawn
    assert "a is worst on fold 1 (0.5000) and best on fold 0 (0.3000)" in drawn
    same = folds.folds(made(entry(1, "a", 0.4, fold_scores=[0.4] * 3)))
    assert "a is as good on each fold (0.4000)." in same
    assert folds.folds(made(entry(1, "a", 0.4, fold_scores=[0.4]))) == ""
    assert folds.folds(made(entry(1, "a", 0.4))) == ""


def scored(targets, values, columns, weights=None):
    ids = np.array([f"r{n}" for n in range(len(targets))], dtype=object)
    return Scored(targets, Predictions(ids, values, columns), None, weights, np.zeros(len(targets), dtype=np.int64))


def dataset(one, task, classes=(), roles=None, meta=None):
    info = DatasetInfo("d", task, classes, roles=roles or {})
    rows = np.random.default_rng(0).permutation(len(one.targets))
    train = Examples(one.predictions.ids, list(range(len(one.targets))), one.targets, meta).take(rows)
    return Dataset(info, train)


def binary(n=1000, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.02, 0.98, n)
    return scored((rng.uniform(size=n) < p).astype(np.int64), np.column_stack([1 - p, p]), ("no", "yes"))


def test_calibration_says_how_far_predictions_are_from_what_came_true():
    true = binary(20_000)
    told = calibration(true, ("no", "yes"))
    error = float(re.search(r"Expected calibration error (0\.\d+)", told)[1])
    assert error < 0.015
    shifted = np.clip(true.predictions.values[:, 1] + 0.2, 0, 1)
    high = scored(true.targets, np.column_stack([1 - shifted, shifted]), ("no", "yes"))
    told = calibration(high, ("no", "yes"))
    assert float(re.search(r"Expected calibration error (0\.\d+)", told)[1]) == pytest.approx(0.19, abs=0.02)
    assert re.search(r"on the whole 1[789]\.\d percentage points more than what came true is predicted", told)


def test_the_page_and_the_runs_figure_tell_the_same_calibration_error():
    true = binary()
    labels = []
    axes = SimpleNamespace(plot=lambda *_, label="", **__: labels.append(label), vlines=lambda *_, **__: None)
    shown = Shown("oof", "red", true.targets, true.predictions.values, None, np.ones(1000), False)
    reliability._draw_curve(axes, shown, reliability._curve(shown, binary=True))
    error = re.search(r"Expected calibration error (0\.\d+) \(of yes\)", calibration(true, ("no", "yes")))[1]
    assert labels[0] == f"oof: ECE {error}"


def test_calibration_of_points_tells_the_bias_and_what_intervals_hold():
    rng = np.random.default_rng(0)
    point = rng.uniform(0, 100, 2000)
    truth = point - 5 + rng.normal(0, 1, 2000)
    values = np.column_stack([point, point - 5 - 1.6449, point - 5 + 1.6449])
    told = calibration(scored(truth, values, ("point", "lower", "upper")), ())
    assert re.search(r"Predictions are (4\.9\d+|5\.0\d+) too high on average", told)
    assert re.search(r"Intervals hold (8[89]|9[012])\.\d% of the rows", told)
    assert calibration(scored(truth[:3], values[:3], ("point", "lower", "upper")), ()) == ""


def test_errors_are_told_by_class_group_and_time_and_the_worst_row_is_first():
    n = 600
    rng = np.random.default_rng(1)
    targets = rng.integers(0, 3, n)
    values = np.full((n, 3), 0.1)
    values[np.arange(n), targets] = 0.8
    bad = np.arange(n) >= 500  # the last of them, in time, are predicted badly
    values[bad] = 0.45
    values[bad, targets[bad]] = 0.1
    values[7] = [0.0005, 0.0005, 0.999]
    targets[7] = 0
    meta = pd.DataFrame(
        {
            "site": np.where(bad, HOSTILE, np.where(np.arange(n) < 3, "tiny", "usual")),
            "when": pd.date_range("2024-01-01", periods=n, freq="D").astype(str),
        }
    )
    one = scored(targets, values, ("a", "b", "c"))
    rows = rows_of(
        one, dataset(one, TaskType.MULTICLASS, ("a", "b", "c"), {"group": "site", "time": "when"}, meta), "oof"
    )
    told = "\n".join(errors(rows))
    assert list(re.findall("<h3>(.*?)</h3>", told)) == ["By class", "By site", "Over when", "Worst rows"]
    groups = told.split("<h3>By site</h3>")[1]
    assert groups.index("&lt;b onclick") < groups.index(">usual<")
    assert ">tiny<" not in groups
    assert "highest from 2025-" in told
    worst = told.split("<h3>Worst rows</h3>")[1]
    assert re.search(r'<tbody>\s*<tr><th scope="row" class="t">r7</th>', worst)
    assert "7.601" in worst
    assert HOSTILE not in told
    shares = [float(found) for found in re.findall(r"<td>(\d+\.\d)%</td><td>", told.split("<h3>By site</h3>")[0])]
    assert sum(shares) == pytest.approx(100, abs=0.2)


def test_errors_of_a_regression_and_of_labels_are_told_too():
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 10, 300)
    one = scored(truth, (truth * 0.5)[:, None], ("point",))
    told = "\n".join(errors(rows_of(one, dataset(one, TaskType.REGRESSION), "oof")))
    assert "By size of the target" in told
    signs = re.findall(r"<td>([+-]\d[\d.]*)</td>", told)
    assert len(signs) == 5
    assert all(sign.startswith("-") for sign in signs)
    marks = (rng.uniform(size=(200, 4)) < 0.3).astype(np.int8)
    guess = np.where(marks == 1, 0.7, 0.2)
    guess[:, 2] = 0.5
    many = scored(marks, guess, ("a", "b", "c", "d"))
    told = "\n".join(errors(rows_of(many, dataset(many, TaskType.MULTILABEL, ("a", "b", "c", "d")), "oof")))
    assert re.search(r'By label.*?<tbody>\s*<tr><th scope="row" class="t">c</th>', told, re.DOTALL)


def test_rows_weigh_in_the_errors_what_they_weigh_in_the_score():
    targets = np.repeat([0, 1, 2], [4, 4, 8])
    values = np.full((16, 3), 0.1)
    values[np.arange(16), targets] = 0.8
    values[0], values[8:] = [0.5, 0.4, 0.1], [0.9, 0.05, 0.05]
    one = scored(targets, values, ("a", "b", "c"), np.repeat([3.0, 1.0, 0.0], [4, 4, 8]))
    rows = rows_of(one, dataset(one, TaskType.MULTICLASS, ("a", "b", "c")), "oof")
    assert (len(rows.loss), rows.weights.mean()) == (8, 1.0)
    told = "\n".join(errors(rows))
    assert "r8" not in told
    assert ">c<" not in told
    of_a = 3 * (math.log(2) + 3 * math.log(1.25))
    share = of_a / (of_a + 4 * math.log(1.25))
    line = re.search(r"<tr><th[^>]*>a</th>(.*?)</tr>", told)[1]
    assert re.findall(r"<td[^>]*>(.*?)</td>", line)[0] == "4"
    assert f"<td>{100 * share:.1f}%</td>" in line
    worst = re.search(r"The worst hundredth of the rows holds (\d+)%", told)[1]
    assert int(worst) == round(100 * 3 * math.log(2) / (of_a + 4 * math.log(1.25)))


def test_rows_that_are_no_probabilities_or_not_in_the_data_cost_their_parts_only():
    one = binary(50)
    bare = scored(one.targets, one.predictions.values * 3, ("no", "yes"))
    assert rows_of(bare, dataset(one, TaskType.BINARY, ("no", "yes")), "oof") is None
    meta = pd.DataFrame({"site": ["a"] * 50})
    others = dataset(one, TaskType.BINARY, ("no", "yes"), {"group": "site"}, meta)
    strange = Scored(
        one.targets,
        Predictions(one.predictions.ids + "x", one.predictions.values, ("no", "yes")),
        None,
        None,
        one.folds,
    )
    assert rows_of(strange, others, "oof").meta is None
    assert rows_of(one, others, "oof").meta["site"].tolist() == ["a"] * 50


COMPETITION = SimpleNamespace(id="c d", title="C", split=SimpleNamespace(name="stratified"), split_allowed="")


def test_the_data_card_names_open_leaks_and_folds_the_others_away():
    data = dataset(binary(40), TaskType.BINARY, ("no", "yes"))
    told = "".join(facts.data_card(COMPETITION, data, None, {"data": "my <files>.zip"}))
    assert "Not looked for yet: <code>harness check &#x27;c d&#x27; --data &#x27;my &lt;files&gt;.zip&#x27;<" in told
    leak = {"kind": "id-order", "severity": "leak", "what": HOSTILE, "advice": "drop it", "accepted": ""}
    card = {"looked": ["ids", "columns"], "findings": [leak, {**leak, "accepted": "known"}]}
    told = "".join(facts.data_card(COMPETITION, data, card, {}))
    assert told.count('class="loud"') == 1
    assert "1 more, accepted or no leaks" in told
    assert "accepted leak: id-order" in told
    assert HOSTILE not in told
    fine = "".join(facts.data_card(COMPETITION, data, {**card, "findings": []}, {}))
    assert "None is open; looked at: ids, columns." in fine


def test_commands_are_quoted_for_a_shell():
    run = SimpleNamespace(run_id="a-s1-x", strategy="a b", seed=1, fast=True)
    told = facts.commands(COMPETITION, SimpleNamespace(run=run, submission=None), {"data": "my data", "folds": 3})
    line = "harness run &#x27;c d&#x27; -s &#x27;a b&#x27; --seed 1 --data &#x27;my data&#x27; --folds 3 --fast"
    assert line in told
    assert "whence" not in told


def test_figures_that_would_make_the_page_too_large_are_named(tmp_path: Path, monkeypatch):
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.png").write_bytes(bytes(100))
    monkeypatch.setattr(page, "MOST_BYTES", 250)
    told = "".join(page._figures(sorted(tmp_path.iterdir())))
    assert told.count("<img") == 2
    assert "Left out, since the page would be too large: c.png" in told
