"""Which device and how many threads a task may use."""

from __future__ import annotations

import ctypes
import os
from typing import Literal

from harness.errors import ConfigError


def choose_device(wanted: str) -> Literal["cpu", "cuda"]:
    """Resolve ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    ConfigError
        If ``cuda`` is asked for and no GPU answers.
    """
    if wanted == "cpu":
        return "cpu"
    if count_gpus() > 0:
        return "cuda"
    if wanted == "cuda":
        raise ConfigError("--device cuda: no CUDA device was found; use --device cpu or auto")
    return "cpu"


def count_gpus() -> int:
    """Count CUDA devices by asking the driver, without importing any framework; honours ``CUDA_VISIBLE_DEVICES``."""
    for name in ("libcuda.so.1", "nvcuda.dll"):
        try:
            driver = ctypes.CDLL(name)
        except OSError:
            continue
        count = ctypes.c_int(0)
        if driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0:
            return count.value
    return 0


def count_cpus() -> int:
    """Count the CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_threads(workers: int = 1) -> int:
    """Return how many threads a task uses unless told: the CPUs, shared by workers, or fewer by `OMP_NUM_THREADS`."""
    shared, asked = max(1, count_cpus() // workers), os.environ.get("OMP_NUM_THREADS", "")
    return min(shared, max(1, int(asked))) if asked.isdecimal() else shared


class PeakMemory:
    """Peak resident memory, in bytes, since this was made; 0 where the system does not tell.

    Linux lets a process reset its own high-water mark, so that one task's peak is not hidden by an earlier one's.
    """

    def __init__(self) -> None:
        try:
            with open("/proc/self/clear_refs", "w") as file:  # noqa: PTH123  a device, not a path to build on
                file.write("5")
        except OSError:
            pass

    def read(self) -> int:
        """Return the high-water mark in bytes."""
        try:
            with open("/proc/self/status") as file:  # noqa: PTH123
                line = next(line for line in file if line.startswith("VmHWM:"))
            return int(line.split()[1]) * 1024
        except (OSError, StopIteration):
            return _rusage_peak()


def _rusage_peak() -> int:
    try:
        import resource
    except ImportError:
        return 0
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
