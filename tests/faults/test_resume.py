"""A run that was killed goes on with the same command: F-01, F-02, F-06, F-07, F-12, F-13."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ARGS = ("run", "toy", "-s", "near", "--set", "near.noise=0.1", "--folds", "5", "--threads", "1", "--no-tracking")


def start(competitions: Path, workspace: Path, *extra: str, count: Path | None = None) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "harness", "--competitions", str(competitions), *ARGS, *extra]
    env = {**os.environ, **({"TOY_COUNT": str(count)} if count else {})}
    return subprocess.Popen(
        command, cwd=workspace, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def outputs(workspace: Path) -> dict[str, bytes]:
    (run,) = [path.parent for path in (workspace / "runs/toy").glob("near-*/result.json")]
    submission = workspace / "submissions/toy/near.csv"
    return {"oof": (run / "oof.parquet").read_bytes(), "submission": submission.read_bytes()}


def folds_done(workspace: Path) -> int:
    return len(list((workspace / "runs/toy/tasks").glob("*/[0-9]/result.json"))) if workspace.exists() else 0


@pytest.mark.fault("F-01")
def test_killed_in_a_fold_then_resumed_without_training_the_finished_ones_again(
    harness, competitions, workspace, tmp_path
):
    def oof(folder: Path) -> bytes:
        (found,) = (folder / "runs/toy").glob("near-*/oof.parquet")
        return found.read_bytes()

    slow = ("--set", "near.slow=0.4")
    whole = tmp_path / "whole"
    whole.mkdir()
    assert start(competitions, whole, *slow).wait(120) == 0
    count = tmp_path / "count"
    process = start(competitions, workspace, *slow, count=count)
    deadline = time.monotonic() + 60
    while folds_done(workspace) < 5 + 2 and time.monotonic() < deadline:  # five of the baseline, two of the strategy
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    trained = count.read_text().count("fit")
    kept = folds_done(workspace) - 5
    assert 2 <= kept < 5
    assert harness(*ARGS, *slow, env={"TOY_COUNT": str(count)}).code == 0
    assert count.read_text().count("fit") == trained + 5 - kept
    assert oof(workspace) == oof(whole)
    assert (workspace / "submissions/toy/near.csv").read_bytes() == (whole / "submissions/toy/near.csv").read_bytes()


@pytest.mark.fault("F-02")
@pytest.mark.slow
def test_killed_at_twenty_moments_nothing_is_half_written_and_resuming_succeeds(competitions, workspace, tmp_path):
    from harness.files import verify_checksums

    rng = random.Random(0)
    for _ in range(20):
        process = start(competitions, workspace)
        try:
            process.wait(rng.uniform(0.3, 3.0))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for directory in (workspace / "runs/toy/tasks").glob("*/[0-9]"):
            assert verify_checksums(directory) == []
        for path in workspace.glob("submissions/toy/*.csv"):
            assert path.read_text().endswith("\n")
            assert len(path.read_text().splitlines()) == 31
    assert start(competitions, workspace).wait(120) == 0
    whole = tmp_path / "whole"
    whole.mkdir()
    assert start(competitions, whole).wait(120) == 0
    assert outputs(workspace) == outputs(whole)


@pytest.mark.fault("F-06")
def test_a_flipped_bit_in_a_stored_fold_is_noticed_and_that_fold_trained_again(harness, workspace, tmp_path):
    count = tmp_path / "count"
    env = {"TOY_COUNT": str(count)}
    assert harness(*ARGS, env=env).code == 0
    before = outputs(workspace)
    (run,) = (workspace / "runs/toy").glob("near-*/result.json")
    run.unlink()
    tasks = list((workspace / "runs/toy/tasks").glob("*/3/model/means.json"))
    data = bytearray(tasks[0].read_bytes())
    data[3] ^= 1
    tasks[0].write_bytes(data)
    done = harness(*ARGS, env=env)
    assert done.code == 0
    assert "stored fold 3 is damaged" in done.err
    assert count.read_text().count("fit") == 6
    assert outputs(workspace) == before


@pytest.mark.fault("F-07")
def test_a_second_process_on_the_same_run_is_told_who_holds_it(harness, competitions, workspace):
    process = start(competitions, workspace, "--set", "near.slow=2.0")
    try:
        deadline = time.monotonic() + 60
        while not list((workspace / "runs/toy").glob("near-*/owner.json")) and time.monotonic() < deadline:
            time.sleep(0.05)
        done = harness(*ARGS, "--set", "near.slow=2.0")
        assert done.code == 2
        assert f"in use by pid {process.pid}" in done.err
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    # the dead owner's lock does not keep anybody out
    assert harness(*ARGS, "--set", "near.slow=0.0").code == 0


@pytest.mark.fault("F-12")
@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_output_folder_that_cannot_be_written_fails_before_training(harness, workspace, tmp_path):
    workspace.chmod(0o500)
    try:
        done = harness(*ARGS, env={"TOY_COUNT": str(tmp_path / "count")})
    finally:
        workspace.chmod(0o700)
    assert done.code == 2
    assert "cannot write" in done.err
    assert not (tmp_path / "count").exists()


@pytest.mark.fault("F-12")
def test_a_workspace_that_is_a_file_fails_before_training(harness, workspace, tmp_path):
    (workspace / "file").write_text("")
    done = harness("--workspace", "file/below", *ARGS, env={"TOY_COUNT": str(tmp_path / "count")})
    assert done.code == 2
    assert "cannot write to file/below" in done.err
    assert not (tmp_path / "count").exists()
