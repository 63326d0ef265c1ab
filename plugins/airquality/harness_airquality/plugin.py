"""What the plugin offers; nothing heavy is imported here."""

from __future__ import annotations
