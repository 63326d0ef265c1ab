"""The built-in page as a person opens it: at once, without a request, on a phone, in the dark, by keyboard."""

import itertools
import time

import pytest

LOOKS = {"wide": {}, "dark": {"color_scheme": "dark"}, "phone": {"viewport": {"width": 360, "height": 740}}}


def seconds_to_open(page, address):
    started = time.perf_counter()
    page.goto(address)
    return time.perf_counter() - started


@pytest.mark.drawn
def test_the_page_opens_without_a_request_and_axe_finds_nothing(browser, harness, workspace):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    assert harness("run", "toy", "--no-tracking").code in (0, 3)
    assert harness("check", "toy").code == 0
    assert harness("report", "toy").code == 0
    file = workspace / "reports/toy.html"
    assert file.stat().st_size < 5e6
    for name, look in LOOKS.items():
        context = browser.new_context(**look)
        page, asked, said = context.new_page(), [], []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.on("console", lambda message, said=said: said.append(message.text))
        assert min(seconds_to_open(page, file.as_uri()) for _ in range(3)) < 2, name
        found = axe.Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], name
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
        assert said == []
        if name == "phone":
            assert page.evaluate("document.documentElement.scrollWidth") <= 360
            pictures = page.locator(".phone svg")
            assert pictures.count() == 2  # the board and its folds are drawn for this width, with text that can be read
            assert page.evaluate("[...document.querySelectorAll('.wide')].every(one => !one.offsetParent)")
            wide = "[...document.querySelectorAll('.phone .scroll')].map(one => one.scrollWidth - one.clientWidth)"
            assert max(page.evaluate(wide)) <= 1
            sizes = "[...document.querySelectorAll('.phone text')].map(one => one.getBoundingClientRect().height)"
            assert min(page.evaluate(sizes)) > 11
            score = page.locator("table tbody tr").first.locator("td").nth(1).bounding_box()
            assert score["x"] + score["width"] <= 360
        else:
            table = page.get_by_role("region", name="Entries with every metric")
            assert table.evaluate("one => one.scrollWidth <= one.clientWidth + 1")
        context.close()


@pytest.mark.drawn
def test_the_keyboard_reaches_the_content_and_every_table(browser, harness, workspace):
    assert harness("run", "toy", "-s", "near", "--no-tracking").code == 0
    assert harness("report", "toy").code == 0
    page = browser.new_page()
    page.goto((workspace / "reports/toy.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    tables = page.locator("table").count()
    assert tables >= 2
    assert page.locator('[role="region"][tabindex="0"] table').count() == tables
    links = page.locator("nav a")
    heads = page.locator("main h2")
    assert links.all_inner_texts() == heads.all_inner_texts()
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(e => +e.tagName[1])")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
