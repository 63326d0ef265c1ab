"""Every offer of the plugin keeps what the harness relies on; heavy ones with small parameters."""

from __future__ import annotations

import pytest

from harness.params import parse_params
from harness.plugins import load_plugins
from harness.testing import failures
from harness.testing.plugin import CHECKS

SMALL = {
    "airquality.catboost": {"iterations": 20},
    "airquality.extra_trees": {"trees": 5},
    "airquality.hist_gradient_boosting": {"iterations": 10},
}
RAW = {f"airquality.{name}" for name in ("features", "idw", "persistence", "seasonal_mean", "site_mean", "stations")}
"""What takes the stations' own columns, which the kit's tables do not have; each has tests of its own."""
OFFERS = [
    pytest.param(check, offer, id=f"{offer.kind} {offer.name}")
    for kind, check in CHECKS.items()
    for offer in load_plugins().offers(kind).values()
    if offer.name.startswith("airquality.")
]


def test_the_plugin_offers_of_each_kind():
    kinds = {param.values[1].kind for param in OFFERS}
    assert kinds >= {"features", "model", "metric", "adjuster"}


@pytest.mark.parametrize(("check", "offer"), OFFERS)
def test_every_offer_passes(check, offer):
    small = SMALL.get(offer.name)
    params = {} if small is None else {"params": parse_params(offer.params, small, offer.name)}
    findings = list(check(offer, hostile=True, **params))
    assert failures(findings) == []
    assert any(found.skipped for found in findings) == (offer.name in RAW)
