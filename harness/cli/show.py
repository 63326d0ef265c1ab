"""What a run and a leaderboard look like in a terminal."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.style import Style
from rich.table import Table
from rich.text import Text

from harness.cli.app import one_line
from harness.leaderboard import NOT_BETTER, Board, score_of

SHORT = {NOT_BETTER: "below baseline"}
"""Flags that are told in fewer words in a table."""
OTHERS = 4
"""Other data sets that are named."""
WIDEST = 140
"""Columns of output that is not a terminal: wide enough that nothing is cut."""


def console(stderr: bool = False) -> Console:
    """Return a console; plain and wide where the output is not a terminal."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else WIDEST, highlight=False)


def print_board(board: Board, limit: int | None = None) -> None:
    """Print a leaderboard: rank, strategy, the ranked score, its spread over folds, the other metrics, marks."""
    out = console()
    if not board.entries:
        out.print(f"no finished runs of {board.competition}; run: harness run {board.competition}")
        if board.published:
            _print_published(board, out)
        return
    arrow = "lower is better" if board.direction == "min" else "higher is better"
    variant = board.data.get("variant") or "data"
    out.print()
    ranked = f"ranked by {board.metric} on {set_name(board.on)} ({arrow})"
    out.print(f"[bold]{escape(board.competition)}[/bold]  {ranked}, data: {escape(variant)}")
    out.print(_table(board, board.entries[:limit], out.width))
    for line in (*_notes(board), *_tied(board)):
        out.print(line, style="dim")
    if board.published:
        _print_published(board, out)


def _print_published(board: Board, out: Console) -> None:
    first = board.published[0]
    names = list(dict.fromkeys(name for one in board.published for name in one.setting))
    out.print(f"\n[bold]published[/bold]  ranked by {escape(first.metric)}, in their own settings")
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("#", "entry", first.metric, *names, "source"):
        table.add_column(Text(name), justify="left" if name in ("entry", "source") else "right")
    for place, one in enumerate(board.published, start=1):
        settings = [str(one.setting.get(name, "-")) for name in names]
        source = Text(_short_address(one.source), style=Style(link=one.source))  # the whole address is the link
        table.add_row(str(place), Text(one.entry), number(one.score), *map(Text, settings), source)
    out.print(table)
    if board.difference:
        out.print(board.difference, markup=False, soft_wrap=True)


def _short_address(address: str) -> str:
    """Return where an address leads, as short as it still says something.

    Examples
    --------
    >>> _short_address("https://github.com/someone/code/blob/0123abc/nbs/result.ipynb"), _short_address("https://a.org/b")
    ('github.com/someone/.../result.ipynb', 'a.org/b')
    """
    parts = address.partition("://")[2].split("/")
    return "/".join(parts if len(parts) < 4 else [*parts[:2], "...", parts[-1]])


def set_name(on: str) -> str:
    """Return what the ranked set is called in a sentence."""
    return "the labelled validation set" if on == "valid" else "out-of-fold rows"


def _table(board: Board, entries: Sequence[Mapping[str, Any]], width: int) -> Table:
    has_valid = any(entry["scores"][board.metric]["valid"] is not None for entry in entries)
    other = "oof" if board.on == "valid" else "valid" if has_valid else None
    room = width - (86 if any(entry.get("seeds") for entry in entries) else 72)
    extra = [name for name in board.metrics if name != board.metric][: max(0, room // 14)]
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("#", justify="right")
    # numbers are not cut; names that are not very long stay whole, and marks wrap
    longest = max((len(shown_name(entry)) for entry in entries), default=0)
    table.add_column("strategy", no_wrap=longest <= 26, overflow="fold", min_width=18)
    table.add_column(f"{board.metric}\n{board.on}", justify="right", no_wrap=True)
    if other:
        table.add_column(f"{board.metric}\n{other}", justify="right", no_wrap=True)
    table.add_column("± s.e.\nfolds", justify="right", no_wrap=True)
    sent = any(entry.get("public_score") is not None for entry in entries)
    if sent:
        table.add_column("public\nsite", justify="right", no_wrap=True)
    for name in extra:
        short = name.rpartition(".")[2]  # a plugin's name in front says little here
        table.add_column(short.replace("_", "\n", 1) if len(short) > 12 else short, justify="right", min_width=6)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("")
    marked = bool(_tied(board))
    for entry in entries:
        score = entry["scores"][board.metric]
        cells = [
            Text(str(entry["rank"]) + _tie_mark(entry, marked)),
            Text(shown_name(entry)),
            Text(number(score_of(entry, board.metric, board.on))),
        ]
        cells += [Text(number(score[other]))] if other else []
        cells += [Text(number(score["stderr"]))]
        cells += [Text(number(entry.get("public_score")))] if sent else []
        cells += [Text(number(score_of(entry, name, board.on))) for name in extra]
        cells += [Text(duration(entry["seconds"])), Text(_flags(entry, board), style="yellow")]
        table.add_row(*cells, style=_style(entry))
    return table


def _tied(board: Board) -> list[str]:
    compared = [entry["tie"] for entry in board.entries if entry.get("tie")]
    if board.ties is None or sum(tie["tied"] for tie in compared) < 2:
        return []
    alpha, counted = board.ties["alpha"], board.ties["counted"]
    return [f"= tied with the best (p >= {alpha}, corrected for {counted} entries; more: --ties)"]


def _tie_mark(entry: Mapping[str, Any], marked: bool) -> str:
    if not marked:
        return ""
    return "=" if entry["tie"] and entry["tie"]["tied"] else " "  # ranks stay below each other


def shown_name(entry: Mapping[str, Any]) -> str:
    """Return an entry's name fit for a terminal, with its seed unless that is the first."""
    seeded = entry["seed"] not in (0, None)
    return one_line(f"{entry['name']} (seed {entry['seed']})" if seeded else str(entry["name"]))


def _flags(entry: Mapping[str, Any], board: Board) -> str:
    names = ["baseline"] if entry["baseline"] else []
    seeds = entry.get("seeds")  # a tracking server does not tell
    if seeds and seeds["mean"][board.metric][board.on] is not None:
        mean, spread = seeds["mean"][board.metric][board.on], seeds["std"][board.metric][board.on]
        names.append(f"seeds {mean:.4g} ± {spread:.2g}")
    return ", ".join([*names, *(SHORT.get(flag, flag) for flag in entry["flags"])])


def _style(entry: Mapping[str, Any]) -> str:
    if entry["baseline"]:
        return "cyan"
    if entry["rank"] == 1:
        return "bold green"
    return "dim" if NOT_BETTER in entry["flags"] else ""


def _pooled(board: Board) -> list[str]:
    """Explain a constant that ranks worse than chance: its value differs between folds, which are scored together."""
    if board.metric != "roc_auc" or board.on != "oof":
        return []
    scores = {entry["name"]: score_of(entry, board.metric, board.on) for entry in board.entries if entry["baseline"]}
    below = [escape(one_line(name)) for name, score in scores.items() if score < 0.5]
    told = "its constant differs a little from fold to fold, and all folds are scored together"
    return [f"note: {name}: roc_auc below 0.5 is chance: {told}" for name in below]


def _notes(board: Board) -> list[str]:
    info = board.data.get("info", {})
    lines = [f"note: {escape(one_line(note))}" for note in info.get("notes", ())]
    if info.get("simulated"):
        lines.insert(0, "SIMULATED DATA: these scores say nothing about the real task")
    lines += _pooled(board)
    if board.others:
        noun = "run" if board.others == 1 else "runs"
        lines.append(f"{board.others} finished {noun} on other data, splits or settings: not comparable, not shown")
        lines += [f"  theirs: --data {escape(one_line(name))}" for name in board.other_data[:OTHERS]]
        if len(board.other_data) > OTHERS or not board.other_data:
            lines.append("  theirs: --run RUN, the id of one of them")
    return lines


def number(value: float | None) -> str:
    """Format a score: four significant decimals, ``-`` where there is none.

    Examples
    --------
    >>> number(0.45678), number(26.5732), number(None), number(1234567.0)
    ('0.4568', '26.573', '-', '1.235e+06')
    """
    if value is None or math.isnan(value):
        return "-"
    size = abs(value)
    if size >= 1e5:
        return f"{value:.3e}"
    return f"{value:.{4 if size < 10 else 3 if size < 100 else 2}f}"


def duration(seconds: float | None) -> str:
    """Format a time.

    Examples
    --------
    >>> duration(3.21), duration(75), duration(7260), duration(None)
    ('3.2 s', '1 min 15 s', '2 h 01 min', '-')
    """
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
