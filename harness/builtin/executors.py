"""Built-in executors: one task after another, or several processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from harness.hookspecs import hookimpl
from harness.offers import Executor


@hookimpl
def harness_executors() -> Iterable[Executor]:
    yield Executor("serial", "one task after another, in this process", run_serial)
    yield Executor("processes", "several tasks at once, in processes of their own", run_processes)


def run_serial(function: Callable[[Any], Any], tasks: Iterable[Any], workers: int) -> Iterator[tuple[Any, Any]]:
    """Run tasks in this process, in order; an exception is an answer, not an end."""
    del workers
    for task in tasks:
        try:
            answer = function(task)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin's SystemExit must fail its own task only
            answer = error
        yield task, answer


def run_processes(function: Callable[[Any], Any], tasks: Iterable[Any], workers: int) -> Iterator[tuple[Any, Any]]:
    """Run tasks in spawned processes, in order of completion."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed

    pool = ProcessPoolExecutor(max_workers=workers, mp_context=multiprocessing.get_context("spawn"))
    try:
        waiting = {pool.submit(_guarded, function, task): task for task in tasks}
        for future in as_completed(waiting):
            error = future.exception()
            yield waiting[future], future.result() if error is None else error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _guarded(function: Callable[[Any], Any], task: Any) -> Any:
    try:
        return function(task)
    except SystemExit as error:
        raise RuntimeError(f"SystemExit: {error}") from error
