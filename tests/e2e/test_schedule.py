"""What goes to the workers, and when: stages that others wait for go first, refits go like any other task."""

from __future__ import annotations

import os

import pytest

TOLD = """

def pretrain(params, info):
    from harness.offers import Stage

    def run(given, out, log):
        tell(f"stage {params.sharpness:g}")

    return [Stage("local.encoder", "dataset", MeansParams(sharpness=params.sharpness), run, ("train",))]


def tell(text):
    with Path(os.environ["TOLD"]).open("a") as file:
        file.write(f"{os.getpid()} {text}\\n")


class Told(Means):
    def fit(self, train, inner, log):
        kind = "refit" if len(train) == 90 else "fold"
        tell(f"{kind} {self.params.sharpness:g}{'' if inner is None else ' inner'} noise {self.params.noise:g}")
        if self.params.fail:
            fail = self.params.fail if kind == "refit" else ""
            self.params = MeansParams(fail=fail)
        if inner is not None:
            self.best_iteration = 7
        super().fit(train, None, log)


@hookimpl
def harness_models():
    tasks = frozenset({TaskType.MULTICLASS})
    yield ModelRecipe("local.means", "distances to class means", tasks, MeansParams, Means)
    yield ModelRecipe("local.staged", "with a stage", tasks, MeansParams, Told, stages=pretrain)
    yield ModelRecipe("local.told", "without", tasks, MeansParams, Told)
    yield ModelRecipe(
        *("local.early", "stops early", tasks, MeansParams, Told),
        inner=lambda params: params.slow == 0,
        iterations="noise",
    )
"""
STRATEGIES = """
[strategies.told]
model = "local.told"

[strategies.failing]
model = { use = "local.told", fail = "ValueError" }

[strategies.early]
model = "local.early"

[strategies.late]
model = { use = "local.early", slow = 0.001 }

[strategies.one]
model = { use = "local.staged", sharpness = 2 }

[strategies.two]
model = { use = "local.staged", sharpness = 3 }
"""


@pytest.fixture
def told(harness, competitions, workspace):
    """Return the command line, and what its tasks wrote down: the process, then a text."""
    plugin, toml = competitions / "toy/plugin.py", competitions / "toy/competition.toml"
    before = plugin.read_text()
    plugin.write_text(before[: before.rindex("@hookimpl")].rstrip() + TOLD)
    toml.write_text(toml.read_text().replace("[defaults]", "[defaults]\nrefit = true") + STRATEGIES)
    log = workspace / "told"

    def call(*args):
        log.unlink(missing_ok=True)
        done = harness("run", "toy", "--no-tracking", *args, env={"TOLD": str(log)})
        lines = [line.split(" ", 1) for line in log.read_text().splitlines()] if log.exists() else []
        return done, [int(pid) for pid, _ in lines], [text for _, text in lines]

    return call


def test_stages_are_made_first_when_several_tasks_run_at_once(told):
    done, _, texts = told("-s", "one", "-s", "two", "-s", "told", "--workers", "2", "--executor", "sequential")
    assert done.code == 0, done.err
    # one fold of each strategy with a stage, then what needs none, then the rest
    assert [text for text in texts if not text.startswith("refit")][:7] == [
        "stage 2",
        "fold 2 noise 0",
        "stage 3",
        "fold 3 noise 0",
        *["fold 1 noise 0"] * 3,
    ]
    assert len(texts) == 2 + 3 * 4


def test_one_worker_goes_through_strategies_in_their_order(told):
    _, _, texts = told("-s", "one", "-s", "told", "-s", "two")
    assert [text.split(" noise")[0] for text in texts] == [
        *["fold 1"] * 3,
        "refit 1",
        "stage 2",
        *["fold 2"] * 3,
        "refit 2",
        "stage 3",
        *["fold 3"] * 3,
        "refit 3",
    ]


def test_a_refit_runs_where_tasks_run_and_is_not_made_twice(told):
    done, pids, texts = told("-s", "told", "--workers", "2")
    assert done.code == 0, done.err
    assert sorted(texts) == [*["fold 1 noise 0"] * 3, "refit 1 noise 0"]
    assert os.getpid() not in pids
    assert told("-s", "told", "--workers", "2")[2] == []


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_refit_takes_the_iterations_that_were_best_in_the_folds(told, workers):
    done, _, texts = told("-s", "early", "--workers", workers)
    assert done.code == 0, done.err
    assert texts == [*["fold 1 inner noise 0"] * 3, "refit 1 noise 7"]


def test_a_refit_without_a_holdout_keeps_its_iterations(told):
    _, _, texts = told("-s", "late")
    assert texts == [*["fold 1 noise 0"] * 3, "refit 1 noise 0"]


def test_a_refit_that_fails_fails_its_strategy_only(told):
    done, _, _ = told("-s", "failing", "-s", "told", "--workers", "2")
    assert done.code == 3
    assert "failed failing: ValueError: asked to fail" in done.err


def test_a_refit_that_is_damaged_is_made_again(told, workspace):
    assert told("-s", "told")[0].code == 0
    (model,) = workspace.glob("runs/toy/tasks/*/refit/model/means.json")
    model.write_text("[]")
    (result,) = workspace.glob("runs/toy/told-*/result.json")
    result.unlink()
    done, _, texts = told("-s", "told")
    assert done.code == 0, done.err
    assert texts == ["refit 1 noise 0"]
    assert "stored fold refit is damaged" in done.err
