"""The classifier: the language model's encoder under a pooling head, unfrozen a layer group at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from harness.data import DatasetInfo, Examples, Predictions
from harness.errors import StoreError
from harness.neural.learner import (
    DataLoaders,
    Learner,
    NoValidation,
    Precision,
    SuggestionMethod,
    bfloat16_pays,
    seeded,
)
from harness.neural.threads import threads_of
from harness.offers import BuildContext, TaskLog
from harness.params import as_json
from harness_protein.peers.shares import texts
from harness_protein.training import Labelled, adam_w, loss_of
from harness_protein.ulmfit import language_model, pictures
from harness_protein.ulmfit.batches import Buckets, windowed
from harness_protein.ulmfit.network import Classifier
from harness_protein.ulmfit.params import UlmfitParams
from harness_protein.ulmfit.stages import NAME, TOKENIZER, Direction, corpus_model, directions, language_stage
from harness_protein.ulmfit.tokenizers import Tokenizer, load_tokenizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CONFIG = "ulmfit.json"
PREDICT_BATCH = 64
MOMENTA = (0.8, 0.7, 0.8)
ALPHA, BETA = 2.0, 1.0
SLOWER = 2.0
"""By how much each step of gradual unfreezing is slower than the one before."""
WHOLE = 4.0
"""By how much the whole network is slower than its head alone was."""
FROM_SCRATCH = 8.0
"""By how much a network of random weights is slower than a head on a trained encoder."""
FINDER_STEPS = 60


class Ulmfit:
    """``protein.ulmfit``.

    Attributes
    ----------
    files : dict of str to bytes
        What a training leaves beside the weights: curves as JSON and figures.
    """

    def __init__(self, params: UlmfitParams, info: DatasetInfo, context: BuildContext) -> None:
        self.params, self.info, self.context = params, info, context
        self.files: dict[str, bytes] = {}
        self._tokenizer: Tokenizer | None = None
        self._nets: dict[Direction, Classifier] = {}

    def fit(self, train: Examples, inner: Examples | None, log: TaskLog) -> None:  # noqa: ARG002
        """Train one classifier for each direction on the encoder that the stages left; epochs are fixed."""
        self._tokenizer = load_tokenizer(self.context.stages[TOKENIZER])
        curves: dict[str, list[Mapping[str, float]]] = {}
        for position, direction in enumerate(directions(self.params)):
            for stage in (corpus_model(direction), language_stage(direction)):
                if stage in self.context.stages:
                    curves[stage] = [*language_model.load(self.context.stages[stage]).history]
                    _tell(log, stage, curves[stage])
            with seeded(self.context.seed + position, self.context.threads):
                net = self._new_net()
                if self.params.pretrain:
                    trained = language_model.load(self.context.stages[language_stage(direction)])
                    net.encoder.load_state_dict(language_model.encoder_of(trained, self._tokenizer.size, self.params))
                curves[f"classifier.{direction}"] = self._train(net, train, direction, log)
            self._nets[direction] = net.eval()
        self.files["curves.json"] = json.dumps(curves).encode()
        self.files["curves.png"] = pictures.curves(curves)

    def predict(self, examples: Examples) -> Predictions:
        """Predict (n, k) probabilities: the mean over directions."""
        values = np.zeros((len(examples), len(self.info.outputs)))
        for direction, net in self._nets.items():
            values += self._shares(net, examples, direction) / len(self._nets)
        return Predictions(examples.ids, values, self.info.outputs)

    def save(self, directory: Path) -> None:
        """Write the tokenizer, weights, configuration and curves."""
        from safetensors.torch import save_file

        assert self._tokenizer is not None
        self._tokenizer.save(directory)
        for direction, net in self._nets.items():
            state = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in net.state_dict().items()}
            save_file(state, str(directory / _weights(direction)))
        config = {"params": as_json(self.params), "classes": list(self.info.outputs)}
        (directory / CONFIG).write_text(json.dumps(config), encoding="utf-8")
        for name, content in self.files.items():
            (directory / name).write_bytes(content)

    def load(self, directory: Path) -> None:
        """Read what `save` wrote."""
        from safetensors.torch import load_file

        config = json.loads((directory / CONFIG).read_text(encoding="utf-8"))
        if tuple(config["classes"]) != self.info.outputs:
            raise StoreError(f"{directory / CONFIG} is of other classes; train it again")
        self._tokenizer = load_tokenizer(directory)
        for direction in directions(self.params):
            net = self._new_net()
            net.load_state_dict(load_file(str(directory / _weights(direction))))
            self._nets[direction] = net.eval()

    def _new_net(self) -> Classifier:
        assert self._tokenizer is not None
        with threads_of(self.context.threads):
            return Classifier(self._tokenizer.size, len(self.info.outputs), self.params).to(self.context.device)

    def _windows(self, examples: Examples, direction: Direction) -> list[NDArray[np.int64]]:
        assert self._tokenizer is not None
        encoded = self._tokenizer.encode_all(texts(examples, NAME))
        return [windowed(tokens, self.params.max_tokens, direction == "backward") for tokens in encoded]

    # -- training ------------------------------------------------------------------------------------------------

    def _train(self, net: Classifier, train: Examples, direction: Direction, log: TaskLog) -> list[Mapping[str, float]]:
        from fastai.callback.rnn import rnn_cbs

        device = self.context.device
        loader = Labelled(self._windows(train, direction), train, self.params.batch, self.context.seed).to(device)
        weights = loader.class_weights(len(self.info.outputs)) if self.params.class_weights else None
        callbacks = [*rnn_cbs(ALPHA, BETA), NoValidation()]
        callbacks += [Precision(device)] if device == "cuda" and bfloat16_pays(device) else []
        learn = Learner(
            DataLoaders(loader, loader, device=torch.device(device)),
            net,
            splitter=Classifier.groups,
            loss_func=loss_of(self.params.smoothing, weights),
            opt_func=adam_w,
            cbs=callbacks,
        )
        with learn.no_bar(), learn.no_logging():
            if self.params.find_rate:
                self._find_rate(learn, direction)
            losses = self._schedule(learn, net)
        curve: list[Mapping[str, float]] = [{"train_loss": loss} for loss in losses]
        _tell(log, f"classifier.{direction}", curve)
        return curve

    def _schedule(self, learn: Any, net: Classifier) -> list[float]:
        """Unfreeze groups from the head down, an epoch each, then train the whole; return the loss of each epoch."""
        params, groups = self.params, len(net.groups())
        options = {"moms": MOMENTA, "wd": params.weight_decay}
        losses: list[float] = []

        def cycle(epochs: int, rates: Any) -> None:
            learn.fit_one_cycle(epochs, rates, **options)
            losses.extend(float(row[0]) for row in learn.recorder.values)

        if not (params.pretrain and params.gradual):
            learn.unfreeze()
            cycle(params.epochs, params.rate / FROM_SCRATCH)
            return losses
        steps = min(groups - 1, params.epochs - 1)
        for step in range(steps):
            learn.freeze_to(-step - 1)
            rate = params.rate / SLOWER**step
            cycle(1, slice(rate / params.rate_factor**step, rate))
        learn.unfreeze()
        rate = params.rate / WHOLE
        cycle(params.epochs - steps, slice(rate / params.rate_factor ** (groups - 1), rate))
        return losses

    def _find_rate(self, learn: Any, direction: Direction) -> None:
        suggested = learn.lr_find(num_it=FINDER_STEPS, show_plot=False, suggest_funcs=(SuggestionMethod.Valley,))
        rates = [float(rate) for rate in learn.recorder.lrs]
        losses = [float(loss) for loss in learn.recorder.losses]
        picture = pictures.rates(rates, losses, self.params.rate, float(suggested.valley))
        self.files[f"learning_rate-{direction}.png"] = picture

    # -- predicting ----------------------------------------------------------------------------------------------

    def _shares(self, net: Classifier, examples: Examples, direction: Direction) -> Floats:
        values = np.zeros((len(examples), len(self.info.outputs)))
        if not len(examples):
            return values
        loader = Buckets(self._windows(examples, direction), PREDICT_BATCH, None).to(self.context.device)
        with threads_of(self.context.threads), torch.inference_mode():
            for tokens, rows in loader:
                values[rows.cpu().numpy()] = torch.softmax(net(tokens)[0].double(), dim=1).cpu().numpy()
        return values


def _weights(direction: Direction) -> str:
    return f"classifier-{direction}.safetensors"


def _tell(log: TaskLog, prefix: str, curve: Sequence[Mapping[str, float]]) -> None:
    name = prefix.removeprefix("protein.").replace(".", "_")
    for step, values in enumerate(curve):
        log.epoch(step, **{f"{name}_{key}": value for key, value in values.items()})
