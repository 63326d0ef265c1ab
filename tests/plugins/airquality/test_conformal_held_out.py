"""Intervals of 90% on sites that no model and no calibration has seen, and on the real ones, cross-fitted."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from harness_airquality.coverage import coverage_table
from harness_airquality.intervals import adjusters
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import GroupKFold

from harness.data import DatasetInfo, TaskType
from harness.offers import AdjusterInput, Adjustment

INFO = DatasetInfo("stations", TaskType.REGRESSION, roles={"group": "place", "region": "region"})
DATA = os.environ.get("HARNESS_REAL_DATA")


def simulated(seed: int, sites: int = 100, days: int = 40) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """Log-normal PM2.5 of sites in three cities: site effects, weather that is AR(1) in each city, noise."""
    rng = np.random.default_rng(seed)
    city, effect = rng.integers(0, 3, sites), 0.35 * rng.normal(size=sites)
    weather = np.empty((3, days, 2))
    weather[:, 0] = rng.normal(size=(3, 2))
    for day in range(1, days):
        weather[:, day] = 0.7 * weather[:, day - 1] + np.sqrt(0.51) * rng.normal(size=(3, 2))
    site, day = np.repeat(np.arange(sites), days), np.tile(np.arange(days), sites)
    drivers = weather[city[site], day]
    log = (
        3
        + 0.2 * city[site]
        - 0.4 * drivers[:, 0]
        + 0.3 * drivers[:, 1]
        + effect[site]
        + 0.2 * rng.normal(size=len(site))
    )
    inputs = np.column_stack([drivers + 0.2 * rng.normal(size=drivers.shape), city[site]])
    meta = pd.DataFrame({"place": site.astype(str), "region": np.array(["a", "b", "c"])[city[site]]})
    return inputs, np.exp(log), meta


def boosted(inputs: np.ndarray, targets: np.ndarray) -> HistGradientBoostingRegressor:
    return HistGradientBoostingRegressor(max_iter=40, max_leaf_nodes=8, random_state=0).fit(inputs, targets)


def out_of_fold(inputs: np.ndarray, targets: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, list]:
    out, folds, models = np.empty((len(targets), 1)), np.empty(len(targets), dtype=int), []
    for fold, (train, valid) in enumerate(GroupKFold(5, shuffle=True, random_state=0).split(inputs, groups=places)):
        models.append(boosted(inputs[train], targets[train]))
        out[valid, 0], folds[valid] = models[-1].predict(inputs[valid]), fold
    return out, folds, models


def calibrated(values: np.ndarray, targets: np.ndarray, meta: pd.DataFrame) -> Adjustment:
    offer = next(iter(adjusters()))
    adjustment = offer.build(offer.params(), INFO)
    adjustment.fit(AdjusterInput(values, targets, None, meta.reset_index(drop=True), None, None, 0))
    return adjustment


def held_out_coverage(seed: int) -> float:
    inputs, targets, meta = simulated(seed)
    seen = meta["place"].astype(int).to_numpy() < 60
    oof, _, models = out_of_fold(inputs[seen], targets[seen], meta["place"].to_numpy()[seen])
    adjustment = calibrated(oof, targets[seen], meta[seen])
    new = np.mean([model.predict(inputs[~seen]) for model in models], axis=0)[:, None]
    out = adjustment.apply(new, None, meta[~seen].reset_index(drop=True))
    return float(((out[:, 1] <= targets[~seen]) & (targets[~seen] <= out[:, 2])).mean())


def test_sites_never_seen_are_covered():
    assert 0.85 <= np.mean([held_out_coverage(seed) for seed in range(4)]) <= 0.95


@pytest.mark.slow
def test_sites_never_seen_are_covered_over_many_seeds():
    found = [held_out_coverage(seed) for seed in range(20)]
    assert 0.87 <= np.mean(found) <= 0.94
    assert np.min(found) > 0.8


@pytest.mark.skipif(DATA is None, reason="HARNESS_REAL_DATA is not set")
def test_real_sites_are_covered_when_folds_are_adjusted_by_each_other():
    table = pd.read_csv(Path(DATA or "") / "air-quality" / "african-cities" / "Train.csv.gz")
    inputs, targets = table.select_dtypes("number").drop(columns="pm2_5").to_numpy(), table["pm2_5"].to_numpy()
    meta = pd.DataFrame({"place": table["site_id"], "region": table["city"], "country": table["country"]})
    oof, folds, _ = out_of_fold(inputs, targets, meta["place"].to_numpy())
    out = np.empty((len(oof), 3))
    for fold in range(5):
        rows = folds == fold
        adjustment = calibrated(oof[~rows], targets[~rows], meta[~rows])
        out[rows] = adjustment.apply(oof[rows], None, meta[rows].reset_index(drop=True))
    coverage = coverage_table(targets, out[:, 1], out[:, 2], meta, 0.9).set_index("region")["coverage"]
    assert 0.87 <= coverage["all"] <= 0.95
    assert coverage[["Kampala", "Nairobi", "Lagos"]].between(0.82, 0.97).all(), coverage.to_dict()
