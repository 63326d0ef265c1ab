"""Which of 200 runs made a submission of 100,000 rows: `harness whence`, against reading every file with pandas.

The copies are disguised (rows shuffled, columns reordered, numbers rounded) or edited. Each search is a process of its
own, as a user starts it. The peer is what one would write by hand: read each run's file, sort by id, compare.

Run with ``python benchmarks/whence.py [RUNS [ROWS]]``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from harness.data import Submission
from harness.fingerprint import FILE, fingerprint_of, write_fingerprint
from harness.submission_file import write_submission

RUNS, ROWS = 200, 100_000


def made(seed: int, rows: int) -> pd.DataFrame:
    """Return the submission of a run: ids and probabilities (rows, 2), close to those of the others."""
    common = np.random.default_rng(0).normal(size=rows)
    first = 1 / (1 + np.exp(-common - 0.1 * np.random.default_rng(seed + 1).normal(size=rows)))
    return pd.DataFrame({"id": [f"id_{row:07d}" for row in range(rows)], "no": 1 - first, "yes": first})


def store(root: Path, runs: int, rows: int) -> float:
    """Write the runs with their fingerprints; return the seconds that one fingerprint took."""
    taken = 0.0
    for seed in range(runs):
        path = root / "runs" / "bench" / f"run-{seed:03d}" / "submission.csv"
        path.parent.mkdir(parents=True)
        frame = made(seed, rows)
        write_submission(path, Submission(frame))
        started = time.perf_counter()
        write_fingerprint(path.with_name(FILE), fingerprint_of(frame, path.stat().st_size))
        taken += time.perf_counter() - started
    return taken / runs


def copies(root: Path, seed: int, rows: int) -> dict[str, Path]:
    """Write disguised copies of a run's submission, and an edited one."""
    frame = made(seed, rows)
    shuffled = frame.sample(frac=1, random_state=0)
    edited = shuffled.round(6)
    edited.iloc[:7, 2] = 0.5
    frames = {
        "shuffled": shuffled,
        "columns reordered": frame[["yes", "id", "no"]],
        "rounded to 6 decimals, shuffled": shuffled.round(6),
        "7 rows edited, rounded, shuffled": edited,
    }
    paths = {}
    for number, (name, table) in enumerate(frames.items()):
        paths[name] = root / f"copy-{number}.csv"
        table.to_csv(paths[name], index=False)
    return paths


def with_harness(root: Path, file: Path) -> tuple[float, str]:
    """Return seconds and what was found."""
    command = [sys.executable, "-m", "harness", "--workspace", str(root), "whence", str(file), "--json"]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    found = json.loads(done.stdout)
    return seconds, f"{found['verdict']}: {found['run']}, {found['match']['edited']} edited"


def with_pandas(root: Path, file: Path) -> tuple[float, str]:
    """Return seconds and what was found."""
    started = time.perf_counter()
    mine = pd.read_csv(file, dtype={"id": "str"}).sort_values("id", ignore_index=True)
    best, name = -1, ""
    for path in sorted(root.glob("runs/*/*/submission.csv")):
        own = pd.read_csv(path, dtype={"id": "str"}).sort_values("id", ignore_index=True)[mine.columns]
        near = (own[["no", "yes"]] - mine[["no", "yes"]]).abs().le(5e-7).all(axis=1)
        equal = int((near & (own["id"] == mine["id"])).sum())
        best, name = max((best, name), (equal, path.parent.name))
    return time.perf_counter() - started, f"{name}, {len(mine) - best} edited"


def main(runs: int, rows: int) -> None:
    """Measure and print."""
    table = Table("copy", "whence", "found", "pandas", "found")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        each = store(root, runs, rows)
        for name, file in copies(root, runs * 2 // 3, rows).items():
            ours, peer = with_harness(root, file), with_pandas(root, file)
            table.add_row(name, f"{ours[0]:.2f} s", ours[1], f"{peer[0]:.1f} s", peer[1])
        for path in root.glob(f"runs/*/*/{FILE}"):
            path.unlink()
        first = with_harness(root, root / "copy-2.csv")
        table.add_row("the same, no run has a fingerprint", f"{first[0]:.2f} s", first[1], "", "")
    out = Console()
    out.print(f"{runs} runs of {rows:,} rows; a fingerprint takes {each:.3f} s to make and write")
    out.print(table)


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    main(*given, *(RUNS, ROWS)[len(given) :])
