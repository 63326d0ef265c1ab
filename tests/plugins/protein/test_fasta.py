"""FASTA files, sound and broken."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from harness_protein.reading.fasta import is_fasta, read_fasta
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import DataError


def write(folder: Path, content: str | bytes, name: str = "some.fasta") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_wrapped_lines_are_one_sequence(tmp_path: Path) -> None:
    records = read_fasta(write(tmp_path, ">a\nACD\nEFG\n\nHIK\n>b\nLMN"))
    assert [(record.id, record.sequence, record.line) for record in records] == [("a", "ACDEFGHIK", 1), ("b", "LMN", 6)]


@pytest.mark.parametrize(
    ("header", "name", "label", "organism"),
    [
        (">a", "a", "", ""),
        ("> a and more", "a", "", ""),
        (">a|kinase", "a", "kinase", ""),
        (">a label=kinase", "a", "kinase", ""),
        (">a|x class=kinase", "a", "kinase", ""),
        (">sp|P12345|NAME_HUMAN a protein OS=Homo sapiens OX=9606 GN=X PE=1", "P12345", "", "Homo sapiens"),
        (">tr|Q1|X target=3 OS=Escherichia coli (strain K12)", "Q1", "3", "Escherichia coli (strain K12)"),
    ],
)
def test_headers(header: str, name: str, label: str, organism: str, tmp_path: Path) -> None:
    (record,) = read_fasta(write(tmp_path, f"{header}\nACD\n"))
    assert (record.id, record.label, record.organism) == (name, label, organism)


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf>a\r\nAC\r\nD\r\n", b"; a comment\n>a\nACD\n", b">a\rAC\rD"])
def test_other_line_ends_marks_and_comments(content: bytes, tmp_path: Path) -> None:
    (record,) = read_fasta(write(tmp_path, content))
    assert (record.id, record.sequence) == ("a", "ACD")


@pytest.mark.parametrize("name", ["some.fa.gz", "SOME.FASTA.GZ"])
def test_compressed(name: str, tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress(b">a\nACD\n"), name)
    assert is_fasta(path)
    assert read_fasta(path)[0].sequence == "ACD"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("ACD\n>a\nACD", "line 1: a sequence before the first header"),
        (">\nACD", "line 1: a header without an id: '>'"),
        (">a\nACD\n>label=x\nACD", "line 3: a header without an id: '>label=x'"),
        ("", "has no record"),
        ("\n\n", "has no record"),
        (b"\xff\xfe\x00", "is not text"),
    ],
)
def test_broken_files_are_told(content: str | bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read_fasta(write(tmp_path, content))


def test_a_file_cut_short_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is damaged or cut short"):
        read_fasta(write(tmp_path, gzip.compress(b">a\nACD\n" * 100)[:-20], "some.fasta.gz"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet=">|;= \n\rACDx*1\t", max_size=60))
def test_any_text_is_read_or_told_in_one_line(text: str, tmp_path: Path) -> None:
    records, told = [], ""
    try:
        records = read_fasta(write(tmp_path, text))
    except DataError as error:
        told = str(error)
    assert len(told.splitlines()) == (not records)
    assert all(record.id for record in records)
