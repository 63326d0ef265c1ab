"""What is worth knowing of where a run was made, but changes no result."""

from __future__ import annotations

import datetime
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.files import write_json, write_text

PROVENANCE = "provenance.json"

LIBRARIES = ("numpy", "pandas", "scikit-learn", "imbalanced-learn", "catboost", "torch", "fastai", "mlflow")


@dataclass(frozen=True)
class Provenance:
    """What a run is rebuilt from, beside its identity: `harness.provenance` gathers it.

    Attributes
    ----------
    record : mapping
        JSON values: the setting, digests of data and code, versions, hardware, repositories.
    patches : mapping of str to str
        Changes that were not committed, by the name of the file that holds them.
    """

    record: Mapping[str, Any]
    patches: Mapping[str, str] = field(default_factory=dict)


def write_provenance(directory: Path, known: Provenance) -> None:
    """Write ``provenance.json`` and the patches into a run's folder."""
    for name, text in known.patches.items():
        write_text(directory / name, text)
    write_json(directory / PROVENANCE, known.record)


def gather_facts(folder: Path) -> dict[str, Any]:
    """Return git commit (and whether dirty), Python, platform, versions of libraries, and the time (ISO 8601, UTC).

    Parameters
    ----------
    folder : Path
        The repository whose commit counts; ``git`` keys are None outside of one.
    """
    return {
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": _libraries(),
        **_git(folder),
    }


def _libraries() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def ask_git(folder: Path, *args: str) -> str | None:
    """Return what git answers in a folder, None where it has none to give."""
    try:
        # an argument list of our own, no shell; git is found on the PATH, as everywhere
        done = subprocess.run(  # noqa: S603
            ["git", "-C", str(folder), *args],  # noqa: S607
            capture_output=True,
            text=True,
            errors="replace",
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _git(folder: Path) -> dict[str, Any]:
    commit = ask_git(folder, "rev-parse", "HEAD")
    changed = ask_git(folder, "status", "--porcelain", "--untracked-files=no") if commit else None
    return {"git_commit": commit, "git_dirty": None if changed is None else bool(changed)}
