"""A network under fastai's Learner, from sequences to probabilities by row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from harness.data import DatasetInfo, Examples, Predictions, check_any
from harness.errors import StoreError
from harness.neural import learner, pictures
from harness.neural.threads import threads_of
from harness.offers import BuildContext, TaskLog
from harness.params import as_json
from harness_protein.peers.networks.batches import Augmented, tokens_of
from harness_protein.peers.networks.modules import network
from harness_protein.peers.networks.params import NetworkParams
from harness_protein.training import Labelled, adam_w, loss_of
from harness_protein.ulmfit.batches import Buckets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CONFIG = "network.json"
PREDICT_BATCH = 64


class SequenceNetwork:
    """``protein.cnn`` and ``protein.transformer``.

    Attributes
    ----------
    files : dict of str to bytes
        What a training leaves beside the weights: the losses and their figure, for each member.
    """

    def __init__(self, params: NetworkParams, info: DatasetInfo, context: BuildContext) -> None:
        self.params, self.info, self.context = params, info, context
        self.files: dict[str, bytes] = {}
        self._nets: list[nn.Module] = []

    def fit(self, train: Examples, inner: Examples | None, log: TaskLog) -> None:
        """Train each member on `train`; with `inner`, keep the epoch that is best on it."""
        check_any(train, "a network of sequences")
        self._nets = []
        tokens = tokens_of(train, self.params.max_residues)
        for member in range(self.params.members):
            seed = int(np.random.default_rng([self.context.seed, member]).integers(2**31))
            with learner.seeded(seed, self.context.threads):
                net = self._new_net()
                loader = Augmented(tokens, train, self.params.batch, seed, self.params.mutation, self.params.crop)
                self._train(net, loader, inner, log, member)
            self._nets.append(net.eval())

    def predict(self, examples: Examples) -> Predictions:
        """Predict (n, k) probabilities: the mean over members."""
        values = np.zeros((len(examples), len(self.info.outputs)))
        if len(examples):
            loader = Buckets(tokens_of(examples, self.params.max_residues), PREDICT_BATCH, None)
            loader.to(self.context.device)
            with threads_of(self.context.threads), torch.inference_mode():
                for tokens, rows in loader:
                    values[rows.cpu().numpy()] = self._shares(tokens)
        return Predictions(examples.ids, values, self.info.outputs)

    def save(self, directory: Path) -> None:
        """Write weights, configuration, losses and figures."""
        from safetensors.torch import save_file

        for member, net in enumerate(self._nets):
            state = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in net.state_dict().items()}
            save_file(state, str(directory / _weights(member)))
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
        self._nets = []
        for member in range(self.params.members):
            net = self._new_net()
            net.load_state_dict(load_file(str(directory / _weights(member))))
            self._nets.append(net.eval())

    def _new_net(self) -> nn.Module:
        return network(self.params, len(self.info.outputs)).to(self.context.device)

    def _shares(self, tokens: Tensor) -> Floats:
        shares = torch.stack([torch.softmax(net(tokens).double(), dim=1) for net in self._nets])
        mean: Floats = shares.mean(dim=0).cpu().numpy()
        return mean

    def _train(self, net: nn.Module, loader: Labelled, inner: Examples | None, log: TaskLog, member: int) -> None:
        params, device = self.params, self.context.device
        held = loader
        if inner is not None:
            held = Labelled(tokens_of(inner, params.max_residues), inner, PREDICT_BATCH, None)
        callbacks = [learner.Told(log)] if member == 0 else []
        callbacks += [learner.NoValidation() if inner is None else learner.BestEpoch()]
        if params.precision == "bfloat16" or (params.precision == "auto" and learner.bfloat16_pays(device)):
            callbacks += [learner.Precision(device)]
        classes = loader.to(device).class_weights(len(self.info.outputs)) if params.class_weights else None
        learn = learner.Learner(
            learner.DataLoaders(loader, held, device=torch.device(device)),
            net,
            loss_func=loss_of(params.smoothing, classes),
            opt_func=adam_w,
            cbs=callbacks,
        )
        with learn.no_bar(), learn.no_logging():
            learn.fit_one_cycle(params.epochs, lr_max=params.rate, wd=params.weight_decay)
        self._keep(learn, inner is not None, member)

    def _keep(self, learn: Any, validated: bool, member: int) -> None:
        epochs = [(float(row[0]), float(row[1]) if validated else None) for row in learn.recorder.values]
        steps = [float(loss) for loss in learn.recorder.losses]
        self.files[f"losses-{member}.json"] = json.dumps({"epochs": epochs, "steps": steps}).encode()
        self.files[f"loss-{member}.png"] = pictures.png(pictures.loss_figure(steps, epochs))


def _weights(member: int) -> str:
    return f"weights-{member}.safetensors"
