"""Built-in baselines."""

from __future__ import annotations
