"""A strategy written as the table of a competition file that reads back as the same strategy."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from harness.competition import Strategy, Use


def toml_of(strategy: Strategy) -> str:
    """Write a strategy as a table of a competition file; every part is told, so that no default changes it.

    Examples
    --------
    >>> print(toml_of(Strategy("cat-tuned", Use("imbalance.catboost", {"depth": 4, "loss": "auto"}))))
    [strategies.cat-tuned]
    features = "none"
    model = { use = "imbalance.catboost", depth = 4, loss = "auto" }
    rebalancer = "none"
    adjuster = "none"
    refit = false
    <BLANKLINE>
    """
    chain = [toml_use(one) for one in strategy.adjusters]
    lines = [
        f"[strategies.{toml_key(strategy.name)}]",
        *([f"description = {toml_value(strategy.description)}"] if strategy.description else []),
        f"features = {toml_use(strategy.features)}",
        f"model = {toml_use(strategy.model)}",
        f"rebalancer = {toml_use(strategy.rebalancer)}",
        f"adjuster = {'[' + ', '.join(chain) + ']' if len(chain) > 1 else chain[0] if chain else toml_use(None)}",
        f"refit = {toml_value(strategy.refit)}",
    ]
    asked = {name: value for name, value in vars(strategy.resources).items() if value is not None}
    if asked:
        lines.append(f"resources = {toml_value(asked)}")
    return "\n".join(lines) + "\n"


def toml_use(value: Use | None) -> str:
    """Write an offer by name, with its parameters if it has any."""
    if value is None:
        return '"none"'
    return toml_value({"use": value.name, **value.params}) if value.params else toml_value(value.name)


def toml_key(name: str) -> str:
    """Write a key of TOML."""
    return (
        name
        if name and all(c.isascii() and (c.isalnum() or c in "-_") for c in name)
        else json.dumps(name, ensure_ascii=False)
    )


def toml_value(value: Any) -> str:
    """Write a value as TOML, on one line."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{toml_key(str(key))} = {toml_value(item)}' for key, item in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return json.dumps(value, ensure_ascii=False)
