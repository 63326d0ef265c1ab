"""The tasks there are: every class with a name of its own, of this package or of a competition's plugin."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from harness.errors import ConfigError, nearest
from harness.params import parse_params
from harness_imagewang import pretext
from harness_imagewang.pretext.protocol import Pretext


def tasks() -> dict[str, type[Pretext]]:
    """Return the tasks by name, sorted.

    Raises
    ------
    ConfigError
        If two have the same name.
    """
    for module in pkgutil.iter_modules(pretext.__path__, f"{pretext.__name__}."):
        importlib.import_module(module.name)
    found: dict[str, type[Pretext]] = {}
    for task in _below(Pretext):
        other = found.setdefault(task.name, task)
        if other is not task:
            raise ConfigError(
                f"imagewang: {other.__module__} and {task.__module__} both have a pretext task"
                f" {task.name!r}; give one another name"
            )
    return dict(sorted(found.items()))


def _below(kind: type[Pretext]) -> Iterator[type[Pretext]]:
    """Yield the classes with a name of their own; what a module no longer has, since it was read again, is left out."""
    for task in kind.__subclasses__():
        there = getattr(sys.modules.get(task.__module__), task.__name__, None)
        if there is task and vars(task).get("name"):
            yield task
        yield from _below(task)


def task_of(name: str, options: Mapping[str, Any]) -> Pretext:
    """Return a task with its options.

    Raises
    ------
    ConfigError
        If there is no such task, or an option is unknown, of a wrong type or out of bounds.
    """
    known = tasks()
    if name not in known:
        raise ConfigError(f"imagewang: pretext = {name!r}{nearest(name, known)}")
    return known[name](parse_params(known[name].Options, options, f"imagewang: options of pretext {name!r}"))
