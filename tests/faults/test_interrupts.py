"""Ctrl+C and SIGTERM, once and twice, and budgets of time: F-03, F-04, F-14, F-34."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ARGS = ("run", "toy", "-s", "near", "--threads", "1", "--no-tracking")
STUCK = """

class Stuck(Means):
    def fit(self, train, inner, log):
        super().fit(train, inner, log)
        if self.params.noise == 0.5:  # waits in compiled code, where Python cannot interrupt it
            import ctypes

            mutex, lock = ctypes.create_string_buffer(64), ctypes.CDLL(None).pthread_mutex_lock
            Path(os.environ["TOY_COUNT"]).write_text(str(os.getpid()))
            lock(mutex)
            lock(mutex)
        count = Path(os.environ.get("TOY_COUNT", os.devnull))
        if self.params.noise == 0.25 and count.read_text().count("fit") > 1 and not count.with_name("go").exists():
            time.sleep(600)


@hookimpl
def harness_models():
    tasks = frozenset({TaskType.MULTICLASS})
    yield ModelRecipe("local.means", "distances to class means", tasks, MeansParams, Stuck)
"""


@pytest.fixture
def stuck(competitions):
    """Let ``noise=0.5`` hang for ever, and ``noise=0.25`` from the second fit until there is a file ``go``."""
    plugin = competitions / "toy/plugin.py"
    before = plugin.read_text()
    plugin.write_text(before[: before.rindex("@hookimpl")].rstrip() + STUCK)


def start(competitions: Path, workspace: Path, *extra: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "harness", "--competitions", str(competitions), *ARGS, *extra]
    env = {**os.environ, "TOY_COUNT": str(workspace / "count")}
    # a shell starts what is in its background with SIGINT ignored, which children inherit
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            command, cwd=workspace, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
    finally:
        signal.signal(signal.SIGINT, before)


def wait_until(holds, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def folds(workspace: Path) -> set[str]:
    """Return the folds of the strategy that are stored; the baseline's are told by their time."""
    stored = workspace.glob("runs/toy/tasks/*/[0-9]/result.json")
    return {str(path.parent) for path in stored if json.loads(path.read_text())["seconds"] > 0.4}


def record(workspace: Path) -> dict[str, object]:
    (path,) = workspace.glob("runs/toy/near-*/failed.json")
    return json.loads(path.read_text())


@pytest.mark.fault("F-03", "F-04")
@pytest.mark.parametrize(
    ("number", "code", "workers"),
    [
        (signal.SIGINT, 130, "1"),
        (signal.SIGTERM, 143, "2"),
        pytest.param(signal.SIGINT, 130, "2", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, 143, "1", marks=pytest.mark.slow),
    ],
)
def test_one_signal_ends_a_run_in_order_and_the_same_command_goes_on(
    harness, competitions, workspace, number, code, workers
):
    args = ("--set", "near.slow=0.5", "--folds", "8", "--workers", workers)
    process = start(competitions, workspace, *args)
    wait_until(lambda: len(folds(workspace)) >= 2)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert err.endswith(
        "stopping; once more to leave at once\n\ninterrupted; the same command goes on where it stopped\n"
    )
    assert record(workspace)["status"] == "interrupted"
    kept = folds(workspace)
    assert 2 <= len(kept) < 8
    changed = {path: Path(path).stat().st_mtime_ns for path in kept}
    assert harness(*ARGS, *args).code == 0
    assert {path: Path(path).stat().st_mtime_ns for path in kept} == changed
    assert not list(workspace.glob("runs/toy/near-*/failed.json"))


@pytest.mark.fault("F-03")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_two_signals_end_a_run_at_once_even_in_compiled_code(stuck, competitions, workspace, number):
    process = start(competitions, workspace, "--set", "near.noise=0.5")
    wait_until((workspace / "count").exists)
    process.send_signal(number)
    assert process.stderr.readline() == "stopping; once more to leave at once\n"
    process.send_signal(number)
    assert process.wait(5) == 128 + number
    process.stderr.close()


@pytest.mark.fault("F-04")
@pytest.mark.slow
def test_one_signal_ends_a_run_within_half_a_minute_even_in_compiled_code(stuck, competitions, workspace):
    process = start(competitions, workspace, "--set", "near.noise=0.5")
    wait_until((workspace / "count").exists)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 143
    process.stderr.close()


@pytest.mark.fault("F-14", "F-34")
def test_a_strategy_past_its_budget_is_stopped_the_others_go_on_and_more_time_resumes_it(stuck, harness, workspace):
    env = {"TOY_COUNT": str(workspace / "count")}
    args = ("-s", "sharp", "--set", "near.noise=0.25", "--budget")
    done = harness(*ARGS, *args, "10s", "--json", env=env)
    assert done.code == 3
    found = {line["name"].split(" ")[0]: line for line in done.json["strategies"]}
    assert found["near"]["status"] == "timeout"
    assert found["near"]["error"].startswith("timeout: the budget of 10s for a strategy was up (stopped after ")
    assert found["near"]["error"].endswith("; 1 of 3 tasks done and kept)")
    assert found["sharp"]["status"] == "done"
    again = harness(*ARGS, *args, "10s", env=env).err
    assert "tasks done and kept), when it last ran; a longer --budget goes on" in again
    (workspace / "count").unlink()
    (workspace / "go").touch()
    again = harness(*ARGS, *args, "60s", env=env)
    assert again.code == 0, again.err
    assert (workspace / "count").read_text().count("fit") == 2


@pytest.mark.fault("F-14", "F-34")
def test_a_task_that_hangs_in_compiled_code_is_ended_by_a_budget_of_the_competition(
    stuck, harness, competitions, workspace
):
    toml = competitions / "toy/competition.toml"
    toml.write_text(toml.read_text() + '\n[budget]\ntask = "10s"\n')
    count = workspace / "count"
    done = harness(*ARGS, "-s", "sharp", "--set", "near.noise=0.5", env={"TOY_COUNT": str(count)})
    assert done.code == 3
    assert "timeout: the budget of 10s for a task was up (stopped after 10 s; 0 of 3 tasks done and kept)" in done.err
    assert not Path(f"/proc/{count.read_text()}").exists()


def test_a_budget_that_is_no_length_of_time_is_refused(harness):
    done = harness(*ARGS, "--budget", "soon")
    assert done.code == 2
    assert "--budget: 'soon': expected a length of time like 90s, 30m or 1h30m" in done.err
