"""``check-plugin`` and ``completion``: for people who write plugins, and for shells."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import click

from harness.cli.app import cli, json_option
from harness.errors import ConfigError


@click.command("check-plugin")
@click.argument("plugin")
@click.option(
    "--hostile", is_flag=True, help="Also with no network, on another day, with labels to steal, without rows."
)
@json_option
def check_plugin_command(plugin: str, hostile: bool, as_json: bool) -> None:
    """Run the conformance kit on an installed plugin.

    PLUGIN is its name, or the path of a competition's own plugin.py. Every offer is built, fitted, saved, loaded and
    compared.
    """
    from harness.cli.app import echo_json
    from harness.testing import check_plugin

    findings = check_plugin(plugin, hostile)
    failed = [finding for finding in findings if finding.problem]
    if as_json:
        echo_json([vars(finding) for finding in findings])
    else:
        for finding in findings:
            mark = click.style("skip", dim=True) if finding.skipped else click.style("ok  ", fg="green")
            mark = click.style("fail", fg="red") if finding.problem else mark
            click.echo(f"{mark} {finding.offer}: {finding.check}{': ' + finding.problem if finding.problem else ''}")
        skipped = sum(finding.skipped for finding in findings)
        click.echo(f"{len(findings) - len(failed) - skipped} passed, {len(failed)} failed, {skipped} skipped")
    _leave(2 if failed else 0)


def _leave(code: int) -> NoReturn:
    """Exit, and at once where an offer left threads running, for which the interpreter would wait."""
    from harness.testing.state import threads_left

    if threads_left():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    raise SystemExit(code)


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> None:
    """Print the completion script of a shell.

    Use it with: eval "$(harness completion bash)"
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise ConfigError(f"no completion for {shell}")
    click.echo(kind(cli, {}, "harness", "_HARNESS_COMPLETE").source())
