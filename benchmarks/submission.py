"""A submission of a million rows: written, read back and checked, against plain pandas in the same run.

Each measurement runs in a process of its own, so that its peak memory is its own. Pandas writes with `to_csv`, reads
with `read_csv` (ids as strings) and checks the same things by hand.

Run with ``python benchmarks/submission.py [ROWS]``.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

T = TypeVar("T")
ROWS, REPEATS = 1_000_000, 3


def made(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ids (n,) and probabilities (n, 2)."""
    ids = np.array([f"id_{row:07d}" for row in range(rows)], dtype=object)
    return ids, np.random.default_rng(0).dirichlet([1.0, 1.0], rows)


def with_harness(rows: int, path: Path) -> dict[str, float]:
    """Write, read and check with the harness."""
    from harness.competition import SubmissionSchema
    from harness.data import DatasetInfo, Predictions, TaskType
    from harness.submission import check, fill, read_submission, write_submission

    ids, values = made(rows)
    info = DatasetInfo("bench", TaskType.BINARY, ("no", "yes"))
    schema = SubmissionSchema("id", {"no": "no", "yes": "yes"}, "probabilities")
    submission = fill(schema, Predictions(ids, values, info.classes), None, ids)
    seconds = {"write": timed(lambda: write_submission(path, submission))}
    seconds["read"], again = timed_with(lambda: read_submission(path))
    seconds["check"], problems = timed_with(lambda: check(schema, again, ids, info))
    assert not problems, problems
    return seconds


def with_pandas(rows: int, path: Path) -> dict[str, float]:
    """Write, read and check with pandas alone."""
    ids, values = made(rows)
    frame = pd.DataFrame({"id": ids, "no": values[:, 0], "yes": values[:, 1]})
    seconds = {"write": timed(lambda: frame.to_csv(path, index=False))}
    seconds["read"], again = timed_with(lambda: pd.read_csv(path, dtype={"id": "str"}))

    def check() -> bool:
        numbers = again[["no", "yes"]]
        same = again["id"].is_unique and set(again["id"]) == set(ids)
        return bool(same and ((numbers >= 0) & (numbers <= 1)).all().all() and np.allclose(numbers.sum(axis=1), 1))

    seconds["check"], fine = timed_with(check)
    assert fine
    return seconds


def timed(action: Callable[[], object]) -> float:
    """Return the seconds an action takes."""
    return timed_with(action)[0]


def timed_with(action: Callable[[], T]) -> tuple[float, T]:
    """Return the seconds an action takes, and its result."""
    start = time.perf_counter()
    result = action()
    return time.perf_counter() - start, result


def measure(name: str, rows: int) -> dict[str, float]:
    """Run one measurement in a process of its own."""
    command = [sys.executable, __file__, name, str(rows)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def child(name: str, rows: int) -> None:
    """Measure once and print JSON; peak memory is of the whole process, imports and data included."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "submission.csv"
        facts = {"harness": with_harness, "pandas": with_pandas}[name](rows, path)
    facts["total"] = sum(facts.values())
    facts["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(facts))


def main(rows: int) -> None:
    """Print the median of the measurements, side by side."""
    runs = {name: [measure(name, rows) for _ in range(REPEATS)] for name in ("harness", "pandas")}
    found = {
        name: {key: statistics.median(run[key] for run in several) for key in several[0]}
        for name, several in runs.items()
    }
    table = Table(title=f"submission of {rows:,} rows x 3 columns, median of {REPEATS}")
    for heading in ("", "harness", "pandas", "ratio"):
        table.add_column(heading, justify="right")
    for key in found["harness"]:
        ours, peer = found["harness"][key], found["pandas"][key]
        unit = "{:.0f}" if key.endswith("MB") else "{:.2f} s"
        table.add_row(key, unit.format(ours), unit.format(peer), f"{ours / peer:.2f}")
    Console().print(table)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        child(sys.argv[1], int(sys.argv[2]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) == 2 else ROWS)
