"""How pages are put together: sections of other files, links that are turned, a build that refuses a broken one."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

pytest.importorskip("mkdocs", reason="the extra 'docs' is not installed")
ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "docs"))

from commands_page import cell, commands_page  # noqa: E402
from includes import Places, headings, include, pictures_of, places_of, section, shift, slug, turn_links  # noqa: E402
from keys_page import keys_page  # noqa: E402
from offers_page import offers_page, toml, words  # noqa: E402

from harness.cli.app import COMMANDS  # noqa: E402

README = "# Top\nlead\n## One\na\n```\n## no heading\n```\n### Inner\nb\n## Two, `x`?\nc\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "docs/guide").mkdir(parents=True)
    (tmp_path / "plugins/a").mkdir(parents=True)
    (tmp_path / "code.py").touch()
    (tmp_path / "README.md").write_text(README)
    (tmp_path / "plugins/a/README.md").write_text(
        "# a\nSee [top](../../README.md) and [inner](../../README.md#inner).\n"
    )
    return tmp_path


def all_pages() -> dict[str, str]:
    return {str(path.relative_to(ROOT / "docs")): path.read_text("utf-8") for path in ROOT.glob("docs/**/*.md")}


# sections -----------------------------------------------------------------------------------------------------------


def test_a_section_ends_at_the_next_heading_of_its_level():
    assert section(README, "one", "x") == "## One\na\n```\n## no heading\n```\n### Inner\nb"
    assert section(README, "inner", "x") == "### Inner\nb"
    assert section(README, "two-x", "x") == "## Two, `x`?\nc"
    with pytest.raises(KeyError, match="no heading #three"):
        section(README, "three", "x")


def test_headings_are_moved_but_not_those_in_code():
    assert headings(README) == [(1, "top"), (2, "one"), (3, "inner"), (2, "two-x")]
    assert headings(shift(README, 2)) == [(3, "top"), (4, "one"), (5, "inner"), (4, "two-x")]
    assert "\n## no heading\n" in shift(README, 2)
    assert headings(shift("## a\n", -4)) == [(1, "a")]


def test_an_anchor_is_that_of_the_words():
    assert slug("A team: one `MLflow` server, [several](x) machines") == "a-team-one-mlflow-server-several-machines"


def test_a_section_comes_one_level_below_the_heading_before_it(repository):
    pages = {
        "guide/one.md": "# Page\n## Part\n<!-- include: README.md#one -->",
        "two.md": "<!-- include: README.md#two-x -->",
    }
    places = places_of(pages, repository)
    assert headings(include(pages["guide/one.md"], "guide/one.md", places, repository)) == [
        (1, "page"),
        (2, "part"),
        (3, "one"),
        (4, "inner"),
    ]
    assert include(pages["two.md"], "two.md", places, repository) == "# Two, `x`?\nc"


# links --------------------------------------------------------------------------------------------------------------


def test_links_go_to_the_page_that_holds_the_section(repository):
    pages = {"guide/one.md": "# Page\n<!-- include: README.md#one -->", "a.md": "<!-- include: plugins/a/README.md -->"}
    places = places_of(pages, repository)
    assert places["README.md", "inner"] == "guide/one.md#inner"
    assert places["plugins/a/README.md", ""] == "a.md"
    assert include(pages["a.md"], "a.md", places, repository) == (
        "# a\nSee [top](index.md) and [inner](guide/one.md#inner)."
    )


@pytest.mark.parametrize(
    ("link", "turned"),
    [
        ("[a](plugins/a)", "[a](../a.md)"),
        ("[code](code.py)", "code"),
        ("[web](https://example.org/code.py)", "[web](https://example.org/code.py)"),
        ("[page](docs/guide/one.md#x)", "[page](one.md#x)"),
        ("![p](docs/guide/p.png)", "![p](p.png)"),
        ("![p](plugins/a/p.png)", "![p](../elsewhere/plugins/a/p.png)"),
        ("![p](missing.png)", "![p](missing.png)"),
        ("[nothing](nothing.md)", "[nothing](nothing.md)"),
        ("    [code](code.py)", "    [code](code.py)"),
    ],
)
def test_a_link_is_turned(link, turned, repository):
    places = Places({("plugins/a/README.md", ""): "a.md"})
    for path in ("docs/guide/p.png", "plugins/a/p.png"):
        (repository / path).touch()
    assert turn_links(link, Path("README.md"), "guide/one.md", places, repository) == turned


def test_pictures_of_included_files_are_brought(repository):
    (repository / "plugins/a/p.png").touch()
    (repository / "plugins/a/README.md").write_text("# a\n![p](p.png) ![q](missing.png) ![r](../../docs/r.png)\n")
    assert pictures_of({"a.md": "<!-- include: plugins/a/README.md -->"}, repository) == ["plugins/a/p.png"]


# what is made from the code -----------------------------------------------------------------------------------------


def test_every_command_and_option_has_its_place():
    page = commands_page()
    for name in COMMANDS:
        assert f"### harness {name}" in page
    assert "| `--data VARIANT|PATH` | A variant of the data, or a folder or file. |" in page


def test_every_table_of_the_file_has_its_place():
    page = keys_page()
    for name in ("[data]", "[data.variants.NAME]", "[defaults] and [strategies.NAME]", "[strategies.NAME.resources]"):
        assert f"\n## {name}\n" in page
    assert '| `on` | `"oof"` or `"valid"` | `"oof"` | `oof` or `valid`. |' in page
    assert "| `title` | text | *needed* | One line for people. |" in page


def test_every_parameter_of_an_offer_has_its_line():
    page = offers_page("imbalance")
    assert "### imbalance.catboost\n" in page
    assert "\n| `depth` | integer, ≥ 1, ≤ 16 | `6` |" in page
    assert "imbalance." not in offers_page("builtin")
    with pytest.raises(KeyError, match="no plugin 'weather'"):
        offers_page("weather")


def test_values_are_written_as_in_toml():
    assert [toml(value) for value in (True, 1.5, "a", (1, "b"), {}, {"a": 1})] == [
        *("true", "1.5", '"a"', '[1, "b"]', "{}", "{ a = 1 }"),
    ]
    assert words({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "number"}}]}) == (
        "text or list of number"
    )
    assert cell("a|b\n<c>") == "a\\|b &lt;c>"


# the pages that are here --------------------------------------------------------------------------------------------


def test_every_readme_and_every_plugin_has_its_page():
    places = places_of(all_pages(), ROOT)
    for path in [*ROOT.glob("plugins/*/README.md"), *ROOT.glob("competitions/*/README.md")]:
        assert (str(path.relative_to(ROOT)), "") in places, path
    for path in ROOT.glob("plugins/*/pyproject.toml"):
        assert f"<!-- made: offers {path.parent.name} -->" in all_pages()[f"reference/offers/{path.parent.name}.md"]


def test_every_section_of_the_readme_for_readers_has_its_page():
    places = places_of(all_pages(), ROOT)
    parts = [name for level, name in headings((ROOT / "README.md").read_text("utf-8")) if level == 2]
    assert [name for name in parts if ("README.md", name) not in places] == []


# the build ----------------------------------------------------------------------------------------------------------


def build(folder: Path, text: str, caplog) -> list[str]:
    """Build a page with the project's own settings; return the warnings."""
    from mkdocs.commands.build import build as run
    from mkdocs.config import load_config

    (folder / "docs").mkdir()
    (folder / "docs/index.md").write_text(text)
    given = {"docs_dir": str(folder / "docs"), "site_dir": str(folder / "site"), "nav": [{"Home": "index.md"}]}
    with caplog.at_level(logging.WARNING, logger="mkdocs"):
        run(load_config(str(ROOT / "mkdocs.yml"), extra_css=[], **given))
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setenv("NO_MKDOCS_2_WARNING", "1")


def test_a_page_is_built_and_asks_nothing_of_another_server(tmp_path, caplog):
    text = "# Home\n<!-- include: README.md#limits -->\n<!-- made: offers builtin -->\n\n[here](#limits)\n"
    assert build(tmp_path, text, caplog) == []
    page = (tmp_path / "site/index.html").read_text("utf-8")
    assert 'id="log_loss"' in page
    assert "fonts.googleapis" not in page
    assert [part for part in page.split("<script")[1:] if 'src="http' in part.split(">")[0]] == []


@pytest.mark.parametrize("link", ["[x](missing.md)", "[x](#missing)", "[x](index.md#missing)", "![x](missing.png)"])
def test_a_broken_link_is_told(link, tmp_path, caplog):
    (warning,) = build(tmp_path, f"# Home\n\n{link}\n", caplog)
    assert "missing" in warning


def test_every_page_has_one_title():
    pages = all_pages()
    places = places_of(pages, ROOT)
    titles = {page: [level for level, _ in headings(include(text, page, places, ROOT))] for page, text in pages.items()}
    assert [page for page, levels in titles.items() if levels[0] != 1 or levels.count(1) > 1] == []


def test_the_first_block_of_the_command_line_fits_its_page():
    block = section((ROOT / "README.md").read_text("utf-8"), "use", "README.md").split("```")[1]
    assert [line for line in block.splitlines() if len(line) > 87] == []
