"""ESM-2's vectors, tried with a tiny network of random weights."""

from __future__ import annotations

import builtins
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from harness_protein.peers.embeddings import Embedder, folder_of, starts
from harness_protein.peers.esm import EsmParams, build, recipe
from harness_protein.residues import ALPHABET

from harness.data import Dataset
from harness.errors import ConfigError, StoreError
from harness.offers import BuildContext
from harness.testing import check_model, failures
from tests.plugins.protein.peer_families import Log, families, log_loss, odd_rows, prior_loss

TOKENS = ["<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>"]


@pytest.fixture(scope="module")
def data() -> Dataset:
    return families()


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """Return a folder with an ESM-2 of one small layer."""
    transformers = pytest.importorskip("transformers")
    import torch

    folder = tmp_path_factory.mktemp("esm")
    (folder / "vocab.txt").write_text("\n".join(TOKENS), encoding="utf-8")
    config = transformers.EsmConfig(
        vocab_size=len(TOKENS), pad_token_id=1, mask_token_id=TOKENS.index("<mask>"), hidden_size=32,
        num_hidden_layers=1, num_attention_heads=2, intermediate_size=64, position_embedding_type="rotary",
        token_dropout=True, emb_layer_norm_before=False, max_position_embeddings=1026,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        transformers.EsmModel(config, add_pooling_layer=False).save_pretrained(folder)
    transformers.EsmTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


@pytest.fixture
def params(weights) -> EsmParams:
    return EsmParams(weights=str(weights), strength=1.0)


def test_the_kit_passes(data, params, weights):
    given = replace(
        recipe(), build=lambda params, info, context: build(replace(params, weights=str(weights)), info, context)
    )
    findings = list(check_model(given, params, data, hostile=True))
    assert failures(findings) == []
    assert not any(found.skipped for found in findings)


def test_vectors_are_learned_from(data, params):
    rng = np.random.default_rng(0)
    letters = np.array(list(ALPHABET))

    def drawn(examples):
        shares = [np.where(np.arange(20) % 3 == code, 4.0, 1.0) for code in range(3)]
        truth = examples.meta["truth"]
        made = ["".join(rng.choice(letters, 60, p=shares[code] / shares[code].sum())) for code in truth]
        return examples.with_inputs(np.array(made, object))

    model = build(params, data.info, BuildContext())
    model.fit(drawn(data.train), None, Log())
    values = model.predict(drawn(data.test)).values
    assert log_loss(values, data.test.meta["truth"].to_numpy()) < 0.6 * prior_loss(data)


def test_a_stored_model_predicts_the_same_of_odd_sequences(data, params, tmp_path):
    model = build(params, data.info, BuildContext())
    model.fit(data.train, None, Log())
    model.save(tmp_path)
    again = build(params, data.info, BuildContext())
    again.load(tmp_path)
    rows = odd_rows(data)
    np.testing.assert_array_equal(model.predict(rows).values, again.predict(rows).values)
    with pytest.raises(StoreError, match="other classes"):
        build(params, replace(data.info, classes=("x", "y", "z")), BuildContext()).load(tmp_path)


def test_other_weights_are_noticed(data, params, tmp_path, weights):
    model = build(params, data.info, BuildContext())
    model.fit(data.train, None, Log())
    (tmp_path / "model").mkdir()
    model.save(tmp_path / "model")
    other = shutil.copytree(weights, tmp_path / "other")
    config = other / "config.json"
    config.write_text(config.read_text().replace('"layer_norm_eps": 1e-12', '"layer_norm_eps": 1e-05'))
    with pytest.raises(StoreError, match="other weights"):
        build(replace(params, weights=str(other)), data.info, BuildContext()).load(tmp_path / "model")


def test_a_vector_is_the_mean_over_residues(weights):
    import torch
    import transformers

    embed = Embedder(weights, "cpu", 1)
    network = transformers.EsmModel.from_pretrained(weights, add_pooling_layer=False).eval()
    ids = [TOKENS.index(token) for token in ("<cls>", "M", "K", "V", "<eos>")]
    with torch.inference_mode():
        states = network(torch.tensor([ids])).last_hidden_state[0, 1:4]
    np.testing.assert_allclose(embed(["MKV"], 100)[0], states.mean(dim=0).numpy(), atol=1e-5)


def test_windows_of_a_long_sequence_are_averaged(weights):
    embed = Embedder(weights, "cpu", 1)
    text = "ACDEFGHIKLMNPQRSTVWY"
    parts = embed([text[start : start + 8] for start in starts(20, 8)], 100)
    np.testing.assert_allclose(embed([text], 8)[0], parts.mean(axis=0), atol=1e-5)


def test_neighbours_do_not_change_a_vector(weights):
    one, other = Embedder(weights, "cpu", 1), Embedder(weights, "cpu", 1)
    np.testing.assert_array_equal(one(["MKV"], 100)[0], other(["A" * 50, "MKV"], 100)[1])


def test_missing_weights_are_told(data, tmp_path):
    pytest.importorskip("transformers")
    for given, told in (
        ("", "set weights to a folder"),
        ("no/such-model", "no ESM-2 weights at 'no/such-model'"),
        ("not a name: at all", "no ESM-2 weights"),
        (str(tmp_path), "lacks config.json and model.safetensors"),
    ):
        with pytest.raises(ConfigError, match=told) as error:
            build(EsmParams(weights=given), data.info, BuildContext())
        assert "\n" not in str(error.value)


def test_missing_transformers_are_told(monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **named):
        if name.split(".")[0] == "transformers":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"pip install 'competition-harness-protein\[esm\]'"):
        folder_of("somewhere")
