"""Encoders, their pretraining, fine-tuning and probes, on tiny pictures that a network tells apart."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from harness_imagewang import pretrain
from harness_imagewang.batches import Batches
from harness_imagewang.finetune import Finetuned
from harness_imagewang.frozen import LinearProbe, NearestNeighbours
from harness_imagewang.images import Images, joined
from harness_imagewang.network import Encoder, UNet
from harness_imagewang.params import EncoderParams, FinetuneParams, KnnParams, LinearParams
from harness_imagewang.pretext.registry import tasks
from harness_imagewang.stages import NAME, stages

from harness.data import Dataset, DatasetInfo, Examples, Fold, TaskType
from harness.errors import ConfigError, DataError, StoreError
from harness.offers import BuildContext, ModelRecipe
from harness.params import document, parse_params
from harness.plugins import Plugins, load_plugins
from harness.stages import run_stages
from harness.store import digest_of
from harness.testing import check_model, failures

SMALL: dict[str, Any] = {"size": 32, "pretrain_epochs": 2, "pretrain_batch": 16}
TUNED = FinetuneParams(**SMALL, epochs=4, batch=16, rate=4e-3)


class Log:
    def __init__(self) -> None:
        self.epochs: list[tuple[int, dict[str, float]]] = []
        self.notes: list[str] = []

    def epoch(self, step: int, **metrics: float) -> None:
        self.epochs.append((step, metrics))

    def note(self, text: str) -> None:
        self.notes.append(text)


class Memory:
    """Pictures in memory, of one size."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.kept = pixels
        self.digests = [digest_of(picture.tolist()) for picture in pixels]

    def __len__(self) -> int:
        return len(self.kept)

    def pixels(self, size: int) -> np.ndarray:
        assert size == self.kept.shape[1]
        return self.kept


def pictures(rows: int, seed: int, targets: bool = True) -> Examples:
    """Noise in which class 0 has a bright left half, class 1 a bright right one, class 2 neither."""
    rng = np.random.default_rng(seed)
    codes = np.arange(rows) % 3
    pixels = rng.integers(0, 120, (rows, 32, 32, 3)).astype(np.uint8)
    pixels[codes == 0, :, :16, 0] += 120
    pixels[codes == 1, :16, :, 2] += 120
    ids = np.array([f"{seed}-{row}" for row in range(rows)], object)
    return Examples(ids, Images(Memory(pixels), np.arange(rows)), codes.astype(np.int64) if targets else None)


@pytest.fixture(scope="module")
def data() -> Dataset:
    info = DatasetInfo("toy", TaskType.MULTICLASS, ("left", "none", "top"), extra={"corpora": ["unsup"]})
    return Dataset(
        info, pictures(96, 0), unlabelled={"unsup": pictures(32, 1, targets=False)}, digest="toy", unlabelled_digest="u"
    )


def context(params: EncoderParams, data: Dataset, cache: Path, log: Log | None = None, seed: int = 1) -> BuildContext:
    fold = Fold(0, np.arange(72), np.arange(72, 96))
    given = BuildContext(seed=seed, threads=1)
    done = run_stages(stages(params, data.info), data, fold, given, 0, Plugins(), cache, log or Log())
    return replace(given, stages=done)


def test_an_encoder_has_maps_of_halved_sizes_and_one_vector_an_image() -> None:
    encoder = Encoder()
    maps = encoder.maps(torch.rand(2, 3, 64, 64))
    assert [tuple(found.shape[1:]) for found in maps] == [
        (64, 32, 32), (64, 16, 16), (128, 8, 8), (256, 4, 4), (512, 2, 2),
    ]  # fmt: skip
    assert encoder(torch.rand(2, 3, 64, 64)).shape == (2, encoder.width)
    assert encoder.widths == (64, 64, 128, 256, 512)


@pytest.mark.parametrize("size", [32, 48, 65])
def test_a_unet_answers_with_images_of_any_size(size: int) -> None:
    found = UNet(Encoder())(torch.rand(2, 3, size, size)).detach()
    assert found.shape == (2, 3, size, size)
    assert 0 <= float(found.min()) <= float(found.max()) <= 1


def test_an_unknown_backbone_is_told_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"backbone = 'xresnet19'; did you mean 'xresnet18'"):
        Encoder("xresnet19")


def test_batches_deal_every_image_once_in_an_order_of_the_seed() -> None:
    pixels = pictures(10, 0).inputs.at(32)

    def rows_of(seed: int | None, size: int = 4) -> list[list[int]]:
        return [batch[0].tolist() for batch in Batches(pixels, lambda _, rows: (rows,), size, seed)]

    assert rows_of(None) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert rows_of(1) == rows_of(1) != rows_of(2)
    assert len(rows_of(1)) == 2
    assert rows_of(1, 20)[0] != list(range(10))
    assert sorted(rows_of(1, 20)[0]) == list(range(10))


def test_several_sets_read_as_one() -> None:
    first, second = pictures(5, 0).inputs.at(32), pictures(7, 1).inputs.at(32)
    both = joined([first, second])
    assert len(both) == 12
    rows = np.array([11, 0, 5, 4])
    expected = np.stack(
        [second[np.array([6])][0], first[np.array([0])][0], second[np.array([0])][0], first[np.array([4])][0]]
    )
    assert (both[rows] == expected).all()


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        (Finetuned, TUNED),
        (Finetuned, replace(TUNED, pretext="rotation")),
        (Finetuned, replace(TUNED, balance="oversample", optimizer="ranger", activation="mish")),
        (LinearProbe, LinearParams(**SMALL, pretext="rotation")),
        (NearestNeighbours, KnnParams(**SMALL, pretext="rotation", neighbours=5)),
    ],
)
def test_a_model_learns_and_reads_back_what_it_wrote(kind: type, params: Any, data: Dataset, tmp_path: Path) -> None:
    given, log = context(params, data, tmp_path / "cache"), Log()
    model = kind(params, data.info, given)
    model.fit(data.train.take(np.arange(72)), None, log)
    held = data.train.take(np.arange(72, 96)).unlabelled()
    found = model.predict(held)
    assert found.values.shape == (24, 3)
    assert np.allclose(found.values.sum(axis=1), 1)
    right = found.values.argmax(axis=1) == data.train.targets[72:]
    assert right.mean() > 0.6
    (tmp_path / "model").mkdir()
    model.save(tmp_path / "model")
    again = kind(params, data.info, BuildContext(threads=1))
    again.load(tmp_path / "model")
    assert np.allclose(again.predict(held).values, found.values, atol=1e-6)
    other = kind(params, replace(data.info, classes=("a", "b", "c")), BuildContext(threads=1))
    with pytest.raises(StoreError, match="other classes"):
        other.load(tmp_path / "model")


def test_images_smaller_than_the_size_are_told(data: Dataset, tmp_path: Path) -> None:
    small, log = replace(data.info, extra={**data.info.extra, "shortest": 20}), Log()
    params = KnnParams(**SMALL)
    NearestNeighbours(params, small, context(params, data, tmp_path)).fit(data.train, None, log)
    assert any("size = 32: images are enlarged, the smallest from 20 pixels" in note for note in log.notes)


@pytest.mark.fault("F-49")
def test_the_same_seed_gives_the_same_bytes_and_another_differs(data: Dataset, tmp_path: Path) -> None:
    params = replace(TUNED, epochs=1)

    def values(seed: int) -> np.ndarray:
        model = Finetuned(params, data.info, context(params, data, tmp_path / "cache", seed=seed))
        model.fit(data.train.take(np.arange(48)), None, Log())
        return model.predict(data.train).values

    assert (values(1) == values(1)).all()
    assert (values(1) != values(2)).any()


def test_a_holdout_keeps_the_best_epoch_and_draws_it(data: Dataset, tmp_path: Path) -> None:
    log = Log()
    model = Finetuned(replace(TUNED, holdout=True), data.info, context(TUNED, data, tmp_path / "cache"))
    model.fit(data.train.take(np.arange(60)), data.train.take(np.arange(60, 96)), log)
    rows = list(csv.DictReader(model.files["history.csv"].decode().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    losses = [float(row["valid_loss"]) for row in rows]
    assert model.best_iteration == int(np.argmin(losses)) + 1
    assert all(0 <= float(row["valid_accuracy"]) <= 1 for row in rows)
    assert model.files["accuracy.png"].startswith(b"\x89PNG")
    assert any("best epoch" in note for note in log.notes)


def test_an_encoder_is_pretrained_once_for_all_strategies_that_ask_for_the_same(data: Dataset, tmp_path: Path) -> None:
    log = Log()
    first = context(replace(TUNED, pretext="rotation"), data, tmp_path, log)
    told = len(log.notes)
    again = context(LinearParams(**SMALL, pretext="rotation", penalty=3.0), data, tmp_path, log, seed=5)
    assert first.stages[NAME] == again.stages[NAME]
    assert told == len(log.notes) == 2
    other = context(replace(TUNED, pretext="rotation", pretrain_seed=1), data, tmp_path, log)
    assert other.stages[NAME] != first.stages[NAME]
    facts = json.loads((first.stages[NAME] / "encoder.json").read_text())
    assert facts["images"] == 128
    assert len(facts["losses"]) == 2
    assert (first.stages[NAME] / "batch.png").read_bytes().startswith(b"\x89PNG")


def test_a_task_that_learns_from_labels_sees_those_of_its_fold_only(data: Dataset) -> None:
    (stage,) = stages(replace(TUNED, pretext="sesemi"), data.info)
    assert (stage.scope, stage.uses) == ("fold", ("fold", "unlabelled:unsup"))
    (stage,) = stages(replace(TUNED, pretext="rotation", valid_images=True, train_images=False), data.info)
    assert (stage.scope, stage.uses) == ("dataset", ("unlabelled:unsup", "valid"))
    assert stages(TUNED, data.info) == ()


def test_where_labels_are_learned_from_classes_may_be_drawn_as_often(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []

    class Watched(Batches):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            drawn.append(self.shares)

    monkeypatch.setattr(pretrain, "Batches", Watched)
    place = np.arange(len(data.train)) % 12
    rare = replace(data, train=replace(data.train, targets=np.where(place < 2, place + 1, 0)))
    context(replace(TUNED, pretext="sesemi", pretrain_balance=True), rare, tmp_path)
    context(replace(TUNED, pretext="sesemi"), rare, tmp_path)
    context(replace(TUNED, pretext="rotation", pretrain_balance=True), rare, tmp_path)
    shares, *others = drawn
    assert others == [None, None]
    # of 104 images 72 have a label, of which 60, 6 and 6 are of one class
    assert Counter(np.round(shares * 104, 9).tolist()) == {0.4: 60, 1.0: 32, 4.0: 12}


def test_without_unlabelled_images_a_pretext_task_says_why_not(data: Dataset, tmp_path: Path) -> None:
    bare = replace(data, info=replace(data.info, extra={"corpora": []}), unlabelled={})
    with pytest.raises(DataError, match="no unsup folder, or an empty one"):
        context(replace(TUNED, pretext="rotation"), bare, tmp_path)


def test_unknown_tasks_and_options_are_told_before_training(data: Dataset) -> None:
    with pytest.raises(ConfigError, match="did you mean 'rotation'"):
        stages(replace(TUNED, pretext="rotatoin"), data.info)
    with pytest.raises(ConfigError, match="unknown parameter 'patchez'"):
        stages(replace(TUNED, pretext="greyblur", options={"patchez": 3}), data.info)
    with pytest.raises(ConfigError, match=r"options = \{'across': 2\} without a pretext task"):
        stages(replace(TUNED, options={"across": 2}), data.info)
    with pytest.raises(ConfigError, match="backbone = 'xresnet19'; did you mean 'xresnet18'"):
        parse_params(type(TUNED), {"backbone": "xresnet19"}, "model")
    with pytest.raises(ConfigError, match=r"write it like \{across = 2\}"):
        parse_params(type(TUNED), {"options": '{"across":99}'}, "model")


def test_help_names_every_task_and_its_knobs() -> None:
    told = {doc.name: doc.help for doc in document(type(TUNED))}
    assert all(f"{name}," in told["pretext"] or f"{name};" in told["pretext"] for name in tasks())
    assert "; jigsaw: across 2, orders 24" in told["options"]


# the conformance kit ------------------------------------------------------------------------------------------------

TRIED = {
    "imagewang.knn": KnnParams(**SMALL),
    "imagewang.linear": LinearParams(**SMALL),
    "imagewang.finetune": TUNED,
}


@pytest.mark.parametrize(
    "name", ["imagewang.knn", *(pytest.param(name, marks=pytest.mark.slow) for name in list(TRIED)[1:])]
)
def test_the_kit_passes_on_pictures_hostile_too(name: str, data: Dataset) -> None:
    findings = list(check_model(load_plugins().offers(ModelRecipe)[name], TRIED[name], data, hostile=True))
    assert failures(findings) == []
    assert not any(found.skipped for found in findings)
