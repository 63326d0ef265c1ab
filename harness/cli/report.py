"""``report``: one page to look at, from a run or from a bare file of predictions."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.app import command_with, competition_argument, one_line, shared_of


@click.command("report")
@competition_argument
@click.option("--run", "run", default="", metavar="RUN", help="Id of a run.  [default: the leaderboard's first]")
@click.option(
    "--predictions",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Show this file of predictions instead of a run.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the page goes.  [default: reports/COMP.html in the workspace]",
)
@click.pass_context
def report_command(
    ctx: click.Context, competition: str, run: str, predictions: Path | None, output: Path | None
) -> None:
    """Write one HTML page that shows a run, its errors and its predictions; it needs no network.

    What is on it is up to the competition's plugin: air quality shows maps and time series.
    """
    from harness.errors import ConfigError
    from harness.pages import write_page
    from harness.store import Workspace

    if run and predictions is not None:
        raise ConfigError("--run and --predictions: a page shows one or the other")
    shared = shared_of(ctx)
    workspace = Workspace(shared.workspace)
    path = output or workspace.root / "reports" / f"{competition}.html"
    for line in write_page(workspace, competition, run, predictions, path, shared.competitions, command_with(shared)):
        click.echo(one_line(line))
    size = path.stat().st_size
    told = f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.0f} KB"
    click.echo(f"page  {path}  ({told}; open it in a browser)")
