"""``validate``, ``grade``, ``predict``, ``import``: files in and out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.app import Shared, competition_argument, echo_json, json_option, one_line, shared_of
from harness.cli.tracked import tracked
from harness.cli.train import data_option, folds_option, tracking_option

if TYPE_CHECKING:
    from harness.prepare import Prepared

FILE = click.Path(path_type=Path, dir_okay=False)
SHOWN = 5
"""Rows whose problems are told one by one."""


def _prepared(shared: Shared, competition: str, data: str) -> Prepared:
    from harness.finding import find_competition
    from harness.plugins import load_plugins
    from harness.prepare import Setting, prepare
    from harness.store import Workspace

    home = find_competition(competition, shared.competitions, load_plugins())
    return prepare(Setting(home, Workspace(shared.workspace).cache.resolve(), data))


@click.command("validate")
@competition_argument
@click.argument("file", type=FILE)
@data_option
@json_option
@click.pass_context
def validate_command(ctx: click.Context, competition: str, file: Path, data: str, as_json: bool) -> None:
    """Check a submission file without answers: ids, columns, ranges, sums.

    It is checked against the competition's own data unless --data says which.
    """
    from harness.schema import schema_of
    from harness.submission_check import warnings_of
    from harness.submission_file import read_submission
    from harness.submitting import problems_of

    shared = shared_of(ctx)
    prepared = _prepared(shared, competition, data)
    submission = read_submission(file)
    name = data or prepared.dataset.info.variant
    against = one_line(f"{name} data of {competition}")
    problems, warnings = (
        problems_of(prepared, submission),
        warnings_of(schema_of(prepared.competition, prepared.dataset), submission),
    )
    if as_json:
        told = {"valid": not problems, "problems": problems, "warnings": warnings}
        echo_json({"file": str(file), "data": name, **told})
    else:
        for warning in warnings:
            click.echo(f"{click.style('warning:', fg='yellow')} {one_line(warning)}", err=True)
        for problem in problems:
            click.echo(f"{click.style('problem:', fg='red')} {one_line(problem)}")
        if problems:
            click.echo(f"checked against the {against}; {one_line(_other_data(shared, file, name))}", err=True)
        else:
            rows = f"{len(submission.frame):,} rows, {file}"
            click.echo(f"{click.style('valid', fg='green')}: {rows}, checked against the {against}")
    ctx.exit(2 if problems else 0)


def _other_data(shared: Shared, file: Path, checked: str) -> str:
    """Say how a file is checked against other data: those of the run that made it, where one is known."""
    from harness.store import Workspace, find_run
    from harness.whence import find_run_of
    from harness.which_board import data_name

    workspace = Workspace(shared.workspace)
    found = find_run_of(workspace, file)
    if found.match is None or found.verdict == "none":
        return "other data: --data VARIANT|PATH"
    name = data_name(find_run(workspace, found.match.name))
    made = "it is that of" if found.match.whole else "it is nearly that of"
    return f"{made} run {found.match.name}" + (f", on other data: --data {name}" if name != checked else "")


@click.command("grade")
@competition_argument
@click.argument("file", type=FILE)
@click.option("--truth", type=FILE, required=True, help="CSV of true answers: id and label, or a column per class.")
@data_option
@json_option
@click.pass_context
def grade_command(ctx: click.Context, competition: str, file: Path, truth: Path, data: str, as_json: bool) -> None:
    """Score a submission file against true answers, joined by id.

    With final_board.csv in the competition's folder (the scores of all teams) also the rank, the percentile and the
    medal that the official score would have had. What is wrong with the files ends with exit code 2 and, in JSON, a
    kind; a metric that fails with 1 and its traceback.
    """
    try:
        graded = _graded(shared_of(ctx), competition, file, truth, data)
    except Exception as error:
        if as_json:
            message = one_line(str(error) or type(error).__name__)
            echo_json({"file": str(file), "error": {"kind": _kind(error), "message": message}})
        raise
    if as_json:
        echo_json(graded)
    else:
        _print_grade(graded)


def _graded(shared: Shared, competition: str, file: Path, truth: Path, data: str) -> dict[str, Any]:
    from dataclasses import asdict

    from harness.final_board import place, read_final_board
    from harness.grading import read_truth, score_submission
    from harness.schema import schema_of
    from harness.submission_file import read_submission

    prepared = _prepared(shared, competition, data)
    board = read_final_board(prepared.competition.home, prepared.metrics, prepared.competition.board)
    info = prepared.dataset.info
    schema = schema_of(prepared.competition, prepared.dataset)
    scores = score_submission(prepared.metrics, schema, read_submission(file), read_truth(truth, schema, info), info)
    official = prepared.primary if board is None else next(m for m in prepared.metrics if m.name == board.metric)
    score = scores.get(official.name)
    placed = None if board is None or score is None or score != score else asdict(place(board, score))
    if placed is not None and prepared.competition.board is not None:
        placed = {"site": prepared.competition.board.site, **placed}
    note = f"no rank: the submission has no {official.name}" if board is not None and placed is None else ""
    return {
        "file": str(file),
        "metric": official.name,
        "direction": official.direction,
        "score": score,
        "scores": scores,
        "board": placed,
        "note": note,
    }


def _kind(error: Exception) -> str:
    """Name what went wrong, for programs that grade many files."""
    from harness.errors import (
        ConfigError,
        DataError,
        HarnessError,
        InvalidFileError,
        SubmissionError,
        WrongColumnsError,
    )

    kinds = {
        InvalidFileError: "invalid file",
        WrongColumnsError: "wrong columns",
        SubmissionError: "invalid rows",
        DataError: "data or answers",
        ConfigError: "competition",
        HarnessError: "mistake",
    }
    return next((name for kind, name in kinds.items() if isinstance(error, kind)), "bug")


def _print_grade(graded: dict[str, Any]) -> None:
    from harness.cli.show import number

    better = "lower" if graded["direction"] == "min" else "higher"
    for name, value in graded["scores"].items():
        click.echo(f"  {name:<20}{number(value)}" + (f"  official, {better} is better" * (name == graded["metric"])))
    if (placed := graded["board"]) is None:
        click.echo(graded["note"], nl=bool(graded["note"]))
        return
    medals = ", ".join(f"{name} to {last}" for name, last in placed["medals"].items())
    medal = f"{placed['medal'] or 'no medal'} ({placed.get('site', '')}: {medals})" if medals else placed["note"]
    rank, teams, share = placed["rank"], placed["teams"], placed["percentile"]
    click.echo(f"final board  rank {rank:,} of {teams:,} teams, {share:.1f}% of them not better; {medal}")


@click.command("predict")
@click.argument("run")
@click.option("--input", "source", type=click.Path(path_type=Path), required=True, help="New data, as the test file.")
@click.option("--output", type=FILE, required=True, help="Where the predictions go, in the submission's columns.")
@click.pass_context
def predict_command(ctx: click.Context, run: str, source: Path, output: Path) -> None:
    """Predict new data with a finished run.

    RUN is its id, a beginning of it, or its folder.
    """
    from harness.predict import predict_new
    from harness.store import Workspace

    shared = shared_of(ctx)
    done = predict_new(Workspace(shared.workspace), run, source, output, shared.competitions)
    for problem in done.problems[:SHOWN]:
        click.echo(f"{click.style('warning:', fg='yellow')} {one_line(problem)}", err=True)
    if len(done.problems) > SHOWN:
        click.echo(
            f"{click.style('warning:', fg='yellow')} {len(done.problems) - SHOWN:,} more rows like these", err=True
        )
    click.echo(f"{done.rows:,} {'row' if done.rows == 1 else 'rows'}: {output}")


@click.command("import")
@competition_argument
@click.option("--name", required=True, help="Its name on the leaderboard.")
@click.option("--oof", type=FILE, required=True, help="CSV or Parquet: id and one column per class, for training rows.")
@click.option("--test", type=FILE, required=True, help="The same for the test rows.")
@click.option("--valid", type=FILE, help="The same for the labelled validation rows, where there are such.")
@folds_option
@data_option
@tracking_option
@click.option("--no-tracking", is_flag=True, help="Do not write to MLflow.")
@json_option
@click.pass_context
def import_command(
    ctx: click.Context,
    competition: str,
    name: str,
    oof: Path,
    test: Path,
    valid: Path | None,
    folds: int | None,
    data: str,
    tracking_uri: str | None,
    no_tracking: bool,
    as_json: bool,
) -> None:
    """Put a notebook's predictions on the leaderboard, scored by the same rules."""
    from harness.cli.show import print_board
    from harness.finding import find_competition
    from harness.imported import import_predictions
    from harness.plugins import load_plugins
    from harness.prepare import Setting, prepare
    from harness.store import Workspace
    from harness.ties import told_board
    from harness.tracking import resolve_uri

    shared = shared_of(ctx)
    workspace = Workspace(shared.workspace)
    home = find_competition(competition, shared.competitions, load_plugins())
    prepared = prepare(Setting(home, workspace.cache.resolve(), data, folds))
    uri = None if no_tracking else resolve_uri(tracking_uri, workspace.root)
    with tracked(prepared, workspace, shared, uri):
        result = import_predictions(prepared, workspace, name, oof, test, valid)
        board = told_board(prepared, workspace)
        prepared.plugins.tell(
            "harness_board_updated", competition=prepared.competition, board=board.as_json(), figures=[]
        )
    if as_json:
        entry = next(entry for entry in board.entries if entry["run_id"] == result.run.run_id)
        echo_json(entry)
        return
    print_board(board)
    click.echo(f"\nimported    {result.run.run_id}, submission {result.submission}")
