"""``export``: a run as a folder for a site's notebooks without network, and the proof that it works."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.app import echo_json, json_option, one_line, shared_of
from harness.errors import ConfigError

if TYPE_CHECKING:
    from harness.exporting import Exported
    from harness.verifying import Verified


class _RunFirst(click.Group):
    """A group whose first word may be a run: ``export RUN`` is short for ``export run RUN``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group("export", cls=_RunFirst, subcommand_metavar="RUN --kaggle-offline | verify DIR")
def export_command() -> None:
    """Write a run as a folder for a site's notebooks without network; `export verify` tries it.

    harness export RUN --kaggle-offline writes it, harness export verify DIR runs its notebook in an empty environment
    with the network cut and compares the file. Their options: harness export run --help, harness export verify --help.
    """


@export_command.command("run")
@click.argument("run")
@click.option("--kaggle-offline", is_flag=True, help="For Kaggle: a notebook, and a data set of models and wheels.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="New folder.  [default: export/RUN]")
@click.option(
    "--with-deps",
    type=click.Choice(["missing", "all"]),
    default="missing",
    show_default=True,
    help="all: also what Kaggle's image surely has (torch), which `verify` needs.",
)
@click.option("--python", default="", metavar="X.Y", help="Wheels for that Python on Linux.  [default: this one]")
@json_option
@click.pass_context
def run_command(
    ctx: click.Context, run: str, kaggle_offline: bool, out: Path | None, with_deps: str, python: str, as_json: bool
) -> None:
    """Write a run as a folder for a site's notebooks without network.

    The folder's README tells how to upload it.
    """
    import re

    from harness.cli.show import console
    from harness.exporting import export_run
    from harness.store import Workspace, find_run

    if not kaggle_offline:
        raise ConfigError(f"say for what: harness export {run} --kaggle-offline")
    if python and not re.fullmatch(r"3\.\d+", python):
        raise ConfigError(f"--python {python!r}: expected a version such as 3.12")
    shared = shared_of(ctx)
    workspace = Workspace(shared.workspace)
    target = out or shared.workspace / "export" / find_run(workspace, run).directory.name
    with console(stderr=True).status("gathering models and wheels"):
        everything = with_deps == "all"
        done = export_run(workspace, run, shared.competitions, target, everything=everything, python=python)
    if as_json:
        from dataclasses import asdict

        echo_json({**asdict(done), "folder": str(target)})
    else:
        _print_exported(done, target)


def _print_exported(done: Exported, folder: Path) -> None:
    click.echo(f"exported    {folder}  ({done.run}, {len(done.wheels)} wheels for Python {done.python}, {_size(done)})")
    for name, reason in done.left_out.items():
        click.echo(f"left out    {name}, with what only it needs: {reason}")
    needs = "" if done.data else " --data PATH"
    click.echo(f"next        harness export verify {folder}{needs}; how to upload: {folder / 'README.md'}")


def _size(done: Exported) -> str:
    return f"{done.bytes / 1e6:,.1f} MB"


@export_command.command("verify", short_help="Run the exported notebook without network, and compare its file.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--data", default="", help="The competition's files, or a variant.  [default: as the run had it]")
@json_option
@click.pass_context
def verify_command(ctx: click.Context, folder: Path, data: str, as_json: bool) -> None:
    """Run an exported notebook in an empty environment with the network cut, and compare its file with the run's.

    Exit code 1 if they differ, byte by byte.
    """
    from harness.cli.show import console
    from harness.verifying import verify

    with console(stderr=True).status("installing the wheels and running the notebook"):
        done = verify(folder, data)
    if as_json:
        from dataclasses import asdict

        echo_json({**asdict(done), "match": None if done.match is None else done.match.verdict})
    else:
        _print_verified(done)
    ctx.exit(0 if done.identical else 1)


def _print_verified(done: Verified) -> None:
    from harness.cli.trace import print_difference

    network = "network cut" if done.cut else "THE NETWORK WAS NOT CUT: this system permits no unshare"
    if done.match is None:
        told = f"{done.rows:,} rows, sha256 {done.sha256[:16]}"
        click.echo(
            f"{click.style('identical', fg='green', bold=True)}  {done.run}: {told}, empty environment, {network}"
        )
        return
    click.echo(f"{click.style('DIFFERS', fg='red', bold=True)}    {one_line(done.run)}: empty environment, {network}")
    print_difference(done.match)
