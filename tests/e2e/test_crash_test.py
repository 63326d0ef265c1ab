"""``harness crash-test``: kill, resume, compare."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ARGS = ("crash-test", "toy", "-s", "near", "--set", "near.slow=0.3", "--set", "near.noise=0.1", "--folds", "4")


@pytest.mark.fault("F-01", "F-02")
@pytest.mark.parametrize(("kills", "workers"), [pytest.param(3, 1, marks=pytest.mark.slow), (1, 2)])
def test_a_run_that_is_killed_and_resumed_is_the_same(harness, kills, workers):
    done = harness(*ARGS, "--kills", kills, "--workers", workers)
    assert done.code == 0, done.out + done.err
    lines = re.findall(r"^ +\d +([\d.]+) s +(\d) of 8 +[\d.]+ s   identical$", done.out, re.MULTILINE)
    assert len(lines) == kills
    assert done.out.endswith(f"\n{kills} of {kills} identical\n")


def test_a_plugin_whose_results_do_not_repeat_is_caught(harness, competitions):
    plugin = competitions / "toy/plugin.py"
    text = plugin.read_text()
    plugin.write_text(text.replace("default_rng(self.context.seed)", "default_rng()"))
    done = harness(*ARGS, "--kills", "1", "--json")
    assert done.code == 1
    (crash,) = done.json["crashes"]
    assert any(re.fullmatch(r"runs/toy/near-s0-\w+/oof.parquet differs", line) for line in crash["problems"])
    assert "submissions/toy/near.csv differs" in crash["problems"]
    assert done.json["identical"] == 0


def test_a_run_that_fails_by_itself_is_told(harness):
    done = harness("crash-test", "toy", "-s", "broken", "--kills", "1")
    assert done.code == 2
    assert "the run fails without being killed (exit code 1): " in done.err


def test_one_that_is_ended_leaves_no_process_and_no_folder(competitions, workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    command = [sys.executable, "-m", "harness", "--competitions", str(competitions), *ARGS[:4], "--set", "near.slow=60"]
    test = subprocess.Popen(command, cwd=workspace, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("harness-crash-*/whole/runs/*/*/run.json")):
        assert test.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (folder,) = tmp_path.glob("harness-crash-*")
    test.send_signal(signal.SIGTERM)
    _, said = test.communicate(timeout=60)
    assert test.returncode == 143
    assert said.endswith("\ninterrupted\n")
    assert not folder.exists()
    left = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [line for line in left if str(folder).encode() in line]
