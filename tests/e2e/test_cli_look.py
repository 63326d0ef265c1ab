"""Commands that look: check, list, describe, plugins, completion, leaderboard, ui."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import click
import pytest


def test_check_tells_what_there_is_and_trains_nothing(harness, workspace):
    done = harness("check", "toy", env={"TOY_COUNT": str(workspace / "count")})
    assert done.code == 0, done.err
    for words in (
        "90 rows: ash 33.3%, beech 33.3%, cedar 33.3%",
        "3 (stratified)",
        "SIMULATED DATA",
        "ok: ",
        "kept in cards/toy/",
    ):
        assert words in done.out
    assert not (workspace / "count").exists()
    assert not (workspace / "runs").exists()
    found = harness("check", "toy", "--json").json
    assert (found["competition"], found["problems"]) == ("toy", [])


def test_check_names_every_strategy_that_could_not_run(harness, competitions):
    path = competitions / "toy/competition.toml"
    path.write_text(path.read_text() + '\n[strategies.a]\nmodel = { sharpnes = 1.0 }\n[strategies.b]\nadjuster = "tmp"')
    done = harness("check", "toy")
    assert done.code == 2
    assert "unknown parameter 'sharpnes'; did you mean 'sharpness'?" in done.err
    assert "no adjuster 'tmp' is offered" in done.err
    assert len(harness("check", "toy", "--json").json["problems"]) == 2


def test_list_shows_each_competition_and_a_broken_one_as_broken(harness, competitions):
    (competitions / "bad").mkdir()
    (competitions / "bad/competition.toml").write_text("title = ")
    rows = {row["id"]: row for row in harness("list", "--json").json}
    toy = {"title": "Toy: three blobs", "task": "multiclass", "metric": "log_loss", "strategies": 4, "data": ["sample"]}
    assert rows["toy"] == {"id": "toy", **toy}
    assert rows["bad"]["title"].startswith("broken: ")
    done = harness("list")
    assert done.code == 0
    assert "Toy: three blobs" in done.out


def test_describe_has_every_parameter_of_what_is_used(harness):
    found = harness("describe", "toy", "--json").json
    assert (found["id"], found["task"], found["metrics"]) == ("toy", "multiclass", ["log_loss", "macro_f1"])
    assert found["directions"] == {"log_loss": "min", "macro_f1": "max"}
    assert [strategy["name"] for strategy in found["strategies"]] == ["near", "sharp", "calibrated", "broken"]
    names = {offer: [param["name"] for param in params] for offer, params in found["params"].items()}
    assert names["local.means"] == ["sharpness", "noise", "fail", "slow"]
    assert names["local.blobs"] == ["rows", "spread"]
    sharpness = found["params"]["local.means"][0]
    assert (sharpness["default"], sharpness["low"], sharpness["help"]) == (1.0, 0, "how sure it is")
    shown = harness("describe", "toy").out
    for words in ("ranked on", "oof log_loss", "sharpness = 1", "how sure it is", "at least 0"):
        assert words in shown


def test_describe_says_once_what_strategies_and_offers_share(harness, competitions):
    path = competitions / "toy/competition.toml"
    more = "\n[strategies.plain]\nadjuster = []\nnamed_only = true\n"
    path.write_text(path.read_text().replace("[defaults]", '[defaults]\nadjuster = "temperature"') + more)
    lines = harness("describe", "toy").out.splitlines()
    start = lines.index("strategies")
    assert lines[start + 1] == "  where nothing else is said: local.means, temperature"
    rows = [" ".join(line.split()) for line in lines[start + 3 : start + 10]]
    assert rows == [
        "near distances to class means",
        "sharp the same, surer of itself local.means(sharpness=4)",
        "calibrated sharp, with a temperature local.means(sharpness=4)",
        "broken fails while it trains local.means(fail=ValueError)",
        "",
        "only when named, as by -s NAME, or all by -s '*':",
        "name particular",
    ]
    assert lines[start + 10].split() == ["plain", "no", "adjusters"]


def test_describe_names_parameters_that_another_offer_has_too(harness):
    plugin = Path("../competitions/toy/plugin.py").resolve()
    again = 'ModelRecipe("local.means", "distances to class means", tasks, MeansParams, Means)'
    text = plugin.read_text()
    assert again in text
    other = again.replace("local.means", "local.other")
    plugin.write_text(text.replace(f"    yield {again}", f"    yield {again}\n    yield {other}"))
    file = plugin.with_name("competition.toml")
    file.write_text(file.read_text() + '\n[strategies.other]\nmodel = "local.other"\n')
    shown = harness("describe", "toy").out
    assert shown.count("how sure it is") == 1
    assert "    as of local.means: sharpness, noise, fail, slow\n" in shown
    params = harness("describe", "toy", "--json").json["params"]
    assert params["local.other"] == params["local.means"]


def test_a_line_too_long_for_the_terminal_goes_on_below(monkeypatch, capsys):
    from harness.cli import look

    monkeypatch.setattr(look.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(look.shutil, "get_terminal_size", lambda: os.terminal_size((30, 20)))
    look.table(["name", "", "made of"], [["short", "text", "this"], ["long", "some text", "far too long for the line"]])
    lines = capsys.readouterr().out.splitlines()
    assert [click.unstyle(line).rstrip() for line in lines] == [
        "  name              made of",
        "  short  text       this",
        "  long   some text",
        "      far too long for the",
        "      line",
    ]


def test_numbers_of_a_narrow_leaderboard_are_whole_and_names_wrap(harness, monkeypatch):
    from harness.cli import show

    args = ("run", "toy", "-s", "near", "--set", "near.noise=0.125", "--set", "near.sharpness=1.25", "--no-tracking")
    assert harness(*args).code == 0
    monkeypatch.setattr(show, "WIDEST", 80)
    shown = harness("leaderboard", "toy").out
    wide = harness("leaderboard", "toy", "--json").json
    assert max(map(len, shown.splitlines()[:8])) <= 80
    for entry in wide["entries"]:
        assert f"{entry['scores']['log_loss']['oof']:.4f}" in shown
    assert "simulated" in shown
    assert "model.sharpness=1.25" in shown


def test_plugins_lists_what_is_installed_and_built_in(harness):
    found = harness("plugins", "--json").json
    assert {"log_loss", "rmse"} <= set(found["builtin"]["metric"])
    assert {"sequential", "process"} <= set(found["builtin"]["executor"])
    for plugin in found["plugins"]:
        assert plugin["error"] == ""
        assert all(name.startswith(f"{plugin['name']}.") for names in plugin["offers"].values() for name in names)


def load_broken() -> None:
    raise ModuleNotFoundError("No module named 'torch'", name="torch")


@pytest.mark.fault("F-32")
def test_a_broken_plugin_is_listed_with_the_fix_and_stops_nothing_else(harness, monkeypatch):
    point = SimpleNamespace(
        name="deep", dist=SimpleNamespace(name="harness-deep", version="0.3"), load=load_broken, module="deep"
    )
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [point])
    done = harness("plugins")
    assert done.code == 0, done.err
    assert "deep 0.3  (harness-deep)\n  broken: ModuleNotFoundError: No module named 'torch'\n" in done.out
    assert "  fix: install what it lacks: pip install torch\n" in done.out
    assert harness("run", "toy", "-s", "near", "--no-tracking").code == 0
    # its competitions are in no list: that says why
    done = harness("list")
    assert (done.code, "toy" in done.out) == (0, True)
    told = (
        "plugin deep is broken: ModuleNotFoundError: No module named 'torch'; install what it lacks: pip install torch"
    )
    assert told in done.err
    done = harness("run", "deep-example")
    told = "no competition 'deep-example' (plugin 'deep' is broken: ModuleNotFoundError: No module named 'torch')"
    assert (done.code, told in done.err) == (2, True)


@pytest.mark.parametrize(("args", "words"), [(["new"], "plugin"), (["export"], "verify")])
def test_without_a_command_the_help_is_shown_as_with_help(args, words, harness):
    done = harness(*args)
    assert done.code == 2
    assert done.err.rstrip() == harness(*args, "--help").out.rstrip()
    assert f"\n  {words} " in done.err


def test_the_help_of_export_tells_where_the_options_are(harness):
    shown = harness("export", "--help").out
    assert "harness export run --help" in shown
    assert "..." not in shown


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_the_command(shell, harness):
    done = harness("completion", shell)
    assert done.code == 0
    assert "harness" in done.out
    assert "_HARNESS_COMPLETE" in done.out


def test_completion_of_a_shell_that_is_not_known(harness):
    done = harness("completion", "tcsh")
    assert (done.code, done.out) == (2, "")
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in done.err


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("ru", ["plain,run"]),
        ("run to", ["plain,toy"]),
        ("run toy -s ne", ["plain,near"]),
        ("run toy --device cpu -s c", ["plain,calibrated"]),
        ("run nowhere -s ne", []),
    ],
)
def test_a_shell_completes_commands_competitions_and_strategies(typed, expected, competitions, workspace):
    line = f"harness --competitions {competitions} {typed}"
    asked = {"_HARNESS_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    command = [sys.executable, "-c", "import sys; sys.argv = ['harness']; from harness.cli import main; main()"]
    done = subprocess.run(command, env={**os.environ, **asked}, cwd=workspace, capture_output=True, text=True)
    assert (done.stdout.split(), done.stderr) == (expected, "")


# leaderboard and ui -------------------------------------------------------------------------------------------------


def test_the_board_of_the_server_is_that_of_the_run_directories(harness):
    done = harness("run", "toy", "-s", "near", "-s", "calibrated", "--seed", "0", "--seed", "1")
    assert done.code == 0, done.err
    own = harness("leaderboard", "toy", "--json").json
    done = harness("leaderboard", "toy", "--from-tracking", "--json")
    assert done.code == 0, done.err
    theirs = done.json
    assert len(own["entries"]) == 7
    for key in ("competition", "metric", "direction", "on", "metrics", "others"):
        assert own[key] == theirs[key]
    for mine, other in zip(own["entries"], theirs["entries"], strict=True):
        for key in ("rank", "name", "strategy", "seed", "run_id", "status", "baseline", "marks", "flags", "board"):
            assert mine[key] == other[key], key
        for metric in own["metrics"]:
            for which in ("oof", "valid", "mean", "stderr"):
                one, two = mine["scores"][metric][which], other["scores"][metric][which]
                assert (one is None) == (two is None)
                assert one is None or one == pytest.approx(two)
    assert "calibrated" in harness("leaderboard", "toy", "--from-tracking").out


def test_a_board_without_runs_says_what_to_do(harness, competitions):
    done = harness("leaderboard", "toy")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "error: no finished runs of toy; run: " in done.err
    assert done.err.endswith(" run toy\n")
    assert f"harness --competitions {competitions}" in done.err  # what was given is given again
    assert harness("leaderboard", "toy", "--json").json["entries"] == []
    done = harness("leaderboard", "toy", "--from-tracking")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "harness run toy" in done.err


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listening(port: int) -> set[str]:
    """Return the addresses on which a TCP port is open, as /proc/net/tcp writes them."""
    tables = [path.read_text() for path in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")) if path.exists()]
    rows = [line.split() for table in tables for line in table.splitlines()[1:]]
    ends = [row[1].split(":") for row in rows if row[3] == "0A"]
    return {address for address, number in ends if int(number, 16) == port}


@pytest.mark.fault("F-47")
@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="asks Linux which addresses are open")
def test_ui_prints_its_link_and_listens_on_loopback_only(harness, competitions, workspace):
    assert harness("run", "toy", "-s", "near").code == 0
    port = free_port()
    command = [sys.executable, "-m", "harness", "--competitions", str(competitions), "ui", "toy", "--port", str(port)]
    log = (workspace / "ui.log").open("w")
    server = subprocess.Popen(command, cwd=workspace, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        link = f"http://127.0.0.1:{port}/"
        assert wait_for(link, server) == 200
        assert f"open      {link}#/experiments/" in (workspace / "ui.log").read_text()
        assert listening(port) == {"0100007F"}
        server.terminate()
        server.wait(timeout=30)
        deadline = time.monotonic() + 20
        while listening(port) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not listening(port), "something of the server stayed behind"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        log.close()


def wait_for(link: str, server: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(link, timeout=5) as answer:
                return answer.status
        except OSError:
            time.sleep(0.3)
    raise AssertionError(f"no answer from {link}; the server {server.poll()}")


@pytest.mark.parametrize("args", [["ui", "toy"], ["leaderboard", "toy", "--from-tracking"]], ids=["ui", "leaderboard"])
def test_a_folder_is_no_tracking_server(args, harness):
    done = harness(*args, "--tracking-uri", "./mlruns")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "MLflow's file store is retired" in done.err


def test_ui_of_a_team_shows_its_link_without_a_secret_and_starts_nothing(harness):
    done = harness("ui", "--tracking-uri", "http://me:secret@mlflow.team:5000")
    assert done.code == 0
    assert "open      http://mlflow.team:5000" in done.out
    assert "secret" not in done.out + done.err
