"""What a run is rebuilt from: setting, digests of data and code, versions, hardware, commits and uncommitted changes.

It changes no result, and is compared when `harness reproduce` finds that something did.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import harness
from harness.device import count_cpus
from harness.errors import HarnessError, StoreError
from harness.facts import Provenance, ask_git
from harness.files import TEMPORARY, sha256
from harness.plugins import LOCAL
from harness.prepare import Prepared, fetched_folder, variant_of
from harness.tracking.redact import redact_text

VERSION = 1
PATCH_BYTES = 1_000_000
"""Longer patches are cut; the record says so."""
WHOLE_BYTES = 512_000_000
"""Of data whose source digests rows, so many bytes of files are digested; of the others the size is kept."""
VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "CUBLAS_WORKSPACE_CONFIG", "PYTHONHASHSEED")
CODE, OWN = (".py",), (".toml", ".py", ".csv", ".json", ".txt")
# files that hold little but secrets are never part of a patch
_NEVER = [
    f":(exclude,glob)**/{name}" for name in (".env", "*.env", "kaggle.json", "*.pem", "*.key", ".netrc", "*secret*")
]


def gather_provenance(prepared: Prepared, workspace: Path, device: str) -> Provenance:
    """Gather what the runs of a command are rebuilt from."""
    path = data_path(prepared)
    plugins = plugin_folders(prepared)
    repositories, patches = _repositories([Path(), workspace, prepared.setting.home, _own_folder(), *plugins.values()])
    record = {
        "version": VERSION,
        "setting": {
            "home": str(prepared.setting.home),
            "data": prepared.setting.data,
            "data_path": None if path is None else str(path),
            "folds": prepared.setting.folds,
            "fast": prepared.setting.fast,
            "skip_bad": prepared.setting.skip_bad,
            "unlabelled": list(prepared.setting.unlabelled),
        },
        "files": {
            "data": dict(prepared.files) or _sizes_and_digests(path),
            "competition": folder_digests(prepared.setting.home, OWN),
            "harness": folder_digests(_own_folder(), CODE),
            **{f"plugin {name}": folder_digests(folder, CODE) for name, folder in plugins.items()},
        },
        **machine_facts(device),
        "repositories": repositories,
    }
    return Provenance(record, patches)


def machine_facts(device: str) -> dict[str, Any]:
    """Return versions of every installed package, Python, processor, GPU, and variables that change arithmetic."""
    return {
        "packages": dict(_packages()),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "hardware": {"cpu": _cpu(), "cpus": count_cpus(), "gpu": _gpu() if device == "cuda" else None},
        "environment": {name: os.environ[name] for name in VARIABLES if name in os.environ},
    }


def data_path(prepared: Prepared) -> Path | None:
    """Return where the data lies; None for what a plugin brings itself."""
    variant, path = variant_of(prepared.competition, prepared.setting.data)
    if path is None and variant.fetched:
        return fetched_folder(prepared.setting.cache, prepared.competition.id, variant.name)
    return path


def plugin_folders(prepared: Prepared) -> dict[str, Path]:
    """Return the package folder of each installed plugin that works."""
    found = {}
    for plugin in prepared.plugins.loaded:
        module = prepared.plugins.manager.get_plugin(plugin.name)
        file = getattr(module, "__file__", None)
        if plugin.name != LOCAL and not plugin.error and file:
            found[plugin.name] = Path(file).resolve().parent
    return found


def folder_digests(folder: Path, suffixes: Iterable[str]) -> dict[str, str]:
    """Digest the files of some kinds below a folder: relative POSIX path -> 16 hex digits of its SHA-256."""
    found = sorted(path for path in folder.rglob("*") if path.suffix in tuple(suffixes) and path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path)[:16] for path in found if TEMPORARY not in path.name}


def _own_folder() -> Path:
    return Path(harness.__file__).resolve().parent


def _sizes_and_digests(path: Path | None) -> dict[str, str]:
    """Return digests of the files of a data set, sizes (``bytes 123``) once they would take long to read."""
    if path is None or not path.exists():
        return {}
    files = sorted(one for one in (path.rglob("*") if path.is_dir() else [path]) if one.is_file())
    left, found = WHOLE_BYTES, {}
    for file in files:
        size = file.stat().st_size
        left -= size
        found[str(file.resolve())] = sha256(file) if left >= 0 else f"bytes {size}"
    return found


def digest_like(path: Path, known: str) -> str:
    """Digest a file in the way in which it is known: content, or its size."""
    return f"bytes {path.stat().st_size}" if known.startswith("bytes ") else sha256(path)


@cache
def _packages() -> dict[str, str]:
    from importlib.metadata import distributions

    found = {}
    for one in distributions():
        told = one.metadata  # read from its file each time it is asked for
        if told["Name"]:
            found[str(told["Name"])] = str(told["Version"])
    return dict(sorted(found.items()))


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _gpu() -> str | None:
    """Return the name of the first GPU as its driver tells it, without importing a framework."""
    import ctypes

    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    name, device = ctypes.create_string_buffer(128), ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGet(ctypes.byref(device), 0) != 0:
        return None
    return name.value.decode(errors="replace") if driver.cuDeviceGetName(name, 128, device) == 0 else None


def _repositories(folders: Iterable[Path]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the commit of each repository that holds one of these folders, and its uncommitted changes."""
    tops: dict[str, None] = {}
    for folder in folders:
        top = ask_git(folder, "rev-parse", "--show-toplevel")
        if top:
            tops[top] = None
    found, patches = [], {}
    for number, top in enumerate(tops, start=1):
        commit = ask_git(Path(top), "rev-parse", "HEAD")
        patch, cut = _patch(Path(top)) if commit else ("", False)
        name = f"code-{number}.patch" if patch else None
        if name is not None:
            patches[name] = patch
        found.append({"path": top, "commit": commit, "patch": name, "cut": cut})
    return found, patches


def _patch(top: Path) -> tuple[str, bool]:
    """Return what was changed since the commit, without secrets, and whether it had to be cut."""
    command = ("diff", "HEAD", "--no-color", "--no-ext-diff", "--no-textconv", "--", ".", *_NEVER)
    text = redact_text(ask_git(top, *command) or "")
    if not text:
        return "", False
    raw = text.encode()
    if len(raw) <= PATCH_BYTES:
        return text + "\n", False
    return raw[:PATCH_BYTES].decode(errors="ignore").rpartition("\n")[0] + "\n", True


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Tell what changed between two records, what most likely changes a result first; data is not among it."""
    then, today = before.get("files", {}), now["files"]
    for name in sorted({*then, *today} - {"data"}, key=lambda name: (name == "harness", name != "competition", name)):
        if name in then:  # a plugin that came since changes no run that did without it
            yield from _changed_files(name, then[name], today.get(name, {}))
    for group in ("packages", "versions", "hardware", "environment"):
        yield from _changed_values(group.removesuffix("s"), _group(before, group), _group(now, group))
    commits = {one["path"]: one["commit"] for one in now["repositories"]}
    for one in before.get("repositories", ()):
        if one["path"] in commits and commits[one["path"]] != one["commit"]:
            yield f"commit of {one['path']}: {str(one['commit'])[:12]} -> {str(commits[one['path']])[:12]}"


def _group(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    if name == "versions":
        return {key: record.get(key) for key in ("python", "platform")}
    found: Mapping[str, Any] = record.get(name, {})
    return found


def _changed_values(what: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Tell each value that is another; packages that came since change no run that did without them."""
    for name in sorted({*before, *(() if what == "package" else now)}):
        if before.get(name) != now.get(name):
            yield f"{what} {name}: {before.get(name) or 'not set'} -> {now.get(name) or 'not set'}"


def _changed_files(name: str, before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    changed = [file for file in sorted({*before, *now}) if before.get(file) != now.get(file)]
    for file in changed[:3]:
        yield f"{name} file {file} changed ({before.get(file, 'absent')} -> {now.get(file, 'absent')})"
    if len(changed) > 3:
        yield f"{len(changed) - 3} more files of {name} changed"


def changed_data(known: Mapping[str, str], given: Path | None = None) -> list[tuple[str, str]]:
    """Compare data files with their recorded digests.

    Parameters
    ----------
    known : mapping of str to str
        Absolute path -> digest, as recorded.
    given : Path or None
        A folder (or the one file) where the data lies now; its files are found by name.

    Returns
    -------
    list of (str, str)
        Path and what became of it, for each that is not as it was: ``changed (aaaa -> bbbb)`` or ``gone``.
    """
    found = []
    for name, digest in known.items():
        path = Path(name)
        if given is not None:
            path = given if given.is_file() else next(iter(sorted(given.rglob(path.name))), given / path.name)
        if not path.is_file():
            found.append((str(path), "gone"))
            continue
        try:
            now = digest_like(path, digest)
        except StoreError as error:
            raise HarnessError(f"data file {path} cannot be read: {error}") from None
        if now != digest:
            found.append((str(path), f"changed ({digest[:16]} -> {now[:16]})"))
    return found
