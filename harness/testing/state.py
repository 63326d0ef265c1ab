"""State of the whole process, which an offer must leave as it found it: other tasks of the process share it."""

from __future__ import annotations

import os
import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import listed


def global_state() -> dict[str, Any]:
    """Return what an offer could change for others, by name."""
    _, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)
    state: dict[str, Any] = {
        "the state of random": random.getstate(),
        "the state of numpy.random": (np.asarray(keys).tobytes(), position, has_gauss, gauss),
        "numpy's error handling": np.geterr(),
        "os.environ": dict(os.environ),
        "the working folder": Path.cwd(),
        "the filters of warnings": list(warnings.filters),
    }
    if "torch" in sys.modules:
        import torch

        state["the state of torch's generator"] = torch.get_rng_state().numpy().tobytes()
        state["torch's default dtype"] = torch.get_default_dtype()
    return state


@contextmanager
def watched() -> Iterator[list[str]]:
    """Watch the state of the process within the block.

    Yields
    ------
    list of str
        Gets one line when the block ends, if something has changed. The generators are put back where they were.
    """
    with _stirred():
        before, told = global_state(), list[str]()
        yield told
        after = global_state()
        found = [name for name, value in before.items() if value != after[name]]
        if found:
            told.append(f"changed {listed(found)}; use a generator of your own, and put back what you set")


@contextmanager
def _stirred() -> Iterator[None]:
    """Draw from the generators first: where the same seed was set before, setting it again would not be seen."""
    own, numpys = random.getstate(), np.random.get_state()
    torch = sys.modules.get("torch")
    torchs = None if torch is None else torch.get_rng_state()
    random.random()  # noqa: S311
    np.random.random_sample()
    if torch is not None:
        torch.rand(1)
    try:
        yield
    finally:
        random.setstate(own)
        np.random.set_state(numpys)
        if torch is not None:
            torch.set_rng_state(torchs)
