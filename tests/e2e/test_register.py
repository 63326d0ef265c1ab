"""`register`: a run as a version of a registered model, which predicts where its workspace is not."""

import json
import pickle
import shutil

import numpy as np
import pandas as pd
import pytest

from harness.errors import DataError, StoreError
from harness.packing import FORMAT, PACK, is_pickle, predict_packed
from harness.pyfunc import PackedModel, _load_pyfunc
from harness.tracking.server import open_client

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
NEW = json.dumps({"007": [0.0, 0.0], "1e5": [2.0, 0.0], "ü": [0.0, 2.0]})


def run_of(harness, name, *options):
    done = harness("run", "toy", "-s", name, *options, "--json")
    assert done.code == 0, done.err
    return next(entry["run_id"] for entry in done.json["strategies"] if entry["name"] == name)


def predicted(harness, workspace, run):
    (workspace / "new.json").write_text(NEW)
    assert harness("predict", run, "--input", "new.json", "--output", "new.csv").code == 0
    return (workspace / "new.csv").read_bytes()


def test_the_best_run_is_registered_and_predicts_without_its_workspace(harness, workspace, competitions, tmp_path):
    run = run_of(harness, "calibrated")
    wanted = predicted(harness, workspace, run)
    done = harness("register", "toy", "--alias", "submitted", "--json")
    assert done.code == 0, done.err
    first = harness("leaderboard", "toy", "--json").json["entries"][0]
    assert done.json["run_id"] == first["run_id"] == run
    assert (done.json["version"], done.json["new"], done.json["aliases"]) == ("1", True, ["best", "submitted"])

    client = open_client(f"sqlite:///{workspace / 'mlflow.db'}")
    version = client.get_model_version_by_alias("toy", "best")
    assert version.tags["harness_run"] == run
    assert float(version.tags["log_loss"]) == pytest.approx(first["scores"]["log_loss"]["oof"], rel=1e-5)
    mlflow_run = client.get_run(version.run_id)
    assert mlflow_run.data.tags["harness_run"] == run

    away = tmp_path / "away"
    shutil.copytree(version.source.removeprefix("file://"), away)
    shutil.rmtree(workspace / "runs")
    shutil.rmtree(competitions)
    from mlflow import pyfunc

    model = pyfunc.load_model(str(away))
    (tmp_path / "rows.json").write_text(NEW)
    found = model.predict(str(tmp_path / "rows.json"))
    found.to_csv(tmp_path / "found.csv", index=False)
    assert pd.read_csv(tmp_path / "found.csv").equals(pd.read_csv(pd.io.common.BytesIO(wanted)))
    assert not [path for path in away.rglob("*") if path.is_file() and is_pickle(path)]


def test_a_run_has_one_version_however_often_it_is_registered(harness):
    run = run_of(harness, "near")
    assert harness("register", "toy", run, "--json").json["new"]
    again = harness("register", "toy", run)
    assert again.code == 0
    assert f"{run} is version 1 of toy already" in again.out
    other = run_of(harness, "calibrated")
    assert harness("register", "toy", other, "--json").json["version"] == "2"


def test_a_blend_brings_its_members(harness, workspace, competitions, tmp_path):
    path = competitions / "toy/competition.toml"
    path.write_text(path.read_text() + '\n[blends.both]\nof = ["near", "calibrated"]\nmethod = "linear"\n')
    run = run_of(harness, "both")
    wanted = predicted(harness, workspace, run)
    done = harness("register", "toy", run, "--json")
    assert done.code == 0, done.err
    client = open_client(f"sqlite:///{workspace / 'mlflow.db'}")
    source = client.get_model_version("toy", done.json["version"]).source.removeprefix("file://")
    (tmp_path / "rows.json").write_text(NEW)
    from pathlib import Path

    predict_packed(Path(source) / "data", tmp_path / "rows.json", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes() == wanted


def test_without_a_name_an_import_that_leads_is_passed_over(harness, workspace):
    run = run_of(harness, "calibrated")
    folder = next((workspace / "runs/toy").glob("calibrated-s0-*"))
    for name in ("oof", "test"):
        frame = pd.read_parquet(folder / f"{name}.parquet")
        columns = [column for column in frame if column.startswith("prediction:")]
        classes = [column.removeprefix("prediction:") for column in columns]
        values = frame[columns].set_axis(classes, axis=1)
        if name == "oof":  # halfway to the truth
            values = (values + (frame["target"].to_numpy()[:, None] == np.array(classes))) / 2
        pd.concat([frame["id"], values], axis=1).to_csv(workspace / f"{name}.csv", index=False)
    files = ("--oof", "oof.csv", "--test", "test.csv")
    assert harness("import", "toy", "--name", "notebook", *files).code == 0
    assert harness("leaderboard", "toy", "--json").json["entries"][0]["name"] == "notebook"
    done = harness("register", "toy", "--json")
    assert done.code == 0, done.err
    assert (done.json["run_id"], done.json["aliases"]) == (run, ["best"])
    shutil.rmtree(folder)
    nothing = harness("register", "toy")
    assert nothing.code == 2
    assert "above its baselines has models, notebook has none; name the run to register" in nothing.err


def test_what_cannot_be_registered_is_said_in_one_line(harness, workspace):
    assert "no finished run of toy" in harness("register", "toy").err
    run = run_of(harness, "near", "--no-tracking")
    done = harness("register", "toy", run)
    assert done.code == 2
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    shutil.rmtree(workspace / "runs/toy" / run)
    nothing = harness("register", "toy")
    assert nothing.code == 2
    assert "nothing on the leaderboard of toy beats baseline" in nothing.err


def test_a_model_that_is_a_pickle_is_refused(harness, workspace):
    run = run_of(harness, "near")
    task = next((workspace / "runs/toy/tasks").glob("*/0/model"), None)
    assert task is not None
    from harness.files import write_checksums

    (task / "extra.bin").write_bytes(pickle.dumps([1]))
    write_checksums(task.parent)
    done = harness("register", "toy", run)
    assert done.code == 2
    assert "extra.bin is a pickle, which is not shared" in done.err


def test_pickles_are_known_by_their_bytes(tmp_path):
    torch = pytest.importorskip("torch")
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        (tmp_path / "p").write_bytes(pickle.dumps({"a": 1}, protocol=protocol))
        assert is_pickle(tmp_path / "p")
    torch.save({"a": torch.zeros(2)}, tmp_path / "t.pt")
    assert is_pickle(tmp_path / "t.pt")
    for content in (b"", b"\x80", b"PK", b"\x80\x04 not one", b"{}"):
        (tmp_path / "p").write_bytes(content)
        assert not is_pickle(tmp_path / "p")


def test_packs_that_cannot_be_used_are_named(tmp_path):
    with pytest.raises(DataError, match="not a packed run"):
        _load_pyfunc(str(tmp_path))
    (tmp_path / PACK).write_text(json.dumps({"format": FORMAT + 1, "run": "x", "competition": "toy"}))
    with pytest.raises(StoreError, match="update the harness"):
        predict_packed(tmp_path, tmp_path / "a", tmp_path / "b")
    with pytest.raises(DataError, match="expected a table or a path, found int"):
        PackedModel(tmp_path).predict(3)
