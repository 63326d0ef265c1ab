"""The guard of ``harness run``: when dealing rows at random is refused, and when it is harmless."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.audit.guard import MARK, guard, objections
from harness.builtin.metrics import harness_metrics
from harness.builtin.splits import harness_splitters
from harness.competition import Competition, DataSpec, Use
from harness.data import Dataset, DatasetInfo, Examples, TaskType
from harness.errors import ConfigError
from harness.params import as_json, parse_params
from harness.plugins import load_plugins
from harness.prepare import Prepared, Setting

SPLITTERS = {splitter.name: splitter for splitter in harness_splitters()}
METRICS = tuple(metric for metric in harness_metrics() if metric.name == "mae")
ROLES = {"group": "place", "time": "day"}


def rows(places, days=None, shift: float = 0.0, seed: int = 0) -> Examples:
    n = len(places)
    rng = np.random.default_rng(seed)
    meta = pd.DataFrame({"place": places, "day": np.zeros(n) if days is None else days})
    return Examples(np.arange(n).astype(object), rng.normal(size=(n, 2)) + shift, rng.normal(size=n), meta)


def prepared(cache: Path, train: Examples, test: Examples | None, split: str = "random", **given) -> Prepared:
    info = DatasetInfo("d", TaskType.REGRESSION, roles=ROLES)
    splitter = SPLITTERS[split]
    params = parse_params(splitter.params, {"folds": 4, **given}, "split")
    home = cache / "mine"
    return Prepared(
        setting=Setting(home, cache),
        competition=Competition("mine", home, "Mine", TaskType.REGRESSION, ("mae",), DataSpec("x"), Use(split), ()),
        plugins=load_plugins(),
        dataset=Dataset(info, train, None, None if test is None else test.unlabelled(), digest="d"),
        splitter=splitter,
        split=as_json(params),
        folds=tuple(splitter.split(params, train, info)),
        metrics=METRICS,
        target_prior=None,
    )


KNOWN = [f"p{row % 20}" for row in range(200)]
NEW = [f"q{row % 20}" for row in range(100)]
SINGLE = [f"s{row}" for row in range(200)]


@pytest.mark.parametrize(
    ("train", "test", "told"),
    [
        (rows(KNOWN), rows(KNOWN[:100], seed=1), []),
        (rows(KNOWN), rows(NEW, seed=1), ["100% of test rows are of groups (place) that train does not have, 0% of"]),
        (rows(KNOWN), rows(KNOWN[:80] + NEW[:20], seed=1), []),
        (rows(KNOWN), rows(KNOWN[:20] + NEW[:80], seed=1), ["80% of test rows are of groups (place)"]),
        # each row is a group of its own: dealt at random, groups are as new as the test's
        (rows(SINGLE), rows(NEW, seed=1), []),
        (rows(KNOWN, np.arange(200)), rows(KNOWN[:100], np.arange(100), seed=1), []),
        (rows(KNOWN, np.arange(200)), rows(KNOWN[:100], np.arange(150, 250), seed=1), []),
        (
            rows(KNOWN, np.arange(200)),
            rows(KNOWN[:100], np.arange(190, 290), seed=1),
            ["90% of test rows are later (day)"],
        ),
        (rows(KNOWN), rows(KNOWN[:100], shift=9, seed=1), ["train and test are told apart with AUC 1.000"]),
        (rows(KNOWN), rows(KNOWN[:100], shift=0.5, seed=1), []),
        (rows(KNOWN), rows(KNOWN[:20], shift=9, seed=1), []),
        (rows(KNOWN), rows(NEW, shift=9, seed=1), ["100% of test rows are of groups", "told apart"]),
        (rows(KNOWN), None, ["100% of validated rows have their group (place) in training, and no test set"]),
        (rows(SINGLE), None, []),
    ],
)
def test_what_speaks_against_a_random_split(tmp_path, train, test, told) -> None:
    found = objections(prepared(tmp_path, train, test))
    assert len(found) == len(told), found
    for wanted, text in zip(told, found, strict=True):
        assert wanted in text


def test_a_split_that_is_not_at_random_is_never_looked_at(tmp_path, monkeypatch) -> None:
    given = prepared(tmp_path, rows(KNOWN), rows(NEW, shift=9), "group", group_on="place")
    monkeypatch.setattr("harness.audit.guard.objections", lambda _: pytest.fail("looked"))
    assert guard(given) == (given, "")


def test_the_refusal_is_one_line_with_figures_and_the_way_on(tmp_path) -> None:
    given = prepared(tmp_path, rows(KNOWN), rows(NEW))
    given = replace(given, setting=replace(given.setting, data="sample"))
    with pytest.raises(ConfigError) as caught:
        guard(given)
    text = str(caught.value)
    assert "\n" not in text
    assert "split 'random' deals rows at random, but 100% of test rows" in text
    assert "harness split-audit mine --data sample" in text
    assert '--allow-split, or allow = "REASON" under [split]' in text


def test_who_insists_gets_a_mark_and_nothing_else_changes(tmp_path) -> None:
    given = prepared(tmp_path, rows(KNOWN), rows(NEW))
    marked, warning = guard(given, insisted=True)
    assert marked.marks == (MARK,)
    assert warning.endswith("kept: --allow-split")
    assert replace(marked, marks=()).split == given.split
    allowed = replace(given, competition=replace(given.competition, split_allowed="as the rules say"))
    marked, warning = guard(allowed)
    assert (marked.marks, warning.endswith("kept: as the rules say")) == ((MARK,), True)


def test_insisting_where_nothing_is_wrong_marks_nothing(tmp_path) -> None:
    given = prepared(tmp_path, rows(KNOWN), rows(KNOWN[:100], seed=1))
    assert guard(given, insisted=True) == (given, "")
