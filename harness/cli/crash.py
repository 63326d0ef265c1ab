"""``crash-test``: kill a run at random moments, resume it, and compare."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.app import competition_argument, echo_json, json_option, shared_of
from harness.cli.train import data_option, set_option, shown_path, strategy_option

if TYPE_CHECKING:
    from harness.crashing import Crash, Whole


@click.command("crash-test")
@competition_argument
@click.option("--kills", type=click.IntRange(1, 1000), default=20, show_default=True, help="How often it is killed.")
@strategy_option
@set_option
@data_option
@click.option("--folds", type=click.IntRange(min=2), help="Number of folds; the whole data then, not --fast.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Tasks at once.")
@click.option("--executor", default="", help="How they run.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the moments.")
@json_option
@click.pass_context
def crash_test_command(ctx: click.Context, /, competition: str, **options: Any) -> None:
    """Kill a run at random moments, resume it, and compare with one that nobody disturbed.

    By SIGKILL, each time in an empty workspace: out-of-fold predictions and submissions must be the same, byte by byte.
    Exit code 1 if anything differs.
    """
    from harness.crashing import crashes, run_whole

    shared = shared_of(ctx)
    command = _command(shared.competitions, competition, options)
    folder = Path(tempfile.mkdtemp(prefix="harness-crash-"))
    table = None
    try:
        whole = run_whole(command, folder / "whole")
        form = "" if options["folds"] else " on the subsample of run --fast"
        table = _Table(competition, form, whole, options["kills"], options["as_json"])
        for crash in crashes(command, whole, options["kills"], options["seed"], folder):
            table.add(crash)
    finally:
        if table is None or not table.bad:
            shutil.rmtree(folder)
    table.end(folder)
    ctx.exit(1 if table.bad else 0)


def _command(competitions: Path | None, competition: str, options: dict[str, Any]) -> list[str]:
    """Return the run, with ``{workspace}`` where its folder will stand."""
    given = [] if competitions is None else ["--competitions", str(competitions)]
    command = [sys.executable, "-m", "harness", *given, "--workspace", "{workspace}", "run", competition]
    for name, values in (("-s", options["patterns"]), ("--set", options["settings"])):
        command += [part for value in values for part in (name, value)]
    command += ["--data", options["data"]] if options["data"] else []
    command += ["--folds", str(options["folds"])] if options["folds"] else ["--fast"]
    command += ["--executor", options["executor"]] if options["executor"] else []
    return [*command, "--workers", str(options["workers"]), "--no-tracking", "--allow-split"]


class _Table:
    """A line for each crash as it happens, and a verdict."""

    def __init__(self, competition: str, form: str, whole: Whole, kills: int, as_json: bool) -> None:
        self.competition, self.whole, self.kills, self.as_json = competition, whole, kills, as_json
        self.crashes: list[Crash] = []
        if not as_json:
            click.echo(f"{competition}{form}: {whole.tasks} tasks in {whole.seconds:.1f} s undisturbed\n")
            click.echo("kill       at   tasks kept   resumed in   result")

    @property
    def bad(self) -> list[Crash]:
        return [crash for crash in self.crashes if crash.problems]

    def add(self, crash: Crash) -> None:
        """Show one crash."""
        self.crashes.append(crash)
        if self.as_json:
            return
        at = "ended" if crash.moment is None else f"{crash.moment:.1f} s"
        kept = f"{crash.kept} of {self.whole.tasks}"
        verdict = click.style("; ".join(crash.problems[:3]), fg="red") if crash.problems else "identical"
        click.echo(f"{len(self.crashes):4} {at:>8} {kept:>12} {crash.seconds:10.1f} s   {verdict}")

    def end(self, folder: Path) -> None:
        """Show the verdict, and where what differs was kept."""
        same = len(self.crashes) - len(self.bad)
        if self.as_json:
            record = {"competition": self.competition, "kills": len(self.crashes), "identical": same}
            lines = [vars(crash) for crash in self.crashes]
            echo_json({**record, "seconds": self.whole.seconds, "tasks": self.whole.tasks, "crashes": lines})
            return
        colour = "red" if self.bad else "green"
        click.echo(f"\n{click.style(f'{same} of {len(self.crashes)} identical', fg=colour)}")
        if self.bad:
            click.echo(f"kept        {shown_path(folder)}")
