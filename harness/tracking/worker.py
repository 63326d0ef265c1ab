"""One background thread that tries until everything is delivered."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence

PAUSES = (0.5, 5.0, 10.0, 20.0, 40.0, 60.0)
"""Seconds after the first, second, ... failure in a row; the last for all further ones."""
GRACE = 5.0
"""Seconds for which it may fail when the command is at its end: a database may be locked for a moment."""


class AbandonedError(Exception):
    """The command did not wait any longer."""


class Worker:
    """Calls `work` whenever there is something new, and again after growing pauses when it failed.

    Parameters
    ----------
    work : callable
        ``work(closing) -> bool``: does all that can be done now; True when nothing more will come. It calls `beat`
        whenever it got on.
    ended : callable, optional
        Called in the thread when it ends.
    pause : float
        Seconds after which it is called although nothing is new.

    Attributes
    ----------
    error : Exception or None
        The latest failure, None once it went on.
    """

    def __init__(
        self,
        work: Callable[[bool], bool],
        ended: Callable[[], None] = lambda: None,
        pause: float = 2.0,
        pauses: Sequence[float] = (),
    ) -> None:
        self._work, self._ended, self._pause, self._pauses = work, ended, pause, pauses or PAUSES
        self._wake = threading.Condition()
        self._new, self._closed_at = True, 0.0
        self._abandoned = False
        self._beats = 0
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._loop, name="harness-tracking", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Say that something is new; never waits."""
        with self._wake:
            self._new = True
            self._wake.notify()

    def beat(self) -> None:
        """Say that it gets on.

        Raises
        ------
        AbandonedError
            If nobody waits for it any more.
        """
        self._beats += 1
        if self._abandoned:
            raise AbandonedError

    def close(self, timeout: float) -> bool:
        """Finish, and end the thread.

        Parameters
        ----------
        timeout : float
            Seconds to wait for any one step; a long way that gets on is waited for.

        Returns
        -------
        bool
            False if it did not end in time.
        """
        with self._wake:
            self._closed_at = self._closed_at or time.monotonic()
            self._wake.notify()
        seen = -1
        while self._thread.is_alive() and seen != self._beats:
            seen = self._beats
            self._thread.join(timeout)
        self._abandoned = True
        return not self._thread.is_alive()

    def _loop(self) -> None:
        _step_back()
        try:
            self._try_on()
        finally:
            self._ended()

    def _try_on(self) -> None:
        failures, since = 0, 0.0
        while not self._abandoned:
            self._wait(failures)
            closing = bool(self._closed_at)
            try:
                if self._work(closing):
                    self.error = None
                    return
                failures, self.error = 0, None
            except AbandonedError:
                return
            except Exception as error:
                since = since if failures else time.monotonic()
                failures, self.error = failures + 1, error
                if closing and time.monotonic() > since + GRACE:
                    return

    def _wait(self, failures: int) -> None:
        if failures and self._closed_at:
            time.sleep(self._pauses[0])
            return
        pause = self._pauses[min(failures, len(self._pauses)) - 1] if failures else self._pause
        with self._wake:
            self._wake.wait_for(lambda: bool(self._closed_at) or (self._new and not failures), pause)
            self._new = False


def _step_back() -> None:
    """Let training go first: Linux gives each thread a priority of its own, and importing MLflow is seconds of work."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
