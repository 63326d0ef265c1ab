"""A team's server: MLflow on PostgreSQL, started here from the system's own binaries; and the files that deploy it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture
def postgres(tmp_path_factory):
    """Start PostgreSQL on a free port of the loopback interface; return its address."""
    if not BINARIES and shutil.which("initdb") is None:
        pytest.skip("PostgreSQL is not on this machine")
    pytest.importorskip("psycopg2")
    programs = BINARIES[-1] if BINARIES else Path(shutil.which("initdb") or "").parent
    place, port = tmp_path_factory.mktemp("postgres"), free_port()
    as_user: list[str] = []
    if os.geteuid() == 0:  # it refuses to run as root
        for folder in (place, *place.parents[:2]):
            folder.chmod(0o755)
        shutil.chown(place, "nobody")
        as_user = ["setpriv", "--reuid=nobody", "--clear-groups", "--regid=nogroup"]
    environment = {**os.environ, "LC_ALL": "C"}

    def run(*command: str) -> None:
        given = [*as_user, str(programs / command[0]), *command[1:]]
        done = subprocess.run(given, cwd=place, env=environment, stdout=subprocess.DEVNULL, timeout=120)
        assert done.returncode == 0

    run("initdb", "-D", f"{place}/data", "-E", "UTF8", "-U", "mlflow", "-A", "trust")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={place} -c fsync=off"
    run("pg_ctl", "-D", f"{place}/data", "-l", f"{place}/log", "-w", "-o", options, "start")
    run("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "mlflow", "mlflow")
    yield f"postgresql+psycopg2://mlflow@127.0.0.1:{port}/mlflow"
    with suppress(AssertionError):  # the folder goes anyway, and the server with it
        run("pg_ctl", "-D", f"{place}/data", "-m", "immediate", "stop")


@pytest.fixture
def server(postgres, tmp_path):
    """Start an MLflow server on it; return its address."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", postgres, "--artifacts-destination", str(tmp_path / "files")]
    log = (tmp_path / "server.log").open("wb")
    process = subprocess.Popen([*command, "--serve-artifacts"], stdout=log, stderr=log, start_new_session=True)
    address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 300
    try:
        while not answers(address):
            assert process.poll() is None, (tmp_path / "server.log").read_text()
            assert time.monotonic() < deadline, (tmp_path / "server.log").read_text()
            time.sleep(0.3)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.close()


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=2) as reply:
            return reply.status == 200
    except OSError:
        return False


@pytest.mark.slow
def test_a_run_is_tracked_and_read_back_from_a_server_on_postgresql(server, harness):
    args = ("run", "toy", "-s", "near", "-s", "sharp", "--seed", "0", "--seed", "1", "--tracking-uri", server)
    done = harness(*args)
    assert done.code == 0, done.err
    assert "warning" not in done.err
    here = harness("leaderboard", "toy", "--json").json["entries"]
    there = harness("leaderboard", "toy", "--json", "--tracking-uri", server).json["entries"]
    assert [entry["name"] for entry in there] == [entry["name"] for entry in here]
    assert len(there) == 7
    for ours, theirs in zip(here, there, strict=True):
        assert theirs["scores"]["log_loss"]["oof"] == pytest.approx(ours["scores"]["log_loss"]["oof"])
    again = harness(*args)
    assert again.code == 0
    assert len(harness("leaderboard", "toy", "--json", "--tracking-uri", server).json["entries"]) == 7


def test_the_compose_file_opens_loopback_ports_only_and_holds_no_password():
    yaml = pytest.importorskip("yaml")
    text = (ROOT / "deploy/compose.yaml").read_text()
    services = yaml.safe_load(text)["services"]
    assert set(services) == {"database", "mlflow"}
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        assert ":" in service["image"]
        assert not service["image"].endswith(":latest")
    assert text.count("${MLFLOW_DB_PASSWORD:?") == 2
    assert services["database"]["environment"]["POSTGRES_PASSWORD"].startswith("${")
    assert (ROOT / "deploy/.env.example").read_text().rstrip().endswith("MLFLOW_DB_PASSWORD=")
    assert "/deploy/.env\n" in (ROOT / ".gitignore").read_text()
