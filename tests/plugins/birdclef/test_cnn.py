"""The network learns which species call; one seed gives the same bytes; what is saved predicts the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from harness_birdclef.models.cnn import SpectrogramCnn, front_end
from harness_birdclef.models.learning import multilabel_loss, single_label_loss
from harness_birdclef.models.network import SpectrogramNet, small_resnet, standardised
from harness_birdclef.models.params import CnnParams
from harness_birdclef.sound.mel import MelParams
from sklearn.metrics import roc_auc_score

from harness.data import TaskType
from harness.errors import ConfigError, StoreError
from harness.neural.learner import bfloat16_pays
from harness.offers import BuildContext

TINY = CnnParams(mels=32, hop=2048, peaks=False, epochs=1, epoch_examples=64)


class Log:
    """Keeps what a model tells."""

    def __init__(self):
        self.epochs, self.notes = [], []

    def epoch(self, step, **metrics):
        self.epochs.append((step, metrics))

    def note(self, text):
        self.notes.append(text)


def trained(birds, params, seed=0, inner=None, info=None, train=None):
    model, log = SpectrogramCnn(params, info or birds.info, BuildContext(seed, "cpu", 2)), Log()
    model.fit(train or birds.train, inner, log)
    return model, log


@pytest.fixture(scope="module")
def tiny(birds):
    return trained(birds, TINY)


def test_it_learns_what_calls_in_windows_from_recordings_only(birds):
    model, log = trained(birds, replace(TINY, epochs=5, epoch_examples=384, rate=8e-3))
    windows = birds.train.take(birds.train.scored_rows())
    found = model.predict(windows)
    aucs = [
        roc_auc_score(windows.targets[:, code], found.values[:, code])
        for code in range(len(birds.info.classes))
        if 0 < windows.targets[:, code].sum() < len(windows)
    ]
    losses = [metrics["train_loss"] for _, metrics in log.epochs]
    assert [step for step, _ in log.epochs] == list(range(5))
    assert losses[-1] < 0.75 * losses[0]
    assert np.mean(aucs) > 0.7


@pytest.mark.fault("F-49")
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(birds, tiny):
    expected = tiny[0].predict(birds.test).values
    np.testing.assert_array_equal(trained(birds, TINY)[0].predict(birds.test).values, expected)
    assert not np.array_equal(trained(birds, TINY, seed=1)[0].predict(birds.test).values, expected)


def test_training_leaves_the_randomness_and_threads_of_others_alone(birds):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    threads = torch.get_num_threads()
    trained(birds, replace(TINY, epoch_examples=32))
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads


def test_what_is_saved_predicts_the_same_and_tells_how_it_was_trained(birds, tiny, tmp_path):
    tiny[0].save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "weights.safetensors",
        "cnn.json",
        "history.csv",
        "loss.png",
        "batch.png",
    }
    assert (tmp_path / "history.csv").read_text().startswith("epoch,train_loss")
    assert (tmp_path / "batch.png").read_bytes()[:4] == b"\x89PNG"
    again = SpectrogramCnn(TINY, birds.info, BuildContext(9, "cpu", 2))
    again.load(tmp_path)
    np.testing.assert_array_equal(again.predict(birds.test).values, tiny[0].predict(birds.test).values)
    other = SpectrogramCnn(TINY, replace(birds.info, classes=("x", "y", "z")), BuildContext())
    with pytest.raises(StoreError, match="other classes"):
        other.load(tmp_path)


def test_rows_are_predicted_alike_whatever_their_order_or_company(birds, tiny):
    whole = tiny[0].predict(birds.test).values
    rows = np.array([3, 0, 5])
    np.testing.assert_allclose(tiny[0].predict(birds.test.take(rows)).values, whole[rows], atol=1e-5)
    assert tiny[0].predict(birds.test.take(np.array([], dtype=np.int64))).values.shape == (0, 3)


def test_whole_recordings_are_predicted_from_all_their_pieces(birds, tiny):
    clips = birds.train.take(np.flatnonzero((birds.train.meta["kind"] == "clip").to_numpy()))
    mean = tiny[0].predict(clips).values
    model = SpectrogramCnn(replace(TINY, pool="max"), birds.info, BuildContext(0, "cpu", 2))
    model._net = tiny[0]._net
    most = model.predict(clips).values
    assert (mean > 0).all()
    assert (mean < 1).all()
    assert not np.allclose(mean, most)


def test_context_is_heard_but_not_answered_for(birds, tiny):
    model = SpectrogramCnn(replace(TINY, context=1.0), birds.info, BuildContext(0, "cpu", 2))
    model._net = tiny[0]._net
    near = model.predict(birds.test).values
    plain = tiny[0].predict(birds.test).values
    assert np.corrcoef(near.ravel(), plain.ravel())[0, 1] > 0.8
    assert not np.allclose(near, plain)


def test_held_out_rows_choose_the_epoch(birds):
    scored = birds.train.meta["group"].to_numpy()
    groups = list(dict.fromkeys(scored[birds.train.meta["kind"] == "clip"]))
    held = np.isin(scored, groups[::3])
    train, inner = birds.train.take(np.flatnonzero(~held)), birds.train.take(np.flatnonzero(held))
    _, log = trained(birds, replace(TINY, holdout=True, epochs=2), train=train, inner=inner)
    assert all({"train_loss", "valid_loss"} == set(metrics) for _, metrics in log.epochs)


def test_a_single_label_gets_shares_that_sum_to_one(birds):
    clips = birds.train.take(np.flatnonzero((birds.train.meta["kind"] == "clip").to_numpy()))
    one = replace(clips, targets=clips.targets.argmax(axis=1), scored=None)
    info = replace(birds.info, task_type=TaskType.MULTICLASS)
    params = replace(TINY, background=0.0, nocall=0.0, smoothing=0.1)
    model, _ = trained(birds, params, info=info, train=one)
    np.testing.assert_allclose(model.predict(one).values.sum(axis=1), 1, atol=1e-9)


@pytest.mark.parametrize(
    "changed",
    [
        {"presence": False},
        {"loss": "focal"},
        {"spec_augment": False, "dropout": 0.0},
        {"scale": "pcen"},
        {"find_rate": True},
        {"precision": "bfloat16"},
        {"secondary": "soft", "use_windows": True, "balance": 1.0},
        {"background": 0.0, "nocall": 0.0},
    ],
    ids=str,
)
def test_every_choice_trains_and_predicts_probabilities(birds, changed):
    model, _ = trained(birds, replace(TINY, epoch_examples=32, batch=16, **changed))
    values = model.predict(birds.test).values
    assert values.shape == (len(birds.test), 3)
    assert np.isfinite(values).all()
    assert ((values >= 0) & (values <= 1)).all()
    assert ("learning_rate.png" in model.files) == changed.get("find_rate", False)


def test_bfloat16_is_nearly_as_good_as_float32(tiny):
    net, noise = tiny[0]._net, np.random.default_rng(0).standard_normal((4, 5 * 32000)).astype(np.float32)
    spectrograms = front_end(tiny[0].mel, "cpu")(noise)
    with torch.inference_mode():
        exact = net(spectrograms)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = net(spectrograms).float()
    assert (exact - rough).abs().max() < 0.05 * exact.abs().max()
    assert bfloat16_pays("cpu") in (True, False)


def test_a_backbone_of_timm_can_be_named_and_a_wrong_name_is_told():
    net = SpectrogramNet("resnet10t", 4, 0.0)
    assert net(torch.zeros(2, 32, 79)).shape == (2, 4)
    with pytest.raises(ConfigError, match=r"backbone = 'resnet10'.*did you mean"):
        SpectrogramNet("resnet10", 4, 0.0)


@pytest.mark.parametrize("shape", [(32, 79), (33, 80), (64, 157), (128, 313)])
def test_the_small_backbone_takes_any_size(shape):
    assert small_resnet()(torch.zeros(1, 1, *shape)).shape[:2] == (1, 192)


def test_level_does_not_matter_to_a_spectrogram_in_decibels():
    spectrograms = torch.randn(2, 16, 20) * 10
    torch.testing.assert_close(standardised(spectrograms + 30), standardised(spectrograms), atol=1e-4, rtol=0)
    assert torch.isfinite(standardised(torch.zeros(1, 4, 4))).all()


def test_losses_against_hand_worked_values():
    logits, targets = torch.tensor([[0.0, 2.0]]), torch.tensor([[1.0, 1.0]])
    half, two = np.log(2), np.log1p(np.exp(-2.0))
    every, masked = torch.ones(1, 2), torch.tensor([[1.0, 0.0]])
    assert multilabel_loss("bce", 0.0)(logits, targets, every).item() == pytest.approx((half + two) / 2, abs=1e-6)
    assert multilabel_loss("bce", 0.0)(logits, targets, masked).item() == pytest.approx(half, abs=1e-6)
    focused = (half * 0.25 + two * (1 / (1 + np.exp(2))) ** 2) / 2
    assert multilabel_loss("focal", 0.0)(logits, targets, every).item() == pytest.approx(focused, abs=1e-6)
    shares = torch.tensor([[0.5, 0.5]])
    expected = -(0.5 * -np.log1p(np.exp(2.0)) + 0.5 * -np.log1p(np.exp(-2.0)))
    assert single_label_loss(0.0)(logits, shares, every).item() == pytest.approx(expected, abs=1e-6)


def test_the_network_hears_the_same_from_numpy_and_from_torch(tiny):
    from harness_birdclef.sound.mel_torch import TorchMel

    mel = MelParams(mels=32, hop=2048)
    noise = np.random.default_rng(0).standard_normal((2, 64000)).astype(np.float32) * 0.1
    torch.testing.assert_close(front_end(mel, "cpu")(noise), TorchMel(mel)(torch.from_numpy(noise)), atol=1e-3, rtol=0)
