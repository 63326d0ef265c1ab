"""What executors cost: eight equal tasks of one thread each, tasks that do nothing, ten thousand of a millisecond.

Each figure is the median of several rounds in which the executors take turns; a pool is open before the clock starts.

Usage: python benchmarks/executors.py [ROUNDS] [MANY]   # 3 10000
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

WORKERS = 2
HEAVY, EMPTY = 8, 200


def burn(steps: int) -> int:
    """Keep one core busy."""
    total = 0
    for step in range(steps):
        total += step * step % 7
    return total


def nothing(task: int) -> int:
    """Answer at once."""
    return task


def nap(task: int) -> int:
    """Sleep a millisecond."""
    time.sleep(0.001)
    return task


def drain(pool: Any, tasks: Iterable[int]) -> float:
    """Keep a pool busy until all is answered; return wall seconds."""
    started, waiting, running = time.perf_counter(), list(tasks)[::-1], 0
    while waiting or running:
        while waiting and running < pool.room:
            pool.submit(waiting.pop())
            running += 1
        _, answer = pool.wait()
        if isinstance(answer, BaseException):
            raise answer
        running -= 1
    return time.perf_counter() - started


def opened(name: str, function: Callable[[Any], Any]) -> Any:
    """Open a pool of an executor."""
    from harness.offers import Executor, PoolRequest
    from harness.plugins import load_plugins

    workers = 1 if name == "sequential" else WORKERS
    return load_plugins(builtin=["executors"]).find(Executor, name, "bench").open(function, PoolRequest(workers))


def rounds(names: list[str], function: Callable[[Any], Any], tasks: list[int], times: int) -> dict[str, float]:
    """Return the median seconds of each executor, which take turns."""
    found: dict[str, list[float]] = {name: [] for name in names}
    for name in names * times:
        with opened(name, function) as pool:
            drain(pool, tasks[:WORKERS])  # processes start, and import
            found[name].append(drain(pool, tasks))
    return {name: statistics.median(values) for name, values in found.items()}


def many(name: str, count: int) -> tuple[float, float, float]:
    """Return the driver's CPU milliseconds and bytes for a task, and wall seconds."""
    with opened(name, nap) as pool:
        drain(pool, range(count // 10))
        cpu, memory = time.process_time(), _resident()
        wall = drain(pool, range(count))
        return 1000 * (time.process_time() - cpu) / count, 1024 * (_resident() - memory) / count, wall


def _resident() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("VmRSS")))


def main() -> None:
    """Measure and print."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    names = ["sequential", "process", "ray"]
    started = time.perf_counter()
    burn(2_000_000)
    steps = int(2_000_000 * 2.0 / (time.perf_counter() - started))
    heavy = rounds(names, burn, [steps] * HEAVY, times)
    empty = rounds(names, nothing, list(range(EMPTY)), times)
    print(f"{os.cpu_count()} cores, {WORKERS} workers")
    print("executor     8 tasks of 2 s   speed-up   empty task   10,000 tasks of 1 ms: wall   driver   memory a task")
    for name in names:
        line = f"{name:11} {heavy[name]:13.1f} s {heavy['sequential'] / heavy[name]:9.2f}x"
        line += f" {1000 * empty[name] / EMPTY:9.2f} ms"
        if name != "sequential":
            cpu, memory, wall = many(name, count)
            line += f" {wall:27.1f} s {cpu:6.2f} ms {memory:8.0f} bytes"
        print(line, flush=True)


if __name__ == "__main__":
    main()
