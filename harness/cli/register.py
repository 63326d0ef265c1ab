"""``register``: a run as a version of the competition's model in MLflow's registry."""

from __future__ import annotations

from dataclasses import asdict

import click

from harness.cli.app import command_with, competition_argument, echo_json, json_option, shared_of
from harness.cli.train import tracking_option


@click.command("register")
@competition_argument
@click.argument("run", required=False, default="")
@click.option("--alias", "aliases", multiple=True, help="Another name that points at this version, such as: submitted.")
@tracking_option
@json_option
@click.pass_context
def register_command(
    ctx: click.Context, competition: str, run: str, aliases: tuple[str, ...], tracking_uri: str | None, as_json: bool
) -> None:
    """Make a run a version of the competition's model in MLflow's registry; without RUN, the leaderboard's first.

    Its models are uploaded beside it with all that predicting needs; no pickle among them. The alias `best` points at
    the leaderboard's first. Others load it: mlflow.pyfunc.load_model("models:/COMP@best").predict(table).
    """
    from harness.competition_file import FILE, read_competition
    from harness.errors import StoreError
    from harness.finding import find_competition
    from harness.leaderboard import read_board
    from harness.offers import Metric
    from harness.packing import pack_run
    from harness.plugins import load_plugins
    from harness.store import Workspace, find_run
    from harness.tracking import resolve_uri
    from harness.tracking.registry import BEST, register

    shared = shared_of(ctx)
    found = read_competition(find_competition(competition, shared.competitions, load_plugins()))
    plugins = load_plugins(found.plugin)
    metrics = [plugins.find(Metric, name, f"{found.id}/{FILE}: metrics") for name in found.metrics]
    workspace = Workspace(shared.workspace)
    board, command = read_board(workspace, found, metrics), command_with(shared)
    if not board.entries:
        raise StoreError(f"no finished run of {found.id}; run: {command} run {found.id}")
    first = board.entries[0]
    if first["baseline"] and not run:
        raise StoreError(f"nothing on the leaderboard of {found.id} beats {first['name']}; name the run to register")
    stored = find_run(workspace, run or str(first["run_id"]), found.id)
    entry = next((one for one in board.entries if one["run_id"] == stored.directory.name), None)
    if entry is None:
        raise StoreError(
            f"{stored.directory.name} is not on the leaderboard of {found.id}; see: {command} leaderboard {found.id}"
        )
    names = tuple(dict.fromkeys((*([BEST] if entry is first else []), *aliases)))
    done = register(
        resolve_uri(tracking_uri, workspace.root),
        found.id,
        entry,
        metrics[0].name,
        board.on,
        names,
        lambda folder: pack_run(workspace, stored, shared.competitions, folder),
    )
    if as_json:
        echo_json(asdict(done))
        return
    click.echo(f"{done.run_id} is version {done.version} of {done.name}{'' if done.new else ' already'}")
    for alias in done.aliases:
        click.echo(f"alias {alias}: models:/{done.name}@{alias}")
