"""``harness stages``: pretraining alone, found again by a run."""

from __future__ import annotations

import shlex

import pytest

STAGES = """

def pretrain(params, info):
    from harness.offers import Stage

    def run(given, out, log):
        if params.fail:
            raise ValueError("asked to fail")
        with Path(os.environ["TOY_COUNT"]).open("a") as file:
            file.write(f"stage {given.seed} of {len(given.parts['train'])}\\n")
        log.epoch(0, loss=0.25)
        log.note(f"{len(given.parts['train'])} rows seen")

    def label(given, out, log):
        pass

    shift = MeansParams(sharpness=params.sharpness)
    seen = Stage("local.encoder", "dataset", shift, run, ("train", "test"), seeded=False)
    return [seen, Stage("local.head", "fold", shift, label, ("fold",), needs=("local.encoder",))]


@hookimpl
def harness_models():
    tasks = frozenset({TaskType.MULTICLASS})
    yield ModelRecipe("local.means", "distances to class means", tasks, MeansParams, Means)
    yield ModelRecipe("local.staged", "the same, with stages", tasks, MeansParams, Means, stages=pretrain)
"""
STRATEGIES = """
[strategies.staged]
model = "local.staged"

[strategies.staged-sharp]
model = { use = "local.staged", sharpness = 4.0 }
named_only = true

[strategies.staged-broken]
model = { use = "local.staged", sharpness = 2.0, fail = "ValueError" }
named_only = true
"""


@pytest.fixture
def staged(harness, competitions, workspace):
    """Return the command line of a toy with stages, and ``ran()``: what its stages wrote down."""
    plugin, toml = competitions / "toy/plugin.py", competitions / "toy/competition.toml"
    before = plugin.read_text()
    plugin.write_text(before[: before.rindex("@hookimpl")].rstrip() + STAGES)
    toml.write_text(toml.read_text() + STRATEGIES)
    count = workspace / "count"
    count.touch()

    def ran():
        return [line for line in count.read_text().splitlines() if line.startswith("stage")]

    return lambda *args: harness(*args, env={"TOY_COUNT": str(count)}), ran


def test_a_stage_is_made_once_told_the_second_time_and_found_by_a_run(staged, workspace):
    call, ran = staged
    done = call("stages", "toy")
    assert done.code == 0, done.err
    assert ran() == ["stage 0 of 90"]
    (folder,) = (workspace / "cache/stages").glob("local.encoder-*")
    assert f"local.encoder  {folder.relative_to(workspace)}  made in " in done.out
    assert "\n    90 rows seen\n" in done.out
    assert "stage local.encoder" not in done.out
    assert "local.head  sees labels, so it is left to the runs of: staged\n" in done.out
    assert " run toy --threads " in done.out
    again = call("stages", "toy")
    assert again.code == 0
    assert "  was there  (staged)" in again.out
    assert call("run", "toy", "-s", "staged", "--no-tracking").code == 0
    assert ran() == ["stage 0 of 90"]
    assert len(list((workspace / "cache/stages").glob("local.head-*"))) == 3


def test_json_tells_every_strategy_seed_and_folder(staged):
    call, _ = staged
    done = call("stages", "toy", "-s", "staged", "-s", "staged-sharp", "--seed", "0", "--seed", "5", "--json")
    assert done.code == 0, done.err
    found = [(one["strategy"], one["seed"], one["made"], one["notes"]) for one in done.json["stages"]]
    assert found == [
        ("staged", 0, True, ["90 rows seen"]),
        ("staged", 5, False, []),
        ("staged-sharp", 0, True, ["90 rows seen"]),
        ("staged-sharp", 5, False, []),
    ]
    assert len({one["folder"] for one in done.json["stages"]}) == 2
    assert done.json["left"] == {"staged": ["local.head"], "staged-sharp": ["local.head"]}


@pytest.mark.parametrize(
    "options",
    [("--threads", "3"), ("--set", "staged.sharpness=2.0"), ("--fast",), ("--threads", "1", "--seed", "7")],
    ids=" ".join,
)
def test_the_same_options_of_a_run_find_it_and_others_do_not(staged, options):
    call, ran = staged
    assert call("stages", "toy", "-s", "staged", *options).code == 0
    assert call("run", "toy", "-s", "staged", *options, "--no-tracking").code == 0
    assert len(ran()) == 1
    assert call("stages", "toy", "-s", "staged", "--threads", "2", "--set", "staged.sharpness=3.0").code == 0
    assert len(ran()) == 2


def test_the_run_that_is_printed_finds_it(staged):
    call, ran = staged
    setting = ("--set", "staged-sharp.sharpness=3.5")
    made = call("stages", "toy", "-s", "staged-sharp", *setting, "--seed", "4", "--workers", "2")
    assert made.code == 0, made.err
    (line,) = [line for line in made.out.splitlines() if line.startswith("next: ")]
    command = shlex.split(line)
    args = command[command.index("run") :]
    assert args[:6] == ["run", "toy", "-s", "staged-sharp", "--seed", "4"]
    assert args[6:10] == [*setting, "--workers", "2"]
    assert call(*args, "--executor", "sequential", "--no-tracking").code == 0
    assert len(ran()) == 1


def test_a_stage_that_fails_leaves_the_others_alone(staged):
    call, ran = staged
    done = call("stages", "toy", "-s", "staged*")
    assert done.code == 3
    assert "failed staged-broken: ValueError: asked to fail" in done.err
    assert len(ran()) == 2
    alone = call("stages", "toy", "-s", "staged-broken")
    assert (alone.code, alone.out) == (
        1,
        "local.head  sees labels, so it is left to the runs of: staged-broken\n",
    )


def test_mistakes_are_one_line_and_strategies_without_stages_say_so(staged):
    call, ran = staged
    done = call("stages", "toy", "-s", "near")
    assert (done.code, done.out) == (0, "no strategy chosen has a stage to run alone\n")
    for args, message in (
        (("-s", "stagd"), "did you mean 'staged'"),
        (("--set", "staged.sharp=1"), "did you mean 'sharpness'"),
        (("--seed", "1", "--seed", "1"), "--seed is given twice"),
    ):
        wrong = call("stages", "toy", *args)
        assert (wrong.code, wrong.out) == (2, "")
        assert message in wrong.err
        assert wrong.err.count("\n") == 1
    assert ran() == []


def test_the_rules_of_a_run_hold_here_too(staged, competitions):
    call, ran = staged
    toml = competitions / "toy/competition.toml"
    toml.write_text(toml.read_text() + "\n[rules]\ntest_inputs = false\n")
    done = call("stages", "toy", "-s", "staged")
    assert done.code == 2
    assert "learns from the test set's inputs, which the rules of toy forbid" in done.err
    assert ran() == []
