"""The wheels that a run needs where there is no network: the harness, the plugins, and what they import."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

from harness.errors import HarnessError, PluginError

NEVER = {"mlflow": "records runs; predicting does not need it"}
IMAGE = dict.fromkeys(("torch", "torchvision", "torchaudio"), "part of Kaggle's own image")
"""What Kaggle's image surely has, with everything that only these bring: gigabytes of GPU libraries."""
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
"""Wheels for these run on Kaggle."""
UNREACHED = ("Retrying (", "NewConnectionError", "ConnectTimeoutError")
"""What pip says where it reaches no index."""


def needed(roots: Iterable[tuple[str, str]], without: Collection[str]) -> tuple[dict[str, str], set[str]]:
    """Return what must be installed for some distributions to work, in the versions that are installed here.

    Parameters
    ----------
    roots : iterable of (str, str)
        Distribution and one of its extras (empty: none).
    without : collection of str
        Left out, with what only these bring.

    Returns
    -------
    dict of str to str
        Version by distribution.
    set of str
        Those of `without` that were met.

    Raises
    ------
    PluginError
        If one is not installed.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    versions: dict[str, str] = {}
    met: set[str] = set()
    waiting, seen = list(roots), set()
    while waiting:
        name, extra = waiting.pop()
        name = canonicalize_name(name)
        if name in without:
            met.add(name)
            continue
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        found = _installed(name)
        versions[name] = found.version
        for text in found.requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                waiting += [(requirement.name, more) for more in ("", *requirement.extras)]
    return dict(sorted(versions.items())), met


def _installed(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError:
        raise PluginError(f"{name} is required but not installed: pip install {name}") from None


def gather(versions: Mapping[str, str], folder: Path, python: str = "") -> list[Path]:
    """Bring the wheels of some distributions into a folder, through pip.

    What was installed from a folder or a file of this machine is built from there.

    Parameters
    ----------
    python : str
        ``"3.12"``: wheels for that Python on Linux, if not for this one.

    Raises
    ------
    HarnessError
        With pip's last line, if it fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    local = {name: place for name in versions if (place := _place(name)) is not None}
    if local:
        _pip("wheel", "--no-deps", "--wheel-dir", str(folder), *map(str, local.values()))
    pinned = [f"{name}=={version}" for name, version in versions.items() if name not in local]
    if pinned and python:
        options = ["--python-version", python, "--implementation", "cp", "--only-binary", ":all:"]
        options += [text for platform in PLATFORMS for text in ("--platform", platform)]
        _pip("download", "--no-deps", "--dest", str(folder), *options, *pinned)
    elif pinned:
        _pip("wheel", "--no-deps", "--wheel-dir", str(folder), *pinned)
    return sorted(folder.glob("*.whl"))


def _place(name: str) -> Path | None:
    """Return the folder or file of this machine that a distribution was installed from."""
    text = distribution(name).read_text("direct_url.json")
    url = json.loads(text).get("url", "") if text else ""
    if not url.startswith("file:"):
        return None
    place = Path(unquote(urlsplit(url).path))
    if not place.exists():
        raise HarnessError(f"{name} was installed from {place}, which is gone; install it again")
    return place


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("WARNING")]
        told = f"pip {arguments[0]} failed: {lines[0] if lines else 'no reason given'}"
        alone = any(sign in done.stderr for sign in UNREACHED)
        raise HarnessError(told + ("; it brings wheels over the network: export where there is one" if alone else ""))
