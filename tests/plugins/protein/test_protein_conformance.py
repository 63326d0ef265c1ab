"""Every offer keeps what the harness relies on; models of sequences are tried on sequences elsewhere."""

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
    if offer.name.startswith("protein.")
]


def test_the_plugin_offers_models() -> None:
    assert {param.values[1].name for param in OFFERS} >= {
        "protein.ulmfit",
        "protein.neighbours",
        "protein.tfidf",
        "protein.composition",
        "protein.cnn",
        "protein.transformer",
        "protein.esm",
    }


@pytest.mark.parametrize(("check", "offer"), OFFERS)
def test_every_offer_refuses_tables_in_one_line_and_passes_what_is_left(check, offer) -> None:
    findings = list(check(offer, hostile=True))
    assert failures(findings) == []
    assert any(found.skipped for found in findings) == (offer.kind in ("dataset source", "model", "splitter"))


def test_listing_the_plugin_loads_nothing_heavy() -> None:
    code = (
        "import sys; from harness.plugins import load_plugins; from harness.offers import ModelRecipe;"
        "assert 'protein.ulmfit' in load_plugins().offers(ModelRecipe);"
        "print([name for name in ('numpy', 'pandas', 'torch', 'fastai', 'scipy', 'sklearn', 'sentencepiece')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
