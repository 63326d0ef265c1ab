"""Files are whole or absent, whatever happens while they are written."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import files
from harness.errors import StoreError
from harness.files import (
    atomic_directory,
    atomic_write,
    read_json,
    sha256,
    slug,
    verify_checksums,
    write_checksums,
    write_json,
    write_text,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_whole_under_its_final_name(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "deep" / "a.bin") as file:
        file.write(b"one")
        assert not (tmp_path / "deep" / "a.bin").exists()
    assert (tmp_path / "deep" / "a.bin").read_bytes() == b"one"
    assert names(tmp_path / "deep") == ["a.bin"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path, failure: type[BaseException]) -> None:
    write_text(tmp_path / "a", "old")
    with pytest.raises(failure), atomic_write(tmp_path / "a") as file:  # noqa: PT012
        file.write(b"new, half")
        raise failure
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


@pytest.mark.fault("F-11")
def test_a_full_disk_is_told_with_path_and_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text(tmp_path / "a", "old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    told = r"cannot write .*a: No space left on device after 5,000 bytes; free some"
    with pytest.raises(StoreError, match=told), atomic_write(tmp_path / "a") as file:
        file.write(b"x" * 5000)
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


@pytest.mark.fault("F-13")
def test_the_file_and_its_folder_are_synced_before_and_after_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    real_sync, real_replace = os.fsync, Path.replace

    def sync(descriptor: int) -> None:
        events.append("folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file")  # noqa: PTH112
        real_sync(descriptor)

    def replace(self: Path, target: Path) -> Path:
        events.append("rename" if self.parent == target.parent else "rename from elsewhere")
        return real_replace(self, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", replace)
    write_text(tmp_path / "a", "x")
    assert events == ["file", "rename", "folder"]


def test_a_path_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "x")
    with pytest.raises(StoreError, match=r"cannot write .*file/a: (Not a directory|File exists)") as caught:
        write_text(tmp_path / "file" / "a", "x")
    assert "\n" not in str(caught.value)


def test_an_error_about_the_callers_own_file_is_not_blamed_on_ours(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "ours" / "a"):
        (tmp_path / "theirs" / "b").read_bytes()


@pytest.mark.fault("F-02")
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_killed_writer_never_leaves_half_a_file(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from harness.files import atomic_write\n"
        "i = 0\n"
        "while True:\n"
        "    i += 1\n"
        "    with atomic_write(Path(sys.argv[1])) as f:\n"
        "        for _ in range(50): f.write(b'%09d\\n' % i); f.flush()\n"
    )
    target = tmp_path / "a"
    for moment in (0.0, 0.013, 0.027):
        process = subprocess.Popen([sys.executable, "-c", code, str(target)])
        while not target.exists():
            time.sleep(0.005)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        process.wait()
        lines = target.read_bytes().split()
        assert len(lines) == 50
        assert len(set(lines)) == 1
        target.unlink()


def test_a_folder_appears_whole_and_replaces_the_old_one(tmp_path: Path) -> None:
    for content in ("one", "two"):
        with atomic_directory(tmp_path / "run") as folder:
            (folder / content).mkdir()
            write_text(folder / content / "x", content)
    assert [path.relative_to(tmp_path).as_posix() for path in sorted(tmp_path.rglob("*"))] == [
        "run",
        "run/two",
        "run/two/x",
    ]


def test_a_folder_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    with atomic_directory(tmp_path / "run") as folder:
        write_text(folder / "x", "old")
    with pytest.raises(RuntimeError), atomic_directory(tmp_path / "run") as folder:  # noqa: PT012
        write_text(folder / "x", "new")
        raise RuntimeError
    assert names(tmp_path) == ["run"]
    assert (tmp_path / "run" / "x").read_text() == "old"


def test_the_old_folder_comes_back_if_the_swap_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with atomic_directory(tmp_path / "run") as folder:
        write_text(folder / "x", "old")
    real, calls = Path.rename, []

    def rename(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == 3:  # the direct rename, the old one aside, then this
            raise OSError(errno.EIO, "I/O error")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(StoreError, match="I/O error"), atomic_directory(tmp_path / "run") as folder:
        write_text(folder / "x", "new")
    assert names(tmp_path) == ["run"]
    assert (tmp_path / "run" / "x").read_text() == "old"


def test_json_keeps_order_and_writes_nan_as_null(tmp_path: Path) -> None:
    write_json(tmp_path / "a", {"b": np.float64("nan"), "a": (np.int64(2), float("inf"), "ü"), "c": np.bool_(True)})
    assert read_json(tmp_path / "a") == {"b": None, "a": [2, None, "ü"], "c": True}
    assert list(read_json(tmp_path / "a")) == ["b", "a", "c"]
    assert "ü" in (tmp_path / "a").read_text("utf-8")


def test_json_that_cannot_be_read_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        read_json(tmp_path / "none")
    (tmp_path / "torn").write_text('{"a": ')
    with pytest.raises(StoreError, match="damaged: not JSON"):
        read_json(tmp_path / "torn")
    with pytest.raises(TypeError):
        write_json(tmp_path / "path", {"a": object()})
    assert names(tmp_path) == ["torn"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    )
)
def test_json_round_trip(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    path = tmp_path_factory.getbasetemp() / "json-round-trip"
    write_json(path, value)
    assert read_json(path) == value


@pytest.mark.fault("F-06")
def test_checksums_tell_what_happened_to_each_file(tmp_path: Path) -> None:
    for name in ("same", "gone", "short", "flipped", "grown"):
        write_text(tmp_path / "run" / name, "0123456789")
    assert list(write_checksums(tmp_path / "run")) == ["flipped", "gone", "grown", "same", "short"]
    assert verify_checksums(tmp_path / "run") == []
    write_text(tmp_path / "run" / "extra", "ignored")
    assert verify_checksums(tmp_path / "run") == []
    (tmp_path / "run" / "gone").unlink()
    (tmp_path / "run" / "short").write_text("01234")
    (tmp_path / "run" / "flipped").write_text("0123456780")
    (tmp_path / "run" / "grown").write_text("01234567890")
    problems = verify_checksums(tmp_path / "run")
    assert [problem.removeprefix(f"{tmp_path}/run/") for problem in problems] == [
        "flipped is altered: same size, other content",
        "gone is missing",
        "grown is altered: 11 bytes, expected 10",
        "short is truncated: 5 bytes, expected 10",
    ]


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', '{"a'])
def test_damaged_checksums_are_a_problem(tmp_path: Path, text: str) -> None:
    (tmp_path / files.CHECKSUMS).write_text(text)
    (problem,) = verify_checksums(tmp_path)
    assert "damaged" in problem


def test_sha256_of_a_known_text(tmp_path: Path) -> None:
    write_text(tmp_path / "abc", "abc")  # FIPS 180-4, example B.1
    assert sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    with pytest.raises(StoreError, match="cannot read"):
        sha256(tmp_path / "none")


@pytest.mark.fault("F-43")
@given(st.text())
def test_a_slug_is_one_safe_part_of_a_path(name: str) -> None:
    safe = slug(name)
    assert safe
    assert len(safe) <= 100
    assert safe.isascii()
    assert safe not in (".", "..")
    assert not safe.startswith((".", "-"))
    assert not set("/\\\0 ") & set(safe)


@pytest.mark.fault("F-43")
@given(st.lists(st.text(), unique=True, max_size=8))
def test_different_names_get_different_slugs(names: list[str]) -> None:
    assert len({slug(name) for name in names}) == len(names)


def test_slugs_that_keep_their_name() -> None:
    assert slug("smote-5x.v2_a") == "smote-5x.v2_a"
    assert slug("../../x").startswith("x-")
    assert json.loads(json.dumps(slug("a" * 300)))[:80] == "a" * 80
