"""Which strategies a command runs, with which parameters, and its exit code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from harness.competition import Strategy, Use
from harness.errors import ConfigError
from harness.hookspecs import hookimpl
from harness.launch import Launched, apply_settings, choose_strategies, unusable_strategies
from harness.offers import CLASSIFICATION, Adjuster, Features, ModelRecipe, Rebalancer
from harness.params import param
from harness.planning import Hardware
from harness.plugins import load_plugins
from harness.prepare import Setting, prepare
from harness.run import Options, Outcome, run_all
from harness.store import Workspace
from harness.submitting import replaced_of_other_data


@pytest.fixture
def toy(competitions, workspace):
    return prepare(Setting(competitions / "toy", workspace / "cache"))


def names(strategies):
    return [strategy.name for strategy in strategies]


def test_strategies_are_chosen_by_patterns_in_the_files_order(toy):
    competition = toy.competition
    assert names(choose_strategies(competition, [])) == ["near", "sharp", "calibrated", "broken"]
    assert names(choose_strategies(competition, ["sharp", "near"])) == ["near", "sharp"]
    assert names(choose_strategies(competition, ["*a*", "sharp"])) == ["near", "sharp", "calibrated"]
    assert names(choose_strategies(competition, ["[bn]*"])) == ["near", "broken"]


def test_a_strategy_that_runs_only_when_named_waits_for_its_name(toy):
    first, *others = toy.competition.strategies
    competition = replace(toy.competition, strategies=(replace(first, named_only=True), *others))
    assert names(choose_strategies(competition, [])) == ["sharp", "calibrated", "broken"]
    assert names(choose_strategies(competition, ["near"])) == ["near"]
    assert names(choose_strategies(competition, ["*"])) == ["near", "sharp", "calibrated", "broken"]


@pytest.mark.parametrize("patterns", [["shrap"], ["near", "shrap"]])
def test_a_pattern_that_fits_no_strategy_is_told_with_the_nearest(toy, patterns):
    with pytest.raises(ConfigError, match="toy has no strategy 'shrap'; did you mean 'sharp'"):
        choose_strategies(toy.competition, patterns)


# --- --set ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Depth:
    depth: int = param(3, "depth", low=1)
    size: float = param(1.0, "size")


@dataclass(frozen=True)
class Size:
    size: float = param(1.0, "size")


@dataclass(frozen=True)
class Cut:
    cut: float = param(0.5, "cut")


@pytest.fixture
def plugins():
    found = load_plugins()

    def unused(*_):
        raise AssertionError("only listed")

    found.offers(ModelRecipe)["m.tree"] = ModelRecipe("m.tree", "", CLASSIFICATION, Depth, unused)
    found.offers(Features)["m.scale"] = Features("m.scale", "", Size, unused)
    found.offers(Rebalancer)["m.more"] = Rebalancer("m.more", "", Size, unused)
    found.offers(Adjuster)["m.cut"] = Adjuster("m.cut", "", CLASSIFICATION, Cut, unused)
    return found


TREE = Strategy("tree", Use("m.tree"))
FULL = Strategy("full.v1", Use("m.tree"), Use("m.scale"), Use("m.more"), (Use("m.cut"), Use("m.cut", {"cut": 0.1})))
OTHER = Strategy("tree.deep", Use("m.tree", {"depth": 9}))


def test_a_parameter_is_set_by_its_name_and_becomes_part_of_the_label(plugins):
    (tree,) = apply_settings([TREE], ["tree.depth=4"], plugins)
    assert tree.model == Use("m.tree", {"depth": 4})
    assert tree.overrides == {"model.depth": 4}
    assert tree.label == "tree (model.depth=4)"
    assert TREE.model.params == {}


def test_values_are_read_as_toml_and_later_ones_win(plugins):
    (tree,) = apply_settings([TREE], ["tree.depth=4", "tree.size=1.5", "tree.depth=5"], plugins)
    assert tree.model.params == {"depth": 5, "size": 1.5}
    assert tree.overrides == {"model.depth": 5, "model.size": 1.5}


def test_a_part_can_be_named_and_must_be_where_several_have_the_parameter(plugins):
    (full,) = apply_settings([FULL], ["full.v1.rebalancer.size=2", "full.v1.features.size=3"], plugins)
    assert (full.rebalancer.params, full.features.params, full.model.params) == ({"size": 2}, {"size": 3}, {})
    with pytest.raises(ConfigError, match=r"'size' is a parameter of several parts; say .*features\.size"):
        apply_settings([FULL], ["full.v1.size=2"], plugins)


def test_adjusters_of_a_chain_are_numbered(plugins):
    (full,) = apply_settings([FULL], ["full.v1.adjuster.cut=0.3", "full.v1.adjuster2.cut=0.4"], plugins)
    assert [use.params for use in full.adjusters] == [{"cut": 0.3}, {"cut": 0.4}]
    assert full.overrides == {"adjuster.cut": 0.3, "adjuster2.cut": 0.4}


def test_names_with_dots_are_taken_whole(plugins):
    tree, deep = apply_settings([TREE, OTHER], ["tree.deep.depth=7"], plugins)
    assert (tree.model.params, deep.model.params) == ({}, {"depth": 7})
    tree, deep = apply_settings([TREE, OTHER], ["tree.model.depth=6"], plugins)
    assert (tree.model.params, deep.model.params) == ({"depth": 6}, {"depth": 9})


def test_a_pattern_sets_a_parameter_of_each_strategy_it_fits(plugins):
    changed = apply_settings([TREE, FULL, OTHER], ["t*.depth=2"], plugins)
    assert [strategy.model.params for strategy in changed] == [{"depth": 2}, {}, {"depth": 2}]
    changed = apply_settings([TREE, FULL], ["*.model.size=2.5"], plugins)
    assert [strategy.model.params for strategy in changed] == [{"size": 2.5}] * 2


@pytest.mark.parametrize("setting", ["tre.depth=4", "tree.depth", "depth=4", "=", ""])
def test_what_is_no_setting_of_a_chosen_strategy_is_told(plugins, setting):
    with pytest.raises(
        ConfigError, match=r"^--set .*: expected STRATEGY\.param=value of a chosen strategy, or '.*' for all"
    ):
        apply_settings([TREE], [setting], plugins)


def test_a_strategy_that_is_named_rightly_is_not_what_is_missing(plugins):
    with pytest.raises(ConfigError, match=r"for all$"):
        apply_settings([TREE], ["tree"], plugins)
    with pytest.raises(ConfigError, match=r"did you mean 'tree'"):
        apply_settings([TREE], ["tre.depth=4"], plugins)


@pytest.mark.parametrize("setting", ["tree.dept=4", "tree.model.dept=4", "tree.features.depth=4"])
def test_an_unknown_parameter_is_told_with_the_known_ones(plugins, setting):
    with pytest.raises(ConfigError, match=r"'tree' has no parameter .*(did you mean|known:) '?depth"):
        apply_settings([TREE], [setting], plugins)


@pytest.mark.parametrize(
    ("setting", "problem"),
    [("tree.depth=0", "expected a number at least 1"), ("tree.depth=deep", "expected `int`, got `str`")],
)
def test_a_value_that_cannot_be_is_told_of_the_command_line(plugins, setting, problem):
    key, value = setting.removeprefix("tree.").split("=")
    value = repr(value) if value == "deep" else value
    with pytest.raises(ConfigError, match=rf"^--set {setting}: {key} = {value}: {problem}$"):
        apply_settings([TREE], [setting], plugins)


# --- what came out --------------------------------------------------------------------------------------------------


def test_strategies_that_could_not_run_are_told_one_line_each(toy):
    good = toy.competition.strategy("near")
    wrong = replace(good, name="wrong", model=Use("local.means", {"sharpness": -1}))
    unknown = replace(good, name="unknown", model=Use("local.mean"))
    unfit = replace(good, name="unfit", adjusters=(Use("threshold", {"metrics": "f1"}),))
    problems = unusable_strategies(toy, [good, wrong, unknown, unfit])
    assert list(problems) == ["wrong", "unknown", "unfit"]
    assert "expected a number at least 0" in str(problems["wrong"])
    assert "did you mean 'local.means'" in str(problems["unknown"])
    assert "did you mean 'metric'" in str(problems["unfit"])


@dataclass(frozen=True)
class Planned:
    strategy: Strategy


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ("++", 0),
        ("+x", 3),
        ("xx", 1),
        ("mm", 2),
        ("mx", 1),
        ("", 0),
    ],
)
def test_the_exit_code_tells_whether_all_a_part_or_nothing_was_done(outcomes, code):
    def outcome(sign, strategy):
        result = object() if sign == "+" else None
        return Outcome(Planned(strategy), result, "" if result else "failed", mistake=sign == "m")

    baseline = outcome("+", replace(TREE, name="baseline-prior", baseline=True))
    made = (baseline, *(outcome(sign, TREE) for sign in outcomes))
    assert Launched(made, (), None, {}, Path(), None).exit_code == code
    if code == 0:
        assert Launched(made, (), None, {}, Path(), None, unusable=("x: no plugin",)).exit_code == 3


# what a person is told ----------------------------------------------------------------------------------------------


class Heard:
    """What was warned of."""

    def __init__(self) -> None:
        self.told: list[str] = []

    @hookimpl
    def harness_warned(self, message: str) -> None:
        self.told.append(message)


def test_what_a_recipe_warns_of_is_told_once_and_only_before_it_trains(toy, workspace):
    near = next(one for one in toy.competition.strategies if one.name == "near")
    known, heard = toy.plugins.offers(ModelRecipe), Heard()
    recipe = known[near.model.name]
    known[near.model.name] = replace(recipe, warn=lambda params, info: f"{len(info.classes)} classes are few")
    toy.plugins.manager.register(heard, "heard")
    options = Options(Workspace(workspace), Hardware("cpu", 1))
    try:
        assert all(outcome.result for outcome in run_all(toy, [near], [0, 1], options))
        told = [text for text in heard.told if "few" in text]
        assert told == [f"near: {len(toy.dataset.info.classes)} classes are few"]
        heard.told.clear()
        assert all(outcome.result for outcome in run_all(toy, [near], [0, 1], options))
        assert heard.told == []
    finally:
        known[near.model.name] = recipe
        toy.plugins.manager.unregister(heard)


def test_files_of_other_data_that_are_replaced_are_told(tmp_path):
    record, files = tmp_path / "kept" / "toy.json", [tmp_path / "near.csv", tmp_path / "best.csv"]
    assert replaced_of_other_data(files, "one", record) == []
    assert replaced_of_other_data(files[:1], "one", record) == []
    assert replaced_of_other_data(files[:1], "two", record) == ["near.csv"]
    assert replaced_of_other_data(files, "two", record) == ["best.csv"]
    record.write_text("{")
    assert replaced_of_other_data(files, "one", record) == []
    assert replaced_of_other_data(files, "one", record) == []
