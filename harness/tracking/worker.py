"""One background thread that does what it is told, in order, and stops at the first failure."""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
from collections.abc import Callable

Job = Callable[[], None]


class Worker:
    """Runs jobs in the order they were put; after a failure, told once, all further jobs are dropped.

    Parameters
    ----------
    warn : callable
        Gets one line about the first failure.
    idle : callable, optional
        Called in the thread when nothing was put for `pause` seconds, and once before the end.
    """

    def __init__(self, warn: Callable[[str], None], idle: Job | None = None, pause: float = 2.0) -> None:
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._warn, self._idle, self._pause = warn, idle, pause
        self._broken = self._closed = False
        self._done = 0
        self._thread = threading.Thread(target=self._loop, name="harness-tracking", daemon=True)
        self._thread.start()

    def put(self, job: Job) -> None:
        """Add a job; never waits."""
        if not self._broken and not self._closed:
            self._jobs.put(job)

    def close(self, timeout: float) -> bool:
        """Finish what was put and end the thread.

        Parameters
        ----------
        timeout : float
            Seconds to wait for any one job; a long queue that moves is waited for.

        Returns
        -------
        bool
            False if it was not finished in time.
        """
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
        done = -1
        while self._thread.is_alive() and done != self._done:
            done = self._done
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _loop(self) -> None:
        _step_back()
        while True:
            try:
                job = self._jobs.get(timeout=self._pause)
            except queue.Empty:
                self._do(self._idle)
                continue
            if job is None:
                self._do(self._idle)
                return
            self._do(job)
            self._done += 1

    def _do(self, job: Job | None) -> None:
        if job is None or self._broken:
            return
        try:
            job()
        except Exception as error:
            self._broken = True
            text = " ".join(str(error).split())[:300]
            self._warn(f"MLflow tracking stopped, the run goes on: {type(error).__name__}: {text}")


def _step_back() -> None:
    """Let training go first: Linux gives each thread a priority of its own, and importing MLflow is seconds of work."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
