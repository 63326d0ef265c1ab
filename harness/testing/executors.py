"""Checks of an executor."""

from __future__ import annotations

from collections.abc import Iterator

from harness.errors import HarnessError
from harness.offers import Executor
from harness.testing.findings import SKIPPED, Finding, raised
from harness.testing.offered import check_params

TASKS = 4
BAD = 2


def square(task: int) -> int:
    """Return the square of a number; one of them fails."""
    if task == BAD:
        raise ValueError("asked to fail")
    return task * task


def check_executor(executor: Executor, workers: int = 2) -> Iterator[Finding]:
    """Check that an executor answers every task once, and that one which fails does not stop the others."""
    yield from check_params(executor)
    try:
        answers = dict(executor.run(square, range(TASKS), workers))
    except (HarnessError, NotImplementedError) as error:
        yield Finding(executor.name, f"{SKIPPED}{error}")
        return
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin's SystemExit must not end the checks
        yield Finding(executor.name, "a task that fails does not stop the others", raised(error))
        return
    fails = isinstance(answers.get(BAD), BaseException)
    yield Finding(
        executor.name,
        "a task that fails does not stop the others",
        "" if fails else f"answered {answers.get(BAD)!r} where the task raised, expected the exception",
    )
    wanted = {task: task * task for task in range(TASKS) if task != BAD}
    found = {task: answer for task, answer in answers.items() if task != BAD}
    yield Finding(executor.name, "answers every task", "" if found == wanted else f"{found}, expected {wanted}")
