"""The strategies and blends of a ``competition.toml``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from harness.competition import BLEND_METHODS, Blend, Resources, Strategy, Use
from harness.data import TaskType
from harness.errors import ConfigError, nearest
from harness.toml_section import Section, names_of, use_of


def strategies_of(defaults: Section, section: Section) -> tuple[Strategy, ...]:
    """Return the strategies, in the file's order, each with the defaults that it does not change.

    Raises
    ------
    ConfigError
    """
    shared = dict(defaults.table)
    _strategy("defaults", Section({"model": "", **shared}, defaults.where, Strategy))
    if not section.table:
        raise ConfigError(f"{section.where}: expected at least one strategy")
    found = []
    for name, table in section.table.items():
        own = Section(table, f"{section.where}.{name}").table
        merged = {**shared, **{key: _merge(shared.get(key), value) for key, value in own.items()}}
        found.append(_strategy(name, Section(merged, f"{section.where}.{name}", Strategy)))
    return tuple(found)


def _merge(default: Any, own: Any) -> Any:
    # a table without `use` changes parameters of the default
    if isinstance(own, Mapping) and "use" not in own and default is not None:
        base = {"use": default} if isinstance(default, str) else default
        return {**base, **own} if isinstance(base, Mapping) else own
    return own


def check_line(name: str, where: str, what: str) -> None:
    """Refuse a name that cannot be a line of the board."""
    if not name or len(name) > 80 or not all(c.isalnum() or c in "-_." for c in name) or name.startswith("."):
        raise ConfigError(f"{where}: a {what}'s name has letters, digits, '-', '_' and '.', at most 80")
    if name.startswith("baseline-") or name == "best":
        raise ConfigError(f"{where}: 'best' and names that begin with 'baseline-' are the harness's own")


def _strategy(name: str, section: Section) -> Strategy:
    check_line(name, section.where, "strategy")

    def part(key: str) -> Use | None:
        value = section.take(key, None)
        return None if value in (None, "none") else use_of(value, f"{section.where}: {key}")

    chain = section.take("adjuster", [])
    chain = [] if chain in (None, "none") else chain if isinstance(chain, list) else [chain]
    strategy = Strategy(
        name=name,
        description=section.text("description", ""),
        model=use_of(section.take("model"), f"{section.where}: model"),
        features=part("features"),
        rebalancer=part("rebalancer"),
        adjusters=tuple(use_of(value, f"{section.where}: adjuster") for value in chain),
        refit=section.flag("refit", False),
        named_only=section.flag("named_only", False),
        resources=_resources(section.section("resources", {})),
    )
    section.done()
    return strategy


def _resources(section: Section) -> Resources:
    found = {field.name: section.number(field.name, None) for field in fields(Resources)}
    section.done()
    for name, value in found.items():
        if value is not None and not (0 <= value < math.inf and (value > 0 or name == "gpus")):
            raise ConfigError(f"{section.where}: {name} = {value!r}: expected a number above 0")
    if (gpus := found["gpus"]) is not None and gpus > 1 and gpus != int(gpus):
        raise ConfigError(f"{section.where}: gpus = {gpus!r}: expected whole GPUs, or a share of one below 1")
    return Resources(**found)


def blends_of(section: Section, task: TaskType, strategies: tuple[Strategy, ...]) -> tuple[Blend, ...]:
    """Return the blends; their members must be among the strategies.

    Raises
    ------
    ConfigError
    """
    known = {strategy.name: strategy for strategy in strategies}
    blends = [
        _blend(name, Section(table, f"{section.where}.{name}", Blend), task) for name, table in section.table.items()
    ]
    names = {blend.name for blend in blends}
    for name in names & known.keys():
        raise ConfigError(f"{section.where}.{name}: a strategy has this name already; choose another")
    for blend in blends:
        where = f"{section.where}.{blend.name}"
        for member in blend.of:
            if member in names:
                raise ConfigError(f"{where}: of: {member!r} is a blend; a blend is made of strategies")
            if member not in known:
                raise ConfigError(f"{where}: of: no strategy {member!r}{nearest(member, known)}")
            if known[member].named_only and not blend.named_only:
                raise ConfigError(
                    f"{where}: of: {member!r} runs only when it is named, so the blend too: named_only = true"
                )
    return tuple(blends)


def _blend(name: str, section: Section, task: TaskType) -> Blend:
    check_line(name, section.where, "blend")
    of, method = names_of(section, "of"), section.text("method", "mean")
    blend = Blend(name, of, method, section.text("description", ""), section.flag("named_only", False))
    section.done()
    if len(of) < 2:
        raise ConfigError(f"{section.where}: of = {list(of)}: expected at least two strategies")
    if method not in BLEND_METHODS:
        raise ConfigError(f"{section.where}: method = {method!r}{nearest(method, BLEND_METHODS)}")
    if task not in BLEND_METHODS[method]:
        fitting = ", ".join(known for known, tasks in BLEND_METHODS.items() if task in tasks)
        raise ConfigError(f"{section.where}: method = {method!r} does not fit task {task.value!r}: {fitting} do")
    return blend
