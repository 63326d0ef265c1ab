"""A table of a TOML file that is read strictly: typed, and an unknown key is refused with the nearest name."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from harness.competition import Blend, Competition, Strategy, Use, VariantSpec
from harness.errors import ConfigError, nearest

NOT_IN_FILE: Mapping[type[Any], frozenset[str]] = {
    Competition: frozenset({"id", "home", "split_allowed"}),  # the folder; `allow` of [split]
    Strategy: frozenset({"name", "baseline", "overrides"}),
    Blend: frozenset({"name"}),
    VariantSpec: frozenset({"name"}),
}
"""Fields that do not come from a key of their own."""

WRITTEN: Mapping[str, str] = {"adjusters": "adjuster"}
"""Keys that are called otherwise than their field."""


class Section:
    """A TOML table that must be emptied: what is left over was not understood.

    With `kind`, the class it is read into, a key that none of its fields has is refused at once: it tells better than
    the key that is missing what was mistyped.

    Every method that reads raises `ConfigError`, which names the table and the key.
    """

    def __init__(self, table: Any, where: str, kind: type[Any] | None = None, *more: str) -> None:
        if not isinstance(table, Mapping):
            raise ConfigError(f"{where}: expected a table, found {table!r}")
        self.table, self.where, self.seen = table, where, set[str]()
        self.known = set() if kind is None else {*_keys(kind), *more}
        if self.known:
            self._refuse_others(self.known)

    def take(self, key: str, *default: Any) -> Any:
        """Return a key's value as it is; without a default the key must be there."""
        self.seen.add(key)
        if key in self.table:
            return self.table[key]
        if default:
            return default[0]
        raise ConfigError(f"{self.where}: missing {key!r}")

    def text(self, key: str, *default: str) -> str:
        """Return a text."""
        value = self.take(key, *default)
        if not isinstance(value, str):
            raise ConfigError(f"{self.where}: {key} = {value!r}: expected a string")
        if any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in value):  # a terminal would obey them
            raise ConfigError(f"{self.where}: {key} = {value!r}: expected no control characters")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """Return true or false."""
        value = self.take(key, default)
        if not isinstance(value, bool):
            raise ConfigError(f"{self.where}: {key} = {value!r}: expected true or false")
        return value

    def number(self, key: str, default: float | None) -> float | None:
        """Return a number."""
        value = self.take(key, default)
        if value is not None and (not isinstance(value, int | float) or isinstance(value, bool)):
            raise ConfigError(f"{self.where}: {key} = {value!r}: expected a number")
        return value

    def section(self, key: str, *default: Any, kind: type[Any] | None = None) -> Section:
        """Return a table in this one, with its place in its errors."""
        return Section(self.take(key, *default), f"{self.where}: {key}", kind)

    def done(self) -> None:
        """Refuse what was not asked for."""
        self._refuse_others(self.seen)

    def _refuse_others(self, keys: set[str]) -> None:
        for key in self.table:
            if key not in keys:
                raise ConfigError(f"{self.where}: unknown key {key!r}{nearest(key, self.known or keys)}")


def _keys(kind: type[Any]) -> set[str]:
    return {WRITTEN.get(field.name, field.name) for field in fields(kind)} - NOT_IN_FILE.get(kind, frozenset())


def check_name(name: str, where: str) -> None:
    """Refuse a name that is no safe part of a path.

    Raises
    ------
    ConfigError
    """
    if not name or len(name) > 100 or not all(c.isalnum() or c in "-_" for c in name) or not name.isascii():
        raise ConfigError(f"{where}: expected letters, digits, '-' and '_', at most 100")


def names_of(section: Section, key: str) -> tuple[str, ...]:
    """Return a list of names, each once.

    Raises
    ------
    ConfigError
    """
    value = section.take(key)
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise ConfigError(f"{section.where}: {key} = {value!r}: expected a list of names")
    if len(set(value)) < len(value):
        raise ConfigError(f"{section.where}: {key} names something twice: {value}")
    return tuple(value)


def use_of(value: Any, where: str) -> Use:
    """Return what ``"NAME"`` or ``{ use = "NAME", ... }`` uses.

    Raises
    ------
    ConfigError
    """
    if isinstance(value, str):
        return Use(value)
    if isinstance(value, Mapping) and isinstance(value.get("use"), str):
        return Use(value["use"], {key: item for key, item in value.items() if key != "use"})
    raise ConfigError(f'{where}: expected "NAME" or {{ use = "NAME", ... }}, found {value!r}')
