"""Listing must stay instant: nothing heavy is imported for it. Each command's line of help is its own."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import click
import pytest

from harness.cli.app import COMMANDS, cli

ROOT = Path(__file__).parents[2]
PLUGINS = [*(ROOT / "plugins").glob("*/harness_*/plugin.py"), *(ROOT / "competitions").glob("*/plugin.py")]
HEAVY = {
    *("torch", "fastai", "pandas", "numpy", "scipy", "sklearn", "imblearn", "catboost", "mlflow", "matplotlib"),
    *("pyarrow", "rich", "skops", "asyncio"),
}


def heavy_imports(code: str) -> list[str]:
    """Run code in a fresh interpreter and return the heavy packages it imported."""
    probe = f"import sys\n{code}\nprint('HEAVY', *sorted(set(sys.modules) & {HEAVY!r}))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1].split()[1:]


@pytest.mark.parametrize(
    "code",
    [
        "from harness.plugins import load_plugins; load_plugins()",
        "from harness.plugins import GATHERED, load_plugins; p = load_plugins(); [p.offers(kind) for kind in GATHERED]",
        "import harness.competition_file, harness.results, harness.hookspecs",
    ],
    ids=["load", "gather", "core types"],
)
def test_nothing_heavy_is_imported(code):
    assert heavy_imports(code) == []


def test_the_probe_sees_what_is_imported():
    assert "numpy" in heavy_imports("import numpy")


@pytest.mark.parametrize("path", PLUGINS, ids=[path.parent.name for path in PLUGINS])
def test_plugins_import_nothing_heavy(path):
    code = f"from pathlib import Path\nfrom harness.plugins import load_plugins\nload_plugins(Path({str(path)!r}))"
    if path.parent.name.startswith("harness_"):
        code = f"import sys; sys.path.insert(0, {str(path.parents[1])!r}); import {path.parent.name}.plugin"
    assert heavy_imports(code) == []


def test_plugins_were_found():
    assert {"harness_imbalance", "credit-rare"} <= {path.parent.name for path in PLUGINS}


@pytest.mark.parametrize(
    "args", [["--help"], ["list"], ["plugins"], ["--version"], ["completion", "bash"]], ids=" ".join
)
def test_commands_that_list_import_nothing_heavy(args):
    assert heavy_imports(f"from harness.cli import main\ntry: main({args!r})\nexcept SystemExit: pass") == []


# help ---------------------------------------------------------------------------------------------------------------


def command_of(name: str) -> click.Command:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_help_is_the_commands_own(name):
    first = (command_of(name).help or "").splitlines()[0]
    assert COMMANDS[name][1] == first


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_every_command(name, harness):
    done = harness(name, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: harness {name} ")
    assert COMMANDS[name][1].split()[0] in done.out
    for param in command_of(name).params:
        if isinstance(param, click.Option):
            assert param.opts[-1] in done.out
            assert param.help, f"{param.opts[-1]} of {name} has no help"


def test_every_command_of_the_modules_is_in_the_table():
    modules = {importlib.import_module(f"harness.cli.{module}") for module, _ in COMMANDS.values()}
    commands = [value for module in modules for value in vars(module).values() if isinstance(value, click.Command)]
    inner = [command for group in commands if isinstance(group, click.Group) for command in group.commands.values()]
    defined = {command.name for command in commands if command not in inner} - {cli.name}
    assert defined == set(COMMANDS)
