"""The letters of a cleaned sequence."""

from __future__ import annotations

ALPHABET = "ACDEFGHIKLMNPQRSTVWY"
"""One letter for each of the twenty amino acids."""
UNKNOWN = "X"
"""Any other residue."""
