"""Built-in adjusters."""

from __future__ import annotations
