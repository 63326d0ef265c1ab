"""The dashboard of 71 cities and 41,688 rows: seconds to write and to open, bytes, requests; beside plain plotly.

The peer is what one would write by hand: one plotly figure with a line for each city and a menu to choose it, saved by
``write_html`` with the library inside. Both open in Chromium from disk; open means that the first chart is drawn.

Run with ``python benchmarks/dashboard.py``. Real predictions are read where ``HARNESS_REAL_DATA`` names their folder.
"""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.table import Table

REPEATS = 5
REAL = "air-quality/seed_za_cities_predictions.csv.gz"


def rows() -> tuple[pd.DataFrame, str]:
    """Return predictions of 71 cities, real where they are to be had, and where they are from."""
    from harness_airquality.dashboard.predictions import read_predictions

    file = Path(os.environ.get("HARNESS_REAL_DATA", "")) / REAL
    if file.is_file():
        return read_predictions(file), "a real file"
    days, cities = 588, 71
    rng = np.random.default_rng(0)
    names = np.repeat([f"City {city}" for city in range(cities)], days)
    made = pd.DataFrame(
        {
            "region": names,
            "place": names,
            "time": np.tile(pd.date_range("2019-01-01", periods=days), cities),
            "latitude": np.repeat(rng.uniform(-34, -23, cities), days),
            "longitude": np.repeat(rng.uniform(18, 31, cities), days),
            "prediction": rng.lognormal(3.5, 0.4, days * cities),
        }
    )
    return made, "made rows"


def with_harness(table: pd.DataFrame, path: Path) -> None:
    """Write the dashboard."""
    from harness_airquality.dashboard.data import Shown
    from harness_airquality.dashboard.page import write_page

    write_page(Shown("Cities", "a benchmark", False, "µg/m³", table), path)


def with_plotly(table: pd.DataFrame, path: Path) -> None:
    """Write one figure with a menu of cities."""
    import plotly.graph_objects as go

    figure = go.Figure()
    cities = sorted(table["region"].unique())
    for at, city in enumerate(cities):
        one = table[table["region"] == city]
        figure.add_scatter(x=one["time"], y=one["prediction"], name=city, visible=at == 0)
    buttons = [
        {"label": city, "method": "update", "args": [{"visible": [other == city for other in cities]}]}
        for city in cities
    ]
    figure.update_layout(updatemenus=[{"buttons": buttons}])
    figure.write_html(path, include_plotlyjs=True, full_html=True)


def opened(browser: Any, path: Path, chart: str) -> tuple[float, int]:
    """Open a page once; return seconds until its first chart, and requests other than of files."""
    tab, asked = browser.new_page(), []
    tab.on("request", lambda request: asked.append(request.url))
    started = time.perf_counter()
    tab.goto(path.as_uri())
    tab.wait_for_selector(f"{chart} .main-svg .scatterlayer .trace", state="attached")
    seconds = time.perf_counter() - started
    tab.close()
    return seconds, sum(not url.startswith(("file:", "data:")) for url in asked)


def measured(browser: Any, write: Callable[[pd.DataFrame, Path], None], table: pd.DataFrame, chart: str) -> list[str]:
    """Return the figures of one way, as text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        written = []
        for _ in range(REPEATS):
            started = time.perf_counter()
            write(table, path)
            written.append(time.perf_counter() - started)
        found = [opened(browser, path, chart) for _ in range(REPEATS)]
        size = path.stat().st_size / 1e6
    times = statistics.median(seconds for seconds, _ in found)
    return [f"{statistics.median(written):.2f}", f"{times:.2f}", f"{size:.1f}", str(max(count for _, count in found))]


def main() -> None:
    """Measure both and print a table."""
    table, source = rows()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        ways = {
            "harness": measured(browser, with_harness, table, "#series"),
            "plotly, a menu of lines": measured(browser, with_plotly, table, ".plotly-graph-div"),
        }
        browser.close()
    shown = Table(
        title=f"{len(table):,} rows of {table['region'].nunique()} cities ({source}), median of {REPEATS}",
        caption="the harness's page has a map, a ranking and periods besides",
    )
    for head in ("", "seconds to write", "seconds to open", "MB", "network requests"):
        shown.add_column(head, justify="right" if head else "left")
    for name, values in ways.items():
        shown.add_row(name, *values)
    Console().print(shown)


if __name__ == "__main__":
    main()
