"""Lengths of time as people write them."""

from __future__ import annotations

import re

from harness.errors import ConfigError

UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d)?\s*")


def parse_duration(text: str, where: str) -> float:
    """Read ``90``, ``90s``, ``30m``, ``1h30m`` or ``1.5 h``; a number alone is seconds.

    Returns
    -------
    float
        Seconds, above 0.

    Raises
    ------
    ConfigError
        Naming `where` and the text.

    Examples
    --------
    >>> parse_duration("90", "x"), parse_duration("1h30m", "x"), parse_duration("0.5 d", "x")
    (90.0, 5400.0, 43200.0)
    """
    parts = _PART.findall(text)
    whole = _PART.sub("", text.strip()) == "" and bool(parts)
    if not whole or (len(parts) > 1 and any(not unit for _, unit in parts)):
        raise ConfigError(f"{where}: {text!r}: expected a length of time like 90s, 30m or 1h30m")
    seconds = sum(float(number) * UNITS[unit or "s"] for number, unit in parts)
    if seconds <= 0:
        raise ConfigError(f"{where}: {text!r}: expected more than no time")
    return seconds


def format_duration(seconds: float) -> str:
    """Write a length of time as it can be read back.

    Examples
    --------
    >>> format_duration(90), format_duration(5400), format_duration(0.5)
    ('1m30s', '1h30m', '0.5s')
    """
    if seconds < 60:
        return f"{seconds:g}s"
    whole = round(seconds)
    parts = [(whole // 3600, "h"), (whole % 3600 // 60, "m"), (whole % 60, "s")]
    return "".join(f"{count}{unit}" for count, unit in parts if count)
