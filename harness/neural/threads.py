"""How many threads PyTorch computes in, for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def threads_of(count: int) -> Iterator[None]:
    """Let PyTorch compute in so many threads, then put back what was."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
