"""``leaderboard`` and ``ui``: how strategies compare."""

from __future__ import annotations

import click

from harness.cli.app import command_with, competition_argument, complete_competitions, echo_json, json_option, shared_of
from harness.cli.train import tracking_option


@click.command("leaderboard")
@competition_argument
@click.option("--ties", is_flag=True, help="Tell which entries are tied with the best, and how sure each is.")
@click.option("--from-tracking", is_flag=True, help="Read the MLflow server instead of the run directories.")
@click.option("--data", default="", metavar="VARIANT|PATH", help="Of runs on these data.  [default: the latest run's]")
@click.option("--run", default="", metavar="RUN", help="The board that this run is on.")
@click.option(
    "--trials",
    is_flag=True,
    help="With every trial of `harness tune` that was not given up; --json has their parameters.",
)
@tracking_option
@json_option
@click.pass_context
def leaderboard_command(
    ctx: click.Context,
    competition: str,
    ties: bool,
    from_tracking: bool,
    data: str,
    run: str,
    trials: bool,
    tracking_uri: str | None,
    as_json: bool,
) -> None:
    """Show the leaderboard of a competition.

    Where the competition's folder has a board.csv, published results stand below it, with how the setting of our best
    run differs. A = behind a rank says that the entry is tied with the best: what lies between them may be chance.
    """
    from harness.cli.show import print_board
    from harness.cli.ties import print_ties
    from harness.competition_file import FILE, read_competition
    from harness.errors import ConfigError, StoreError
    from harness.finding import find_competition
    from harness.leaderboard import NO_DATA, comparable, rank, read_board, with_published
    from harness.offers import Metric
    from harness.plugins import load_plugins
    from harness.store import Workspace
    from harness.ties import with_ties
    from harness.which_board import board_of

    shared = shared_of(ctx)
    tracked = from_tracking or tracking_uri is not None
    if ties and tracked:
        raise ConfigError("--ties: a tracking server keeps no predictions to compare; leave --from-tracking out")
    if (data or run) and tracked:
        raise ConfigError("--data and --run: a tracking server does not tell; leave --from-tracking out")
    if data and run:
        raise ConfigError("--data and --run: a board is asked for by one or the other")
    found = read_competition(find_competition(competition, shared.competitions, load_plugins()))
    plugins = load_plugins(found.plugin)
    metrics = [plugins.find(Metric, name, f"{found.id}/{FILE}: metrics") for name in found.metrics]
    workspace = Workspace(shared.workspace)
    if tracked:
        from harness.tracking import entries_from_tracking, resolve_uri

        uri = resolve_uri(tracking_uri, workspace.root)
        entries, others = comparable(entries_from_tracking(uri, found.id))
        board = rank(found, metrics, entries, NO_DATA, others)
    else:
        board = read_board(workspace, found, metrics, board_of(workspace, found, run, data), trials)
        board = with_ties(board, workspace, found, metrics, quick=not ties)
    board = with_published(board, found, metrics)
    if as_json:
        echo_json(board.as_json())
    elif not board.entries and not board.published:
        raise StoreError(f"no finished runs of {found.id}; run: {command_with(shared)} run {found.id}")
    elif ties:
        print_ties(board)
    else:
        print_board(board)
        if board.ties is None and len(board.entries) > 1 and not tracked:
            again = f"{command_with(shared)} leaderboard {found.id} --ties"
            click.echo(f"which are tied with the best takes a while to tell: {again}")


@click.command("ui")
@click.argument("competition", metavar="[COMP]", required=False, shell_complete=complete_competitions)
@tracking_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Interface; others can reach it unless loopback.")
@click.option("--port", default=5000, show_default=True, type=click.IntRange(1, 65535), help="Port of the server.")
@click.pass_context
def ui_command(ctx: click.Context, competition: str | None, tracking_uri: str | None, host: str, port: int) -> None:
    """Open the MLflow UI on this machine, at the leaderboard of a competition."""
    import os
    import subprocess

    from harness.store import Workspace
    from harness.tracking import experiment_id_of, resolve_uri, shown_uri, ui_command, ui_url

    uri = resolve_uri(tracking_uri, Workspace(shared_of(ctx).workspace).root)
    click.echo(f"tracking  {shown_uri(uri)}", err=True)
    experiment = experiment_id_of(uri, competition) if competition else None
    served = uri.startswith(("http://", "https://"))
    link = f"http://{host}:{port}/" if experiment is None else ui_url(host, port, experiment)
    if served:
        link = shown_uri(uri) if experiment is None else ui_url(host, port, experiment, base=shown_uri(uri))
    click.echo(f"open      {link}")
    if competition and experiment is None:
        click.echo(f"no runs of {competition!r} are tracked there yet", err=True)
    if served:
        return
    command = ui_command(uri, host, port)
    if os.name == "posix":  # the server takes this process's place, so that signals reach it and nothing stays behind
        os.execv(command[0], command)  # noqa: S606
    ctx.exit(subprocess.run(command, check=False).returncode)  # noqa: S603
