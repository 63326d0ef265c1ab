"""Competitions that the harness itself ships."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.hookspecs import hookimpl


@hookimpl
def harness_competitions() -> Iterable[Path]:
    return shipped(Path(__file__).resolve().parents[1])


def shipped(package: Path) -> list[Path]:
    """Find the folder of competitions beside the core's code.

    Parameters
    ----------
    package : Path
        Folder of the package ``harness``.

    Returns
    -------
    list of Path
        ``bundled`` within it (a wheel), else its sibling ``competitions`` (a checkout or an editable install), else
        none.
    """
    bundled, sibling = package / "bundled", package.parent / "competitions"
    if bundled.is_dir():
        return [bundled]
    # beside an installed package lies whatever else is installed
    if sibling.is_dir() and (package.parent / "pyproject.toml").is_file():
        return [sibling]
    return []
