"""Each hook is really asked in a run, in the order of hookspecs.py, and what it answers counts."""

from __future__ import annotations

import importlib.metadata
import inspect
import json
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from harness import hookspecs
from harness.plugins import GATHERED
from harness.prepare import prepare

HOOKS = {name: spec for name, spec in vars(hookspecs).items() if hasattr(spec, "harness_spec")}


@pytest.fixture
def toy(competitions, harness, workspace):
    """Return the toy competition: ``add`` hooks to its own plugin, ``change`` its file, ``run`` it."""
    plugin, file = competitions / "toy/plugin.py", competitions / "toy/competition.toml"

    def add(code: str) -> None:
        plugin.write_text(f"{plugin.read_text()}\n{code}\n")
        prepare.cache_clear()  # a command of its own process would read the file anew

    def change(old: str, new: str) -> None:
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))

    def run(*args: str):
        return harness("run", "toy", "-s", "near", "--no-tracking", *args)

    return SimpleNamespace(add=add, change=change, run=run, runs=workspace / "runs/toy", ws=workspace)


RECORDER = """
def _note(name, **facts):
    with Path({log!r}).open("a") as file:
        file.write(json.dumps([name, facts]) + "\\n")
"""


def recorder(log: Path) -> str:
    """Return hooks that write down when each of them is called, for which run and fold."""
    code = RECORDER.format(log=str(log))
    for name, spec in HOOKS.items():
        if name in GATHERED.values() or name == "harness_competitions":
            continue
        arguments = list(inspect.signature(spec).parameters)
        run = "run.label" if "run" in arguments else "result.run.label" if "result" in arguments else "None"
        fold = "getattr(fold, 'index', fold)" if "fold" in arguments else "None"
        code += f"\n@hookimpl\ndef {name}({', '.join(arguments)}):\n    _note({name!r}, run={run}, fold={fold})\n"
    return code


def calls(log: Path) -> list[tuple[str, str | None, int | None]]:
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return [(name, facts["run"], facts["fold"]) for name, facts in lines]


def test_hooks_fire_in_the_order_of_the_file(toy):
    toy.add(recorder(toy.ws / "log"))
    assert toy.run().code == 0
    found = calls(toy.ws / "log")
    fold = ["harness_fold_started", "harness_epoch_logged", "harness_fold_scored"]
    told = [(name, number) for name, run, number in found if run == "near"]
    assert told == [
        ("harness_run_started", None),
        *[(name, number) for number in range(3) for name in fold],
        ("harness_report", None),
        ("harness_run_finished", None),
    ]
    # the baseline runs first, so the order of the file is that of each hook's last call
    last = {name: position for position, (name, _, _) in enumerate(found)}
    # pages and proposals are asked for by other commands
    others = {"harness_competitions", "harness_propose", "harness_write_page"}
    unasked = {"harness_warned", "harness_run_failed", *others, *GATHERED.values()}
    assert sorted(last, key=lambda name: last[name]) == [name for name in HOOKS if name not in unasked]
    assert [name for name, _, _ in found].count("harness_check_dataset") == 1
    assert found[0][0] == "harness_check_dataset"
    assert found[-1][0] == "harness_board_updated"


def test_a_run_read_from_the_store_trains_no_fold_again(toy):
    toy.add(recorder(toy.ws / "log"))
    toy.run()
    (toy.ws / "log").unlink()
    toy.run()
    names = [name for name, run, _ in calls(toy.ws / "log") if run == "near"]
    assert names == ["harness_run_started", *["harness_fold_scored"] * 3, "harness_run_finished"]


def test_events_of_other_processes_are_replayed_when_a_task_ends(toy):
    toy.add(recorder(toy.ws / "log"))
    assert toy.run("--workers", "2").code == 0
    found = [(name, fold) for name, run, fold in calls(toy.ws / "log") if run == "near"]
    for fold in range(3):
        of_fold = [name for name, number in found if number == fold]
        assert of_fold == ["harness_fold_started", "harness_epoch_logged", "harness_fold_scored"]


@pytest.mark.fault("F-31")
def test_a_failed_run_is_told_with_its_reason(toy, harness):
    toy.add(
        "@hookimpl\ndef harness_run_failed(run, message):\n"
        f"    Path({str(toy.ws / 'log')!r}).write_text(f'{{run.label}}|{{message}}')"
    )
    assert harness("run", "toy", "-s", "broken", "--no-tracking").code == 1
    assert (toy.ws / "log").read_text() == "broken|ValueError: asked to fail"


def test_warnings_are_told(toy):
    toy.add(recorder(toy.ws / "log"))
    toy.run()
    toy.run("--set", "near.sharpness=2.0")
    assert ("harness_warned", "near (model.sharpness=2.0)", None) in calls(toy.ws / "log")


# offers -------------------------------------------------------------------------------------------------------------

OFFERS = """
import numpy as np
from harness.data import Fold
from harness.offers import Adjuster, Executor, Features, Metric, Rebalancer, Splitter
from harness.params import NoParams

def told(name):
    with Path({log!r}).open("a") as file:
        file.write(name + "\\n")

class Twice:
    def fit_transform(self, inputs, targets):
        told("features")
        return inputs * 2
    def transform(self, inputs):
        return inputs * 2
    def save(self, directory): ...
    def load(self, directory): ...

class Same:
    notes = []
    def fit(self, oof): told("adjuster")
    def apply(self, values, reference, meta): return values
    def decide(self, values): return None
    def state(self): return {{}}
    def restore(self, state): ...

def halves(params, examples, info):
    told("splitter")
    rows = np.arange(len(examples))
    yield Fold(0, rows[rows % 2 == 0], rows[rows % 2 == 1])
    yield Fold(1, rows[rows % 2 == 1], rows[rows % 2 == 0])

def hits(targets, values, weights, meta):
    told("metric")
    return float((values.argmax(axis=1) == targets).mean())

def fewer(params, examples, info, seed):
    told("rebalancer")
    return examples.take(np.arange(len(examples) - 3))

class OneByOne:
    room = 1
    def __init__(self, function, request): self.function = function
    def __enter__(self): return self
    def __exit__(self, *_): ...
    def submit(self, task, limit=None): self.task = task
    def wait(self):
        told("executor")
        return self.task, self.function(self.task)

@hookimpl
def harness_features():
    yield Features("local.twice", "", NoParams, lambda params, info, context: Twice())

@hookimpl
def harness_metrics():
    yield Metric("local.hits", "", "max", "probabilities", frozenset(TaskType), hits)

@hookimpl
def harness_splitters():
    yield Splitter("local.halves", "", NoParams, halves)

@hookimpl
def harness_rebalancers():
    yield Rebalancer("local.fewer", "", NoParams, fewer)

@hookimpl
def harness_adjusters():
    yield Adjuster("local.same", "", frozenset(TaskType), NoParams, lambda params, info: Same())

@hookimpl
def harness_executors():
    yield Executor("local.one_by_one", "", OneByOne)
"""


def test_every_kind_of_offer_is_used_where_it_is_named(toy, harness):
    toy.add(OFFERS.format(log=str(toy.ws / "log")))
    toy.change('use = "stratified"\nfolds = 3', 'use = "local.halves"')
    toy.change('metrics = ["log_loss", "macro_f1"]', 'metrics = ["local.hits"]')
    parts = 'features = "local.twice"\nrebalancer = "local.fewer"\nadjuster = "local.same"'
    toy.change('model = "local.means"', f'model = "local.means"\n{parts}')
    done = toy.run("--executor", "local.one_by_one", "--json")
    assert done.code == 0, done.err
    assert set(done.json["strategies"][-1]["scores"]) == {"local.hits"}
    asked = (toy.ws / "log").read_text().split()
    assert set(asked) == {"features", "adjuster", "splitter", "metric", "rebalancer", "executor"}
    assert asked.count("features") == asked.count("rebalancer") == 2
    assert asked.count("executor") == 2
    mistyped = toy.run("--executor", "local.one")
    assert mistyped.code == 2
    assert "--executor: no executor 'local.one' is offered; did you mean 'local.one_by_one'?" in mistyped.err


def test_competitions_of_an_installed_plugin_are_found(harness, competitions, monkeypatch):
    def harness_competitions():
        return [competitions.parent / "more"]

    module = ModuleType("harness_more")
    module.harness_competitions = hookspecs.hookimpl(harness_competitions)
    (competitions.parent / "more").mkdir()
    (competitions / "toy").rename(competitions.parent / "more/shipped")
    point = SimpleNamespace(name="more", dist=SimpleNamespace(name="more", version="1"), load=lambda: module)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [point])
    assert "shipped" in {row["id"] for row in harness("list", "--json").json}


# checks, decisions, reports -----------------------------------------------------------------------------------------


def check(hook: str, answer: str) -> str:
    return f"@hookimpl\ndef {hook}():\n    {answer}\n"


def test_a_problem_of_the_data_stops_everything_and_names_its_plugin(toy):
    toy.add(check("harness_check_dataset", "return ['rows lack a station', 'and a year']"))
    done = toy.run()
    assert done.code == 2
    assert done.err == "error: rows lack a station (local), and a year (local)\n"
    assert not toy.runs.exists()


@pytest.mark.parametrize("answer", ["return 'one text'", "return [1]", "return True"])
@pytest.mark.parametrize("hook", ["harness_check_dataset", "harness_check_submission"])
def test_a_check_that_answers_otherwise_than_with_texts_is_named(hook, answer, toy):
    toy.add(check(hook, answer))
    done = toy.run()
    assert done.code == 2
    assert f"plugin 'local': {hook} answered" in done.err
    assert "expected a list with one text for each problem" in done.err


@pytest.mark.parametrize("hook", ["harness_check_dataset", "harness_check_submission"])
def test_a_check_without_problems_lets_the_run_go_on(hook, toy):
    toy.add(check(hook, "return None"))
    assert toy.run().code == 0


MAKE = """
@hookimpl
def harness_make_submission(competition, dataset, predictions, decisions):
    from pandas import DataFrame
    from harness.data import Submission
    assert decisions.values.sum(axis=1).tolist() == [1.0] * len(predictions.ids)
    frame = DataFrame({"row_id": predictions.ids})
    return Submission(frame.assign(ash=0.5, beech=0.25, cedar=0.25))
"""


def test_the_competitions_own_submission_wins_over_the_built_in(toy):
    toy.add(MAKE)
    assert toy.run().code == 0
    lines = (toy.ws / "submissions/toy/near.csv").read_text().splitlines()
    assert lines[0] == "row_id,ash,beech,cedar"
    assert {line.partition(",")[2] for line in lines[1:]} == {"0.5,0.25,0.25"}


def test_none_leaves_the_submission_to_the_built_in(toy):
    toy.run()
    before = (toy.ws / "submissions/toy/near.csv").read_bytes()
    toy.add(check("harness_make_submission", "return None"))
    assert toy.run().code == 0
    assert (toy.ws / "submissions/toy/near.csv").read_bytes() == before


def test_strangers_are_never_asked_for_the_submission(toy, monkeypatch):
    def harness_make_submission():
        raise AssertionError("a stranger was asked")

    module = ModuleType("harness_stranger")
    module.harness_make_submission = hookspecs.hookimpl(harness_make_submission)
    point = SimpleNamespace(name="stranger", dist=SimpleNamespace(name="s", version="1"), load=lambda: module)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [point])
    assert toy.run().code == 0


@pytest.mark.fault("F-29", "F-31")
@pytest.mark.parametrize(
    ("code", "words"),
    [
        (check("harness_make_submission", "return {}"), "plugin 'local' made a dict, expected a Submission"),
        (MAKE.replace("ash=0.5", "ash=0.75"), "whose probabilities do not sum to 1"),
        (check("harness_check_submission", "yield 'colder than ever'"), "submission is not valid: colder than ever"),
        (check("harness_check_submission", "raise SystemExit(0)"), "'local' failed in harness_check_submission"),
    ],
    ids=["wrong type", "wrong sums", "refused", "exits"],
)
def test_a_submission_that_is_refused_is_never_written(code, words, toy):
    toy.add(code)
    done = toy.run()
    assert done.code == 2
    assert words in done.err
    assert not list(toy.ws.rglob("*.csv"))


REPORT = """
@hookimpl
def harness_report(result):
    from harness.results import Artifact
    yield Artifact({name!r}, "a table", lambda path: {write})
"""


def notes(toy) -> list[str]:
    (path,) = toy.runs.glob("near-*/result.json")
    return json.loads(path.read_text())["notes"]


def test_reports_are_written_below_the_figures_of_a_run(toy):
    toy.add(REPORT.format(name="tables/scores.txt", write="path.write_text(result.run.label)"))
    assert toy.run().code == 0
    (found,) = toy.runs.glob("*/figures/tables/scores.txt")
    assert found.read_text() == "near"
    assert notes(toy) == []


@pytest.mark.fault("F-43")
@pytest.mark.parametrize("name", ["../../elsewhere.txt", "/tmp/harness-elsewhere.txt"])
def test_a_report_outside_of_the_figures_is_refused_and_the_run_goes_on(name, toy):
    toy.add(REPORT.format(name=name, write="path.write_text('x')"))
    assert toy.run().code == 0
    assert notes(toy) == [f"plugin 'local': report {name!r} lies outside the run's folder"]
    assert not list(toy.ws.rglob("*elsewhere*"))
    assert not Path("/tmp/harness-elsewhere.txt").exists()


@pytest.mark.fault("F-31")
@pytest.mark.parametrize(
    ("write", "words"), [("1 / 0", "ZeroDivisionError: division by zero"), ("exit(3)", "SystemExit: 3")]
)
def test_a_report_that_fails_is_a_note_of_the_run(write, words, toy):
    toy.add(REPORT.format(name="a.txt", write=write))
    assert toy.run().code == 0
    assert notes(toy) == [f"plugin 'local' failed to draw its report: {words}"]
