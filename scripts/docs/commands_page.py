"""The reference of the command line, made from its commands."""

from __future__ import annotations

import inspect

import click

from harness.cli.app import cli


def commands_page() -> str:
    """Return every command with its arguments and options, in the order of the help."""
    top = click.Context(cli, info_name="harness")
    parts = ["## Options of every command\n", _usage(cli, top), _options(cli, top), "## Commands\n"]
    for name in cli.list_commands(top):
        command = cli.get_command(top, name)
        assert command is not None, name
        context = click.Context(command, info_name=name, parent=top)
        parts += [f"### harness {name}\n", _about(command), _usage(command, context), _options(command, context)]
    return "\n".join(parts)


def _about(command: click.Command) -> str:
    return inspect.cleandoc(command.help or "").replace("\b\n", "") + "\n"


def _usage(command: click.Command, context: click.Context) -> str:
    pieces = " ".join(command.collect_usage_pieces(context))
    return f"```text\n{context.command_path} {pieces}\n```\n"


def _options(command: click.Command, context: click.Context) -> str:
    records = [param.get_help_record(context) for param in command.get_params(context)]
    rows = [f"| `{cell(record[0])}` | {cell(record[1])} |" for record in records if record]
    return "\n".join(["| option | what |", "|---|---|", *rows]) + "\n"


def cell(text: object) -> str:
    """Return a text that fits in a cell of a table."""
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;")
