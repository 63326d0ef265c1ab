"""What nobody should do to an offer, and what no offer should do: a world to try it in.

The network is blocked and whoever tries is noted; the clock shows another day; what hangs is ended.
"""

from __future__ import annotations

import datetime
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any
from unittest import mock

from harness.errors import listed
from harness.testing.bench import REFUSALS
from harness.testing.findings import Finding, attempt, raised

LIMIT = 240.0
"""Seconds after which a check is ended: nothing here has more than some hundred rows, but machines are busy."""
AWAY = 7_331 * 86_400.0 + 6_543
"""Seconds from today to the other day: 20 years, another month, weekday and hour."""
CALLS = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}
"""Events of the interpreter (https://docs.python.org/3/library/audit_events.html) that reach out of this machine."""

_tried: list[str] | None = None
_hooked = False


class HungError(Exception):
    """A check took longer than `LIMIT`."""


def check_refusal(offer: str, check: str, call: Callable[[], object]) -> Finding:
    """Look whether an offer takes bad input or refuses it in one line, instead of breaking or hanging.

    What `call` answers is the problem if it is a text that is not empty.
    """

    def refused() -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)  # numpy's way to say that the result is nonsense
            try:
                with _limited():
                    answer = call()
            except REFUSALS:
                return ""
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # SystemExit too
                return f"{raised(error)}; expected a HarnessError that says what is wrong"
        return answer if isinstance(answer, str) else ""

    return attempt(offer, check, refused)


def check_network(offer: str, check: str, call: Callable[[], object]) -> Finding:
    """Look whether an offer tries to reach another machine, even where it would go on without."""

    def reached() -> str:
        failed = None
        with _limited(), blocked_network() as tried:
            try:
                call()
            except Exception as error:
                failed = error
        if tried:
            return (
                f"tried to reach {listed(sorted(set(tried)))}; data come from the source, weights from its parameters"
            )
        if failed is not None:
            raise failed
        return ""

    return attempt(offer, check, reached)


def check_clock(offer: str, check: str, call: Callable[[], str]) -> Finding:
    """Look whether an offer gives the same on another day; `call` compares and tells."""

    def moved() -> str:
        with _limited(), another_day(offer.split(".")[0]):
            return call()

    return attempt(offer, check, moved)


@contextmanager
def blocked_network() -> Iterator[list[str]]:
    """Refuse connections to other machines within the block.

    Yields
    ------
    list of str
        Addresses that were asked for, filled as that happens. This machine itself may be reached.
    """
    global _tried, _hooked
    if not _hooked:  # an audit hook can never be taken away, so there is one, which mostly does nothing
        sys.addaudithook(_heard)
        _hooked = True
    before, _tried = _tried, []
    try:
        yield _tried
    finally:
        _tried = before


def _heard(event: str, args: tuple[Any, ...]) -> None:
    if _tried is None or event not in CALLS:
        return
    address = args[0] if event in ("socket.getaddrinfo", "socket.gethostbyname") else args[1]
    host = address[0] if isinstance(address, tuple) else address
    # an address that is no tuple is a socket in the file system
    if (
        (args[0] is not address and not isinstance(address, tuple))
        or host is None
        or str(host) in ("", "localhost", "::1")
        or str(host).startswith("127.")
    ):
        return
    _tried.append(str(host))
    raise ConnectionRefusedError(f"{host}: the network is blocked while the conformance kit looks")


@contextmanager
def another_day(plugin: str) -> Iterator[None]:
    """Show another day to whatever asks `time` or `datetime` within the block.

    The plugin's modules that took a function or class of these by name get the moved ones too. Clocks that only
    measure (``perf_counter``, ``monotonic``) go on as they are; pandas' and numpy's own ``now`` are not reached.
    """
    moved = _moved()
    with ExitStack() as stack:
        for (module, name), fake in moved.items():
            stack.enter_context(mock.patch.object(module, name, fake))
        real = {id(stored): fake for stored, fake in zip(_REAL.values(), moved.values(), strict=True)}
        for module in [one for name, one in sys.modules.items() if plugin in name.split(".")[0]]:
            for name, value in list(vars(module).items()):
                if id(value) in real:
                    stack.enter_context(mock.patch.object(module, name, real[id(value)]))
        yield


_REAL: dict[tuple[Any, str], Any] = {
    **{(time, name): getattr(time, name) for name in ("time", "time_ns", "localtime", "gmtime", "ctime", "strftime")},
    **{(datetime, name): getattr(datetime, name) for name in ("datetime", "date")},
}


def _moved() -> dict[tuple[Any, str], Any]:
    """Return what stands for each of `_REAL`, in its order."""
    now, now_ns, gmtime, localtime = time.time, time.time_ns, time.gmtime, time.localtime
    ctime, strftime = time.ctime, time.strftime

    def later(seconds: float | None) -> float:
        return now() + AWAY if seconds is None else seconds

    fakes: list[Any] = [
        lambda: now() + AWAY,
        lambda: now_ns() + int(AWAY * 1e9),
        lambda seconds=None: localtime(later(seconds)),
        lambda seconds=None: gmtime(later(seconds)),
        lambda seconds=None: ctime(later(seconds)),
        lambda form, given=None: strftime(form, localtime(later(None)) if given is None else given),
        _OtherDatetime,
        _OtherDate,
    ]
    return dict(zip(_REAL, fakes, strict=True))


class _AnyDatetime(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.__mro__[1])


class _OtherDatetime(datetime.datetime, metaclass=_AnyDatetime):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        return _REAL[datetime, "datetime"].fromtimestamp(_REAL[time, "time"]() + AWAY, tz)

    today = now

    @classmethod
    def utcnow(cls) -> Any:
        return cls.now(datetime.UTC).replace(tzinfo=None)


class _OtherDate(datetime.date, metaclass=_AnyDatetime):
    @classmethod
    def today(cls) -> Any:
        return _OtherDatetime.now().date()


@contextmanager
def _limited() -> Iterator[None]:
    """End what hangs, where the system has alarms and this is the main thread, which alone hears them."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise HungError(f"took longer than {LIMIT:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
