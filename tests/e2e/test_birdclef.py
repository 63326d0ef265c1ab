"""BirdCLEF from the command line: every edition's sample to a checked submission, new soundscapes, bad files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.submission_file import read_submission

SHIPPED = Path(__file__).parents[2] / "competitions"
SMALL = """simulate = true
simulate_species = 4
simulate_clips = 24
simulate_soundscapes = 4
simulate_test_soundscapes = 2
simulate_minutes = 0.5
"""
QUICK = ("--set", "mel*.examples=150", "--set", "mel*.mels=32", "--no-tracking")


def small(competitions, name):
    """Copy a competition with a smaller simulation."""
    shutil.copytree(SHIPPED / name, competitions / name)
    file = competitions / name / "competition.toml"
    file.write_text(file.read_text().replace("simulate = true\n", SMALL).replace("folds = 5", "folds = 3"))


@pytest.mark.parametrize(
    "year", ["2021", "2022", *(pytest.param(year, marks=pytest.mark.slow) for year in ("2023", "2024", "2025")), "2026"]
)
def test_every_edition_runs_from_its_sample_to_a_checked_submission(harness, workspace, competitions, year):
    name = f"birdclef-{year}"
    small(competitions, name)
    done = harness("run", name, "-s", "mel-statistics", *QUICK)
    assert done.code == 0, done.err
    assert "SIMULATED DATA" in done.out
    submission = read_submission(workspace / f"submissions/{name}/best.csv").frame
    sample = next((workspace / "cache/sources" / name).glob("simulated-*/sample_submission.csv"))
    expected = pd.read_csv(sample, dtype=str)
    assert list(submission) == list(expected)
    assert submission.iloc[:, 0].tolist() == expected.iloc[:, 0].tolist()
    assert harness("validate", name, str(workspace / f"submissions/{name}/best.csv")).code == 0
    if year == "2022":
        assert set(submission["target"].astype(str)) <= {"True", "False"}
    elif year != "2021":
        values = submission.iloc[:, 1:].to_numpy(dtype=float)
        assert ((values >= 0) & (values <= 1)).all()
        assert len(np.unique(values)) > 10


@pytest.mark.drawn
def test_the_network_trains_and_leaves_figures_species_and_peaks(harness, workspace, competitions):
    small(competitions, "birdclef-2021")
    quick = ("mels=32", "hop=2048", "epochs=1", "epoch_examples=64")
    settings = [part for value in quick for part in ("--set", f"cnn.model.{value}")]
    done = harness("run", "birdclef-2021", "-s", "cnn", *settings, "--no-tracking", "--json")
    assert done.code == 0, done.err
    entry = next(entry for entry in done.json["strategies"] if entry["name"].startswith("cnn"))
    run = workspace / "runs/birdclef-2021" / entry["run_id"]
    figures = {path.name for path in (run / "figures").iterdir()}
    assert {"loss.png", "batch.png", "history-fold0.csv", "history-fold3.csv", "species.csv", "peaks.csv"} <= figures
    species = pd.read_csv(run / "figures/species.csv")
    assert len(species) == 4
    assert species["rows"].is_monotonic_decreasing
    peaks = pd.read_csv(run / "figures/peaks.csv")
    assert {"recording", "rank", "time", "snr"} <= set(peaks)
    assert peaks["recording"].nunique() == 24
    result = json.loads((run / "result.json").read_text())
    assert any("peaks in" in note for note in result["notes"])


def test_a_folder_of_soundscapes_is_predicted_as_the_edition_writes_it(harness, workspace, competitions):
    for name in ("birdclef-2021", "birdclef-2022", "birdclef-2023"):
        small(competitions, name)
        done = harness("run", name, "-s", "mel-statistics", *QUICK, "--json")
        run = next(entry["run_id"] for entry in done.json["strategies"] if entry["name"].startswith("mel"))
        folder = next((workspace / "cache/sources" / name).glob("simulated-*/test_soundscapes"))
        done = harness("predict", run, "--input", str(folder), "--output", "new.csv")
        assert done.code == 0, done.err
        found = read_submission(workspace / "new.csv").frame
        made = read_submission(workspace / f"submissions/{name}/best.csv").frame
        assert list(found) == list(made)
        assert set(found.iloc[:, 0]) == set(made.iloc[:, 0])


@pytest.mark.fault("F-18")
def test_bad_recordings_stop_a_run_with_a_list_until_they_are_left_out(harness, workspace, competitions):
    small(competitions, "birdclef-2021")
    harness("check", "birdclef-2021")
    sample = next((workspace / "cache/sources/birdclef-2021").glob("simulated-*"))
    folder = workspace / "spoiled"
    shutil.copytree(sample, folder)
    first, second, *_ = sorted((folder / "train_short_audio").rglob("*.ogg"))
    first.write_bytes(b"")
    second.write_text("no sound")
    done = harness("run", "birdclef-2021", "--data", str(folder), "-s", "mel-statistics", *QUICK)
    assert done.code == 2
    assert "2 training recordings cannot be used" in done.err
    assert first.name in done.err
    assert "--skip-bad" in done.err
    done = harness("run", "birdclef-2021", "--data", str(folder), "-s", "mel-statistics", "--skip-bad", *QUICK)
    assert done.code == 0, done.err
    assert "2 training recordings left out" in done.out


def test_ablations_run_only_when_they_are_named(harness, competitions):
    small(competitions, "birdclef-2021")
    described = harness("describe", "birdclef-2021", "--json").json
    named = {one["name"] for one in described["strategies"] if one["named_only"]}
    assert {"all-parts", "without-peaks", "without-background", "without-mixup", "cnn-large"} <= named
    assert not {"cnn", "cnn-gate", "nocall", "mel-statistics"} & named


@pytest.mark.slow
def test_the_real_layout_of_2021_is_predicted_almost_without_error(harness, workspace, real_data):
    done = harness("run", "birdclef-2021", "--data", str(real_data / "birdclef-2021"), "--no-tracking")
    assert done.code == 0, done.err
    entries = harness("leaderboard", "birdclef-2021", "--json").json["entries"]
    scores = {entry["name"]: entry["scores"]["birdclef.row_f1"]["oof"] for entry in entries}
    assert scores["cnn"] >= 0.98
    assert scores["mel-statistics"] > scores["nocall"] == pytest.approx(49 / 96, abs=1e-3)
    assert "nocall" not in {entry["name"] for entry in entries[:3]}
    assert len(read_submission(workspace / "submissions/birdclef-2021/best.csv").frame) == 96


@pytest.mark.slow
def test_the_real_animal_sounds_are_told_apart(harness, workspace, real_data):
    done = harness("run", "animal-sounds", "--data", str(real_data / "animal-sounds"), "--no-tracking")
    assert done.code == 0, done.err
    entries = harness("leaderboard", "animal-sounds", "--json").json["entries"]
    scores = {entry["name"]: entry["scores"] for entry in entries}
    assert scores["cnn"]["roc_auc"]["oof"] >= 0.975
    assert scores["cnn"]["log_loss"]["oof"] <= 0.50
    assert scores["cnn"]["roc_auc"]["oof"] > scores["mel-statistics"]["roc_auc"]["oof"]
    assert len(read_submission(workspace / "submissions/animal-sounds/best.csv").frame) == 170
