"""Plugins that raise, exit, run out of memory or offer what another offers: F-05 to F-16, F-31 to F-35."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from harness.data import TaskType
from harness.hookspecs import hookimpl
from harness.offers import ModelRecipe
from harness.params import NoParams


def stored(toy, strategy: str, name: str) -> Path:
    (path,) = toy.runs.glob(f"{strategy}-*/{name}")
    return path


# what makes a run another one ---------------------------------------------------------------------------------------


@pytest.mark.fault("F-05")
@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('source = "local.blobs"', 'source = "local.blobs"\nparams = { rows = 60 }', "data.digest: blobs-90-1.0 -> "),
        ("folds = 3", "folds = 4", "split.folds: 3 -> 4"),
    ],
)
def test_other_data_or_folds_make_a_new_run_and_the_screen_names_the_difference(toy, old, new, told):
    assert toy.run("-s", "near").code == 0
    toy.change(old, new)
    done = toy.run("-s", "near")
    assert done.code == 0, done.err
    assert f"near: a new run, {told}" in done.err
    assert len(list(toy.runs.glob("near-*/result.json"))) == 2


@pytest.mark.fault("F-05")
def test_another_version_of_a_plugin_makes_a_new_run_and_the_screen_names_both(toy, workspace):
    count = workspace / "count"
    assert toy.run("-s", "near", env={"TOY_COUNT": str(count)}).code == 0
    assert toy.run("-s", "near", env={"TOY_COUNT": str(count)}).code == 0
    assert count.read_text().count("fit") == 3
    toy.add("# another version")
    done = toy.run("-s", "near", env={"TOY_COUNT": str(count)})
    assert "near: a new run, versions.local: " in done.err
    assert count.read_text().count("fit") == 6


BACKWARDS = """
from harness.offers import Executor

class Backwards:
    room = 100
    def __init__(self, function, request): self.function, self.tasks = function, []
    def __enter__(self): return self
    def __exit__(self, *_): ...
    def submit(self, task, limit=None): self.tasks.append(task)
    def wait(self):
        task = self.tasks.pop()
        with Path(os.environ["TOY_COUNT"]).open("a") as file:
            file.write(f"{task.fold}\\n")
        return task, self.function(task)

@hookimpl
def harness_executors():
    yield Executor("local.backwards", "", Backwards)
"""


@pytest.mark.fault("F-09")
def test_folds_from_the_last_to_the_first_give_the_same_bytes(toy, harness, workspace):
    toy.add(BACKWARDS)
    count = workspace / "count"
    args = ("-s", "near", "--set", "near.noise=0.3", "--folds", "5", "--threads", "1", "--no-tracking")
    assert harness("--workspace", "one", "run", "toy", *args).code == 0
    env = {"TOY_COUNT": str(count)}
    done = harness("--workspace", "two", "run", "toy", *args, "--executor", "local.backwards", env=env)
    assert done.code == 0, done.err
    assert [line for line in count.read_text().split() if line != "fit"] == ["4", "3", "2", "1", "0"]
    for name in ("oof.parquet", "test.parquet", "submission.csv"):
        (one,) = (workspace / "one/runs/toy").glob(f"near-*/{name}")
        (two,) = (workspace / "two/runs/toy").glob(f"near-*/{name}")
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.fault("F-06")
def test_a_stored_fold_that_was_cut_short_is_told_and_trained_again(toy, workspace):
    count = workspace / "count"
    assert toy.run("-s", "near", "--set", "near.noise=0.1", env={"TOY_COUNT": str(count)}).code == 0
    result = stored(toy, "near", "result.json")
    before = (result.parent / "oof.parquet").read_bytes()
    result.unlink()
    (fold,) = [path for path in (toy.runs / "tasks").glob("*/1/oof.npy") if (path.parent / "model/means.json").exists()]
    fold.write_bytes(fold.read_bytes()[:-8])
    done = toy.run("-s", "near", "--set", "near.noise=0.1", env={"TOY_COUNT": str(count)})
    assert done.code == 0, done.err
    assert "stored fold 1 is damaged" in done.err
    assert "oof.npy is truncated" in done.err
    assert count.read_text().count("fit") == 4
    assert (result.parent / "oof.parquet").read_bytes() == before


# devices ------------------------------------------------------------------------------------------------------------

FULL_GPU = """
class Large(Means):
    def fit(self, train, inner, log):
        import torch
        raise torch.OutOfMemoryError(
            "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has 8.00 GiB in all.\\n" + "a long story\\n" * 50)

@hookimpl(specname="harness_models")
def large_models():
    yield ModelRecipe("local.large", "", frozenset({TaskType.MULTICLASS}), MeansParams, Large)
"""


@pytest.mark.fault("F-15")
@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_a_strategy_out_of_gpu_memory_is_told_in_one_line_and_the_others_go_on(toy, workers):
    torch = pytest.importorskip("torch")
    assert torch.cuda.OutOfMemoryError is torch.OutOfMemoryError
    toy.add(FULL_GPU)
    toy.change("[strategies.sharp]", '[strategies.large]\nmodel = "local.large"\n[strategies.sharp]')
    done = toy.run("-s", "large", "-s", "near", "-s", "sharp", "--workers", workers)
    assert done.code == 3, done.err
    (line,) = [line for line in done.err.splitlines() if "large" in line]
    assert "OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB." in line
    assert "a long story" not in done.err
    assert len(line) < 200
    assert sorted(path.name for path in (toy.ws / "submissions/toy").iterdir()) == [
        "baseline-prior.csv",
        "best.csv",
        "near.csv",
        "sharp.csv",
    ]
    assert json.loads(stored(toy, "large", "failed.json").read_text())["message"].startswith("OutOfMemoryError: CUDA")


@pytest.mark.fault("F-16")
def test_without_a_gpu_the_run_is_on_the_cpu_and_its_records_say_so(harness, toy, workspace, monkeypatch):
    from harness import device

    monkeypatch.setattr(device, "count_gpus", lambda: 0)
    done = harness("run", "toy", "-s", "near")
    assert done.code == 0, done.err
    run = json.loads(stored(toy, "near", "run.json").read_text())
    assert run["identity"]["device"] == "cpu"
    assert {fold["device"] for fold in json.loads(stored(toy, "near", "result.json").read_text())["folds"]} == {"cpu"}

    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{workspace}/mlflow.db")
    (experiment,) = [one for one in client.search_experiments() if one.name == "toy"]
    runs = client.search_runs([experiment.experiment_id], "tags.mlflow.runName LIKE 'near%'")
    logged = [{**run.data.params, **run.data.tags} for run in runs]
    assert any("cpu" in [value for key, value in facts.items() if "device" in key] for facts in logged)


# hooks --------------------------------------------------------------------------------------------------------------

RAISING = """
@hookimpl
def {hook}({arguments}):
    if {condition}:
        {error}
    {otherwise}
"""
ERRORS = ["raise RuntimeError('asked to fail')", "raise SystemExit(0)"]


@pytest.mark.fault("F-31")
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("hook", ["epoch_logged", "run_started", "fold_started", "fold_scored", "run_finished"])
def test_a_plugin_that_fails_on_an_event_fails_that_run_by_name_and_the_others_finish(toy, hook, error):
    toy.add(
        RAISING.format(
            hook=f"harness_{hook}",
            arguments="run",
            condition="run.label == 'near'",
            error=error,
            otherwise="return None",
        )
    )
    done = toy.run("-s", "near", "-s", "sharp")
    assert done.code == 3, (done.code, done.err)
    assert f"plugin 'local' failed in harness_{hook}: " in done.err
    assert (toy.ws / "submissions/toy/sharp.csv").exists()
    assert json.loads(stored(toy, "near", "failed.json").read_text())["status"] == "failed"


@pytest.mark.fault("F-31")
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("hook", ["run_failed", "warned"])
def test_a_plugin_that_fails_on_bad_news_does_not_hide_them(toy, hook, error):
    toy.add(
        RAISING.format(hook=f"harness_{hook}", arguments="run", condition="True", error=error, otherwise="return None")
    )
    if hook == "warned":
        assert toy.run("-s", "near").code == 0
        done = toy.run("-s", "near", "--set", "near.sharpness=2.0", "-s", "sharp")
    else:
        done = toy.run("-s", "broken", "-s", "sharp")
        assert "asked to fail" in done.err
    assert done.code == 3, (done.code, done.err)
    assert f"plugin 'local' failed in harness_{hook}: " in done.err
    assert (toy.ws / "submissions/toy/sharp.csv").exists()


@pytest.mark.fault("F-31")
@pytest.mark.parametrize("error", ERRORS)
def test_a_plugin_that_fails_when_the_board_is_told_costs_nothing_else(toy, error):
    toy.add(
        RAISING.format(
            hook="harness_board_updated", arguments="board", condition="True", error=error, otherwise="return None"
        )
    )
    done = toy.run("-s", "near", "-s", "sharp")
    assert done.code == 3, (done.code, done.err)
    assert "plugin 'local' failed in harness_board_updated: " in done.err
    assert "ranked by log_loss" in done.out
    assert (toy.ws / "submissions/toy/best.csv").exists()


@pytest.mark.fault("F-31")
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize(
    ("hook", "arguments", "condition"),
    [
        ("harness_make_submission", "predictions", "predictions.values.max(axis=1).mean() > 0.95"),
        ("harness_check_submission", "submission", "submission.frame.iloc[:, 1:].max(axis=1).mean() > 0.95"),
    ],
)
def test_a_plugin_that_fails_at_a_submission_fails_that_run_only(toy, hook, arguments, condition, error):
    otherwise = "return None" if hook == "harness_make_submission" else "return []"
    toy.add(RAISING.format(hook=hook, arguments=arguments, condition=condition, error=error, otherwise=otherwise))
    done = toy.run("-s", "near", "-s", "sharp", "--set", "sharp.sharpness=20.0")
    assert done.code == 3, (done.code, done.err)
    assert f"plugin 'local' failed in {hook}: " in done.err
    assert (toy.ws / "submissions/toy/near.csv").exists()
    assert not (toy.ws / "submissions/toy/sharp.csv").exists()
    assert not list(toy.runs.glob("sharp-*/submission.csv"))


@pytest.mark.fault("F-31")
@pytest.mark.parametrize("error", ERRORS)
def test_a_plugin_that_fails_to_check_the_data_stops_the_command_by_name(toy, error):
    toy.add(f"@hookimpl\ndef harness_check_dataset():\n    {error}\n")
    done = toy.run("-s", "near")
    assert done.code == 2
    assert "plugin 'local' failed in harness_check_dataset: " in done.err
    assert done.err.count("\n") == 1


@pytest.mark.fault("F-31")
@pytest.mark.parametrize("error", ERRORS)
def test_a_plugin_that_fails_to_write_a_page_is_named(toy, harness, error):
    assert toy.run("-s", "near").code == 0
    toy.add(f"@hookimpl\ndef harness_write_page():\n    {error}\n")
    done = harness("report", "toy", "--output", "page.html")
    assert done.code in (1, 2)
    assert "plugin 'local' failed in harness_write_page: " in done.err
    assert not (toy.ws / "page.html").exists()


STAGES = ["fit", "predict", "save"]


@pytest.mark.fault("F-31")
@pytest.mark.parametrize("error", ["RuntimeError('asked to fail')", "SystemExit(0)", "GeneratorExit()"])
@pytest.mark.parametrize("method", STAGES)
def test_a_model_that_raises_anywhere_fails_its_own_strategy_only(toy, method, error):
    toy.add(
        f"class Raising(Means):\n    def {method}(self, *args):\n        raise {error}\n\n"
        "@hookimpl(specname='harness_models')\ndef raising_models():\n"
        "    yield ModelRecipe('local.raising', '', frozenset({TaskType.MULTICLASS}), MeansParams, Raising)\n"
    )
    toy.change("[strategies.sharp]", '[strategies.raising]\nmodel = "local.raising"\n[strategies.sharp]')
    done = toy.run("-s", "raising", "-s", "near")
    assert done.code == 3, (done.code, done.err)
    assert f"raising: {error.partition('(')[0]}" in done.err
    assert (toy.ws / "submissions/toy/near.csv").exists()


# installed plugins --------------------------------------------------------------------------------------------------


def installed(name: str, distribution: str, *, error: BaseException | None = None, **hooks) -> SimpleNamespace:
    module = ModuleType(f"harness_{name}_made_up")
    for hook, function in hooks.items():
        function.__module__ = module.__name__
        setattr(module, hook, function)

    def load() -> ModuleType:
        if error is not None:
            raise error
        return module

    return SimpleNamespace(
        name=name, dist=SimpleNamespace(name=distribution, version="1.0"), load=load, module="harness_x"
    )


def models(*names: str):
    def harness_models():
        return [ModelRecipe(name, "", frozenset(TaskType), NoParams, lambda *_: None) for name in names]

    return hookimpl(harness_models)


@pytest.fixture
def install(monkeypatch):
    def put(*points: SimpleNamespace) -> None:
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: list(points))

    return put


@pytest.mark.fault("F-31")
@pytest.mark.parametrize("error", [RuntimeError("asked to fail"), SystemExit(0)])
@pytest.mark.parametrize(
    "hook",
    ["datasets", "features", "models", "metrics", "splitters", "rebalancers", "adjusters", "executors"],
)
def test_an_installed_plugin_that_fails_to_offer_is_listed_as_broken_and_stops_nothing(
    harness, install, toy, hook, error
):
    def offer():
        raise error

    install(installed("bad", "dist-bad", **{f"harness_{hook}": hookimpl(offer, specname=f"harness_{hook}")}))
    done = harness("plugins")
    assert done.code == 0, done.err
    assert f"broken: harness_{hook} failed: {type(error).__name__}" in done.out
    assert toy.run("-s", "near").code == 0


@pytest.mark.fault("F-31")
@pytest.mark.parametrize("error", [RuntimeError("asked to fail"), SystemExit(0)])
def test_an_installed_plugin_that_fails_to_name_competitions_stops_nothing(harness, install, toy, error):
    def harness_competitions():
        raise error

    install(installed("bad", "dist-bad", harness_competitions=hookimpl(harness_competitions)))
    assert toy.run("-s", "near").code == 0
    assert "toy" in harness("list").out


@pytest.mark.fault("F-32")
def test_a_plugin_whose_extra_is_missing_leaves_out_its_strategies_with_the_fix_and_the_rest_runs(install, toy):
    lacking = ModuleNotFoundError("No module named 'torch'", name="torch")
    install(installed("deep", "competition-harness-deep", error=lacking))
    toy.change("[strategies.sharp]", '[strategies.deep]\nmodel = "deep.cnn"\n[strategies.sharp]')
    toy.change("[strategies.broken]", "[strategies.broken]\nnamed_only = true")
    done = toy.run()
    assert done.code == 3, (done.code, done.err)
    (line,) = [line for line in done.err.splitlines() if "deep" in line]
    assert "plugin 'deep' is broken: ModuleNotFoundError: No module named 'torch'" in line
    assert "pip install torch" in line
    assert (toy.ws / "submissions/toy/near.csv").exists()


@pytest.mark.fault("F-35")
def test_two_distributions_that_offer_under_one_name_are_both_named(harness, install):
    install(
        installed("deep", "first-deep", harness_models=models("deep.cnn")),
        installed("deep", "second-deep", harness_models=models("deep.cnn")),
    )
    done = harness("plugins")
    assert done.code == 0, done.err
    (line,) = [line for line in done.out.splitlines() if "broken" in line]
    assert "'deep' exists already" in line
    assert "first-deep" in line
    assert "second-deep" in done.out


@pytest.mark.fault("F-35")
def test_a_plugin_that_offers_in_the_name_of_another_is_refused_and_both_are_named(harness, install):
    install(
        installed("deep", "dist-deep", harness_models=models("deep.cnn")),
        installed("other", "dist-other", harness_models=models("deep.cnn")),
    )
    out = harness("plugins").out
    assert "plugin 'other' offers model 'deep.cnn'; expected other.NAME" in out
    assert "models          deep.cnn" in out or "deep.cnn" in out.partition("other")[0]


def edit(toy, old: str, new: str) -> None:
    plugin = toy.file.parent / "plugin.py"
    text = plugin.read_text()
    assert old in text
    plugin.write_text(text.replace(old, new))


@pytest.mark.fault("F-31", "F-48")
def test_a_failure_whose_text_no_encoding_has_fails_its_own_strategy_only(toy):
    edit(toy, 'raise {"ValueError"', 'raise RuntimeError("\\x1b]0;t\\x07 \\udc80"); {"ValueError"')
    done = toy.run("-s", "broken", "-s", "near")
    assert done.code == 3, done.err
    assert "broken: RuntimeError: ?]0;t? ?" in done.err
    assert json.loads(stored(toy, "broken", "failed.json").read_text())["message"].endswith("\udc80")
    assert stored(toy, "near", "result.json").is_file()


def test_json_stands_alone_whatever_a_plugin_prints(toy, harness_process):
    edit(toy, "        time.sleep(self.params.slow)", "        print('noise'); os.write(1, b'more noise\\n')")
    done = harness_process("run", "toy", "-s", "near", "--no-tracking", "--json")
    assert done.code == 0, done.err
    assert done.json["competition"] == "toy"
    assert "noise" in done.err
    assert "more noise" in done.err
