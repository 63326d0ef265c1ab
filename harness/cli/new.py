"""``new``: a group of commands that make something new, each in a module of its own."""

from __future__ import annotations

import importlib

import click

from harness.errors import nearest

KINDS = {
    "competition": ("new_competition", "Make a competition of your files: proposed with reasons, ready to run."),
}
"""Each kind: the module of `harness.cli` that holds its command, and its line in the help."""


class Kinds(click.Group):
    """A group that imports a command's module only when that command is used or its help is shown."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the kinds of things that can be made."""
        del ctx
        return list(KINDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import and return a command."""
        del ctx
        if name not in KINDS:
            return None
        command: click.Command = getattr(importlib.import_module(f"harness.cli.{KINDS[name][0]}"), f"{name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in KINDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or suggest the nearest."""
        if args and args[0] not in KINDS and not args[0].startswith("-"):
            raise click.UsageError(f"no command 'new {args[0]}'{nearest(args[0], KINDS)}")
        return super().resolve_command(ctx, args)


@click.group("new", cls=Kinds)
def new_command() -> None:
    """Make something new: a competition of your own files."""
