"""Every offer keeps what the harness relies on; models of images are tried on images elsewhere."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.plugins import load_plugins
from harness.testing import failures
from harness.testing.plugin import CHECKS

OFFERS = [
    pytest.param(check, offer, id=f"{offer.kind} {offer.name}")
    for kind, check in CHECKS.items()
    for offer in load_plugins().offers(kind).values()
    if offer.name.startswith("imagewang.")
]


def test_the_plugin_offers_models() -> None:
    assert {param.values[1].name for param in OFFERS} == {
        "imagewang.folder",
        "imagewang.finetune",
        "imagewang.linear",
        "imagewang.knn",
        "imagewang.restrict",
    }


@pytest.mark.parametrize(("check", "offer"), OFFERS)
def test_every_offer_refuses_tables_in_one_line_and_passes_what_is_left(check, offer) -> None:
    findings = list(check(offer, hostile=True))
    assert failures(findings) == []
    assert any(found.skipped for found in findings) == (offer.kind == "model")


def test_listing_the_plugin_loads_nothing_heavy() -> None:
    code = (
        "import sys; from harness.plugins import load_plugins; from harness.offers import ModelRecipe;"
        "assert 'imagewang.finetune' in load_plugins().offers(ModelRecipe);"
        "print([name for name in ('numpy', 'pandas', 'torch', 'fastai', 'scipy', 'sklearn', 'PIL', 'lightly')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
