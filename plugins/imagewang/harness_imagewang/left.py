"""What the stage left: the encoder, and its history and pictures, which every model keeps beside its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness_imagewang.network import Encoder
from harness_imagewang.params import enlarged
from harness_imagewang.pretrain import HISTORY, PICTURE, read_encoder
from harness_imagewang.stages import NAME

if TYPE_CHECKING:
    from harness.data import DatasetInfo
    from harness.offers import BuildContext, TaskLog
    from harness_imagewang.params import EncoderParams

KEPT = {HISTORY: "pretext.csv", PICTURE: "pretext.png"}


def encoder_of(params: EncoderParams, context: BuildContext) -> Encoder:
    """Return the encoder that the stage trained; one of random weights if there is no such stage."""
    if NAME in context.stages:
        return read_encoder(context.stages[NAME], params)
    return Encoder(params.backbone, params.activation)


def tell_size(params: EncoderParams, info: DatasetInfo, log: TaskLog) -> None:
    """Tell that images are enlarged, where some are smaller than the size asked for."""
    if told := enlarged(params, info):
        log.note(told)


def files_of_stage(context: BuildContext) -> dict[str, bytes]:
    """Return history and picture of the pretraining, by the names they have beside a model."""
    if NAME not in context.stages:
        return {}
    return {kept: (context.stages[NAME] / name).read_bytes() for name, kept in KEPT.items()}
