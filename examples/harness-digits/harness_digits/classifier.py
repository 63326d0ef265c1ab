"""How ``digits.cnn`` learns, predicts, and is saved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from harness.data import DatasetInfo, Examples, Predictions
from harness.neural.threads import threads_of
from harness.offers import BuildContext, TaskLog
from safetensors.torch import load_file, save_file
from torch.nn import functional

from harness_digits.inputs import pictures_of
from harness_digits.networks import Classifier
from harness_digits.pretext import CONFIG, NAME, WEIGHTS, read_autoencoder
from harness_digits.training import as_tensor, seeded, train

if TYPE_CHECKING:
    from torch import Tensor

    from harness_digits.cnn import CnnParams

MODEL = "digits.cnn"
OWN_WEIGHTS, OWN_CONFIG = "cnn.safetensors", "cnn.json"
PREDICT_BATCH = 512


class Cnn:
    """``digits.cnn``.

    Attributes
    ----------
    kept : dict of str to bytes
        The autoencoder's files, which are saved beside the model: the report draws from them.
    """

    def __init__(self, params: CnnParams, info: DatasetInfo, context: BuildContext) -> None:
        self.params, self.info, self.context = params, info, context
        self.kept: dict[str, bytes] = {}
        self._network: Classifier | None = None

    def fit(self, train_rows: Examples, inner: Examples | None, log: TaskLog) -> None:
        """Train the whole network; where there is a pretext, its encoder is where training begins."""
        context, params = self.context, self.params
        pictures = as_tensor(pictures_of(train_rows, MODEL), context.device)
        labels = torch.from_numpy(np.asarray(train_rows.targets, np.int64)).to(context.device)
        weights = np.ones(len(labels)) if train_rows.weights is None else train_rows.weights
        shares = torch.from_numpy((weights / weights.mean()).astype(np.float32)).to(context.device)
        with seeded(context.seed, context.threads):
            network = self._built(pictures.shape[-1])
            if NAME in context.stages:
                network.encoder.load_state_dict(read_autoencoder(context.stages[NAME]).encoder.state_dict())
                self.kept = {name: (context.stages[NAME] / name).read_bytes() for name in (WEIGHTS, CONFIG)}

            def loss_of(rows: Tensor) -> Tensor:
                losses = functional.cross_entropy(network(pictures[rows]), labels[rows], reduction="none")
                return (losses * shares[rows]).mean()

            train(
                network,
                loss_of,
                len(labels),
                params.epochs,
                params.rate,
                params.batch,
                lambda epoch, loss: log.epoch(epoch, train_loss=loss),
            )
        self._network = network

    def predict(self, examples: Examples) -> Predictions:
        """Predict (n, classes) probabilities."""
        assert self._network is not None
        pictures = as_tensor(pictures_of(examples, MODEL), self.context.device)
        with threads_of(self.context.threads), torch.inference_mode():
            logits = [self._network(part) for part in torch.split(pictures, PREDICT_BATCH)]
            values = torch.softmax(torch.cat(logits).double(), dim=1).cpu().numpy()
        return Predictions(examples.ids, values, self.info.outputs)

    def save(self, directory: Path) -> None:
        """Write weights and configuration, and the autoencoder's."""
        assert self._network is not None
        state = {name: tensor.cpu().contiguous() for name, tensor in self._network.state_dict().items()}
        save_file(state, directory / OWN_WEIGHTS)
        config = {"side": self._network.encoder.side}
        (directory / OWN_CONFIG).write_text(json.dumps(config), encoding="utf-8")
        for name, content in self.kept.items():
            (directory / name).write_bytes(content)

    def load(self, directory: Path) -> None:
        """Read what `save` wrote."""
        config = json.loads((directory / OWN_CONFIG).read_text(encoding="utf-8"))
        self._network = self._built(config["side"])
        self._network.load_state_dict(load_file(directory / OWN_WEIGHTS))
        self._network.eval()

    def _built(self, side: int) -> Classifier:
        return Classifier(side, len(self.info.outputs), self.params.dropout).to(self.context.device)
