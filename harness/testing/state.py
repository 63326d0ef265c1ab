"""State of the whole process, which an offer must leave as it found it: other tasks of the process share it."""

from __future__ import annotations

import locale
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ParamSpec

import numpy as np

from harness.errors import listed
from harness.testing.findings import Finding

PATIENCE = 1.0
"""Seconds that a thread gets to end after the call that started it."""
FOLDER, FILTERS = "the working folder", "the filters of warnings"
State = dict[str, Any]
P = ParamSpec("P")

_before: State | None = None
_changed: set[str] = set()
_left: list[threading.Thread] = []


@dataclass(frozen=True)
class _Setting:
    """Something of the process that can be asked and put back.

    Attributes
    ----------
    module : str
        The library it belongs to: looked at only where that is imported, which an offer may do at its first call.
    fresh : callable or None
        What it is right after that import, for offers whose first call imports it; None where nobody can say.
    """

    ask: Callable[[], Any]
    put: Callable[[Any], object]
    module: str = "sys"
    fresh: Callable[[], Any] | None = None

    def there(self) -> bool:
        return self.module in sys.modules


def settings_now() -> State:
    """Return the settings of the process and of imported libraries, by name; see `watched`."""
    return {name: setting.ask() for name, setting in _SETTINGS.items() if setting.there()}


def from_before(check: Callable[P, Iterator[Finding]]) -> Callable[P, Iterator[Finding]]:
    """Let what is `watched` within a check of an offer begin with the settings from before the offer's first call.

    What the offer was seen to change is put back when its check ends, or the next offer's change would not be seen.
    """

    @wraps(check)
    def call(*args: P.args, **given: P.kwargs) -> Iterator[Finding]:
        global _before
        outer, before = _before, settings_now()
        _before = before
        _changed.clear()
        try:
            yield from check(*args, **given)
        finally:
            _before = outer
            _put({name: value for name, value in before.items() if name in _changed}, settings_now())

    return call


@contextmanager
def watched() -> Iterator[list[str]]:
    """Watch the state of the process within the block, which runs in an empty folder.

    It is for an offer's second call: the first may import what sets something for good. Within a check that is
    marked `from_before` the block begins with the settings from before that first call, so that what every call sets
    is seen.

    Yields
    ------
    list of str
        Gets one line for each kind of change when the block ends. Generators and settings are put back.
    """
    found, told, threads = settings_now(), list[str](), set(threading.enumerate())
    start = found if _before is None else {**found, **_fresh(found, _before), **_before}
    with TemporaryDirectory(prefix="harness-") as empty, _stirred() as generators:
        try:
            _put({**start, FOLDER: empty, FILTERS: [_FILTER, *start[FILTERS]]}, found)
            asked = {**generators(), **settings_now()}
            yield told
            now = {**generators(), **settings_now()}
            changed = [name for name, value in asked.items() if value != now[name]]
            told += _told(changed, sorted(path.name for path in Path(empty).iterdir()), _running(threads))
            found.update({name: start[name] for name in changed if name in start})
            _changed.update(changed)
        finally:
            _put(found, settings_now())


def threads_left() -> list[threading.Thread]:
    """Return the threads that offers left running and the interpreter would wait for."""
    return [thread for thread in _left if thread.is_alive()]


def _told(changed: list[str], files: list[str], threads: list[str]) -> list[str]:
    lines = []
    if changed:
        lines.append(f"changed {listed(changed)}; use a generator of your own, and put back what you set")
    if files:
        lines.append(f"wrote {listed(files)} into {FOLDER}; write into the folders you are given, or a temporary one")
    if threads:
        lines.append(f"left {listed(threads)} running; wait for it, or make it a daemon")
    return ["; ".join(lines)] if lines else []


def _running(before: set[threading.Thread]) -> list[str]:
    """Return the names of new threads that a program would wait for at its end."""
    new = [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
    for thread in new:
        thread.join(PATIENCE / len(new))
    alive = [thread for thread in new if thread.is_alive()]
    _left.extend(alive)
    return [f"the thread {thread.name}" for thread in alive]


def _fresh(found: State, before: State) -> State:
    """Return what settings were when their library was imported, where the offer's first call did that."""
    new = {name: _SETTINGS[name].fresh for name in found if name not in before}
    return {name: fresh() for name, fresh in new.items() if fresh is not None}


def _put(wanted: State, found: State) -> None:
    for name, value in wanted.items():
        if found.get(name) != value:
            _SETTINGS[name].put(value)


@contextmanager
def _stirred() -> Iterator[Callable[[], State]]:
    """Draw from the generators first: where the same seed was set before, setting it again would not be seen.

    Yields
    ------
    callable
        Returns their state.
    """
    own, numpys = random.getstate(), np.random.get_state()
    torch = sys.modules.get("torch")
    torchs = None if torch is None else torch.get_rng_state()
    random.random()  # noqa: S311
    np.random.random_sample()
    if torch is not None:
        torch.rand(1)

    def state() -> State:
        _, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)
        found: State = {
            "the state of random": random.getstate(),
            "the state of numpy.random": (np.asarray(keys).tobytes(), position, has_gauss, gauss),
        }
        if torch is not None:
            found["the state of torch's generator"] = torch.get_rng_state().numpy().tobytes()
        return found

    try:
        yield state
    finally:
        random.setstate(own)
        np.random.set_state(numpys)
        if torch is not None:
            torch.set_rng_state(torchs)


def _put_environment(value: Mapping[str, str]) -> None:
    for name in set(os.environ) - set(value):
        del os.environ[name]
    for name, text in value.items():
        if os.environ.get(name) != text:
            os.environ[name] = text


def _put_filters(value: list[Any]) -> None:
    warnings.resetwarnings()  # what was decided by the filters before is forgotten
    warnings.filters[:] = value  # type: ignore[index]


def _put_path(value: list[str]) -> None:
    sys.path[:] = value


def _handlers() -> dict[int, Any]:
    return {int(number): signal.getsignal(number) for number in signal.valid_signals()}


def _put_handlers(value: dict[int, Any]) -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    for number, handler in value.items():
        # None: set outside Python, and not to be put back by it
        if handler is not None and signal.getsignal(number) is not handler:
            signal.signal(number, handler)


def _pandas() -> dict[str, Any]:
    import pandas as pd

    def flat(options: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
        for name, value in options.items():
            if isinstance(value, dict):
                yield from flat(value, f"{prefix}{name}.")
            else:
                yield f"{prefix}{name}", value

    every: Any = pd.options.d
    return dict(flat(every))


def _put_pandas(value: dict[str, Any]) -> None:
    import pandas as pd

    now = _pandas()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # options that will go
        for name in value:
            if now.get(name) != value[name]:
                pd.set_option(name, value[name])


def _drawing(params: Any) -> dict[str, Any]:
    # which screen is drawn on is found out at the first figure
    return {name: params.get(name) for name in params if not name.startswith("backend")}


def _put_drawing(value: dict[str, Any]) -> None:
    import matplotlib as mpl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # parameters that will go
        mpl.rcParams.update(value)


def _torch(name: str, *given: Any) -> Any:
    return getattr(sys.modules["torch"], name)(*given)


_FILTER = ("ignore", None, type("NoWarning", (Warning,), {}), None, 0)
"""Stands first where an offer is watched: one that sets the filter which was first already would not be seen."""
_SETTINGS = {
    "os.environ": _Setting(lambda: dict(os.environ), _put_environment),
    "numpy's error handling": _Setting(np.geterr, lambda value: np.seterr(**value)),
    FOLDER: _Setting(os.getcwd, os.chdir),
    FILTERS: _Setting(lambda: list(warnings.filters), _put_filters),
    "sys.path": _Setting(lambda: list(sys.path), _put_path),
    "the locale": _Setting(
        lambda: locale.setlocale(locale.LC_ALL), lambda value: locale.setlocale(locale.LC_ALL, value)
    ),
    "the handlers of signals": _Setting(_handlers, _put_handlers),
    "pandas' options": _Setting(_pandas, _put_pandas, "pandas"),
    "matplotlib's rcParams": _Setting(
        lambda: _drawing(sys.modules["matplotlib"].rcParams),
        _put_drawing,
        "matplotlib",
        lambda: _drawing(sys.modules["matplotlib"].rcParamsOrig),
    ),
    "torch's default dtype": _Setting(
        lambda: _torch("get_default_dtype"),
        lambda value: _torch("set_default_dtype", value),
        "torch",
        lambda: sys.modules["torch"].float32,
    ),
    "torch's threads": _Setting(
        lambda: _torch("get_num_threads"), lambda value: _torch("set_num_threads", value), "torch"
    ),
}
