"""SMOTE (Chawla et al. 2002, https://doi.org/10.1613/jair.953); SMOTE-NC where there are categories."""

from __future__ import annotations

from harness.offers import Rebalancer

from .generate import SmoteParams, smote_only

REBALANCER = Rebalancer(
    "imbalance.smote", "make rows between neighbours of a smaller class", SmoteParams, smote_only, generates=True
)
