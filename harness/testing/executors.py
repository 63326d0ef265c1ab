"""Checks of an executor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.errors import HarnessError
from harness.offers import Executor, PoolRequest
from harness.testing.findings import SKIPPED, Finding, raised
from harness.testing.offered import check_params

TASKS = 6
BAD = 2


def square(task: int) -> int:
    """Return the square of a number; one of them fails."""
    if task == BAD:
        raise ValueError("asked to fail")
    return task * task


def check_executor(executor: Executor, workers: int = 2, hostile: bool = False) -> Iterator[Finding]:
    """Check that an executor answers every task once, and that one which fails does not stop the others.

    Where tasks run, the network may be needed: `hostile` tries nothing more.
    """
    del hostile
    yield from check_params(executor)
    try:
        answers = list(_answers(executor, workers))
    except (HarnessError, NotImplementedError) as error:
        yield Finding(executor.name, f"{SKIPPED}{error}")
        return
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin's SystemExit must not end the checks
        yield Finding(executor.name, "a task that fails does not stop the others", raised(error))
        return
    bad = [answer for task, answer in answers if task == BAD]
    fails = len(bad) == 1 and isinstance(bad[0], BaseException)
    yield Finding(
        executor.name,
        "a task that fails does not stop the others",
        "" if fails else f"answered {bad} where the task raised, expected the exception",
    )
    wanted = [(task, task * task) for task in range(TASKS) if task != BAD]
    found = sorted((task, answer) for task, answer in answers if task != BAD)
    yield Finding(executor.name, "answers every task", "" if found == wanted else f"{found}, expected {wanted}")


def _answers(executor: Executor, workers: int) -> Iterator[tuple[Any, Any]]:
    with executor.open(square, PoolRequest(workers)) as pool:
        waiting, running = list(range(TASKS)), 0
        while waiting or running:
            while waiting and running < pool.room:
                pool.submit(waiting.pop(0))
                running += 1
            yield pool.wait()
            running -= 1
