"""Training of the language model: next-token prediction over sequences, one-cycle, with a curve that is kept."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.neural.learner import (
    Callback,
    DataLoaders,
    Learner,
    NoValidation,
    Precision,
    bfloat16_pays,
    seeded,
)
from harness_protein.training import adam_w
from harness_protein.ulmfit.network import encoder_state, language_model
from harness_protein.ulmfit.params import UlmfitParams
from harness_protein.ulmfit.streams import Streams

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Tokens = NDArray[np.int32]

HELD_OUT = 0.05
"""Share of the sequences that the language model is measured on and does not train on."""
ALPHA, BETA = 2.0, 1.0
"""Activation and temporal activation regularization (Merity et al. 2017), fastai's defaults."""
MOMENTA = (0.8, 0.7, 0.8)
WEIGHT_DECAY = 0.1
WEIGHTS, HISTORY = "language_model.safetensors", "history.json"


@dataclass(frozen=True)
class Trained:
    """A language model: its weights, and for each epoch ``perplexity`` and ``accuracy`` on held-out sequences."""

    weights: Mapping[str, Tensor]
    history: Sequence[Mapping[str, float]]


def train(
    sequences: Sequence[Tokens],
    vocabulary: int,
    params: UlmfitParams,
    epochs: int,
    backward: bool,
    start: Mapping[str, Tensor] | None,
    seed: int,
    threads: int,
    device: str,
) -> Trained:
    """Train a language model.

    Parameters
    ----------
    sequences : list of (m,) int32
    start : mapping or None
        Weights to begin with, of a language model of the same vocabulary.

    Returns
    -------
    Trained
        Perplexity is per token: tokenizers cannot be compared by it.
    """
    from fastai.callback.rnn import rnn_cbs

    kept, held = _split(sequences, seed)
    with seeded(seed, threads):
        net = language_model(vocabulary, params)
        if start is not None:
            net.load_state_dict(dict(start))
        loader = Streams(kept, params.lm_batch, params.lm_length, seed, backward)
        measure = _Measure(Streams(held, params.lm_batch, params.lm_length, seed, backward, shuffle=False), device)
        callbacks = [*rnn_cbs(ALPHA, BETA), NoValidation(), measure]
        callbacks += [Precision(device)] if device == "cuda" and bfloat16_pays(device) else []
        learn = Learner(
            DataLoaders(loader, loader, device=torch.device(device)),
            net,
            loss_func=flat_cross_entropy,
            opt_func=adam_w,
            cbs=callbacks,
        )
        with learn.no_bar(), learn.no_logging():
            learn.fit_one_cycle(epochs, params.lm_rate, moms=MOMENTA, wd=WEIGHT_DECAY)
    weights = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in net.state_dict().items()}
    return Trained(weights, measure.history)


def flat_cross_entropy(scores: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross entropy of (b, t, v) scores and (b, t) tokens."""
    return functional.cross_entropy(scores.flatten(0, 1), targets.flatten())


def _split(sequences: Sequence[Tokens], seed: int) -> tuple[list[Tokens], list[Tokens]]:
    order = np.random.default_rng([seed, 2]).permutation(len(sequences))
    held = max(1, round(HELD_OUT * len(sequences)))
    if len(sequences) < 2:
        return list(sequences), list(sequences)
    return [sequences[row] for row in order[held:]], [sequences[row] for row in order[:held]]


class _Measure(Callback):  # type: ignore[misc]
    """Measures perplexity and next-token accuracy on held-out sequences after each epoch."""

    def __init__(self, held: Streams, device: str) -> None:
        self.held, self.on = held.to(device), device
        self.history: list[dict[str, float]] = []

    def after_epoch(self) -> None:
        """Measure."""
        train_loss = float(self.recorder.log[1])
        self.history.append({"train_loss": train_loss, **measured(self.model, self.held)})
        self.model.train()


def measured(model: nn.Module, loader: Streams) -> dict[str, float]:
    """Return a language model's perplexity and next-token accuracy."""
    entropy = hits = count = 0.0
    model.eval()
    model.reset()  # type: ignore[operator]
    with torch.inference_mode():
        for tokens, targets in loader:
            scores = model(tokens)[0].float()
            entropy += float(functional.cross_entropy(scores.flatten(0, 1), targets.flatten(), reduction="sum"))
            hits += float((scores.argmax(-1) == targets).sum())
            count += targets.numel()
    model.reset()  # type: ignore[operator]
    return {"perplexity": math.exp(min(50.0, entropy / count)), "accuracy": hits / count}


def save(trained: Trained, directory: Path) -> None:
    """Write weights and curve."""
    from safetensors.torch import save_file

    save_file({name: tensor.clone() for name, tensor in trained.weights.items()}, str(directory / WEIGHTS))
    (directory / HISTORY).write_text(json.dumps(list(trained.history)), encoding="utf-8")


def load(directory: Path) -> Trained:
    """Read what `save` wrote."""
    from safetensors.torch import load_file

    history: list[dict[str, float]] = json.loads((directory / HISTORY).read_text(encoding="utf-8"))
    return Trained(load_file(str(directory / WEIGHTS)), history)


def encoder_of(trained: Trained, vocabulary: int, params: UlmfitParams) -> dict[str, Tensor]:
    """Return the weights of the encoder within a language model."""
    net: Any = language_model(vocabulary, params)
    net.load_state_dict(dict(trained.weights))
    return encoder_state(net)
