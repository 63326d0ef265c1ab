"""``harness schema``: what an editor needs to know of competition files."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.app import Shared, complete_competitions


@click.command("schema")
@click.argument("competition", metavar="[COMP]", required=False, shell_complete=complete_competitions)
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file instead of the screen."
)
@click.pass_obj
def schema_command(shared: Shared, competition: str | None, output: Path | None) -> None:
    """Print the JSON Schema of competition files, by which an editor completes and checks them.

    It knows every key, and each parameter of what the installed plugins offer. With COMP it also knows what the
    plugin.py of that competition offers.
    """
    import json

    from harness.errors import ConfigError
    from harness.files import write_text
    from harness.finding import find_competition
    from harness.json_schema import competition_schema
    from harness.plugins import load_plugins

    if output is not None and not output.parent.is_dir():
        raise ConfigError(f"{output.parent}: no such folder; make it, or choose another with --output")
    plugins = load_plugins()
    if competition:
        own = find_competition(competition, shared.competitions, plugins) / "plugin.py"
        plugins = load_plugins(own) if own.is_file() else plugins
    text = json.dumps(competition_schema(plugins), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        click.echo(text, nl=False)
        return
    write_text(output, text)
    click.echo(f"schema  {output}")
    click.echo(f"editor  first line of a competition.toml beside it:  #:schema ./{output.name}")
