"""Built-in figures."""

from __future__ import annotations
