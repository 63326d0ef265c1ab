"""Published results beside ours: in a terminal, as JSON, on the page; and what several seeds say."""

from __future__ import annotations

import math
import re
import statistics

import pytest

LINK = "https://example.org/a?b=1&c=%22"


@pytest.fixture
def published(competitions):
    path = competitions / "toy/board.csv"
    path.write_text(
        f"entry,sharpness,macro_f1,source\n<b>[red]best,4.0,0.95,{LINK}\nnext,2,0.9,https://example.org/next\n"
    )
    return path


def test_published_results_stand_below_the_board_with_how_ours_differs(harness, published):
    empty = harness("leaderboard", "toy")
    assert "no finished runs of toy" in empty.out
    assert "<b>[red]best" in empty.out
    assert harness("run", "toy", "-s", "near", "--no-tracking").code == 0
    done = harness("leaderboard", "toy")
    assert done.code == 0, done.err
    board, below = done.out.split("published  ranked by macro_f1")
    assert "near" in board
    assert re.search(r"1 +<b>\[red\]best +0\.9500 +4\.0 +example\.org/a", below)
    assert re.search(
        r"ours: near, macro_f1 [0-9.]+ on out-of-fold rows, sharpness 1\.0 \(published: 2 to 4\.0\)", below
    )
    found = harness("leaderboard", "toy", "--json").json
    first = {"rank": 1, "entry": "<b>[red]best", "metric": "macro_f1", "score": 0.95, "source": LINK}
    assert found["published"][0] == {**first, "setting": {"sharpness": 4.0}}
    assert found["difference"] in below.replace("\n", " ")


def test_the_page_shows_them_with_escaped_links(harness, published, workspace):
    assert harness("run", "toy", "-s", "near", "--no-tracking").code == 0
    done = harness("report", "toy")
    assert done.code == 0, done.err
    page = (workspace / "reports/toy.html").read_text()
    assert '<a href="https://example.org/a?b=1&amp;c=%22" rel="noreferrer">&lt;b&gt;[red]best</a>' in page
    assert "<b>" not in page
    assert page.index(">Leaderboard</h2>") < page.index(">Published</h2>") < page.index(">Figures</h2>")
    assert "<p>ours: near, macro_f1" in page


def test_a_bad_table_is_one_line_and_stops_no_training(harness, published):
    published.write_text(published.read_text().replace("0.95", "95%"))
    assert harness("run", "toy", "-s", "near", "--no-tracking").code == 0
    done = harness("leaderboard", "toy")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: toy/board.csv, line 2: macro_f1 = '95%': expected a number, in the unit of the metric\n"
    )


def test_without_a_table_there_is_nothing_to_say(harness):
    found = harness("leaderboard", "toy", "--json").json
    assert (found["published"], found["difference"]) == ([], "")


def test_the_mean_of_seeds_tells_how_the_single_runs_lie(harness, workspace):
    args = ("run", "toy", "-s", "near", "--set", "near.noise=0.5", "--seed", "1", "--seed", "2", "--seed", "3")
    assert harness(*args, "--no-tracking").code == 0
    entries = harness("leaderboard", "toy", "--json").json["entries"]
    (mean,) = [entry for entry in entries if "mean of 3 seeds" in entry["name"]]
    singles = [entry for entry in entries if entry["seed"] in (1, 2, 3) and not entry["baseline"]]
    losses = [entry["scores"]["log_loss"]["oof"] for entry in singles]
    assert mean["seeds"]["count"] == len(losses) == 3
    assert mean["seeds"]["mean"]["log_loss"] == {"oof": pytest.approx(statistics.fmean(losses)), "valid": None}
    assert mean["seeds"]["std"]["log_loss"] == {"oof": pytest.approx(statistics.stdev(losses)), "valid": None}
    assert mean["scores"]["log_loss"]["oof"] < statistics.fmean(losses)  # averaged predictions are another thing
    assert all(entry["seeds"] is None for entry in singles)
    assert mean["setting"] == singles[0]["setting"]
    shown = f"seeds {statistics.fmean(losses):.4g} ± {statistics.stdev(losses):.2g}"
    assert shown in harness("leaderboard", "toy").out
    assert harness("report", "toy").code == 0
    digits = 1 - math.floor(math.log10(statistics.stdev(losses)))  # the page shows both as precise as the deviation is
    shown = f"seeds {statistics.fmean(losses):.{digits}f} ± {statistics.stdev(losses):.{digits}f}"
    assert shown in (workspace / "reports/toy.html").read_text()
