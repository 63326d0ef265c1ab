"""Kaggle and Zindi."""

from __future__ import annotations

from collections.abc import Iterable

from harness.hookspecs import hookimpl
from harness.offers import Site
from harness.sites.client import SiteClient


@hookimpl
def harness_sites() -> Iterable[Site]:
    yield Site("kaggle", "kaggle.com, through its own client", open_kaggle)
    yield Site("zindi", "zindi.africa, through its client", open_zindi)


def open_kaggle() -> SiteClient:
    """Open Kaggle with the credentials that its client finds."""
    from harness.sites.kaggle import KaggleSite

    return KaggleSite()


def open_zindi() -> SiteClient:
    """Open Zindi with the name and the password in the environment."""
    from harness.sites.zindi import ZindiSite

    return ZindiSite()
