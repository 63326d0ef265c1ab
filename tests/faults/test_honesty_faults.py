"""Equal seeds, baselines on every board, and what was seen that should not be: F-49 to F-51."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from harness.builtin.baselines import baselines_for
from harness.competition_file import read_competition
from harness.parts import Parts, weights_seen
from harness.plugins import load_plugins

SHIPPED = sorted((Path(__file__).parents[2] / "competitions").glob("*/competition.toml"))


@pytest.mark.fault("F-49")
def test_equal_seeds_have_equal_hashes_in_processes_of_their_own_and_others_differ(harness_process, workspace):
    def hashes(folder: str, seed: str) -> dict[str, str]:
        args = ("-s", "near", "--set", "near.noise=0.3", "--seed", seed, "--threads", "1", "--no-tracking")
        done = harness_process("--workspace", str(workspace / folder), "run", "toy", *args)
        assert done.code == 0, done.err
        (run,) = (workspace / folder / "runs/toy").glob("near-*/result.json")
        names = ("oof.parquet", "test.parquet", "submission.csv")
        return {name: hashlib.sha256((run.parent / name).read_bytes()).hexdigest() for name in names}

    first = hashes("a", "1")
    assert hashes("b", "1") == first
    other = hashes("c", "2")
    assert [name for name in first if other[name] == first[name]] == []


@pytest.mark.fault("F-50")
@pytest.mark.parametrize("file", SHIPPED, ids=[path.parent.name for path in SHIPPED])
def test_every_shipped_competition_has_a_constant_baseline(file):
    competition = read_competition(file.parent)
    found = baselines_for(competition, None)
    assert found
    assert all(strategy.baseline for strategy in found)
    assert "constant" in {strategy.model.name for strategy in found}


@pytest.mark.fault("F-50")
def test_a_run_that_is_no_better_than_the_baseline_is_flagged_on_every_board(harness, workspace):
    done = harness("run", "toy", "-s", "near", "-s", "sharp", "--set", "sharp.sharpness=2000.0")
    assert done.code == 0, done.err
    assert "below baseline" in done.out
    for source in ((), ("--from-tracking",)):
        entries = harness("leaderboard", "toy", "--json", *source).json["entries"]
        flags = {entry["strategy"]: entry["flags"] for entry in entries}
        assert set(flags) == {"baseline-prior", "near", "sharp"}
        assert "not better than the baseline" in flags["sharp"]
        assert "not better than the baseline" not in flags["near"]


PEEKING = """
from harness.offers import Stage

@dataclass(frozen=True)
class PeekParams(MeansParams):
    peek: bool = param(True, "")
    weights: str = param("", "file of pretrained weights", weights=True)

def load_with_valid(params, request):
    from dataclasses import replace
    import numpy as np
    data = load_blobs(params, request)
    ids = np.array([f"v{row}" for row in range(9)], dtype=object)
    return replace(data, valid=replace(data.train.take(np.arange(9)), ids=ids), digest="with-valid")

def peek(given, out, log):
    assert set(given.parts) == {"valid"}
    (out / "seen.txt").write_text("seen")

def peeks(params, info):
    return [Stage("local.peek", "dataset", params, peek, uses=("valid",))] if params.peek else []

@hookimpl(specname="harness_datasets")
def datasets_with_valid():
    yield DatasetSource("local.valid", "", BlobsParams, load_with_valid)

@hookimpl(specname="harness_models")
def peeking_models():
    yield ModelRecipe("local.peeking", "", frozenset({TaskType.MULTICLASS}), PeekParams, Means, stages=peeks)
"""


@pytest.fixture
def peeking(toy):
    """Return the toy competition with a model that learns from validation inputs and may start from given weights."""
    toy.add(PEEKING)
    toy.change('source = "local.blobs"', 'source = "local.valid"')
    toy.change("[strategies.sharp]", '[strategies.peeking]\nmodel = "local.peeking"\n[strategies.sharp]')
    return toy


@pytest.mark.fault("F-51")
def test_validation_inputs_that_were_learned_from_stand_beside_the_score(peeking, harness):
    done = harness("run", "toy", "-s", "peeking", "-s", "near")
    assert done.code == 0, done.err
    (line,) = [line for line in done.out.splitlines() if " peeking " in line]
    assert "sees validation inputs" in line
    for source in ((), ("--from-tracking",)):
        entries = harness("leaderboard", "toy", "--json", *source).json["entries"]
        marks = {entry["strategy"]: entry["marks"] for entry in entries}
        assert "sees validation inputs" in marks["peeking"]
        assert "sees validation inputs" not in marks["near"]


@pytest.mark.fault("F-51")
def test_pretrained_weights_that_the_rules_forbid_are_refused_by_name_before_training(peeking):
    settings = ("--set", "peeking.peek=false", "--set", "peeking.weights=some/weights.bin")
    assert peeking.run("-s", "peeking", *settings).code == 0
    peeking.change("[submission]", "[rules]\npretrained = false\n\n[submission]")
    done = peeking.run("-s", "peeking", *settings)
    assert done.code == 2
    told = "strategy 'peeking' starts from pretrained weights (model.weights), which the rules of toy forbid"
    assert told in done.err
    assert peeking.run("-s", "peeking", "--set", "peeking.peek=false").code == 0


@pytest.mark.fault("F-51")
def test_pretrained_weights_that_are_allowed_stand_beside_the_score(peeking):
    done = peeking.run("-s", "peeking", "--set", "peeking.peek=false", "--set", "peeking.weights=some/weights.bin")
    assert done.code == 0, done.err
    (path,) = peeking.runs.glob("peeking-*/result.json")
    assert "pretrained weights" in json.loads(path.read_text())["marks"]


@pytest.mark.fault("F-51")
def test_the_shipped_recipe_that_reads_weights_declares_them():
    from harness.offers import ModelRecipe

    plugins = load_plugins()
    recipe = plugins.offers(ModelRecipe)["protein.esm"]
    parts = Parts(recipe, recipe.params(weights="esm2"), None, None, None, None)
    assert weights_seen(parts) == ["model.weights"]
    assert weights_seen(Parts(recipe, recipe.params(), None, None, None, None)) == []
