"""The reference of the command line, made from its commands."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from harness.cli.app import cli


def commands_page() -> str:
    """Return every command with its arguments and options, in the order of the help."""
    top = click.Context(cli, info_name="harness", **cli.context_settings)
    parts = ["## Options of every command\n", _usage(cli, top), _options(cli, top), "## Commands\n"]
    for command, context in _commands(cli, top):
        head = f"### {context.command_path}\n"
        parts += [head, _about(command), _usage(command, context), _options(command, context)]
    return "\n".join(parts)


def _commands(group: click.Group, above: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    """Yield the commands of a group, and those of groups in it."""
    for name in group.list_commands(above):
        command = group.get_command(above, name)
        assert command is not None, name
        context = click.Context(command, info_name=name, parent=above)
        if isinstance(command, click.Group):
            yield from _commands(command, context)
        else:
            yield command, context


def _about(command: click.Command) -> str:
    return inspect.cleandoc(command.help or "").replace("\b\n", "") + "\n"


def _usage(command: click.Command, context: click.Context) -> str:
    pieces = " ".join(command.collect_usage_pieces(context))
    return f"```text\n{context.command_path} {pieces}\n```\n"


def _options(command: click.Command, context: click.Context) -> str:
    """Return a table of the options; arguments stand in the usage, and ``--help`` is everywhere."""
    params = [param for param in command.get_params(context) if "--help" not in param.opts or context.parent is None]
    records = [record for param in params if (record := param.get_help_record(context)) and record[1]]
    if not records:
        return ""
    rows = [f"| {code(record[0])} | {cell(record[1])} |" for record in records]
    return "\n".join(["| option | what |", "|---|---|", *rows]) + "\n"


def cell(text: object) -> str:
    """Return prose that fits in a cell of a table."""
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;")


def code(text: str) -> str:
    """Return code that fits in a cell of a table, where pipes and brackets stand for themselves."""
    return f"`{' '.join(text.split())}`"
