"""Coverage of prediction intervals by city and country: a table, and figures of it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.spreadsheets import defused
from harness_airquality.intervals import CONFORMAL, COVERAGE
from harness_airquality.stations import COUNTRY, PLACE, REGION

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from harness.competition import Competition
    from harness.data import Dataset
    from harness.results import Artifact, RunResult

    Floats = NDArray[np.float64]

ALL = "all"
NORMAL_95 = 1.959963984540054
"""Normal quantile of a two-sided 95% interval."""


def wilson(hits: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Return the 95% interval of a share from `hits` of `n` independent trials.

    References
    ----------
    Wilson 1927, Probable Inference, the Law of Succession, and Statistical Inference.

    Examples
    --------
    >>> low, high = wilson(9.0, 10.0)
    >>> print(f"{low:.4f} {high:.4f}")
    0.5958 0.9821
    """
    share, square = hits / n, NORMAL_95**2
    centre = (share + square / (2 * n)) / (1 + square / n)
    half = NORMAL_95 / (1 + square / n) * (share * (1 - share) / n + square / (4 * n**2)) ** 0.5
    return centre - half, centre + half


def coverage_table(
    targets: Floats, lower: Floats, upper: Floats, meta: pd.DataFrame | None, nominal: float
) -> pd.DataFrame:
    """Count readings inside their intervals, for all rows and for each region.

    Parameters
    ----------
    targets, lower, upper : (n,) float64
        In the target's unit.
    meta : (n, m) DataFrame or None
        With columns ``region``, ``country`` and ``place`` as far as they are known.
    nominal : float
        Share of readings that should lie inside.

    Returns
    -------
    DataFrame
        Columns region, country, n, places, nominal, coverage, low, high, mean_width; the first row is of all readings,
        then regions by country and name. `low` and `high` are the Wilson interval (95%) of the coverage as if rows
        were independent; rows of one place are not, so with few places it is a lower bound of the doubt.
    """
    import numpy as np
    import pandas as pd

    def known(column: str) -> Any:
        if meta is None or column not in meta:
            return np.full(len(targets), "", dtype=object)
        return meta[column].astype(object).where(meta[column].notna(), "").astype(str).to_numpy(object)

    rows = pd.DataFrame(
        {
            "region": known(REGION),
            "country": known(COUNTRY),
            "place": known(PLACE),
            "hit": (lower <= targets) & (targets <= upper),
            "width": upper - lower,
        }
    )
    found = [{"region": ALL, "country": ""} | _counted(rows, nominal)]
    if (rows["region"] != "").any():
        for (country, region), part in rows.groupby(["country", "region"], sort=True):
            found.append({"region": region or "not declared", "country": country} | _counted(part, nominal))
    return pd.DataFrame(found)


def _counted(rows: pd.DataFrame, nominal: float) -> dict[str, Any]:
    hits, n = float(rows["hit"].sum()), len(rows)
    low, high = wilson(hits, n) if n else (float("nan"), float("nan"))  # type: ignore[arg-type]
    return {
        "n": n,
        "places": int(rows.loc[rows["place"] != "", "place"].nunique()),
        "nominal": nominal,
        "coverage": hits / n if n else float("nan"),
        "low": low,
        "high": high,
        "mean_width": float(rows["width"].mean()),
    }


def nominal_of(result: RunResult) -> float:
    """Return the coverage that a run's intervals are made for: its conformal adjuster's, else 0.9."""
    for link in result.run.identity.get("adjusters", ()):
        if link.get("use") == CONFORMAL:
            return float(link["coverage"])
    return COVERAGE


def report(competition: Competition, dataset: Dataset, result: RunResult) -> Iterable[Artifact]:  # noqa: ARG001
    """Yield the coverage of out-of-fold intervals as a table and figures; nothing where there are no intervals."""
    from harness.data import LOWER, POINT, UPPER
    from harness.results import Artifact

    predictions = result.oof.predictions
    if not {POINT, LOWER, UPPER} <= set(predictions.columns) or not len(predictions.ids):
        return
    point, lower, upper = (predictions.values[:, predictions.columns.index(name)] for name in (POINT, LOWER, UPPER))
    nominal = nominal_of(result)
    table = coverage_table(result.oof.targets, lower, upper, _meta_of(dataset, predictions.ids), nominal)
    about = f"{result.run.label} · out-of-fold"

    def draw_coverage(path: Path) -> None:
        from harness_airquality.coverage_figures import draw_coverage

        draw_coverage(table, about, path)

    def draw_intervals(path: Path) -> None:
        from harness_airquality.coverage_figures import draw_intervals

        unit = str(dataset.info.extra.get("unit", ""))
        draw_intervals(result.oof.targets, point, lower, upper, unit, about, path)

    yield Artifact("coverage.csv", "Coverage of intervals by region", partial(_write_table, table))
    yield Artifact("coverage.png", "Coverage of intervals by region", draw_coverage)
    yield Artifact("intervals.png", "Intervals and readings", draw_intervals)


def _write_table(table: pd.DataFrame, path: Path) -> None:
    defused(table.round(6)).to_csv(path, index=False)


def _meta_of(dataset: Dataset, ids: NDArray[np.object_]) -> pd.DataFrame | None:
    import pandas as pd

    if dataset.train.meta is None:
        return None
    rows = pd.Index(dataset.train.ids).get_indexer(pd.Index(ids))
    return dataset.train.meta.iloc[rows].reset_index(drop=True)
