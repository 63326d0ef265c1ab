"""The features ``airquality.features``: what is known at a row's time of its place and its neighbours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from harness.data import DatasetInfo, TaskType
from harness.errors import ConfigError
from harness.offers import BuildContext, Features, Transformer
from harness.params import param

NAME = "airquality.features"


@dataclass(frozen=True)
class FeaturesParams:
    """Which features are made; a step is the table's time step (a day, an hour)."""

    mode: Literal["reconstruct", "forecast"] = param(
        "reconstruct", "reconstruct: a row may use rows before and after it; forecast: only what was known at its time"
    )
    calendar: bool = param(
        True, "hour (if the step is below a day), weekday, day of year and month on circles; weekend"
    )
    lags: tuple[int, ...] = param(
        (1, 2, 3, 5), "steps: covariates of the same place before a row, and after it to fill in"
    )
    rolling: tuple[int, ...] = param((), "steps: windows of covariates of the same place, trailing or centred by mode")
    statistics: tuple[Literal["mean", "std", "min", "max"], ...] = param(
        ("mean", "std", "min", "max"), "what is taken of each window"
    )
    lag_columns: tuple[str, ...] = param((), "names or patterns (no2_*) of the covariates to lag; none: every number")
    missing: bool = param(True, "a flag for each group of covariates that are missing together, and their count")
    wind_u: str = param("", "column of the wind towards the east, m/s; speed and direction are made of u and v")
    wind_v: str = param("", "column of the wind towards the north, m/s")
    wind_from: str = param("", "column of the direction the wind blows from: degrees, or compass points (NNW, cv)")
    wind_speed: str = param("", "column of the wind's speed, with wind_from; u and v are made of them")
    solar: bool = param(True, "declination, elevation (at noon if the step is a day or more) and day length")
    utc_offset: float = param(0.0, "hours that the table's clock is ahead of UTC", low=-14.0, high=14.0)
    neighbours: int = param(5, "so many nearest other places whose targets are averaged; 0: no neighbours", low=0)
    neighbour_windows: tuple[int, ...] = param(
        (0, 1, 3, 7), "steps around a row, or before it, in which neighbours count"
    )
    neighbour_power: float = param(
        1.0, "weight of a neighbour is its distance to the minus this power", low=0.0, high=8.0
    )
    horizon: int = param(1, "forecast: targets are known until so many steps before a row", low=1)
    climatology: bool = param(True, "with neighbours: mean of the region's other places in the row's month")


def _build(params: FeaturesParams, info: DatasetInfo, _: BuildContext) -> Transformer:
    _check(params, info)
    from harness_airquality.making.transformer import StationFeatures

    return StationFeatures(params, str(info.extra.get("step", "1D")))


def _check(params: FeaturesParams, info: DatasetInfo) -> None:
    """Refuse parameters that contradict each other or the task.

    Raises
    ------
    ConfigError
        Naming the parameter.
    """
    for name, low in {"lags": 1, "rolling": 1, "neighbour_windows": 0}.items():
        values = getattr(params, name)
        if any(value < low for value in values) or len(set(values)) < len(values):
            raise ConfigError(f"{NAME}: {name} = {list(values)}: expected different steps of at least {low}")
    for one, other in (("wind_u", "wind_v"), ("wind_speed", "wind_from")):
        if getattr(params, one) and not getattr(params, other):
            raise ConfigError(f"{NAME}: {one} = {getattr(params, one)!r} needs {other}")
    if params.wind_v and not params.wind_u:
        raise ConfigError(f"{NAME}: wind_v = {params.wind_v!r} needs wind_u")
    if params.wind_u and params.wind_from:
        raise ConfigError(f"{NAME}: the wind is given by wind_u and wind_v, or by wind_from; found both")
    if params.neighbours and info.task_type is not TaskType.REGRESSION:
        raise ConfigError(f"{NAME}: neighbours average targets, this task is {info.task_type}; set neighbours = 0")


def features() -> Iterable[Features]:
    """Yield the plugin's features."""
    yield Features(
        NAME, "calendar, lags, gaps, wind, sun and neighbours of stations, fitted in the fold", FeaturesParams, _build
    )
