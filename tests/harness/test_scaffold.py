"""A new plugin: names that are refused, and a distribution that is sound from the first minute."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from harness.errors import ConfigError
from harness.scaffold import check_name, write_plugin

LONG = "a_name_as_long_as_they_come_30"


# names --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["weather", "w", "sea_ice2", LONG])
def test_a_safe_name_is_taken_as_it_is(name):
    assert check_name(name, ["imbalance"]) == name


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Sea-Ice", "did you mean 'sea_ice'?"),
        ("2026", "a letter first"),
        ("../up", "did you mean 'up'?"),
        ("a__b", "did you mean 'a_b'?"),
        ("wétter", "did you mean 'w_tter'?"),
        ("x\n", "did you mean 'x'?"),
        ("", "a letter first"),
        (LONG + "1", "up to 30"),
        ("class", "has a meaning of its own"),
        ("local", "has a meaning of its own"),
        ("metrics", "has a meaning of its own"),
        ("harness", "has a meaning of its own"),
        ("snow", "'snow' exists already"),
        ("birdclef", "'birdclef' exists already"),
    ],
)
def test_an_unsafe_or_taken_name_is_refused_with_what_would_do(name, told):
    with pytest.raises(ConfigError) as caught:
        check_name(name, ["snow"])
    assert told in str(caught.value)


def test_a_package_of_that_name_is_not_shadowed(tmp_path, monkeypatch):
    (tmp_path / "harness_fog.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match="'fog' exists already"):
        check_name("fog", [])


# folders ------------------------------------------------------------------------------------------------------------


def test_what_is_there_is_left_alone(tmp_path, harness):
    (tmp_path / "harness-sea-ice").mkdir()
    (tmp_path / "harness-sea-ice" / "mine.txt").write_text("mine")
    done = harness("new", "plugin", "sea_ice", "--into", str(tmp_path))
    assert done.code == 2
    assert "harness-sea-ice exists already; nothing was written" in done.err
    assert [path.name for path in (tmp_path / "harness-sea-ice").iterdir()] == ["mine.txt"]
    with pytest.raises(ConfigError, match="no such folder; make it"):
        write_plugin("sea_ice", tmp_path / "nowhere")


def test_the_command_says_what_comes_next(harness, workspace):
    done = harness("new", "plugin", "sea_ice")
    assert done.code == 0, done.err
    for words in (
        "cd harness-sea-ice",
        "pip install -e '.[dev]'",
        "check-plugin sea_ice --hostile",
        "run sea_ice-example",
    ):
        assert words in done.out
    assert (workspace / "harness-sea-ice/.github/workflows/ci.yml").read_text().count("sea_ice") == 2
    assert harness("new", "plugn", "x").err.startswith("error: no command 'plugn'; did you mean 'plugin'?")


@pytest.mark.parametrize("name", ["w", LONG])
def test_nothing_of_the_templates_is_left_and_lines_fit_whatever_the_name(tmp_path, name):
    folder = write_plugin(name, tmp_path)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) == 15
    for path in files:
        text = path.read_text()
        assert "$" not in text.replace("${{ matrix.python }}", ""), path
        if path.suffix == ".py":
            compile(text, path, "exec")
    for command in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "."], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    assert project["project"]["entry-points"] == {"harness": {name: f"harness_{name}.plugin"}}
    assert project["project"]["name"] == folder.name


# from nothing to green ----------------------------------------------------------------------------------------------

QUICK = 120.0
"""Seconds from the command to a plugin that conforms."""


def installed(folder: Path, name: str) -> None:
    """Do what ``pip install -e .`` does, without asking an index for the build backend."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    info = folder / f"harness_{name}-{project['version']}.dist-info"
    info.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(metadata)
    points = "\n".join(f"{key} = {value}" for key, value in project["entry-points"]["harness"].items())
    (info / "entry_points.txt").write_text(f"[harness]\n{points}\n")


@pytest.mark.slow  # the check of the wheels does the same with one that is installed
def test_a_new_plugin_is_green_within_two_minutes_without_an_edit(tmp_path):
    started = time.perf_counter()

    def call(*command: str, cwd: Path) -> str:
        paths = [str(tmp_path / "harness-sea-ice"), os.environ.get("PYTHONPATH", "")]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=cwd, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
        return done.stdout

    call("harness", "new", "plugin", "sea_ice", cwd=tmp_path)
    folder = tmp_path / "harness-sea-ice"
    installed(folder, "sea_ice")
    assert " passed" in call("pytest", "-q", "-p", "no:cacheprovider", cwd=folder)
    checked = call("harness", "check-plugin", "sea_ice", "--hostile", cwd=folder)
    assert " 0 failed, 1 skipped" in checked
    assert "ok   sea_ice.centroids: multiclass: reaches no network" in checked
    assert time.perf_counter() - started < QUICK
    assert "Success: no issues found" in call("mypy", "--strict", "--cache-dir", os.devnull, cwd=folder)
    call("harness", "--workspace", str(tmp_path), "run", "sea_ice-example", "--no-tracking", cwd=folder)
    rows = (tmp_path / "submissions/sea_ice-example/best.csv").read_text().splitlines()
    assert rows[0] == "id,near,right,up"
    assert len(rows) == 31
