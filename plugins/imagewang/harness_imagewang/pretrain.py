"""Pretraining: a pretext task, a network around an encoder, a fastai Learner."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from harness.neural import pictures as plots
from harness.neural.learner import (
    Callback,
    CSVLogger,
    DataLoaders,
    Learner,
    NoValidation,
    OptimWrapper,
    Precision,
    Told,
    bfloat16_pays,
    seeded,
)
from harness_imagewang.augment import Draw
from harness_imagewang.batches import Batches, class_shares
from harness_imagewang.network import Encoder
from harness_imagewang.stages import passes_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.offers import TaskLog
    from harness_imagewang.images import Joined, Pixels
    from harness_imagewang.params import EncoderParams
    from harness_imagewang.pretext.protocol import Column, Pretext

WEIGHTS, CONFIG, HISTORY, PICTURE = "encoder.safetensors", "encoder.json", "history.csv", "batch.png"
WEIGHT_DECAY = 0.01
SHOWN = 8
"""Images of a picture, and of the batch that is judged for it."""

# fastai's own optimizers loop over parameters in Python
adam_w = partial(OptimWrapper, opt=partial(torch.optim.AdamW, fused=True))


@dataclass(frozen=True, eq=False)
class Pretrained:
    """What a pretext task left.

    Attributes
    ----------
    encoder : Encoder
        In eval mode, on the CPU.
    losses : tuple of float
        Mean of each epoch.
    columns : list of Column
        Input, target and prediction of some images.
    files : mapping of str to bytes
        The history.
    """

    encoder: Encoder
    losses: tuple[float, ...]
    columns: list[Column]
    files: Mapping[str, bytes]
    seconds: float


def pretrain(
    task: Pretext,
    pixels: Pixels | Joined,
    labels: NDArray[np.int64] | None,
    classes: int,
    params: EncoderParams,
    threads: int,
    device: str,
    log: TaskLog,
) -> Pretrained:
    """Train an encoder of random weights on a pretext task.

    Parameters
    ----------
    labels : (n,) int64 or None
        Codes, -1 for images without one; for a task that learns from labels too.
    """
    started = time.perf_counter()
    with seeded(params.pretrain_seed, threads), tempfile.TemporaryDirectory() as folder:
        encoder = Encoder(params.backbone, params.activation)
        network = task.build(encoder, classes).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        draw = Draw(params.pretrain_seed, device, params.view_size)

        def make(images: Tensor, rows: NDArray[np.int64]) -> tuple[Any, ...]:
            with torch.no_grad():
                if not task.labels:
                    return task.prepare(images, draw)
                assert labels is not None
                return task.prepare_labelled(images, torch.from_numpy(labels[rows]).to(images.device), draw)

        size = min(params.pretrain_batch, len(pixels))
        shares = _shares(labels) if labels is not None and params.pretrain_balance else None
        loader = Batches(pixels, make, size, params.pretrain_seed, shares).to(device)
        callbacks = [CSVLogger("history.csv"), Told(log), NoValidation(), _AfterStep(task)]
        callbacks += [Precision(device)] if bfloat16_pays(device) else []
        learn = Learner(
            DataLoaders(loader, loader, path=Path(folder), device=torch.device(device)),
            network,
            loss_func=task.loss,
            opt_func=adam_w,
            cbs=callbacks,
            path=Path(folder),
        )
        with learn.no_bar(), learn.no_logging():
            learn.fit_one_cycle(params.pretrain_epochs, params.pretrain_rate, wd=WEIGHT_DECAY)
        files = {HISTORY: (Path(folder) / "history.csv").read_bytes()}
        losses = tuple(float(row[0]) for row in learn.recorder.values)
        columns = _shown(task, network.eval(), loader)
    return Pretrained(encoder.cpu().eval(), losses, columns, files, time.perf_counter() - started)


def _shares(labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Draw classes as often as each other, and images with a label as often as there are such."""
    known = labels >= 0
    shares = np.full(len(labels), 1 / len(labels))
    shares[known] = known.mean() * class_shares(labels[known])
    return shares


class _AfterStep(Callback):  # type: ignore[misc]
    """Lets the task follow a step of the optimizer."""

    def __init__(self, task: Pretext) -> None:
        self.task = task

    def after_batch(self) -> None:
        """Tell how far the training is."""
        if self.training:
            self.task.after_step(self.learn.model, float(self.learn.pct_train))


def _shown(task: Pretext, network: torch.nn.Module, loader: Batches) -> list[Column]:
    rows = np.linspace(0, len(loader.pixels) - 1, min(SHOWN, len(loader.pixels))).astype(np.int64)
    inputs, target = loader._batch(rows)
    with torch.inference_mode():
        return task.shown(inputs, target, network(inputs))


def write(trained: Pretrained, task: Pretext, about: Mapping[str, Any], out: Path) -> None:
    """Write weights, history and picture into a folder."""
    from safetensors.torch import save_file

    from harness_imagewang.pretext.pictures import batch_figure

    state = {name: tensor.detach().contiguous() for name, tensor in trained.encoder.state_dict().items()}
    save_file(state, str(out / WEIGHTS))
    for name, content in trained.files.items():
        (out / name).write_bytes(content)
    about_it = f"{task.name} after {passes_of(trained.losses)}"
    (out / PICTURE).write_bytes(plots.png(batch_figure(trained.columns, about=about_it)))
    facts = {"task": task.name, "losses": trained.losses, "seconds": trained.seconds, **about}
    (out / CONFIG).write_text(json.dumps(facts), encoding="utf-8")


def read_encoder(folder: Path, params: EncoderParams) -> Encoder:
    """Read the encoder that `write` left."""
    from safetensors.torch import load_file

    encoder = Encoder(params.backbone, params.activation)
    encoder.load_state_dict(load_file(str(folder / WEIGHTS)))
    return encoder
