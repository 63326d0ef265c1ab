"""``register``: a run as a version of the competition's model in MLflow's registry."""

from __future__ import annotations

from dataclasses import asdict
from itertools import takewhile

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
    the leaderboard's first that has models, which imported predictions have not. Others load it:
    mlflow.pyfunc.load_model("models:/COMP@best").predict(table).
    """
    from harness.competition_file import FILE, read_competition
    from harness.errors import StoreError
    from harness.finding import find_competition
    from harness.leaderboard import read_board
    from harness.offers import Metric
    from harness.packing import has_models, pack_run
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
    first = next(
        (
            one
            for one in takewhile(lambda entry: not entry["baseline"], board.entries)
            if has_models(workspace, find_run(workspace, str(one["run_id"]), found.id))
        ),
        None,
    )
    if first is None and not run:
        name = board.entries[0]["name"]
        told = (
            f"nothing on the leaderboard of {found.id} beats {name}"
            if board.entries[0]["baseline"]
            else (f"nothing on the leaderboard of {found.id} above its baselines has models, {name} has none")
        )
        raise StoreError(f"{told}; name the run to register")
    stored = find_run(workspace, run or str(first["run_id"] if first else ""), found.id)
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
