"""Built-in competitions."""

from __future__ import annotations
