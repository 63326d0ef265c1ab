"""Plugins are asked what they make of files; the surest is followed, and a tie is not broken in silence."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from harness.competition import Strategy, Use
from harness.data import TaskType
from harness.drafting.gather import surest
from harness.errors import HarnessError, PluginError
from harness.hookspecs import hookimpl
from harness.plugins import Plugins
from harness.proposal import Chosen, Given, Proposal

GIVEN = Given(Path("train.csv"))


def proposal(source: str, sure: float) -> Proposal:
    near = Strategy("near", Use("toy.near"))
    return Proposal(source, "rows", sure, Path(), Chosen(TaskType.BINARY), {}, (near,))


def answering(answer):
    @hookimpl
    def harness_propose(given):
        assert given is GIVEN
        return answer

    return harness_propose


def plugins(**answers) -> Plugins:
    found = Plugins()
    for name, answer in answers.items():
        module = ModuleType(name)
        module.harness_propose = answering(answer)
        found.register(name, module)
    return found


def test_the_surest_is_followed_unless_another_source_is_named():
    known = plugins(one=[proposal("one.rows", 0.4)], two=[proposal("two.rows", 0.8)], silent=None)
    assert surest(GIVEN, known).source == "two.rows"
    assert surest(GIVEN, known, "one.rows").source == "one.rows"
    with pytest.raises(HarnessError, match=r"--source 'one.row' proposes nothing.*did you mean 'one.rows'"):
        surest(GIVEN, known, "one.row")


def test_equally_sure_plugins_are_asked_about():
    known = plugins(one=[proposal("one.rows", 0.8)], two=[proposal("two.rows", 0.8)])
    with pytest.raises(HarnessError, match=r"two.rows.*one.rows.*can both read train.csv; say which: --source"):
        surest(GIVEN, known)


def test_nobody_answers():
    with pytest.raises(HarnessError, match=r"no installed plugin knows what to make of train.csv \(asked: one\)"):
        surest(GIVEN, plugins(one=[]))


def test_strange_answers_name_the_plugin():
    with pytest.raises(PluginError, match=r"plugin 'one': harness_propose answered 'rows', expected Proposal"):
        surest(GIVEN, plugins(one=["rows"]))
    with pytest.raises(PluginError, match=r"'x.rows': expected sure from 0 to 1"):
        proposal("x.rows", 1.5)
