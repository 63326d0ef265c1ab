"""Tasks in processes of their own, one task at a time each, that are noticed when they die or hang.

A worker leads a process group, so that whatever a plugin started ends with it, and it ends when its parent does. One
that is killed fails its own task only and is replaced; nothing here waits for a process that no longer exists.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Self

from harness.errors import TaskTimeoutError, WorkerDiedError
from harness.offers import PoolRequest

PATIENCE = 5.0
"""Seconds that an idle worker is given to leave by itself."""

STARTING = 120.0
"""Seconds that a new worker is given before its task's own time begins: a busy machine starts processes slowly."""

DEVICES = "CUDA_VISIBLE_DEVICES"


class WorkerPool:
    """Spawned processes that keep what they imported and loaded from one task to the next.

    Parameters
    ----------
    function : callable
        A function of a module; called with one task, in a worker.
    """

    def __init__(self, function: Callable[[Any], Any], request: PoolRequest) -> None:
        self.function, self.request, self.room = function, request, request.workers
        self.devices = visible_devices() if request.device == "cuda" else []
        self.idle: deque[_Worker] = deque()
        self.busy: dict[int, _Worker] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        # after an error or Ctrl+C nobody waits for what is under way
        for worker in self.busy.values():
            worker.kill()
        for worker in self.idle:
            worker.leave()
        deadline = time.monotonic() + PATIENCE
        for worker in self.idle:
            worker.process.join(max(0.0, deadline - time.monotonic()))
            worker.kill()
        self.busy.clear()
        self.idle.clear()

    def submit(self, task: Any, limit: float | None = None) -> None:
        """Send a task to a worker.

        Parameters
        ----------
        limit : float, optional
            Seconds after which the worker is killed and the task answered by a `TaskTimeoutError`.
        """
        worker = self.idle.popleft() if self.idle else self._start()
        if not worker.process.is_alive():
            worker.kill()
            worker = self._start()
        self.busy[worker.connection.fileno()] = worker
        worker.send(task, limit)

    def wait(self) -> tuple[Any, Any]:
        """Wait for any task to end, for a worker to die, or for a task to run past its limit."""
        while True:
            ends = [worker.deadline for worker in self.busy.values()]
            left = max(0.0, min(ends) - time.monotonic()) if min(ends) < float("inf") else None
            waited = {worker.connection: worker for worker in self.busy.values()}
            waited |= {worker.process.sentinel: worker for worker in self.busy.values()}  # type: ignore[misc]
            ready = wait(list(waited), left)
            for source in ready:
                worker = waited[source]  # type: ignore[index]
                answer = worker.receive()
                if answer is _READY:
                    break
                return self._end(worker, answer)
            for worker in self.busy.values():
                if worker.deadline <= time.monotonic():
                    return self._end(worker, TaskTimeoutError(f"stopped after {worker.limit:.3g} s"))

    def _end(self, worker: _Worker, answer: Any) -> tuple[Any, Any]:
        del self.busy[worker.connection.fileno()]
        task, worker.task = worker.task, None
        if isinstance(answer, WorkerDiedError | TaskTimeoutError):
            worker.kill()
        else:
            self.idle.append(worker)
        return task, answer

    def _start(self) -> _Worker:
        # one device for each worker, in turn
        taken = [worker.device for worker in (*self.idle, *self.busy.values())]
        device = min(self.devices, key=taken.count) if self.devices else None
        return _Worker(self.function, device)


def visible_devices() -> list[str]:
    """Return how the CUDA devices are called that this process may use."""
    from harness.device import count_gpus

    named = os.environ.get(DEVICES)
    return [str(number) for number in range(count_gpus())] if named is None else [n for n in named.split(",") if n]


_READY = object()


class _Worker:
    """One process, and the task it has."""

    def __init__(self, function: Callable[[Any], Any], device: str | None) -> None:
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.device, self.task, self.limit, self.deadline = device, None, 0.0, float("inf")
        self.ready = False
        self.process: SpawnProcess = context.Process(target=_serve, args=(theirs, function, device), daemon=False)
        self.process.start()
        theirs.close()

    def send(self, task: Any, limit: float | None) -> None:
        """Send a task, and start its clock."""
        self.task, self.limit = task, limit or 0.0
        self.deadline = float("inf") if limit is None else time.monotonic() + limit + STARTING * (not self.ready)
        with suppress(BrokenPipeError, ConnectionResetError):  # found dead when it is waited for
            self.connection.send_bytes(pickle.dumps(task))

    def receive(self) -> Any:
        """Return the answer, `_READY` of a worker that has started, or how it died."""
        try:
            if not self.connection.poll():
                raise EOFError
            sent = self.connection.recv_bytes()
            if sent:
                return unpacked(sent)
            self.ready = True
            self.deadline = min(self.deadline, time.monotonic() + (self.limit or float("inf")))
            return _READY
        except (EOFError, OSError):
            return WorkerDiedError(f"its process {self._ending()}")

    def _ending(self) -> str:
        self.process.join(1.0)
        code = self.process.exitcode
        if code is None or code >= 0:
            return f"ended by itself (exit code {code})"
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        why = ", as the system does when memory runs out" if -code == signal.SIGKILL else ""
        return f"was killed ({name}{why})"

    def leave(self) -> None:
        """Ask an idle worker to end."""
        with suppress(OSError):
            self.connection.send_bytes(b"")

    def kill(self) -> None:
        """End the process and all it started."""
        pid = self.process.pid
        if pid is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            with suppress(ProcessLookupError):
                self.process.kill()
        self.process.join(PATIENCE)
        self.connection.close()


def _serve(connection: Connection, function: Callable[[Any], Any], device: str | None) -> None:
    """Answer tasks until the parent asks to leave, or is gone."""
    if device is not None:
        os.environ[DEVICES] = device  # before any framework is imported
    with suppress(OSError):
        os.setsid()
    # Ctrl+C is the parent's to handle
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(OSError):
        connection.send_bytes(b"")
    while True:
        try:
            sent = connection.recv_bytes()
        except (EOFError, OSError):
            return
        if not sent:
            return
        connection.send_bytes(answered(function, pickle.loads(sent)))  # noqa: S301  of our own process


def answered(function: Callable[[Any], Any], task: Any) -> bytes:
    """Call a function with a task; return its answer, or what it raised, such that `unpacked` can always read it."""
    try:
        answer = function(task)
    except BaseException as error:  # a plugin's SystemExit fails its own task only
        # a traceback does not leave its process, a note does
        error.add_note("".join(traceback.format_exception(error)))
        answer = error
        if isinstance(error, KeyboardInterrupt):  # of the plugin's own making: it must not end the driver
            answer = RuntimeError("KeyboardInterrupt, which nobody at the keyboard sent")
            answer.add_note(error.__notes__[-1])
    text = f"{type(answer).__name__}: {answer}" if isinstance(answer, BaseException) else ""
    try:
        whole = pickle.dumps(answer)
        pickle.loads(whole)  # noqa: S301  some exceptions can be written but not read
    except Exception:
        told = RuntimeError(text or f"an answer that cannot be sent: {type(answer).__name__}")
        for note in getattr(answer, "__notes__", ()):
            told.add_note(note)
        whole = pickle.dumps(told)
    return pickle.dumps((whole, text))


def unpacked(packed: bytes) -> Any:
    """Return what `answered` packed in a process of our own; an exception of a module unknown here as its text."""
    whole, text = pickle.loads(packed)  # noqa: S301
    try:
        return pickle.loads(whole)  # noqa: S301
    except Exception:
        return RuntimeError(text)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is None:
        return
    parent.join()
    if os.getpgid(0) == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)
