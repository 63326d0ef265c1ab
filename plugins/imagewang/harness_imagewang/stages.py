"""The stage that pretrains an encoder, once for all folds, seeds and strategies that ask for the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from harness.data import DatasetInfo
from harness.errors import ConfigError, DataError
from harness.offers import Stage, StageInput, TaskLog
from harness_imagewang.params import EncoderParams

NAME = "imagewang.encoder"
CORPUS_PART = "unlabelled:"


@dataclass(frozen=True)
class EncoderKey:
    """What an encoder depends on, beside the images; fields as in `EncoderParams`, the task's options with defaults."""

    pretext: str
    options: Mapping[str, Any]
    size: int
    backbone: str
    activation: str
    pretrain_epochs: int
    pretrain_view: float
    pretrain_rate: float
    pretrain_batch: int
    pretrain_balance: bool
    pretrain_seed: int


def stages(params: EncoderParams, info: DatasetInfo) -> Sequence[Stage]:
    """Return the pretraining of a strategy; none for random weights.

    A task that learns from labels too is pretrained for each fold, on that fold's labels.

    Raises
    ------
    ConfigError
        If the task or one of its options is unknown, or there are options of no task.
    """
    if not params.pretext:
        if params.options:
            raise ConfigError(f"imagewang: options = {dict(params.options)} without a pretext task; set pretext too")
        return ()
    from harness.params import as_json
    from harness_imagewang.pretext.registry import task_of

    task = task_of(params.pretext, params.options)
    corpora = tuple(CORPUS_PART + name for name in info.extra.get("corpora", ()))
    own = ("fold",) if task.labels else ("train",) if params.train_images else ()
    uses = (*own, *corpora, *(("valid",) if params.valid_images else ()))
    kept = {field.name: getattr(params, field.name) for field in fields(EncoderKey)}
    balance = params.pretrain_balance and task.labels
    key = EncoderKey(**{**kept, "options": as_json(task.options), "pretrain_balance": balance})

    def run(given: StageInput, out: Path, log: TaskLog) -> None:
        _run(given, out, log, params)

    return (Stage(NAME, "fold" if task.labels else "dataset", key, run, uses, seeded=False),)


def _run(given: StageInput, out: Path, log: TaskLog, params: EncoderParams) -> None:
    import numpy as np

    from harness_imagewang import pretrain
    from harness_imagewang.images import images_of, joined
    from harness_imagewang.pretext.registry import task_of

    if not any(name.startswith(CORPUS_PART) for name in given.parts):
        raise DataError(
            f"pretext = {params.pretext!r} learns from images without labels, and the data has none (no unsup folder,"
            " or an empty one); strategies without pretext run"
        )
    task = task_of(params.pretext, params.options)
    parts = list(given.parts.values())
    pixels = joined([images_of(part, NAME).at(params.size) for part in parts])
    labels = np.concatenate([np.full(len(part), -1) if part.targets is None else part.targets for part in parts])
    quiet = _Prefixed(log)
    trained = pretrain.pretrain(
        task,
        pixels,
        labels if task.labels else None,
        len(given.info.classes),
        params,
        given.threads,
        given.device,
        quiet,
    )
    pretrain.write(trained, task, {"images": len(pixels)}, out)
    log.note(_told(task.name, len(pixels), trained.seconds, trained.losses))


def passes_of(losses: Sequence[float]) -> str:
    """Say how many passes over the images there were, by their losses."""
    return "one pass" if len(losses) == 1 else f"{len(losses)} passes"


def _told(task: str, images: int, seconds: float, losses: Sequence[float]) -> str:
    loss = f"{losses[0]:.3f}" if len(losses) == 1 else f"{losses[0]:.3f} to {losses[-1]:.3f}"
    return f"{task}: {passes_of(losses)} over {images:,} images in {seconds / 60:.1f} min, loss {loss}"


class _Prefixed:
    """Tells a task's log under names of the pretext task."""

    def __init__(self, log: TaskLog) -> None:
        self.log = log

    def epoch(self, step: int, **metrics: float) -> None:
        """Log the loss of an epoch."""
        self.log.epoch(step, **{f"pretext_{name.removeprefix('train_')}": value for name, value in metrics.items()})

    def note(self, text: str) -> None:
        """Log one line."""
        self.log.note(text)
