"""Sections of other files in a page of the documentation, with their links turned to where they lie now."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from markdown.extensions.toc import slugify

INCLUDE = re.compile(r"^<!-- include: ([^\s#]+)(?:#(\S+))? -->$")
HEADING = re.compile(r"^(#{1,6}) (.+)$")
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]+)\)")


PICTURES = "elsewhere"
"""Folder of the site for pictures that lie outside ``docs``, each at its path in the repository."""


class Places(dict[tuple[str, str], str]):
    """Pages by what they include: ``("README.md", "limits") -> "index.md#limits"``; a whole file has no anchor."""


def lines_of(text: str) -> Iterator[tuple[str, bool]]:
    """Yield each line and whether it is prose: not in a fenced or indented block of code."""
    fence = ""
    for line in text.splitlines():
        mark = re.match(r" *(`{3,}|~{3,})", line)
        if mark and (not fence or line.strip() == fence):
            fence = "" if fence else mark[1]
            yield line, False
            continue
        yield line, not fence and not line.startswith("    ")


def slug(heading: str) -> str:
    """Return the anchor of a heading."""
    return slugify(re.sub(r"`|\[([^\]]*)\]\([^)]*\)", r"\1", heading), "-")


def headings(text: str) -> list[tuple[int, str]]:
    """Return level and anchor of every heading, in order."""
    found = [HEADING.match(line) for line, prose in lines_of(text) if prose]
    return [(len(head[1]), slug(head[2])) for head in found if head]


def section(text: str, anchor: str, where: str) -> str:
    """Return a section with its heading, up to the next heading of its level or above.

    Raises
    ------
    KeyError
        If no heading has this anchor.
    """
    level, kept = 0, []
    for line, prose in lines_of(text):
        head = HEADING.match(line) if prose else None
        if head and level and len(head[1]) <= level:
            break
        if head and not level and slug(head[2]) == anchor:
            level = len(head[1])
        if level:
            kept.append(line)
    if not level:
        raise KeyError(f"{where} has no heading #{anchor}; it has {[name for _, name in headings(text)]}")
    return "\n".join(kept)


def shift(text: str, by: int) -> str:
    """Move every heading down by some levels (up, if negative)."""
    moved = []
    for line, prose in lines_of(text):
        head = HEADING.match(line) if prose else None
        moved.append(f"{'#' * max(1, min(6, len(head[1]) + by))} {head[2]}" if head else line)
    return "\n".join(moved)


def _asked(text: str) -> Iterator[tuple[str, str]]:
    for line, prose in lines_of(text):
        found = INCLUDE.match(line) if prose else None
        if found:
            yield found[1], found[2] or ""


def places_of(pages: Mapping[str, str], root: Path) -> Places:
    """Find which page includes which file or section; a section may lie in one page only."""
    places = Places({("README.md", ""): "index.md"})
    for uri, text in sorted(pages.items()):
        for path, anchor in _asked(text):
            kept = (root / path).read_text(encoding="utf-8")
            kept = section(kept, anchor, path) if anchor else kept
            first = not any(level == 1 for level, _ in headings(text))
            for number, (_, name) in enumerate(headings(kept)):
                places[path, name] = uri if number == 0 and first else f"{uri}#{name}"
            if not anchor:
                places[path, ""] = places[path, headings(kept)[0][1]]
    return places


def pictures_of(pages: Mapping[str, str], root: Path) -> list[str]:
    """Return the paths of the pictures in included files that lie outside ``docs``."""
    found = set()
    for text in pages.values():
        for path, _ in _asked(text):
            for picture, _, target in LINK.findall((root / path).read_text(encoding="utf-8")):
                place = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
                if picture and not place.startswith("docs/") and (root / place).is_file():
                    found.add(place)
    return sorted(found)


def include(markdown: str, uri: str, places: Places, root: Path) -> str:
    """Replace every request by the text, one level below the heading that it stands under."""
    out, above = [], 0
    for line, prose in lines_of(markdown):
        head, found = (HEADING.match(line), INCLUDE.match(line)) if prose else (None, None)
        above = len(head[1]) if head else above
        if not found:
            out.append(line)
            continue
        path, anchor = found[1], found[2] or ""
        text = (root / path).read_text(encoding="utf-8")
        text = section(text, anchor, path) if anchor else text
        text = turn_links(text, Path(path), uri, places, root)
        out.append(shift(text, above + 1 - headings(text)[0][0]))
    return "\n".join(out)


def turn_links(text: str, source: Path, uri: str, places: Places, root: Path) -> str:
    """Turn relative links of a file of the repository to pages; those to files that no page holds become text.

    A link to nothing stays as it is, so that the build complains.
    """

    def turned(found: re.Match[str]) -> str:
        picture, label, target = found.groups()
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target) or (not path and source.parts[0] == "docs"):
            return found[0]
        place = posixpath.normpath(posixpath.join(source.parent.as_posix(), path)) if path else source.as_posix()
        page = f"{PICTURES}/{place}" if picture and not place.startswith("docs/") else _page(place, anchor, places)
        if page is None or (picture and not (root / place).exists()):
            return label if (root / place).exists() else found[0]
        return f"{picture}[{label}]({_relative(page, uri)})"

    return "\n".join(LINK.sub(turned, line) if prose else line for line, prose in lines_of(text))


def _page(place: str, anchor: str, places: Places) -> str | None:
    if place.startswith("docs/"):
        return place.removeprefix("docs/") + (f"#{anchor}" if anchor else "")
    return places.get((place, anchor)) or places.get((f"{place}/README.md", anchor)) or places.get((place, ""))


def _relative(page: str, uri: str) -> str:
    path, mark, anchor = page.partition("#")
    return posixpath.relpath(path, posixpath.dirname(uri) or ".") + mark + anchor
