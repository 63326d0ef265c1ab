"""The example of a plugin from outside the tree: installed and used as a stranger would, with its own tests."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import harness
from harness.device import count_gpus

ROOT = Path(harness.__file__).parents[1]
EXAMPLE = ROOT / "examples" / "harness-digits"
pytestmark = pytest.mark.skipif(not EXAMPLE.is_dir(), reason="needs the checkout")

Called = Callable[..., str]


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> Called:
    """Return ``called("-m", "harness", "list")``: Python with the example installed, which this process lacks."""
    target, work = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("work")
    install = ["--no-deps", "--no-build-isolation", "--no-index", "--target", str(target), str(EXAMPLE)]
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", *install], check=True, timeout=120)
    path = os.pathsep.join([str(target), *filter(None, sys.path)])
    # safe path: or the example's own folder, where its tests run, would come before what is installed
    env = {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1"}

    def call(*args: object, cwd: Path = work) -> str:
        done = subprocess.run(
            [sys.executable, *map(str, args)], capture_output=True, text=True, env=env, cwd=cwd, timeout=280
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return call


def test_it_is_found_and_passes_the_conformance_kit(called: Called) -> None:
    where = called("-c", "import harness_digits; print(harness_digits.__file__)")
    assert not Path(where).is_relative_to(ROOT)
    assert "digit-recognizer" in called("-m", "harness", "list")
    last = called("-m", "harness", "check-plugin", "digits").splitlines()[-1]
    assert " 0 failed" in last
    assert count_gpus() or f"\n{last}\n" in (EXAMPLE / "README.md").read_text()


def test_its_network_learns(called: Called) -> None:
    called("-m", "harness", "run", "digit-recognizer", "--fast", "-s", "cnn", "--threads", "1", "--no-tracking")
    board = json.loads(called("-m", "harness", "leaderboard", "digit-recognizer", "--json"))
    scores = {entry["strategy"]: entry["scores"]["accuracy"]["oof"] for entry in board["entries"]}
    assert scores["cnn"] > 0.9 > 0.2 > scores["baseline-prior"]


def test_its_own_tests_pass(called: Called) -> None:
    told = called("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", cwd=EXAMPLE)
    passed = re.search(r"^\d+ passed", told, re.MULTILINE)
    assert passed is not None
    assert f"\n{passed[0]}\n" in (EXAMPLE / "README.md").read_text()


def test_what_check_prints_is_what_the_guide_shows(called: Called) -> None:
    shown = (EXAMPLE / "README.md").read_text().partition("$ harness check digit-recognizer\n")[2].partition("```")[0]
    told = called("-m", "harness", "check", "digit-recognizer").replace("python -m harness", "harness")
    assert [line.strip() for line in told.splitlines()] == shown.splitlines()
    assert " failed" not in told


def test_its_readme_leads_through_every_file() -> None:
    text = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    links = set(re.findall(r"\]\(([^)#:]+)\)", text))
    assert [link for link in links if not (EXAMPLE / link).exists()] == []
    files = {f"harness_digits/{path.name}" for path in (EXAMPLE / "harness_digits").glob("[a-z]*.py")}
    assert files - links == set()
