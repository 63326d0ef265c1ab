"""The convolutional network and the transformer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from harness_protein.peers import networks
from harness_protein.peers.networks.batches import augmented, tokens_of
from harness_protein.peers.networks.classifier import SequenceNetwork, loss_of
from harness_protein.peers.networks.modules import Stem, network, positions
from harness_protein.peers.networks.params import CnnParams, TransformerParams
from harness_protein.training import Labelled
from harness_protein.ulmfit.tokenizers import PAD, SPECIAL

from harness.data import Dataset
from harness.errors import ConfigError, StoreError
from harness.offers import BuildContext
from harness.testing import check_model, failures
from tests.plugins.protein.peer_families import Log, families, log_loss, odd_rows, prior_loss

CNN = CnnParams(channels=16, blocks=2, kernel=9, epochs=12, rate=2e-2, batch=16, mutation=0.0, crop=0.0)
TRANSFORMER = TransformerParams(
    width=16, layers=1, heads=2, stride=2, epochs=20, rate=1e-2, batch=16, mutation=0.0, crop=0.0
)
RECIPES = {recipe.name: recipe for recipe in networks.recipes()}
BOTH = pytest.mark.parametrize(
    ("name", "params"), [("protein.cnn", CNN), ("protein.transformer", TRANSFORMER)], ids=["cnn", "transformer"]
)
HASTE = {"epochs": 1, "members": 1}


@pytest.fixture(scope="module")
def data() -> Dataset:
    return families()


@pytest.fixture(scope="module")
def short(data) -> Dataset:
    return replace(data, train=data.train.take(np.arange(60)), test=data.test.take(np.arange(12)))


@BOTH
def test_the_kit_passes(short, name, params):
    findings = list(check_model(RECIPES[name], replace(params, **HASTE), short, hostile=True))
    assert failures(findings) == []
    assert not any(found.skipped for found in findings)


@BOTH
def test_families_are_learned(data, name, params):
    model, log = RECIPES[name].build(params, data.info, BuildContext(seed=1)), Log()
    model.fit(data.train, None, log)
    truth = data.test.meta["truth"].to_numpy()
    assert log_loss(model.predict(data.test).values, truth) < 0.7 * prior_loss(data)
    assert [step for step, _ in log.epochs] == list(range(params.epochs))


@BOTH
def test_a_stored_model_predicts_the_same_of_odd_sequences(short, name, params, tmp_path):
    params = replace(params, epochs=1, members=2, max_residues=200)
    model = RECIPES[name].build(params, short.info, BuildContext())
    model.fit(short.train, None, Log())
    model.save(tmp_path)
    again = RECIPES[name].build(params, short.info, BuildContext(seed=9))
    again.load(tmp_path)
    rows = odd_rows(short)
    values = model.predict(rows).values
    np.testing.assert_array_equal(values, again.predict(rows).values)
    np.testing.assert_allclose(values.sum(axis=1), 1)
    assert {path.name for path in tmp_path.iterdir()} >= {
        "weights-0.safetensors",
        "weights-1.safetensors",
        "loss-0.png",
    }
    with pytest.raises(StoreError, match="other classes"):
        RECIPES[name].build(params, replace(short.info, classes=("x", "y", "z")), BuildContext()).load(tmp_path)


@BOTH
def test_a_class_that_training_lacks_is_not_impossible(short, name, params):
    model = RECIPES[name].build(replace(params, **HASTE), short.info, BuildContext())
    model.fit(short.train.take(np.flatnonzero(short.train.targets != 1)), None, Log())
    assert (model.predict(short.test).values[:, 1] > 0).all()


def test_a_holdout_keeps_the_best_epoch(data):
    params = replace(CNN, holdout=True, epochs=4)
    assert RECIPES["protein.cnn"].inner(params)
    model, log = SequenceNetwork(params, data.info, BuildContext()), Log()
    inner = data.train.take(np.arange(120, 160))
    model.fit(data.train.take(np.arange(120)), inner, log)
    losses = [metrics["valid_loss"] for _, metrics in log.epochs]
    assert log_loss(model.predict(inner).values, inner.targets) <= min(losses) + 0.05


def test_seeds_give_other_networks_and_members_average_them(short):
    one, other = (SequenceNetwork(replace(CNN, **HASTE), short.info, BuildContext(seed=seed)) for seed in (0, 1))
    one.fit(short.train, None, Log())
    other.fit(short.train, None, Log())
    assert not np.array_equal(one.predict(short.test).values, other.predict(short.test).values)
    both = SequenceNetwork(replace(CNN, epochs=1, members=2), short.info, BuildContext(seed=0))
    both.fit(short.train, None, Log())
    first, second = (torch.softmax(net(torch.full((1, 9), SPECIAL)).double(), 1) for net in both._nets)
    single = torch.softmax(one._nets[0](torch.full((1, 9), SPECIAL)).double(), 1)
    torch.testing.assert_close(first, single)
    assert not torch.equal(first, second)


@BOTH
def test_padding_changes_nothing(name, params):
    del name
    torch.manual_seed(0)
    net = network(params, 3).eval()
    tokens = torch.randint(SPECIAL, 24, (1, 37))
    alone, beside = net(tokens), net(torch.nn.functional.pad(tokens, (0, 20), value=PAD))
    torch.testing.assert_close(alone, beside, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("length", "stride"), [(1, 1), (1, 3), (7, 3), (9, 3), (10, 4)])
def test_a_stem_has_a_position_for_every_stretch(length, stride):
    assert Stem(4, 9, stride)(torch.full((2, length), SPECIAL)).shape == (2, 4, -(-length // stride))


def test_positions_are_those_of_the_paper():
    codes = positions(5, 8, torch.device("cpu"))
    assert codes.shape == (5, 8)
    # sin and cos of 3 / 10000^(2i / 8) for i = 1
    torch.testing.assert_close(codes[3, [1, 5]], torch.tensor([3 / 10.0]).sin().repeat(2) * torch.tensor([1.0, 0]) +
                               torch.tensor([3 / 10.0]).cos().repeat(2) * torch.tensor([0, 1.0]))  # fmt: skip


def test_a_width_that_heads_do_not_share_is_refused(data):
    with pytest.raises(ConfigError, match="width = 20 is not a multiple of twice heads = 4"):
        RECIPES["protein.transformer"].build(TransformerParams(width=20, heads=4), data.info, BuildContext())


def test_long_sequences_keep_head_and_tail(data):
    rows = odd_rows(data)
    tokens = tokens_of(rows, 100)
    assert [len(each) for each in tokens] == [2, 2, 13, 102]
    whole = tokens_of(rows, 3000)[3]
    np.testing.assert_array_equal(tokens[3][1:51], whole[1:51])
    np.testing.assert_array_equal(tokens[3][52:], whole[-50:])


def test_augmentation_changes_residues_and_ends_only():
    tokens = np.full((200, 60), SPECIAL)
    tokens[:, 50:] = PAD
    made = augmented(tokens, 0.2, 0.1, np.random.default_rng(0))
    assert (made[:, 50:] == PAD).all()
    assert (made[:, 5:45] >= SPECIAL).all()
    # a twentieth of the residues drawn are what they were
    assert (made[:, 5:45] != SPECIAL).mean() == pytest.approx(0.2 * 19 / 20, abs=0.02)
    assert 0 < (made[:, :5] == PAD).mean() < 0.6
    np.testing.assert_array_equal(augmented(tokens, 0.0, 0.0, np.random.default_rng(0)), tokens)


def test_an_epoch_yields_each_row_once_with_its_class(data):
    loader = Labelled(tokens_of(data.train, 1024), data.train, 16, seed=3)
    batches = list(loader)
    assert len(torch.cat([codes for _, codes, _ in batches])) == len(data.train)
    np.testing.assert_array_equal(
        np.sort(torch.cat([codes for _, codes, _ in batches]).numpy()), np.sort(data.train.targets)
    )


def test_the_loss_by_hand():
    logits, codes = torch.tensor([[1.0, 3.0], [1.0, 1.0]]).log(), torch.tensor([1, 0])
    loss = loss_of(0.0, None)(logits, codes, torch.tensor([1.5, 0.5]))
    assert float(loss) == pytest.approx((1.5 * np.log(4 / 3) + 0.5 * np.log(2)) / 2, rel=1e-6)
    weighted = loss_of(0.0, torch.tensor([2.0, 1.0]))(logits, codes, torch.ones(2))
    assert float(weighted) == pytest.approx((np.log(4 / 3) + 2 * np.log(2)) / 2, rel=1e-6)
