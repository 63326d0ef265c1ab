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
        if isinstance(answer, Exception):
            raise answer
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
    with pytest.raises(HarnessError, match=r"knows what to make of train.csv; asked: one; expected a table"):
        surest(GIVEN, plugins(one=[]))


def test_a_plugin_that_fails_keeps_no_other_from_answering():
    known = plugins(one=[proposal("one.rows", 0.8)], two=["rows"], three=RuntimeError("out of order"))
    found = surest(GIVEN, known)
    assert found.source == "one.rows"
    assert sorted(found.notes) == [
        "plugin 'three' failed in harness_propose: RuntimeError: out of order",
        "plugin 'two': harness_propose answered 'rows', expected Proposal records",
    ]
    with pytest.raises(HarnessError, match=r"asked: two; plugin 'two': harness_propose answered 'rows'"):
        surest(GIVEN, plugins(two=["rows"]))


def test_a_proposal_of_nothing_is_refused():
    with pytest.raises(PluginError, match=r"'x.rows': expected sure from 0 to 1"):
        proposal("x.rows", 1.5)
