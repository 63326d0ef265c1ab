"""The part of a command that MLflow follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from harness.cli.app import Shared, command_at, one_line

if TYPE_CHECKING:
    from harness.prepare import Prepared
    from harness.store import Workspace
    from harness.tracking import Tracker


def warn_of_tracking(text: str) -> None:
    """Say on stderr, in one line, what MLflow was not told."""
    click.echo(one_line(f"warning: {text}"), err=True)


@contextmanager
def tracked(
    prepared: Prepared,
    workspace: Workspace,
    shared: Shared,
    uri: str | None,
    warn: Callable[[str], None] = warn_of_tracking,
) -> Iterator[Tracker | None]:
    """Mirror in MLflow what the plugins are told meanwhile.

    Parameters
    ----------
    uri : str or None
        From `harness.tracking.resolve_uri`; None for no tracking, and then None is yielded.
    """
    if uri is None:
        yield None
        return
    from harness.tracking import Tracker

    tracker = Tracker(
        uri,
        prepared.competition,
        prepared.dataset,
        workspace=workspace.root,
        directions={metric.name: metric.direction for metric in prepared.metrics},
        warn=warn,
        command=command_at(shared),
    )
    prepared.plugins.manager.register(tracker, "tracking")
    try:
        yield tracker
    finally:
        prepared.plugins.manager.unregister(tracker)
        tracker.close()
