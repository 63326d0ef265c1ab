"""Ctrl+C and SIGTERM: end in order the first time, at once the second time or when order takes too long."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 20.0
"""Seconds from the first signal to the end, whatever hangs."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived."""


@contextmanager
def graceful() -> Iterator[None]:
    """Raise `Terminated` on SIGTERM, and see to it that the process ends after a second signal or `PATIENCE`.

    Python calls handlers between two steps of Python code only. A thread therefore hears of signals too, for the main
    thread may be in compiled code for hours.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def terminate(*_: object) -> None:
        raise Terminated

    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    before_fd = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    before = signal.signal(signal.SIGTERM, terminate)
    threading.Thread(target=_watch, args=(ours,), name="harness-signals", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before_fd)
        signal.signal(signal.SIGTERM, before)
        theirs.close()


def _watch(heard: socket.socket) -> None:
    deadline, code = float("inf"), 0
    with heard:
        while True:
            heard.settimeout(None if code == 0 else max(0.001, deadline - time.monotonic()))
            try:
                numbers = heard.recv(64)
            except TimeoutError:
                os._exit(code)
            if not numbers:
                return
            for number in numbers:
                if number not in SIGNALS:
                    continue
                if code:
                    os._exit(128 + number)
                code, deadline = 128 + number, time.monotonic() + PATIENCE
                print("stopping; once more to leave at once", file=sys.stderr, flush=True)
