"""What is tuned: ranges that parameters declare, or that the command names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import pytest

from harness.competition import Strategy, Use
from harness.data import TaskType
from harness.errors import ConfigError
from harness.offers import ModelRecipe
from harness.params import param
from harness.prepare import Setting, prepare
from harness.space import Dimension, applied, space_of


@dataclass(frozen=True)
class Params:
    depth: int = param(6, "levels", low=1, high=16)
    rate: float = param(0.1, "shrinkage", low=0.001, high=1.0, log=True)
    penalty: float = param(0.0, "L2", low=0.0, high=100.0)
    trees: int = param(100, "trees", low=1, high=10_000, tune=False)
    weight: float = param(3.0, "weight", low=0.0, high=1e6, log=True, tune=(0.5, 50.0))
    loss: Literal["log", "focal"] = param("log", "what is minimised")
    quiet: bool = param(True, "say nothing")
    open_end: float = param(1.0, "no upper end", low=0.0)


@pytest.fixture
def toy(competitions, workspace, monkeypatch):
    prepared = prepare(Setting(competitions / "toy", workspace / "cache"))
    recipe = ModelRecipe("made.up", "for tests", frozenset({TaskType.MULTICLASS}), Params, lambda *_: None)
    find = prepared.plugins.find

    def found(kind, name, where):
        return recipe if name == "made.up" else find(kind, name, where)

    monkeypatch.setattr(prepared.plugins, "find", found)
    return prepared


STRATEGY = Strategy("one", Use("made.up"))


def ranges(space):
    return [dimension.range for dimension in space]


def test_without_a_word_every_number_with_a_range_is_tuned_near_its_value(toy):
    assert ranges(space_of(STRATEGY, toy, ())) == [
        "model.depth=2:16",
        "model.rate=0.025:0.4:log",
        "model.weight=0.5:50:log",
    ]
    deep = replace(STRATEGY, model=Use("made.up", {"depth": 2, "penalty": 1.0}))
    assert ranges(space_of(deep, toy, ()))[:3] == [
        "model.depth=1:8",
        "model.rate=0.025:0.4:log",
        "model.penalty=0.25:4",
    ]


def test_named_ones_alone_are_tuned_in_the_ranges_that_are_given(toy):
    given = ("depth=2:8", "model.trees", "rate=0.01:0.5:log", "loss", "quiet", "penalty=0,1,10")
    space = space_of(STRATEGY, toy, given[:1] + given[2:])
    assert ranges(space) == [
        "model.depth=2:8",
        "model.rate=0.01:0.5:log",
        "model.loss=log,focal",
        "model.quiet=False,True",
        "model.penalty=0,1,10",
    ]
    assert [dimension.holds_default for dimension in space] == [True] * 5
    with pytest.raises(ConfigError, match="it declares no range; give one: trees=LOW:HIGH"):
        space_of(STRATEGY, toy, given[1:2])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("depth=0:8", "expected a number in \\[1, 16\\]"),
        ("depth=8:8", "expected LOW below HIGH"),
        ("penalty=0:1:log", "begins above 0"),
        ("loss=log", "expected at least two values"),
        ("loss=log,hinge", "hinge"),
        ("dept=1:2", "did you mean 'depth'"),
    ],
)
def test_what_the_parameter_itself_would_refuse_is_refused(text, told, toy):
    with pytest.raises(ConfigError, match=told):
        space_of(STRATEGY, toy, (text,))
    with pytest.raises(ConfigError, match="twice"):
        space_of(STRATEGY, toy, ("depth", "depth=2:4"))


def test_what_is_tried_is_what_can_be_pasted(toy):
    space = space_of(STRATEGY, toy, ("rate=0.01:0.5:log", "depth=2:8"))
    changed = applied(STRATEGY, space, {"model.rate": 0.123456789, "model.depth": 4})
    assert changed.model.params == {"rate": 0.1235, "depth": 4}
    assert changed.label == "one (model.depth=4, model.rate=0.1235)"
    assert Dimension("model", "x", "float", 1.0, 0.30001, 1.0).rounded(0.30002) == 0.30001


def test_ranges_are_what_optuna_searches(toy):
    pytest.importorskip("optuna", reason="tuning needs Optuna (the extra `tune`)")
    space = space_of(STRATEGY, toy, ("rate", "depth", "loss"))
    rate, depth, loss = (dimension.distribution() for dimension in space)
    assert (rate.low, rate.high, rate.log) == (0.025, 0.4, True)
    assert (depth.low, depth.high) == (2, 16)
    assert loss.choices == ("log", "focal")
