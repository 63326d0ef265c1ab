"""Worker processes: what a task answers, and what becomes of one that dies, hangs or outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.errors import TaskTimeoutError, WorkerDiedError
from harness.offers import PoolRequest
from harness.workers import DEVICES, WorkerPool, visible_devices


class LocalError(Exception):
    def __init__(self, first, second):
        super().__init__(f"{first} {second}")  # pickles, but cannot be made again from one argument


def act(task):
    """Do what a text says."""
    kind, _, value = task.partition(" ")
    if kind == "pid":
        return os.getpid()
    if kind == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "exit":
        os._exit(3)
    if kind in ("leave", "interrupt"):
        raise SystemExit(value) if kind == "leave" else KeyboardInterrupt
    if kind == "sleep":
        time.sleep(float(value))
    if kind == "local":
        raise LocalError("one", "two")
    if kind == "function":
        return lambda: value
    if kind == "child":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        Path(value).write_text(str(child.pid))
        time.sleep(600)
    if kind == "device":
        return os.environ.get(DEVICES)
    return value


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def gone(pid, seconds=10.0):
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


@pytest.fixture
def pool():
    with WorkerPool(act, PoolRequest(2)) as opened:
        yield opened


def answer(pool, task, limit=None):
    pool.submit(task, limit)
    returned, found = pool.wait()
    assert returned == task
    return found


def test_a_worker_serves_one_task_after_another(pool):
    first = answer(pool, "pid")
    assert first != os.getpid()
    assert answer(pool, "pid") == first
    pool.submit("sleep 0.5")
    pool.submit("pid")
    assert pool.wait() != ("pid", first)
    pool.wait()


@pytest.mark.fault("F-17")
@pytest.mark.parametrize(
    ("task", "told"),
    [
        ("die", "was killed (SIGKILL, as the system does when memory runs out)"),
        ("exit", "ended by itself (exit code 3)"),
    ],
)
def test_a_worker_that_dies_fails_its_own_task_only_and_is_replaced(pool, task, told):
    pool.submit("sleep 1")
    pool.submit(task)
    returned, error = pool.wait()
    assert returned == task
    assert isinstance(error, WorkerDiedError)
    assert str(error) == f"its process {told}"
    assert pool.wait() == ("sleep 1", "1")
    assert answer(pool, "echo on") == "on"


def test_a_worker_killed_while_idle_is_replaced(pool):
    first = answer(pool, "pid")
    os.kill(first, signal.SIGKILL)
    assert gone(first)
    assert answer(pool, "pid") != first


@pytest.mark.fault("F-34")
def test_a_task_past_its_limit_ends_with_all_it_started(pool, tmp_path):
    noted = tmp_path / "child"
    error = answer(pool, f"child {noted}", 3.0)
    assert isinstance(error, TaskTimeoutError)
    assert str(error) == "stopped after 3 s"
    assert gone(int(noted.read_text()))
    assert answer(pool, "echo on", 30.0) == "on"


def test_exceptions_and_answers_that_cannot_be_sent_are_told(pool):
    error = answer(pool, "leave now")
    assert isinstance(error, SystemExit)
    error = answer(pool, "local")
    assert (type(error), str(error)) == (RuntimeError, "LocalError: one two")
    assert str(answer(pool, "function")) == "an answer that cannot be sent: function"


def test_where_an_exception_was_raised_stays_with_it(pool):
    assert "test_workers.py" in "".join(answer(pool, "leave now").__notes__)


def test_leaving_the_pool_by_an_error_ends_what_runs():
    pids = []

    def interrupted():
        with WorkerPool(act, PoolRequest(1)) as pool:
            pids.append(answer(pool, "pid"))
            pool.submit("sleep 600")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert gone(pids[0])


@pytest.mark.fault("F-17", "F-34")
def test_workers_end_with_their_parent_however_it_ends(tmp_path):
    script = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_workers import act
from harness.offers import PoolRequest
from harness.workers import WorkerPool
if __name__ == "__main__":
    with WorkerPool(act, PoolRequest(1)) as pool:
        pool.submit("pid")
        pid = pool.wait()[1]
        pool.submit("child " + sys.argv[2])
        while not Path(sys.argv[2]).exists():
            time.sleep(0.05)
        print(pid, flush=True)
        pool.wait()
"""
    file, child = tmp_path / "driver.py", tmp_path / "child"
    file.write_text(script)
    command = [sys.executable, str(file), str(Path(__file__).parent), str(child)]
    driver = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    worker = int(driver.stdout.readline())
    driver.kill()
    driver.wait()
    driver.stdout.close()
    assert gone(worker)
    assert gone(int(child.read_text()))


def test_each_worker_gets_one_device_in_turn(monkeypatch):
    monkeypatch.setenv(DEVICES, "4,7")
    assert visible_devices() == ["4", "7"]
    with WorkerPool(act, PoolRequest(3, device="cuda")) as pool:
        for _ in range(3):
            pool.submit("sleep 0.3")
        for _ in range(3):
            pool.wait()
        for _ in range(3):
            pool.submit("device")
        found = sorted(pool.wait()[1] for _ in range(3))
    assert found in (["4", "4", "7"], ["4", "7", "7"])


def test_a_keyboard_interrupt_of_a_plugin_is_an_answer_like_any_other(pool):
    answered = answer(pool, "interrupt yourself")
    assert isinstance(answered, RuntimeError)
    assert "KeyboardInterrupt" in str(answered)
    assert "in act" in "".join(answered.__notes__)
