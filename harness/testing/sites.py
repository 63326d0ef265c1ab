"""Checks of a site."""

from __future__ import annotations

from collections.abc import Iterator

from harness.offers import Site
from harness.testing.findings import Finding
from harness.testing.offered import check_params


def check_site(site: Site, hostile: bool = False) -> Iterator[Finding]:
    """Check what can be told of a site without an account there and a network: `hostile` tries nothing more."""
    del hostile
    yield from check_params(site)
