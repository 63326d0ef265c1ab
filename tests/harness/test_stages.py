"""Stages: run once, shared, keyed by all they depend on, and shown nothing they did not declare."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from harness.data import Dataset, DatasetInfo, Examples, Fold, TaskType
from harness.errors import PluginError
from harness.offers import BuildContext, Stage
from harness.params import param
from harness.plugins import Plugins
from harness.stages import each_stage, run_stages, visible_parts
from harness.testing.bench import Notes


@dataclass(frozen=True)
class Params:
    size: int = param(3, "size")


def examples(prefix: str, n: int, labelled: bool) -> Examples:
    ids = np.array([f"{prefix}{row}" for row in range(n)], dtype=object)
    targets = np.arange(n) % 2 if labelled else None
    return Examples(ids, np.arange(n), targets, weights=np.ones(n) if labelled else None)


DATA = Dataset(
    DatasetInfo("d", TaskType.BINARY, ("no", "yes")),
    examples("t", 10, True),
    examples("v", 4, True),
    examples("e", 5, False),
    {"texts": examples("u", 6, False)},
    digest="abc",
)
FOLD = Fold(0, np.arange(8), np.arange(8, 10))


class Bench:
    """Runs stages in one cache and counts."""

    def __init__(self, cache):
        self.cache, self.ran, self.log = cache, [], Notes()

    def stage(self, name="local.lm", scope="dataset", **changes) -> Stage:
        def run(given, out, log):
            self.ran.append((name, given))
            (out / "seed.txt").write_text(str(given.seed))

        return Stage(name, scope, **{"params": Params(), "run": run, **changes})

    def run(self, *stages, dataset=DATA, fold=FOLD, seed=1, run_seed=1):
        context = BuildContext(seed, "cpu", 1)
        return run_stages(stages, dataset, fold, context, run_seed, Plugins(), self.cache, self.log)


@pytest.fixture
def bench(tmp_path) -> Bench:
    return Bench(tmp_path / "cache")


def test_a_stage_runs_once_and_every_fold_shares_it(bench):
    one = bench.run(bench.stage(), seed=10)
    other = bench.run(bench.stage(), seed=11, fold=Fold(1, np.arange(2, 10), np.arange(2)))
    assert one == other
    assert len(bench.ran) == 1
    assert one["local.lm"].is_relative_to(bench.cache / "stages")
    assert (one["local.lm"] / "seed.txt").read_text() == "1"
    assert bench.log.notes == ["stage local.lm"]


@pytest.mark.parametrize(
    "change",
    [
        lambda b: b.run(b.stage(params=Params(4))),
        lambda b: b.run(b.stage(), dataset=replace(DATA, digest="abd")),
        lambda b: b.run(b.stage(), run_seed=2),
        lambda b: b.run(b.stage(uses=("train", "test"))),
        lambda b: b.run(b.stage(name="local.other")),
    ],
    ids=["params", "data", "seed of the run", "parts used", "name"],
)
def test_what_a_stage_of_the_data_set_depends_on_changes_its_key(bench, change):
    first = set(bench.run(bench.stage()).values())
    assert first.isdisjoint(change(bench).values())
    assert len(bench.ran) == 2


def test_a_stage_of_a_fold_is_keyed_by_its_rows_and_seed(bench):
    def key(**changes):
        return bench.run(bench.stage(scope="fold", uses=("fold",)), **changes)["local.lm"]

    first = key()
    assert key() == first
    assert key(run_seed=99) == first  # its seed is the fold's own
    assert key(seed=2) != first
    assert key(fold=Fold(0, np.arange(7), np.arange(8, 10))) != first
    assert len(bench.ran) == 3


def test_a_stage_without_a_seed_is_shared_by_all_seeds(bench):
    one = bench.run(bench.stage(seeded=False), run_seed=1)
    assert bench.run(bench.stage(seeded=False), run_seed=2) == one
    assert bench.ran[0][1].seed == 0


def test_a_stage_sees_what_it_declared_and_no_targets(bench):
    uses = ("train", "valid", "test", "unlabelled:texts")
    bench.run(bench.stage(uses=uses))
    given = bench.ran[0][1]
    assert set(given.parts) == set(uses)
    assert all(part.targets is None and part.weights is None for part in given.parts.values())
    assert len(given.parts["train"]) == 10
    bench.run(bench.stage(uses=("unlabelled:texts",)))
    assert set(bench.ran[1][1].parts) == {"unlabelled:texts"}


def test_only_a_stage_of_a_fold_sees_targets_and_only_of_that_folds_training_rows(bench):
    bench.run(bench.stage(scope="fold", uses=("fold", "train")))
    parts = bench.ran[0][1].parts
    assert parts["fold"].ids.tolist() == [f"t{row}" for row in range(8)]
    assert parts["fold"].targets.tolist() == [0, 1] * 4
    assert parts["train"].targets is None
    with pytest.raises(PluginError, match=r"'local\.lm' uses 'fold'"):
        bench.run(bench.stage(scope="dataset", uses=("fold",)))
    with pytest.raises(PluginError, match="uses 'unlabelled:pictures', which is not among"):
        visible_parts(bench.stage(uses=("unlabelled:pictures",)), DATA, FOLD)


def test_a_part_that_the_data_does_not_have_is_left_out(bench):
    bench.run(bench.stage(uses=("train", "valid")), dataset=replace(DATA, valid=None))
    assert set(bench.ran[0][1].parts) == {"train"}


def test_needs_run_first_whatever_the_order_and_are_part_of_the_key(bench):
    def both(size):
        return bench.stage("local.second", needs=("local.first",)), bench.stage("local.first", params=Params(size))

    first = bench.run(*both(3))
    assert [name for name, _ in bench.ran] == ["local.first", "local.second"]
    assert bench.ran[1][1].stages == {"local.first": first["local.first"]}
    second = bench.run(*both(4))
    assert second["local.second"] != first["local.second"]


def test_stages_in_a_circle_or_that_need_the_undeclared_are_refused(bench):
    one, other = bench.stage("local.a", needs=("local.b",)), bench.stage("local.b", needs=("local.a",))
    with pytest.raises(
        PluginError, match=r"wait for each other.*local\.a \(needs local\.b\), local\.b \(needs local\.a\)"
    ):
        bench.run(one, other)
    with pytest.raises(PluginError, match="not declared"):
        bench.run(bench.stage(needs=("local.nowhere",)))
    assert bench.ran == []


@pytest.mark.parametrize("damage", ["alter", "remove"])
def test_a_damaged_result_is_made_again(bench, damage):
    (path,) = bench.run(bench.stage()).values()
    if damage == "alter":
        (path / "seed.txt").write_text("2")
    else:
        (path / "seed.txt").unlink()
    bench.run(bench.stage())
    assert len(bench.ran) == 2
    assert (path / "seed.txt").read_text() == "1"


def test_a_stage_that_is_killed_half_way_leaves_nothing_under_its_final_name(bench):
    def dies(given, out, log):
        (out / "half.bin").write_bytes(b"0" * 10)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.run(bench.stage(run=dies))
    assert [path.name for path in (bench.cache / "stages").iterdir() if path.is_dir()] == []
    (path,) = bench.run(bench.stage()).values()
    assert sorted(file.name for file in path.iterdir()) == ["checksums.json", "seed.txt", "stage.json"]


def test_a_stage_that_may_not_see_labels_cannot_need_one_that_does(bench):
    inner = bench.stage("local.inner", "fold", uses=("fold",))
    with pytest.raises(PluginError, match=r"'local.outer' of scope 'dataset' needs one of scope 'fold'"):
        bench.run(inner, bench.stage("local.outer", needs=("local.inner",)))


def test_those_of_the_data_set_may_run_alone_and_tell_whether_they_were_there(bench):
    seen, inner = bench.stage("local.seen"), bench.stage("local.inner", "fold", uses=("fold",), needs=("local.seen",))

    def alone(*stages):
        given = (stages, DATA, FOLD, BuildContext(99, "cpu", 1), 1, Plugins(), bench.cache, bench.log)
        return [(one.stage.name, one.directory, one.made) for one in each_stage(*given, dataset_only=True)]

    [(name, folder, made)] = alone(inner, seen)
    assert (name, made) == ("local.seen", True)
    assert alone(inner, seen) == [("local.seen", folder, False)]
    assert bench.run(inner, seen, seed=10)["local.seen"] == folder
    assert [name for name, _ in bench.ran] == ["local.seen", "local.inner"]
    with pytest.raises(PluginError, match="would see its labels"):
        alone(bench.stage("local.a", "fold"), bench.stage("local.b", needs=("local.a",)))
