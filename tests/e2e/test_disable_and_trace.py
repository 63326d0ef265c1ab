"""Plugins left out by a command or the environment; which hooks were called, and how long they took."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

PLUGIN = """
from pathlib import Path

from harness import hookimpl
from harness.data import TaskType
from harness.offers import Metric


def score(targets, values, weights, meta):
    return 0.5


@hookimpl
def harness_competitions():
    yield Path(__file__).parent / "fog_competitions"


@hookimpl
def harness_metrics():
    yield Metric("fog.half", "always a half", "min", "probabilities", frozenset({TaskType.MULTICLASS}), score)


@hookimpl
def harness_run_finished(run):
    raise ValueError("asked to fail")
"""


@pytest.fixture(autouse=True)
def fog(tmp_path: Path, monkeypatch, competitions: Path) -> None:
    """Install a plugin ``fog``, whose metric the toy competition scores by, and a competition of its own."""
    (tmp_path / "harness_fog.py").write_text(PLUGIN)
    info = tmp_path / "harness_fog-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: harness-fog\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[harness]\nfog = harness_fog\n")
    toml = (competitions / "toy/competition.toml").read_text()
    (tmp_path / "fog_competitions/fog-toy").mkdir(parents=True)
    (tmp_path / "fog_competitions/fog-toy/competition.toml").write_text(toml)
    (competitions / "toy/competition.toml").write_text(toml.replace('"macro_f1"', '"fog.half"'))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("HARNESS_DISABLE_PLUGINS", raising=False)
    monkeypatch.delitem(sys.modules, "harness_fog", raising=False)


def hooks(text: str) -> dict[tuple[str, str], list[str]]:
    """Return what the table says of each hook and plugin."""
    rows = [line.split() for line in text.splitlines()]
    begin = next(number for number, row in enumerate(rows) if row[:3] == ["hook", "plugin", "calls"])
    return {(row[0], row[1]): row[2:] for row in rows[begin + 1 :]}


# disabling ----------------------------------------------------------------------------------------------------------


def test_a_plugin_is_left_out_by_either_option_and_by_the_environment(harness):
    assert harness("plugins").out.count("fog.half") == 1
    for done in (
        harness("plugins", "--disable", "fog"),
        harness("--disable", "fog", "plugins"),
        harness("plugins", env={"HARNESS_DISABLE_PLUGINS": " fog, "}),
    ):
        assert done.code == 0, done.err
        assert "fog.half" not in done.out
        assert "fog 0.1  (harness-fog)\n  disabled\n" in done.out
    rows = {row["name"]: row for row in harness("--disable", "fog", "plugins", "--json").json["plugins"]}
    assert (rows["fog"]["disabled"], rows["fog"]["error"]) == (True, "")
    assert "fog.half" in harness("plugins").out  # the command before has left nothing behind


def test_describe_tells_it_once_beside_the_name(harness, competitions: Path):
    file = competitions / "toy/competition.toml"
    file.write_text(file.read_text() + '\n[strategies.foggy]\nmodel = "fog.forest"\n')
    told = "  model fog.forest: plugin 'fog' is disabled; leave it out of --disable and HARNESS_DISABLE_PLUGINS\n"
    assert told in harness("--disable", "fog", "describe", "toy").out
    assert "  model fog.forest: no model 'fog.forest' is offered" in harness("describe", "toy").out


def test_what_needs_it_tells_that_it_is_disabled(harness):
    done = harness("--disable", "fog", "check", "toy")
    assert done.code == 2
    assert (
        "metric 'fog.half': plugin 'fog' is disabled; leave it out of --disable and HARNESS_DISABLE_PLUGINS" in done.err
    )
    done = harness("--disable", "fog", "check-plugin", "fog")
    assert (done.code, "plugin 'fog' is disabled" in done.err) == (2, True)
    assert harness("check", "fog-toy").code == 2  # it is found, but its plugin.py is not there
    done = harness("--disable", "fog", "check", "fog-toy")
    assert "no competition 'fog-toy' (of the plugins, fog are disabled)" in done.err


@pytest.mark.parametrize(
    "args",
    [
        ["--disable", "fgo", "list"],
        ["plugins", "--disable", "fgo"],
        ["--disable", "fog", "plugins", "--disable", "fgo"],
    ],
)
def test_an_unknown_name_is_told_with_the_nearest(args, harness):
    done = harness(*args)
    assert (done.code, done.out) == (2, "")
    assert "no plugin 'fgo' is installed; did you mean 'fog'?" in done.err


def test_a_built_in_cannot_be_disabled(harness):
    done = harness("list", env={"HARNESS_DISABLE_PLUGINS": "metrics"})
    assert (done.code, "no plugin 'metrics' is installed" in done.err) == (2, True)


# tracing ------------------------------------------------------------------------------------------------------------


def test_the_list_of_plugins_shows_its_calls_with_times(harness):
    done = harness("plugins", "--trace")
    found = hooks(done.err)
    assert found["harness_metrics", "fog"][0] == "1"
    assert found["import", "fog"][2] == "ms"
    assert ("harness_metrics", "metrics") in found
    assert "hook " not in done.out
    assert harness("plugins").err == ""
    assert ("import", "fog") not in hooks(harness("plugins", "--trace", "--disable", "fog").err)


def test_a_run_shows_its_calls_and_which_failed(harness):
    done = harness("run", "toy", "-s", "near", "--no-tracking", env={"HARNESS_TRACE": "1"})
    found = hooks(done.err)
    assert found["harness_run_finished", "fog"][-1] == "ValueError"
    assert found["harness_models", "local"][0].isdigit()
    total = done.err.splitlines()[-1].split()
    assert total[0] == "all"
    assert int(total[1]) == sum(int(calls) for (hook, _), (calls, *_) in found.items() if hook != "all")
