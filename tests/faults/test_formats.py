"""Run directories of every released version still open: F-39.

``tests/fixtures/format-N`` holds what the first version of a format wrote: runs of two seeds, their means, a blend. A
new format gets a new folder; the old ones stay.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from harness.store import FORMAT

FIXTURES = Path(__file__).parents[1] / "fixtures"
FORMATS = sorted(path.name for path in FIXTURES.glob("format-*"))

pytestmark = pytest.mark.fault("F-39")


@pytest.fixture(params=FORMATS)
def stored(request, tmp_path, competitions, workspace):
    """Return a workspace that an older version left, with its competition."""
    shutil.rmtree(competitions)
    shutil.copytree(FIXTURES / request.param / "competitions", competitions)
    shutil.copytree(FIXTURES / request.param / "workspace", workspace, dirs_exist_ok=True)
    return workspace


def test_there_is_a_fixture_for_every_format():
    assert [f"format-{number}" for number in range(1, FORMAT + 1)] == FORMATS


def test_the_board_of_an_older_version_is_read(stored, harness):
    done = harness("leaderboard", "toy", "--json")
    assert done.code == 0, done.err
    names = [entry["name"] for entry in done.json["entries"]]
    assert names[0] == "near"
    assert {"calibrated (mean of 2 seeds)", "both (mean of 2 seeds)", "baseline-prior"} <= set(names)
    assert done.json["entries"][0]["scores"]["log_loss"]["oof"] == pytest.approx(0.4711, abs=1e-4)


def test_a_model_of_an_older_version_predicts(stored, harness, tmp_path):
    (tmp_path / "new.json").write_text(json.dumps({"a": [0.0, 0.0], "b": [2.0, 0.0]}))
    done = harness("predict", "near-s0", "--input", tmp_path / "new.json", "--output", tmp_path / "out.csv")
    assert done.code == 0, done.err
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["row_id", "a", "b"]
    first, second = (list(map(float, line.split(",")[1:])) for line in lines[1:])
    assert first.index(max(first)) == 0
    assert second.index(max(second)) == 1


def test_a_report_of_an_older_run_is_written_and_its_submission_is_valid(stored, harness, tmp_path):
    assert harness("report", "toy", "--run", "near-s0", "--output", tmp_path / "page.html").code == 0
    assert harness("validate", "toy", stored / "submissions/toy/best.csv").code == 0


def test_what_a_newer_version_wrote_is_refused_by_name(stored, harness):
    (path,) = stored.glob("runs/toy/near-s0-*/run.json")
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "format": FORMAT + 1}))
    done = harness("leaderboard", "toy")
    assert done.code == 2
    assert f"was written by a newer harness (format {FORMAT + 1}, this one reads up to {FORMAT}); update it" in done.err
