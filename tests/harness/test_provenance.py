"""What is recorded of data, code and changes, and what is told of it afterwards."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness import provenance
from harness.data import digest_files, noting_files
from harness.files import sha256
from harness.provenance import changed_data, changes, folder_digests
from harness.tracking.redact import redact_text

NOW = {"files": {}, "packages": {}, "python": "3.11.1", "platform": "x", "repositories": []}


def test_files_are_noted_while_they_are_digested(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1")
    with noting_files() as noted:
        with noting_files() as inner:
            digest_files([tmp_path / "a.csv"])
        assert inner == {str(tmp_path / "a.csv"): sha256(tmp_path / "a.csv")}
    digest_files([tmp_path / "a.csv"])
    assert noted == {}


def test_changed_and_missing_data_files_are_named(tmp_path: Path) -> None:
    names = ["same", "changed", "gone", "long"]
    for name in names:
        (tmp_path / name).write_text(name)
    known = {str(tmp_path / name): sha256(tmp_path / name) for name in names[:3]} | {str(tmp_path / "long"): "bytes 4"}
    assert changed_data(known) == []
    (tmp_path / "changed").write_text("chanGed")
    (tmp_path / "gone").unlink()
    (tmp_path / "long").write_text("longer")
    found = dict(changed_data(known))
    assert set(found) == {str(tmp_path / name) for name in names[1:]}
    assert found[str(tmp_path / "gone")] == "gone"
    assert found[str(tmp_path / "long")] == "changed (bytes 4 -> bytes 6)"


def test_moved_data_is_found_by_name(tmp_path: Path) -> None:
    (tmp_path / "now" / "deep").mkdir(parents=True)
    (tmp_path / "now" / "deep" / "a.csv").write_text("1")
    known = {"/nowhere/a.csv": sha256(tmp_path / "now" / "deep" / "a.csv")}
    assert changed_data(known, tmp_path / "now") == []
    assert changed_data(known, tmp_path / "now" / "deep" / "a.csv") == []
    assert [what for _, what in changed_data({"/nowhere/b.csv": "0"}, tmp_path / "now")] == ["gone"]


def test_what_changed_is_told_with_the_likeliest_cause_first() -> None:
    before = {
        **NOW,
        "files": {"harness": {"run.py": "a"}, "competition": {"plugin.py": "a"}, "plugin x": {"m.py": "a"}},
        "packages": {"numpy": "1", "gone": "2", "same": "3"},
        "hardware": {"cpu": "old", "cpus": 2},
        "environment": {"OMP_NUM_THREADS": "1"},
        "repositories": [{"path": "/r", "commit": "a" * 40}],
    }
    now = {
        **NOW,
        "files": {
            "harness": {"run.py": "b"},
            "competition": {"plugin.py": "b"},
            "plugin x": {},
            "plugin new": {"a": "1"},
        },
        "packages": {"numpy": "2", "same": "3", "new": "1"},
        "hardware": {"cpu": "new", "cpus": 2},
        "environment": {},
        "repositories": [{"path": "/r", "commit": "b" * 40}],
    }
    assert list(changes(before, now)) == [
        "competition file plugin.py changed (a -> b)",
        "plugin x file m.py changed (a -> absent)",
        "harness file run.py changed (a -> b)",
        "package gone: 2 -> not set",
        "package numpy: 1 -> 2",
        "hardware cpu: old -> new",
        "environment OMP_NUM_THREADS: 1 -> not set",
        "commit of /r: aaaaaaaaaaaa -> bbbbbbbbbbbb",
    ]
    assert list(changes(now, now)) == []


def test_many_changed_files_are_counted() -> None:
    before = {**NOW, "files": {"harness": {f"{n}.py": "a" for n in range(9)}}}
    found = list(changes(before, {**NOW, "files": {"harness": {f"{n}.py": "b" for n in range(9)}}}))
    assert len(found) == 4
    assert found[-1] == "6 more files of harness changed"


def test_only_files_of_the_kinds_asked_for_are_digested(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("a.py", "sub/b.py", "c.md"):
        (tmp_path / name).write_text(name)
    assert list(folder_digests(tmp_path, (".py",))) == ["a.py", "sub/b.py"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("+url = 'postgresql://me:pw@db/x'", "+url = 'postgresql://db/x'"),
        ('+    "password": "abc def",', '+    "password": ***,'),
        ("+KAGGLE_KEY=0123456789abcdef0123", "+KAGGLE_KEY=***"),
        ("-token: 'x'", "-token: ***"),
        ("+token = next(tokens)", "+token = next(tokens)"),
        ("+tokenizer = build(3)\t# a", "+tokenizer = build(3)\t# a"),
        (" value = a // b  # @here", " value = a // b  # @here"),
    ],
)
def test_secrets_are_taken_out_of_a_patch_and_nothing_else(text: str, shown: str) -> None:
    assert redact_text(f"{text}\n second\n") == f"{shown}\n second\n"


def test_a_long_patch_is_cut_at_a_line_and_says_so(tmp_path: Path, monkeypatch) -> None:
    def git(*args: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", "-C", str(tmp_path), *who, *args], check=True, capture_output=True)

    git("init", "-q")
    (tmp_path / "a.txt").write_text("first\n")
    git("add", ".")
    git("commit", "-qm", "first")
    assert provenance._patch(tmp_path) == ("", False)
    (tmp_path / "a.txt").write_text("".join(f"line {n}\n" for n in range(100)))
    whole, cut = provenance._patch(tmp_path)
    assert whole.endswith("+line 99\n")
    assert not cut
    monkeypatch.setattr(provenance, "PATCH_BYTES", 300)
    part, cut = provenance._patch(tmp_path)
    assert cut
    assert whole.startswith(part)
    assert len(part) <= 300


def test_a_folder_outside_of_any_repository_has_no_commit(tmp_path: Path) -> None:
    found, patches = provenance._repositories([tmp_path / "missing"])
    assert (found, patches) == ([], {})
