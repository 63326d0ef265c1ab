"""Built-in splits."""

from __future__ import annotations
