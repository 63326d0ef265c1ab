"""ULMFiT: its streams, batches, stages and classifier."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from harness_protein.residues import ALPHABET
from harness_protein.ulmfit import language_model
from harness_protein.ulmfit.batches import Buckets, windowed
from harness_protein.ulmfit.classifier import Ulmfit
from harness_protein.ulmfit.network import Classifier
from harness_protein.ulmfit.params import UlmfitParams
from harness_protein.ulmfit.recipe import recipe
from harness_protein.ulmfit.stages import stages
from harness_protein.ulmfit.streams import Streams
from harness_protein.ulmfit.tokenizers import BEGIN, PAD

from harness.data import Dataset, DatasetInfo, Examples, Fold, TaskType
from harness.errors import PluginError, StoreError
from harness.offers import BuildContext
from harness.plugins import Plugins
from harness.stages import run_stages

SMALL = UlmfitParams(
    tokenizer="char", direction="forward", embedding=16, hidden=24, lm_epochs=2, lm_batch=8, lm_length=16,
    epochs=6, batch=16, rate=2e-2, dropout=0.1, corpus_epochs=1,
)  # fmt: skip


class Log:
    def __init__(self) -> None:
        self.epochs: list[tuple[int, dict[str, float]]] = []
        self.notes: list[str] = []

    def epoch(self, step: int, **metrics: float) -> None:
        self.epochs.append((step, metrics))

    def note(self, text: str) -> None:
        self.notes.append(text)


def proteins(rows: int, seed: int, targets: bool = True) -> Examples:
    """Two classes, told apart by which half of the alphabet is commoner."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 2, rows)
    letters = np.array(list(ALPHABET))
    shares = np.where(np.arange(20) < 10, 3.0, 1.0)
    inputs = np.empty(rows, object)
    for row, code in enumerate(codes):
        p = shares if code else shares[::-1]
        inputs[row] = "".join(rng.choice(letters, int(rng.integers(5, 60)), p=p / p.sum()))
    ids = np.array([f"{seed}-{row}" for row in range(rows)], object)
    return Examples(ids, inputs, codes.astype(np.int64) if targets else None)


@pytest.fixture(scope="module")
def data() -> Dataset:
    info = DatasetInfo("toy", TaskType.BINARY, ("a", "b"), extra={"corpora": [], "test": True})
    return Dataset(info, proteins(160, 0), None, proteins(40, 1, targets=False), digest="toy")


def context(params: UlmfitParams, data: Dataset, cache: Path, seed: int = 1, log: Log | None = None) -> BuildContext:
    fold = Fold(0, np.arange(120), np.arange(120, 160))
    given = BuildContext(seed=seed, threads=1)
    done = run_stages(stages(params, data.info), data, fold, given, 0, Plugins(), cache, log or Log())
    return replace(given, stages=done)


def fitted(params: UlmfitParams, data: Dataset, cache: Path, log: Log | None = None) -> Ulmfit:
    model = Ulmfit(params, data.info, context(params, data, cache, log=log))
    model.fit(data.train.take(np.arange(120)), None, log or Log())
    return model


# -- streams ----------------------------------------------------------------------------------------------------------


def tokens(*lengths: int) -> list[Any]:
    return [np.arange(3, 3 + length, dtype=np.int32) for length in lengths]


def test_targets_are_the_tokens_that_follow() -> None:
    for inputs, targets in Streams(tokens(30, 40, 50), 4, 8, 0, backward=False):
        assert inputs.shape == targets.shape
        same = targets[:, :-1] == inputs[:, 1:]
        assert bool(same.all())


def test_an_epoch_reads_each_sequence_once_but_for_an_end_that_does_not_fill_the_streams() -> None:
    loader = Streams(tokens(30, 40, 50), 4, 8, 0, backward=False)
    read = torch.cat([inputs.flatten() for inputs, _ in loader])
    assert read.numel() == loader.tokens > loader.total - 4 - 1
    assert int((read == BEGIN).sum()) <= 3


def test_backward_streams_reverse_each_sequence() -> None:
    loader = Streams(tokens(9), 1, 20, 0, backward=True, shuffle=False)
    (inputs, _), *_ = list(loader)
    assert inputs[0].tolist() == [BEGIN, 11, 10, 9, 8, 7, 6, 5, 4]


def test_epochs_differ_and_seeds_repeat_them() -> None:
    several = tokens(*range(5, 40))
    one, other = Streams(several, 4, 8, 3, backward=False), Streams(several, 4, 8, 3, backward=False)
    first, second = torch.cat([x for x, _ in one], 1), torch.cat([x for x, _ in one], 1)
    assert not torch.equal(first, second)
    assert torch.equal(first, torch.cat([x for x, _ in other], 1))


@pytest.mark.parametrize("lengths", [(1,), (1, 1), (3,)])
def test_hardly_any_text_is_still_a_batch(lengths: tuple[int, ...]) -> None:
    batches = list(Streams(tokens(*lengths), 32, 72, 0, backward=False))
    assert batches
    assert all(inputs.numel() for inputs, _ in batches)


# -- batches ----------------------------------------------------------------------------------------------------------


def test_buckets_hold_every_row_once() -> None:
    lengths = np.random.default_rng(0).integers(1, 300, 333)
    loader = Buckets([np.full(length, 5, np.int64) for length in lengths], 16, 0, least=2)
    for _ in range(3):
        batches = list(loader)
        rows = np.concatenate([rows.numpy() for _, rows in batches])
        assert sorted(rows.tolist()) == list(range(333))
        assert min(len(rows) for _, rows in batches) >= 2


def test_buckets_pad_little() -> None:
    lengths = np.random.default_rng(0).integers(20, 1000, 400)
    loader = Buckets([np.full(length, 5, np.int64) for length in lengths], 16, 0)
    cells = sum(padded.numel() for padded, _ in loader)
    assert cells < 1.2 * lengths.sum()
    assert max(padded.numel() for padded, _ in loader) <= loader.budget


def test_batches_without_a_seed_are_the_same_every_time() -> None:
    loader = Buckets(windows(range(3, 90)), 8, None)
    assert [rows.tolist() for _, rows in loader] == [rows.tolist() for _, rows in loader]


def windows(lengths: Any) -> list[Any]:
    return [windowed(one, 1000, backward=False) for one in tokens(*lengths)]


def test_the_middle_of_a_long_sequence_is_left_out() -> None:
    (long,) = tokens(100)
    assert windowed(long, 10, backward=False).tolist() == [BEGIN, 3, 4, 5, 6, 7, BEGIN, 98, 99, 100, 101, 102]
    assert windowed(long, 10, backward=True).tolist() == [BEGIN, 102, 101, 100, 99, 98, BEGIN, 7, 6, 5, 4, 3]


def test_padding_changes_no_prediction() -> None:
    torch.manual_seed(0)
    net = Classifier(24, 3, SMALL).eval()
    alone = torch.from_numpy(windowed(np.arange(3, 20, dtype=np.int32), 100, backward=False))[None]
    padded = torch.cat([alone, torch.full((1, 9), PAD)], 1)
    with torch.inference_mode():
        torch.testing.assert_close(net(alone)[0], net(padded)[0])


# -- stages -----------------------------------------------------------------------------------------------------------


def with_corpora(data: Dataset) -> Dataset:
    info = replace(data.info, extra={"corpora": ["others"], "test": True})
    return replace(data, info=info, unlabelled={"others": proteins(60, 7, targets=False)}, digest="corpora")


def test_what_has_seen_training_rows_is_of_the_fold(data: Dataset) -> None:
    assert [(stage.name, stage.scope, stage.uses) for stage in stages(replace(SMALL, direction="both"), data.info)] == [
        ("protein.tokenizer", "fold", ("fold",)),
        ("protein.language_model.forward", "fold", ("fold",)),
        ("protein.language_model.backward", "fold", ("fold",)),
    ]


def test_what_has_read_only_the_corpora_is_shared(data: Dataset) -> None:
    assert [(stage.name, stage.scope, stage.uses) for stage in stages(SMALL, with_corpora(data).info)] == [
        ("protein.tokenizer", "dataset", ("unlabelled:others",)),
        ("protein.corpus_model.forward", "dataset", ("unlabelled:others",)),
        ("protein.language_model.forward", "fold", ("fold",)),
    ]


def test_corpora_can_be_left_out(data: Dataset) -> None:
    found = stages(replace(SMALL, corpora=False), with_corpora(data).info)
    assert all(stage.scope == "fold" for stage in found)


def test_test_sequences_are_read_only_if_asked(data: Dataset) -> None:
    assert not any("test" in stage.uses for stage in stages(SMALL, data.info))
    assert any("test" in stage.uses for stage in stages(replace(SMALL, test_inputs=True), data.info))


def test_without_pretraining_there_is_no_language_model(data: Dataset) -> None:
    assert [stage.name for stage in stages(replace(SMALL, pretrain=False), data.info)] == ["protein.tokenizer"]


def test_the_classifiers_parameters_do_not_train_the_language_model_again(data: Dataset, tmp_path: Path) -> None:
    one = context(SMALL, data, tmp_path).stages
    other = context(replace(SMALL, epochs=3, dropout=0.7, smoothing=0.2), data, tmp_path).stages
    assert one == other
    assert (
        context(replace(SMALL, lm_epochs=1), data, tmp_path).stages["protein.language_model.forward"]
        not in one.values()
    )


def test_the_language_model_learns(data: Dataset, tmp_path: Path) -> None:
    stage = context(replace(SMALL, lm_epochs=6), data, tmp_path).stages["protein.language_model.forward"]
    history = language_model.load(stage).history
    assert history[-1]["perplexity"] < history[0]["perplexity"]
    assert history[-1]["perplexity"] < 21
    assert 1 / 21 < history[-1]["accuracy"] < 1


def test_a_language_model_of_the_corpora_is_where_the_folds_begin(data: Dataset, tmp_path: Path) -> None:
    log = Log()
    given = context(SMALL, with_corpora(data), tmp_path, log=log)
    assert set(given.stages) == {
        "protein.tokenizer", "protein.corpus_model.forward", "protein.language_model.forward",
    }  # fmt: skip
    assert sum("language model: next token" in note for note in log.notes) == 2


# -- classifier -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Ulmfit:
    return fitted(SMALL, data, tmp_path_factory.mktemp("cache"))


def test_it_learns(model: Ulmfit, data: Dataset) -> None:
    rows = np.arange(120, 160)
    values = model.predict(data.train.take(rows).unlabelled()).values
    assert data.train.targets is not None
    assert (values.argmax(1) == data.train.targets[rows]).mean() > 0.8
    np.testing.assert_allclose(values.sum(1), 1)


@pytest.mark.parametrize("direction", ["backward", "both"])
def test_other_directions_learn_too(direction: Any, data: Dataset, tmp_path: Path) -> None:
    rows = np.arange(120, 160)
    values = fitted(replace(SMALL, direction=direction), data, tmp_path).predict(data.train.take(rows)).values
    assert data.train.targets is not None
    assert (values.argmax(1) == data.train.targets[rows]).mean() > 0.75


def test_saved_and_loaded_it_predicts_the_same(model: Ulmfit, data: Dataset, tmp_path: Path) -> None:
    assert data.test is not None
    model.save(tmp_path)
    other = Ulmfit(SMALL, data.info, BuildContext(seed=9, threads=1))
    other.load(tmp_path)
    np.testing.assert_array_equal(other.predict(data.test).values, model.predict(data.test).values)
    assert {"curves.json", "curves.png"} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.fault("F-49")
def test_the_same_seed_trains_the_same_model(model: Ulmfit, data: Dataset, tmp_path: Path) -> None:
    assert data.test is not None
    again = fitted(SMALL, data, tmp_path)
    np.testing.assert_array_equal(again.predict(data.test).values, model.predict(data.test).values)


def test_a_model_of_other_classes_is_refused(model: Ulmfit, data: Dataset, tmp_path: Path) -> None:
    model.save(tmp_path)
    other = Ulmfit(SMALL, replace(data.info, classes=("b", "a")), BuildContext())
    with pytest.raises(StoreError, match="is of other classes"):
        other.load(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"pretrain": False},
        {"gradual": False},
        {"epochs": 1},
        {"class_weights": True, "smoothing": 0.1},
        {"tokenizer": "kmer", "vocabulary": 500},
        {"tokenizer": "bpe", "vocabulary": 60},
        {"find_rate": True},
        {"max_tokens": 16, "layers": 1},
    ],
)
def test_every_switch_trains(change: dict[str, Any], data: Dataset, tmp_path: Path) -> None:
    assert data.test is not None
    params = replace(SMALL, **{"lm_epochs": 1, "epochs": 3, **change})
    model = fitted(params, data, tmp_path)
    assert np.isfinite(model.predict(data.test).values).all()
    assert ("learning_rate-forward.png" in model.files) == params.find_rate


@pytest.mark.fault("F-25")
def test_a_class_without_training_rows_has_a_chance_above_nothing(data: Dataset, tmp_path: Path) -> None:
    info = replace(data.info, task_type=TaskType.MULTICLASS, classes=("a", "b", "c"))
    values = (
        fitted(replace(SMALL, epochs=2, lm_epochs=1), replace(data, info=info), tmp_path).predict(data.train).values
    )
    assert values.shape == (160, 3)
    assert (values > 0).all()


@pytest.mark.fault("F-27")
def test_odd_sequences_are_predicted(model: Ulmfit) -> None:
    odd = Examples(np.array(["one", "unknown", "long"], object), np.array(["A", "XXXX", "ACDEF" * 8000], object))
    values = model.predict(odd).values
    assert np.isfinite(values).all()
    assert model.predict(odd.take(np.arange(0))).values.shape == (0, 2)


def test_the_log_has_the_curves_of_all_stages(data: Dataset, tmp_path: Path) -> None:
    log = Log()
    params = replace(SMALL, epochs=3)
    fitted(params, data, tmp_path, log)
    names = {name for _, metrics in log.epochs for name in metrics}
    assert {
        "language_model_forward_perplexity",
        "language_model_forward_accuracy",
        "classifier_forward_train_loss",
    } <= names
    # from the cache too
    again = Log()
    model = fitted(params, data, tmp_path, again)
    assert again.epochs == log.epochs
    assert set(json.loads(model.files["curves.json"])) == {"protein.language_model.forward", "classifier.forward"}


def test_a_training_without_its_stages_is_a_fault_of_the_program(data: Dataset) -> None:
    with pytest.raises((KeyError, PluginError)):
        Ulmfit(SMALL, data.info, BuildContext()).fit(data.train, None, Log())


def test_the_recipe_names_its_parameters() -> None:
    assert recipe().name == "protein.ulmfit"
    assert recipe().params is UlmfitParams
