"""Listing plugins must stay instant: nothing heavy may be imported for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    *("torch", "fastai", "pandas", "numpy", "scipy", "sklearn", "imblearn", "catboost", "mlflow", "matplotlib"),
    *("pyarrow", "rich", "skops", "asyncio"),
}


@pytest.mark.parametrize(
    "code",
    [
        "from harness.plugins import load_plugins; load_plugins()",
        "from harness.plugins import GATHERED, load_plugins; p = load_plugins(); [p.offers(kind) for kind in GATHERED]",
        "import harness.competition_file, harness.results, harness.hookspecs",
    ],
    ids=["load", "gather", "core types"],
)
def test_nothing_heavy_is_imported(code: str) -> None:
    probe = f"import sys; {code}; print(*sorted(set(sys.modules) & {HEAVY!r}))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
