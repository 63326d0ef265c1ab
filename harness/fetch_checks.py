"""Whether a file that was fetched is the one it should be."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from harness.competition import FileFacts

HEAD = 1 << 20
"""Bytes at the beginning of a file that `FileFacts.head_md5` is of."""


@dataclass(frozen=True)
class Checks:
    """What is known of a file."""

    sha256: str | None
    published: FileFacts | None

    def difference(self, path: Path, digest: str) -> str:
        """Tell in which way a file of a digest is another one; empty: it is as it should be."""
        if self.sha256 and digest != self.sha256.lower():
            return f"SHA-256 {digest[:16]}..., expected {self.sha256[:16]}..."
        if self.published is None:
            return ""
        size = path.stat().st_size
        if size != self.published.bytes:
            return f"{size:,} bytes, expected {self.published.bytes:,}"
        with path.open("rb") as file:
            head = hashlib.md5(file.read(HEAD), usedforsecurity=False).hexdigest()
        wanted = self.published.head_md5
        return "" if head == wanted else f"MD5 of its first MiB {head[:16]}..., expected {wanted[:16]}..."
