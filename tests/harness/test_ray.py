"""Tasks on Ray: the same answers as in this process, and what becomes of workers and nodes that die."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.competition import Resources
from harness.errors import ConfigError, TaskTimeoutError, WorkerDiedError
from harness.offers import PoolRequest
from harness.ray_pool import RayPool

pytest.importorskip("ray")
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::ResourceWarning")


def act(task):
    """Do what a text says."""
    kind, _, value = task.partition(" ")
    if kind == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "leave":
        raise SystemExit(value)
    if kind == "raise":
        raise ValueError(value)
    if kind == "sleep":
        time.sleep(float(value))
    if kind == "threads":
        return os.environ.get("OMP_NUM_THREADS")
    if kind == "count":
        return counted(Path(value))
    if kind == "node":
        import ray

        return ray.get_runtime_context().get_node_id()
    return value


def counted(folder):
    """Return how many tasks are in this function at once, this one among them."""
    mine = folder / str(os.getpid())
    mine.touch()
    time.sleep(0.1)
    count = len(list(folder.iterdir()))
    mine.unlink()
    return count


@pytest.fixture(scope="module")
def pool():
    with RayPool(act, PoolRequest(2)) as opened:
        yield opened


def answer(pool, task, limit=None):
    pool.submit(task, limit)
    returned, found = pool.wait()
    assert returned == task
    return found


def test_tasks_are_answered_and_exceptions_are_answers(pool):
    assert answer(pool, "echo on") == "on"
    assert isinstance(answer(pool, "leave now"), SystemExit)
    error = answer(pool, "raise asked to fail")
    assert (type(error), str(error)) == (ValueError, "asked to fail")
    assert "test_ray.py" in error.__notes__[-1]


@pytest.mark.fault("F-17")
def test_a_worker_that_dies_fails_its_own_task_only(pool):
    pool.submit("sleep 2")
    pool.submit("die")
    task, error = pool.wait()
    assert task == "die"
    assert isinstance(error, WorkerDiedError)
    assert str(error).startswith("its Ray worker ended (WorkerCrashedError: ")
    assert pool.wait() == ("sleep 2", "2")
    assert answer(pool, "echo on") == "on"


@dataclass(frozen=True)
class Asking:
    """A task of a strategy that declares what it needs."""

    resources: Resources

    @property
    def strategy(self):
        return self

    def partition(self, _):
        import ray

        return "echo", "", ray.get_runtime_context().get_assigned_resources()


def test_a_task_gets_the_resources_of_its_strategy(pool):
    assert answer(pool, Asking(Resources())) == {"CPU": 1.0}
    asked = answer(pool, Asking(Resources(cpus=2, memory_gb=0.25)))
    assert asked == {"CPU": 2.0, "memory": 250_000_000.0}


def test_what_no_node_has_is_refused_and_the_others_go_on(pool):
    pool.submit("echo on")
    error = answer(pool, Asking(Resources(cpus=1, gpus=2)))
    assert isinstance(error, ConfigError)
    assert str(error) == "resources: no node has what a task asks for: cpus 1 (here 2), gpus 2 (here 0)"
    assert pool.wait() == ("echo on", "on")


@pytest.mark.fault("F-34")
def test_a_task_past_its_limit_is_stopped(pool):
    error = answer(pool, "sleep 600", 1.0)
    assert isinstance(error, TaskTimeoutError)
    assert str(error) == "stopped after 1 s"
    assert answer(pool, "echo on") == "on"


def test_short_tasks_wait_at_a_worker_and_no_more_run_than_there_are_workers(pool, tmp_path, monkeypatch):
    monkeypatch.setattr("harness.ray_pool.FILL", 0.0)
    answer(pool, "sleep 1")
    assert pool.room == 2
    monkeypatch.setattr("harness.ray_pool.SHORT", 60.0)  # a busy machine may take longer than half a second
    answer(pool, "echo on")
    assert pool.room == 4
    for _ in range(4):
        pool.submit(f"count {tmp_path}")
    assert max(pool.wait()[1] for _ in range(4)) <= 2
    answer(pool, "echo on")
    assert pool.room == 4
    answer(pool, "echo on", 60.0)  # whose time would pass while it waits
    assert pool.room == 2
    assert answer(pool, Asking(Resources(cpus=0.5))) == {"CPU": 1.0}  # half a core would let four of them run


def test_tasks_of_next_to_no_time_go_together(pool, monkeypatch):
    monkeypatch.setattr("harness.ray_pool.SHORT", 600.0)
    monkeypatch.setattr("harness.ray_pool.FILL", 600.0)
    answer(pool, "sleep 1")
    assert pool.room == 2 * 2 * 8
    for number in range(20):
        pool.submit(f"echo {number}")
    assert len(pool.running) == 2
    assert [len(group) for group in pool.groups.values()] == [4]
    assert sorted(int(pool.wait()[1]) for _ in range(20)) == list(range(20))
    assert not pool.groups
    assert not pool.running
    pool.submit("echo alone", 60.0)
    assert [sent.limit for sent in pool.running.values()] == [60.0]
    assert pool.wait() == ("echo alone", "alone")
    assert answer(pool, Asking(Resources())) == {"CPU": 1.0}
    pool.submit("echo on")  # whose time is not known any more
    pool.submit(Asking(Resources()))
    assert (len(pool.running), len(pool.groups)) == (1, 1)
    assert dict(pool.wait() for _ in range(2)) == {"echo on": "on", Asking(Resources()): {"CPU": 1.0}}


def test_tasks_that_went_one_by_one_are_followed_by_ones_that_go_together(pool, monkeypatch):
    monkeypatch.setattr("harness.ray_pool.SHORT", 600.0)
    monkeypatch.setattr("harness.ray_pool.FILL", 600.0)
    pool.seconds.clear()
    for _ in range(16):
        pool.submit("echo first")
    assert len(pool.running) == 16
    for _ in range(48):
        pool.wait()
        pool.submit("echo next")
    waiting = sum(len(sent.tasks) for sent in pool.running.values()) + sum(map(len, pool.groups.values()))
    assert waiting + len(pool.answers) == 16
    assert len(pool.running) < 4
    assert {pool.wait()[1] for _ in range(16)} == {"next"}


@pytest.mark.fault("F-17")
def test_of_tasks_that_went_together_only_the_one_that_ends_its_worker_fails(pool, monkeypatch):
    monkeypatch.setattr("harness.ray_pool.FILL", 600.0)
    answer(pool, "sleep 1")
    for task in ("echo before", "raise on purpose", "die", "echo after"):
        pool.submit(task)
    assert not pool.running
    found = dict(pool.wait() for _ in range(4))
    assert (found["echo before"], found["echo after"]) == ("before", "after")
    assert (type(found["raise on purpose"]), type(found["die"])) == (ValueError, WorkerDiedError)


def test_a_cluster_that_is_not_there_is_told(harness):
    done = harness("run", "toy", "-s", "near", "--no-tracking", "--executor", "ray", "--address", "127.0.0.1:1")
    assert done.code == 2
    assert done.err.startswith("error: --address 127.0.0.1:1: no cluster answers: Connection refused")


def test_without_the_package_it_is_told_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"pip install 'competition-harness\[ray\]'"):
        RayPool(act, PoolRequest()).__enter__()


# runs ---------------------------------------------------------------------------------------------------------------

RUN = ("run", "toy", "-s", "near", "--set", "near.noise=0.1", "--folds", "4", "--threads", "1", "--no-tracking")


def start(competitions: Path, workspace: Path, *extra: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
    workspace.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "harness", "--competitions", str(competitions), *RUN, *extra]
    given = {**os.environ, **(env or {})}
    return subprocess.Popen(
        command, cwd=workspace, env=given, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def finished(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=180)
    assert process.returncode == 0, out + err
    return err


def oof(workspace: Path) -> str:
    (path,) = workspace.glob("runs/toy/near-*/oof.parquet")
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """Return the hash of the out-of-fold predictions of one process."""
    place = tmp_path_factory.mktemp("sequential")
    competitions = Path(__file__).parents[1] / "toy"
    finished(start(competitions, place))
    return oof(place)


@pytest.mark.fault("F-09")
@pytest.mark.parametrize(
    "apart", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["shared folder", "by value"]
)
def test_a_run_on_ray_is_the_same_byte_by_byte(competitions, tmp_path, expected, apart):
    env = {"HARNESS_RAY_APART": "1", "HARNESS_RAY_FOLDER": str(tmp_path / "node")} if apart else {}
    finished(start(competitions, tmp_path / "w", "--executor", "ray", "--workers", "2", env=env))
    assert oof(tmp_path / "w") == expected
    sent = list((tmp_path / "node/sent").glob("[!.]*")) if apart else []
    assert len(sent) == apart  # the competition's folder, once
    assert not list((tmp_path / "w/cache").glob(".seen-*"))


def works(node):
    """Whether a node of a `Cluster` runs a task now: its workers are called after what they do."""
    raylet = node.all_processes["raylet"][0].process.pid
    children = (Path(f"/proc/{raylet}/task") / str(raylet) / "children").read_text().split()
    for child in children:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # one that has just ended
            if b"ray::serve" in Path(f"/proc/{child}/cmdline").read_bytes():
                return True
    return False


@pytest.mark.slow
@pytest.mark.fault("F-01", "F-17")
def test_a_node_that_dies_and_a_driver_that_is_killed_change_nothing(competitions, tmp_path, expected):
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        second = cluster.add_node(num_cpus=1)
        args = ("--executor", "ray", "--address", cluster.address, "--workers", "2", "--set", "near.slow=4.0")
        process = start(competitions, tmp_path / "w", *args)
        tasks = tmp_path / "w/runs/toy/tasks"
        deadline = time.monotonic() + 90
        while not (ready := len(list(tasks.glob("*/[0-9]"))) > 4 and works(second)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert ready
        cluster.remove_node(second, allow_graceful=False)
        err = finished(process)
        assert "is tried once more: its Ray worker ended (" in err
        assert oof(tmp_path / "w") == expected

        killed = start(competitions, tmp_path / "k", *args)
        deadline = time.monotonic() + 90
        while len(list((tmp_path / "k/runs/toy/tasks").glob("*/[0-9]"))) < 4 + 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        killed.kill()
        killed.communicate()
        finished(start(competitions, tmp_path / "k", *args))
        assert oof(tmp_path / "k") == expected
    finally:
        cluster.shutdown()
