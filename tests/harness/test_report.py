"""The board as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from harness.builtin._figures.style import BLUE, GREEN, PALE
from harness.competition import Competition, DataSpec, Evaluate, Use
from harness.data import TaskType
from harness.report import _dots, _finding, board_figure


def entry(name: str, oof: float | None, valid: float | None = None, baseline: bool = False) -> dict[str, Any]:
    scores = {"log_loss": {"oof": oof, "valid": valid, "mean": oof, "stderr": None if baseline else 0.01}}
    return {"rank": 1, "name": name, "seed": 0, "status": "done", "baseline": baseline, "scores": scores, "flags": []}


def board(*entries: dict[str, Any], on: str = "oof") -> dict[str, Any]:
    return {"competition": "rain", "metric": "log_loss", "direction": "min", "on": on, "entries": list(entries)}


@pytest.fixture
def competition() -> Competition:
    return Competition(
        *("rain", Path(), "Rain", TaskType.BINARY, ("log_loss",), DataSpec("x.table"), Use("stratified"), ()),
        evaluate=Evaluate("oof"),
    )


BASE = entry("baseline-prior", 0.9, 0.9, baseline=True)


@pytest.mark.parametrize(
    "shown",
    [
        board(entry("a", 0.5, 0.6), BASE),
        board(entry("a", 0.5), entry("b$_^", 0.7), on="oof"),
        board(entry("a", 0.5, 0.6), BASE, on="valid"),
        board(*(entry(f"strategy-{k}", 0.5 + k / 100) for k in range(60))),
    ],
    ids=["both sets", "odd names", "on valid", "sixty"],
)
def test_board_is_drawn_and_repeats_to_the_byte(
    shown: dict[str, Any], competition: Competition, tmp_path: Path
) -> None:
    for name in ("one.png", "two.png"):
        board_figure(competition, shown, tmp_path / name)
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_nothing_is_drawn_of_nothing(competition: Competition, tmp_path: Path) -> None:
    board_figure(competition, board(), tmp_path / "board.png")
    assert not (tmp_path / "board.png").exists()


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([entry("a", 0.5), BASE], "a leads: log_loss 0.5, the baseline has 0.9"),
        ([entry("a", 0.5)], "a leads with log_loss 0.5"),
        ([BASE, entry("a", 0.95)], "Nothing beats the baseline: log_loss 0.9"),
    ],
)
def test_title_states_the_finding(entries: list[dict[str, Any]], words: str) -> None:
    assert _finding(entries, "log_loss", "oof") == words


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        (
            [entry("a", 0.5, 0.6), entry("b", 0.7), BASE],
            {"validation": BLUE, "out-of-fold": BLUE, "first": GREEN, "baseline": PALE},
        ),
        ([BASE, entry("b", 0.95)], {"validation": BLUE, "out-of-fold": BLUE, "baseline": PALE}),
    ],
)
def test_the_legend_tells_what_each_colour_is(entries: list[dict[str, Any]], told: dict[str, str]) -> None:
    axes = Figure().subplots()
    _dots(axes, entries, "log_loss", "oof", "valid")
    lines, labels = axes.get_legend_handles_labels()
    colours = [line.get_markeredgecolor() if line.get_marker() == "o" else line.get_color() for line in lines]
    assert dict(zip(labels, colours, strict=True)) == told
