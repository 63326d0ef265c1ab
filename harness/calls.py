"""Which hook of which plugin was called, and how long it took, for ``harness --trace``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from time import perf_counter


@dataclass
class Called:
    """All calls of one hook of one plugin.

    Attributes
    ----------
    hook : str
        ``import`` for the loading of the plugin itself.
    seconds : float
        Wall time of all calls together.
    failed : str
        Kind of the last exception; empty if no call raised.
    """

    hook: str
    plugin: str
    calls: int = 0
    seconds: float = 0.0
    failed: str = ""


_NOTED: ContextVar[dict[tuple[str, str], Called] | None] = ContextVar("noted", default=None)


@contextmanager
def noting_calls() -> Iterator[dict[tuple[str, str], Called]]:
    """Note the calls of hooks within the block, in this process.

    Yields
    ------
    dict of (str, str) to Called
        By hook and plugin, in the order of the first calls; filled as they happen.
    """
    found: dict[tuple[str, str], Called] = {}
    token = _NOTED.set(found)
    try:
        yield found
    finally:
        _NOTED.reset(token)


@contextmanager
def called(hook: str, plugin: str) -> Iterator[None]:
    """Note what happens within the block as one call."""
    noted = _NOTED.get()
    if noted is None:
        yield
        return
    one = noted.setdefault((hook, plugin), Called(hook, plugin))
    started = perf_counter()
    try:
        yield
    except BaseException as error:
        one.failed = type(error).__name__
        raise
    finally:
        one.calls += 1
        one.seconds += perf_counter() - started
