"""Fixtures shared by all tests: a small competition, a workspace, and the command line in a process of its own."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# how long a busy machine takes to draw an example says nothing of what is tested
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

TOY = Path(__file__).parent / "toy"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg==")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Put the faults that a test shows into its reports, which other processes send too."""
    item.user_properties += [("fault", row) for mark in item.iter_markers("fault") for row in mark.args]


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def competitions(tmp_path: Path) -> Path:
    """Return a folder with a copy of the toy competition, free to be changed."""
    target = tmp_path / "competitions"
    shutil.copytree(TOY, target)
    return target


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Return an empty folder to work in."""
    target = tmp_path / "workspace"
    target.mkdir()
    return target


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with MLflow's tables, which take seconds to make."""
    from harness.tracking.server import open_client

    folder = tmp_path_factory.mktemp("mlflow")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        open_client(f"sqlite:///{folder / 'made.db'}")
    with contextlib.closing(sqlite3.connect(folder / "made.db")) as made:
        made.execute("VACUUM INTO ?", (str(folder / "mlflow.db"),))
    return folder / "mlflow.db"


@pytest.fixture(scope="session")
def tables_at_once(empty_database: Path) -> Iterator[None]:
    """Let new databases of this process be copies of one."""
    from mlflow.store.db import utils

    make = utils._initialize_tables

    def copied(engine) -> None:
        file = Path(engine.url.database or "")
        if engine.dialect.name != "sqlite" or not file.is_file() or file.stat().st_size:
            make(engine)
            return
        engine.dispose()
        shutil.copyfile(empty_database, file)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utils, "_initialize_tables", copied)
        yield


def blank(figure, target, **options) -> None:
    """Save a figure as one white pixel."""
    if hasattr(target, "write"):
        target.write(PIXEL)
    else:
        Path(target).write_bytes(PIXEL)


@pytest.fixture
def harness(request, competitions: Path, workspace: Path, tables_at_once, monkeypatch, capsys) -> Callable[..., Done]:
    """Return ``harness("run", "toy", ...)``: the command line, called in this process for speed.

    Figures are made but not drawn, which takes as long as all the rest; ``@pytest.mark.drawn`` is for tests of what a
    person sees. No time left is estimated: whether a fold of a second is left depends on the machine.
    """
    from harness.cli import main

    if request.node.get_closest_marker("drawn") is None:
        monkeypatch.setattr("matplotlib.figure.Figure.savefig", blank)
    monkeypatch.setattr("harness.cli.progress.SOON", float("inf"))
    monkeypatch.chdir(workspace)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def call(*args: str, env: dict[str, str] | None = None) -> Done:
        capsys.readouterr()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main(["--competitions", str(competitions), *map(str, args)])
        found = capsys.readouterr()
        return Done(int(ended.value.code or 0), found.out, found.err)

    return call


@pytest.fixture
def harness_process(competitions: Path, workspace: Path) -> Callable[..., Done]:
    """Return the same as a user runs it, in a process of its own."""

    def call(*args: str) -> Done:
        command = [sys.executable, "-m", "harness", "--competitions", str(competitions), *map(str, args)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=workspace, timeout=1400)
        return Done(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def real_data() -> Path:
    """Return the folder of real data; skip where there is none."""
    folder = os.environ.get("HARNESS_REAL_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("real data is not on this machine (HARNESS_REAL_DATA)")
    return Path(folder)


@pytest.fixture(scope="module")
def browser():
    """Start a headless Chromium; skip where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()
