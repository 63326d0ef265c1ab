"""Every offer keeps what the harness relies on; what hears recordings is tried on recordings elsewhere."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.plugins import load_plugins
from harness.testing import failures
from harness.testing.plugin import CHECKS

RAW = {
    "birdclef.recordings",
    "birdclef.cnn",
    "birdclef.mel_statistics",
    "birdclef.smooth",
    "birdclef.prior",
    "birdclef.nocall_gate",
}
"""What takes recordings, or what is known of them, which the kit's tables do not have; each has tests of its own."""
OFFERS = [
    pytest.param(check, offer, id=f"{offer.kind} {offer.name}")
    for kind, check in CHECKS.items()
    for offer in load_plugins().offers(kind).values()
    if offer.name.startswith("birdclef.")
]


def test_the_plugin_offers_of_each_kind():
    assert {param.values[1].kind for param in OFFERS} >= {"model", "metric", "adjuster"}


@pytest.mark.parametrize(("check", "offer"), OFFERS)
def test_every_offer_passes(check, offer):
    findings = list(check(offer, hostile=True))
    assert failures(findings) == []
    assert any(found.skipped for found in findings) == (offer.name in RAW)


def test_listing_the_plugin_loads_nothing_heavy():
    code = (
        "import sys; from harness.plugins import load_plugins; from harness.offers import ModelRecipe;"
        "assert 'birdclef.cnn' in load_plugins().offers(ModelRecipe);"
        "print([name for name in ('numpy', 'pandas', 'torch', 'fastai', 'scipy', 'soundfile', 'timm', 'librosa')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
