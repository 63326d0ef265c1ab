"""The built-in page of a run: its leaderboard, scores, notes and figures in one HTML file that needs no network."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from harness.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from harness.competition import Competition
    from harness.results import RunResult, Shown

STYLE = """
:root { color-scheme: light dark; --ink: #1f2430; --pale: #667085; --line: #e4e7ec; --page: #fbfbfa; --card: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaf0; --pale: #98a2b3; --line: #343a46; --page: #14171d; --card: #1c2028; }
}
body { margin: 0 auto; max-width: 68rem; padding: 2rem 1rem 4rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2.5rem 0 .75rem; }
p { margin: .25rem 0; color: var(--pale); } .loud { color: #b42318; font-weight: 600; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .35rem .7rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { font-weight: 500; color: var(--pale); } th:nth-child(2), td:nth-child(2) { text-align: left; }
tr.here td { font-weight: 600; } figure { margin: 0; } figcaption { color: var(--pale); font-size: .9rem; }
.figures { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 28rem), 1fr)); }
a { color: inherit; } img { width: 100%; background: #fff; border: 1px solid var(--line); border-radius: 8px; }
"""


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


def _page(competition: Competition, shown: Shown, result: RunResult, sections: Sequence[Section]) -> Iterable[str]:
    title = escape(f"{competition.title} · {result.run.label}")
    yield '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield (
        '<meta http-equiv="Content-Security-Policy"'
        " content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
    )
    style = "".join((STYLE, *dict.fromkeys(section.style for section in sections)))
    yield f"<title>{title}</title>\n<style>{style}</style>\n<h1>{escape(competition.title)}</h1>"
    yield f"<p>{escape(result.run.label)} · run {escape(result.run.run_id)}</p>"
    if "simulated" in result.marks:
        yield '<p class="loud">Simulated data: these scores say nothing about the real task.</p>'
    yield "<h2>Leaderboard</h2>"
    yield from _board(shown.board, result.run.run_id)
    if shown.board.get("published"):
        yield "<h2>Published</h2>"
        yield from _published(shown.board["published"], str(shown.board.get("difference", "")))
    if result.notes:
        yield "<h2>Notes</h2>"
        yield from (f"<p>{escape(note)}</p>" for note in result.notes)
    for section in sections:
        yield f"<section>\n<h2>{escape(section.title)}</h2>\n{section.body}\n</section>"
    figures = sorted((result.run.directory / "figures").glob("*.png"))
    if figures:
        yield '<h2>Figures</h2>\n<div class="figures">'
        yield from (_figure(figure) for figure in figures)
        yield "</div>"
    yield "</html>"


def _board(board: Mapping[str, Any], here: str) -> Iterable[str]:
    metrics = board["metrics"]
    heads = "".join(f"<th>{escape(head)}</th>" for head in ("#", "strategy", *metrics))
    yield f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>'
    for entry in board["entries"]:
        values = [entry["scores"][metric]["valid" if board["on"] == "valid" else "oof"] for metric in metrics]
        cells = [str(entry["rank"]), _named(entry, board), *("-" if v is None else f"{v:.4g}" for v in values)]
        row = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        yield f'<tr class="here">{row}</tr>' if entry["run_id"] == here else f"<tr>{row}</tr>"
    ranked = "the labelled validation set" if board["on"] == "valid" else "out-of-fold rows"
    yield f"</tbody></table></div>\n<p>Ranked by {escape(board['metric'])} on {ranked}.</p>"


def _named(entry: Mapping[str, Any], board: Mapping[str, Any]) -> str:
    """Return a line's name, with its seed unless that is 0; of a mean over seeds with how the single scores lie."""
    seeds, metric, on = entry.get("seeds"), board["metric"], board["on"]
    if not seeds or seeds["mean"][metric][on] is None:
        return f"{entry['name']} (seed {entry['seed']})" if entry.get("seed") else str(entry["name"])
    return f"{entry['name']}: seeds {seeds['mean'][metric][on]:.4g} ± {seeds['std'][metric][on]:.2g}"


def _published(results: Sequence[Mapping[str, Any]], difference: str) -> Iterable[str]:
    names = list(dict.fromkeys(name for one in results for name in one["setting"]))
    heads = "".join(f"<th>{escape(head)}</th>" for head in ("#", "entry", results[0]["metric"], *names))
    yield f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>'
    for one in results:
        link = f'<a href="{escape(one["source"])}" rel="noreferrer">{escape(one["entry"])}</a>'
        cells = [f"{one['score']:.4g}", *(str(one["setting"].get(name, "-")) for name in names)]
        row = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        yield f"<tr><td>{one['rank']}</td><td>{link}</td>{row}</tr>"
    yield "</tbody></table></div>\n<p>Results of others, in their own settings.</p>"
    if difference:
        yield f"<p>{escape(difference)}</p>"


def _figure(path: Path) -> str:
    import base64

    name = escape(path.stem.replace("_", " "))
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<figure><img alt="{name}" src="data:image/png;base64,{data}"><figcaption>{name}</figcaption></figure>'
