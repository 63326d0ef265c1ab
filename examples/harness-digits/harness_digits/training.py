"""One training loop for all networks, and the seeds and threads that make it repeat byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from harness.neural.threads import threads_of
from torch import Tensor, nn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WEIGHT_DECAY = 0.01


@contextmanager
def seeded(seed: int, threads: int) -> Iterator[None]:
    """Draw weights, batches and noise from a seed; leave everybody else's randomness as it was."""
    with torch.random.fork_rng(), threads_of(threads):
        torch.manual_seed(seed)
        yield


def as_tensor(pictures: NDArray[np.float32], device: str) -> Tensor:
    """Return pictures (n, side, side) as a tensor (n, 1, side, side)."""
    return torch.from_numpy(pictures).unsqueeze(1).to(device)


def train(
    network: nn.Module,
    loss_of: Callable[[Tensor], Tensor],
    count: int,
    epochs: int,
    rate: float,
    batch: int,
    tell: Callable[[int, float], None],
) -> None:
    """Train with AdamW and a one-cycle schedule; leave the network in eval mode.

    Parameters
    ----------
    loss_of : callable
        ``loss_of(rows)``: mean loss of a batch, whose row positions it is given.
    count : int
        Rows there are; each is seen once an epoch, but for a last batch of fewer than `batch`.
    tell : callable
        ``tell(epoch, loss)``, epochs from 0.
    """
    batch = min(batch, count)
    steps = count // batch
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=WEIGHT_DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=max(2, epochs * steps))
    network.train()
    for epoch in range(epochs):
        total = 0.0
        order = torch.randperm(count)
        for start in range(0, steps * batch, batch):
            loss = loss_of(order[start : start + batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += float(loss.detach())
        tell(epoch, total / steps)
    network.eval()
