"""Simulated satellite columns, named as those of Sentinel-5P in the AirQo files; see `harness_airquality.sample`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BASES = {
    "sulphurdioxide": 0.61,
    "carbonmonoxide": 0.44,
    "nitrogendioxide": 0.62,
    "formaldehyde": 0.48,
    "uvaerosolindex": 0.01,
    "ozone": 0.02,
    "uvaerosollayerheight": 0.95,
    "cloud": 0.35,
}
"""Share of rows that lack a band group at middling cloud."""

BANDS = (
    "sulphurdioxide_so2_column_number_density",
    "sulphurdioxide_cloud_fraction",
    "carbonmonoxide_co_column_number_density",
    "carbonmonoxide_h2o_column_number_density",
    "nitrogendioxide_no2_column_number_density",
    "nitrogendioxide_tropospheric_no2_column_number_density",
    "nitrogendioxide_cloud_fraction",
    "formaldehyde_tropospheric_hcho_column_number_density",
    "formaldehyde_cloud_fraction",
    "uvaerosolindex_absorbing_aerosol_index",
    "ozone_o3_column_number_density",
    "ozone_cloud_fraction",
    "uvaerosollayerheight_aerosol_height",
    "uvaerosollayerheight_aerosol_optical_depth",
    "cloud_cloud_fraction",
    "cloud_cloud_optical_depth",
)
"""Columns; the text before the first ``_`` is the band group."""

TYPICAL = np.log(22.0)


def band_columns(rng: np.random.Generator, log_pm: Floats, smoke: Floats, cloud: Floats) -> dict[str, Floats]:
    """Simulate the columns of each band group, whole groups missing.

    Parameters
    ----------
    log_pm, smoke : (n,) float64
        Logarithm of PM2.5, and the part of it that is smoke.
    cloud : (n,) float64
        Fraction of the sky.

    Returns
    -------
    dict of str to (n,) float64
        By the names of `BANDS`, in that order; column densities in mol/m^2, heights in m.
    """
    n = len(log_pm)
    excess = log_pm - TYPICAL
    clear = excess - smoke
    noise = {name: rng.normal(size=n) for name in BANDS}
    seen_cloud = {name: np.clip(cloud + 0.05 * noise[name], 0, 1) for name in BANDS if name.endswith("cloud_fraction")}
    tropospheric = 5e-5 * np.exp(0.6 * clear + 0.35 * noise["nitrogendioxide_tropospheric_no2_column_number_density"])
    values = seen_cloud | {
        "sulphurdioxide_so2_column_number_density": 1.5e-4 * noise["sulphurdioxide_so2_column_number_density"]
        + 4e-5 * np.exp(0.3 * clear),
        "carbonmonoxide_co_column_number_density": 0.034
        * np.exp(0.25 * excess + 0.12 * noise["carbonmonoxide_co_column_number_density"]),
        "carbonmonoxide_h2o_column_number_density": 1800
        * np.exp(0.4 * (cloud - 0.5) + 0.15 * noise["carbonmonoxide_h2o_column_number_density"]),
        "nitrogendioxide_no2_column_number_density": tropospheric
        + 3.4e-5 * np.exp(0.05 * noise["nitrogendioxide_no2_column_number_density"]),
        "nitrogendioxide_tropospheric_no2_column_number_density": tropospheric,
        "formaldehyde_tropospheric_hcho_column_number_density": 1.1e-4
        * np.exp(0.4 * smoke + 0.3 * noise["formaldehyde_tropospheric_hcho_column_number_density"]),
        "uvaerosolindex_absorbing_aerosol_index": -1.0
        + 1.2 * smoke
        + 0.35 * noise["uvaerosolindex_absorbing_aerosol_index"],
        "ozone_o3_column_number_density": 0.115 + 0.003 * noise["ozone_o3_column_number_density"],
        "uvaerosollayerheight_aerosol_height": np.exp(7.3 + 0.5 * noise["uvaerosollayerheight_aerosol_height"]),
        "uvaerosollayerheight_aerosol_optical_depth": np.exp(
            -1 + 0.8 * smoke + 0.4 * noise["uvaerosollayerheight_aerosol_optical_depth"]
        ),
        "cloud_cloud_optical_depth": np.exp(1 + 2 * (cloud - 0.5) + 0.3 * noise["cloud_cloud_optical_depth"]),
    }
    missing = {group: rng.random(n) < _missing(base, cloud) for group, base in BASES.items()}
    return {name: np.where(missing[name.split("_")[0]], np.nan, values[name]) for name in BANDS}


def _missing(base: float, cloud: Floats) -> Floats:
    odds = np.log(base / (1 - base)) + 2.5 * (cloud - 0.5)
    probability: Floats = 1 / (1 + np.exp(-odds))
    return probability
