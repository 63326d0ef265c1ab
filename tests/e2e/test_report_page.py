"""``harness report``: one page of a run that needs no network."""

import re

import pytest


@pytest.mark.drawn
def test_the_page_shows_the_board_the_notes_and_the_figures(harness, workspace, competitions):
    assert harness("run", "toy", "-s", "near*", "--no-tracking").code == 0
    done = harness("report", "toy")
    assert done.code == 0, done.err
    page = (workspace / "reports/toy.html").read_text()
    board = harness("leaderboard", "toy", "--json").json["entries"]
    for entry in board:
        assert re.search(rf'<th scope="row"[^>]*>(<span class="base">)?{entry["name"]}<', page)
    assert len(re.findall(r'<tr class="here">', page)) == 1
    assert board[0]["name"] in page.split('<tr class="here">')[1][:200]
    assert page.count('src="data:image/png;base64,') >= 2
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    assert f"harness --competitions {competitions} run toy -s {board[0]['strategy']}" in page


def test_a_run_can_be_named_and_must_be_of_the_competition(harness, workspace):
    assert harness("run", "toy", "-s", "near*", "--no-tracking").code == 0
    last = harness("leaderboard", "toy", "--json").json["entries"][-1]
    assert harness("report", "toy", "--run", last["run_id"], "--output", str(workspace / "a/b.html")).code == 0
    assert last["run_id"] in (workspace / "a/b.html").read_text()
    done = harness("report", "toy", "--run", "nobody")
    assert done.code == 2
    assert "no finished run 'nobody'" in done.err


def test_the_page_of_a_run_shows_the_board_of_its_own_data(harness, workspace):
    assert harness("run", "toy", "-s", "near*", "--no-tracking").code == 0
    first = harness("leaderboard", "toy", "--json").json["entries"]
    assert harness("run", "toy", "-s", "sharp", "--folds", "2", "--no-tracking").code == 0
    page = workspace / "one.html"
    done = harness("report", "toy", "--run", first[-1]["run_id"], "--output", str(page))
    assert done.code == 0, done.err
    assert all(f">{entry['name']}<" in page.read_text() for entry in first)
    assert ">sharp<" not in page.read_text()
    assert "sharp" in [entry["name"] for entry in harness("leaderboard", "toy", "--json").json["entries"]]
    again = harness("leaderboard", "toy", "--run", first[-1]["run_id"], "--json").json["entries"]
    assert [entry["run_id"] for entry in again] == [entry["run_id"] for entry in first]


def test_what_cannot_be_shown_is_told(harness, workspace):
    done = harness("report", "toy")
    assert done.code == 2
    assert "no finished run of toy; run: " in done.err
    assert done.err.endswith(" run toy\n")
    file = workspace / "p.csv"
    file.write_text("id,p\n1,2\n")
    done = harness("report", "toy", "--predictions", str(file))
    assert done.code == 2
    assert "no plugin shows a bare file of predictions of toy" in done.err
    assert not (workspace / "reports/toy.html").exists()
    done = harness("report", "toy", "--predictions", str(file), "--run", "x")
    assert "one or the other" in done.err


def test_hostile_text_is_escaped(harness, competitions, workspace):
    toml = competitions / "toy/competition.toml"
    toml.write_text(re.sub(r'title = ".*"', "title = '<script>alert(1)</script>'", toml.read_text()))
    assert harness("run", "toy", "-s", "near*", "--no-tracking").code == 0
    assert harness("report", "toy").code == 0
    page = (workspace / "reports/toy.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_competitions_own_plugin_is_asked_first_and_may_read_the_models(harness, competitions, workspace):
    with (competitions / "toy/plugin.py").open("a") as file:
        file.write(
            "\n\n@hookimpl\ndef harness_write_page(shown, path):\n"
            "    if shown.result is None:\n        return None\n"
            "    folds = shown.fitted()\n"
            "    rows = folds[0].transform(shown.dataset.train)\n"
            "    path.write_text('own page')\n"
            "    return [f'{len(folds)} models, {len(folds[0].model.predict(rows).ids)} rows']\n"
        )
    assert harness("run", "toy", "-s", "near", "--no-tracking").code == 0
    done = harness("report", "toy")
    assert done.code == 0, done.err
    assert "3 models, 90 rows" in done.out
    assert (workspace / "reports/toy.html").read_text() == "own page"


def test_data_that_changed_since_the_run_is_told(harness, competitions):
    assert harness("run", "toy", "-s", "near", "--no-tracking").code == 0
    plugin = competitions / "toy/plugin.py"
    text = plugin.read_text()
    assert "blobs-" in text
    plugin.write_text(text.replace("blobs-", "blops-"))
    done = harness("report", "toy")
    assert done.code == 2
    assert "the data of toy is no longer what near-s0-" in done.err
