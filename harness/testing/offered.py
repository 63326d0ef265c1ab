"""What every offer has: a summary, and parameters that can be set, stored and explained."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Iterator
from typing import Any

from harness.errors import listed
from harness.offers import Offer
from harness.params import as_json, document, parse_params
from harness.testing.findings import Finding, attempt


def check_params(offer: Offer) -> Iterator[Finding]:
    """Check an offer's summary and the dataclass of its parameters.

    Yields
    ------
    Finding
        ``summary`` and ``params: ...``.
    """
    kind: type[Any] = getattr(offer, "params", dataclasses.make_dataclass("NoParams", [], frozen=True))
    yield check_summary(offer)
    yield attempt(offer.name, "params: a frozen dataclass with defaults", lambda: _frozen(kind, offer.name))
    yield attempt(offer.name, "params: every field has help", lambda: _documented(kind))
    yield attempt(offer.name, "params: survive JSON", lambda: _round_trip(kind, offer.name))
    yield attempt(offer.name, "params: can be shown in one line", lambda: _shown(kind))
    yield attempt(offer.name, "params: can be pickled", lambda: _pickled(kind))


def check_summary(offer: Offer) -> Finding:
    """Check that an offer says in one line what it is."""
    told = "" if offer.summary.strip() else "is empty; say in one line what it is"
    return Finding(offer.name, "summary", told or ("" if offer.summary.isprintable() else "is not one printable line"))


def _frozen(kind: type[Any], name: str) -> str:
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        return f"params is {kind!r}, expected a frozen dataclass"
    if not kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        return f"{kind.__name__} is not frozen; write @dataclass(frozen=True)"
    parse_params(kind, {}, name)
    return ""


def _documented(kind: type[Any]) -> str:
    bare = [doc.name for doc in document(kind) if not doc.help.strip()]
    return f"{listed(bare)}: no help; declare it with harness.params.param(default, help)" if bare else ""


def _round_trip(kind: type[Any], name: str) -> str:
    default = kind()
    again = parse_params(kind, as_json(default), name)
    return "" if again == default else f"{default} comes back as {again}"


def _shown(kind: type[Any]) -> str:
    texts = {doc.name: f"{doc.type} {doc.default} {doc.help}" for doc in document(kind)}
    bad = [name for name, text in texts.items() if not text.isprintable() or " object at 0x" in text]
    return f"{listed(bad)}: type, default or help does not print as one line" if bad else ""


def _pickled(kind: type[Any]) -> str:
    try:
        pickle.dumps(kind())
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        return f"cannot be sent to another process ({error}); define the class at the top of a module"
    return ""


def ready_params(offer: Offer, given: Any) -> Any:
    """Return the given parameters, or the defaults; None if there are none (`check_params` has said so)."""
    if given is not None:
        return given
    try:
        return offer.params()  # type: ignore[union-attr]
    except Exception:  # told by check_params
        return None
