"""Built-in executors: one task after another, or several processes."""

from __future__ import annotations

import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Self

from harness.errors import ConfigError, TaskTimeoutError
from harness.hookspecs import hookimpl
from harness.offers import Executor, Pool, PoolRequest


@hookimpl
def harness_executors() -> Iterable[Executor]:
    yield Executor("sequential", "one task after another, in this process", Sequential, live=True)
    yield Executor("process", "several tasks at once, in processes of their own", open_processes)
    yield Executor("ray", "tasks on a Ray cluster: this machine, or --address", open_ray)


def open_ray(function: Callable[[Any], Any], request: PoolRequest) -> AbstractContextManager[Pool]:
    """Open a pool of Ray tasks."""
    from harness.ray_pool import RayPool

    return RayPool(function, request)


def open_processes(function: Callable[[Any], Any], request: PoolRequest) -> AbstractContextManager[Pool]:
    """Open a pool of worker processes."""
    from harness.workers import WorkerPool

    _refuse_address(request)
    return WorkerPool(function, request)


def _refuse_address(request: PoolRequest) -> None:
    if request.address:
        raise ConfigError(f"--address {request.address}: only an executor that joins a cluster takes one: ray")


class Sequential:
    """Runs a task in this process when it is waited for; an exception is an answer, not an end.

    A limit is kept by an alarm, which ends Python code but not what hangs in compiled code.
    """

    room = 1

    def __init__(self, function: Callable[[Any], Any], request: PoolRequest) -> None:
        _refuse_address(request)
        self.function = function
        self.taken: deque[tuple[Any, float | None]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.taken.clear()

    def submit(self, task: Any, limit: float | None = None) -> None:
        """Keep a task until it is waited for."""
        self.taken.append((task, limit))

    def wait(self) -> tuple[Any, Any]:
        """Run the oldest task."""
        task, limit = self.taken.popleft()
        try:
            with _alarm(limit):
                return task, self.function(task)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin's SystemExit must fail its own task only
            return task, error


@contextmanager
def _alarm(limit: float | None) -> Iterator[None]:
    """Raise `TaskTimeoutError` in the main thread after some seconds."""
    if limit is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(*_: object) -> None:
        raise TaskTimeoutError(f"stopped after {limit:.3g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(limit, 0.001))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
