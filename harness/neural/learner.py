"""fastai's Learner and the callbacks of every plugin that trains with it: the log, the best epoch, precision, seeds."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor

from harness.neural.threads import threads_of
from harness.offers import TaskLog

with warnings.catch_warnings():
    # fastai 2.8 uses what newer releases of pandas and PyTorch are to drop
    warnings.filterwarnings("ignore", message="`torch.jit.script` is deprecated")
    warnings.filterwarnings("ignore", message="The 'mode.chained_assignment' option is deprecated")
    from fastai.callback.core import Callback, CancelValidException
    from fastai.callback.progress import CSVLogger
    from fastai.callback.schedule import SuggestionMethod
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner
    from fastai.optimizer import OptimWrapper

__all__ = [
    "CSVLogger",
    "Callback",
    "CancelValidException",
    "DataLoaders",
    "Learner",
    "OptimWrapper",
    "SuggestionMethod",
]


class Told(Callback):  # type: ignore[misc]
    """Tells the task's log what an epoch came to."""

    def __init__(self, log: TaskLog) -> None:
        self.log = log

    def after_epoch(self) -> None:
        """Log the losses."""
        values = dict(zip(self.recorder.metric_names[1:], self.recorder.log[1:], strict=False))
        kept = {name: float(value) for name, value in values.items() if name in ("train_loss", "valid_loss")}
        self.log.epoch(int(self.epoch), **{name: value for name, value in kept.items() if math.isfinite(value)})


class NoValidation(Callback):  # type: ignore[misc]
    """Skips fastai's validation: the rows a fold is scored on are not for the training to see."""

    def before_validate(self) -> None:
        """Skip it."""
        raise CancelValidException


class BestEpoch(Callback):  # type: ignore[misc]
    """Keeps the weights of the epoch with the least loss on the held-out rows, in memory."""

    order = 60

    def before_fit(self) -> None:
        """Forget an earlier training."""
        self.best, self.best_epoch = math.inf, 0
        self.weights: dict[str, Tensor] | None = None

    def after_epoch(self) -> None:
        """Keep what is better."""
        value = float(self.recorder.values[-1][1]) if len(self.recorder.values[-1]) > 1 else math.inf
        if value < self.best:
            self.best, self.best_epoch = value, int(self.epoch)
            self.weights = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}

    def after_fit(self) -> None:
        """Put the best weights back."""
        if self.weights is not None:
            self.model.load_state_dict(self.weights)


class Precision(Callback):  # type: ignore[misc]
    """Computes the network in bfloat16, and its loss in float32."""

    def __init__(self, device: str) -> None:
        self.device = device

    def before_batch(self) -> None:
        """Enter autocast for the forward pass."""
        self.stack = ExitStack()
        self.stack.enter_context(torch.autocast(self.device, dtype=torch.bfloat16))

    def after_pred(self) -> None:
        """Leave it before the loss."""
        self.stack.close()
        self.learn.pred = self.pred.float()


def bfloat16_pays(device: str) -> bool:
    """Tell whether a device computes in bfloat16 itself; a CPU that emulates it is ten times slower than in float32."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    facts = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(facts.get("avx512_bf16") or facts.get("amx_bf16"))


@contextmanager
def seeded(seed: int, threads: int) -> Iterator[None]:
    """Draw weights and dropout from a seed, without changing anyone else's randomness."""
    with torch.random.fork_rng(), threads_of(threads), warnings.catch_warnings():
        # fastai's own habits, which no user of a model can change
        warnings.filterwarnings("ignore", module="fastai|fastcore|fastprogress|torch")
        torch.manual_seed(seed)
        yield
