"""``blend``: finished runs put together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.app import competition_argument, echo_json, json_option, shared_of
from harness.cli.tracked import tracked
from harness.cli.train import shown_path, tracking_option
from harness.competition import BLEND_METHODS
from harness.errors import StoreError

if TYPE_CHECKING:
    from harness.blending import Blended
    from harness.leaderboard import Board
    from harness.prepare import Prepared


@click.command("blend")
@competition_argument
@click.argument("runs", metavar="[RUN...]", nargs=-1)
@click.option(
    "--method",
    type=click.Choice(list(BLEND_METHODS)),
    default="greedy",
    show_default=True,
    help="How; best tries all on the other folds.",
)
@click.option(
    "--name", default="", help="Its name on the leaderboard.  [default: blend-METHOD, or the next free blend-METHOD-2]"
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder of the submission files.")
@tracking_option
@click.option("--no-tracking", is_flag=True, help="Do not write to MLflow.")
@json_option
@click.pass_context
def blend_command(ctx: click.Context, /, competition: str, runs: tuple[str, ...], **options: Any) -> None:
    """Blend finished runs of one board, scored by weights that did not see the scored rows.

    RUN is a run's id or a beginning of it, imported ones too; without any, every line of the board but baselines and
    blends. A fold's rows are blended with weights (and by a method) learned on the other folds.
    """
    from harness.combining import combine, members_of, setting_of
    from harness.competition_file import FILE, read_competition
    from harness.facts import gather_facts
    from harness.finding import find_competition
    from harness.leaderboard import best_submission, read_board
    from harness.offers import Metric
    from harness.plugins import load_plugins
    from harness.prepare import prepare
    from harness.store import Workspace
    from harness.submitting import publish
    from harness.ties import told_board
    from harness.tracking import resolve_uri

    shared = shared_of(ctx)
    workspace = Workspace(shared.workspace)
    found = read_competition(find_competition(competition, shared.competitions, load_plugins()))
    known = load_plugins(found.plugin)
    metrics = [known.find(Metric, metric, f"{found.id}/{FILE}: metrics") for metric in found.metrics]
    members = members_of(workspace, found, read_board(workspace, found, metrics), runs)
    prepared = prepare(setting_of(workspace, found, members))
    workspace.check_writable()
    uri = None if options["no_tracking"] else resolve_uri(options["tracking_uri"], workspace.root)
    name = options["name"]
    with tracked(prepared, workspace, shared, uri):
        done = combine(prepared, workspace, members, options["method"], name, gather_facts(Path()))
        board = told_board(prepared, workspace)
        told = {"competition": prepared.competition, "board": board.as_json(), "figures": []}
        prepared.plugins.tell("harness_board_updated", **told)
    if done.result is None:
        raise StoreError(f"{done.run.label} was not blended: {done.failure}")
    folder, path = options["out"] or workspace.submissions(found.id), None
    end = "-fast" if prepared.setting.fast else ""
    if done.result.submission is not None:
        path = publish(done.result.submission, folder, done.run.label + end)
        if (first := best_submission(board, workspace)) is not None:
            publish(first, folder, f"best{end}")
    _tell(prepared, done, board, path, options["as_json"])


def _tell(prepared: Prepared, done: Blended, board: Board, path: Path | None, as_json: bool) -> None:
    from rich.markup import escape
    from rich.table import Table

    from harness.cli.show import console, number, print_board
    from harness.files import read_json
    from harness.store import RESULT

    about = read_json(done.run.directory / RESULT)["blend"]
    metric, scores = prepared.primary.name, {str(entry["run_id"]): entry["scores"] for entry in board.entries}
    own = [scores.get(run_id, {}).get(metric, {}).get("oof") for run_id in about["members"]]
    assert done.result is not None
    if as_json:
        members = [
            {"run_id": run_id, "name": name, "weight": about["weights"][name], metric: score}
            for run_id, name, score in zip(about["members"], about["of"], own, strict=True)
        ]
        keys = ("method", "asked", "weights", "fold_weights", "fold_methods", "naive")
        record = {"run_id": done.run.run_id, "name": done.run.label, **{key: about[key] for key in keys}}
        values = {name: vars(score) for name, score in done.result.scores.items()}
        echo_json({**record, "members": members, "scores": values, "submission": None if path is None else str(path)})
        return
    print_board(board)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in ("member", f"{metric} oof", "weight", "over folds"):
        table.add_column(column, justify="left" if column == "member" else "right")
    for name, score in zip(about["of"], own, strict=True):
        over = [weights[name] for weights in about["fold_weights"].values()]
        spread = f"{min(over):.2f} to {max(over):.2f}"
        table.add_row(escape(name), number(score), f"{about['weights'][name]:.3f}", spread)
    out, score = console(), done.result.scores[metric]
    out.print()
    out.print(table)
    for note in done.result.notes:
        if note.startswith("method "):
            click.echo(note.partition(";")[0])
    click.echo(
        f"nested      {metric} {number(score.oof)} ± {number(score.stderr)} over folds: weights from other folds"
    )
    click.echo(
        f"naive       {metric} {number(about['naive'][metric])} on the rows the weights were learned on: too good"
    )
    if path is not None:
        click.echo(f"submission  {shown_path(path)}")
    click.echo(f"run         {done.run.run_id}")
