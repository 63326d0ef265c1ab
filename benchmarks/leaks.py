"""A scan for leaks of 100,000 rows of 100 columns, against a plain script with pandas and scikit-learn in the same run.

The rows have a leak of every kind that costs time to confirm: copies and near copies across train and test. The script
looks for the same by the usual means: a shallow tree on each column, cross-validated, `duplicated` on all rows,
nearest neighbours of 2,000 test rows, and the AUC of gradient boosting that tells train from test.

Run with ``python benchmarks/leaks.py [ROWS] [COLUMNS]``.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

ROWS, COLUMNS, TEST = 100_000, 100, 20_000

FILE = """
title = "made"
task = "binary"
metrics = ["roc_auc"]
[data]
source = "local.made"
[data.variants.sample]
about = "made"
[split]
use = "stratified"
[strategies.constant]
model = { use = "constant", predict = "mean" }
"""
PLUGIN = """
from harness import hookimpl
from harness.data import Dataset, DatasetInfo, Examples, TaskType
from harness.offers import DatasetSource
from harness.params import NoParams


def load(params, request):
    import numpy as np
    import pandas as pd

    train, test = pd.read_parquet(request.home / "train.parquet"), pd.read_parquet(request.home / "test.parquet")
    ids, others = (part.pop("id").to_numpy(object) for part in (train, test))
    targets = train.pop("target").to_numpy(np.int64)
    info = DatasetInfo("made", TaskType.BINARY, ("no", "yes"), variant="sample")
    return Dataset(info, Examples(ids, train, targets), None, Examples(others, test), digest="made")


@hookimpl
def harness_datasets():
    yield DatasetSource("local.made", "made", NoParams, load, None)
"""


def write(folder: Path, rows: int, columns: int) -> None:
    """Write a competition with rows of numbers and categories, some of the test rows copies of training rows."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(rows + TEST, columns)), columns=[f"x{at}" for at in range(columns)])
    for at in range(columns // 5):
        table[f"x{at}"] = pd.Categorical(rng.choice([f"level {level}" for level in range(30)], rows + TEST))
    table.iloc[rows : rows + 300] = table.iloc[:300].to_numpy()
    near = table.columns[columns // 5 :]
    noise = rng.normal(size=(300, len(near))) * 1e-4
    table.loc[rows + 300 : rows + 599, near] = table.loc[300:599, near].to_numpy(dtype=float) + noise
    table["target"] = (table[f"x{columns - 1}"].astype(float) + rng.normal(size=rows + TEST) > 1).astype(int)
    table["id"] = [f"row {number}" for number in rng.permutation(rows + TEST)]
    home = folder / "competitions" / "made"
    home.mkdir(parents=True)
    table[:rows].to_parquet(home / "train.parquet")
    table[rows:].drop(columns="target").to_parquet(home / "test.parquet")
    (home / "competition.toml").write_text(FILE)
    (home / "plugin.py").write_text(PLUGIN)


def script(home: Path) -> None:
    """Look by the usual means."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import cross_val_score
    from sklearn.neighbors import NearestNeighbors
    from sklearn.preprocessing import OrdinalEncoder, StandardScaler
    from sklearn.tree import DecisionTreeClassifier

    train, test = pd.read_parquet(home / "train.parquet"), pd.read_parquet(home / "test.parquet")
    targets = train.pop("target").to_numpy()
    train, test = train.drop(columns="id"), test.drop(columns="id")
    both = pd.concat([train, test], ignore_index=True)
    words = both.select_dtypes(exclude="number").columns
    both[words] = OrdinalEncoder().fit_transform(both[words].astype(str))
    for name in both:
        tree = DecisionTreeClassifier(max_depth=4)
        cross_val_score(tree, both[[name]].to_numpy()[: len(train)], targets, scoring="roc_auc", cv=5)
    both.duplicated(keep=False).sum()
    scaled = StandardScaler().fit_transform(both).astype(np.float32)
    nearest = NearestNeighbors(n_neighbors=5).fit(scaled[: len(train)])
    nearest.kneighbors(scaled[len(train) : len(train) + 2000])
    sides = (np.arange(len(both)) >= len(train)).astype(int)
    cross_val_score(HistGradientBoostingClassifier(max_iter=30), both, sides, scoring="roc_auc", cv=3)


def main() -> None:
    """Measure each in a process of its own."""
    if sys.argv[1:2] == ["script"]:
        script(Path(sys.argv[2]))
        return
    rows, columns = [int(text) for text in sys.argv[1:]] or (ROWS, COLUMNS)
    table = Table("", "seconds", "peak memory (MB)", "leaks")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write(folder, rows, columns)
        command = [sys.executable, "-m", "harness", "--competitions", str(folder / "competitions")]
        command += ["--workspace", str(folder / "workspace"), "check", "made", "--json"]
        peer = [sys.executable, __file__, "script", str(folder / "competitions" / "made")]
        for name, call in (("harness check", command), ("pandas and scikit-learn", peer)):
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            start = time.perf_counter()
            done = subprocess.run(call, capture_output=True, text=True, check=False)
            seconds = time.perf_counter() - start
            assert done.returncode == (1 if name == "harness check" else 0), done.stderr
            found = json.loads(done.stdout)["findings"] if name == "harness check" else []
            kinds = ", ".join(one["kind"] for one in found if one["severity"] == "leak")
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            # the peak of children only grows, so a later one below it is not seen
            memory = f"{peak / 1024:.0f}" if peak > before else f"at most {peak / 1024:.0f}"
            table.add_row(name, f"{seconds:.1f}", memory, kinds)
    Console().print(f"{rows:,} x {columns} rows, {TEST:,} to predict", table)


if __name__ == "__main__":
    main()
