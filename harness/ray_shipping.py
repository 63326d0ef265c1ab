"""What a Ray worker gets beside a task where it does not see the workspace, and what comes back from there."""

from __future__ import annotations

import io
import os
import tarfile
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.files import atomic_directory
from harness.workers import answered

Served = tuple[bytes | None, bytes | None]

APART = "HARNESS_RAY_APART"
"""Environment variable that makes workers behave as if they did not see the workspace: for tests."""


@dataclass(frozen=True)
class Shipped:
    """What goes with a task.

    Attributes
    ----------
    mark : Path
        A file of the workspace: who sees it sees the rest.
    packed : dict of str to (str, reference)
        Digest and tar of each folder, once a worker has asked for them.
    """

    mark: Path
    packed: dict[str, tuple[str, Any]] = field(default_factory=dict)


def serve(function: Callable[[Any], Any], tasks: Sequence[Any], shipped: Shipped | None) -> tuple[list[Served], float]:
    """Run tasks in a worker, one after the other; they share what is shipped.

    Returns
    -------
    answers : list of Served
        In the order of `tasks`.
    seconds : float
        That a task took, on average.
    """
    begun = time.perf_counter()
    answers = [_served(function, task, shipped) for task in tasks]
    return answers, (time.perf_counter() - begun) / len(tasks)


def _served(function: Callable[[Any], Any], task: Any, shipped: Shipped | None) -> Served:
    """Run a task.

    Returns
    -------
    answer : bytes or None
        None if it needs what was not sent yet.
    folder : bytes or None
        The folder it made, where the workspace is out of sight.
    """
    if shipped is None or (shipped.mark.exists() and not os.environ.get(APART)):
        return answered(function, task), None
    if not shipped.packed:
        return None, None
    place = Path(os.environ.get("HARNESS_RAY_FOLDER") or _scratch())
    folders = {name: _fetched(place, digest, packed) for name, (digest, packed) in shipped.packed.items()}
    setting = replace(
        task.setting,
        home=folders["home"] / task.setting.home.name,
        cache=place / "cache",
        data=str(folders["data"] / Path(task.setting.data).name) if "data" in folders else task.setting.data,
        unlabelled=tuple(
            str(folders[f"unlabelled-{n}"] / Path(path).name) for n, path in enumerate(task.setting.unlabelled)
        ),
    )
    directory = place / "tasks" / uuid.uuid4().hex / task.directory.name
    answer = answered(function, replace(task, setting=setting, directory=directory))
    made = pack(directory) if directory.is_dir() else None
    if made is not None:
        import shutil

        shutil.rmtree(directory.parent)
    return answer, made


def _scratch() -> Path:
    """Return a folder of this node that later tasks find again."""
    import tempfile

    return Path(tempfile.gettempdir()) / f"harness-ray-{os.getuid()}"


def _fetched(place: Path, digest: str, packed: Any) -> Path:
    """Return a folder of this node with what was sent, unpacked by whichever worker is first."""
    import ray
    from filelock import FileLock

    folder = place / "sent" / digest[:16]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f".{folder.name}.lock")):
        if not folder.is_dir():
            with atomic_directory(folder) as out:
                _extract(ray.get(packed), out)
    return folder


def pack(path: Path) -> bytes:
    """Return a file or folder as a tar, below its own name."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(path, arcname=path.name)
    return buffer.getvalue()


def _extract(packed: bytes, folder: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")


def unpack(packed: bytes, directory: Path) -> None:
    """Put a finished folder in its place, whole or not at all."""
    with atomic_directory(directory) as out:
        _extract(packed, out)
        for path in (out / directory.name).iterdir():
            path.rename(out / path.name)
        (out / directory.name).rmdir()
