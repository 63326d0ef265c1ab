"""MkDocs calls these: texts of the repository are put into pages, what the code knows is written, links are turned.

A page says ``<!-- include: README.md#tune-a-strategy -->`` for a section (or a whole file) that is kept elsewhere, and
``<!-- made: commands -->`` for what is made from the code.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from commands_page import commands_page
from includes import PICTURES, Places, include, pictures_of, places_of, turn_links
from keys_page import keys_page
from offers_page import offers_page

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
MADE = re.compile(r"^<!-- made: (\w+)(?: (\w+))? -->$", flags=re.MULTILINE)
MAKERS = {"commands": commands_page, "keys": keys_page, "offers": offers_page}
_places = Places({})


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Learn which page holds which file or section of the repository, and bring the pictures of these."""
    from mkdocs.structure.files import File

    texts = {file.src_uri: file.content_string for file in files.documentation_pages()}
    _places.update(places_of(texts, ROOT))
    for path in pictures_of(texts, ROOT):
        files.append(File.generated(config, f"{PICTURES}/{path}", abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put in what is kept elsewhere, and what is made."""
    del config, files
    uri = page.file.src_uri
    text = turn_links(markdown, Path("docs", uri), uri, _places, ROOT)
    text = include(text, uri, _places, ROOT)
    return MADE.sub(lambda found: MAKERS[found[1]](*filter(None, [found[2]])), text)
