"""Devices, threads and memory: asked of the system, without any framework."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys

import pytest

from harness import device
from harness.device import PeakMemory, choose_device, count_cpus, count_gpus, default_threads
from harness.errors import ConfigError

MIB = 1 << 20


@pytest.mark.fault("F-16")
@pytest.mark.parametrize(
    ("wanted", "gpus", "chosen"),
    [("cpu", 0, "cpu"), ("cpu", 2, "cpu"), ("auto", 0, "cpu"), ("auto", 1, "cuda"), ("cuda", 1, "cuda")],
)
def test_device_is_what_was_asked_for_or_what_is_there(wanted, gpus, chosen, monkeypatch):
    monkeypatch.setattr(device, "count_gpus", lambda: gpus)
    assert choose_device(wanted) == chosen


@pytest.mark.fault("F-16")
def test_cuda_without_a_gpu_is_refused_with_what_to_do(monkeypatch):
    monkeypatch.setattr(device, "count_gpus", lambda: 0)
    with pytest.raises(ConfigError, match="no CUDA device was found; use --device cpu or auto"):
        choose_device("cuda")


class Driver:
    """A CUDA driver that answers as told."""

    def __init__(self, count: int, code: int = 0) -> None:
        self.count, self.code = count, code

    def cuInit(self, flags: int) -> int:  # noqa: N802 - the driver's own name
        return self.code

    def cuDeviceGetCount(self, count) -> int:  # noqa: N802
        count._obj.value = self.count
        return self.code


@pytest.mark.parametrize(("driver", "count"), [(Driver(3), 3), (Driver(3, code=100), 0), (None, 0)])
def test_gpus_are_counted_by_the_driver(driver, count, monkeypatch):
    def load(name: str) -> Driver:
        if driver is None:
            raise OSError(name)
        return driver

    monkeypatch.setattr(device.ctypes, "CDLL", load)
    assert count_gpus() == count


@pytest.mark.fault("F-16")
def test_hidden_gpus_do_not_count():
    code = "from harness.device import count_gpus; print(count_gpus())"
    hidden = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run([sys.executable, "-c", code], env=hidden, capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity of processes")
def test_cpus_are_those_this_process_may_use():
    before = os.sched_getaffinity(0)
    assert count_cpus() == len(before)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert count_cpus() == 1
    finally:
        os.sched_setaffinity(0, before)


def test_cpus_without_affinity(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert count_cpus() == 1


def touch_and_return(size: int) -> None:
    """Have ``size`` bytes written and given back to the system; malloc would serve them from what it kept of others."""
    with mmap.mmap(-1, size) as block:
        block[::4096] = b"x" * len(range(0, size, 4096))


def test_peak_memory_sees_an_allocation_that_is_gone_again():
    peak = PeakMemory()
    before = peak.read()
    touch_and_return(64 * MIB)
    assert peak.read() - before > 48 * MIB


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="the system cannot reset the mark")
def test_peak_memory_forgets_what_was_before():
    first = PeakMemory()
    touch_and_return(96 * MIB)
    high = first.read()
    assert PeakMemory().read() < high - 64 * MIB


def test_peak_memory_where_proc_is_missing(monkeypatch):
    def refuse(*args):
        raise OSError("no such file")

    monkeypatch.setattr("builtins.open", refuse)
    resource = pytest.importorskip("resource")
    peak = PeakMemory().read()
    scale = 1 if sys.platform == "darwin" else 1024
    assert peak == pytest.approx(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale, rel=0.1)


def test_threads_are_the_cpus_shared_by_workers_and_no_more_than_openmp_is_allowed(monkeypatch):
    monkeypatch.setattr("harness.device.count_cpus", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert (default_threads(), default_threads(3), default_threads(20)) == (8, 2, 1)
    for given, expected in (("3", 3), ("1", 1), ("0", 1), ("64", 8), ("4,2", 8), ("", 8)):
        monkeypatch.setenv("OMP_NUM_THREADS", given)
        assert default_threads() == expected
