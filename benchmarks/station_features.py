"""Lags and rolling statistics of hourly stations, against the same features by pandas' groupby, shift and rolling.

Twelve stations, 35,064 hours, six covariates, of which values are missing: 102 features. Each measurement runs in a
process of its own, so that its peak memory is its own: one call to warm up, whose values are compared, and one that is
timed. Both work on one thread.

Run with ``python benchmarks/station_features.py [HOURS]``.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

STATIONS, HOURS, REPEATS = 12, 35_064, 3
COVARIATES = ("pm10", "so2", "no2", "co", "o3", "temperature")
LAGS, WINDOWS, STATISTICS = (1, 2, 3, 5, 24), (6, 24, 168), ("mean", "std", "min", "max")
WAYS = ("harness", "pandas")


def made(hours: int) -> pd.DataFrame:
    """Return a table of stations (12 hours, 5 roles and 6 covariates), station by station."""
    rng = np.random.default_rng(0)
    rows = STATIONS * hours
    table = {
        "place": np.repeat(np.array([f"station {n:02d}" for n in range(STATIONS)], dtype=object), hours),
        "time": np.tile(pd.date_range("2013-03-01", periods=hours, freq="h").astype("datetime64[ns]"), STATIONS),
        "latitude": np.repeat(rng.uniform(39, 41, STATIONS), hours),
        "longitude": np.repeat(rng.uniform(115, 117, STATIONS), hours),
        "region": np.full(rows, "", dtype=object),
    }
    for name in COVARIATES:
        table[name] = np.where(rng.random(rows) < 0.03, np.nan, rng.gamma(2.0, 40.0, rows))
    return pd.DataFrame(table)


def with_harness(table: pd.DataFrame) -> np.ndarray:
    """Return the features (n, 102) by the plugin."""
    from harness_airquality.making.lags import Lags

    kind = Lags("forecast", LAGS, WINDOWS, STATISTICS, step="1h")
    return kind.fit_transform(table).to_numpy()


def with_pandas(table: pd.DataFrame) -> np.ndarray:
    """Return the features (n, 102) by pandas, all columns at once, in the plugin's order."""
    names = list(COVARIATES)
    by_place = table.groupby("place", sort=False)[names]
    parts = [by_place.shift(steps).to_numpy() for steps in LAGS]
    by_time = table.set_index("time").groupby("place", sort=False)[names]
    for hours in WINDOWS:
        rolling = by_time.rolling(f"{hours}h", min_periods=1)
        parts += [getattr(rolling, statistic)().to_numpy() for statistic in STATISTICS]
    return np.stack(parts, axis=2).reshape(len(table), -1)


def child(way: str, hours: int, values: str) -> None:
    """Measure once and print JSON; keep the values for comparison."""
    table, run = made(hours), {"harness": with_harness, "pandas": with_pandas}[way]
    np.save(values, run(table))
    wall, processor = time.perf_counter(), time.process_time()
    run(table)
    facts = {"seconds": time.perf_counter() - wall, "processor seconds": time.process_time() - processor}
    facts["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(facts))


def measure(way: str, hours: int, values: Path) -> dict[str, float]:
    """Run one measurement in a process of its own."""
    command = [sys.executable, __file__, way, str(hours), str(values)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def compare(folder: Path) -> None:
    """Refuse values that differ by more than rounding."""
    found, expected = (np.load(folder / f"{way}.npy", mmap_mode="r") for way in WAYS)
    for column in range(expected.shape[1]):
        np.testing.assert_allclose(found[:, column], expected[:, column], rtol=1e-9, atol=1e-9)


def main(hours: int) -> None:
    """Print the median of the measurements, side by side."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # in turn, so that another program's load meets all ways alike
        turns = [{way: measure(way, hours, folder / f"{way}.npy") for way in WAYS} for _ in range(REPEATS)]
        compare(folder)
    count = len(COVARIATES) * (len(LAGS) + len(WINDOWS) * len(STATISTICS))
    table = Table(title=f"{count} features of {STATIONS * hours:,} hourly rows, median of {REPEATS}; values are equal")
    table.add_column("")
    for way in WAYS:
        table.add_column(way, justify="right")
    table.add_column("pandas / harness", justify="right")
    for key in turns[0]["pandas"]:
        medians = {way: statistics.median(turn[way][key] for turn in turns) for way in WAYS}
        unit = "{:.0f}" if key.endswith("MB") else "{:.2f}"
        table.add_row(
            key, *(unit.format(medians[way]) for way in WAYS), f"{medians['pandas'] / medians['harness']:.1f}"
        )
    Console().print(table)


if __name__ == "__main__":
    if len(sys.argv) == 4:
        child(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    else:
        main(int(sys.argv[1]) if len(sys.argv) == 2 else HOURS)
