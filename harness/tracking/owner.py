"""Which process writes a journal, and whether it still lives."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def this_process() -> dict[str, Any]:
    """Return pid, host and start of this process, as the header of a journal holds them."""
    pid = os.getpid()
    return {"pid": pid, "host": socket.gethostname(), "start": start_of(pid)}


def start_of(pid: int) -> str:
    """Return when a process began, to tell it from a later one with its number; empty if it is dead or not known."""
    if sys.platform == "win32":
        return ""
    stat = Path(f"/proc/{pid}/stat")
    if not Path("/proc/self/stat").exists():
        asked = ["ps", "-o", "lstart=", "-p", str(pid)]
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    try:
        # the name in brackets may hold anything
        fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
    # one that has ended and waits to be asked for its exit code is dead
    return "" if fields[0] in "ZX" else f"{boot}:{fields[19]}"


def is_elsewhere(owner: Mapping[str, Any]) -> bool:
    """Whether a journal belongs to another host, of whose processes nothing is known."""
    return owner.get("host") != socket.gethostname()


def is_another_alive(owner: Mapping[str, Any]) -> bool:
    """Whether another process of this host that owns a journal still runs."""
    if is_elsewhere(owner) or owner.get("pid") == os.getpid():
        return False
    start = owner.get("start")
    return bool(start) and start_of(int(owner["pid"])) == start
