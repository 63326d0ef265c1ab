"""``new``: what one begins with; each kind is a command of its own, imported only when it is used."""

from __future__ import annotations

from typing import Any

import click

from harness.cli.app import Lazy

KINDS = {
    "competition": ("new_competition", "Make a competition of your files: proposed with reasons, ready to run."),
    "plugin": ("new_plugin", "Write a plugin to begin with: a distribution that installs, is tested and runs."),
}
"""Each kind: the module of `harness.cli` that holds its command, and its line in the help."""


class Kinds(Lazy):
    """The commands of ``harness new``."""

    def __init__(self, *args: Any, **attrs: Any) -> None:
        super().__init__(*args, table=KINDS, **attrs)


@click.group("new", cls=Kinds)
def new_command() -> None:
    """Begin something of your own: a competition of your files, or a plugin that installs."""
