"""MLflow that is down, dies, loses answers or is shared by many: F-08, F-36, F-37, F-38, F-46."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest

from harness.cli.app import command_name
from harness.errors import StoreError
from harness.store import locked
from harness.tracking import sync
from harness.tracking.journal import Journal
from harness.tracking.owner import this_process

# MLflow and its dependencies warn of their own deprecations while they are imported and used
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

RUN = ("run", "toy", "-s", "near", "--set", "near.noise=0.1", "--threads", "1", "--tracking-uri")
TIMED = ("seconds", "peak_memory_mb")
CANARIES = ("canary-user-7431", "canary%2Fpass-7431", "canary/pass-7431", "canary-token-7431", "canary-query-7431")


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


class ThreadedServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:  # a client that went away
        pass


class FailingServer:
    """MLflow's own application, with a real store, behind a door that fails on demand.

    Attributes
    ----------
    behave : callable
        ``behave(n)`` for the n-th request: ``ok``; ``503``; ``mute`` does what was asked and breaks off.
    """

    def __init__(self, application: Any) -> None:
        self.application, self.requests = application, 0
        self.behave: Callable[[int], str] = lambda _: "ok"
        self.server = make_server("127.0.0.1", 0, self.answer, ThreadedServer, QuietHandler)
        self.uri = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        self.requests += 1
        how = self.behave(self.requests)
        if how == "503":
            start_response("503 Service Unavailable", [("Content-Type", "text/plain")])
            return [b"down"]
        if how == "mute":
            list(self.application(environ, lambda *_: lambda _: None))
            raise ConnectionError
        return self.application(environ, start_response)


@pytest.fixture
def server(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FailingServer]:
    """A server in this process; its store is ``server/mlflow.db``."""
    from mlflow.server import app, handlers
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    home = tmp_path / "server"
    home.mkdir()
    shutil.copyfile(empty_database, home / "mlflow.db")
    store = SqlAlchemyStore(f"sqlite:///{home}/mlflow.db", (home / "artifacts").as_uri())
    monkeypatch.setattr(handlers, "_tracking_store", store)
    monkeypatch.setattr("harness.tracking.worker.PAUSES", (0.05,))
    monkeypatch.setattr("harness.tracking.worker.GRACE", 0.0)
    found = FailingServer(app)
    found.database = home / "mlflow.db"
    yield found
    found.server.shutdown()
    found.server.server_close()


def held(database: Path) -> dict[str, Any]:
    """Return what a store holds, but for its own numbers and what differs from run to run of the same command."""
    with closing(sqlite3.connect(database)) as store:
        ask = lambda text: store.execute(text).fetchall()  # noqa: E731
        names = {uuid: (run, level, fold) for uuid, run, level, fold in ask(RUNS)}
        metrics = [
            (*names[uuid], key, step, None if key in TIMED else value)
            for uuid, key, step, value in ask("SELECT run_uuid, key, step, value FROM metrics")
        ]
        volatile = ("mlflow.", "started", "journal", "git_")
        tags = [
            (*names[uuid], key, value)
            for uuid, key, value in ask("SELECT run_uuid, key, value FROM tags")
            if not key.startswith(volatile)
        ]
        folders = {
            uuid: Path(uri.removeprefix("file://")) for uuid, uri in ask("SELECT run_uuid, artifact_uri FROM runs")
        }
        files = [
            (*names[uuid], path.relative_to(folder).as_posix())
            for uuid, folder in folders.items()
            for path in folder.rglob("*")
            if path.is_file()
        ]
        params = [(*names[uuid], *rest) for uuid, *rest in ask("SELECT run_uuid, key, value FROM params")]
        statuses = [(*names[uuid], status) for uuid, status in ask("SELECT run_uuid, status FROM runs")]
        inputs = len(ask("SELECT * FROM inputs"))
    found = {"runs": statuses, "metrics": metrics, "tags": tags, "params": params, "files": files}
    return {**{key: sorted(value, key=repr) for key, value in found.items()}, "inputs": inputs}


RUNS = """
SELECT run_uuid,
       coalesce((SELECT value FROM tags t WHERE t.run_uuid = r.run_uuid AND key = 'harness_run'), 'board'),
       (SELECT value FROM tags t WHERE t.run_uuid = r.run_uuid AND key = 'level'),
       coalesce((SELECT value FROM tags t WHERE t.run_uuid = r.run_uuid AND key = 'fold'), '')
FROM runs r
"""


def journals(workspace: Path) -> list[Path]:
    return sorted((workspace / "spool").glob("*.jsonl"))


@pytest.fixture
def undisturbed(harness, server, tmp_path, made_before) -> Callable[[], dict[str, Any]]:
    """Return what the store holds after the same command in another workspace, and empty the store."""

    def run() -> dict[str, Any]:
        if not made_before:
            before = server.database.read_bytes()
            done = harness("--workspace", tmp_path / "other", *RUN, server.uri)
            assert (done.code, done.err) == (0, "")
            made_before.update(held(server.database))
            server.database.write_bytes(before)
        return made_before

    return run


@pytest.fixture(scope="module")
def made_before() -> dict[str, Any]:
    return {}


# down, or without an answer -----------------------------------------------------------------------------------------


@pytest.mark.fault("F-37")
def test_what_a_server_that_is_down_misses_is_delivered_by_sync_once(harness, server, workspace, undisturbed):
    expected = undisturbed()
    server.behave = lambda _: "503"
    done = harness(*RUN, server.uri)
    assert done.code == 0, done.err
    [journal] = journals(workspace)
    assert done.err.count("\n") == 1
    assert f"warning: MLflow at {server.uri}: MlflowException: API request to {server.uri}" in done.err
    count = len(journal.read_text().splitlines()) - 2  # but for its header and its end
    assert f"; {count} events of this command wait in {journal}; deliver: {command_name()} sync\n" in done.err

    done = harness("sync")
    assert done.code == 3
    assert "waits" in done.out
    server.behave = lambda _: "ok"
    done = harness("sync", "--json")
    assert (done.code, done.err) == (0, "")
    [told] = done.json
    assert (told["competition"], told["events"], told["uri"], told["state"]) == ("toy", count, server.uri, "delivered")
    assert held(server.database) == expected
    assert len(expected["metrics"]) > 20
    assert journals(workspace) == []
    assert harness("sync").out == "nothing waits for MLflow\n"


@pytest.mark.fault("F-37")
@pytest.mark.parametrize("phase", [0, 10, 20])
def test_a_server_that_loses_answers_holds_everything_once(harness, server, workspace, undisturbed, phase):
    expected = undisturbed()
    server.behave = lambda n: "mute" if n % 31 == phase else "ok"
    done = harness(*RUN, server.uri)
    assert done.code == 0, done.err
    server.behave = lambda _: "ok"
    assert harness("sync").code == 0
    assert held(server.database) == expected


@pytest.mark.fault("F-37")
def test_a_server_that_comes_back_is_caught_up_within_the_same_command(harness, server, workspace, undisturbed):
    expected = undisturbed()
    first = server.requests
    server.behave = lambda n: "503" if n < first + 12 else "ok"
    done = harness(*RUN, server.uri, "--set", "near.slow=0.5")
    assert (done.code, journals(workspace)) == (0, [])
    assert "MLflow" not in done.err
    found = held(server.database)
    assert [line[1:3] for line in found["runs"]] == [line[1:3] for line in expected["runs"]]
    assert len(found["metrics"]) == len(expected["metrics"])


@pytest.mark.fault("F-37")
def test_the_next_command_delivers_what_an_earlier_one_left_before_its_own(harness, server, workspace):
    server.behave = lambda _: "503"
    assert harness(*RUN, server.uri).code == 0
    server.behave = lambda _: "ok"
    done = harness("run", "toy", "-s", "sharp", "--threads", "1", "--tracking-uri", server.uri)
    assert (done.code, done.err, journals(workspace)) == (0, "", [])
    runs = [line for line in held(server.database)["runs"] if line[1] == "run"]
    assert {(line[0].split("-s0")[0], line[3]) for line in runs} == {
        ("near", "FINISHED"),
        ("sharp", "FINISHED"),
        ("baseline-prior", "FINISHED"),
    }
    assert len(runs) == 3


@pytest.mark.fault("F-37")
def test_a_run_whose_folder_is_gone_is_told_and_its_journal_put_aside(harness, server, workspace):
    import shutil

    server.behave = lambda _: "503"
    assert harness(*RUN, server.uri).code == 0
    [journal] = journals(workspace)
    [folder] = workspace.glob("runs/toy/near-*")
    shutil.rmtree(folder)
    server.behave = lambda _: "ok"
    done = harness("sync")
    assert done.code == 3
    assert f"incomplete  the run's folder is gone: {folder}" in done.out
    assert [path.name for path in (workspace / "spool/aside").iterdir()] == [journal.name]
    assert {line[0].split("-s0")[0] for line in held(server.database)["runs"]} == {"baseline-prior", "board"}
    assert not folder.exists()
    assert harness("sync").code == 0


@pytest.mark.fault("F-37")
def test_two_syncs_at_once_are_told_of_each_other(harness, workspace):
    (workspace / "spool").mkdir()
    Journal.create(workspace, "http://127.0.0.1:9", {"id": "toy"})
    with locked(workspace / "spool"):
        done = harness("sync")
    assert done.code == 2
    assert done.err == f"error: spool is in use by pid {os.getpid()} on {socket.gethostname()}; wait, or end it\n"


@pytest.mark.fault("F-37")
@pytest.mark.slow
def test_a_real_server_killed_within_a_run_lacks_nothing_after_sync(harness, competitions, workspace, tmp_path):
    slow = ("--set", "near.slow=1.5")
    stores = {}
    for name in ("undisturbed", "killed"):
        home, port, folder = tmp_path / name, free_port(), workspace / name
        home.mkdir()
        folder.mkdir()
        uri = f"http://127.0.0.1:{port}"
        server = serve(home, port)
        command = [sys.executable, "-m", "harness", "--competitions", str(competitions), *RUN, uri, *slow]
        try:
            run = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
            if name == "killed":
                wait_until(lambda home=home: began(home / "mlflow.db", "near"))
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()
            _, told = run.communicate(timeout=300)
            assert run.returncode == 0
            if name == "killed":
                assert f"; deliver: {command_name()} sync\n" in told
                assert len(journals(folder)) == 1
                server = serve(home, port)
                done = harness("--workspace", folder, "sync", "--json")
                assert (done.code, done.json[0]["state"]) == (0, "delivered")
            assert journals(folder) == []
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
        stores[name] = held(home / "mlflow.db")
        artifacts = home / "artifacts"
        stores[name]["files"] = sorted(p.name for p in artifacts.rglob("*") if p.is_file())
    assert stores["killed"] == stores["undisturbed"]
    assert {line[1:3] for line in stores["killed"]["runs"]} == {
        ("run", ""),
        ("board", ""),
        ("fold", "0"),
        ("fold", "1"),
        ("fold", "2"),
    }


def serve(home: Path, port: int) -> subprocess.Popen[bytes]:
    options = ["--backend-store-uri", f"sqlite:///{home}/mlflow.db", "--port", str(port), "--workers", "1"]
    options += ["--artifacts-destination", str(home / "artifacts")]
    with (home / "server.log").open("ab") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *options],
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=home,
        )

    def answers() -> bool:
        import urllib.error
        import urllib.request

        assert server.poll() is None, (home / "server.log").read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                return bool(answer.status == HTTPStatus.OK)
        except OSError:
            return False

    wait_until(answers, 120)
    return server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(holds: Callable[[], bool], seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def began(database: Path, name: str, level: str = "run") -> bool:
    """Whether a store holds a running run of a strategy."""
    if not database.exists():
        return False
    try:
        with closing(sqlite3.connect(database)) as store:
            rows = store.execute(RUNS).fetchall()
            running = {uuid for (uuid,) in store.execute("SELECT run_uuid FROM runs WHERE status = 'RUNNING'")}
    except sqlite3.OperationalError:  # its tables are being made
        return False
    return any(row[0] in running and row[1].startswith(name) and row[2] == level for row in rows)


# journals -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def left(harness, server, workspace) -> Path:
    """Return the journal that a command left because its server was down; the server is up again."""
    server.behave = lambda _: "503"
    assert harness(*RUN, server.uri).code == 0
    server.behave = lambda _: "ok"
    return journals(workspace)[0]


@pytest.mark.fault("F-38")
@pytest.mark.parametrize("torn", [b'{"event": "epoch_lo', b"\0\0\0\0", b'{"event": "fold_\n'])
def test_a_torn_last_line_is_ignored(harness, server, left, torn):
    lines = left.read_bytes().splitlines(keepends=True)
    left.write_bytes(b"".join(lines[:-1]) + torn)  # instead of the end of the command, which was killed
    done = harness("sync", "--json")
    assert (done.code, done.json[0]["state"], done.json[0]["events"]) == (0, "delivered", len(lines) - 2)
    assert {line[3] for line in held(server.database)["runs"]} == {"FINISHED"}


@pytest.mark.fault("F-38")
def test_a_torn_line_within_is_an_error_with_its_number(harness, server, left):
    lines = left.read_bytes().splitlines(keepends=True)
    left.write_bytes(b"".join([*lines[:4], lines[4][:20] + b"\n", *lines[5:]]))
    done = harness("sync")
    assert done.code == 3
    assert f"damaged  {left}, line 5, is damaged: not an event; remove that line, then: harness sync" in done.out
    assert held(server.database)["metrics"] == []
    done = harness("run", "toy", "-s", "sharp", "--tracking-uri", server.uri)
    assert done.code == 0
    assert f"waits: {left}, line 5, is damaged" in done.err
    assert left.exists()
    left.write_bytes(b"".join(lines))
    assert harness("sync").code == 0


@pytest.mark.fault("F-38")
def test_an_event_that_does_not_fit_on_the_disk_leaves_no_torn_line(workspace, monkeypatch):
    journal = Journal.create(workspace, "http://127.0.0.1:9", {"id": "toy"})
    journal.append({"event": "first"})
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:5]))  # what a full disk does
    with pytest.raises(OSError, match="no space"):
        journal.append({"event": "second"})
    monkeypatch.undo()
    journal.append({"event": "third"})
    assert [line.event["event"] for line in journal.lines()] == ["first", "third"]


@pytest.mark.fault("F-37")
@pytest.mark.parametrize("keep", [0.0, 0.3, 0.6, 0.9, 1.0])
def test_an_acknowledgement_that_was_lost_doubles_nothing(harness, server, workspace, left, keep):
    """As if the command had been killed between two acknowledgements, again after everything was delivered."""
    lines = left.read_bytes().splitlines(keepends=True)
    content = left.read_bytes()
    assert harness("sync").code == 0
    expected = held(server.database)
    left.write_bytes(content)
    journal = Journal.read(left)
    journal.acknowledge(len(b"".join(lines[: 1 + round(keep * (len(lines) - 1))])))
    assert harness("sync").code == 0
    assert held(server.database) == expected


# killed commands ----------------------------------------------------------------------------------------------------


@pytest.mark.fault("F-08")
@pytest.mark.slow
@pytest.mark.parametrize("start", [("sync",), ("run", "toy", "-s", "sharp")], ids=["sync", "run"])
def test_runs_of_a_killed_command_are_marked_by_the_next_start(harness, competitions, workspace, start):
    command = [sys.executable, "-m", "harness", "--competitions", str(competitions)]
    command += ["run", "toy", "-s", "near", "--set", "near.slow=300"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    killed = subprocess.Popen(command, cwd=workspace, **quiet)
    database = workspace / "mlflow.db"
    try:
        wait_until(lambda: began(database, "near"))
        done = harness("sync", "--json")  # it lives, so nothing of it is touched
        assert (done.code, done.json[0]["state"]) == (0, "in use")
        assert began(database, "near")
    finally:
        killed.kill()
        killed.wait()
    assert began(database, "near")
    assert harness(*start).code == 0
    runs = held(database)["runs"]
    assert [line[3] for line in runs if line[0].startswith("near")] == ["KILLED", "KILLED"]  # and its first fold
    assert not any(line[3] == "RUNNING" for line in runs)
    assert journals(workspace) == []


@pytest.mark.fault("F-08")
@pytest.mark.parametrize(
    ("owner", "code", "state"),
    [
        ({"host": "elsewhere"}, 3, "waits"),
        ({"pid": os.getppid(), "start": "of the parent"}, 0, "delivered"),  # that number is of another process now
        ({"pid": os.getppid()}, 0, "in use"),
    ],
    ids=["another host", "a later process", "alive"],
)
def test_only_what_a_dead_process_of_this_host_left_is_marked(harness, server, left, owner, code, state):
    from harness.tracking.owner import start_of

    lines = left.read_text().splitlines(keepends=True)
    header = json.loads(lines[0])
    assert {**header["owner"], "start": 0} == {**this_process(), "start": 0}
    header["owner"] |= {"start": start_of(os.getppid()), **owner}
    left.write_text("".join([json.dumps(header) + "\n", *lines[1:4]]))
    done = harness("sync", "--json")
    assert (done.code, done.json[0]["state"]) == (code, state)
    assert left.exists() == (state != "delivered")
    assert {line[3] for line in held(server.database)["runs"]} <= {"KILLED"}


# many at once -------------------------------------------------------------------------------------------------------

EIGHT = """
import sys
from pathlib import Path
from types import SimpleNamespace
from harness.results import Run
from harness.tracking import Tracker, resolve_uri
from harness.tracking.about import About

number, database, workspace = sys.argv[1], sys.argv[2], Path(sys.argv[3])
facts = dict(id="toy", title="Toy", task="binary", metrics=("loss",), on="oof", names=("near",))
data = dict(directions={"loss": "min"}, data="blobs", variant="", digest="d", url="", simulated=True)
data |= dict(notes=(), classes=(), rows={"train": 8})
About.of = classmethod(lambda cls, *_: cls(**facts, **data))
told = []
tracker = Tracker(database, SimpleNamespace(id="toy"), None, workspace=workspace, directions={}, warn=told.append)
run = Run("toy", "near", 0, f"near-{number}", workspace / f"runs/toy/near-{number}", {"model": {"use": "m"}}, "near")
tracker.harness_run_started(run=run)
tracker.harness_fold_started(run=run, fold=0)
for step in range(200):
    tracker.harness_epoch_logged(run=run, fold=0, step=step, metrics={"loss": step / 7})
tracker.close(300)
print(*told)
"""


@pytest.mark.fault("F-36")
@pytest.mark.slow
@pytest.mark.parametrize("together", [True, False], ids=["one workspace", "eight workspaces"])
def test_eight_processes_on_one_new_database_lose_no_metric(tmp_path, together):
    database = f"sqlite:///{tmp_path}/shared.db"
    folders = [tmp_path / ("all" if together else str(number)) for number in range(8)]
    for folder in folders:
        folder.mkdir(exist_ok=True)
    started = [
        subprocess.Popen(
            [sys.executable, "-c", EIGHT, str(number), database, str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number, folder in enumerate(folders)
    ]
    told = [process.communicate(timeout=280) for process in started]
    assert [process.returncode for process in started] == [0] * 8, told
    assert [out.strip() for out, _ in told] == [""] * 8
    found = held(tmp_path / "shared.db")
    metrics = {line[:-1] for line in found["metrics"]}
    assert metrics == {(f"near-{n}", "fold", "0", "epoch/loss", step) for n in range(8) for step in range(200)}
    assert len(found["metrics"]) == 1600
    assert len(found["runs"]) == 16


# credentials --------------------------------------------------------------------------------------------------------


@pytest.mark.fault("F-46")
@pytest.mark.parametrize("state", ["up", "down", "nowhere"])
def test_credentials_are_in_no_file_and_no_output(harness, server, workspace, tmp_path, monkeypatch, state):
    server.behave = lambda _: "503" if state == "down" else "ok"
    address = server.uri.removeprefix("http://") if state != "nowhere" else f"127.0.0.1:{free_port()}"
    uri = f"http://{CANARIES[0]}:{CANARIES[1]}@{address}"
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", CANARIES[3])
    shown: list[str] = []
    for args in (
        (*RUN, uri),
        ("run", "toy", "-s", "broken", "--tracking-uri", uri),
        ("leaderboard", "toy", "--from-tracking", "--tracking-uri", uri),
        ("ui", "toy", "--tracking-uri", uri),
        ("sync", "--tracking-uri", uri),
        ("sync", "--json"),
        ("run", "toy", "--tracking-uri", f"ftp://{CANARIES[0]}:{CANARIES[1]}@{address}"),
        ("leaderboard", "toy", "--tracking-uri", f"postgresql://127.0.0.1:9/x?user=me&password={CANARIES[4]}"),
    ):
        done = harness(*args)
        shown += [done.out, done.err]
    assert any(address in text for text in shown)
    assert (state == "up") == (journals(workspace) == [])
    for text in shown:
        assert not any(canary in text for canary in CANARIES), text
    for path in [path for folder in (workspace, tmp_path / "server") for path in folder.rglob("*") if path.is_file()]:
        content = path.read_bytes()
        assert not any(canary.encode() in content for canary in CANARIES), path


@pytest.mark.fault("F-46")
def test_what_is_left_for_a_server_is_delivered_with_credentials_given_anew(harness, server, workspace):
    wanted = "Basic Y2FuYXJ5LXVzZXI6Y2FuYXJ5LXBhc3M="  # canary-user:canary-pass
    seen: list[str | None] = []
    inner = server.application

    def guarded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        seen.append(environ.get("HTTP_AUTHORIZATION"))
        if seen[-1] != wanted:
            start_response("401 Unauthorized", [("Content-Type", "text/plain")])
            return [b"who are you?"]
        return inner(environ, start_response)

    server.application = guarded
    uri = server.uri.replace("//", "//canary-user:canary-pass@")
    assert harness(*RUN, uri.replace("canary-pass", "canary-mistyped")).code == 0
    assert harness("sync").code == 3
    assert len(journals(workspace)) == 1
    done = harness("sync", "--tracking-uri", uri)
    assert done.code == 0, done.out
    assert "canary" not in done.out + done.err
    assert journals(workspace) == []
    assert sync(workspace) == []


def test_a_journal_of_a_newer_harness_is_refused(workspace):
    journal = Journal.create(workspace, "http://127.0.0.1:9", {"id": "toy"})
    journal.path.write_text(json.dumps({**journal.header, "format": 99}) + "\n")
    with pytest.raises(StoreError, match=r"newer harness \(format 99, this one reads up to 1\)"):
        Journal.read(journal.path)
