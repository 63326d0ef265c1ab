"""What every command can do with plugins: leave some out, and show which hooks were called."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from harness.calls import Called, noting_calls
from harness.plugins import DISABLE


@contextmanager
def disabling(names: Sequence[str]) -> Iterator[None]:
    """Leave plugins out within the block, in the processes it starts too; those of the environment stay out."""
    before = os.environ.get(DISABLE)
    if not names:
        yield
        return
    os.environ[DISABLE] = ",".join([*([before] if before else []), *names])
    try:
        yield
    finally:
        if before is None:
            del os.environ[DISABLE]
        else:
            os.environ[DISABLE] = before


@contextmanager
def tracing() -> Iterator[None]:
    """Print the hooks that were called within the block, however it ends; those of other processes are not seen."""
    with noting_calls() as noted:
        try:
            yield
        finally:
            sys.stdout.flush()
            click.echo(as_table(list(noted.values())), err=True)


def as_table(noted: Sequence[Called]) -> str:
    """Return the calls in the order of their first, one line for each hook and plugin."""
    rows = [("hook", "plugin", "calls", "time", "")]
    rows += [(one.hook, one.plugin, str(one.calls), _time(one.seconds), one.failed) for one in noted]
    total = sum(one.seconds for one in noted)
    rows.append(("all", "", str(sum(one.calls for one in noted)), _time(total), ""))
    wide = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        f"{hook:<{wide[0]}}  {plugin:<{wide[1]}}  {calls:>{wide[2]}}  {time:>{wide[3]}}  {failed}".rstrip()
        for hook, plugin, calls, time, failed in rows
    )


def _time(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"
