"""``sync``: deliver to MLflow what waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from harness.cli.app import echo_json, json_option, shared_of
from harness.cli.look import table

if TYPE_CHECKING:
    from harness.tracking import Delivered


@click.command("sync")
@click.option("--tracking-uri", metavar="URI", help="Only what is meant for this server.  [default: all of them]")
@json_option
@click.pass_context
def sync_command(ctx: click.Context, tracking_uri: str | None, as_json: bool) -> None:
    """Deliver to MLflow what earlier commands could not; everything arrives once.

    MLflow was down or too slow, or a command was killed. It goes oldest first to the server it was meant for; with
    --tracking-uri, only what is meant for that server. Credentials are not kept: give them here again, or in
    MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.
    """
    from harness.tracking import resolve_uri, sync

    workspace = shared_of(ctx).workspace
    found = sync(workspace, None if tracking_uri is None else resolve_uri(tracking_uri, workspace))
    if as_json:
        echo_json([asdict(one) for one in found])
    else:
        _print(found)
    ctx.exit(3 if any(one.is_failure for one in found) else 0)


def _print(found: Sequence[Delivered]) -> None:
    if not found:
        click.echo("nothing waits for MLflow")
        return
    table(
        ["competition", "events", "MLflow", "state", ""],
        [[one.competition, str(one.events), one.uri, one.state, one.problem] for one in found],
    )
