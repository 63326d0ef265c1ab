"""What the harness adds to training: the same 5-fold CatBoost by ``harness run`` and as a plain script, in turn.

The harness also writes checked artefacts, the baselines, figures, a leaderboard and MLflow's record; the script writes
OOF and a submission. Trees as CatBoost makes them by default (1,000 of depth 6).
Data: credit-rare, below the folder ``HARNESS_REAL_DATA``; skipped without it.

Usage: python benchmarks/overhead.py [PAIRS] [ITERATIONS]
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HARNESS = str(Path(sys.executable).with_name("harness"))
SCRIPT = """
import sys
import numpy as np
import pandas as pd
from catboost import CatBoostClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold

folder, iterations, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
train, test, valid = (pd.read_csv(f"{folder}/{name}.csv.gz") for name in ("train", "test", "validation"))
truth = pd.read_csv(f"{folder}/validation_ground_truth.csv.gz")
y = (train.pop("default") == "default").to_numpy(int)
categorical = ["SEX", "EDUCATION", "MARRIAGE"]
frames = (part.drop(columns="row_id").astype({c: str for c in categorical}) for part in (train, test, valid))
train, test, valid = frames
oof, total, checked = np.zeros((len(y), 2)), np.zeros((len(test), 2)), np.zeros((len(valid), 2))
for fit, score in StratifiedKFold(5, shuffle=True, random_state=0).split(train, y):
    model = CatBoostClassifier(
        iterations=iterations, learning_rate=0.03, depth=6, l2_leaf_reg=3.0, thread_count=threads, random_seed=0,
        cat_features=categorical, verbose=False, allow_writing_files=False,
    )
    model.fit(train.iloc[fit], y[fit])
    oof[score] = model.predict_proba(train.iloc[score])
    total += model.predict_proba(test) / 5
    checked += model.predict_proba(valid) / 5
print("oof", log_loss(y, oof), "validation rows", len(truth))
pd.DataFrame(oof).to_parquet("oof.parquet")
pd.DataFrame(total, columns=["no_default", "default"]).to_csv("submission.csv", index=False)
"""


COMPETITION = """
title = "The same training as the script's"
task = "binary"
metrics = ["log_loss"]
[data]
source = "imbalance.table"
variant = "path"
[data.params]
id = "row_id"
target = "default"
positive = "default"
categorical = ["SEX", "EDUCATION", "MARRIAGE"]
train = "train.csv*"
validation = "validation.csv*"
validation_truth = "validation_ground_truth.csv*"
test = "test.csv*"
[submission]
id = "row_id"
columns = ["no_default", "default"]
[strategies.none]
features = "imbalance.columns"
model = { use = "imbalance.catboost", learning_rate = 0.03, depth = 6, l2_leaf_reg = 3.0 }
"""


def seconds(command: list[str], folder: Path) -> float:
    """Return the wall time of a command."""
    started = time.perf_counter()
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    """Run pairs and print seconds and ratios."""
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    iterations = sys.argv[2] if len(sys.argv) > 2 else "1000"
    root = os.environ.get("HARNESS_REAL_DATA")
    if not root:
        print("skipped: needs credit-rare (HARNESS_REAL_DATA)")
        return
    data = str(Path(root).resolve() / "class-imbalance" / "credit_rare_layout")
    threads = str(len(os.sched_getaffinity(0)))
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        (here / "plain.py").write_text(SCRIPT)
        plain = [sys.executable, "plain.py", data, iterations, threads]
        (here / "competitions/same").mkdir(parents=True)
        (here / "competitions/same/competition.toml").write_text(COMPETITION)
        run = [HARNESS, "run", "same", "--data", data, "--threads", threads, "--set"]
        whole = [*run, f"none.iterations={iterations}"]
        rows = []
        for number in range(pairs):
            shutil.rmtree(here / "runs", ignore_errors=True)
            if number == 0:  # a new tracking database is made once in a project's life, and timed apart
                new = seconds([*run, "none.iterations=10"], here)
                existing = seconds([*run, "none.iterations=11"], here)
                shutil.rmtree(here / "runs")
                print(f"10 iterations: new tracking database {new:.1f} s, existing {existing:.1f} s")
            rows.append((seconds(whole, here), seconds(plain, here)))
            print(f"pair {number + 1}: harness {rows[-1][0]:.1f} s, script {rows[-1][1]:.1f} s")
    ratio = statistics.median(one / other for one, other in rows)
    more = statistics.median(one - other for one, other in rows)
    print(f"median ratio {ratio:.3f} (target <= 1.05), {more:+.1f} s, of {pairs} pairs, {iterations} iterations")


if __name__ == "__main__":
    main()
