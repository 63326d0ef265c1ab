"""What is worth knowing of where a run was made, but changes no result."""

from __future__ import annotations

import datetime
import platform
import subprocess
from pathlib import Path
from typing import Any

LIBRARIES = ("numpy", "pandas", "scikit-learn", "imbalanced-learn", "catboost", "torch", "fastai", "mlflow")


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


def _git(folder: Path) -> dict[str, Any]:
    def ask(*args: str) -> str | None:
        try:
            # an argument list of our own, no shell; git is found on the PATH, as everywhere
            done = subprocess.run(  # noqa: S603
                ["git", "-C", str(folder), *args],  # noqa: S607
                capture_output=True,
                text=True,
                timeout=10,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = ask("rev-parse", "HEAD")
    changed = ask("status", "--porcelain", "--untracked-files=no") if commit else None
    return {"git_commit": commit, "git_dirty": None if changed is None else bool(changed)}
