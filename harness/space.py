"""What tuning may change: the ranges that the parameters of a strategy's offers declare."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from harness.competition import Strategy, override
from harness.errors import ConfigError, listed
from harness.launch import locate
from harness.params import parse_params, parse_text
from harness.parts import parts_of
from harness.prepare import Prepared

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

NEAR = 4.0
"""A range that only its bounds declare is searched within this factor of the strategy's own value: bounds say what is
possible, not what is sensible."""
DIGITS = 4
"""Significant digits of a number that is tried, so that what is pasted is what was tried."""


@dataclass(frozen=True)
class Dimension:
    """One parameter and the values that are tried.

    Attributes
    ----------
    part : str
        ``features``, ``model``, ``rebalancer`` or ``adjuster``.
    kind : str
        ``int``, ``float`` or ``choice``.
    default : Any
        The strategy's own value.
    choices : tuple
        Of a choice.
    """

    part: str
    name: str
    kind: Literal["int", "float", "choice"]
    default: Any
    low: float = math.nan
    high: float = math.nan
    log: bool = False
    choices: tuple[Any, ...] = ()

    @property
    def key(self) -> str:
        """``model.depth``."""
        return f"{self.part}.{self.name}"

    @property
    def range(self) -> str:
        """The values that are tried, as ``--range`` reads them."""
        if self.kind == "choice":
            return f"{self.key}={','.join(map(str, self.choices))}"
        return f"{self.key}={self.low:g}:{self.high:g}{':log' if self.log else ''}"

    @property
    def holds_default(self) -> bool:
        """Whether the strategy's own value is among those that are tried."""
        return self.default in self.choices if self.kind == "choice" else bool(self.low <= self.default <= self.high)

    def distribution(self) -> BaseDistribution:
        """Return the values as Optuna knows them."""
        from optuna import distributions

        if self.kind == "choice":
            return distributions.CategoricalDistribution(self.choices)
        if self.kind == "int":
            return distributions.IntDistribution(int(self.low), int(self.high), log=self.log)
        return distributions.FloatDistribution(self.low, self.high, log=self.log)

    def rounded(self, value: Any) -> Any:
        """Return a value as it is tried."""
        if self.kind != "float":
            return value
        return min(max(float(f"{value:.{DIGITS}g}"), self.low), self.high)


def space_of(strategy: Strategy, prepared: Prepared, ranges: Sequence[str]) -> tuple[Dimension, ...]:
    """Return what is tuned: what `ranges` name, or else every number with a range in features, model and rebalancer.

    Parameters
    ----------
    ranges : sequence of str
        ``depth``, ``model.depth=2:8``, ``learning_rate=0.01:0.3:log``, ``class_weights=none,balanced``.

    Raises
    ------
    ConfigError
        If a range names no parameter or cannot be read, or if there is nothing to tune.
    """
    parsed = [_named(strategy, prepared, text) for text in ranges] if ranges else [*_declared(strategy, prepared)]
    keys = [dimension.key for dimension in parsed]
    for key in keys:
        if keys.count(key) > 1:
            raise ConfigError(f"--range names {key} twice")
    if not parsed:
        raise ConfigError(
            f"strategy {strategy.name!r} has no parameter with a range to tune; give one: --range NAME=LOW:HIGH"
        )
    return tuple(parsed)


def applied(strategy: Strategy, space: Sequence[Dimension], values: Mapping[str, Any]) -> Strategy:
    """Return the strategy with the values of a trial."""
    for dimension in space:
        strategy = override(strategy, dimension.part, dimension.name, dimension.rounded(values[dimension.key]))
    return strategy


def _params(strategy: Strategy, prepared: Prepared) -> Iterator[tuple[str, Any]]:
    """Yield each part's parsed parameters, adjusters last."""
    from harness.adjusting import chain_of

    parts = parts_of(strategy, prepared)
    for name in ("features", "model", "rebalancer"):
        params = parts.model if name == "model" else getattr(parts, f"{name}_params")
        if params is not None:
            yield name, params
    for position, link in enumerate(chain_of(strategy, prepared)):
        yield f"adjuster{position + 1 if position else ''}", link.params


def _declared(strategy: Strategy, prepared: Prepared) -> Iterator[Dimension]:
    for part, params in _params(strategy, prepared):
        # adjusters are fitted by themselves, and the folds of a trial know nothing of them
        for name in () if part.startswith("adjuster") else [field.name for field in fields(params)]:
            dimension = _dimension(part, name, params)
            if dimension is not None and dimension.low < dimension.high:
                yield dimension


def _dimension(part: str, name: str, params: Any) -> Dimension | None:
    """Return the range that a parameter declares; None where it declares none, or is no number."""
    field = next(field for field in fields(params) if field.name == name)
    kind, value, meta = get_type_hints(type(params))[name], getattr(params, name), field.metadata
    tune = meta.get("tune", True)
    if kind not in (int, float) or tune is False:
        return None
    low, high = meta.get("low"), meta.get("high")
    if tune is not True:
        low, high = map(float, tune)
    elif low is None or high is None or value <= 0:  # around nothing there is no factor
        return None
    else:
        low, high = max(low, value / NEAR), min(high, value * NEAR)
    if kind is int:
        low, high = math.ceil(low), math.floor(high)
    number: Literal["int", "float"] = "int" if kind is int else "float"
    return Dimension(part, name, number, value, low, high, bool(meta.get("log")) and low > 0)


def _named(strategy: Strategy, prepared: Prepared, text: str) -> Dimension:
    """Read one ``--range``."""
    where = f"--range {text}"
    key, equals, given = text.partition("=")
    part, name = locate(strategy, key.strip(), prepared.plugins, where)
    params = dict(_params(strategy, prepared))[part]
    kind, value = get_type_hints(type(params))[name], getattr(params, name)
    if not equals:
        found = _dimension(part, name, params) or _choices(part, name, kind, value)
        if found is None:
            raise ConfigError(f"{where}: it declares no range; give one: {name}=LOW:HIGH, or {name}=ONE,OTHER")
        return found
    bounds = given.split(":")
    if kind in (int, float) and len(bounds) in (2, 3) and bounds[2:] in ([], ["log"]):
        low, high = (_number(bound, where) for bound in bounds[:2])
        found = Dimension(part, name, "int" if kind is int else "float", value, low, high, len(bounds) == 3)
    else:
        found = Dimension(part, name, "choice", value, choices=tuple(parse_text(one) for one in given.split(",")))
    _check(found, params, where)
    return found


def _choices(part: str, name: str, kind: Any, value: Any) -> Dimension | None:
    options = (False, True) if kind is bool else get_args(kind) if get_origin(kind) is Literal else ()
    return Dimension(part, name, "choice", value, choices=options) if options else None


def _number(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"{where}: {text!r} is no number; expected NAME=LOW:HIGH or NAME=LOW:HIGH:log") from None


def _check(found: Dimension, params: Any, where: str) -> None:
    """Refuse values that the parameter itself would refuse."""
    if found.kind != "choice" and not found.low < found.high:
        raise ConfigError(f"{where}: expected LOW below HIGH")
    if found.log and found.low <= 0:
        raise ConfigError(f"{where}: a logarithmic range begins above 0")
    if found.kind == "choice" and len(set(map(str, found.choices))) < 2:
        raise ConfigError(f"{where}: expected at least two values, found {listed(found.choices)}")
    ends = found.choices if found.kind == "choice" else (found.low, found.high)
    for end in ends:
        parse_params(type(params), {found.name: int(end) if found.kind == "int" else end}, where)
