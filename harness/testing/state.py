"""State of the whole process, which an offer must leave as it found it: other tasks of the process share it."""

from __future__ import annotations

import os
import random
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import listed


def global_state() -> dict[str, Any]:
    """Return what an offer could change for others, by name; compare two of them with `changes`."""
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


def changes(before: dict[str, Any]) -> str:
    """Tell what has changed since; empty if nothing has."""
    after = global_state()
    found = [name for name, value in before.items() if value != after[name]]
    return f"changed {listed(found)}; use a generator of your own, and put back what you set" if found else ""
