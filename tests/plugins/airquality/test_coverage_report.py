"""Coverage by region: counts by hand, Wilson's interval against SciPy, figures that can be drawn."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from harness_airquality.coverage import coverage_table, nominal_of, report, wilson
from scipy.stats import binomtest

from harness.data import Dataset, DatasetInfo, Examples, Predictions, TaskType
from harness.results import Run, RunResult, Scored, Status


@pytest.mark.parametrize(("hits", "n"), [(0, 5), (5, 5), (9, 10), (871, 1000)])
def test_wilson_is_scipys(hits, n):
    expected = binomtest(hits, n).proportion_ci(0.95, "wilson")
    np.testing.assert_allclose(wilson(float(hits), float(n)), (expected.low, expected.high), atol=1e-12)


def meta(regions, countries=None):
    places = [f"p{row % 3}" for row in range(len(regions))]
    table = pd.DataFrame({"place": places, "region": regions})
    return table if countries is None else table.assign(country=countries)


def test_regions_are_counted_apart_and_together():
    regions = ["Kampala", "Kampala", "Lagos", "Kampala", "", None]
    countries = ["Uganda", "Uganda", "Nigeria", "Uganda", "", ""]
    targets = np.array([1.0, 2, 3, 4, 5, 6])
    lower, upper = targets - np.array([1, -1, 0, 2, 1, 1]), targets + np.array([1, 3, 0, 2, 1, -0.5])
    table = coverage_table(targets, lower, upper, meta(regions, countries), 0.9)
    assert list(table) == ["region", "country", "n", "places", "nominal", "coverage", "low", "high", "mean_width"]
    assert table["region"].tolist() == ["all", "not declared", "Lagos", "Kampala"]
    assert table["n"].tolist() == [6, 2, 1, 3]
    assert table["places"].tolist() == [3, 2, 1, 2]
    np.testing.assert_allclose(table["coverage"], [4 / 6, 1 / 2, 1, 2 / 3])
    np.testing.assert_allclose(table["mean_width"], [(2 + 2 + 0 + 4 + 2 + 0.5) / 6, 1.25, 0, 8 / 3])
    assert (table["nominal"] == 0.9).all()
    assert ((table["low"] <= table["coverage"]) & (table["coverage"] <= table["high"] + 1e-12)).all()


@pytest.mark.parametrize("known", [None, pd.DataFrame({"time": range(3)})])
def test_without_regions_there_is_one_row(known):
    table = coverage_table(np.ones(3), np.zeros(3), np.ones(3), known, 0.8)
    assert table[["region", "country", "n", "places", "coverage"]].to_numpy().tolist() == [["all", "", 3, 0, 1.0]]


def finished(tmp_path, columns=3, n=90, regions=2, adjusters=()):
    rng = np.random.default_rng(0)
    ids = np.array([f"r{row}" for row in range(n + 10)], dtype=object)
    known = meta([f"city $ {row % regions}" for row in range(n + 10)], ["Uganda"] * (n + 10))
    targets = rng.uniform(0, 60, n + 10)
    info = DatasetInfo("stations", TaskType.REGRESSION, extra={"unit": "µg/m³"})
    dataset = Dataset(info, Examples(ids, known, targets, known))
    rows = np.arange(10, n + 10)[::-1]
    point = targets[rows] + rng.normal(0, 5, n)
    values = np.column_stack([point, point - 6, point + 6])[:, :columns]
    run = Run("c", "s", 0, "s-s0", tmp_path, {"adjusters": list(adjusters)}, "ridge $x")
    oof = Scored(targets[rows], Predictions(ids[rows], values, info.named(columns)), None, None, np.zeros(n, np.int64))
    return dataset, RunResult(run, Status.DONE, {}, (), oof, None, None)


def test_a_run_with_intervals_is_reported_with_the_meta_of_its_rows(tmp_path):
    link = {"use": "airquality.conformal", "coverage": 0.75}
    dataset, result = finished(tmp_path, adjusters=[{"use": "temperature"}, link])
    artifacts = {artifact.name: artifact for artifact in report(SimpleNamespace(), dataset, result)}
    assert list(artifacts) == ["coverage.csv", "coverage.png", "intervals.png"]
    for name, artifact in artifacts.items():
        artifact.write(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 200
    table = pd.read_csv(tmp_path / "coverage.csv")
    values = result.oof.predictions.values
    city = pd.Series(result.oof.predictions.ids).map(pd.Series(dataset.train.meta["region"].array, dataset.train.ids))
    inside = pd.Series((values[:, 1] <= result.oof.targets) & (result.oof.targets <= values[:, 2]))
    np.testing.assert_allclose(table["coverage"], [inside.mean(), *inside.groupby(city).mean()], atol=1e-6)
    assert (table["nominal"] == 0.75).all()


@pytest.mark.parametrize(("n", "regions"), [(1, 1), (400, 45)])
def test_one_row_and_many_regions_can_be_drawn(tmp_path, n, regions):
    dataset, result = finished(tmp_path, n=n, regions=regions)
    for artifact in report(SimpleNamespace(), dataset, result):
        artifact.write(tmp_path / artifact.name)
        assert (tmp_path / artifact.name).exists()


def test_points_alone_are_not_reported(tmp_path):
    dataset, result = finished(tmp_path, columns=1)
    assert list(report(SimpleNamespace(), dataset, result)) == []
    assert nominal_of(result) == 0.9
