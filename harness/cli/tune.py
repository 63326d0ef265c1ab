"""``tune``: search the parameters of a strategy."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.app import (
    competition_argument,
    complete_strategies,
    echo_json,
    json_option,
    one_line,
    shared_of,
)
from harness.cli.tracked import tracked
from harness.cli.train import (
    address_option,
    allow_split_option,
    data_option,
    device_option,
    folds_option,
    out_option,
    set_option,
    shown_path,
    threads_option,
    tracking_option,
)
from harness.errors import ConfigError

if TYPE_CHECKING:
    from harness.prepare import Prepared
    from harness.space import Dimension
    from harness.tuned import Tuned
    from harness.tuning import Searched

TRIALS = 30
"""Trials where neither their number nor a time is given."""


@click.command("tune")
@competition_argument
@click.option(
    "-s", "--strategy", required=True, metavar="STRATEGY", shell_complete=complete_strategies, help="What is tuned."
)
@click.option(
    "--trials", type=click.IntRange(min=1), help=f"Trials in all.  [default: {TRIALS}, or what a budget allows]"
)
@click.option("--budget", default="", help="Time for this command, as 30m or 1h30m.")
@click.option(
    "--range",
    "ranges",
    multiple=True,
    metavar="PARAM[=LOW:HIGH]",
    help="Tune only these: depth, model.depth=2:8, learning_rate=0.01:0.3:log, loss=a,b.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of runs and of suggestions.")
@folds_option
@set_option
@data_option
@device_option
@threads_option
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Folds at once.")
@click.option("--executor", default="", help="How they run.  [default: process; sequential without a budget]")
@address_option
@out_option
@click.option("--no-confirm", is_flag=True, help="Do not run default and winner again on other folds.")
@allow_split_option
@tracking_option
@click.option("--no-tracking", is_flag=True, help="Do not write to MLflow.")
@json_option
@click.pass_context
def tune_command(ctx: click.Context, /, competition: str, **options: Any) -> None:
    """Search the parameters of a strategy within the ranges they declare; the winner becomes a strategy to paste.

    Trials are runs, kept off the board. The same command goes on where a stopped one ended (tune.db).
    """
    from harness.audit.guard import guard
    from harness.finding import find_competition
    from harness.plugins import load_plugins
    from harness.prepare import Setting, prepare
    from harness.store import Workspace
    from harness.study import require_optuna
    from harness.tracking import resolve_uri

    require_optuna()
    shared = shared_of(ctx)
    workspace = Workspace(shared.workspace)
    home = find_competition(competition, shared.competitions, load_plugins())
    workspace.check_writable()
    setting = Setting(home, workspace.cache.resolve(), options["data"], options["folds"])
    prepared, warning = guard(prepare(setting), options["allow_split"])
    if warning:
        click.echo(f"{click.style('warning:', fg='yellow')} {warning}", err=True)
    uri = None if options["no_tracking"] else resolve_uri(options["tracking_uri"], workspace.root)
    with tracked(prepared, workspace, shared, uri):
        searched, tuned, space = _tune(prepared, workspace, options)
    if options["as_json"]:
        from harness.tuned import as_json

        echo_json(as_json(prepared, searched, tuned))
    else:
        _print(prepared, searched, tuned, space)


def _say(line: str) -> None:
    click.echo(one_line(line), err=True)


def _tune(prepared: Prepared, workspace: Any, options: dict[str, Any]) -> tuple[Searched, Tuned, tuple[Dimension, ...]]:
    from harness.device import choose_device, default_threads
    from harness.durations import parse_duration
    from harness.facts import gather_facts
    from harness.launch import apply_settings
    from harness.planning import Hardware
    from harness.run import Options
    from harness.space import space_of
    from harness.submitting import publish
    from harness.ties import told_board
    from harness.tuned import conclude
    from harness.tuning import Limits, search

    competition = prepared.competition
    if options["strategy"] in {blend.name for blend in competition.blends}:
        raise ConfigError(f"-s {options['strategy']!r} is a blend; tune its members")
    wanted = [competition.strategy(options["strategy"])]
    (strategy,) = apply_settings(wanted, options["settings"], prepared.plugins)
    space = space_of(strategy, prepared, options["ranges"])
    seconds = parse_duration(options["budget"], "--budget") if options["budget"] else None
    trials = options["trials"] or (None if seconds else TRIALS)
    threads = options["threads"] or default_threads(options["workers"])
    run_options = Options(
        workspace=workspace,
        hardware=Hardware(choose_device(options["device"]), threads),
        workers=options["workers"],
        executor=options["executor"],
        address=options["address"],
        facts=gather_facts(Path()),
    )
    _say(f"tuning {strategy.label}: {', '.join(dimension.range for dimension in space)}")
    seed = options["seed"]
    searched = search(prepared, strategy, seed, space, run_options, Limits(trials, seconds), _say)
    tuned = conclude(prepared, strategy, seed, space, run_options, searched, not options["no_confirm"])
    if tuned.winner is not None and tuned.winner.submission is not None:
        folder = options["out"] or workspace.submissions(competition.id)
        publish(tuned.winner.submission, folder, tuned.winner.run.label)
    board = told_board(prepared, workspace)
    prepared.plugins.tell("harness_board_updated", competition=competition, board=board.as_json(), figures=[])
    return searched, tuned, space


def _print(prepared: Prepared, searched: Searched, tuned: Tuned, space: tuple[Dimension, ...]) -> None:
    from harness.cli.show import number

    metric, pruned = prepared.primary.name, sum(trial.state.name == "PRUNED" for trial in searched.trials)
    lines = [("trials", f"{searched.tried}, of which {pruned} were given up before their last fold")]
    lines.append(("default", f"{metric} {number(tuned.oof.default)} out of fold"))
    if tuned.winner is None:
        lines.append(("best", "no trial is better than the default; nothing to paste"))
    else:
        lines += _comparison(metric, searched, tuned)
    for name, value in tuned.importance.items():
        label = "importance" if name == next(iter(tuned.importance)) else ""
        lines.append((label, f"{value:5.0%}  {name}"))
    for name, text in lines:
        click.echo(f"{name:<12}{one_line(text)}")
    if tuned.winner is not None and tuned.file is not None:
        click.echo(f"\n{tuned.table}")
        click.echo(f"{'file':<12}{shown_path(tuned.file)}  (paste it into the competition file)")
        click.echo(f"{'run':<12}{tuned.winner.run.run_id}")
    at_edge = [d.key for d in space if d.key in tuned.params and tuned.params[d.key] in (d.low, d.high)]
    if at_edge:
        click.echo(f"{'note':<12}at the end of its range: {', '.join(at_edge)}")


def _comparison(metric: str, searched: Searched, tuned: Tuned) -> list[tuple[str, str]]:
    """Tell how the winner compares with the default: as it was chosen, and as it does where it was not."""
    from harness.cli.show import number

    pair, again = tuned.oof, tuned.again
    lines = [("best", f"{metric} {number(pair.best)}, better by {_gain(pair.gain, pair.stderr)} (paired by fold)")]
    lines.append(("", f"the best of {searched.tried} is flattered by luck; more honest:"))
    if not math.isnan(tuned.selected):
        lines.append(("selected", f"{metric} {number(tuned.selected)}: each fold by the trial best on the others"))
    if again is not None:
        told = f"{metric} {number(again.best)}, default {number(again.default)}"
        lines.append(("again", f"{told}: better by {_gain(again.gain, again.stderr)} on other folds, another seed"))
    if tuned.valid is not None:
        own, best = map(number, tuned.valid)
        lines.append(("valid", f"{metric} {best}, default {own}: labelled rows that tuning never looked at"))
    if again is not None and not again.gain > again.stderr:
        lines.append(("verdict", "the gain is within what chance explains on other folds; the default may be as good"))
    return lines


def _gain(gain: float, error: float) -> str:
    return f"{gain:.4f} ± {error:.4f}"
