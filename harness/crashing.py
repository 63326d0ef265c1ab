"""Does a run survive being killed? It is killed at random moments, resumed, and compared byte by byte."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from harness.errors import StoreError
from harness.files import verify_checksums
from harness.store import RESULT

WAIT = 5.0
"""A run that takes this many times as long as the whole one did hangs."""

TRIES, EARLIER = 4, 0.7
"""A run that ends before its moment is tried again with an earlier one."""

COMPARED = ("runs/*/*/oof.parquet", "runs/*/*/valid.parquet", "runs/*/*/submission.csv", "submissions/**/*.csv")


@dataclass(frozen=True)
class Whole:
    """A run that nobody disturbed.

    Attributes
    ----------
    seconds : float
    begins : float
        Seconds after which it first wrote anything.
    files : mapping of str to bytes
        Out-of-fold predictions, those of the validation set, and submissions, by path.
    tasks : int
        Folds and refits that it stored.
    code : int
        Its exit code.
    """

    seconds: float
    begins: float
    files: dict[str, bytes]
    tasks: int
    code: int


@dataclass(frozen=True)
class Crash:
    """A run that was killed once, and what became of it.

    Attributes
    ----------
    moment : float or None
        Seconds from its start; None if it ended before it could be killed.
    kept : int
        Folds and refits that were stored by then.
    seconds : float
        How long the same command then took.
    problems : tuple of str
        What was half-written, lost or different; empty: all is the same, byte by byte.
    """

    moment: float | None
    kept: int
    seconds: float
    problems: tuple[str, ...]


def run_whole(command: Sequence[str], folder: Path) -> Whole:
    """Run a command undisturbed in an empty workspace.

    Parameters
    ----------
    command : sequence of str
        Holds ``{workspace}`` where the folder is to stand.

    Raises
    ------
    StoreError
        If it fails, with the last line it printed.
    """
    started = time.monotonic()
    begins = None
    with _started(command, folder) as process:
        while process.poll() is None:
            time.sleep(0.02)
            if begins is None and (folder / "runs").is_dir():
                begins = time.monotonic() - started
    seconds = time.monotonic() - started
    files = _files(folder)
    if process.returncode not in (0, 3) or not files:
        lines = _log(folder).read_text(errors="replace").strip().splitlines()
        raise StoreError(f"the run fails without being killed (exit code {process.returncode}): {(lines or ['-'])[-1]}")
    return Whole(seconds, begins or 0.0, files, len(_tasks(folder)), process.returncode)


def crashes(command: Sequence[str], whole: Whole, kills: int, seed: int, folder: Path) -> Iterator[Crash]:
    """Kill the same command once in each of several empty workspaces, let it go on, and compare.

    The moments are random, one in each of as many equal parts of the time in which the whole run wrote files. A
    workspace with a problem is kept, the others are removed.
    """
    rng = random.Random(seed)  # noqa: S311  moments, no secrets
    parts = list(range(kills))
    rng.shuffle(parts)
    for number, part in enumerate(parts):
        share = (part + rng.random()) / kills
        place = folder / f"kill-{number + 1}"
        crash = _crash(command, whole, whole.begins + share * (whole.seconds - whole.begins), place)
        if not crash.problems:
            shutil.rmtree(place)
        yield crash


def _crash(command: Sequence[str], whole: Whole, moment: float, folder: Path) -> Crash:
    killed = None
    for _ in range(TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        killed = _kill(command, moment, folder)
        if killed is not None:
            break
        moment *= EARLIER
    kept = _tasks(folder)
    problems = [f"{name} is half-written: {', '.join(found)}" for name, found in _damaged(folder, kept)]
    started = time.monotonic()
    with _started(command, folder) as process:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(60.0, WAIT * whole.seconds))
        code = process.poll()
    if code is None:
        problems.append("the same command hangs")
    elif code != whole.code:
        problems.append(f"the same command ends with exit code {code}, expected {whole.code}")
    return Crash(killed, len(kept), time.monotonic() - started, (*problems, *_differences(folder, whole)))


def _kill(command: Sequence[str], moment: float, folder: Path) -> float | None:
    """Return the moment, or None if the run ended before it."""
    with _started(command, folder) as process:
        with suppress(subprocess.TimeoutExpired):
            process.wait(moment)
        return moment if process.poll() is None else None


@contextmanager
def _started(command: Sequence[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command; what is left of it after the block is killed, however the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    filled = [part.replace("{workspace}", str(folder)) for part in command]
    with _log(folder).open("ab") as log:
        process = subprocess.Popen(  # noqa: S603  harness itself
            filled, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _log(folder: Path) -> Path:
    return folder / "output.txt"


def _tasks(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.glob(f"runs/*/tasks/*/*/{RESULT}") if not _temporary(path, folder))


def _files(folder: Path) -> dict[str, bytes]:
    found = sorted({path for pattern in COMPARED for path in folder.glob(pattern) if not _temporary(path, folder)})
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def _temporary(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _damaged(folder: Path, tasks: Sequence[Path]) -> Iterator[tuple[str, list[str]]]:
    for task in tasks:
        if problems := verify_checksums(task):
            yield task.relative_to(folder).as_posix(), list(problems)


def _differences(folder: Path, whole: Whole) -> Iterator[str]:
    found = _files(folder)
    for name in sorted({*found, *whole.files}):
        if name not in found:
            yield f"{name} is missing"
        elif name not in whole.files:
            yield f"{name} is there, and was not in the undisturbed run"
        elif found[name] != whole.files[name]:
            yield f"{name} differs"
