"""Air quality from the command line: the simulated sample, new rows, the refused split, and the real layout."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.submission_file import read_submission

SHIPPED = Path(__file__).parents[2] / "competitions"
SMALL = ("--set", "extra*.trees=20", "--no-tracking")


def africa(competitions, **changes):
    """Copy the competition under the name `africa`, with texts of its file replaced."""
    shutil.copytree(SHIPPED / "air-quality-africa", competitions / "africa")
    file = competitions / "africa/competition.toml"
    text = file.read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)
    return file


def test_the_sample_says_that_it_is_simulated_and_intervals_hold_out_of_fold(harness, workspace):
    done = harness("run", "air-quality-africa", "-s", "extra-trees-interval", *SMALL)
    assert done.code == 0, done.err
    assert "SIMULATED DATA" in done.out
    board = harness("leaderboard", "air-quality-africa", "--json").json
    first = board["entries"][0]
    assert first["name"].startswith("extra-trees-interval")
    assert all("simulated" in entry["flags"] for entry in board["entries"])
    assert 0.85 <= first["scores"]["airquality.coverage"]["oof"] <= 0.95
    submission = read_submission(workspace / "submissions/air-quality-africa/best.csv").frame
    assert list(submission) == ["id", "pm2_5"]
    assert len(submission) == 1053


def test_new_rows_are_told_by_city_and_date_with_their_interval(harness, workspace, competitions):
    africa(competitions, **{"simulate = 40": "simulate = 20", "simulate_days = 120": "simulate_days = 40"})
    done = harness("run", "africa", "-s", "extra-trees-interval", *SMALL, "--json")
    assert done.code == 0, done.err
    run = next(entry["run_id"] for entry in done.json["strategies"] if entry["name"].startswith("extra"))
    from harness_airquality.reading.tables import simulated
    from harness_airquality.source import StationsParams

    table = simulated(StationsParams(simulate=20, simulate_days=40)).test.head(30)
    table = table.drop(columns="id").assign(site_id="somewhere new")
    table.to_csv(workspace / "cities.csv", index=False)
    done = harness("predict", run, "--input", "cities.csv", "--output", "predictions.csv")
    assert done.code == 0, done.err
    found = pd.read_csv(workspace / "predictions.csv")
    wanted = ["City", "place", "Date", "latitude", "longitude", "prediction", "lower", "upper"]
    assert [name for name in found if name != "id"] == wanted
    assert len(found) == 30
    assert (found["lower"] <= found["prediction"]).all()
    assert (found["prediction"] <= found["upper"]).all()
    assert set(found["City"]) == set(table["city"])
    pd.to_datetime(found["Date"], format="ISO8601")


def test_a_split_at_random_is_refused_and_kept_only_with_a_mark(harness, competitions):
    africa(
        competitions,
        **{'use = "group"\ngroup_on = "place"': 'use = "random"', "simulate_days = 120": "simulate_days = 30"},
    )
    done = harness("run", "africa", "-s", "site-mean", "--no-tracking")
    assert done.code == 2
    assert "100% of test rows are of groups (place) that train does not have" in done.err
    assert "harness split-audit africa" in done.err
    done = harness("run", "africa", "-s", "site-mean", "--no-tracking", "--allow-split")
    assert done.code == 0, done.err
    entries = harness("leaderboard", "africa", "--json").json["entries"]
    assert all("split not like test" in entry["flags"] for entry in entries)


def test_the_audit_of_the_sample_names_the_split_by_place(harness):
    done = harness("split-audit", "air-quality-africa", "--json")
    assert done.code == 0, done.err
    found = done.json
    assert found["recommended"] == "group"
    scores = {row["name"]: row["score"] for row in found["splits"]}
    assert scores["random"] < 0.95 * scores["group"]


@pytest.mark.drawn
def test_the_page_shows_the_run_and_prints_coverage_by_city(harness, workspace, competitions):
    africa(competitions, **{"simulate = 40": "simulate = 20", "simulate_days = 120": "simulate_days = 40"})
    assert harness("run", "africa", "-s", "extra-trees-interval", *SMALL).code == 0
    done = harness("report", "africa")
    assert done.code == 0, done.err
    for city in ("Kampala", "Nairobi", "Lagos", "Bujumbura"):
        assert city in done.out
    page = (workspace / "reports/africa.html").read_text()
    assert "simulated" in page.lower()
    assert len(page) < 8e6


@pytest.mark.slow
def test_neighbours_and_forests_beat_plain_boosting_on_the_real_stations(harness, real_data, workspace):
    folder = real_data / "air-quality/african-cities"
    strategies = [part for name in ("plain", "extra-trees", "extra-trees-interval") for part in ("-s", name)]
    done = harness("run", "air-quality-africa", "--data", str(folder), *strategies, "--no-tracking", "--json")
    assert done.code == 0, done.err
    scores = {entry["name"]: entry["scores"] for entry in done.json["strategies"]}
    assert scores["extra-trees"]["mae"]["oof"] < 0.95 * scores["plain"]["mae"]["oof"]
    assert scores["extra-trees"]["rmse"]["oof"] < scores["plain"]["rmse"]["oof"]
    assert 0.85 <= scores["extra-trees-interval"]["airquality.coverage"]["oof"] <= 0.95
    submission = read_submission(workspace / "submissions/air-quality-africa/extra-trees.csv").frame
    sample = read_submission(folder / "SampleSubmission.csv").frame
    assert submission["id"].tolist() == sample["id"].tolist()
    assert np.isfinite(submission["pm2_5"].astype(float)).all()
