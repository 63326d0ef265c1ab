"""docs/hooks.md is what hookspecs.py says: every hook, in order, with its arguments and an example that works."""

from __future__ import annotations

import builtins
import inspect
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from harness import hookspecs, offers
from harness.contract import check_module
from harness.data import TaskType
from harness.plugins import GATHERED, Plugins

PAGE = Path(__file__).parents[2] / "docs" / "hooks.md"
HOOKS = {name: spec for name, spec in vars(hookspecs).items() if hasattr(spec, "harness_spec")}
EVENTS = [name for name, spec in HOOKS.items() if "(event)" in (inspect.getdoc(spec) or "")]


@pytest.fixture(scope="module")
def sections() -> dict[str, str]:
    parts = re.split(r"^### `(harness_\w+)\(.*\)`\n", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def example(sections: dict[str, str], name: str) -> str:
    """Return the code that the page shows for a hook."""
    (code,) = re.findall(r"^```python\n(.*?)^```", sections[name], flags=re.MULTILINE | re.DOTALL)
    return code


# the page -----------------------------------------------------------------------------------------------------------


def test_every_hook_has_a_heading_in_firing_order(sections):
    assert list(sections) == list(HOOKS)


def test_the_page_has_the_banners_of_the_file_in_its_order():
    banners = re.findall(r"^# -{20,}\n# (\w+)", inspect.getsource(hookspecs), flags=re.MULTILINE)
    headings = re.findall(r"^## (\w+)", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert headings == banners == ["Offers", "Data", "Submission", "Reports"]


@pytest.mark.parametrize("name", list(HOOKS))
def test_heading_names_the_arguments(name):
    arguments = ", ".join(inspect.signature(HOOKS[name]).parameters)
    assert f"### `{name}({arguments})`\n" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", list(HOOKS))
def test_hook_is_marked_as_what_it_is(name, sections):
    first = bool(HOOKS[name].harness_spec["firstresult"])
    assert ("first answer counts" in sections[name].lower()) == first
    assert sections[name].lstrip().startswith("Event") == (name in EVENTS)


@pytest.mark.parametrize("name", list(HOOKS))
def test_example_of_the_page_keeps_to_the_contract(name, sections):
    module = ModuleType("harness_weather_example")
    names = {"hookimpl": hookspecs.hookimpl, "Path": Path, "TaskType": TaskType, "__file__": __file__}
    vars(module).update(vars(offers) | names | {"__name__": module.__name__})
    exec(compile(example(sections, name), str(PAGE), "exec"), vars(module))
    check_module(module)
    hook = vars(module)[name]
    assert hasattr(hook, "harness_impl")
    kind = next((kind for kind, asked in GATHERED.items() if asked == name), None)
    if kind is None:
        return
    for unknown in set(hook.__code__.co_names) - set(vars(module)) - set(dir(builtins)):
        setattr(module, unknown, object())
    plugins = Plugins()
    plugins.register("weather", module)
    assert [offer.split(".")[0] for offer in plugins.offers(kind)] == ["weather"]


def test_hooks_are_named_and_told():
    assert len(HOOKS) > 15
    for name, spec in HOOKS.items():
        assert name.startswith("harness_")
        assert inspect.getdoc(spec)
        defaults = [p.default for p in inspect.signature(spec).parameters.values()]
        assert all(default is inspect.Parameter.empty for default in defaults)


def test_examples_of_the_page_run(sections, competitions, harness, workspace):
    code = "\n".join(example(sections, name) for name in [*EVENTS, "harness_report"])
    with (competitions / "toy/plugin.py").open("a") as file:
        file.write(f"\nfrom harness.results import Artifact\n{code}")
    done = harness("run", "toy", "-s", "near", "--no-tracking")
    assert done.code == 0, done.err
    assert "near: fold 0 begins" in done.out
    assert "1 near 0." in done.out
    (figures,) = (workspace / "runs/toy").glob("near-*/figures")
    assert set(json.loads((figures / "scores.json").read_text())) == {"log_loss", "macro_f1"}
