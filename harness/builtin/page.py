"""The built-in page of a run: its leaderboard, scores, notes and figures in one HTML file that needs no network."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from harness.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from harness.competition import Competition
    from harness.results import RunResult, Shown

MOST_BYTES = 3_200_000
"""Of pictures; a third more as text."""


@dataclass(frozen=True)
class Section:
    """A part of the page that a plugin adds, between the notes and the figures.

    Attributes
    ----------
    title : str
        Plain text.
    body : str
        HTML; whatever stands in it is escaped already. Inline SVG may use the page's colours (``var(--ink)``), which
        follow the reader's light or dark screen.
    style : str
        CSS rules for it.
    """

    title: str
    body: str
    style: str = ""


@hookimpl
def harness_write_page(competition: Competition, shown: Shown, path: Path) -> list[str] | None:
    if shown.result is None:
        return None
    write(competition, shown, shown.result, path)
    return []


def write(
    competition: Competition, shown: Shown, result: RunResult, path: Path, sections: Sequence[Section] = ()
) -> None:
    """Write the page of a run, with the sections that a plugin adds; the file is whole or absent."""
    from harness.files import atomic_write

    page = "\n".join(_page(competition, shown, result, sections))
    with atomic_write(path) as file:
        file.write(page.encode())


def _page(competition: Competition, shown: Shown, result: RunResult, sections: Sequence[Section]) -> Iterator[str]:
    from harness.builtin._page.board import headline
    from harness.builtin._page.style import STYLE

    title = escape(f"{competition.title} · {result.run.label}")
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield (
        '<meta http-equiv="Content-Security-Policy"'
        " content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
    )
    style = "".join((STYLE, *dict.fromkeys(section.style for section in sections)))
    yield f"<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>"
    yield '<a class="skip" href="#main">To the content</a>'
    yield f"<header>\n<h1>{escape(competition.title)}</h1>"
    if "simulated" in result.marks:
        yield '<p class="loud">Simulated data: these scores say nothing about the real task.</p>'
    yield f'<p class="lead">{escape(headline(shown.board))}</p>'
    variant = shown.dataset.info.variant if shown.dataset is not None else ""
    of = f"This page is of {result.run.label}, run {result.run.run_id}" + (f", data: {variant}" if variant else "")
    yield f"<p>{escape(of)}.</p>"
    parts = list(_sections(competition, shown, result, sections))
    ids = [f"s{number}" for number in range(len(parts))]
    links = "".join(f'<li><a href="#{id_}">{escape(part.title)}</a></li>' for id_, part in zip(ids, parts, strict=True))
    yield f'<nav aria-label="Contents"><ul>{links}</ul></nav>\n</header>\n<main id="main">'
    for id_, part in zip(ids, parts, strict=True):
        yield f'<section aria-labelledby="{id_}">\n<h2 id="{id_}">{escape(part.title)}</h2>\n{part.body}\n</section>'
    yield "</main>\n</body>\n</html>"


def _sections(
    competition: Competition, shown: Shown, result: RunResult, sections: Sequence[Section]
) -> Iterator[Section]:
    from harness.builtin._page import board, facts, folds
    from harness.builtin._page.html import for_screens

    here, layouts = result.run.run_id, (board.WIDE, board.PHONE)
    lines = [
        for_screens(*(board.forest(shown.board, here, at) for at in layouts)),
        board.board_table(shown.board, here),
        board.about_ties(shown.board),
    ]
    lines += [f"<p>{escape(note)}</p>" for note in result.notes]
    yield Section("Leaderboard", "\n".join(filter(None, lines)))
    spread = for_screens(*(folds.folds(shown.board, at) for at in layouts))
    if spread:
        yield Section("Folds", spread)
    if shown.board.get("published"):
        yield Section("Published", "\n".join(board.published(shown.board)))
    yield from sections
    yield from _looked(shown, result)
    figures = sorted((result.run.directory / "figures").glob("*.png"))
    if figures:
        yield Section("Figures", "\n".join(_figures(figures)))
    setting = (shown.provenance or {}).get("setting", {})
    if shown.dataset is not None:
        yield Section("Data", "\n".join(facts.data_card(competition, shown.dataset, shown.card, setting)))
    yield Section("Environment", facts.environment(result, shown.provenance))
    yield Section("Reproduce", facts.commands(competition, result, setting, shown.command))


def _looked(shown: Shown, result: RunResult) -> Iterator[Section]:
    """Write what the predictions of the run show: how true they are, where they go wrong."""
    if shown.dataset is None:
        return
    from harness.builtin._page.calibration import calibration
    from harness.builtin._page.errors import errors
    from harness.builtin._page.rows import rows_of

    on = "valid" if shown.board.get("on") == "valid" and result.valid is not None else "oof"
    scored = result.valid if on == "valid" and result.valid is not None else result.oof
    rows = rows_of(scored, shown.dataset, on)
    if rows is None or not len(scored.targets):
        return
    where = "the labelled validation set" if on == "valid" else "out-of-fold rows"
    count, counted = len(scored.targets), len(rows.scored.targets)
    rest = f", of which {counted:,} count in the score" if counted < count else ""
    of = f"<p>{escape(result.run.label)} on {where}, {count:,} rows{rest}.</p>"
    drawn = calibration(scored, shown.dataset.info.shown_classes)
    if drawn:
        yield Section("Calibration", of + drawn)
    yield Section("Errors", of + "\n".join(filter(None, errors(rows))))


def _figures(paths: Sequence[Path]) -> Iterator[str]:
    """Embed pictures, the first ones, until the page would be too large to be sent around."""
    import base64

    left, dropped = MOST_BYTES, []
    yield '<div class="figures">'
    for path in paths:
        content = path.read_bytes()
        left -= len(content)
        if left < 0:
            dropped.append(path.name)
            continue
        name = escape(path.stem.replace("_", " ").replace("-", " "))
        data = base64.b64encode(content).decode()
        image = f'<img alt="Figure: {name}" src="data:image/png;base64,{data}">'
        yield f"<figure>{image}<figcaption>{name}</figcaption></figure>"
    yield "</div>"
    if dropped:
        names = ", ".join(dropped)
        yield f"<p>Left out, since the page would be too large: {escape(names)}; they are in the run's folder.</p>"
