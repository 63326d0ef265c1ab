"""Built-in submission."""

from __future__ import annotations
