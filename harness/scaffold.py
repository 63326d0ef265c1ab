"""A plugin to begin with: a distribution that installs, passes its own tests and runs, written from templates.

The templates are text in ``harness/templates``, so that nothing takes them for code of the harness.
"""

from __future__ import annotations

import importlib.util
import keyword
import re
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from string import Template

from harness.errors import ConfigError
from harness.files import atomic_directory
from harness.hookspecs import PROJECT
from harness.plugins import BUILTIN, KNOWN, LOCAL

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LONGEST = 30
RESERVED = (PROJECT, LOCAL, "testing", "local", "test", "tests", "example", "examples", "competitions", *BUILTIN)
PACKAGE = ("init", "plugin", "source", "model", "metric")
TESTS = ("test_source", "test_model", "test_metric", "test_plugin")


def check_name(name: str, installed: Iterable[str]) -> str:
    """Return the name of a plugin to be written, if it is safe and free.

    It becomes an entry point, a prefix of offers, and part of the names of a folder and a package.

    Raises
    ------
    ConfigError
        Saying what is wrong, with a name that would do where there is one.
    """
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        better = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_0123456789")[:LONGEST].rstrip("_")
        hint = f"; did you mean {better!r}?" if better and _free(better, installed) else ""
        raise ConfigError(
            f"plugin {name!r}: expected up to {LONGEST} lower-case letters, digits and single '_', a letter first{hint}"
        )
    if keyword.iskeyword(name) or name in RESERVED:
        raise ConfigError(f"plugin {name!r}: that name has a meaning of its own; choose another, such as 'my_{name}'")
    if not _free(name, installed):
        raise ConfigError(f"plugin {name!r} exists already (harness plugins); choose another name, such as 'my_{name}'")
    return name


def _free(name: str, installed: Iterable[str]) -> bool:
    taken = {*installed, *KNOWN, *RESERVED}
    return name not in taken and importlib.util.find_spec(f"{PROJECT}_{name}") is None


def write_plugin(name: str, into: Path) -> Path:
    """Write the distribution of a plugin into a new folder ``harness-NAME``.

    Parameters
    ----------
    name : str
        As `check_name` returned it.
    into : Path
        Folder that gets the new one.

    Returns
    -------
    Path
        The new folder, written whole or not at all.

    Raises
    ------
    ConfigError
        If there is such a folder, or `into` is none.
    """
    names = {"name": name, "package": f"{PROJECT}_{name}", "distribution": f"{PROJECT}-{name.replace('_', '-')}"}
    folder = into / names["distribution"]
    if not into.is_dir():
        raise ConfigError(f"{into}: no such folder; make it, or choose another with --into")
    if folder.exists() or folder.is_symlink():
        raise ConfigError(f"{folder} exists already; nothing was written (choose another name, or --into DIR)")
    with atomic_directory(folder) as out:
        for place, text in _texts(names).items():
            path = out / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return folder


def _texts(names: dict[str, str]) -> dict[str, str]:
    """Return the text of each file by its place in the folder."""
    package, example = names["package"], f"{names['name']}-example"
    places = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        ".gitignore": "gitignore",
        ".github/workflows/ci.yml": "ci.yml",
        f"{package}/competitions/{example}/competition.toml": "competition.toml",
        **{f"{package}/{'__init__' if part == 'init' else part}.py": f"{part}.py" for part in PACKAGE},
        **{f"tests/{test}.py": f"{test}.py" for test in TESTS},
    }
    templates = files(PROJECT) / "templates" / "plugin"
    texts = {place: (templates / f"{template}.in").read_text(encoding="utf-8") for place, template in places.items()}
    return {place: Template(text).substitute(names) for place, text in texts.items()} | {f"{package}/py.typed": ""}
