"""Built-in metrics."""

from __future__ import annotations
