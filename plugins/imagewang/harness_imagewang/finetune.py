"""Fine-tuning: an encoder and a linear head, the head first, then both with the earlier layers slower."""

from __future__ import annotations

import csv
import io
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.data import DatasetInfo, Examples, Predictions, check_any
from harness.errors import StoreError
from harness.neural import pictures as plots
from harness.neural.learner import (
    BestEpoch,
    Callback,
    DataLoaders,
    Learner,
    NoValidation,
    OptimWrapper,
    Precision,
    bfloat16_pays,
    seeded,
)
from harness.neural.threads import threads_of
from harness.offers import BuildContext, TaskLog
from harness.params import as_json
from harness_imagewang.accuracy import accuracy_figure
from harness_imagewang.augment import Draw, to_images
from harness_imagewang.batches import Batches, class_shares
from harness_imagewang.images import images_of
from harness_imagewang.left import encoder_of, files_of_stage, tell_size
from harness_imagewang.network import Encoder, Headed
from harness_imagewang.params import FinetuneParams

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NAME = "imagewang.finetune"
WEIGHTS, CONFIG, HISTORY, PICTURE = "weights.safetensors", "finetune.json", "history.csv", "accuracy.png"
COLUMNS = ("epoch", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy")
PREDICT_BATCH = 128


class Finetuned:
    """``imagewang.finetune``.

    Attributes
    ----------
    files : dict of str to bytes
        What a training leaves beside the weights: history and figures, those of the pretraining too.
    best_iteration : int
        Set with a holdout: the epoch, from 1, whose weights were kept.
    """

    best_iteration: int

    def __init__(self, params: FinetuneParams, info: DatasetInfo, context: BuildContext) -> None:
        self.params, self.info, self.context = params, info, context
        self.files: dict[str, bytes] = {}
        self._net: nn.Module | None = None

    def fit(self, train: Examples, inner: Examples | None, log: TaskLog) -> None:
        """Train head and encoder; with `inner`, keep the epoch of least loss on it."""
        images_of(train, NAME)
        check_any(train, NAME)
        tell_size(self.params, self.info, log)
        with seeded(self.context.seed, self.context.threads):
            encoder = encoder_of(self.params, self.context)
            self._net = self._headed(encoder)
            rows = self._train(self._net, train, inner, log)
        self._net.eval()
        self.files = files_of_stage(self.context)
        out = io.StringIO()
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows(rows)
        self.files[HISTORY] = out.getvalue().encode()
        best = getattr(self, "best_iteration", None)
        self.files[PICTURE] = plots.png(accuracy_figure(rows, best))

    def predict(self, examples: Examples) -> Predictions:
        """Predict (n, k) probabilities from whole images at the size that was trained; no test-time augmentation."""
        values = np.zeros((len(examples), len(self.info.outputs)))
        pixels = images_of(examples, NAME).at(self.params.size)
        assert self._net is not None
        with threads_of(self.context.threads), torch.inference_mode():
            for start in range(0, len(examples), PREDICT_BATCH):
                rows = np.arange(start, min(start + PREDICT_BATCH, len(examples)))
                logits = self._net(to_images(pixels[rows], self.context.device))
                values[rows] = torch.softmax(logits.double(), dim=1).cpu().numpy()
        return Predictions(examples.ids, values, self.info.outputs)

    def save(self, directory: Path) -> None:
        """Write weights, configuration, history and figures."""
        from safetensors.torch import save_file

        assert self._net is not None
        state = {name: tensor.detach().cpu().contiguous() for name, tensor in self._net.state_dict().items()}
        save_file(state, str(directory / WEIGHTS))
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
        self._net = self._headed(Encoder(self.params.backbone, self.params.activation))
        self._net.load_state_dict(load_file(str(directory / WEIGHTS)))
        self._net.eval()

    def _headed(self, encoder: Encoder) -> nn.Module:
        net = Headed(encoder, nn.Linear(encoder.width, len(self.info.outputs)))
        return net.to(self.context.device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    # -- training ------------------------------------------------------------------------------------------------

    def _train(self, net: nn.Module, train: Examples, inner: Examples | None, log: TaskLog) -> list[dict[str, float]]:
        params, device = self.params, self.context.device
        loader = self._loader(train, self.context.seed).to(device)
        other = loader if inner is None else self._loader(inner, None).to(device)
        watch, best = _Watch(log), BestEpoch()
        callbacks = [watch, *([NoValidation()] if inner is None else [best])]
        wants = params.precision == "bfloat16" or (params.precision == "auto" and bfloat16_pays(device))
        callbacks += [Precision(device)] if wants else []
        learn = Learner(
            DataLoaders(loader, other, device=torch.device(device)),
            net,
            loss_func=partial(_loss, smoothing=params.smoothing),
            opt_func=_optimizer(params.optimizer),
            splitter=lambda headed: [list(headed.encoder.parameters()), list(headed.head.parameters())],
            cbs=callbacks,
        )
        pretrained = bool(params.pretext)
        head = min(params.head_epochs, params.epochs - 1) if pretrained else 0
        with learn.no_bar(), learn.no_logging():
            if head:
                learn.freeze_to(-1)
                learn.fit_one_cycle(head, params.rate, wd=params.weight_decay)
                learn.unfreeze()
            rates = slice(params.rate * params.body_share, params.rate) if pretrained else params.scratch_rate
            learn.fit_one_cycle(params.epochs - head, rates, wd=params.weight_decay)
        if inner is not None:
            self.best_iteration = head + best.best_epoch + 1
            log.note(f"best epoch {self.best_iteration} of {params.epochs} on {len(inner):,} images held out")
        return [{"epoch": number, **row} for number, row in enumerate(watch.rows, start=1)]

    def _loader(self, examples: Examples, seed: int | None) -> Batches:
        assert examples.targets is not None
        codes = np.asarray(examples.targets, np.int64)
        weights = np.ones(len(codes)) if examples.weights is None else examples.weights
        if seed is not None and self.params.balance == "weights":
            weights = weights * class_shares(codes)
        weights = weights / weights.mean()
        draw = Draw(0 if seed is None else seed, self.context.device)

        def make(images: Tensor, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
            if seed is not None:
                images = draw.crop(images, (self.params.crop, 1.0))
            labels = torch.from_numpy(codes[rows]).to(images.device)
            return images, labels, torch.from_numpy(weights[rows].astype(np.float32)).to(images.device)

        shares = class_shares(codes) if seed is not None and self.params.balance == "oversample" else None
        size = min(self.params.batch, len(examples)) if seed is not None else PREDICT_BATCH
        return Batches(images_of(examples, NAME).at(self.params.size), make, size, seed, shares)


class _Watch(Callback):  # type: ignore[misc]
    """Keeps loss and accuracy of each epoch, of training batches as they were learned from and of held-out rows."""

    order = 55

    def __init__(self, log: TaskLog) -> None:
        self.log = log
        self.rows: list[dict[str, float]] = []

    def before_epoch(self) -> None:
        """Begin to count."""
        self.counted = {"train": [0.0, 0.0, 0.0], "valid": [0.0, 0.0, 0.0]}

    def after_loss(self) -> None:
        """Count a batch."""
        found = self.counted["train" if self.training else "valid"]
        codes = self.yb[0]
        found[0] += len(codes)
        found[1] += float(self.loss.detach()) * len(codes)
        found[2] += float((self.pred.detach().argmax(dim=1) == codes).sum())

    def after_epoch(self) -> None:
        """Keep the means."""
        row: dict[str, float] = {}
        for name, (count, loss, right) in self.counted.items():
            if count:
                row |= {f"{name}_loss": round(loss / count, 5), f"{name}_accuracy": round(right / count, 5)}
        self.log.epoch(len(self.rows), **row)
        self.rows.append(row)


def _loss(logits: Tensor, codes: Tensor, weights: Tensor, smoothing: float) -> Tensor:
    each = functional.cross_entropy(logits, codes, label_smoothing=smoothing, reduction="none")
    return (each * weights).mean()


def _optimizer(name: str) -> Any:
    if name == "ranger":
        from fastai.optimizer import ranger

        return ranger
    # fastai's own optimizers loop over parameters in Python
    return partial(OptimWrapper, opt=partial(torch.optim.AdamW, fused=True))
