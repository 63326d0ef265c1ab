"""Run directories: locks, finding runs, sweeping up, and folds that are whole or not there."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from harness.errors import StoreError
from harness.files import TEMPORARY, write_checksums, write_json
from harness.store import (
    RESULT,
    RUN,
    DamagedTaskError,
    Workspace,
    digest_of,
    find_run,
    finished_runs,
    finished_task,
    locked,
)


@pytest.fixture
def place(workspace) -> Workspace:
    return Workspace(workspace)


def finish(place: Workspace, run_id: str, competition: str = "toy", age: float = 0.0):
    directory = place.runs(competition) / run_id
    write_json(directory / RUN, {"run_id": run_id})
    write_json(directory / RESULT, {"run_id": run_id})
    moment = time.time() - age
    os.utime(directory / RESULT, (moment, moment))
    return directory


def test_a_digest_does_not_depend_on_the_order_of_keys_but_on_everything_else():
    assert digest_of({"a": 1, "b": [1, 2]}) == digest_of({"b": [1, 2], "a": 1})
    different = [{"a": 1}, {"a": 1.5}, {"a": "1"}, {"b": 1}, {"a": [1]}, {"a": None}]
    assert len({digest_of(value) for value in different}) == len(different)
    # so that runs of an earlier version are found again
    assert digest_of({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


def test_a_lock_keeps_others_out_names_its_owner_and_is_let_go(tmp_path):
    with locked(tmp_path / "run"):
        assert (tmp_path / "run" / "owner.json").exists()
        told = rf"^run is in use by pid {os.getpid()} on .+; wait, or end it$"
        with pytest.raises(StoreError, match=told), locked(tmp_path / "run"):
            pass
    assert not (tmp_path / "run" / "owner.json").exists()
    with locked(tmp_path / "run"):
        pass


def test_a_lock_is_let_go_when_its_holder_raises(tmp_path):
    with pytest.raises(ValueError, match="no"), locked(tmp_path / "run"):
        raise ValueError("no")
    with locked(tmp_path / "run"):
        pass


def test_a_lock_can_be_waited_for_and_that_of_a_dead_process_is_taken_over(tmp_path):
    code = (
        "import sys, time, pathlib; from harness.store import locked\n"
        "with locked(pathlib.Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "run")], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreError, match=f"in use by pid {holder.pid}"), locked(tmp_path / "run", wait=0.1):
            pass
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    with locked(tmp_path / "run", wait=5):
        pass


def test_finished_runs_are_read_oldest_first(place):
    for run_id, age in (("b-s0-1", 10), ("a-s0-2", 30), ("c-s0-3", 20)):
        finish(place, run_id, age=age)
    write_json(place.runs("toy") / "half" / RUN, {})
    finish(place, "x-s0-9", competition="other")
    assert [stored.run["run_id"] for stored in finished_runs(place, "toy")] == ["a-s0-2", "c-s0-3", "b-s0-1"]
    assert list(finished_runs(place, "nothing")) == []


def test_a_run_is_found_by_its_id_its_beginning_or_its_folder(place):
    directory = finish(place, "near-s0-abcdef01")
    finish(place, "near-s1-abcdef02")
    finish(place, "far-s0-1", competition="other")
    assert find_run(place, "near-s0-abcdef01").directory == directory
    assert find_run(place, "near-s0").directory == directory
    assert find_run(place, str(directory)).result == {"run_id": "near-s0-abcdef01"}
    assert find_run(place, "far").run == {"run_id": "far-s0-1"}


def test_an_id_that_is_the_beginning_of_another_is_found_exactly(place):
    wanted = finish(place, "near-s0-1")
    finish(place, "near-s0-12")
    assert find_run(place, "near-s0-1").directory == wanted


def test_none_or_several_runs_are_told(place):
    finish(place, "near-s0-1")
    finish(place, "near-s1-2")
    with pytest.raises(StoreError, match="'near' fits 2 runs: toy/near-s0-1, toy/near-s1-2"):
        find_run(place, "near")
    with pytest.raises(StoreError, match="no finished run 'sharp'"):
        find_run(place, "sharp")


def test_the_same_run_of_two_competitions_is_told_apart(place):
    for competition in ("toy", "other"):
        finish(place, "near-s0-1", competition)
    with pytest.raises(StoreError, match="fits 2 runs: other/near-s0-1, toy/near-s0-1"):
        find_run(place, "near-s0-1")
    assert find_run(place, "near-s0-1", "other").directory.parent.name == "other"
    assert find_run(place, "toy/near").directory.parent.name == "toy"


def test_sweeping_removes_old_leftovers_only(place):
    old = place.runs("toy") / "tasks" / "key" / f"{TEMPORARY}old"
    old.mkdir(parents=True)
    (old / "model.bin").write_bytes(b"0")
    file = place.runs("toy") / f"{TEMPORARY}file"
    file.write_text("")
    fresh = place.runs("toy") / f"{TEMPORARY}fresh"
    fresh.write_text("")
    kept = finish(place, "near-s0-1", age=200_000)
    for path in (old, file):
        os.utime(path, (time.time() - 90_000,) * 2)
    place.sweep("toy")
    assert not old.exists()
    assert not file.exists()
    assert fresh.exists()
    assert (kept / RESULT).exists()
    place.sweep("nothing")


def test_a_task_is_finished_if_its_checksums_fit_and_removed_if_they_do_not(tmp_path):
    directory = tmp_path / "0"
    assert not finished_task(directory)
    directory.mkdir()
    (directory / "oof.npy").write_bytes(b"123")
    write_checksums(directory)
    assert finished_task(directory)
    (directory / "oof.npy").write_bytes(b"124")
    with pytest.raises(DamagedTaskError, match="stored fold 0 is damaged"):
        finished_task(directory)
    assert not directory.exists()


def test_a_workspace_that_cannot_be_written_is_told_before_training(tmp_path):
    Workspace(tmp_path / "new" / "folder").check_writable()
    assert list((tmp_path / "new" / "folder").iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write to"):
        Workspace(tmp_path / "file" / "below").check_writable()
