"""``new plugin``: a plugin to begin with."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("plugin")
@click.argument("name")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder that gets the new one.  [default: the current one]",
)
def plugin_command(name: str, into: Path) -> None:
    """Write a plugin to begin with: a distribution that installs, is tested and runs.

    NAME is what its offers begin with: lower-case letters, digits and '_'. It gets a data source, a model, a metric and
    a competition that uses them, with tests, a CI file and a README, in a new folder harness-NAME.
    """
    from harness.plugins import load_plugins
    from harness.scaffold import check_name, write_plugin

    folder = write_plugin(check_name(name, [plugin.name for plugin in load_plugins().loaded]), into)
    count = sum(path.is_file() for path in folder.rglob("*"))
    click.echo(f"written  {folder}/  ({count} files; begin with README.md and harness_{name}/plugin.py)")
    steps = [
        (f"cd {_quoted(folder)}", ""),
        ("pip install -e '.[dev]'", "installs it for editing, with what its tests need"),
        ("pytest", ""),
        (f"harness check-plugin {name} --hostile", "what the harness relies on, offer by offer"),
        (f"harness run {name}-example", "a leaderboard and a submission"),
    ]
    click.echo("next")
    for command, about in steps:
        click.echo(f"  {command:<44}{click.style(f'# {about}', dim=True) if about else ''}".rstrip())


def _quoted(folder: Path) -> str:
    import shlex

    return shlex.quote(str(folder))
