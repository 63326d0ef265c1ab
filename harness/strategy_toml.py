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

    def use(value: Use | None) -> str:
        if value is None:
            return '"none"'
        pairs = [f"use = {_value(value.name)}", *(f"{_key(name)} = {_value(v)}" for name, v in value.params.items())]
        return f"{{ {', '.join(pairs)} }}" if value.params else _value(value.name)

    chain = [use(one) for one in strategy.adjusters]
    lines = [
        f"[strategies.{_key(strategy.name)}]",
        *([f"description = {_value(strategy.description)}"] if strategy.description else []),
        f"features = {use(strategy.features)}",
        f"model = {use(strategy.model)}",
        f"rebalancer = {use(strategy.rebalancer)}",
        f"adjuster = {'[' + ', '.join(chain) + ']' if len(chain) > 1 else chain[0] if chain else use(None)}",
        f"refit = {_value(strategy.refit)}",
    ]
    asked = {name: value for name, value in vars(strategy.resources).items() if value is not None}
    if asked:
        lines.append(f"resources = {_value(asked)}")
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if name and all(c.isascii() and (c.isalnum() or c in "-_") for c in name) else json.dumps(name)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(str(key))} = {_value(item)}' for key, item in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return json.dumps(value, ensure_ascii=False)
