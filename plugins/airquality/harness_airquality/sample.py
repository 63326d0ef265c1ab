"""Simulated stations: daily PM2.5 of places in African cities, made up, with the structure of the real thing.

The layout is that of the AirQo challenge; the cities are real, their stations, weather and air are not. For station s
of city c on day t (all effects are additive in the logarithm, micrograms per cubic metre):

    log pm[s, t] = log level[c] + site[s] - 0.45 log(speed[c, t] / 3) - 0.18 log(1 + rain[c, t]) + smoke[c, t]
                   + 0.2 dry[c, t] - 0.12 weekend[t] + noise[s, t]

- ``site`` ~ N(0, 0.35^2) with covariance exp(-distance / 6 km) within a city: neighbours resemble each other.
- The weather's drivers follow z[t] = 0.7 z[t-1] + sqrt(1 - 0.7^2) e[t], one for each variable and city. Wind (m/s) is
  the city's mean + 1.5 z in both components, ``speed`` its length, at least 0.5: dilution. ``rain`` (mm) is
  4 max(0, z - 0.6 + 0.6 wet)^2: wash-out. ``wet`` = cos(2 pi (day of year - peak) / 365), ``dry`` = -wet.
- ``smoke``: burning episodes that a whole city shares; one begins with probability 0.025 (1.6 of it in the dry half of
  the year, 0.4 in the wet), lasts 2 to 6 days, and adds 0.5 to 1.3.
- ``noise`` ~ N(0, 0.2^2), independent.

Satellite columns carry a noisy signal: tropospheric NO2 follows what is not smoke, CO all of it, the aerosol index and
the aerosol layer's optical depth the smoke. The columns of one band group are missing together, with probability
logistic(logit(base) + 2.5 (cloud - 0.5)); the bases are near the shares missing in the real files. Each day is reported
with probability 0.6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.errors import ConfigError
from harness_airquality.sample_bands import BANDS, band_columns

Floats = NDArray[np.float64]

START = "2023-11-01"
PHI, SITE_SD, SITE_RANGE_KM, NOISE_SD = 0.7, 0.35, 6.0, 0.2
DILUTION, WASH_OUT, DRY, WEEKEND = 0.45, 0.18, 0.2, 0.12
REPORTED = 0.6
SPREAD_KM = 7.0
KM_PER_DEGREE = 111.2
DRIVERS = ("temperature", "wind_u", "wind_v", "humidity", "pressure", "rain")


@dataclass(frozen=True)
class City:
    """A city: where it lies, its air (micrograms per cubic metre), its climate, its share of the stations."""

    name: str
    country: str
    latitude: float
    longitude: float
    level: float
    wettest_day: int
    temperature: float
    wind: tuple[float, float]
    pressure: float
    share: float


CITIES = (
    City("Kampala", "Uganda", 0.3476, 32.5825, 27.0, 110, 22.5, (-1.0, 1.5), 880.0, 0.4),
    City("Lagos", "Nigeria", 6.5244, 3.3792, 36.0, 180, 27.5, (2.0, 1.0), 1009.0, 0.25),
    City("Nairobi", "Kenya", -1.2921, 36.8219, 17.0, 115, 19.0, (-3.0, 0.5), 832.0, 0.2),
    City("Bujumbura", "Burundi", -3.3822, 29.3644, 24.0, 90, 24.0, (0.5, -1.5), 922.0, 0.15),
)
"""Real places; level and climate are of their order, not measurements."""


@dataclass(frozen=True)
class Settings:
    """What is simulated: stations that train, stations that are only predicted, days, seed."""

    places: int = 40
    unseen: int = 15
    days: int = 120
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Simulated:
    """Simulated tables, and what they were made from.

    Attributes
    ----------
    train, test : DataFrame
        In the AirQo layout; the test rows are of other stations and have no ``pm2_5``.
    truth : Series
        ``pm2_5`` of the test rows by id; for tests, never part of a dataset.
    site_effects : Series
        By station, in the logarithm.
    weather : DataFrame
        (cities x days, ...) drivers of the weather (unit variance), rain, speed and smoke; ``city`` and ``date``.
    """

    train: pd.DataFrame
    test: pd.DataFrame
    truth: pd.Series
    site_effects: pd.Series
    weather: pd.DataFrame


def simulate(settings: Settings) -> Simulated:
    """Simulate stations; the same settings give the same tables.

    Raises
    ------
    ConfigError
        If there are no stations to train on, or no days.
    """
    if settings.places < len(CITIES) or settings.days < 2:
        raise ConfigError(
            f"data: simulate = {settings.places}, simulate_days = {settings.days}: expected at least {len(CITIES)}"
            " places and 2 days"
        )
    sites = _sites(settings)
    weather = _weather(settings)
    rows = _rows(settings, sites, weather)
    parts = {unseen: part.drop(columns="unseen").reset_index(drop=True) for unseen, part in rows.groupby("unseen")}
    train, test = parts[False], parts.get(True, parts[False].iloc[:0])
    return Simulated(
        train=train,
        test=test.drop(columns="pm2_5"),
        truth=test.set_index("id")["pm2_5"],
        site_effects=sites.set_index("site_id")["effect"],
        weather=weather,
    )


def _rng(settings: Settings, what: int) -> np.random.Generator:
    # one stream for each thing, so that more days do not change the stations
    return np.random.default_rng([settings.seed, what])


def _shared_out(total: int) -> list[int]:
    """Share stations out among the cities, largest remainders first, at least one each while they last."""
    wanted = np.array([city.share * total for city in CITIES])
    counts = np.maximum(np.floor(wanted), np.arange(len(CITIES)) < total).astype(int)
    while counts.sum() > total:
        counts[np.argmax(counts - wanted)] -= 1
    while counts.sum() < total:
        counts[np.argmax(wanted - counts)] += 1
    return [int(count) for count in counts]


def _sites(settings: Settings) -> pd.DataFrame:
    """Return the stations: site_id, coordinates, city's position, unseen, effect."""
    rng = _rng(settings, 0)
    found = []
    for code, (seen, unseen) in enumerate(zip(_shared_out(settings.places), _shared_out(settings.unseen), strict=True)):
        city, count = CITIES[code], seen + unseen
        offsets = rng.normal(0, SPREAD_KM, size=(count, 2))
        apart = np.linalg.norm(offsets[:, None] - offsets[None], axis=-1)
        effects = rng.multivariate_normal(
            np.zeros(count), SITE_SD**2 * np.exp(-apart / SITE_RANGE_KM), method="cholesky"
        )
        found.append(
            pd.DataFrame(
                {
                    "site_id": [f"{city.name.lower()}-{number:02d}" for number in range(1, count + 1)],
                    "site_latitude": np.round(city.latitude + offsets[:, 0] / KM_PER_DEGREE, 5),
                    "site_longitude": np.round(
                        city.longitude + offsets[:, 1] / (KM_PER_DEGREE * np.cos(np.radians(city.latitude))), 5
                    ),
                    "code": code,
                    "unseen": rng.permutation(count) >= seen,
                    "effect": effects,
                }
            )
        )
    return pd.concat(found, ignore_index=True)


def ar1(rng: np.random.Generator, days: int, phi: float = PHI) -> Floats:
    """Draw z[t] = phi z[t-1] + sqrt(1 - phi^2) e[t], of unit variance from the first day on.

    Returns
    -------
    (days,) float64
    """
    shocks = rng.normal(size=days)
    out = np.empty(days)
    out[0] = shocks[0]
    for day in range(1, days):
        out[day] = phi * out[day - 1] + np.sqrt(1 - phi**2) * shocks[day]
    return out


def _smoke(rng: np.random.Generator, dry: Floats) -> Floats:
    smoke = np.zeros(len(dry))
    begins = rng.random(len(dry)) < 0.025 * (1 + 0.6 * np.sign(dry))
    lengths, strengths = rng.integers(2, 7, size=len(dry)), rng.uniform(0.5, 1.3, size=len(dry))
    for day in np.flatnonzero(begins):
        smoke[day : day + lengths[day]] = np.maximum(smoke[day : day + lengths[day]], strengths[day])
    return smoke


def _weather(settings: Settings) -> pd.DataFrame:
    dates = pd.date_range(START, periods=settings.days, freq="1D")
    found = []
    for code, city in enumerate(CITIES):
        rng = _rng(settings, 100 + code)
        z = {name: ar1(rng, settings.days) for name in DRIVERS}
        wet = np.cos(2 * np.pi * (dates.day_of_year.to_numpy() - city.wettest_day) / 365)
        rain = 4 * np.maximum(0, z["rain"] - 0.6 + 0.6 * wet) ** 2
        u, v = city.wind[0] + 1.5 * z["wind_u"], city.wind[1] + 1.5 * z["wind_v"]
        smoke = _smoke(rng, -wet)
        found.append(
            pd.DataFrame(
                {
                    "code": code,
                    "city": city.name,
                    "country": city.country,
                    "date": dates,
                    "hour": rng.integers(10, 13, size=settings.days),
                    **{f"z_{name}": values for name, values in z.items()},
                    "dry": -wet,
                    "cloud": 1 / (1 + np.exp(-(1.2 * z["rain"] + 0.8 * wet - 0.2))),
                    "u": u,
                    "v": v,
                    "speed": np.maximum(np.hypot(u, v), 0.5),
                    "rain": rain,
                    "temperature": city.temperature - 1.5 * wet + 1.5 * z["temperature"],
                    "humidity": 100 / (1 + np.exp(-(0.8 + 0.5 * wet + 0.6 * z["humidity"]))),
                    "pressure": city.pressure + 2 * z["pressure"],
                    "smoke": smoke,
                }
            )
        )
    return pd.concat(found, ignore_index=True)


def _rows(settings: Settings, sites: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    rng = _rng(settings, 200)
    rows = sites.merge(weather, on="code", how="left")
    rows = rows[rng.random(len(rows)) < REPORTED].reset_index(drop=True)
    rows = rows.iloc[rng.permutation(len(rows))].reset_index(drop=True)
    n = len(rows)
    log_pm = (
        np.log([city.level for city in CITIES])[rows["code"]]
        + rows["effect"]
        - DILUTION * np.log(rows["speed"] / 3)
        - WASH_OUT * np.log1p(rows["rain"])
        + rows["smoke"]
        + DRY * rows["dry"]
        - WEEKEND * (rows["date"].dt.day_of_week >= 5)
        + rng.normal(0, NOISE_SD, size=n)
    ).to_numpy()
    # what a model sees of the weather is measured, or interpolated, with an error
    error = rng.normal(size=(5, n))
    table = {
        "id": [f"simulated-{number:05d}" for number in range(n)],
        **{name: rows[name] for name in ("site_id", "site_latitude", "site_longitude", "city", "country")},
        "date": rows["date"].dt.strftime("%Y-%m-%d"),
        "hour": rows["hour"],
        "month": rows["date"].dt.month,
        "temperature_2m_above_ground": rows["temperature"] + 0.4 * error[0],
        "relative_humidity_2m_above_ground": np.clip(rows["humidity"] + 3 * error[1], 0, 100),
        "u_component_of_wind_10m_above_ground": rows["u"] + 0.3 * error[2],
        "v_component_of_wind_10m_above_ground": rows["v"] + 0.3 * error[3],
        "surface_pressure": rows["pressure"] + 0.3 * error[4],
        "total_precipitation": rows["rain"],
        **band_columns(_rng(settings, 300), log_pm, rows["smoke"].to_numpy(), rows["cloud"].to_numpy()),
        "pm2_5": np.exp(log_pm),
        "unseen": rows["unseen"],
    }
    return pd.DataFrame(table).round({name: 4 for name in table if name not in BANDS})
