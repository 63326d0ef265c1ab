"""Parameters of the encoder and of what is made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from harness.params import document, param

if TYPE_CHECKING:
    from harness.data import DatasetInfo

Backbone = Literal["xresnet18", "xresnet34", "xresnet50"]
LEAST = 16
"""Pixels of the smallest image that an encoder is trained on."""


def _tasks() -> str:
    from harness_imagewang.pretext.registry import tasks

    return f"the task the encoder learns before it sees a label: {', '.join(tasks())}; empty: random weights"


def _knobs() -> str:
    """Tell the knobs of the tasks that have such, with their defaults."""
    from harness_imagewang.pretext.registry import tasks

    told: dict[str, list[str]] = {}
    for name, task in tasks().items():
        own = ", ".join(f"{doc.name} {doc.default}" for doc in document(task.Options))
        if own:
            told.setdefault(own, []).append(name)
    return "; ".join(["knobs of the task, as in {across = 2}", *(f"{', '.join(n)}: {own}" for own, n in told.items())])


@dataclass(frozen=True)
class EncoderParams:
    """What the encoder of a strategy depends on; all but `size` count for the pretraining only where there is one."""

    pretext: str = field(default="", metadata={"help": _tasks})
    options: dict[str, Any] = field(default_factory=dict, metadata={"help": _knobs, "example": "{across = 2}"})
    size: int = param(64, "height and width that images are brought to, pixels", low=LEAST, high=512)
    backbone: Backbone = param("xresnet18", "body of the encoder, of random weights")
    activation: Literal["relu", "mish"] = param("relu", "activation of the backbone")

    pretrain_epochs: int = param(30, "passes of the pretext task over all images", low=1, high=2000)
    pretrain_view: float = param(
        0.5, "height and width of what the pretext task sees, cut from images of `size`, as a share", low=0.1, high=1.0
    )
    pretrain_rate: float = param(2e-3, "highest learning rate of the pretext task", low=1e-6, high=1.0, log=True)
    pretrain_batch: int = param(128, "images in a batch of the pretext task", low=4, high=4096)
    pretrain_balance: bool = param(
        False, "where the task learns from labels, draw labelled images so that each class is seen as often"
    )
    pretrain_seed: int = param(0, "seed of the encoder: one encoder serves all seeds of a strategy", low=0)
    train_images: bool = param(True, "let the task learn from the training images too, without their labels")
    valid_images: bool = param(False, "let it learn from the validation images too; shown beside the score")

    @property
    def view_size(self) -> int:
        """Height and width of what the pretext task sees, pixels."""
        return max(LEAST, round(self.size * self.pretrain_view))


def enlarged(params: EncoderParams, info: DatasetInfo) -> str:
    """Tell that images are enlarged, where some are smaller than the size asked for; else nothing."""
    shortest = int(info.extra.get("shortest", params.size))
    told = f"size = {params.size}: images are enlarged, the smallest from {shortest} pixels; nothing is gained by that"
    return told if shortest < params.size else ""


@dataclass(frozen=True)
class FinetuneParams(EncoderParams):
    """Parameters of ``imagewang.finetune``."""

    epochs: int = param(5, "passes of the fine-tuning, those of the head alone included", low=1, high=2000)
    head_epochs: int = param(1, "of these, with the encoder frozen; none for random weights", low=0, high=100)
    rate: float = param(1e-3, "highest learning rate after a pretext task", low=1e-6, high=1.0, log=True)
    body_share: float = param(1.0, "rate of a pretrained encoder, as a share of the head's", low=0.001, high=1)
    scratch_rate: float = param(4e-3, "highest learning rate from random weights", low=1e-6, high=1.0, log=True)
    batch: int = param(32, "images in a batch", low=2, high=4096)
    optimizer: Literal["adam", "ranger"] = param("adam", "AdamW, or RAdam with lookahead")
    weight_decay: float = param(0.01, "weight decay", low=0.0, high=1.0)
    smoothing: float = param(0.1, "label smoothing", low=0.0, high=0.5)
    balance: Literal["none", "weights", "oversample"] = param(
        "none", "let each class weigh the same in the loss, or be drawn as often; changes the probabilities"
    )
    crop: float = param(0.35, "least share of a photograph's area that a training image shows", low=0.05, high=1.0)
    holdout: bool = param(False, "hold out a part of the fold's training images and keep the epoch that is best on it")
    precision: Literal["auto", "float32", "bfloat16"] = param("auto", "auto: bfloat16 where the device computes it")


@dataclass(frozen=True)
class LinearParams(EncoderParams):
    """Parameters of ``imagewang.linear``."""

    penalty: float = param(1.0, "inverse strength of the L2 penalty on standardised features", low=1e-6, high=1e6)
    balance: bool = param(True, "let each class weigh the same; changes the probabilities")


@dataclass(frozen=True)
class KnnParams(EncoderParams):
    """Parameters of ``imagewang.knn``."""

    neighbours: int = param(20, "nearest training images that vote", low=1, high=1000)
    temperature: float = param(0.07, "softness of the votes: weight exp(cosine / temperature)", low=1e-3, high=10)
    balance: bool = param(True, "let each class weigh the same; changes the probabilities")
