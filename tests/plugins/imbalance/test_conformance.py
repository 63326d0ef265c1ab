"""Every offer of the plugin keeps what the harness relies on; heavy ones with small parameters."""

from __future__ import annotations

import pytest

from harness.params import parse_params
from harness.plugins import load_plugins
from harness.testing import check_plugin, failures
from harness.testing.plugin import CHECKS

SMALL = {
    "imbalance.balanced_random_forest": {"trees": 5},
    "imbalance.easy_ensemble": {"samplings": 2, "rounds": 3},
    "imbalance.hist_gradient_boosting": {"iterations": 10},
    "imbalance.label_shift": {"simulations": 4, "batch": 60, "calibrate": "bias"},
    "imbalance.random_forest": {"trees": 5},
    "imbalance.rusboost": {"rounds": 5},
}
OFFERS = [
    pytest.param(check, offer, id=f"{offer.kind} {offer.name}")
    for kind, check in CHECKS.items()
    for offer in load_plugins().offers(kind).values()
    if offer.name.startswith("imbalance.")
]


@pytest.mark.parametrize(("check", "offer"), OFFERS)
def test_every_offer_passes(check, offer):
    small = SMALL.get(offer.name)
    params = {} if small is None else {"params": parse_params(offer.params, small, offer.name)}
    findings = list(check(offer, hostile=True, **params))
    assert failures(findings) == []
    assert any(found.skipped for found in findings) == (offer.kind == "dataset source")


@pytest.mark.slow
def test_the_whole_plugin_passes_with_its_own_defaults():
    assert failures(check_plugin("imbalance")) == []
