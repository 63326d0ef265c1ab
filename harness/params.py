"""Parameters of offers: frozen dataclasses, typed, documented, with ranges.

A key in a competition file, a ``--set`` on the command line and a line of ``harness describe`` all come from the same
dataclass field, so none of them can drift from the code.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from harness.errors import ConfigError, nearest

P = TypeVar("P")


@dataclasses.dataclass(frozen=True)
class NoParams:
    """For offers that take no parameters."""


@dataclasses.dataclass(frozen=True)
class ParamDoc:
    """One parameter as ``harness describe`` shows it."""

    name: str
    type: str
    default: Any
    help: str
    low: float | None = None
    high: float | None = None
    log: bool = False


def param(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    log: bool = False,
    weights: bool = False,
    tune: tuple[float, float] | bool = True,
) -> Any:
    """Declare a parameter of an offer's params dataclass.

    Parameters
    ----------
    default : immutable value
    help : str
        One line, with the unit.
    low, high : float, optional
        Inclusive bounds, checked when set and read by tuning.
    log : bool
        Tune on a logarithmic scale.
    weights : bool
        It names pretrained weights, which a competition's rules may forbid; false values name none.
    tune : (float, float) or bool
        The range that ``harness tune`` searches; True: the bounds, near the value that a strategy has; False: it stays
        as it is unless ``--range`` names it.

    Examples
    --------
    >>> @dataclasses.dataclass(frozen=True)
    ... class Params:
    ...     depth: int = param(6, "depth of a tree", low=1, high=16)
    >>> parse_params(Params, {"depth": 4}, "model")
    Params(depth=4)
    >>> parse_params(Params, {"dept": 4}, "model")
    Traceback (most recent call last):
        ...
    harness.errors.ConfigError: model: unknown parameter 'dept'; did you mean 'depth'?
    """
    about = {"help": help, "low": low, "high": high, "log": log, "weights": weights, "tune": tune}
    return dataclasses.field(default=default, metadata=about)


def parse_params(kind: type[P], given: Mapping[str, Any], where: str) -> P:
    """Build a params dataclass from TOML values, strictly.

    Parameters
    ----------
    kind : type
        The frozen dataclass.
    given : mapping
        Values as TOML or JSON hold them.
    where : str
        Beginning of every message: which part of which file.

    Raises
    ------
    ConfigError
        On an unknown key, a wrong type, or a value outside its bounds.
    """
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    values = {key: parse_value(kind, key, value, where) for key, value in given.items()}
    missing = [
        name
        for name, field in fields.items()
        if name not in values and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ConfigError(f"{where}: missing {', '.join(map(repr, missing))}")
    return kind(**values)


def parse_value(kind: type[Any], key: str, given: Any, where: str) -> Any:
    """Return the value of one parameter, as `parse_params` checks it.

    Raises
    ------
    ConfigError
        On an unknown key, a wrong type, or a value outside its bounds.
    """
    import msgspec

    fields = {field.name: field for field in dataclasses.fields(kind)}
    if key not in fields:
        raise ConfigError(f"{where}: unknown parameter {key!r}{nearest(key, fields)}")
    where, hint = f"{where}: {key} = {given!r}", get_type_hints(kind)[key]
    try:
        value = msgspec.convert(given, hint)
    except msgspec.ValidationError as error:
        choices = get_args(hint) if get_origin(hint) is Literal else ()
        if isinstance(given, str) and choices:
            raise ConfigError(f"{where}{nearest(given, map(str, choices))}") from None
        form = fields[key].metadata.get("example", "")
        like = f"; write it like {form}" if form else ""
        raise ConfigError(f"{where}: {_first_line(error)}{like}") from None
    _check_bounds(fields[key], value, where)
    return value


def _first_line(error: Exception) -> str:
    text = str(error).splitlines()[0]
    return text[0].lower() + text[1:]


def _check_bounds(field: dataclasses.Field[Any], value: Any, where: str) -> None:
    low, high = field.metadata.get("low"), field.metadata.get("high")
    if not isinstance(value, int | float) or isinstance(value, bool):
        return
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        wanted = (
            f"at least {low:g}" if high is None else f"at most {high:g}" if low is None else f"in [{low:g}, {high:g}]"
        )
        raise ConfigError(f"{where}: expected a number {wanted}")


def parse_text(text: str) -> Any:
    """Read the value of ``--set name=value`` as TOML would, falling back to a plain string.

    Examples
    --------
    >>> parse_text("4"), parse_text("true"), parse_text("[1, 2]"), parse_text("Logloss")
    (4, True, [1, 2], 'Logloss')
    """
    import tomllib

    if "\n" in text:  # more than one value: not meant as TOML
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def document(kind: type[Any]) -> list[ParamDoc]:
    """List the parameters of a params dataclass, in order; a help that is a function is asked for its text now."""
    hints = get_type_hints(kind)
    docs = []
    for field in dataclasses.fields(kind):
        meta = field.metadata
        default = None
        if field.default is not dataclasses.MISSING:
            default = field.default
        elif field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        docs.append(
            ParamDoc(
                field.name,
                _type_name(hints[field.name]),
                default,
                told() if callable(told := meta.get("help", "")) else told,
                meta.get("low"),
                meta.get("high"),
                meta.get("log", False),
            )
        )
    return docs


def _type_name(hint: Any) -> str:
    return (
        hint.__name__ if isinstance(hint, type) and not hasattr(hint, "__args__") else str(hint).replace("typing.", "")
    )


def as_json(params: Any) -> dict[str, Any]:
    """Return a params dataclass as JSON values, keys sorted, for identities and logs."""
    import msgspec

    loaded = json.loads(msgspec.json.encode(params))
    return dict(sorted(loaded.items()))
