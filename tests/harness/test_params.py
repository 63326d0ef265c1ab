"""Parameters: typed, bounded, told in one line when wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError
from harness.params import NoParams, ParamDoc, as_json, document, param, parse_params, parse_text


@dataclass(frozen=True)
class Params:
    depth: int = param(6, "depth of a tree", low=1, high=16)
    rate: float = param(0.1, "learning rate", low=0.0, log=True)
    loss: Literal["log", "focal"] = param("log", "what is minimised")
    columns: tuple[str, ...] = param((), "columns to drop")
    limit: int | None = param(None, "rows at most", high=1000)
    quiet: bool = param(True, "say nothing")


@dataclass(frozen=True)
class Needs:
    target: str
    other: int = 1


def test_defaults_and_toml_values() -> None:
    assert parse_params(Params, {}, "model") == Params()
    given_ = {"depth": 4, "rate": 1, "loss": "focal", "columns": ["a", "b"], "limit": 5, "quiet": False}
    assert parse_params(Params, given_, "model") == Params(4, 1.0, "focal", ("a", "b"), 5, False)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"dept": 4}, "unknown parameter 'dept'; did you mean 'depth'?"),
        ({"depth": 4.5}, "depth = 4.5: expected `int`, got `float`"),
        ({"depth": True}, "depth = True: expected `int`, got `bool`"),
        ({"depth": "4"}, "depth = '4': expected `int`, got `str`"),
        ({"depth": 0}, "depth = 0: expected a number in [1, 16]"),
        ({"depth": 17}, "depth = 17: expected a number in [1, 16]"),
        ({"rate": -0.1}, "rate = -0.1: expected a number at least 0"),
        ({"rate": float("nan")}, "rate = nan: expected a number at least 0"),
        ({"limit": 2000}, "limit = 2000: expected a number at most 1000"),
        ({"loss": "hinge"}, "loss = 'hinge'; known: focal, log"),
        ({"columns": "a"}, "columns = 'a': expected `array`, got `str`"),
    ],
)
def test_a_wrong_value_is_one_line_with_its_place(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_params(Params, values, "strategies.a: model")
    assert str(caught.value) == f"strategies.a: model: {words}"


def test_missing_values_are_named() -> None:
    with pytest.raises(ConfigError, match="source: missing 'target'"):
        parse_params(Needs, {}, "source")
    assert parse_params(Needs, {"target": "y"}, "source") == Needs("y")


def test_no_params_takes_none() -> None:
    with pytest.raises(ConfigError, match="unknown parameter 'a'"):
        parse_params(NoParams, {"a": 1}, "model")


def test_document_keeps_order_types_and_ranges() -> None:
    docs = document(Params)
    assert [doc.name for doc in docs] == ["depth", "rate", "loss", "columns", "limit", "quiet"]
    assert docs[0] == ParamDoc("depth", "int", 6, "depth of a tree", 1, 16, False)
    assert docs[1].log
    assert [doc.type for doc in docs[2:5]] == ["Literal['log', 'focal']", "tuple[str, ...]", "int | None"]


def test_as_json_is_sorted_and_plain() -> None:
    assert list(as_json(Params(columns=("b",))).items()) == [
        ("columns", ["b"]),
        ("depth", 6),
        ("limit", None),
        ("loss", "log"),
        ("quiet", True),
        ("rate", 0.1),
    ]


@given(st.integers(1, 16), st.floats(0, 1e6), st.lists(st.text(max_size=5), max_size=3))
def test_json_and_back(depth: int, rate: float, columns: list[str]) -> None:
    params = Params(depth=depth, rate=rate, columns=tuple(columns))
    assert parse_params(Params, as_json(params), "again") == params


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4", 4),
        ("0.5", 0.5),
        ("-1e-3", -0.001),
        ("false", False),
        ("[1, 2]", [1, 2]),
        ('"4"', "4"),
        ("focal", "focal"),
        ("", ""),
        ("007", "007"),
        ("a = 1", "a = 1"),
        ("1\nother = 2", "1\nother = 2"),
    ],
)
def test_text_of_the_command_line(text: str, value: Any) -> None:
    found = parse_text(text)
    assert found == value
    assert type(found) is type(value)


@given(st.text(max_size=20))
def test_any_text_is_read(text: str) -> None:
    parse_text(text)
