"""Orders of tiles that are far from each other (Noroozi and Favaro 2016, https://arxiv.org/abs/1603.09246)."""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np


@lru_cache
def orders(tiles: int, count: int) -> tuple[tuple[int, ...], ...]:
    """Return orders of so many tiles: as they are, then each the one in whose place most tiles differ from all before.

    Parameters
    ----------
    count : int
        How many, at most; where there are fewer, all.
    """
    every = np.array(list(itertools.permutations(range(tiles))), dtype=np.int8)
    chosen, least = [0], np.full(len(every), tiles + 1)
    while len(chosen) < min(count, len(every)):
        least = np.minimum(least, (every != every[chosen[-1]]).sum(axis=1))
        chosen.append(int(least.argmax()))
    return tuple(tuple(int(tile) for tile in every[row]) for row in chosen)
