"""Readings of 40 sites on 20 days: a site's own effect, which its fixed covariates give away, and a little weather."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from harness import hookimpl
from harness.data import Dataset, DatasetInfo, Examples, Predictions, TaskType
from harness.offers import DatasetSource, ModelRecipe
from harness.params import NoParams, param

ROLES = {"group": "place", "time": "day", "latitude": "lat", "longitude": "lon"}
SITES, DAYS = 40, 20


@dataclass(frozen=True)
class SitesParams:
    test: str = param("sites", "sites, days, rows or none")
    drift: float = param(0.0, "what the weather of the test set has more")
    roles: bool = param(True, "whether the data says which column is what")
    table: bool = param(True, "false: inputs are lists")


def load_sites(params, request):
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(5)
    site, day = (axis.ravel() for axis in np.meshgrid(np.arange(SITES), np.arange(DAYS), indexing="ij"))
    effect, height, roads = rng.normal(0, 3, SITES), rng.uniform(0, 2000, SITES), rng.uniform(0, 50, SITES)
    weather = rng.normal(size=len(site))
    chosen = {"sites": site >= 30, "days": day >= 16, "rows": rng.random(len(site)) < 0.2, "none": site < 0}[
        params.test
    ]
    frame = pd.DataFrame(
        {
            "place": [f"site {number}" for number in site],
            "day": pd.Timestamp("2024-05-01") + pd.to_timedelta(day, unit="D"),
            "height": height[site],
            "roads": roads[site],
            "weather": weather + params.drift * chosen,
        }
    )
    meta = frame[["place", "day"]].assign(
        lat=rng.uniform(-5, 5, SITES)[site].round(4), lon=rng.uniform(30, 40, SITES)[site].round(4)
    )
    rows = Examples(
        np.array([f"r{row:04d}" for row in range(len(site))], dtype=object),
        frame if params.table else [frame.iloc[row].tolist() for row in range(len(frame))],
        20 + effect[site] + 0.5 * weather + rng.normal(size=len(site)),
        meta,
    )
    info = DatasetInfo(
        "sites", TaskType.REGRESSION, variant=request.variant, simulated=True, roles=ROLES if params.roles else {}
    )
    train, test = (rows.take(np.flatnonzero(side)) for side in (~chosen, chosen))
    return Dataset(info, train, None, test.unlabelled() if chosen.any() else None, digest=f"sites-{params}")


class Linear:
    def __init__(self, params, info, context):
        pass

    def fit(self, train, inner, log):
        import numpy as np

        self.weights = np.linalg.lstsq(self.columns(train), train.targets, rcond=None)[0]

    def columns(self, examples):
        import numpy as np

        return np.column_stack([examples.inputs[["height", "roads", "weather"]], np.ones(len(examples))])

    def predict(self, examples):
        return Predictions(examples.ids, (self.columns(examples) @ self.weights)[:, None], ("point",))

    def save(self, directory):
        (directory / "weights.json").write_text(json.dumps(self.weights.tolist()))

    def load(self, directory):
        self.weights = json.loads((directory / "weights.json").read_text())


@hookimpl
def harness_datasets() -> Iterable[DatasetSource]:
    yield DatasetSource("local.sites", "simulated sites", SitesParams, load_sites)


@hookimpl
def harness_models() -> Iterable[ModelRecipe]:
    yield ModelRecipe(
        "local.linear", "least squares", frozenset({TaskType.REGRESSION}), NoParams, lambda *args: Linear(*args)
    )
