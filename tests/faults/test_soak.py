"""Five hundred small tasks in one command: memory and file handles of the driver stay flat, nothing is left running."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

SEEDS, FOLDS = 50, 10


def resident(pid: int) -> int:
    """Return resident memory, KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def handles(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def marked(mark: str) -> list[int]:
    """Return the processes whose environment holds a mark."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (
                mark.encode() in (folder / "environ").read_bytes()
                and "Z" not in (folder / "stat").read_text().split()[2]
            ):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


@pytest.mark.slow
def test_five_hundred_tasks_leave_memory_and_handles_flat_and_no_process(competitions, workspace):
    mark = f"SOAK_MARK={workspace}"
    command = [sys.executable, "-m", "harness", "--competitions", str(competitions), "run", "toy", "-s", "near"]
    command += ["--set", "near.noise=0.1", "--folds", str(FOLDS), "--threads", "1", "--workers", "2"]
    command += [part for seed in range(SEEDS) for part in ("--seed", str(seed))]
    environment = {**os.environ, "SOAK_MARK": str(workspace)}
    process = subprocess.Popen(command, cwd=workspace, env=environment, stdout=subprocess.DEVNULL)
    memory, files, done = [], [], []
    while process.poll() is None:
        time.sleep(0.5)
        try:
            memory.append(resident(process.pid))
            files.append(handles(process.pid))
        except (OSError, StopIteration):
            break
        done.append(len(list(workspace.glob("runs/toy/tasks/*/[0-9]"))))
    assert process.wait(60) == 0
    assert len(list(workspace.glob("runs/toy/tasks/*/[0-9]"))) >= SEEDS * FOLDS
    # from a third of the tasks on everything is imported; the last tenth writes the board
    middle = [at for at, count in enumerate(done) if SEEDS * FOLDS / 3 <= count <= SEEDS * FOLDS * 0.9]
    assert len(middle) >= 10
    early, late = middle[: len(middle) // 4], middle[-len(middle) // 4 :]
    tasks = done[late[-1]] - done[early[0]]
    grown = statistics.median(memory[at] for at in late) - statistics.median(memory[at] for at in early)
    assert grown / tasks < 64, f"{grown} KiB for {tasks} tasks"
    assert abs(max(files[at] for at in late) - max(files[at] for at in early)) <= 4
    deadline = time.monotonic() + 10
    while marked(mark) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert marked(mark) == []
