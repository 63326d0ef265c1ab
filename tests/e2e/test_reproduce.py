"""``harness reproduce``: a run rebuilt from its record matches, or what differs first is named, with why."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from harness.store import digest_of

TABLE = """
title = "Mine"
task = "binary"
metrics = ["log_loss"]
[data]
source = "imbalance.table"
variant = "path"
[data.params]
id = "id"
target = "y"
positive = "1"
train = "train.csv"
test = "test.csv"
[strategies.lr]
features = "imbalance.columns"
model = "imbalance.logistic_regression"
"""


@pytest.fixture
def table(competitions: Path, tmp_path: Path) -> Path:
    rng = random.Random(0)
    (competitions / "mine").mkdir()
    (competitions / "mine" / "competition.toml").write_text(TABLE)
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [(f"{number:03d}", rng.random(), rng.choice("abc")) for number in range(150)]
    lines = [f"{name},{x},{c},{int(x + rng.random() * 0.6 > 0.9)}\n" for name, x, c in rows]
    (folder / "train.csv").write_text("id,x,c,y\n" + "".join(lines[:120]))
    (folder / "test.csv").write_text("id,x,c\n" + "".join(f"{name},{x},{c}\n" for name, x, c in rows[120:]))
    return folder


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in found}


def run_of(workspace: Path, name: str, competition: str = "toy") -> Path:
    (found,) = workspace.glob(f"runs/{competition}/{name}-*")
    return found


def trained(harness, *args: str) -> None:
    done = harness("run", *args, "--no-tracking", "--threads", "1")
    assert done.code == 0, done.err


# a table of one's own ------------------------------------------------------------------------------------------------


def test_a_run_matches_and_its_workspace_is_left_as_it_was(harness, workspace, table):
    trained(harness, "mine", "--data", str(table))
    before = files(workspace)
    done = harness("reproduce", "lr", "--json")
    assert (done.code, done.json["verdict"], done.json["first"]) == (0, "MATCH", None)
    names = [one["artefact"] for one in done.json["compared"]]
    assert names[:3] == ["data", "folds", "fold 0: oof.npy"]
    assert names[-4:] == ["oof.parquet", "test.parquet", "scores", "submission.csv"]
    assert {one["state"] for one in done.json["compared"]} == {"same"}
    assert files(workspace) == before
    assert "MATCH" in harness("reproduce", "lr").out


def test_one_changed_byte_of_data_is_named(harness, workspace, table):
    trained(harness, "mine", "--data", str(table))
    file = table / "train.csv"
    content = bytearray(file.read_bytes())
    content[-4] = ord("b") if content[-4] != ord("b") else ord("c")
    file.write_bytes(content)
    done = harness("reproduce", "lr", "--json")
    assert (done.code, done.json["verdict"], done.json["first"]["artefact"]) == (1, "DIFFERS", "data")
    assert done.json["why"][0].startswith(f"data file {file} changed (")
    shown = harness("reproduce", "lr")
    assert f"{file} changed (" in shown.out


def test_data_that_is_gone_is_told_and_found_where_it_was_moved(harness, workspace, table):
    trained(harness, "mine", "--data", str(table))
    moved = table.with_name("elsewhere")
    table.rename(moved)
    done = harness("reproduce", "lr")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert f"is gone: it was at {table}" in done.err
    assert "--data PATH" in done.err
    assert harness("reproduce", "lr", "--data", str(moved), "--json").json["verdict"] == "MATCH"


def test_a_run_from_before_provenance_is_rebuilt_from_its_identity(harness, workspace, table):
    trained(harness, "mine", "--data", str(table), "--folds", "3")
    (run_of(workspace, "lr", "mine") / "provenance.json").unlink()
    done = harness("reproduce", "lr", "--json")
    assert done.json["verdict"] == "MATCH"
    assert "versions and digests of code were not recorded" in done.json["why"][-1]
    file = table / "train.csv"
    file.write_text(file.read_text().replace(",a,", ",b,", 1))
    done = harness("reproduce", "lr", "--json")
    assert (done.code, done.json["first"]["artefact"]) == (1, "data")


# the code, the stored files, the machine -----------------------------------------------------------------------------


def test_changed_code_of_the_competition_is_named_with_the_first_fold(harness, workspace, competitions):
    trained(harness, "toy", "-s", "near")
    plugin = competitions / "toy" / "plugin.py"
    plugin.write_text(plugin.read_text().replace("np.exp(-0.5 *", "np.exp(-0.6 *"))
    done = harness("reproduce", "near", "--json")
    first = done.json["first"]
    assert (done.code, first["artefact"]) == (1, "fold 0: oof.npy")
    assert "30 of 30 rows, by up to" in first["detail"]
    assert any(why.startswith("competition file plugin.py changed (") for why in done.json["why"])


def test_a_change_without_effect_is_told_beside_a_match(harness, workspace, competitions):
    trained(harness, "toy", "-s", "near")
    file = competitions / "toy" / "competition.toml"
    file.write_text(file.read_text() + "\n# a remark\n")
    done = harness("reproduce", "near", "--json")
    assert (done.code, done.json["verdict"]) == (0, "MATCH")
    assert any("competition file competition.toml changed" in why for why in done.json["why"])


def test_a_changed_split_differs_before_anything_is_trained(harness, workspace, competitions):
    trained(harness, "toy", "-s", "near")
    file = competitions / "toy" / "competition.toml"
    file.write_text(file.read_text().replace("folds = 3", "folds = 4"))
    done = harness("reproduce", "near", "--json")
    assert (done.code, done.json["first"]["artefact"]) == (1, "folds")
    assert done.json["why"][0] == "split.folds: 3 -> 4"


def test_stored_predictions_that_were_touched_are_told_from_a_run_that_differs(harness, workspace):
    trained(harness, "toy", "-s", "near")
    found = [one for one in workspace.glob("runs/toy/tasks/*/1") if (one / "model" / "means.json").exists()]
    values = np.load(found[0] / "oof.npy")
    values[0, 0] += 1e-9
    np.save(found[0] / "oof.npy", values)
    done = harness("reproduce", "near", "--json")
    assert done.json["first"]["artefact"] == "fold 1: oof.npy"
    assert "was changed since it was written" in done.json["first"]["detail"]


def test_a_strategy_that_does_not_repeat_is_said_to_be_one(harness, workspace, competitions):
    plugin = competitions / "toy" / "plugin.py"
    plugin.write_text(plugin.read_text().replace("default_rng(self.context.seed)", "default_rng()"))
    trained(harness, "toy", "-s", "near", "--set", "near.noise=0.1")
    done = harness("reproduce", "near", "--json")
    assert (done.code, done.json["first"]["artefact"]) == (1, "fold 0: oof.npy")
    assert done.json["why"][0].startswith("nothing that is recorded changed")


def test_other_versions_and_another_machine_are_told(harness, workspace):
    trained(harness, "toy", "-s", "near")
    path = run_of(workspace, "near") / "provenance.json"
    record = json.loads(path.read_text())
    now = record["packages"]["numpy"]
    record["packages"]["numpy"], record["hardware"]["cpu"] = "1.0", "another processor"
    path.write_text(json.dumps(record))
    why = harness("reproduce", "near", "--json").json["why"]
    assert f"package numpy: 1.0 -> {now}" in why
    assert any(line.startswith("hardware cpu: another processor -> ") for line in why)


# runs made of runs ---------------------------------------------------------------------------------------------------


def test_means_blends_and_baselines_are_rebuilt_too(harness, workspace, competitions):
    file = competitions / "toy" / "competition.toml"
    file.write_text(file.read_text() + '\n[blends.both]\nof = ["near", "sharp"]\nmethod = "log_linear"\n')
    trained(harness, "toy", "-s", "both", "--seed", "0", "--seed", "1")
    for name in ("near-mean", "both", "baseline-prior"):
        done = harness("reproduce", name, "--json")
        assert (done.json["verdict"], done.json["first"]) == ("MATCH", None), name
    plugin = competitions / "toy" / "plugin.py"
    plugin.write_text(plugin.read_text().replace("np.exp(-0.5 *", "np.exp(-0.6 *"))
    first = harness("reproduce", "both", "--json").json["first"]
    assert first["artefact"].startswith("member toy/near-")
    assert first["artefact"].endswith("fold 0: oof.npy")


def test_an_import_cannot_be_rebuilt(harness, workspace):
    trained(harness, "toy", "-s", "near")
    import pandas as pd

    run = run_of(workspace, "near")
    for name in ("oof", "test"):
        frame = pd.read_parquet(run / f"{name}.parquet")
        kept = [column for column in frame.columns if column == "id" or column.startswith("prediction:")]
        frame[kept].rename(columns=lambda column: column.removeprefix("prediction:")).to_csv(
            workspace / f"{name}.csv", index=False
        )
    done = harness("import", "toy", "--name", "mine", "--oof", "oof.csv", "--test", "test.csv", "--no-tracking")
    assert done.code == 0, done.err
    done = harness("reproduce", "mine")
    assert done.code == 2
    assert "was imported" in done.err


def test_no_such_run(harness):
    done = harness("reproduce", "nobody")
    assert (done.code, done.err.count("\n")) == (2, 1)


# what is recorded ----------------------------------------------------------------------------------------------------


def test_the_commit_and_the_uncommitted_changes_are_kept_without_secrets(harness, workspace, competitions):
    def git(*args: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", "-C", str(competitions), *who, *args], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "-q")
    (competitions / ".env").write_text("A=1\n")
    git("add", ".")
    git("commit", "-qm", "first")
    plugin = competitions / "toy" / "plugin.py"
    plugin.write_text(plugin.read_text() + '\nPLACE = "https://me:hunter2@example.org/x"\napi_key = "s3cr3t-word"\n')
    (competitions / ".env").write_text("A=do-not-tell\n")
    trained(harness, "toy", "-s", "near")
    run = run_of(workspace, "near")
    record = json.loads((run / "provenance.json").read_text())
    (own,) = [one for one in record["repositories"] if Path(one["path"]) == competitions.resolve()]
    assert own["commit"] == git("rev-parse", "HEAD")
    patch = (run / own["patch"]).read_text()
    assert '+PLACE = "https://example.org/x"' in patch
    assert "+api_key = ***" in patch
    assert not any(secret in patch for secret in ("hunter2", "s3cr3t-word", "do-not-tell"))
    git("commit", "-qam", "second")
    why = harness("reproduce", "near", "--json").json["why"]
    assert any(line.startswith(f"commit of {competitions.resolve()}: {own['commit'][:12]} -> ") for line in why)


def test_a_finished_run_keeps_its_first_provenance(harness, workspace, competitions):
    trained(harness, "toy", "-s", "near")
    path = run_of(workspace, "near") / "provenance.json"
    before = path.read_bytes()
    file = competitions / "toy" / "competition.toml"
    file.write_text(file.read_text() + "\n# later\n")  # the same run, but another record of it
    trained(harness, "toy", "-s", "near")
    assert run_of(workspace, "near") == path.parent
    assert path.read_bytes() == before


def test_the_key_of_stored_folds_is_that_of_the_identity(harness, workspace):
    trained(harness, "toy", "-s", "calibrated")
    run = run_of(workspace, "calibrated")
    identity = json.loads((run / "run.json").read_text())["identity"]
    tasks = json.loads((run / "result.json").read_text())["tasks"]
    training = {name: value for name, value in identity.items() if name not in ("adjusters", "refit", "evaluation")}
    assert {Path(task).parent.name for task in tasks} == {digest_of(training)[:16]}
    shutil.rmtree(workspace / "runs" / "toy" / "tasks")
    done = harness("reproduce", "calibrated", "--json")
    states = {one["artefact"]: one["state"] for one in done.json["compared"]}
    assert (done.json["verdict"], states["fold 0"], states["oof.parquet"]) == ("MATCH", "not stored", "same")
