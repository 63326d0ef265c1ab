"""The ``harness`` command: its groups, its errors, its exit codes.

Exit codes: 0 done, 1 a fault of a program or a leak that `check` found, 2 the user's mistake (one line, no traceback),
3 partial, 130 interrupted (143 by SIGTERM).
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TextIO

import click

from harness import __version__
from harness.cli.signals import Terminated, graceful
from harness.errors import HarnessError, nearest

COMMANDS = {
    "list": ("look", "List the competitions."),
    "describe": ("look", "Describe a competition: data, split, metrics, strategies with every parameter."),
    "plugins": ("look", "List the installed plugins with what they offer; broken ones with the fix."),
    "new": ("new", "Begin something of your own: a competition of your files, or a plugin that installs."),
    "check": (
        "data",
        "Read the data, cut the folds and look at every strategy and for leaks, without training anything.",
    ),
    "split-audit": (
        "audit",
        "Train one fast model under every split the data allows, and name the one that is like the test set.",
    ),
    "fetch": ("data", "Download a variant of the data: resumable, digests recorded, archives unpacked safely."),
    "stages": ("stages", "Pretrain alone: run what strategies learn before they see a label, for later runs to find."),
    "run": ("train", "Train strategies over folds, rank them beside the baseline, and write checked submissions."),
    "tune": (
        "tune",
        "Search the parameters of a strategy within the ranges they declare; the winner becomes a strategy to paste.",
    ),
    "blend": ("blend", "Blend finished runs of one board, scored by weights that did not see the scored rows."),
    "leaderboard": ("board", "Show the leaderboard of a competition."),
    "report": ("report", "Write one HTML page that shows a run, its errors and its predictions; it needs no network."),
    "register": (
        "register",
        "Make a run a version of the competition's model in MLflow's registry; without RUN, the leaderboard's first.",
    ),
    "ui": ("board", "Open the MLflow UI on this machine, at the leaderboard of a competition."),
    "sync": ("sync", "Deliver to MLflow what earlier commands could not; everything arrives once."),
    "validate": ("submit", "Check a submission file without answers: ids, columns, ranges, sums."),
    "grade": ("submit", "Score a submission file against true answers, joined by id."),
    "submit": (
        "send",
        "Send a submission to the competition's site, wait for its score and record it beside the run's.",
    ),
    "whence": ("trace", "Find the run that made a submission, even a disguised one; or the nearest and what differs."),
    "reproduce": ("trace", "Rebuild a run from what is recorded of it, and say MATCH or what differs first and why."),
    "predict": ("submit", "Predict new data with a finished run."),
    "export": ("export", "Write a run as a folder for a site's notebooks without network; `export verify` tries it."),
    "import": ("submit", "Put a notebook's predictions on the leaderboard, scored by the same rules."),
    "check-plugin": ("develop", "Run the conformance kit on an installed plugin."),
    "crash-test": ("crash", "Kill a run at random moments, resume it, and compare with one that nobody disturbed."),
    "schema": ("schema", "Print the JSON Schema of competition files, by which an editor completes and checks them."),
    "completion": ("develop", "Print the completion script of a shell."),
}
"""Each command: the module of `harness.cli` that holds it, imported only when it is used, and its line in the help."""

STDOUT = "harness.stdout"
RESUMED, GOES_ON = {"run", "tune", "stages", "fetch", "sync"}, "; the same command goes on where it stopped"


@dataclass(frozen=True)
class Shared:
    """Options of every command."""

    competitions: Path | None
    workspace: Path


class Lazy(click.Group):
    """A group that imports a command's module only when that command is used or its help is shown.

    Parameters
    ----------
    table : mapping
        As `COMMANDS`.
    """

    def __init__(self, *args: Any, table: Mapping[str, tuple[str, str]] = COMMANDS, **attrs: Any) -> None:
        super().__init__(*args, **attrs)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which one meets them."""
        del ctx
        return list(self.table)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import and return a command."""
        del ctx
        if name not in self.table:
            return None
        module = importlib.import_module(f"harness.cli.{self.table[name][0]}")
        command: click.Command = getattr(module, name.replace("-", "_") + "_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in self.table.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or suggest the nearest."""
        if args and args[0] not in self.table and not args[0].startswith("-"):
            raise click.UsageError(f"no command {args[0]!r}{nearest(args[0], self.table)}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Start with: harness list, harness describe COMP, harness run COMP --fast",
)
@click.version_option(__version__, prog_name="harness")
@click.option(
    "--competitions",
    type=click.Path(path_type=Path),
    envvar="HARNESS_COMPETITIONS",
    help="Also look for competitions in this folder.",
)
@click.option(
    "--workspace",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    envvar="HARNESS_WORKSPACE",
    help="Folder of runs, submissions and tracking.  [default: the current one]",
)
@click.option(
    "--disable", metavar="PLUGIN", multiple=True, help="Do not load this plugin; also: HARNESS_DISABLE_PLUGINS=A,B."
)
@click.option(
    "--trace",
    is_flag=True,
    envvar="HARNESS_TRACE",
    help="Show on stderr which hooks were called, and how long each took.",
)
@click.pass_context
def cli(ctx: click.Context, competitions: Path | None, workspace: Path, disable: tuple[str, ...], trace: bool) -> None:
    """From competition data to an honest leaderboard and a valid submission."""
    ctx.obj = Shared(competitions, workspace)
    if disable or trace:
        from harness.cli.hooks import disabling, tracing

        ctx.with_resource(disabling(disable))
        if trace:
            ctx.with_resource(tracing())


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit."""
    try:
        with graceful():
            code = cli.main(args=args, prog_name="harness", standalone_mode=False)
    except HarnessError as error:
        fail(str(error))
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(2)
    except click.UsageError as error:
        fail(one_line(error.format_message()).removesuffix("."), hint=_help_of(error))
    except click.ClickException as error:
        fail(one_line(error.format_message()))
    except (click.Abort, KeyboardInterrupt) as error:
        click.echo(f"interrupted{GOES_ON if RESUMED & set(sys.argv[1:] if args is None else args) else ''}", err=True)
        sys.exit(143 if isinstance(error.__cause__ or error, Terminated) else 130)
    except BrokenPipeError:
        # the reader of a pipe went away (`| head`); what is still buffered must not raise again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    sys.exit(code if isinstance(code, int) else 0)


def fail(message: str, hint: str = "") -> None:
    """Print an error in one line and exit with 2."""
    click.echo(f"{click.style('error:', fg='red', bold=True)} {one_line(message)}{hint}", err=True)
    sys.exit(2)


def one_line(text: str) -> str:
    r"""Return a text fit for a terminal: one line, no control characters.

    Examples
    --------
    >>> one_line("a\x1b[31mb\nc")
    'a?[31mb c'
    """
    joined = " ".join(text.split("\n"))
    return "".join(c if c.isprintable() else "?" for c in joined)


def _help_of(error: click.UsageError) -> str:
    return f"; see: {error.ctx.command_path} --help" if error.ctx else ""


def command_name() -> str:
    """Return what to type for this command: ``harness`` where that is found, else the path it was called by."""
    import shutil

    called, found = Path(sys.argv[0]), shutil.which("harness")
    if called.name != "harness":
        return "harness" if found else "python -m harness"
    if found and Path(found).resolve() == called.resolve():
        return "harness"
    return str(called.relative_to(Path.cwd())) if called.is_relative_to(Path.cwd()) else str(called)


def command_with(shared: Shared) -> str:
    """Return what to type for this command at the same place: with the options of every command as they were given."""
    import shlex

    given = [("--competitions", shared.competitions), ("--workspace", shared.workspace)]
    options = [f" {name} {shlex.quote(str(path))}" for name, path in given if path is not None and path != Path()]
    return "".join([command_name(), *options])


def command_at(shared: Shared) -> str:
    """Return the same for commands that look at no competition: ``sync``, ``list``."""
    return command_with(Shared(None, shared.workspace))


def shared_of(ctx: click.Context) -> Shared:
    """Return the options of every command."""
    shared = ctx.find_object(Shared)
    if shared is None:  # a shell completes a line without calling the group
        given = ctx.find_root().params
        shared = Shared(given.get("competitions"), given.get("workspace") or Path())
    return shared


def complete_competitions(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the id of a competition."""
    from harness.finding import find_competitions
    from harness.plugins import load_plugins

    del param
    known = find_competitions(shared_of(ctx).competitions, load_plugins())
    return [name for name in known if name.startswith(incomplete)]


def complete_strategies(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of a strategy of the competition already typed."""
    from harness.competition_file import read_competition
    from harness.finding import find_competition
    from harness.plugins import load_plugins

    del param
    # click leaves arguments unnamed while an option still lacks its value
    typed = ctx.params.get("competition") or next(iter(ctx.args), "")
    try:
        found = read_competition(find_competition(typed, shared_of(ctx).competitions, load_plugins()))
    except HarnessError:  # nothing to say in the middle of a line; the command itself will tell
        return []
    return [name for name in found.names if name.startswith(incomplete)]


def competition_argument(function: Any) -> Any:
    """Add the argument COMP."""
    return click.argument("competition", metavar="COMP", shell_complete=complete_competitions)(function)


def json_option(function: Any) -> Any:
    """Add the option ``--json``: with it standard output holds JSON and nothing else."""

    @wraps(function)
    def call(*args: Any, **given: Any) -> Any:
        if not given["as_json"]:
            return function(*args, **given)
        with kept_stdout() as stream:
            click.get_current_context().meta[STDOUT] = stream
            return function(*args, **given)

    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(call)


@contextmanager
def kept_stdout() -> Iterator[TextIO]:
    """Keep standard output for what is written to the stream given: what plugins and libraries print goes to stderr."""
    kept, copy = sys.stdout, None
    with suppress(OSError):  # a test's stand-in has no descriptor
        if kept.fileno() == 1:
            kept.flush()
            copy = os.dup(1)
            os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield kept if copy is None else open(copy, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    finally:
        if copy is not None:
            os.dup2(copy, 1)
            os.close(copy)


def echo_json(value: Any) -> None:
    """Print a value as JSON; NaN and infinities become null."""
    import json

    context = click.get_current_context(silent=True)
    stream = None if context is None else context.meta.get(STDOUT)
    click.echo(json.dumps(finite(value), ensure_ascii=False, indent=2), file=stream)


def finite(value: Any) -> Any:
    """Replace NaN and infinities, which JSON does not have, by None."""
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value
