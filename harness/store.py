"""Where runs live on disk.

::

    <workspace>/
      runs/<competition>/tasks/<key>/<fold>/   one finished task: result.json, events.jsonl, *.npy, model/, features/
      runs/<competition>/<run_id>/             one run: run.json, result.json, *.parquet, adjusters.json, figures/,
                                               site.json (what a site took of it)
      cache/                                   shared stages, fetched data
      cards/<competition>/                     what `harness check` found in each data set
      submissions/<competition>/               what is handed in
      mlflow.db                                tracking

A task's directory is written under a temporary name and renamed when it is complete, so that whatever has a final name
is whole. Its key is the digest of everything it depends on: strategies that train the same model share its tasks, and
the same command goes on where a killed one stopped.
"""

from __future__ import annotations

import glob
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import StoreError, listed
from harness.files import TEMPORARY, read_json, verify_checksums, write_json

RUN, RESULT, FAILED = "run.json", "result.json", "failed.json"

FORMAT = 1
"""Version of the files of runs and tasks.

What an older version wrote stays readable; the number grows when the code before could not read what is written now.
"""


def digest_of(value: Any) -> str:
    """Return the SHA-256 (hex) of a JSON value, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True)
class Workspace:
    """The folder a user works in."""

    root: Path

    def runs(self, competition: str) -> Path:
        """Return the folder of a competition's runs."""
        return self.root / "runs" / competition

    def task(self, competition: str, key: str, fold: str) -> Path:
        """Return the folder of one task; `fold` is its number, or ``refit``."""
        return self.runs(competition) / "tasks" / key / fold

    def submissions(self, competition: str) -> Path:
        """Return the folder of a competition's submissions."""
        return self.root / "submissions" / competition

    def cards(self, competition: str) -> Path:
        """Return the folder of what is known of a competition's data sets."""
        return self.root / "cards" / competition

    @property
    def cache(self) -> Path:
        """Return the folder of shared stages and fetched data."""
        return self.root / "cache"

    def sweep(self, competition: str) -> None:
        """Remove what a killed process left half-written, if nobody has touched it for a day."""
        import time

        for path in self.runs(competition).rglob(f"{TEMPORARY}*"):
            try:
                if time.time() - path.stat().st_mtime > 86_400:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            except FileNotFoundError:
                continue

    def check_writable(self) -> None:
        """Fail before anything is trained if nothing could be written afterwards.

        Raises
        ------
        StoreError
            Naming the folder and the system's reason.
        """
        import tempfile

        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root):
                pass
        except OSError as error:
            raise StoreError(f"cannot write to {self.root}: {error.strerror or error}") from None


def finished_task(directory: Path) -> bool:
    """Whether a task's directory is there and whole; a damaged one is moved out of the way.

    Raises
    ------
    DamagedTaskError
        If it is there but its checksums do not fit: it was removed and must run again.
    """
    if not directory.exists():
        return False
    problems = verify_checksums(directory)
    if not problems:
        return True
    shutil.rmtree(directory)
    raise DamagedTaskError(f"stored fold {directory.name} is damaged ({listed(problems, 2)}); it is trained again")


class DamagedTaskError(StoreError):
    """A stored task does not fit its checksums."""


@dataclass(frozen=True)
class Stored:
    """A finished run as it lies on disk.

    Attributes
    ----------
    run : mapping
        ``run.json``: who it is.
    result : mapping
        ``result.json``: what came out.
    """

    directory: Path
    run: Mapping[str, Any]
    result: Mapping[str, Any]


def finished_runs(workspace: Workspace, competition: str) -> Iterator[Stored]:
    """Read every finished run of a competition, oldest first."""
    for path in sorted(workspace.runs(competition).glob(f"*/{RESULT}"), key=lambda p: (p.stat().st_mtime, p)):
        yield read_stored(path.parent)


def read_stored(directory: Path) -> Stored:
    """Read a finished run.

    Raises
    ------
    StoreError
        If a newer version of the harness wrote it.
    """
    run = read_json(directory / RUN)
    check_format(run, directory)
    return Stored(directory, run, read_json(directory / RESULT))


def check_format(record: Mapping[str, Any], directory: Path) -> None:
    """Refuse what a newer version of the harness wrote; the first ones wrote no number.

    Raises
    ------
    StoreError
        Naming the folder and both numbers.
    """
    found = record.get("format", 1)
    if found > FORMAT:
        raise StoreError(
            f"{directory} was written by a newer harness (format {found}, this one reads up to {FORMAT});"
            " update it: pip install -U competition-harness"
        )


def find_run(workspace: Workspace, name: str, competition: str = "") -> Stored:
    """Return a finished run by its id (or a beginning of it that fits one only), or by its folder.

    Parameters
    ----------
    name : str
        ``RUN`` or ``COMPETITION/RUN``.
    competition : str
        Look among its runs only.

    Raises
    ------
    StoreError
        If none or several fit.
    """
    given, is_folder = Path(name), False
    with suppress(OSError):  # a name may be longer than a file's can be
        is_folder = (given / RESULT).is_file()
    if is_folder:
        return read_stored(given)
    within, slash, rest = name.rpartition("/")
    competition, name = (within, rest) if slash else (competition, name)
    pattern = "" if given.is_absolute() else f"{glob.escape(competition) or '*'}/*/{RESULT}"
    everything = (workspace.root / "runs").glob(pattern) if pattern else ()
    found = [path.parent for path in everything if path.parent.name.startswith(name)]
    exact = [directory for directory in found if directory.name == name]
    if len(exact or found) == 1:
        return read_stored((exact or found)[0])
    if not found:
        known = sorted({path.parents[1].name for path in (workspace.root / "runs").glob(f"*/*/{RESULT}")})
        told = f"it has runs of {listed(known)}; see: harness leaderboard {known[0]}" if known else "it has no runs"
        raise StoreError(f"no finished run {name!r} in {workspace.root / 'runs'}; {told}")
    fitting = sorted(f"{directory.parent.name}/{directory.name}" for directory in found)
    raise StoreError(f"{name!r} fits {len(found)} runs: {listed(fitting)}")


def stored_tasks(workspace: Workspace, stored: Stored) -> list[Path]:
    """Return the folders of a run's models, each whole; none for an import or a mean over seeds.

    Raises
    ------
    StoreError
        If one is damaged.
    """
    folders = [workspace.root / task for task in stored.result["tasks"]]
    for folder in folders:
        for problem in verify_checksums(folder):
            raise StoreError(f"{folder} is damaged ({problem}); run the strategy again")
    return folders


@contextmanager
def locked(directory: Path, wait: float = 0.0) -> Iterator[None]:
    """Hold a folder for this process, waiting for at most `wait` seconds; the lock of a dead process is taken over.

    Raises
    ------
    StoreError
        Naming the pid and host that hold it.
    """
    import os
    import socket

    from filelock import FileLock, Timeout

    directory.mkdir(parents=True, exist_ok=True)
    owner = directory / "owner.json"
    lock = FileLock(directory / ".lock")
    try:
        lock.acquire(timeout=wait)
    except Timeout:
        held = read_json(owner) if owner.exists() else {}
        raise StoreError(
            f"{directory.name} is in use by pid {held.get('pid', '?')} on {held.get('host', '?')}; wait, or end it"
        ) from None
    try:
        write_json(owner, {"pid": os.getpid(), "host": socket.gethostname()})
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()
