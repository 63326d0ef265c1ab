"""Hostile archives, model files, names, texts: nothing is executed, nothing leaves its root: F-40 to F-48."""

from __future__ import annotations

import ast
import csv
import gzip
import importlib.metadata
import json
import pickle
import re
import struct
import sys
import tarfile
import tomllib
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.archive import Limits, extract
from harness.errors import DataError
from harness.files import CHECKSUMS, write_checksums
from harness.spreadsheets import defused

ROOT = Path(__file__).parents[2]
TRAIN = "id,x,c,y\n" + "".join(f"r{n:02d},{n % 7 + n % 2},{'abc'[n % 3]},{n % 2}\n" for n in range(40))
HOSTILE = "\x1b]0;owned\x07\x1b[31m[bold]x[/bold]<script>alert(1)</script>"
"""A new title of the terminal's window, a colour, markup of the console's library, a script."""


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


# archives -----------------------------------------------------------------------------------------------------------


def zeros(gigabytes: int) -> bytes:
    """Return a raw deflate stream of so many GiB of zeros, made of one block that is repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(1 << 26)) + packer.flush(zlib.Z_FULL_FLUSH)
    return block * (16 * gigabytes) + packer.flush()


@pytest.mark.fault("F-40")
def test_a_zip_of_ten_gigabytes_stops_early_and_leaves_nothing(tmp_path):
    data, name, size = zeros(10), b"zeros", 10 << 30
    extra = struct.pack("<HHQQ", 1, 16, size, len(data))
    sizes = struct.pack("<LLL", 0, 0xFFFFFFFF, 0xFFFFFFFF)
    local = b"PK\3\4" + struct.pack("<HHHHH", 45, 0, 8, 0, 0) + sizes + struct.pack("<HH", len(name), len(extra))
    head = b"PK\1\2" + struct.pack("<HHHHHH", 45, 45, 0, 8, 0, 0) + sizes
    head += struct.pack("<HHHHHLL", len(name), len(extra), 0, 0, 0, 0, 0) + name + extra
    body = local + name + extra + data
    end = b"PK\5\6" + struct.pack("<HHHHLLH", 0, 0, 1, 1, len(head), len(body), 0)
    (tmp_path / "bomb.zip").write_bytes(body + head + end)
    assert (tmp_path / "bomb.zip").stat().st_size < 16 << 20
    with pytest.raises(DataError, match=r"unpacks to more than [\d,]+ bytes, far beyond its own size"):
        extract(tmp_path / "bomb.zip", tmp_path / "out")
    assert files_in(tmp_path) == {"bomb.zip"}


@pytest.mark.fault("F-40")
def test_a_tar_of_ten_gigabytes_stops_early_and_leaves_nothing(tmp_path):
    member = tarfile.TarInfo("zeros")
    member.size = 10 << 30
    block = gzip.compress(bytes(1 << 26), 9)
    (tmp_path / "bomb.tar.gz").write_bytes(gzip.compress(member.tobuf()) + block * 160)
    with pytest.raises(DataError, match=r"unpacks to more than [\d,]+ bytes, far beyond its own size"):
        extract(tmp_path / "bomb.tar.gz", tmp_path / "out")
    assert files_in(tmp_path) == {"bomb.tar.gz"}


@pytest.mark.fault("F-40")
def test_a_zip_of_a_million_entries_is_refused_before_any_is_unpacked(tmp_path):
    many = 1_000_000
    head = b"PK\1\2" + struct.pack("<HHHHHHLLLHHHHHLL", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"x"
    body = head * many
    end = b"PK\5\6" + struct.pack("<HHHHLLH", 0, 0, 0xFFFF, 0xFFFF, len(body), 0, 0)
    (tmp_path / "many.zip").write_bytes(body + end)
    with pytest.raises(DataError, match=r"1,000,000 entries"):
        extract(tmp_path / "many.zip", tmp_path / "out")
    assert files_in(tmp_path) == {"many.zip"}


@pytest.mark.fault("F-40")
def test_the_limits_of_archives_are_what_they_say():
    assert Limits() == Limits(files=500_000, bytes=100 << 30, ratio=100.0, free_bytes=100 << 20)


# model files --------------------------------------------------------------------------------------------------------


class Canary:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def prepared(name: str, competitions: Path, folder: Path) -> tuple[str, list[str], Path]:
    """Return a competition, the options of a quick run, and new data for it."""
    import shutil

    if name == "birdclef":
        shutil.copytree(ROOT / "competitions/birdclef-2021", competitions / "birds")
        file = competitions / "birds/competition.toml"
        small = "simulate_species = 3\nsimulate_clips = 24\nsimulate_soundscapes = 4\nsimulate_minutes = 0.5\n"
        file.write_text(file.read_text().replace("simulate = true\n", f"simulate = true\n{small}"))
        options = ["-s", "cnn", *(f"--set=cnn.model.{one}" for one in ("mels=32", "hop=2048", "epochs=1"))]
        return "birds", [*options, "--set=cnn.model.epoch_examples=32"], folder / "new.wav"
    new = folder / "new.fasta"
    new.write_text(">a\nACDEFGHIKL\n")
    if name == "ulmfit":
        options = ["-s", "ulmfit-char", *(f"--set=ulmfit-char.{one}=1" for one in ("lm_epochs", "epochs"))]
        return "protein-kinase", [*options, "--set=*.embedding=16", "--set=*.hidden=24", "--fast"], new
    return "protein-kinase", ["-s", name, "--fast"], new


@pytest.mark.fault("F-41")
@pytest.mark.parametrize(
    "name",
    [
        "tfidf",
        *(pytest.param(one, marks=pytest.mark.slow) for one in ("neighbours", "ulmfit", "birdclef")),
    ],
)
def test_a_pickle_in_the_place_of_any_file_of_a_run_is_never_executed(harness, competitions, tmp_path, workspace, name):
    import numpy as np

    competition, options, new = prepared(name, competitions, tmp_path)
    if name == "birdclef":
        import soundfile

        soundfile.write(new, np.random.default_rng(0).normal(0, 0.1, 160_000).astype(np.float32), 32000)
    done = harness("run", competition, "--folds", "2", *options, "--no-tracking", "--json")
    assert done.code == 0, done.err
    run = done.json["strategies"][-1]["run_id"]
    args = ("predict", run, "--input", str(new), "--output", "new.csv")
    assert harness(*args).code == 0
    tasks = json.loads((workspace / "runs" / competition / run / "result.json").read_text())["tasks"]
    canary, payload = tmp_path / "executed", pickle.dumps(Canary(tmp_path / "executed"))
    task = workspace / tasks[0]
    stages = [path for path in (workspace / "cache").rglob("*") if path.is_file() and "sources" not in path.parts]
    targets = [path for path in [*task.rglob("*"), *stages] if path.is_file() and path.name != CHECKSUMS]
    refused = 0
    for path in targets:
        content = path.read_bytes()
        path.write_bytes(payload)
        write_checksums(task)  # whoever forges a file forges its checksum too
        refused += harness(*args).code != 0
        assert not canary.exists(), path
        path.write_bytes(content)
    assert refused
    pickle.loads(payload)
    assert canary.exists()  # so the test would have noticed


SHIPPED = sorted(
    path
    for folder in (ROOT / "harness", *(ROOT / "plugins").glob("*/harness_*"), ROOT / "competitions")
    for path in folder.rglob("*.py")
)
UNPICKLING = {"load_learner", "read_pickle", "Unpickler", "unsafe_load", "full_load", "torch_load", "pickle_load"}
OWN_PIPE = {"harness/workers.py"}
"""Where pickle is read: answers of the harness's own worker processes, which come through a pipe, never from a file."""


def faults_in(tree: ast.AST) -> list[str]:
    """Return calls that may unpickle a file, as they are written."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        call, given = ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}
        last = call.rpartition(".")[2]
        if (
            last in UNPICKLING
            or re.fullmatch(r"(c?[pP]ickle|dill|cloudpickle|joblib|shelve|marshal)\.(loads?|open)", call)
            or (call == "torch.load" and given.get("weights_only") != "True")
            or (re.fullmatch(r"(np|numpy)\.load", call) and given.get("allow_pickle") != "False")
            or given.get("allow_pickle", "False") != "False"
            or given.get("weights_only", "True") != "True"
            or "trust_remote_code" in given
        ):
            found.append(ast.unparse(node))
    return found


@pytest.mark.fault("F-42")
def test_nothing_that_is_shipped_unpickles_a_file():
    assert len(SHIPPED) > 200
    found = {}
    for path in SHIPPED:
        text = path.read_text(encoding="utf-8")
        assert "weights_only=False" not in text, path
        if calls := faults_in(ast.parse(text)):
            found[path.relative_to(ROOT).as_posix()] = calls
    assert set(found) == OWN_PIPE, found


@pytest.mark.fault("F-42")
@pytest.mark.parametrize(
    "code",
    [
        "torch.load(p)",
        "torch.load(p, weights_only=False)",
        "torch.load(p, weights_only=safe)",
        "np.load(p)",
        "np.load(p, allow_pickle=True)",
        "pickle.load(f)",
        "joblib.load(p)",
        "pd.read_pickle(p)",
        "fastai.learner.load_learner(p)",
        "AutoModel.from_pretrained(p, trust_remote_code=True)",
    ],
)
def test_the_search_finds_what_it_looks_for(code):
    assert faults_in(ast.parse(code)) == [code]


@pytest.mark.fault("F-42")
def test_plugins_that_use_torch_ask_for_a_release_that_loads_weights_only():
    asked = {}
    for file in (ROOT / "plugins").glob("*/pyproject.toml"):
        project = tomllib.loads(file.read_text())["project"]
        extras = [one for needs in project.get("optional-dependencies", {}).values() for one in needs]
        needs = [one for one in [*project["dependencies"], *extras] if re.match(r"torch\b(?!vision)", one)]
        imports = any("import torch" in path.read_text() for path in file.parent.rglob("harness_*/**/*.py"))
        assert bool(needs) == imports, file
        asked |= {file.parent.name: needs} if needs else {}
    assert asked
    assert all(needs == ["torch>=2.10"] for needs in asked.values()), asked
    version = importlib.metadata.version("torch").split("+")[0].split(".")
    assert (int(version[0]), int(version[1])) >= (2, 10)


# names --------------------------------------------------------------------------------------------------------------

NAMES = ["../../x", "/tmp/harness-x", "a\0b", "x" * 300, "..", ".", "a/b", "a\\b", "\u202ecod.exe", " ", "-rf", "~root"]


@pytest.fixture
def outside(tmp_path):
    """Fail a test that leaves anything beside its workspace and competitions."""
    before = {path.name for path in tmp_path.iterdir()}
    yield
    assert {path.name for path in tmp_path.iterdir()} <= before | {"competitions", "workspace"}
    assert not Path("/tmp/harness-x").exists()


@pytest.mark.fault("F-43")
@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_an_imported_run_of_any_name_stays_below_its_folder(harness, toy, outside, name):
    import pandas as pd

    run = toy.run("-s", "near", "--json").json["strategies"][-1]
    oof = pd.read_parquet(toy.runs / run["run_id"] / "oof.parquet")
    values = oof[["id", *(f"prediction:{one}" for one in ("ash", "beech", "cedar"))]]
    values.set_axis(["id", "ash", "beech", "cedar"], axis=1).to_csv(toy.ws / "oof.csv", index=False)
    before = {path.name for path in toy.ws.iterdir()}
    done = harness("import", "toy", "--name", name, "--oof", "oof.csv", "--test", run["submission"], "--no-tracking")
    assert done.code in (0, 2), done.err
    assert {path.name for path in toy.ws.iterdir()} == before
    imported = [path.parent for path in toy.runs.glob("*imported*/result.json")]
    assert all(len(path.name) < 130 and path.parent == toy.runs for path in imported)
    assert len(imported) == (done.code == 0)


@pytest.mark.fault("F-43")
@pytest.mark.parametrize("name", NAMES[:4], ids=["parent", "absolute", "nul", "long"])
@pytest.mark.parametrize(
    "args",
    [
        ("run", "{}"),
        ("run", "toy", "-s", "{}"),
        ("leaderboard", "{}"),
        ("report", "toy", "--run", "{}", "--output", "p.html"),
    ],
    ids=lambda args: " ".join(args),
)
def test_names_that_lead_elsewhere_find_nothing_and_write_nothing(harness, toy, outside, args, name):
    done = harness(*(part.format(name) for part in args))
    assert done.code == 2
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert not list(toy.ws.rglob("result.json"))
    assert not (toy.ws / "submissions").exists()


@pytest.mark.fault("F-43")
@pytest.mark.parametrize("name", ["../../x", "/tmp/harness-x", "a\0b", "x" * 300, "..", "", "a/b", "a\\b"])
@pytest.mark.parametrize("table", ["strategies", "blends", "data.variants"])
def test_names_in_a_competition_file_are_refused(harness, toy, outside, table, name):
    toy.file.write_text(f"{toy.file.read_text()}\n[{table}.{json.dumps(name)}]\n")
    done = harness("check", "toy")
    assert done.code == 2
    assert done.err.count("\n") == 1


@pytest.mark.fault("F-43")
@pytest.mark.parametrize("name", ["../../x", "a\0b", "x" * 300, "a b", ""])
def test_a_plugin_of_any_name_writes_nothing_outside(harness, toy, outside, monkeypatch, name):
    from types import ModuleType

    point = SimpleNamespace(
        name=name, dist=SimpleNamespace(name="d", version="1"), load=lambda: ModuleType("m"), module="m"
    )
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [point])
    done = harness("plugins")
    assert done.code == 0
    assert "\0" not in done.out
    assert toy.run("-s", "near").code == 0


# a competition file names offers --------------------------------------------------------------------------------------

CODE = ["os.system", "evil:attack", "evil.attack", "local.__class__"]


@pytest.mark.fault("F-44")
@pytest.mark.parametrize("name", CODE)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('source = "local.blobs"', "source = {}"),
        ('model = "local.means"', "model = {}"),
        ('model = "local.means"', 'model = "local.means"\nfeatures = {}'),
        ('model = "local.means"', 'model = "local.means"\nrebalancer = {}'),
        ('adjuster = "temperature"', "adjuster = {}"),
        ('use = "stratified"', "use = {}"),
        ('metrics = ["log_loss", "macro_f1"]', "metrics = [{}]"),
    ],
    ids=["source", "model", "features", "rebalancer", "adjuster", "split", "metric"],
)
def test_a_competition_file_can_name_offers_only(toy, monkeypatch, old, new, name):
    (toy.ws / "evil.py").write_text("from pathlib import Path\nPath('executed').touch()\ndef attack(*_): ...\n")
    monkeypatch.syspath_prepend(str(toy.ws))
    toy.change(old, new.format(json.dumps(name)))
    done = toy.run("-s", "near", "-s", "calibrated")
    assert done.code == 2, done.err
    assert "is offered" in done.err or "is installed" in done.err or "is broken" in done.err
    assert "evil" not in sys.modules
    assert not (toy.ws / "executed").exists()


# spreadsheets -------------------------------------------------------------------------------------------------------


@pytest.mark.fault("F-45")
def test_ids_that_are_formulas_are_unchanged_in_a_submission_and_told_once(table, workspace):
    ids = ["=1+1", "=cmd|' /C calc'!A0", "@x", "plain"]
    rows = "".join(f'"{name}",{n},a\n' for n, name in enumerate(ids))
    done = table({"train.csv": TRAIN, "test.csv": "id,x,c\n" + rows}).run()
    assert done.code == 0, done.err
    (line,) = [line for line in done.err.splitlines() if "spreadsheet" in line]
    assert "a spreadsheet would run 3 ids, do not open the file in one: =1+1, " in line
    made = list(csv.reader((workspace / "submissions/mine/plain.csv").read_text().splitlines()))
    assert [row[0] for row in made[1:]] == ids


@pytest.mark.fault("F-45")
def test_ids_that_are_formulas_are_told_when_new_rows_are_predicted(harness, table, workspace):
    mine = table({"train.csv": TRAIN, "test.csv": "id,x,c\nt,1,a\n"})
    assert mine.run().code == 0
    (mine.folder / "new.csv").write_text("id,x,c\n=1+1,1,a\n")
    done = harness("predict", "plain", "--input", str(mine.folder / "new.csv"), "--output", "new.csv")
    assert done.code == 0, done.err
    assert "a spreadsheet would run 1 id, " in done.err
    assert (workspace / "new.csv").read_text().splitlines()[1].startswith("=1+1,")


@pytest.mark.fault("F-45")
def test_tables_for_people_are_defused():
    import pandas as pd

    frame = pd.DataFrame(
        {"=a": ["=1+1", "+x", "-0.5", "plain"], "n": [-1.5, 2.0, float("nan"), 0.0], "@b": list("=+-@")}
    )
    made = defused(frame)
    assert list(made.columns) == ["'=a", "n", "'@b"]
    assert made["'=a"].tolist() == ["'=1+1", "'+x", "-0.5", "plain"]
    assert made["'@b"].tolist() == ["'=", "'+", "'-", "'@"]
    pd.testing.assert_series_equal(made["n"], frame["n"])
    assert frame.iloc[0, 0] == "=1+1"


@pytest.mark.fault("F-45")
def test_predictions_of_new_rows_that_people_read_are_defused(harness, workspace, competitions):
    import shutil

    from harness_airquality.reading.tables import simulated
    from harness_airquality.source import StationsParams

    shutil.copytree(ROOT / "competitions/air-quality-africa", competitions / "africa")
    file = competitions / "africa/competition.toml"
    smaller = (
        file.read_text().replace("simulate = 40", "simulate = 20").replace("simulate_days = 120", "simulate_days = 40")
    )
    file.write_text(smaller)
    done = harness("run", "africa", "-s", "extra-trees-interval", "--set", "extra*.trees=5", "--no-tracking")
    assert done.code == 0, done.err
    new = simulated(StationsParams(simulate=20, simulate_days=40)).test.head(3).drop(columns="id")
    new.assign(site_id="=HYPERLINK(1)").to_csv(workspace / "new.csv", index=False)
    done = harness("predict", "extra", "--input", "new.csv", "--output", "told.csv")
    assert done.code == 0, done.err
    places = [row["place"] for row in csv.DictReader((workspace / "told.csv").read_text().splitlines())]
    assert places == ["'=HYPERLINK(1)"] * 3


# the UI, the terminal, HTML -----------------------------------------------------------------------------------------


@pytest.mark.fault("F-47")
def test_the_ui_listens_on_loopback_unless_told_otherwise(tmp_path):
    from harness.cli.board import ui_command as command
    from harness.tracking.server import ui_command

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    shown = ui_command(uri)
    assert shown[shown.index("--host") + 1] == "127.0.0.1"
    assert next(option for option in command.params if option.name == "host").default == "127.0.0.1"
    told = ui_command(uri, "0.0.0.0", 5000)
    assert told[told.index("--host") + 1] == "0.0.0.0"


def hostile_toy(toy) -> None:
    """Let the toy say hostile things wherever a plugin may speak."""
    toy.add(
        f"HOSTILE = {HOSTILE!r}\n"
        "class Loud(Means):\n"
        "    def fit(self, train, inner, log):\n"
        "        if self.params.fail:\n"
        "            raise ValueError(HOSTILE)\n"
        "        super().fit(train, inner, log)\n"
        "        log.note(HOSTILE)\n"
        "def load_loud(params, request):\n"
        "    from dataclasses import replace\n"
        "    data = load_blobs(params, request)\n"
        "    ids = data.test.ids.copy()\n"
        "    ids[0] = HOSTILE\n"
        "    info = replace(data.info, name=HOSTILE, classes=('ash', 'beech', HOSTILE), notes=(HOSTILE,))\n"
        "    return replace(data, info=info, test=replace(data.test, ids=ids))\n"
        "@hookimpl(specname='harness_datasets')\n"
        "def loud_datasets():\n"
        "    yield DatasetSource('local.loud', HOSTILE, BlobsParams, load_loud)\n"
        "@hookimpl(specname='harness_models')\n"
        "def loud_models():\n"
        "    yield ModelRecipe('local.loud', HOSTILE, frozenset({TaskType.MULTICLASS}), MeansParams, Loud)\n"
    )
    toy.change('source = "local.blobs"', 'source = "local.loud"')
    toy.change('[submission]\nid = "row_id"\ncolumns = ["ash", "beech", "cedar"]\n', "")
    loud = '[strategies.loud]\nmodel = "local.loud"\n[strategies.loud-broken]\n'
    toy.change("[strategies.sharp]", loud + 'model = {use = "local.loud", fail = "yes"}\n[strategies.sharp]')


def harmless(text: str) -> bool:
    return "\x1b" not in text and "\x07" not in text


@pytest.mark.fault("F-48")
def test_hostile_text_of_plugins_and_data_never_reaches_the_terminal(harness, toy):
    hostile_toy(toy)
    done = toy.run("-s", "loud", "-s", "loud-broken", "-s", "near")
    assert done.code == 3, done.err
    assert "[bold]x[/bold]" in done.err  # told as it is, without what a terminal would obey
    told = [done.out + done.err]
    for args in (("leaderboard", "toy"), ("describe", "toy"), ("check", "toy"), ("list",), ("plugins",)):
        done = harness(*args)
        assert done.code == 0, done.err
        told.append(done.out + done.err)
    (toy.ws / "s.csv").write_text(f"id,ash\n{HOSTILE},{HOSTILE}\n{HOSTILE},1\n")
    for args in (
        ("validate", "toy", "s.csv"),
        ("run", HOSTILE),
        ("run", "toy", "-s", HOSTILE),
        ("predict", HOSTILE, "--input", "s.csv", "--output", "o.csv"),
    ):
        done = harness(*args)
        assert done.code == 2
        told.append(done.out + done.err)
    assert [text for text in told if not harmless(text)] == []


@pytest.mark.fault("F-48")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('title = "Toy: three blobs"', "title = {}"),
        ('description = "distances to class means"', "description = {}"),
        ('about = "three simulated blobs"', "about = {}"),
    ],
)
def test_a_competition_file_that_would_steer_the_terminal_is_refused(harness, toy, old, new):
    toy.change(old, new.format(json.dumps(HOSTILE)))
    for command in ("run", "describe", "check"):
        done = harness(command, "toy")
        assert done.code == 2
        assert "expected no control characters" in done.err
        assert harmless(done.out + done.err)
    assert harmless(harness("list").out)


@pytest.mark.fault("F-48")
def test_hostile_text_is_escaped_in_the_page_of_a_run(harness, toy):
    hostile_toy(toy)
    assert toy.run("-s", "loud").code == 0
    done = harness("report", "toy", "--output", "page.html")
    assert done.code == 0, done.err
    page = (toy.ws / "page.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "default-src 'none'" in page


@pytest.mark.fault("F-48")
def test_hostile_text_is_escaped_in_what_mlflow_shows(harness, toy):
    from mlflow import MlflowClient

    hostile_toy(toy)
    assert harness("run", "toy", "-s", "loud").code == 0
    client = MlflowClient(f"sqlite:///{toy.ws}/mlflow.db")
    (experiment,) = [one for one in client.search_experiments() if one.name == "toy"]
    runs = client.search_runs([experiment.experiment_id])
    notes = [one.get("mlflow.note.content", "") for one in (experiment.tags, *(run.data.tags for run in runs))]
    assert any("script" in note for note in notes)
    assert not any("<script" in note for note in notes)
