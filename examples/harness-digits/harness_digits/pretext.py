"""The stage ``digits.autoencoder``: an encoder learns from pictures without labels, once for all who ask for it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from harness.data import DatasetInfo
from harness.offers import Stage, StageInput, TaskLog
from harness.params import param

if TYPE_CHECKING:
    from harness_digits.networks import Autoencoder

NAME = "digits.autoencoder"
WEIGHTS, CONFIG = "autoencoder.safetensors", "autoencoder.json"
BATCH = 96


@dataclass(frozen=True)
class PretextParams:
    """What an autoencoder depends on, beside the pictures."""

    pretext: Literal["none", "autoencoder", "denoising", "variational"] = param(
        "none", "what the encoder learns before it sees a label; none: it begins with random weights"
    )
    code: int = param(2, "neurons of the code", low=1, high=512, tune=False)
    noise: float = param(0.3, "denoising: share of the pixels that are made black or white", low=0.0, high=1.0)
    pretrain_epochs: int = param(40, "passes over all pictures", low=1, high=1000, tune=False)
    pretrain_rate: float = param(3e-3, "highest learning rate of the autoencoder", low=1e-5, high=0.1, log=True)


def stages(params: PretextParams, info: DatasetInfo) -> Sequence[Stage]:
    """Return the pretraining of a strategy; none for random weights.

    The harness runs a stage once for equal parameters, data and seed, whichever strategies and folds ask for it. Of
    scope ``dataset``, it is given all pictures and no label. That it reads those of the test set is shown beside the
    score.
    """
    if params.pretext == "none":
        return ()
    own = PretextParams(**{field.name: getattr(params, field.name) for field in fields(PretextParams)})
    return (Stage(NAME, "dataset", own, partial(run, own), uses=("train", "test")),)


def run(params: PretextParams, given: StageInput, out: Path, log: TaskLog) -> None:
    """Train an autoencoder and write it into `out`."""
    import numpy as np
    from safetensors.torch import save_file

    from harness_digits.inputs import pictures_of
    from harness_digits.training import as_tensor, seeded, train

    pictures = as_tensor(np.concatenate([pictures_of(part, NAME) for part in given.parts.values()]), given.device)
    config = {"pretext": params.pretext, "side": pictures.shape[-1], "code": params.code, "noise": params.noise}
    with seeded(given.seed, given.threads):
        network = _built(config).to(given.device)
        train(
            network,
            lambda rows: network.loss(pictures[rows]),
            len(pictures),
            params.pretrain_epochs,
            params.pretrain_rate,
            BATCH,
            lambda epoch, loss: log.epoch(epoch, pretext_loss=loss),
        )
    save_file({name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}, out / WEIGHTS)
    (out / CONFIG).write_text(json.dumps(config), encoding="utf-8")


def read_autoencoder(folder: Path) -> Autoencoder:
    """Read what the stage wrote: weights and JSON, nothing unpickled."""
    from safetensors.torch import load_file

    network = _built(json.loads((folder / CONFIG).read_text(encoding="utf-8")))
    network.load_state_dict(load_file(folder / WEIGHTS))
    return network.eval()


def _built(config: Mapping[str, Any]) -> Autoencoder:
    from harness_digits.networks import AUTOENCODERS

    return AUTOENCODERS[config["pretext"]](config["side"], config["code"], config["noise"])
