"""What becomes of a sequence that is not plainly twenty letters (F-27)."""

from __future__ import annotations

import pytest
from harness_protein.reading.policy import clean
from harness_protein.residues import ALPHABET, UNKNOWN
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DataError


@pytest.mark.fault("F-27")
@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("ACDEF", "ACDEF"),
        ("acDeF", "ACDEF"),
        (" AC DE\nF\r\n", "ACDEF"),
        ("AC--D.EF", "ACDEF"),
        ("ACDEF*", "ACDEF"),
        ("AC*DEF**", "ACXDEF"),
        ("AUO", "ACK"),
        ("ABZJX", "AXXXX"),
        ("A" * 40_000, "A" * 40_000),
    ],
)
def test_the_policy(raw: str, cleaned: str) -> None:
    assert clean([raw], ["a"], "train").inputs.tolist() == [cleaned]
    assert clean([raw], ["a"], "test", to_predict=True).inputs.tolist() == [cleaned]


@pytest.mark.fault("F-27")
@pytest.mark.parametrize(
    ("raw", "shown"), [("", "empty"), ("***", "'\\*\\*\\*'"), ("AC1D", "'AC1D'"), ("---", "'---'")]
)
def test_what_is_no_sequence_is_refused_in_training(raw: str, shown: str) -> None:
    with pytest.raises(DataError, match=rf"train: 1 row without a sequence of residues: b \({shown}\); --skip-bad"):
        clean(["ACD", raw], ["a", "b"], "train")


@pytest.mark.fault("F-27")
@pytest.mark.parametrize("raw", ["", "***", "12", "---"])
def test_rows_to_predict_always_get_an_answer(raw: str) -> None:
    cleaned = clean(["ACD", raw], ["a", "b"], "test", to_predict=True)
    assert cleaned.kept.tolist() == [0, 1]
    assert set(cleaned.inputs[1]) == {UNKNOWN}
    assert cleaned.notes == ("test: 1 row without a sequence of residues taken as unknown residues: b",)


@pytest.mark.fault("F-27")
def test_bad_rows_can_be_left_out() -> None:
    cleaned = clean(["ACD", "", "EF"], ["a", "b", "c"], "train", skip_bad=True)
    assert cleaned.kept.tolist() == [0, 2]
    assert cleaned.notes == ("train: 1 row without a sequence of residues left out: b",)


def test_repairs_are_counted() -> None:
    assert clean(["acd", "AC-D", "ABC", "ABCz"], list("abcd"), "train").notes == (
        "train: 2 sequences in lower case",
        "train: 1 sequence with gaps or white space",
        "train: 2 sequences with residues other than the twenty",
    )


@given(st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_any_text_is_clean_or_told_in_one_line(raws: list[str]) -> None:
    ids = [str(row) for row in range(len(raws))]
    answered = clean(raws, ids, "test", to_predict=True)
    assert len(answered.inputs) == len(raws)
    trained = clean(raws, ids, "train", skip_bad=True)
    told = ""
    try:
        clean(raws, ids, "train")
    except DataError as error:
        told = str(error)
    assert len(told.splitlines()) == (len(trained.inputs) < len(raws))
    for sequence in (*answered.inputs, *trained.inputs):
        assert sequence
        assert set(sequence) <= set(ALPHABET + UNKNOWN)
