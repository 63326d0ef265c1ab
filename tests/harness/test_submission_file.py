"""Submission files: every id is the characters that it is."""

import csv
import gzip
import os
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data import Submission
from harness.errors import StoreError, SubmissionError
from harness.submission_file import read_submission, write_submission

AWKWARD = ["007", "1e5", "9007199254740993", "été", "id,1", 'say "hi"', "=1+1", " spaced ", "NA", "null", "-0", "1.50"]
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\0"))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.fault("F-28")
def test_awkward_ids_are_unchanged(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": AWKWARD, "p": np.linspace(0, 1, len(AWKWARD))})
    write_submission(tmp_path / "s.csv", Submission(frame))
    again = read_submission(tmp_path / "s.csv").frame
    assert list(again["id"]) == AWKWARD
    assert [float(cell) for cell in again["p"]] == list(frame["p"])
    text = (tmp_path / "s.csv").read_text("utf-8").splitlines()
    assert text[:2] == ["id,p", "007,0"]
    assert text[5].startswith('"id,1",')
    assert text[6].startswith('"say ""hi""",')


@pytest.mark.fault("F-28")
@given(st.lists(st.tuples(TEXT, FLOATS), min_size=1, max_size=20), TEXT)
def test_any_text_and_any_float_survive_the_round_trip(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, float]], column: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "round-trip.csv"
    frame = pd.DataFrame({"id": [key for key, _ in rows], "x" + column: [value for _, value in rows]})
    write_submission(path, Submission(frame))
    again = read_submission(path).frame
    assert list(again.columns) == list(frame.columns)
    assert list(again["id"]) == list(frame["id"])
    assert [float(cell) for cell in again.iloc[:, 1]] == list(frame.iloc[:, 1])


def test_ids_with_line_breaks_survive_too(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": ["a\nb", "c\r\nd"], "p": [0.5, 1.0]})
    write_submission(tmp_path / "s.csv", Submission(frame))
    assert list(read_submission(tmp_path / "s.csv").frame["id"]) == ["a\nb", "c\r\nd"]


def test_the_standard_library_reads_what_is_written(tmp_path: Path) -> None:
    values = np.random.default_rng(0).lognormal(sigma=20, size=1000)
    write_submission(tmp_path / "s.csv", Submission(pd.DataFrame({"id": [f"r{i}" for i in range(1000)], "a": values})))
    with (tmp_path / "s.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["id", "a"]
    assert [float(cell) for _, cell in rows[1:]] == values.tolist()
    assert [Decimal(cell) for _, cell in rows[1:]] == [
        Decimal(repr(value)) for value in values.tolist()
    ]  # no digit more


def test_rows_beyond_one_chunk_are_all_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.submission_file._CHUNK", 7)
    ids = [f"r{i}" for i in range(23)]
    write_submission(tmp_path / "s.csv", Submission(pd.DataFrame({"id": ids, "n": range(23)})))
    assert (tmp_path / "s.csv").read_text() == "id,n\n" + "".join(f"r{i},{i}\n" for i in range(23))


@pytest.mark.fault("F-24")
@pytest.mark.parametrize(
    "content",
    [b"\xef\xbb\xbfid,p\r\n007,0.5\r\nb,1\r\n", b'"id","p"\n"007","0.5"\nb,1', b"id,p\r007,0.5\rb,1\r"],
    ids=["BOM and CRLF", "quoted, no last line end", "CR"],
)
def test_any_line_ends_bom_and_quotes(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s.csv").write_bytes(content)
    frame = read_submission(tmp_path / "s.csv").frame
    assert frame.to_dict("list") == {"id": ["007", "b"], "p": ["0.5", "1"]}


def test_a_gzipped_file(tmp_path: Path) -> None:
    (tmp_path / "s.csv.gz").write_bytes(gzip.compress(b"id,p\na,1\n"))
    assert read_submission(tmp_path / "s.csv.gz").frame.to_dict("list") == {"id": ["a"], "p": ["1"]}


@pytest.mark.fault("F-30")
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"id,p\n", "a header but no rows"),
        (b"id,p", "a header but no rows"),
        (b"id;p\na;1\n", "has one column, 'id;p'; expected an id and values, separated by commas"),
        (b"id,p,p\na,1,1\n", "names columns twice: p"),
        (b"id,p\na,1\nb\n", "Expected 2 columns, got 1"),
        (b"id,p\na,\xff\n", "not a CSV file in UTF-8"),
        (b"\x89PNG,\xff\n1,2\n", "not a CSV file in UTF-8"),
    ],
)
def test_a_wrong_file_is_told_in_one_line(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "s.csv").write_bytes(content)
    with pytest.raises(SubmissionError, match=told) as caught:
        read_submission(tmp_path / "s.csv")
    assert "\n" not in str(caught.value)
    assert "s.csv" in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SubmissionError, match=r"cannot read .*none\.csv"):
        read_submission(tmp_path / "none.csv")


@pytest.mark.fault("F-10")
def test_a_disk_that_fills_leaves_the_old_submission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s.csv"
    write_submission(path, Submission(pd.DataFrame({"id": ["old"], "p": [1.0]})))
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        write_submission(path, Submission(pd.DataFrame({"id": ["new"], "p": [0.0]})))
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["s.csv"]
