"""``harness report`` for stations: from a run, or a bare file of predictions, to the dashboard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from harness.data import LOWER, POINT, UPPER, Dataset, Examples, Predictions
from harness.results import FittedFold, RunResult, Shown
from harness_airquality.coverage import coverage_table, nominal_of
from harness_airquality.dashboard.data import UNIT
from harness_airquality.dashboard.data import Shown as Page
from harness_airquality.dashboard.page import write_page
from harness_airquality.dashboard.predictions import read_predictions
from harness_airquality.importance import importance
from harness_airquality.models.regression import RegressionModel
from harness_airquality.stations import COUNTRY, LATITUDE, LONGITUDE, PLACE, REGION, TIME

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.competition import Competition

KEPT = (REGION, COUNTRY, PLACE, TIME, LATITUDE, LONGITUDE)
UNITS = {"ug/m3": UNIT}
SCALES = {"log1p": "log(1 + PM2.5)", "sqrt": "square root of PM2.5"}
"""Scales a model may learn; SHAP values are on it."""


def write(competition: Competition, shown: Shown, path: Path) -> list[str]:
    """Write the dashboard.

    Returns
    -------
    list of str
        What is worth reading in the terminal: coverage of the intervals by city.
    """
    if shown.predictions is not None:
        rows = read_predictions(shown.predictions)
        page = Page(
            title=competition.title,
            about=f"predictions of {shown.predictions.name}",
            simulated=False,
            unit=UNIT,
            rows=rows,
            importance=None,
            scores=(),
            coverage=None,
            notes=tuple(rows.attrs.get("notes", ())),
        )
        write_page(page, path)
        return [f"{len(rows):,} predictions of {rows[REGION].nunique()} cities"]
    assert shown.result is not None
    assert shown.dataset is not None
    coverage = _coverage(shown.dataset, shown.result)
    write_page(_page(competition, shown, shown.dataset, shown.result, coverage), path)
    return _lines(coverage)


def _page(
    competition: Competition, shown: Shown, dataset: Dataset, result: RunResult, coverage: pd.DataFrame | None
) -> Page:
    unit = str(dataset.info.extra.get("unit", ""))
    fitted = list(shown.fitted())
    weights = importance(fitted, dataset.train, _held(fitted, dataset, result))
    return Page(
        title=competition.title,
        about=f"{result.run.label} · run {result.run.run_id} · data: {dataset.info.variant}",
        simulated=dataset.info.simulated,
        unit=UNITS.get(unit, unit),
        rows=pd.concat(_sets(dataset, result), ignore_index=True),
        importance=None if weights.empty else weights,
        importance_unit=_scale(fitted),
        scores=tuple(_scores(result)),
        coverage=coverage,
        notes=tuple(dict.fromkeys((*dataset.info.notes, *result.notes))),
    )


def _scale(fitted: Sequence[FittedFold]) -> str:
    models = [fold.model for fold in fitted if isinstance(fold.model, RegressionModel)]
    return SCALES.get(models[0].plan.transform, "") if models else ""


def _scores(result: RunResult) -> Iterator[tuple[str, str]]:
    for metric, score in result.scores.items():
        name = metric.rpartition(".")[2].replace("_", " ")
        if not np.isnan(score.oof):
            yield f"{name} out of fold", f"{score.oof:.4g}"
        if score.valid is not None and not np.isnan(score.valid):
            yield f"{name} on validation", f"{score.valid:.4g}"


def _sets(dataset: Dataset, result: RunResult) -> Iterator[pd.DataFrame]:
    oof = result.oof
    yield _rows(dataset.train, oof.predictions, oof.targets, "oof")
    if dataset.valid is not None and result.valid is not None:
        yield _rows(dataset.valid, result.valid.predictions, result.valid.targets, "valid")
    if dataset.test is not None and result.test is not None:
        yield _rows(dataset.test, result.test, None, "test")


def _rows(examples: Examples, predictions: Predictions, targets: NDArray[np.float64] | None, part: str) -> pd.DataFrame:
    """Put predictions beside where and when they hold; joined by id."""
    meta = _meta(examples, predictions)
    values = {name: predictions.values[:, at] for at, name in enumerate(predictions.columns)}
    frame = meta.assign(prediction=values[POINT], reading=np.nan if targets is None else targets, set=part)
    if LOWER in values:
        frame = frame.assign(lower=values[LOWER], upper=values[UPPER])
    return frame


def _meta(examples: Examples, predictions: Predictions) -> pd.DataFrame:
    assert examples.meta is not None
    rows = pd.Index(examples.ids).get_indexer(pd.Index(predictions.ids))
    meta = examples.meta.iloc[rows].reset_index(drop=True)
    meta = meta[[name for name in KEPT if name in meta]]
    if REGION not in meta:
        meta = meta.assign(**{REGION: meta[PLACE]})
    return meta.assign(**{REGION: meta[REGION].where(meta[REGION].astype(str) != "", meta[PLACE])})


def _held(fitted: Sequence[FittedFold], dataset: Dataset, result: RunResult) -> list[NDArray[np.int64]]:
    """Return, for each model, the training rows it did not see; every row for one that saw them all."""
    rows = pd.Index(dataset.train.ids).get_indexer(pd.Index(result.oof.predictions.ids)).astype(np.int64)
    return [rows[result.oof.folds == fold.index] if fold.index >= 0 else rows for fold in fitted]


def _coverage(dataset: Dataset, result: RunResult) -> pd.DataFrame | None:
    oof = result.oof.predictions
    if LOWER not in oof.columns:
        return None
    lower, upper = (oof.values[:, oof.columns.index(name)] for name in (LOWER, UPPER))
    return coverage_table(result.oof.targets, lower, upper, _meta(dataset.train, oof), nominal_of(result))


def _lines(coverage: pd.DataFrame | None) -> list[str]:
    if coverage is None:
        return []
    return [
        f"{row.region:<16} {row.coverage:6.1%} of {row.n:,} rows within their {row.nominal:.0%} interval,"
        f" mean width {row.mean_width:.1f}"
        for row in coverage.itertuples()
    ]
