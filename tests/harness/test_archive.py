"""Archives that would harm are refused and leave nothing; others come out as they went in."""

import io
import os
import stat
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.archive import Limits, extract, is_archive
from harness.errors import DataError

FILES = {"train.csv": b"id,x\n1,2\n", "audio/a/é.ogg": b"\0\1\2" * 999, "empty": b""}


def make_zip(path: Path, files: dict[str, bytes]) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # zipfile warns of the doubled names that a test wants
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, content in files.items():
                file.writestr(zipfile.ZipInfo(name.removesuffix("#2")), content, zipfile.ZIP_DEFLATED)
    return path


def make_tar(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as file:
        for name, content in files.items():
            member = tarfile.TarInfo(name.removesuffix("#2"))
            member.size = len(content)
            member.mode = 0o4755
            file.addfile(member, io.BytesIO(content))
    return path


MAKERS = pytest.mark.parametrize(("make", "name"), [(make_zip, "a.zip"), (make_tar, "a.tar.gz")], ids=["zip", "tar.gz"])
Make = Callable[[Path, dict[str, bytes]], Path]


def nothing_but(folder: Path, *names: str) -> bool:
    return sorted(path.name for path in folder.iterdir()) == sorted(names)


@MAKERS
def test_what_went_in_comes_out(tmp_path: Path, make: Make, name: str) -> None:
    found = extract(make(tmp_path / name, FILES), tmp_path / "out")
    assert {path.relative_to(tmp_path / "out").as_posix(): path.read_bytes() for path in found} == FILES
    assert nothing_but(tmp_path, name, "out")
    assert not (tmp_path / "out" / "train.csv").stat().st_mode & (stat.S_ISUID | stat.S_IXUSR)


def test_a_real_tar_with_folders_and_its_own_root(tmp_path: Path) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "sub" / "x").write_text("x")
    with tarfile.open(tmp_path / "a.tar", "w") as file:
        file.add(tmp_path / "in", ".")
    assert [path.name for path in extract(tmp_path / "a.tar", tmp_path / "out")] == ["x"]


@pytest.mark.fault("F-40")
@MAKERS
@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"ok": b"1", "../evil": b"2"}, "not below its own folder"),
        ({"a/../../evil": b"2"}, "not below its own folder"),
        ({"/etc/evil": b"2"}, "not below its own folder"),
        ({"C:\\evil": b"2"}, "not below its own folder"),
        ({"..\\evil": b"2"}, "not below its own folder"),
        ({"a\nb": b"2"}, "not below its own folder"),
        ({"ok": b"1", "ok#2": b"2"}, "'ok' twice"),
        ({"ok": b"1", "OK": b"2"}, "'OK' twice"),
        ({"ok": b"1", "ok/inner": b"2"}, "'ok/inner' twice"),
        ({"ok/inner": b"1", "ok": b"2"}, "'ok' twice"),
    ],
)
def test_harmful_names_are_refused_and_nothing_is_left(
    tmp_path: Path, make: Make, name: str, files: dict[str, bytes], told: str
) -> None:
    (tmp_path / "work").mkdir()
    with pytest.raises(DataError, match=told) as caught:
        extract(make(tmp_path / "work" / name, files), tmp_path / "work" / "out")
    assert "\n" not in str(caught.value)
    assert nothing_but(tmp_path / "work", name)
    assert nothing_but(tmp_path, "work")


@pytest.mark.fault("F-40")
@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as file:
        member = tarfile.TarInfo("x")
        member.type, member.linkname = kind, "../../evil"
        file.addfile(member)
    with pytest.raises(DataError, match="'x', a link or device"):
        extract(tmp_path / "a.tar", tmp_path / "out")
    assert nothing_but(tmp_path, "a.tar")


@pytest.mark.fault("F-40")
def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        member = zipfile.ZipInfo("x")
        member.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(member, "/etc/passwd")
    with pytest.raises(DataError, match="'x', a link or device"):
        extract(tmp_path / "a.zip", tmp_path / "out")


@pytest.mark.fault("F-40")
@MAKERS
def test_bombs_stop_at_the_limits(tmp_path: Path, make: Make, name: str) -> None:
    archive = make(tmp_path / name, {"zeros": bytes(5_000_000)})
    with pytest.raises(DataError, match=r"unpacks to more than .* bytes, far beyond its own size"):
        extract(archive, tmp_path / "out", Limits(free_bytes=1000))
    with pytest.raises(DataError, match="unpacks to more than 4,000,000 bytes"):
        extract(archive, tmp_path / "out", Limits(bytes=4_000_000))
    archive = make(tmp_path / name, {f"f{i}": b"" for i in range(11)})
    with pytest.raises(DataError, match=r"(more than 10|11) entries"):
        extract(archive, tmp_path / "out", Limits(files=10))
    assert nothing_but(tmp_path, name)


@pytest.mark.fault("F-40")
def test_a_zip_that_lies_about_its_sizes_is_counted_while_unpacking(tmp_path: Path) -> None:
    content = make_zip(tmp_path / "a.zip", {"zeros": bytes(5_000_000)}).read_bytes()
    (tmp_path / "a.zip").write_bytes(content.replace((5_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(DataError):
        extract(tmp_path / "a.zip", tmp_path / "out", Limits(free_bytes=1000))
    assert nothing_but(tmp_path, "a.zip")


@pytest.mark.fault("F-40")
@MAKERS
@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other"])
def test_a_damaged_archive_is_told_in_one_line(tmp_path: Path, make: Make, name: str, damage: str) -> None:
    content = make(tmp_path / name, {"noise": os.urandom(20_000)}).read_bytes()
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]
    damaged = {"cut": content[:middle], "flipped": flipped, "empty": b"", "other": b"<html>sign in</html>"}[damage]
    (tmp_path / name).write_bytes(damaged)
    with pytest.raises(DataError, match="is damaged") as caught:
        extract(tmp_path / name, tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert nothing_but(tmp_path, name)


def test_an_old_folder_stays_if_the_new_archive_is_bad(tmp_path: Path) -> None:
    extract(make_zip(tmp_path / "a.zip", {"x": b"old"}), tmp_path / "out")
    with pytest.raises(DataError):
        extract(make_zip(tmp_path / "a.zip", {"x": b"new", "../x": b""}), tmp_path / "out")
    assert (tmp_path / "out" / "x").read_bytes() == b"old"


def test_compressed_tables_are_no_archives() -> None:
    assert is_archive(Path("A.ZIP"))
    assert not is_archive(Path("train.csv.gz"))
