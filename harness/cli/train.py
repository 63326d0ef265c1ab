"""``run``: train strategies, rank them, write submissions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.app import (
    Shared,
    command_with,
    competition_argument,
    complete_strategies,
    echo_json,
    json_option,
    shared_of,
)
from harness.cli.tracked import tracked
from harness.errors import ConfigError, HarnessError, PluginError

if TYPE_CHECKING:
    from harness.competition import Blend, Strategy
    from harness.launch import Launched
    from harness.prepare import Prepared

strategy_option = click.option(
    "-s",
    "--strategy",
    "patterns",
    multiple=True,
    metavar="STRATEGY",
    shell_complete=complete_strategies,
    help="Strategy, blend or pattern ('smote*'); may be given several times.  [default: all but those of `named_only`]",
)
set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="STRATEGY.param=value",
    help="Change a parameter; of all strategies: '*.param=value'.",
)
device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where models train; auto is a GPU if there is one.",
)
skip_bad_option = click.option(
    "--skip-bad", is_flag=True, help="Leave out training files that cannot be read; they are listed."
)
data_option = click.option(
    "--data", default="", metavar="VARIANT|PATH", help="A variant of the data, or a folder or file."
)
unlabelled_option = click.option(
    "--unlabelled", multiple=True, metavar="PATH", help="A file or folder of rows without targets, to pretrain on."
)
folds_option = click.option(
    "--folds", type=click.IntRange(min=2), help="Number of folds, if not the competition's own."
)
threads_option = click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="Threads a task may use.  [default: all (or OMP_NUM_THREADS), shared by workers]",
)
address_option = click.option(
    "--address", default="", help="HOST:PORT of a running cluster, for an executor that uses one (ray)."
)
out_option = click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder of the submission files."
)
allow_split_option = click.option(
    "--allow-split", is_flag=True, help="Keep a split at random that is not like the test set; it is marked."
)
tracking_option = click.option(
    "--tracking-uri", metavar="URI", help="MLflow database or server.  [default: mlflow.db in the workspace]"
)


@click.command("run")
@competition_argument
@strategy_option
@click.option("--seed", "seeds", multiple=True, type=click.IntRange(min=0), help="Seed; of several, the mean too.")
@folds_option
@set_option
@data_option
@unlabelled_option
@device_option
@threads_option
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Tasks at once.")
@click.option("--executor", default="", help="How they run.  [default: process; sequential with one worker]")
@address_option
@click.option(
    "--budget",
    default="",
    help="Time for each strategy on a seed, as 90s, 30m or 1h30m; the others go on when it is up.",
)
@out_option
@click.option("--fast", is_flag=True, help="A subsample and one fold, marked as such: does it work at all?")
@skip_bad_option
@allow_split_option
@click.option("--retry-failed", is_flag=True, help="Try strategies again that failed before.")
@tracking_option
@click.option("--no-tracking", is_flag=True, help="Do not write to MLflow.")
@json_option
@click.pass_context
def run_command(ctx: click.Context, /, competition: str, **options: Any) -> None:
    """Train strategies over folds, rank them beside the baseline, and write checked submissions.

    The same command continues where a stopped one ended; what is already trained is not trained again.
    """
    from harness.audit.guard import guard
    from harness.finding import find_competition
    from harness.plugins import load_plugins
    from harness.prepare import Setting, prepare
    from harness.store import Workspace

    shared: Shared = shared_of(ctx)
    workspace = Workspace(shared.workspace)
    home = find_competition(competition, shared.competitions, load_plugins())
    setting = Setting(
        home,
        workspace.cache.resolve(),
        options["data"],
        options["folds"],
        options["fast"],
        options["skip_bad"],
        tuple(str(Path(path).expanduser().resolve()) for path in options["unlabelled"]),
    )
    workspace.check_writable()
    prepared, warning = guard(prepare(setting), options["allow_split"])
    if warning:
        click.echo(f"{click.style('warning:', fg='yellow')} {warning}", err=True)
    launched, prepared, notes = _run(prepared, workspace, options, shared)
    if options["as_json"]:
        from harness.launch import run_json

        echo_json(run_json(prepared, launched))
    else:
        _print(launched, notes, shared)
    ctx.exit(launched.exit_code)


def _run(
    prepared: Prepared, workspace: Any, options: dict[str, Any], shared: Shared
) -> tuple[Launched, Prepared, dict[str, Any]]:
    from harness.cli.progress import RunProgress
    from harness.device import choose_device, default_threads
    from harness.durations import parse_duration
    from harness.facts import gather_facts
    from harness.launch import apply_settings, choose_blends, choose_strategies, launch
    from harness.planning import Hardware
    from harness.provenance import gather_provenance
    from harness.run import Options
    from harness.tracking import resolve_uri

    competition, plugins = prepared.competition, prepared.plugins
    strategies = apply_settings(choose_strategies(competition, options["patterns"]), options["settings"], plugins)
    strategies, unusable = usable(prepared, strategies, bool(options["patterns"]))
    blends, broken = _whole(choose_blends(competition, options["patterns"]), unusable)
    unusable |= broken
    seeds = seeds_given(options["seeds"])
    budget = competition.budget
    if options["budget"]:
        budget = replace(budget, strategy=parse_duration(options["budget"], "--budget"))
    threads = options["threads"] or default_threads(options["workers"])
    hardware = Hardware(choose_device(options["device"]), threads)
    folder = options["out"] or workspace.submissions(competition.id)
    uri = None if options["no_tracking"] else resolve_uri(options["tracking_uri"], workspace.root)
    at_once = 1 if options["executor"] == "sequential" else options["workers"]
    with RunProgress(prepared.primary.name, competition.evaluate.on, at_once) as progress:
        plugins.manager.register(progress, "progress")
        for name, problem in unusable.items():
            progress.warn(f"{name} is left out: {problem}")
        run_options = Options(
            workspace=workspace,
            hardware=hardware,
            workers=options["workers"],
            executor=options["executor"],
            address=options["address"],
            retry_failed=options["retry_failed"],
            budget=budget,
            facts=gather_facts(Path()),
            provenance=gather_provenance(prepared, workspace.root, hardware.device),
            planned=progress.planned,
        )
        try:
            with tracked(prepared, workspace, shared, uri, progress.warn) as tracker:
                launched = launch(prepared, strategies, blends, seeds, run_options, folder)
        finally:
            plugins.manager.unregister(progress)
    launched = replace(launched, unusable=tuple(unusable))
    reached = tracker is not None and tracker.experiment_id is not None
    return launched, prepared, {"uri": uri if reached else None, "given": options["tracking_uri"]}


def usable(
    prepared: Prepared, strategies: Sequence[Strategy], named: bool
) -> tuple[list[Strategy], dict[str, HarnessError]]:
    """Sort out strategies whose plugin is missing or broken, with the reason.

    Raises
    ------
    HarnessError
        If such a strategy was asked for by name, if none is left, or if a parameter is wrong.
    """
    from harness.launch import unusable_strategies

    unusable = unusable_strategies(prepared, strategies)
    for error in unusable.values():
        if named or len(unusable) == len(strategies) or not isinstance(error, PluginError):
            raise error
    return [strategy for strategy in strategies if strategy.name not in unusable], unusable


def _whole(
    blends: Sequence[Blend], unusable: Mapping[str, HarnessError]
) -> tuple[list[Blend], dict[str, HarnessError]]:
    """Sort out blends of which a member is left out, with the reason."""
    lacking = {blend.name: [name for name in blend.of if name in unusable] for blend in blends}
    broken: dict[str, HarnessError] = {
        name: PluginError(f"so is its member {members[0]}") for name, members in lacking.items() if members
    }
    return [blend for blend in blends if not lacking[blend.name]], broken


def seeds_given(given: Sequence[int]) -> list[int]:
    """Return the seeds of a command, each once; 0 where none is given."""
    seeds = list(given) or [0]
    if len(set(seeds)) < len(seeds):
        raise ConfigError(f"--seed is given twice: {', '.join(map(str, seeds))}")
    return seeds


def _print(launched: Launched, notes: dict[str, Any], shared: Shared) -> None:
    import shlex

    from harness.cli.show import print_board
    from harness.tracking import shown_uri

    print_board(launched.board)
    click.echo()
    if launched.best is not None:
        first = next(entry for entry in launched.board.entries if entry["submission"])
        click.echo(f"submission  {shown_path(launched.best)}  (checked; the board's first: {first['name']})")
        others, folder = len(launched.submissions), shown_path(launched.best.parent)
        click.echo(f"            {folder}{'/' if others else ''}  has one of each of these {others} runs")
    if launched.figure is not None:
        click.echo(f"figure      {shown_path(launched.figure)}")
    if notes["uri"] is not None:
        elsewhere = f" --tracking-uri {shlex.quote(shown_uri(notes['uri']))}" if notes["given"] else ""
        click.echo(f"MLflow      {command_with(shared)} ui {launched.board.competition}{elsewhere}")


def shown_path(path: Path) -> str:
    """Return a path as short as it can be written from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
