"""Disks that fill or cannot be written: a small file system of its own where that is allowed: F-10 to F-13."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

LARGE = """
import os, time
from pathlib import Path

class Heavy(Means):
    def save(self, directory):
        runs, weights = os.environ.get("TOY_RUNS"), directory / "weights.bin"
        if not runs:
            super().save(directory)
            return self.write(weights)
        # beside other trainings one fold fills the disk once they are over: before, it fails them rightly
        runs, until = Path(runs), time.monotonic() + 120
        over = lambda: list(runs.glob("near-s0-*/result.json")) or time.monotonic() > until
        try:
            (runs / "one").touch(exist_ok=False)
        except FileExistsError:
            while over() and not (runs / "past").exists() and time.monotonic() < until:
                time.sleep(0.01)  # while the disk is full another fold fails too, at whatever it writes
            return super().save(directory)
        super().save(directory)
        while not over():
            time.sleep(0.05)
        try:
            self.write(weights)
        finally:
            weights.unlink()
            (runs / "past").touch()

    def write(self, weights):
        with weights.open("wb") as file:
            for _ in range(64):
                file.write(bytes(1 << 20))

@hookimpl(specname="harness_models")
def heavy_models():
    yield ModelRecipe("local.heavy", "", frozenset({TaskType.MULTICLASS}), MeansParams, Heavy)
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system in memory of 8 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no right to mount a small file system here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Write until nothing fits any more."""
    with (folder / "filler").open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            with pytest.raises(OSError, match="No space left"):  # noqa: PT012
                while True:
                    file.write(bytes(size))


def limited(code: str, *args: object) -> subprocess.CompletedProcess[str]:
    """Run Python in a process that may write files of 64 KiB only."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))

    command = [sys.executable, "-c", code, *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, timeout=120)


@pytest.mark.fault("F-10")
def test_a_disk_that_is_full_keeps_the_old_submission_and_leaves_nothing_beside_it(toy, small_disk):
    out = small_disk / "out"
    assert toy.run("-s", "near", "--out", str(out)).code == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    fill(small_disk)
    done = toy.run("-s", "near", "--set", "near.sharpness=3.0", "--out", str(out))
    assert done.code not in (0, 3), done.err
    assert "No space left on device" in done.err
    assert "Traceback" not in done.err
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    (small_disk / "filler").unlink()
    assert toy.run("-s", "near", "--set", "near.sharpness=3.0", "--out", str(out)).code == 0
    assert (out / "near.csv").read_bytes() != before["near.csv"]


WRITE = """
import sys
from pathlib import Path
import pandas as pd
from harness.data import Submission
from harness.errors import StoreError
from harness.submission_file import write_submission
frame = pd.DataFrame({"id": [f"new{n}" for n in range(50_000)], "p": 0.5})
try:
    write_submission(Path(sys.argv[1]), Submission(frame))
except StoreError as error:
    print(error)
    sys.exit(2)
"""


@pytest.mark.fault("F-10")
def test_a_submission_that_does_not_fit_leaves_the_old_one(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("id,p\nold,1.0\n")
    done = limited(WRITE, path)
    assert done.returncode == 2, done.stderr
    assert f"cannot write {path}: File too large after 65,536 bytes" in done.stdout
    assert path.read_text() == "id,p\nold,1.0\n"
    assert [one.name for one in tmp_path.iterdir()] == ["s.csv"]


@pytest.mark.fault("F-11")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_model_that_does_not_fit_is_told_with_path_and_bytes_and_the_others_go_on(toy, harness, small_disk, workers):
    toy.add(LARGE)
    toy.change("[strategies.sharp]", '[strategies.heavy]\nmodel = "local.heavy"\n[strategies.sharp]')
    args = ("-s", "heavy", "-s", "near", "--no-tracking", "--workers", workers)
    env = {"TOY_RUNS": str(small_disk / "runs/toy")} if workers == "2" else {}
    done = harness("--workspace", str(small_disk), "run", "toy", *args, env=env)
    assert done.code == 3, done.err
    (line,) = [line for line in done.err.splitlines() if "heavy" in line]
    assert "No space left on device" in line
    assert str(small_disk / "runs/toy/tasks") in line
    assert " bytes" in line
    assert (small_disk / "submissions/toy/near.csv").exists()
    assert not [path for path in small_disk.rglob("*") if path.name.startswith(".tmp-")]
    assert not list(small_disk.rglob("weights.bin"))


UNRECORDED = """
import os
from pathlib import Path

class Blocking(Means):
    def save(self, directory):
        (next(Path(os.environ["TOY_RUNS"]).glob("blocking-s0-*")) / "failed.json").mkdir()
        raise {error}("nothing can be written there")

@hookimpl(specname="harness_models")
def blocking_models():
    yield ModelRecipe("local.blocking", "", frozenset({{TaskType.MULTICLASS}}), MeansParams, Blocking)
"""


def unrecorded(toy, error):
    """Run a strategy that raises an error where its failure cannot be written down, and another one."""
    toy.add(UNRECORDED.format(error=error))
    toy.change("[strategies.sharp]", '[strategies.blocking]\nmodel = "local.blocking"\n[strategies.sharp]')
    return toy.run("-s", "blocking", "-s", "near", env={"TOY_RUNS": str(toy.runs)})


@pytest.mark.fault("F-11")
def test_a_failure_that_cannot_be_written_down_ends_its_own_run_only(toy):
    done = unrecorded(toy, "OSError")
    assert done.code == 3, done.err
    assert "nothing can be written there" in done.err
    assert "failed.json: Is a directory" in done.err
    assert list(toy.runs.glob("near-s0-*/result.json"))


@pytest.mark.fault("F-11")
def test_an_interruption_that_cannot_be_written_down_is_still_told_as_one(toy):
    done = unrecorded(toy, "KeyboardInterrupt")
    assert done.code == 130, done.err
    assert "failed.json: Is a directory" in done.err


@pytest.mark.fault("F-12")
@pytest.mark.parametrize("place", ["workspace", "out"])
def test_a_file_system_that_is_read_only_is_told_before_training(toy, harness, small_disk, place):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    count = toy.ws / "count"
    given = {"workspace": ("--workspace", str(small_disk)), "out": ()}[place]
    out = ("--out", str(small_disk / "handed")) if place == "out" else ()
    done = harness(*given, "run", "toy", "-s", "near", "--no-tracking", *out, env={"TOY_COUNT": str(count)})
    assert done.code == 2, done.err
    assert "Read-only file system" in done.err
    assert done.err.count("\n") == 1
    assert not count.exists()


@pytest.mark.fault("F-12")
def test_an_output_folder_below_a_file_is_told_before_training(toy):
    (toy.ws / "file").write_text("")
    count = toy.ws / "count"
    done = toy.run("-s", "near", "--out", "file/below", env={"TOY_COUNT": str(count)})
    assert done.code == 2, done.err
    assert "cannot write to file/below" in done.err
    assert not count.exists()


@pytest.mark.fault("F-13")
def test_every_file_of_a_run_is_written_beside_its_place_and_flushed(toy, monkeypatch):
    synced: list[Path] = []
    renamed: list[tuple[Path, Path]] = []
    real_sync, real_replace, real_rename = os.fsync, Path.replace, Path.rename

    def sync(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        real_sync(descriptor)

    def renaming(real):
        def rename(self: Path, target: Path) -> Path:
            renamed.append((self, Path(target)))
            return real(self, target)

        return rename

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", renaming(real_replace))
    monkeypatch.setattr(Path, "rename", renaming(real_rename))
    assert toy.run("-s", "near").code == 0
    finals = [target for source, target in renamed]
    submission = toy.ws / "submissions/toy/near.csv"
    assert {path.name for path in finals} >= {"near.csv", "result.json", "oof.parquet", "submission.csv", "0", "1", "2"}
    for source, target in renamed:
        assert source.parent.resolve() == target.parent.resolve()
    (temporary,) = [source for source, target in renamed if target.resolve() == submission]
    assert synced.index(temporary.resolve().parent / temporary.name) < len(synced)
    assert submission.parent in synced
