"""docs/hooks.md is what hookspecs.py says: every hook, in order, with its arguments."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from harness import hookspecs

PAGE = Path(__file__).parents[2] / "docs" / "hooks.md"
HOOKS = {name: spec for name, spec in vars(hookspecs).items() if hasattr(spec, "harness_spec")}


@pytest.fixture(scope="module")
def sections() -> dict[str, str]:
    parts = re.split(r"^### `(harness_\w+)\(.*\)`\n", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_hook_has_a_heading_in_firing_order(sections: dict[str, str]) -> None:
    assert list(sections) == list(HOOKS)


@pytest.mark.parametrize("name", list(HOOKS))
def test_heading_names_the_arguments(name: str) -> None:
    arguments = ", ".join(inspect.signature(HOOKS[name]).parameters)
    assert f"### `{name}({arguments})`\n" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", list(HOOKS))
def test_hook_is_marked_as_what_it_is(name: str, sections: dict[str, str]) -> None:
    first = bool(HOOKS[name].harness_spec["firstresult"])
    assert ("first answer counts" in sections[name].lower()) == first
    event = "(event)" in (inspect.getdoc(HOOKS[name]) or "")
    assert sections[name].lstrip().startswith("Event") == event


def test_hooks_are_named_and_told() -> None:
    assert len(HOOKS) > 15
    for name, spec in HOOKS.items():
        assert name.startswith("harness_")
        assert inspect.getdoc(spec)
        defaults = [p.default for p in inspect.signature(spec).parameters.values()]
        assert all(default is inspect.Parameter.empty for default in defaults)
