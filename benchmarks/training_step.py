"""A training step of networks on spectrograms: this plugin's Learner against fastai's with its defaults, paired.

Both train the same network on the same batches. Ours lays images out channels-last, uses PyTorch's fused AdamW, and
bfloat16 where the processor computes in it.

    python benchmarks/training_step.py [steps]
"""

from __future__ import annotations

import statistics
import sys
import time
from functools import partial

import torch
from harness_birdclef.models import learning
from harness_birdclef.models.network import SpectrogramNet

from harness.neural import learner as neural

MELS, FRAMES, BATCH, CLASSES, STEPS, ROUNDS = 128, 313, 16, 24, 3, 3
BACKBONES = ("small", "resnet18", "efficientnet_b0")


class Batches:
    """The same batches again and again, as fastai's Learner takes them."""

    n_inp = 1

    def __init__(self, steps: int) -> None:
        torch.manual_seed(0)
        self.one = (torch.randn(BATCH, MELS, FRAMES), (torch.rand(BATCH, CLASSES) < 0.1).float())
        self.steps, self.dataset = steps, range(steps * BATCH)
        self.device = torch.device("cpu")

    def __len__(self) -> int:
        return self.steps

    def __iter__(self):
        return iter([(*self.one, torch.ones_like(self.one[1]))] * self.steps)

    def to(self, _device):
        """Stay where they are."""
        return self


def learner(backbone: str, ours: bool, steps: int) -> neural.Learner:
    """Return a Learner over a fresh network."""
    torch.manual_seed(0)
    net = SpectrogramNet(backbone, CLASSES, 0.25)
    options = {"cbs": [neural.NoValidation()]}
    if ours:
        net = net.to(memory_format=torch.channels_last)
        options["opt_func"] = partial(neural.OptimWrapper, opt=partial(torch.optim.AdamW, fused=True))
        options["cbs"] += [neural.Precision("cpu")] if neural.bfloat16_pays("cpu") else []
    loaders = neural.DataLoaders(Batches(steps), Batches(steps), device=torch.device("cpu"))
    return neural.Learner(loaders, net, loss_func=learning.multilabel_loss("bce", 0.0), **options)


def seconds(learn: neural.Learner) -> float:
    """Return the time of one epoch."""
    with learn.no_bar(), learn.no_logging():
        started = time.perf_counter()
        learn.fit(1)
        return time.perf_counter() - started


def main(steps: int) -> None:
    """Print images per second of both and their ratio, for each network."""
    threads = torch.get_num_threads()
    print(f"{MELS} x {FRAMES}, batch {BATCH}, {threads} threads, median of {ROUNDS} pairs of {steps} steps")
    print(f"bfloat16: {'yes' if neural.bfloat16_pays('cpu') else 'no, this processor would emulate it'}")
    for backbone in BACKBONES:
        learners = [learner(backbone, ours, steps) for ours in (False, True)]
        for learn in learners:
            seconds(learn)  # the first epoch pays for memory
        pairs = [[seconds(learn) for learn in learners] for _ in range(ROUNDS)]
        plain, ours = (steps * BATCH / statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(one / other for one, other in pairs)
        print(f"{backbone:16}  fastai {plain:6.1f} images/s   ours {ours:6.1f} images/s   ratio {ratio:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) == 2 else STEPS)
