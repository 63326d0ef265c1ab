"""`harness check` names leaks, exits with 1, lives with those that a competition accepts, and keeps a card."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

FILE = """
title = "Loans"
task = "binary"
metrics = ["roc_auc"]

[data]
source = "imbalance.table"
variant = "path"

[data.params]
id = "id"
target = "defaulted"
train = "train.csv"
test = "test.csv"
meta = ["group", "time"]

[split]
use = "stratified"

[strategies.constant]
model = {{ use = "constant", predict = "prior" }}

{more}
"""
KINDS = {
    "id": "id-order",
    "rows": "duplicates",
    "group": "group-overlap",
    "future": "future-feature",
    "copy": "target-copy",
}


def made(kind: str, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make loans, with one leak or none."""
    rng = np.random.default_rng(seed)
    n = 800
    table = pd.DataFrame(rng.normal(size=(n, 6)).round(4), columns=[f"x{at}" for at in range(6)])
    table["region"] = rng.choice(["north", "south", "east"], n)
    targets = (table["x0"] + rng.normal(size=n) > 0.7).astype(int)
    table["id"] = [f"L{number:05d}" for number in rng.permutation(n)]
    # groups as they should be: each row its own, in train and in test
    table["group"], table["time"] = np.arange(n), rng.permutation(n)
    test = np.arange(n) >= 600
    if kind == "id":
        table["id"] = [f"L{number:05d}" for number in np.argsort(np.argsort(targets + rng.normal(size=n) * 0.2))]
    if kind == "rows":
        columns = [f"x{at}" for at in range(6)] + ["region"]
        table.loc[600:629, columns] = table.loc[0:29, columns].to_numpy()
        table = table.astype({f"x{at}": float for at in range(6)})
    if kind == "group":
        table["group"] = np.where(test, 1000 + rng.integers(0, 30, n), rng.integers(0, 90, n))
    if kind == "future":
        table["closed"] = table["time"] + np.where(targets, 4, 9) + rng.integers(0, 4, n)
    if kind == "copy":
        table["status"] = np.where(rng.random(n) < 0.01, "unknown", np.where(targets, "written off", "paid"))
    return table[~test].assign(defaulted=targets[~test]), table[test]


@pytest.fixture
def loans(competitions, tmp_path, harness):
    """Return ``loans(kind, ...)``: check a competition with one leak."""

    def check(kind, *args, seed=0, more=""):
        home, data = competitions / "loans", tmp_path / f"data-{kind}-{seed}"
        home.mkdir(exist_ok=True)
        data.mkdir(exist_ok=True)
        (home / "competition.toml").write_text(FILE.format(more=more))
        train, test = made(kind, seed)
        train.to_csv(data / "train.csv", index=False)
        test.to_csv(data / "test.csv", index=False)
        return harness("check", "loans", "--data", data, *args)

    return check


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_planted_leak_is_named_and_exits_with_1(kind, loans):
    done = loans(kind)
    assert done.code == 1, done.err
    leaks = [line for line in done.out.splitlines() if line.startswith("leak: ")]
    assert [line.split(": ")[1] for line in leaks] == [KINDS[kind]]
    assert "ok: " not in done.out
    found = loans(kind, "--json")
    assert found.code == 1
    assert [one["kind"] for one in found.json["findings"] if one["severity"] == "leak"] == [KINDS[kind]]


@pytest.mark.parametrize("seed", range(4))
def test_the_clean_twin_exits_with_0(seed, loans, workspace):
    done = loans("none", seed=seed)
    assert done.code == 0, done.out
    assert "leak" not in done.out.replace("leaks", "")
    assert "harness --competitions" in done.out.partition("ok: ")[2]
    assert " run loans --data " in done.out.partition("ok: ")[2]
    assert done.out.splitlines()[-1] == f"kept in {next((workspace / 'cards/loans').iterdir()).relative_to(workspace)}"


def test_an_accepted_leak_stays_visible_and_exits_with_0(loans):
    done = loans("copy", more='[leaks.accepted]\n"target-copy:status" = "known when the loan is asked for"')
    assert done.code == 0
    assert "accepted leak: target-copy: column 'status' alone nearly gives the target" in done.out
    assert "; known when the loan is asked for" in done.out
    assert "ok: " in done.out


def test_a_leak_accepted_by_its_kind(loans):
    assert loans("id", more='[leaks]\naccepted = { id-order = "the organisers\' own ids" }').code == 0


def test_accepting_one_column_accepts_no_other(loans):
    assert loans("copy", more='[leaks.accepted]\n"target-copy:x0" = "it is known"').code == 1


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('[leaks.accepted]\nduplicate = "why"', "unknown kind 'duplicate'; did you mean 'duplicates'?"),
        ('[leaks.accepted]\nduplicates = " "', "duplicates: expected the reason, as text"),
        ("[leaks.accepted]\nduplicates = true", "duplicates = True: expected a string"),
        ("[leaks]\nallowed = {}", "unknown key 'allowed'"),
    ],
)
def test_what_is_accepted_is_read_strictly(more, words, loans):
    done = loans("none", more=more)
    assert done.code == 2
    assert words in done.err


def test_the_card_of_a_data_set_is_kept(loans, workspace):
    from harness.leaks.scan import read_card

    done = loans("rows", "--json")
    (path,) = (workspace / "cards" / "loans").iterdir()
    assert done.json["card"] == str(path.relative_to(workspace))
    card = read_card(path)
    assert (card.competition, card.variant, card.rows) == ("loans", "path", {"train": 600, "test": 200})
    assert path.name == f"path-{card.digest[:16]}.json"
    assert [one.kind for one in card.leaks] == ["duplicates"]
    assert json.loads(path.read_text())["findings"] == done.json["findings"]
    loans("rows")
    assert len(list(path.parent.iterdir())) == 1


def test_a_mistake_is_told_before_a_leak(loans):
    done = loans("copy", more='[strategies.bad]\nmodel = "nothing.like.this"')
    assert done.code == 2
    assert "leak: target-copy" in done.out


HOOK = """

from harness.findings import Finding, Severity


@hookimpl
def harness_check_dataset(dataset):
    yield Finding("local.{kind}", Severity.{severity}, "recordings of one night", "split by night", "share", 0.5)
"""


@pytest.mark.parametrize(("severity", "code"), [("LEAK", 1), ("WARNING", 0), ("NOTE", 0)])
def test_findings_of_a_plugin_stand_among_the_others(severity, code, competitions, harness):
    path = competitions / "toy" / "plugin.py"
    path.write_text(path.read_text() + HOOK.format(kind="nights", severity=severity))
    done = harness("check", "toy")
    assert done.code == code
    assert f"{severity.lower()}: local.nights: recordings of one night; split by night (local)" in done.out


def test_a_leak_stops_no_run(competitions, harness):
    path = competitions / "toy" / "plugin.py"
    path.write_text(path.read_text() + HOOK.format(kind="nights", severity="LEAK"))
    assert harness("run", "toy", "--strategy", "near", "--fast").code == 0


def test_a_leak_of_a_plugin_can_be_accepted(competitions, harness):
    path = competitions / "toy" / "plugin.py"
    path.write_text(path.read_text() + HOOK.format(kind="nights", severity="LEAK"))
    file = competitions / "toy" / "competition.toml"
    file.write_text(file.read_text() + '\n[leaks.accepted]\n"local.nights" = "one night is all there is"\n')
    done = harness("check", "toy")
    assert done.code == 0
    assert "accepted leak: local.nights: recordings of one night; one night is all there is (local)" in done.out


def test_a_finding_of_a_kind_that_is_nobodys_is_refused(competitions, harness):
    path = competitions / "toy" / "plugin.py"
    path.write_text(path.read_text() + HOOK.replace("local.{kind}", "nights").replace("{severity}", "LEAK"))
    done = harness("check", "toy")
    assert done.code == 2
    assert "finding 'nights': expected a kind of the harness's, or one named <plugin>.<kind>" in done.err


SIZES = """
from pathlib import Path

from harness import hookimpl
from harness.data import Dataset, DatasetInfo, Examples, TaskType
from harness.offers import DatasetSource
from harness.params import NoParams


def load(params, request):
    import numpy as np

    rng = np.random.default_rng(0)
    targets, folder = rng.integers(0, 2, 300), request.cache / "files"
    folder.mkdir(parents=True, exist_ok=True)
    names = rng.permutation(300)
    paths = [folder / f"{name}.bin" for name in names]
    for path, target in zip(paths, targets):
        path.write_bytes(rng.bytes(500 + int(rng.integers(0, 200)) + 150 * int(target) * LEAKS))
    ids = np.array([path.stem for path in paths], dtype=object)
    info = DatasetInfo("files", TaskType.BINARY, ("no", "yes"))
    return Dataset(info, Examples(ids[:200], paths[:200], targets[:200]), None, Examples(ids[200:], paths[200:]))


@hookimpl
def harness_datasets():
    yield DatasetSource("local.files", "files", NoParams, load, None)
"""


@pytest.mark.parametrize("leaks", [0, 1])
def test_the_size_of_files(leaks, competitions, harness):
    home = competitions / "files"
    home.mkdir()
    (home / "plugin.py").write_text(SIZES.replace("LEAKS", str(leaks)))
    (home / "competition.toml").write_text(
        'title = "Files"\ntask = "binary"\nmetrics = ["roc_auc"]\n[data]\nsource = "local.files"\n'
        '[data.variants.sample]\nabout = "made"\n[split]\nuse = "stratified"\n'
        '[strategies.constant]\nmodel = { use = "constant", predict = "prior" }\n'
    )
    done = harness("check", "files")
    assert done.code == leaks, done.out + done.err
    assert ("leak: file-size: the size of a row's file predicts the target out of fold (AUC" in done.out) == bool(leaks)
