"""Corpora without targets: from the competition file or the command line, to the source, into what is learned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.competition import Rules
from harness.competition_file import parse_competition
from harness.errors import ConfigError, DataError
from harness.prepare import Setting, load_dataset, prepare


def test_corpora_are_declared_in_the_file() -> None:
    table = {
        "title": "t",
        "task": "binary",
        "metrics": ["log_loss"],
        "data": {"source": "s", "unlabelled": ["a.fasta", "b"]},
        "strategies": {"one": {"model": "m"}},
    }
    assert parse_competition(table, Path("toy")).data.unlabelled == ("a.fasta", "b")
    table["data"] = {"source": "s", "unlabelled": "a.fasta"}
    with pytest.raises(ConfigError, match=r"unlabelled = 'a\.fasta': expected a list of names"):
        parse_competition(table, Path("toy"))


def test_a_source_that_reads_none_says_so(competitions: Path, workspace: Path, tmp_path: Path) -> None:
    setting = Setting(competitions / "toy", workspace / "cache", unlabelled=(str(tmp_path),))
    with pytest.raises(ConfigError, match="reads no unlabelled data"):
        prepare(setting)


def test_a_corpus_that_is_not_there_is_told(competitions: Path, workspace: Path) -> None:
    prepared = prepare(Setting(competitions / "toy", workspace / "cache"))
    setting = replace(prepared.setting, unlabelled=("nowhere",))
    with pytest.raises(ConfigError, match="--unlabelled 'nowhere' is no existing path"):
        load_dataset(prepared.competition, prepared.plugins, setting)
    declared = replace(prepared.competition, data=replace(prepared.competition.data, unlabelled=("nowhere",)))
    with pytest.raises(DataError, match=r"toy: no unlabelled data at .*nowhere"):
        load_dataset(declared, prepared.plugins, prepared.setting)


def test_rules_may_forbid_external_data(competitions: Path, workspace: Path, tmp_path: Path) -> None:
    prepared = prepare(Setting(competitions / "toy", workspace / "cache"))
    strict = replace(prepared.competition, rules=Rules(external_data=False))
    with pytest.raises(ConfigError, match="unlabelled data is external data, which the rules of toy forbid"):
        load_dataset(strict, prepared.plugins, replace(prepared.setting, unlabelled=(str(tmp_path),)))


def test_the_option_is_told_in_one_line(harness, competitions: Path) -> None:
    done = harness("run", "toy", "--unlabelled", "nowhere")
    assert done.code == 2
    assert "nowhere' is no existing path" in done.err
