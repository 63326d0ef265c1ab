"""What ``leaderboard --ties`` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from harness.cli.app import one_line
from harness.cli.show import console, number, set_name, shown_name
from harness.leaderboard import Board, score_of
from harness.ties import conclusion


def print_ties(board: Board) -> None:
    """Print how each entry compares with the best: difference, p, probability of being best, range of ranks."""
    out = console()
    if not board.entries or board.ties is None:
        out.print(f"no finished runs of {board.competition}; run: harness run {board.competition}")
        return
    ties = board.ties
    arrow = "lower is better" if board.direction == "min" else "higher is better"
    out.print()
    out.print(f"[bold]{escape(board.competition)}[/bold]  {board.metric} on {set_name(board.on)} ({arrow})")
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("#", "strategy", board.metric, "worse by", "± s.e.", "p", "tied", "P(best)", "ranks"):
        table.add_column(Text(name), justify="left" if name in ("strategy", "tied") else "right", no_wrap=True)
    for entry in board.entries:
        score = number(score_of(entry, board.metric, board.on))
        cells = [str(entry["rank"]), shown_name(entry), score, *_cells(entry["tie"])]
        table.add_row(*map(Text, cells), style="bold green" if entry["tie"] and entry["tie"]["tied"] else "")
    out.print(table)
    line = conclusion(board)
    if line:
        out.print(line, markup=False, soft_wrap=True)
    if ties["draws"]:
        out.print(
            f"{ties['method']}; {ties['count']:,} {ties['units']}, {ties['draws']} draws", style="dim", soft_wrap=True
        )
    for note in ties["notes"]:
        out.print(f"note: {one_line(note)}", style="dim", markup=False, soft_wrap=True)


def _cells(tie: Mapping[str, Any] | None) -> list[str]:
    if tie is None:
        return ["-"] * 6
    low, high = tie["ranks"]
    return [
        _significant(tie["difference"]),
        _significant(tie["stderr"]),
        "<0.001" if tie["p"] < 0.001 else f"{tie['p']:.3f}",
        "yes" if tie["tied"] else "no",
        f"{tie['best']:.0%}",
        str(low) if low == high else f"{low}-{high}",
    ]


def _significant(value: float) -> str:
    if value == 0:
        return number(0.0)  # not -0.0
    return number(value) if abs(value) >= 0.001 else f"{value:.1e}"
