"""The page of a run: the homework, bands, and what a split at random hides; one file that needs no network."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from harness_protein.homology.clusters import ClustersParams
from harness_protein.report.chart import chart
from harness_protein.report.homework import lines, paired
from harness_protein.report.optimism import optimism
from harness_protein.report.page import write

from harness.data import Dataset
from harness.results import Shown

HOSTILE = "<img src=x onerror=alert(1)>"
SIZES = (("char", 1000), ("kmer", 1000), ("bpe", 250), ("bpe", 1000), ("bpe", 4000), ("unigram", 1000))


def model(tokenizer: str, vocabulary: int, pretrain: bool, **others) -> dict:
    settings = {"use": "protein.ulmfit", "tokenizer": tokenizer, "vocabulary": vocabulary, "kmer": 3}
    return settings | {"pretrain": pretrain, "lm_epochs": 10, "hidden": 200} | others


@pytest.fixture
def board(dataset, run_result):
    """Return ``board(sizes, seeds)``: runs whose truth gets more probability with pretraining and more tokens."""

    def make(sizes=SIZES, seeds=(0, 1)):
        targets = dataset.train.targets
        folds = np.arange(len(targets)) % 5
        runs = []
        for at, (tokenizer, size) in enumerate(sizes):
            for pretrain in (True, False):
                for seed in seeds:
                    rng = np.random.default_rng([at, seed])
                    sure = np.clip(0.5 + 0.05 * at + 0.1 * pretrain + rng.normal(0, 0.08, len(targets)), 0.34, 0.98)
                    values = np.full((len(targets), 3), 1.0) * ((1 - sure) / 2)[:, None]
                    values[np.arange(len(targets)), targets] = sure
                    name = f"ulmfit-{tokenizer}-{size}{'' if pretrain else '-nopretrain'}"
                    settings = model(tokenizer, size, pretrain, lm_epochs=10 if pretrain else 3)
                    runs.append(run_result(dataset.train, values, folds, name, seed, settings))
        return runs

    return make


def shown_for(dataset, runs) -> Shown:
    board = {
        "metrics": ["log_loss"],
        "metric": "log_loss",
        "direction": "min",
        "on": "oof",
        "entries": [
            {"rank": at + 1, "name": run.run.label, "run_id": run.run.run_id, "scores": {"log_loss": {"oof": 0.5}}}
            for at, run in enumerate(runs)
        ],
    }
    return Shown(board=board, dataset=dataset, result=runs[0], runs=lambda: runs)


def test_twins_are_paired_row_by_row_and_over_seeds():
    mine = {0: {"a": 0.1, "b": 0.3}, 1: {"a": 0.2, "b": 0.2}, 7: {"a": 9.0, "b": 9.0}}
    theirs = {0: {"b": 0.4, "a": 0.3}, 1: {"a": 0.3, "b": 0.5}}
    gain = paired(mine, theirs)
    # differences: seed 0: -.2, -.1; seed 1: -.1, -.3; rows: -.15, -.2
    assert (gain.mean, gain.seeds) == (pytest.approx(-0.175), 2)
    assert gain.stderr == pytest.approx(0.025)
    assert gain.seeds_stderr == pytest.approx(0.025)
    assert paired(mine, {3: {"a": 1.0}}) is None


def test_each_strategy_is_a_line_with_its_twin(board):
    found = lines(board())
    assert [(line.tokenizer, line.vocabulary, line.pretrain) for line in found][:4] == [
        ("char", 25, True),
        ("char", 25, False),
        ("kmer", 8000, True),
        ("kmer", 8000, False),
    ]
    assert len(found) == 12
    assert all(line.seeds == 2 for line in found)
    for line in found:
        assert (line.pretraining is None) == (not line.pretrain)
        assert (line.subwords is None) == (line.tokenizer == "char")
        if line.pretraining is not None:
            assert line.pretraining.mean < -3 * line.pretraining.stderr


def test_a_twin_differs_in_nothing_else(dataset, run_result):
    values = np.full((len(dataset.train), 3), 1 / 3)
    folds = np.zeros(len(dataset.train))
    settings = (model("bpe", 1000, True), model("bpe", 1000, False, hidden=99), model("bpe", 250, False))
    runs = [run_result(dataset.train, values, folds, f"r{at}", 0, one) for at, one in enumerate(settings)]
    runs.append(run_result(dataset.train, values, folds, "other", 0))
    runs.append(run_result(dataset.train, values, folds, "mean", None, settings[0]))
    found = lines(runs)
    assert len(found) == 3
    assert all(line.pretraining is None for line in found)


def test_the_chart_has_a_dot_for_each_line(board):
    found = lines(board())
    drawing = chart(found)
    assert drawing.count("<title>") == 12
    assert drawing.count('fill="var(--page)" stroke="var(--bpe)"') == 3
    assert drawing.count("<polyline") == 2
    assert chart([]) == ""
    assert chart(found[:1]).count("<title>") == 1


def test_a_split_at_random_flatters_where_there_are_families(families, info):
    examples, _ = families(n=40, members=6, identity=0.85)
    found = optimism(Dataset(info, examples), ClustersParams())
    assert found.rows == 240
    assert found.clusters == 40
    assert found.accuracy[0] > 0.9 > 0.6 > found.accuracy[1]
    assert found.accuracy_gap[0] == pytest.approx(found.accuracy[1] - found.accuracy[0])
    assert found.log_loss_gap[0] > 3 * found.log_loss_gap[1]


def test_the_page_holds_every_section(dataset, board, competition, tmp_path):
    told = write(competition, shown_for(dataset, board()), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    for title in (
        "Leaderboard",
        "What pretraining and subwords bring",
        "How near the relatives are",
        "How much a split at random flatters",
    ):
        assert f">{title}</h2>" in page
    assert "Families &lt;of&gt; proteins" in page
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    assert len(told) == 3
    assert re.fullmatch(
        r"With pretraining log loss is 0\.\d+ ± 0\.\d+ lower than without \(unigram, 1,000 tokens\)", told[0]
    )
    assert "A split at random shows" in told[-1]


def test_the_page_works_without_ulmfit_and_escapes_names(dataset, run_result, competition, tmp_path):
    values = np.full((len(dataset.train), 3), 1 / 3)
    folds = np.arange(len(dataset.train)) % 5
    runs = [
        run_result(dataset.train, values, folds, "plain"),
        run_result(dataset.train, values, folds, "x", 0, model("bpe", 250, True)),
    ]
    assert "pretraining" not in str(write(competition, shown_for(dataset, runs[:1]), tmp_path / "page.html"))
    page = (tmp_path / "page.html").read_text()
    assert "What pretraining" not in page
    assert "How near the relatives are" in page
    found = lines(runs)
    assert HOSTILE not in chart([replace(found[0], name=HOSTILE)])


def test_other_data_is_left_to_the_built_in(dataset, board, competition, tmp_path):
    shown = shown_for(dataset, board(SIZES[:1], (0,)))
    strange = SimpleNamespace(**{**vars(competition), "data": SimpleNamespace(source="imbalance.table")})
    assert write(strange, shown, tmp_path / "a.html") is None
    assert write(competition, Shown(predictions=tmp_path / "p.csv"), tmp_path / "a.html") is None


def test_it_fits_a_phone_and_asks_the_network_for_nothing(browser, dataset, board, competition, tmp_path):
    file = tmp_path / "page.html"
    write(competition, shown_for(dataset, board()), file)
    context = browser.new_context(viewport={"width": 360, "height": 740})
    page, asked, said = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator("svg.chart circle title").count() == 12
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert said == []
    context.close()
