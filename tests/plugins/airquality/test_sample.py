"""The simulation: what its description declares is in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from harness_airquality.reading.tables import simulated
from harness_airquality.sample import CITIES, PHI, SITE_SD, Settings, ar1, simulate
from harness_airquality.sample_bands import BANDS, BASES
from harness_airquality.source import StationsParams, load

import harness
from harness.competition_file import read_competition
from harness.data import Dataset, TaskType
from harness.errors import ConfigError
from harness.offers import DataRequest
from harness.params import parse_params

HOME = Path(harness.__file__).parents[1] / "competitions" / "air-quality-africa"
LARGE = Settings(places=60, unseen=20, days=400, seed=3)


@pytest.fixture(scope="module")
def params() -> StationsParams:
    data = read_competition(HOME).data
    return parse_params(StationsParams, {**data.params, **data.variants["sample"].params}, "sample")


@pytest.fixture(scope="module")
def data(params: StationsParams) -> Dataset:
    competition = read_competition(HOME)
    return load(params, DataRequest(competition.id, competition.task, "sample", None, HOME, HOME))


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return simulate(LARGE).train


def test_it_says_that_it_is_simulated(data: Dataset) -> None:
    assert data.info.simulated
    assert data.info.notes[0].startswith("simulated, not measured: 40 stations train, 15 others are predicted")
    assert data.test is not None
    assert all(name.startswith("simulated-") for name in [*data.train.ids, *data.test.ids])


def test_stations_of_train_and_test_differ_and_every_city_has_both(data: Dataset) -> None:
    assert data.test is not None
    train, test = data.train.inputs, data.test.inputs
    assert (train["place"].nunique(), test["place"].nunique()) == (40, 15)
    assert not set(train["place"]) & set(test["place"])
    assert set(train["region"]) == set(test["region"]) == {city.name for city in CITIES}
    assert len(data.train) + len(data.test) < 5000


def test_the_truth_of_the_test_rows_is_not_in_the_dataset(data: Dataset, params: StationsParams) -> None:
    assert data.test is not None
    assert data.test.targets is None
    assert "pm2_5" not in data.test.inputs
    truth = simulated(params).truth
    assert set(truth.index) == set(data.test.ids)
    assert (truth > 0).all()


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not() -> None:
    first, again, other = (simulate(Settings(8, 4, 30, seed)) for seed in (1, 1, 2))
    assert first.train.to_csv().encode() == again.train.to_csv().encode()
    assert first.test.to_csv().encode() == again.test.to_csv().encode()
    assert first.train["pm2_5"].iloc[0] != other.train["pm2_5"].iloc[0]


def test_the_digest_follows_the_simulated_values(
    data: Dataset, params: StationsParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = DataRequest("air-quality-africa", TaskType.REGRESSION, "sample", None, HOME, HOME)
    assert load(params, request).digest == data.digest
    monkeypatch.setattr("harness_airquality.sample.DILUTION", 0.5)
    assert load(params, request).digest != data.digest


def test_more_days_leave_the_stations_as_they_are() -> None:
    short, long = (simulate(Settings(8, 4, days, 1)).site_effects for days in (20, 60))
    pd.testing.assert_series_equal(short, long)


def test_stations_are_near_their_city(rows: pd.DataFrame) -> None:
    for city in CITIES:
        own = rows[rows["city"] == city.name]
        assert set(own["country"]) == {city.country}
        assert (own["site_latitude"] - city.latitude).abs().max() < 0.35
        assert (own["site_longitude"] - city.longitude).abs().max() < 0.35


def test_site_effects_are_found_again() -> None:
    made = simulate(LARGE)
    frame = made.train.assign(log=np.log(made.train["pm2_5"]))
    # a city's day is common to its stations; what is left of a station on average is its effect
    frame["rest"] = frame["log"] - frame.groupby(["city", "date"])["log"].transform("mean")
    found = frame.groupby("site_id")["rest"].mean()
    true = made.site_effects[found.index]
    cities = frame.groupby("site_id")["city"].first()
    true = true - true.groupby(cities).transform("mean")
    assert np.corrcoef(found, true)[0, 1] > 0.97
    assert found.std() == pytest.approx(SITE_SD, rel=0.35)


def test_near_stations_resemble_each_other() -> None:
    near, far = [], []
    for seed in range(20):
        made = simulate(Settings(40, 4, 2, seed))
        sites = pd.concat([made.train, made.test]).drop_duplicates("site_id").set_index("site_id")
        sites = sites[sites["city"] == "Kampala"]
        effects = made.site_effects[sites.index].to_numpy()
        places = sites[["site_latitude", "site_longitude"]].to_numpy() * 111.2
        apart = np.linalg.norm(places[:, None] - places[None], axis=-1)
        product = effects[:, None] * effects[None]
        upper = np.triu(np.ones_like(apart, dtype=bool), 1)
        near += product[upper & (apart < 3)].tolist()
        far += product[upper & (apart > 15)].tolist()
    # covariances exp(-d / 6 km) 0.35^2 at 2 km and 17 km
    assert np.mean(near) == pytest.approx(SITE_SD**2 * np.exp(-2 / 6), rel=0.35)
    assert abs(np.mean(far)) < 0.03


def test_the_weather_remembers_as_declared() -> None:
    z = ar1(np.random.default_rng(0), 20_000)
    assert np.corrcoef(z[1:], z[:-1])[0, 1] == pytest.approx(PHI, abs=0.02)
    assert z.std() == pytest.approx(1, abs=0.05)
    weather = simulate(Settings(4, 4, 3000, 0)).weather
    for name in ("temperature", "wind_u", "rain"):
        for _, days in weather.groupby("city"):
            driver = days[f"z_{name}"].to_numpy()
            assert np.corrcoef(driver[1:], driver[:-1])[0, 1] == pytest.approx(PHI, abs=0.05)


def test_wind_dilutes_rain_washes_out_and_smoke_adds_as_declared() -> None:
    made = simulate(LARGE)
    frame = made.train.assign(date=pd.to_datetime(made.train["date"])).merge(made.weather, on=["city", "date"])
    terms = pd.DataFrame(
        {
            "wind": np.log(frame["speed"] / 3),
            "rain": np.log1p(frame["rain"]),
            "smoke": frame["smoke"],
            "dry": frame["dry"],
            "weekend": (frame["date"].dt.day_of_week >= 5).astype(float),
        }
    )
    log = np.log(frame["pm2_5"])
    by_site = frame["site_id"]
    terms, log = terms - terms.groupby(by_site).transform("mean"), log - log.groupby(by_site).transform("mean")
    found = np.linalg.lstsq(terms.to_numpy(), log.to_numpy(), rcond=None)[0]
    assert found == pytest.approx([-0.45, -0.18, 1.0, 0.2, -0.12], abs=0.02)


def test_the_columns_of_a_band_group_are_missing_together(rows: pd.DataFrame) -> None:
    groups: dict[str, list[str]] = {}
    for name in BANDS:
        groups.setdefault(name.split("_")[0], []).append(name)
    for group, names in groups.items():
        missing = rows[names].isna()
        assert (missing.any(axis=1) == missing.all(axis=1)).all()
        assert missing.iloc[:, 0].mean() == pytest.approx(BASES[group], abs=0.12)
    assert (
        rows["nitrogendioxide_cloud_fraction"].isna() != rows["carbonmonoxide_co_column_number_density"].isna()
    ).any()


def test_clouds_hide_bands(rows: pd.DataFrame) -> None:
    cloudy = rows["ozone_cloud_fraction"] > 0.6
    hidden = rows["nitrogendioxide_tropospheric_no2_column_number_density"].isna()
    assert hidden[cloudy].mean() > hidden[~cloudy].mean() + 0.1


def test_satellite_columns_carry_a_signal_and_noise(rows: pd.DataFrame) -> None:
    log = np.log(rows["pm2_5"])
    for name, low in (
        ("nitrogendioxide_tropospheric_no2_column_number_density", 0.3),
        ("carbonmonoxide_co_column_number_density", 0.5),
        ("uvaerosolindex_absorbing_aerosol_index", 0.2),
    ):
        known = rows[name].notna()
        assert low < np.corrcoef(rows.loc[known, name], log[known])[0, 1] < 0.95


def test_too_few_stations_or_days_are_refused() -> None:
    with pytest.raises(ConfigError, match="expected at least 4 places and 2 days"):
        simulate(Settings(places=3))
