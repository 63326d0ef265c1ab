"""What a plugin module must keep to, checked before anything of it is registered."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import replace
from types import ModuleType
from typing import Any

from harness import hookspecs
from harness.errors import PluginError, nearest
from harness.findings import Finding
from harness.hookspecs import PROJECT


def check_module(module: ModuleType) -> None:
    """Refuse what pluggy would refuse in several lines, or worse, take without a word.

    Raises
    ------
    PluginError
        On a function that looks like a hook but is not marked, a hook that does not exist, an argument that the hook
        does not have, or an argument with a default.
    """
    hooks = {name: spec for name, spec in vars(hookspecs).items() if hasattr(spec, f"{PROJECT}_spec")}
    for name, value in vars(module).items():
        if not inspect.isfunction(value):
            continue
        marks = getattr(value, f"{PROJECT}_impl", None)
        if marks is None and name.startswith("harness_") and value.__module__ == module.__name__:
            raise PluginError(f"{name} in {module.__name__} looks like a hook but lacks @hookimpl")
        if marks is None:
            continue
        hook = marks["specname"] or name
        if hook not in hooks:
            raise PluginError(f"{module.__name__}: no hook is called {hook!r}{nearest(hook, hooks)}")
        _check_arguments(module.__name__, name, value, hooks[hook])


def _check_arguments(module: str, name: str, function: Any, spec: Any) -> None:
    known = inspect.signature(spec).parameters
    for parameter in inspect.signature(function).parameters.values():
        if parameter.default is not inspect.Parameter.empty:
            raise PluginError(
                f"{name} in {module}: argument {parameter.name!r} has a default, which a hook would"
                " silently receive; remove it"
            )
        if parameter.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD or parameter.name not in known:
            takes = nearest(parameter.name, known) or "; it takes none"
            shown = str(parameter.replace(annotation=inspect.Parameter.empty))
            raise PluginError(f"{name} in {module}: the hook has no argument {shown!r}{takes}")


def problems_in(answer: Any, plugin: str, hook: str) -> list[str]:
    """Return the problems a check told; None and an empty answer are none.

    Raises
    ------
    PluginError
        If it is no list of texts. A lone string is refused too: it would be taken for a problem a letter.
    """
    found = [] if answer is None else answer
    if isinstance(found, Iterable) and not isinstance(found, str):
        found = list(found)
        if all(isinstance(problem, str) for problem in found):
            return found
    raise PluginError(f"plugin {plugin!r}: {hook} answered {answer!r}; expected a list with one text for each problem")


def findings_in(answer: Any, plugin: str, hook: str) -> tuple[list[str], list[Finding]]:
    """Return the problems and the findings that a check of the data told.

    Raises
    ------
    PluginError
        If it is no list of texts and findings.
    """
    found = list(answer) if isinstance(answer, Iterable) and not isinstance(answer, str) else answer
    if not isinstance(found, list):
        return problems_in(found, plugin, hook), []
    rest = [one for one in found if not isinstance(one, Finding)]
    return problems_in(rest, plugin, hook), [replace(one, source=plugin) for one in found if isinstance(one, Finding)]
