"""``stages``: pretrain alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.app import command_with, competition_argument, echo_json, json_option, one_line, shared_of
from harness.cli.train import (
    data_option,
    device_option,
    seeds_given,
    set_option,
    shown_path,
    skip_bad_option,
    strategy_option,
    unlabelled_option,
    usable,
)

if TYPE_CHECKING:
    from harness.prepare import Prepared
    from harness.staging import Staged
    from harness.store import Workspace


@click.command("stages")
@competition_argument
@strategy_option
@click.option("--seed", "seeds", multiple=True, type=click.IntRange(min=0), help="Seed, as the run will use.")
@set_option
@data_option
@unlabelled_option
@device_option
@click.option(
    "--threads", type=click.IntRange(min=1), help="Threads, as the run will use.  [default: all, shared by workers]"
)
@click.option(
    "--workers", type=click.IntRange(min=1), default=1, show_default=True, help="As the run will have: share threads."
)
@click.option("--fast", is_flag=True, help="On the subsample of run --fast.")
@skip_bad_option
@json_option
@click.pass_context
def stages_command(ctx: click.Context, /, competition: str, **options: Any) -> None:
    """Pretrain alone: run what strategies learn before they see a label, for later runs to find.

    A run finds a stage that was made from the same data, parameters and threads on the same device. What is there
    already is not made again. Stages that see labels belong to a fold, and are left to the runs.
    """
    from harness.finding import find_competition
    from harness.plugins import load_plugins
    from harness.prepare import Setting, prepare
    from harness.store import Workspace

    shared = shared_of(ctx)
    workspace = Workspace(shared.workspace)
    home = find_competition(competition, shared.competitions, load_plugins())
    setting = Setting(
        home,
        workspace.cache.resolve(),
        options["data"],
        fast=options["fast"],
        skip_bad=options["skip_bad"],
        unlabelled=tuple(str(Path(path).expanduser().resolve()) for path in options["unlabelled"]),
    )
    workspace.check_writable()
    ctx.exit(_run(prepare(setting), workspace, {**options, "command": command_with(shared)}))


def _run(prepared: Prepared, workspace: Workspace, options: dict[str, Any]) -> int:
    from rich.markup import escape

    from harness.cli.show import console
    from harness.device import choose_device, default_threads
    from harness.launch import apply_settings, choose_strategies
    from harness.planning import Hardware
    from harness.staging import stages_alone, stages_left

    chosen = choose_strategies(prepared.competition, options["patterns"])
    chosen = apply_settings(chosen, options["settings"], prepared.plugins)
    strategies, unusable = usable(prepared, chosen, bool(options["patterns"]))
    for name, problem in unusable.items():
        _warn(f"{name} is left out: {problem}")
    hardware = Hardware(choose_device(options["device"]), options["threads"] or default_threads(options["workers"]))
    done: list[Staged] = []
    with console(stderr=True).status("reading") as status:

        def told(strategy: str, text: str) -> None:
            status.update(escape(one_line(f"{strategy}: {text}")))

        for one in stages_alone(prepared, strategies, seeds_given(options["seeds"]), hardware, workspace, told):
            if not options["as_json"]:
                _print(one, done)
            done.append(one)
    left = stages_left(prepared, strategies)
    if options["as_json"]:
        where = {"device": hardware.device, "threads": hardware.threads}
        echo_json({"competition": prepared.competition.id, **where, "stages": [*map(_entry, done)], "left": left})
    else:
        _close(_next(prepared.competition.id, options, hardware.threads), done, left)
    return _exit_code(done, bool(unusable))


def _print(one: Staged, before: Sequence[Staged]) -> None:
    """Print a stage; one that several strategies share is printed for the first."""
    if one.finished is None:
        click.echo(f"{click.style('failed', fg='red')} {one_line(f'{one.strategy}: {one.failure}')}", err=True)
        return
    from harness.cli.show import duration

    folder = one.finished.directory
    if any(other.finished is not None and other.finished.directory == folder for other in before):
        return
    state = f"made in {duration(one.seconds)}" if one.finished.made else "was there"
    click.echo(f"{one.finished.stage.name}  {shown_path(folder)}  {state}  ({one.strategy})")
    for note in one.notes:
        click.echo(f"    {one_line(note)}")


def _next(competition: str, options: Mapping[str, Any], threads: int) -> str:
    """Return the run that finds what was made: it asks for the same, and for as many threads a task."""
    import shlex

    given = [("-s", one) for one in options["patterns"]]
    given += [("--seed", str(one)) for one in options["seeds"]]
    given += [("--set", one) for one in options["settings"]]
    given += [("--data", options["data"])] if options["data"] else []
    given += [("--unlabelled", one) for one in options["unlabelled"]]
    given += [("--device", options["device"])] if options["device"] != "auto" else []
    given += [("--workers", str(options["workers"]))] if options["workers"] > 1 else []
    given += [("--threads", str(threads))]
    flags = [f"--{name.replace('_', '-')}" for name in ("fast", "skip_bad") if options[name]]
    words = [word for pair in given for word in pair] + flags
    return f"{options['command']} run {competition} {shlex.join(words)}"


def _close(command: str, done: Sequence[Staged], left: Mapping[str, Sequence[str]]) -> None:
    for stage in dict.fromkeys(name for names in left.values() for name in names):
        owners = ", ".join(strategy for strategy, names in left.items() if stage in names)
        click.echo(f"{stage}  sees labels, so it is left to the runs of: {owners}")
    if any(one.finished for one in done):
        click.echo(f"next: {command}")
    elif not done:
        click.echo("no strategy chosen has a stage to run alone")


def _entry(one: Staged) -> dict[str, Any]:
    finished = one.finished
    return {
        "strategy": one.strategy,
        "seed": one.seed,
        "stage": None if finished is None else finished.stage.name,
        "folder": None if finished is None else str(finished.directory),
        "made": finished is not None and finished.made,
        "seconds": round(one.seconds, 3),
        "notes": list(one.notes),
        **({"error": one.failure} if one.failure else {}),
    }


def _exit_code(done: Sequence[Staged], incomplete: bool) -> int:
    """Return 0 if everything wanted was done, 3 if only a part was, 2 or 1 if nothing was (a mistake, or a fault)."""
    failed = [one for one in done if one.finished is None]
    if not failed:
        return 3 if incomplete else 0
    if len(failed) < len(done):
        return 3
    return 2 if all(one.mistake for one in failed) else 1


def _warn(text: str) -> None:
    click.echo(f"{click.style('warning:', fg='yellow')} {one_line(text)}", err=True)
