"""The conformance kit: sound offers pass every check, and each fault fails the check that is named for it."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import sys
import textwrap
import zipfile
from dataclasses import dataclass, replace

import joblib
import numpy as np
import pytest

from harness.data import Examples, Fold, Predictions, TaskType
from harness.errors import ConfigError, DataError
from harness.offers import (
    CLASSIFICATION,
    Adjuster,
    BuildContext,
    Executor,
    Features,
    Metric,
    ModelRecipe,
    Rebalancer,
    Splitter,
    Stage,
)
from harness.params import NoParams, param
from harness.plugins import load_plugins
from harness.testing import (
    check_adjuster,
    check_executor,
    check_features,
    check_metric,
    check_model,
    check_params,
    check_plugin,
    check_rebalancer,
    check_splitter,
    failures,
    table,
)
from harness.testing.generated import same
from harness.testing.plugin import CHECKS
from harness.testing.saved import pickles_in


def failed(findings) -> set[str]:
    return {found.check for found in findings if found.problem}


# --- models ---------------------------------------------------------------------------------------------------------


class Shares:
    """Class shares moved by the first column; `fault` names what it does wrong."""

    def __init__(self, fault, info, context):
        self.fault, self.info, self.context = fault, info, context

    def fit(self, train, inner, log):
        if self.fault == "refuses":
            raise DataError("takes pictures only")
        if self.fault == "breaks":
            raise TypeError("no table expected")
        if self.fault == "exits":
            raise SystemExit(3)
        if self.fault == "no inner" and inner is not None:
            raise ValueError("no holdout expected")
        if self.fault == "no weights" and train.weights is not None:
            raise ValueError("no weights expected")
        if self.fault == "changes":
            train.inputs["x0"] = 0.0
        width = int(train.targets.max()) + 1 if self.fault == "narrow" else len(self.info.classes)
        self.shares = np.bincount(train.targets, train.weights, width) + 1.0
        if self.fault == "unseeded":
            self.shares += np.random.default_rng().uniform(size=width)
        log.epoch(0, loss=1.0)

    def predict(self, examples):
        values = self.shares * np.exp(np.tanh(examples.inputs["x0"].to_numpy())[:, None] * np.arange(len(self.shares)))
        values /= values.sum(axis=1, keepdims=True)
        ids, columns = examples.ids, self.info.outputs[: len(self.shares)]
        if self.fault == "order":
            ids = ids[::-1]
        if self.fault == "columns":
            columns = columns[::-1]
        return Predictions(ids, values * (2 if self.fault == "sums" else 1), columns)

    def save(self, directory):
        if self.fault == "pickle":
            (directory / "model.bin").write_bytes(pickle.dumps(self.shares.tolist()))
        elif self.fault != "saves nothing":
            places = 2 if self.fault == "rounds" else 17
            text = json.dumps([round(float(share) * 1.001, places) for share in self.shares])
            exact = json.dumps(self.shares.tolist())
            (directory / "model.json").write_text(text if self.fault == "rounds" else exact)

    def load(self, directory):
        if self.fault == "pickle":
            self.shares = np.array(pickle.loads((directory / "model.bin").read_bytes()))
        else:
            self.shares = np.array(json.loads((directory / "model.json").read_text()))


def recipe(fault: str = "") -> ModelRecipe:
    return ModelRecipe(
        "bad.model",
        "shares by class",
        CLASSIFICATION,
        NoParams,
        lambda params, info, context: Shares(fault, info, context),
        inner=lambda params: True,
    )


def test_a_sound_model_passes_every_check_on_each_of_its_tasks():
    findings = list(check_model(recipe()))
    assert failures(findings) == []
    assert not any(found.skipped for found in findings)
    assert {"binary: save and load", "multiclass: a fold that lacks a class"} <= {found.check for found in findings}


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("breaks", "fit"),
        ("exits", "fit"),
        ("changes", "leaves training rows as they are"),
        ("order", "predictions fit ids, classes and range"),
        ("columns", "predictions fit ids, classes and range"),
        ("sums", "predictions fit ids, classes and range"),
        ("unseeded", "same seed, same bytes"),
        ("rounds", "save and load"),
        ("saves nothing", "save and load"),
        ("pickle", "no pickle is saved"),
        ("no inner", "takes an inner holdout"),
        ("no weights", "takes weights"),
        ("narrow", "a fold that lacks a class"),
    ],
)
def test_a_faulty_model_fails_the_check_of_that_name_only(fault, check):
    assert failed(check_model(recipe(fault))) == {f"binary: {check}", f"multiclass: {check}"}


def test_a_model_that_refuses_tables_is_skipped_but_must_take_what_the_caller_gives():
    findings = list(check_model(recipe("refuses")))
    assert failures(findings) == []
    assert [found.check for found in findings if found.skipped] == [
        "skipped: binary: takes pictures only",
        "skipped: multiclass: takes pictures only",
    ]
    given = check_model(recipe("refuses"), dataset=table(TaskType.BINARY))
    assert failed(given) == {"binary: fit"}


@dataclass(frozen=True)
class Forest:
    trees: int = param(5000, "trees")


def test_a_model_is_tried_with_few_iterations_and_a_wrong_name_of_them_is_told():
    seen = []

    def build(params, info, context):
        seen.append(params.trees)
        return Shares("", info, context)

    offer = replace(recipe(), params=Forest, build=build, iterations="trees")
    assert failures(check_model(offer)) == []
    assert set(seen) == {20}
    assert failed(check_model(replace(offer, iterations="tres"))) == {"iterations"}


def test_stages_of_a_model_are_run_for_it():
    def run(given, out, log):
        (out / "rows.json").write_text(json.dumps(len(given.parts["fold"])))

    seen = []

    def build(params, info, context: BuildContext):
        if context.stages:
            seen.append(json.loads((context.stages["bad.stage"] / "rows.json").read_text()))
        return Shares("", info, context)

    stages = [Stage("bad.stage", "fold", NoParams(), run, uses=("fold",))]
    assert failures(check_model(replace(recipe(), build=build, stages=lambda params, info: stages))) == []
    assert set(seen) == {120}


# --- parameters -----------------------------------------------------------------------------------------------------


@dataclass
class Thawed:
    depth: int = param(3, "depth")


@dataclass(frozen=True)
class Needs:
    depth: int


@dataclass(frozen=True)
class Bare:
    depth: int = 3


@dataclass(frozen=True)
class OutOfBounds:
    depth: int = param(0, "depth", low=1)


@dataclass(frozen=True)
class Lines:
    depth: int = param(3, "depth\nof a tree")


def test_parameters_must_be_frozen_have_defaults_help_and_survive_json_and_processes():
    @dataclass(frozen=True)
    class Here:
        depth: int = param(3, "depth")

    frozen, helped = "params: a frozen dataclass with defaults", "params: every field has help"
    # the postponed annotations of this module are read from its globals
    assert failed(check_params(replace(recipe(), params=Thawed))) == {frozen}
    assert frozen in failed(check_params(replace(recipe(), params=Needs)))
    assert failed(check_params(replace(recipe(), params=Bare))) == {helped}
    assert failed(check_params(replace(recipe(), params=OutOfBounds))) == {"params: survive JSON"}
    assert failed(check_params(replace(recipe(), params=int))) >= {frozen}
    assert failed(check_params(replace(recipe(), params=Lines))) == {"params: can be shown in one line"}
    assert failed(check_params(replace(recipe(), params=Here))) == {"params: can be pickled"}
    for summary in (" ", "two\nlines", "\x1b[31mred"):
        assert failed(check_params(replace(recipe(), summary=summary))) == {"summary"}


# --- pickles --------------------------------------------------------------------------------------------------------


def test_pickles_are_found_by_content_wherever_they_hide_and_nothing_else_is_taken_for_one(tmp_path):
    value = {"a": [1, 2, 3]}
    for protocol in (2, 3, 4, 5):
        (tmp_path / f"protocol{protocol}.bin").write_bytes(pickle.dumps(value, protocol))
    (tmp_path / "model.joblib").write_text("")
    joblib.dump(np.arange(3000.0), tmp_path / "plain.model")
    joblib.dump(value, tmp_path / "zlib.model", compress=("zlib", 3))
    (tmp_path / "model.gz").write_bytes(gzip.compress(pickle.dumps(value)))
    np.save(tmp_path / "objects.npy", np.array([value], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(tmp_path / "torch.bin", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(value, 2))
    bad = {path.name for path in tmp_path.iterdir()}
    np.save(tmp_path / "numbers.npy", np.arange(3.0))
    (tmp_path / "state.json").write_text('{"trees": 3}')
    (tmp_path / "model.safetensors").write_bytes((0x0280).to_bytes(8, "little") + b"{}".ljust(0x0280))
    (tmp_path / "empty").write_bytes(b"")
    buffer = io.BytesIO()
    np.savez(buffer, a=np.arange(4))
    (tmp_path / "arrays.npz").write_bytes(buffer.getvalue())
    assert set(pickles_in(tmp_path)) == bad


# --- metrics --------------------------------------------------------------------------------------------------------


def error_rows(targets, values):
    return 1.0 - values[np.arange(len(targets)), targets]


def error(targets, values, weights, meta):
    return float(np.average(error_rows(targets, values), weights=weights))


METRIC = Metric("bad.metric", "mean error", "min", "probabilities", CLASSIFICATION, error, error_rows)


def backwards(targets, values, weights, meta):
    return error(targets, values, np.arange(len(targets)) + 1.0, meta)


def spoils(targets, values, weights, meta):
    found = error(targets, values, weights, meta)
    values[:] = np.sort(values, axis=0)
    return found


@pytest.mark.parametrize(
    ("metric", "checks"),
    [
        (METRIC, set()),
        (replace(METRIC, direction="max"), {"perfect beats random"}),
        (replace(METRIC, score=lambda t, v, w, m: float("nan"), per_row=None), {"perfect beats random"}),
        (replace(METRIC, score=backwards, per_row=None), {"the order of rows is nothing"}),
        (
            replace(METRIC, score=lambda t, v, w, m: error(t, v, w, m) * (1 if w is None else 2), per_row=None),
            {"weights of 1 are none"},
        ),
        (replace(METRIC, score=lambda t, v, w, m: error(t, v, None, m)), {"mean of per_row"}),
        (replace(METRIC, per_row=lambda t, v: error_rows(t, v)[:, None]), {"mean of per_row"}),
    ],
)
def test_a_faulty_metric_fails_the_check_of_that_name_only(metric, checks):
    assert failed(check_metric(metric)) == {f"{task}: {check}" for task in CLASSIFICATION for check in checks}


def test_a_metric_that_changes_what_it_is_given_is_told():
    assert "binary: leaves what it is given" in failed(check_metric(replace(METRIC, score=spoils)))


# --- rebalancers ----------------------------------------------------------------------------------------------------


def rebalancer(change) -> Rebalancer:
    return Rebalancer("bad.rebalancer", "halves", NoParams, lambda params, examples, info, seed: change(examples, seed))


def half(examples: Examples, seed: int) -> Examples:
    chosen = np.random.default_rng(seed).choice(len(examples), len(examples) // 2, replace=False)
    return examples.take(np.sort(chosen))


def renamed(examples: Examples, name) -> Examples:
    return replace(examples, ids=np.array([name(row) for row in range(len(examples))], dtype=object))


def relabelled(examples: Examples, seed: int) -> Examples:
    return replace(examples, targets=examples.targets[::-1].copy())


def invents(examples: Examples, seed: int) -> Examples:
    rows = examples.take(np.array([0]))
    made = replace(rows, ids=np.array(["generated:0"], dtype=object), targets=np.array([9]))
    return Examples(
        np.concatenate([examples.ids, made.ids]),
        examples.take(np.append(np.arange(len(examples)), 0)).inputs,
        np.concatenate([examples.targets, made.targets]),
    )


def spoiled(examples: Examples, seed: int) -> Examples:
    taken = half(examples, seed)
    examples.targets[:] = 0
    return taken


@pytest.mark.parametrize(
    ("change", "checks"),
    [
        (half, set()),
        (lambda examples, seed: renamed(examples, lambda row: f"generated:{row}"), set()),
        (lambda examples, seed: "rows", {"rebalance"}),
        (lambda examples, seed: renamed(examples, lambda row: f"copy{row}"), {"ids are original or generated"}),
        (lambda examples, seed: renamed(examples, lambda row: "generated:1"), {"ids are original or generated"}),
        (relabelled, {"original rows stay what they are"}),
        (
            lambda examples, seed: examples.with_inputs(examples.inputs.assign(x0=0.0)),
            {"original rows stay what they are"},
        ),
        (invents, {"no new class"}),
        (
            lambda examples, seed: renamed(
                examples.with_inputs(examples.inputs.drop(columns="x0")), lambda row: f"generated:{row}"
            ),
            {"the same columns"},
        ),
        (lambda examples, seed: replace(examples, weights=np.zeros(len(examples))), {"weights are positive"}),
        (lambda examples, seed: half(examples, np.random.SeedSequence().entropy), {"same seed, same bytes"}),
        (spoiled, {"leaves what it is given"}),
    ],
)
def test_a_faulty_rebalancer_fails_the_check_of_that_name_only(change, checks):
    tasks = ("binary", "multiclass")
    assert failed(check_rebalancer(rebalancer(change))) == {f"{task}: {check}" for task in tasks for check in checks}


# --- adjusters ------------------------------------------------------------------------------------------------------


class Smooth:
    """Mixes predictions with the class shares it saw; `fault` names what it does wrong."""

    def __init__(self, fault):
        self.fault, self.notes, self.shares = fault, [], None

    def fit(self, oof):
        if self.fault == "no weights" and oof.weights is not None:
            raise ValueError("no weights expected")
        self.shares = np.bincount(oof.targets, oof.weights, oof.values.shape[1]) / len(oof.targets)
        if self.fault == "unseeded":
            self.shares = np.random.default_rng().dirichlet(np.ones(len(self.shares)))
        if self.fault == "notes":
            self.notes = ["one\ntwo"]
        if self.fault == "spoils":
            oof.values[:] = 0.5

    def apply(self, values, reference, meta=None):
        if self.fault == "needs reference":
            assert reference is not None
        shares = reference.mean(axis=0) if self.fault == "peeks" and reference is not None else self.shares
        mixed = 0.9 * values + 0.1 * shares / shares.sum()
        return {"sums": mixed * 2, "shape": mixed[:, :1]}.get(self.fault, mixed)

    def decide(self, values):
        return values if self.fault == "decides" else None

    def state(self):
        return {"shares": self.shares if self.fault == "no json" else self.shares.tolist()}

    def restore(self, state):
        self.shares = np.ones(len(state["shares"])) if self.fault == "forgets" else np.array(state["shares"])


def adjuster(fault: str) -> Adjuster:
    return Adjuster("bad.adjuster", "smooths", CLASSIFICATION, NoParams, lambda params, info: Smooth(fault))


@pytest.mark.parametrize(
    ("fault", "checks"),
    [
        ("", set()),
        ("sums", {"apply without a reference", "apply with a reference", "takes weights"}),
        ("shape", {"apply without a reference", "apply with a reference", "takes weights"}),
        ("needs reference", {"apply without a reference", "apply with a reference"}),
        ("unseeded", {"same seed, same bytes"}),
        ("peeks", {"says whether it sees the test set"}),
        ("decides", {"decisions are 0 and 1"}),
        ("no json", {"state and restore"}),
        ("forgets", {"state and restore"}),
        ("no weights", {"takes weights"}),
        ("notes", {"notes are lines"}),
    ],
)
def test_a_faulty_adjuster_fails_the_checks_of_that_name_only(fault, checks):
    assert failed(check_adjuster(adjuster(fault))) == {
        f"{task}: {check}" for task in CLASSIFICATION for check in checks
    }


def test_an_adjuster_that_changes_its_predictions_or_says_that_it_sees_the_test_set():
    assert "binary: fit" in failed(check_adjuster(adjuster("spoils")))
    assert failures(check_adjuster(replace(adjuster("peeks"), sees_test=True))) == []


# --- splitters ------------------------------------------------------------------------------------------------------


def splitter(change=lambda folds: folds) -> Splitter:
    def split(params, examples, info):
        rows = examples.scored_rows()
        every = np.arange(len(examples))
        folds = [Fold(i, np.setdiff1d(every, rows[i::3]), rows[i::3]) for i in range(3)]
        return change(folds)

    return Splitter("bad.splitter", "every third row", NoParams, split)


SOUND = "disjoint, every row covered once"


@pytest.mark.parametrize(
    ("change", "checks"),
    [
        (lambda folds: folds, set()),
        (lambda folds: folds[:2], {SOUND, "unscored rows only train", "cuts an inner holdout"}),
        (
            lambda folds: [replace(f, train=np.union1d(f.train, f.valid)) for f in folds],
            {SOUND, "unscored rows only train", "cuts an inner holdout"},
        ),
        (lambda folds: [replace(fold, index=7) for fold in folds], {"folds are folds"}),
        (lambda folds: [replace(fold, train=fold.train.astype(np.int32)) for fold in folds], {"folds are folds"}),
        (
            lambda folds: [replace(fold, train=np.random.default_rng().permutation(fold.train)) for fold in folds],
            {"the same folds every time"},
        ),
    ],
)
def test_a_faulty_splitter_fails_the_checks_of_that_name_only(change, checks):
    assert failed(check_splitter(splitter(change))) == checks


def test_a_splitter_that_ignores_what_is_scored_or_refuses():
    def split(params, examples, info):
        rows = np.arange(len(examples))
        return [Fold(i, np.setdiff1d(rows, rows[i::3]), rows[i::3]) for i in range(3)]

    def refuse(params, examples, info):
        raise ConfigError("needs a column 'site'")

    assert failed(check_splitter(replace(splitter(), split=split))) == {"unscored rows only train"}
    *_, last = check_splitter(replace(splitter(), split=refuse))
    assert (last.check, last.problem) == ("skipped: needs a column 'site'", "")


# --- features -------------------------------------------------------------------------------------------------------


class Centred:
    """Numbers minus their mean; `fault` names what it does wrong."""

    def __init__(self, fault):
        self.fault = fault

    def fit_transform(self, inputs, targets):
        if self.fault == "refuses" and "kind" in inputs:
            raise DataError("takes numbers only")
        numbers = inputs.select_dtypes("number")
        self.means = numbers.mean()
        if self.fault == "unseeded":
            self.means += np.random.default_rng().normal()
        if self.fault == "changes":
            inputs["x0"] = 0.0
        return self.transform(inputs)

    def transform(self, inputs):
        centred = inputs[list(self.means.index)] - self.means
        return centred.iloc[1:] if self.fault == "drops" else centred

    def save(self, directory):
        if self.fault == "pickle":
            self.means.to_pickle(directory / "means")
        else:
            places = 3 if self.fault == "rounds" else 30
            means = {name: round(mean, places) for name, mean in self.means.items()}
            (directory / "means.json").write_text(json.dumps(means))

    def load(self, directory):
        import pandas as pd

        if self.fault == "pickle":
            self.means = pd.read_pickle(directory / "means")
        else:
            self.means = pd.Series(json.loads((directory / "means.json").read_text()))


def features(fault: str) -> Features:
    return Features("bad.features", "centred", NoParams, lambda params, info, context: Centred(fault))


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("drops", "keeps rows"),
        ("unseeded", "same seed, same bytes"),
        ("rounds", "save and load"),
        ("pickle", "no pickle is saved"),
        ("changes", "leaves inputs as they are"),
    ],
)
def test_faulty_features_fail_the_check_of_that_name(fault, check):
    assert f"binary: {check}" in failed(check_features(features(fault)))
    assert f"binary: {check}" not in failed(check_features(features("")))


def test_features_that_take_numbers_only_are_tried_on_numbers():
    findings = list(check_features(features("refuses")))
    assert "binary: fit" in {found.check for found in findings}
    assert not any(found.skipped for found in findings)


# --- executors ------------------------------------------------------------------------------------------------------


def test_an_executor_must_answer_every_task_and_go_on_after_a_failure():
    from harness.builtin.executors import Sequential

    class Stops(Sequential):
        def wait(self):
            task, _ = self.taken.popleft()
            return task, self.function(task)

    class Repeats(Sequential):
        def wait(self):
            task, answer = super().wait()
            return (1, 1) if task == 3 else (task, answer)

    assert failed(check_executor(Executor("bad.executor", "stops", Stops))) == {
        "a task that fails does not stop the others"
    }
    assert failed(check_executor(Executor("bad.executor", "repeats", Repeats))) == {"answers every task"}


# --- whole plugins --------------------------------------------------------------------------------------------------

GOOD = """
from harness import hookimpl
from harness.offers import Metric, CLASSIFICATION


def score(targets, values, weights, meta):
    import numpy as np

    return float(np.average(1 - values[np.arange(len(targets)), targets], weights=weights))


@hookimpl
def harness_metrics():
    yield Metric("kit.error", "mean error", "min", "probabilities", CLASSIFICATION, score)
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Return ``installed(source)``: install a plugin ``kit`` of that source, as pip would."""

    def install(source: str) -> str:
        (tmp_path / "harness_kit.py").write_text(textwrap.dedent(source))
        info = tmp_path / "harness_kit-0.1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: harness-kit\nVersion: 0.1\n")
        (info / "entry_points.txt").write_text("[harness]\nkit = harness_kit\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "harness_kit", raising=False)
        return "kit"

    yield install
    sys.modules.pop("harness_kit", None)


def test_a_sound_plugin_passes(installed):
    findings = check_plugin(installed(GOOD))
    assert failures(findings) == []
    checks = {found.check for found in findings}
    assert {"loads", "listing it imports nothing heavy", "binary: perfect beats random"} <= checks


@pytest.mark.parametrize(
    ("source", "check", "problem"),
    [
        ("import nowhere_to_be_found", "loads", "pip install nowhere_to_be_found"),
        (GOOD.replace("@hookimpl\n", ""), "loads", "lacks @hookimpl"),
        (GOOD.replace("harness_metrics", "harness_metric"), "loads", "did you mean 'harness_metrics'"),
        ("import numpy\n" + GOOD, "listing it imports nothing heavy", "imports numpy"),
        (
            GOOD.replace("    yield", "    import numpy\n\n    yield"),
            "listing it imports nothing heavy",
            "imports numpy",
        ),
        (GOOD.replace('"kit.error"', '"other.error"'), "harness_metrics", "expected kit.NAME"),
        (GOOD.replace("    yield", "    raise ValueError('no')\n    yield"), "harness_metrics", "ValueError: no"),
        ("VALUE = 1", "hooks are ones the harness calls", "implements none"),
        (
            GOOD + "\n\n@hookimpl\ndef harness_make_submission(competition):\n    return None\n",
            "hooks are ones the harness calls",
            "asked only of a competition's own",
        ),
        (
            "from pathlib import Path\n" + GOOD + "\n\n@hookimpl\ndef harness_competitions():\n"
            "    yield Path(__file__).parent / 'bad'\n",
            "competitions can be read",
            "missing 'title'",
        ),
    ],
)
def test_a_faulty_plugin_fails_the_check_of_that_name(installed, tmp_path, source, check, problem):
    (tmp_path / "bad" / "comp").mkdir(parents=True)
    (tmp_path / "bad" / "comp" / "competition.toml").write_text("task = 'binary'")
    found = {finding.check: finding.problem for finding in check_plugin(installed(source)) if finding.problem}
    assert problem in found.pop(check)
    # a hook that raises cannot be listed either
    assert not {name for name in found if "ValueError: no" not in found[name]}


def test_an_unknown_plugin_is_told_and_a_competitions_own_plugin_is_checked_by_its_path(competitions):
    with pytest.raises(ConfigError, match="no plugin 'imbalence' is installed"):
        check_plugin("imbalence")
    with pytest.raises(ConfigError, match="no file"):
        check_plugin("nowhere/plugin.py")
    findings = check_plugin(str(competitions / "toy" / "plugin.py"))
    assert {found.offer for found in findings} == {"local", "local.blobs", "local.means"}


# --- the harness's own offers ---------------------------------------------------------------------------------------

OWN = [(check, offer) for kind, check in CHECKS.items() for offer in load_plugins().offers(kind).values()]


@pytest.mark.parametrize(
    ("check", "offer"),
    [pytest.param(check, offer, id=f"{offer.kind} {offer.name}") for check, offer in OWN if "." not in offer.name],
)
def test_every_built_in_offer_passes(check, offer):
    assert failures(check(offer)) == []


def test_generated_tables_are_the_same_every_time_and_have_enough_rows_of_each_class():
    for task in TaskType:
        one, other = table(task), table(task)
        assert same(one.train.inputs, other.train.inputs)
        assert same(one.train.targets, other.train.targets)
        if task.single_label:
            counts = np.bincount(one.train.targets)
            assert len(counts) == len(one.info.classes)
            assert counts.min() > 10
        assert one.test.targets is None
