"""Tasks on a Ray cluster: this machine's own, or one that is there already.

A task is a pure function, so that Ray may run it anywhere: what a worker needs beside the task are the installed
packages, and files. Where workers see the workspace (the same machine, a network folder), they use it. Where they do
not, the competition's folder and the data travel to each node once, and finished folds come back by value.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from harness.errors import ConfigError, TaskTimeoutError, WorkerDiedError
from harness.files import atomic_directory
from harness.offers import PoolRequest
from harness.workers import answered, unpacked

REACH = 5.0
"""Seconds within which a cluster must answer."""

LEFT = 3.0
"""Seconds that a cancelled task is given to end."""


class RayPool:
    """Tasks as Ray tasks, each with as many CPUs as it uses threads, and a GPU if it wants one."""

    def __init__(self, function: Callable[[Any], Any], request: PoolRequest) -> None:
        self.function, self.request, self.room = function, request, request.workers
        self.running: dict[Any, tuple[Any, float, float]] = {}
        self.shipped: dict[Any, _Shipped] = {}

    def __enter__(self) -> Self:
        try:
            import ray
        except ModuleNotFoundError:
            raise ConfigError("--executor ray needs the package ray: pip install 'competition-harness[ray]'") from None
        if self.request.address:
            _check_address(self.request.address)
        self.ray = ray
        self.own = not ray.is_initialized()
        if self.own:
            self._connect()
        options: dict[str, Any] = {"num_cpus": self.request.threads, "max_retries": 0}
        if self.request.device == "cuda":
            options["num_gpus"] = 1
        self.remote = ray.remote(**options)(_serve)
        return self

    def _connect(self) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        given: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
        if self.request.address:
            given["address"] = self.request.address
        else:
            cpus = self.request.workers * self.request.threads
            given |= {"address": "local", "include_dashboard": False, "num_cpus": cpus, "_node_ip_address": "127.0.0.1"}
        try:
            self.ray.init(**given)
        except (ConnectionError, ValueError, RuntimeError) as error:
            where = self.request.address or "this machine"
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise ConfigError(f"--executor ray: no cluster at {where}: {lines[0]}") from None

    def __exit__(self, *_: object) -> None:
        for reference in self.running:
            with suppress(Exception):  # whatever is wrong with the cluster, the pool is left
                self.ray.cancel(reference, force=True)
        self.running.clear()
        for shipped in self.shipped.values():
            shipped.mark.unlink(missing_ok=True)
        if self.own:
            self.ray.shutdown()

    def submit(self, task: Any, limit: float | None = None) -> None:
        """Send a task to the cluster."""
        self._send(task, float("inf") if limit is None else time.monotonic() + limit, limit or 0.0)

    def _send(self, task: Any, end: float, limit: float) -> None:
        self.running[self.remote.remote(self.function, _absolute(task), self._ship(task))] = (task, end, limit)

    def wait(self) -> tuple[Any, Any]:
        """Wait for any task to end, for its worker or node to die, or for a task to run past its limit."""
        while True:
            deadline = min(end for _, end, _ in self.running.values())
            left = None if deadline == float("inf") else max(0.0, deadline - time.monotonic())
            ready, _ = self.ray.wait(list(self.running), num_returns=1, timeout=left)
            for reference in ready:
                task, end, limit = self.running.pop(reference)
                answer = self._answer(task, reference)
                if answer is not _UNSEEN:
                    return task, answer
                self._pack(task)
                self._send(task, end, limit)
            for reference, (task, end, limit) in list(self.running.items()):
                if end <= time.monotonic():
                    del self.running[reference]
                    self.ray.cancel(reference, force=True)
                    self.ray.wait([reference], timeout=LEFT)
                    return task, TaskTimeoutError(f"stopped after {limit:.3g} s")

    def _answer(self, task: Any, reference: Any) -> Any:
        try:
            answer, folder = self.ray.get(reference)
        except self.ray.exceptions.RayError as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            return WorkerDiedError(f"its Ray worker ended ({type(error).__name__}: {lines[0][:200]})")
        if answer is None:
            return _UNSEEN
        if folder is not None:
            _unpack(folder, task.directory)
        found = unpacked(answer)
        return replace(found, directory=task.directory) if hasattr(found, "directory") else found

    def _ship(self, task: Any) -> _Shipped | None:
        """Return how a worker finds out whether it sees the workspace, and what it gets where it does not."""
        setting = getattr(task, "setting", None)
        if setting is None:
            return None
        if setting not in self.shipped:
            mark = Path(setting.cache) / f".seen-{uuid.uuid4().hex}"
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()
            self.shipped[setting] = _Shipped(mark)
        return self.shipped[setting]

    def _pack(self, task: Any) -> None:
        """Put the competition and its data into Ray's store, once, for a worker that has asked."""
        shipped = self.shipped[task.setting]
        if shipped.packed:
            return
        places = {"home": task.setting.home, "data": task.setting.data}
        places |= {f"unlabelled-{number}": path for number, path in enumerate(task.setting.unlabelled)}
        for name, path in places.items():
            if path and Path(path).exists():
                packed = _pack(Path(path))
                shipped.packed[name] = (hashlib.sha256(packed).hexdigest(), self.ray.put(packed))


@dataclass(frozen=True)
class _Shipped:
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


def _absolute(task: Any) -> Any:
    """Return a task whose paths mean the same in another folder."""
    setting = getattr(task, "setting", None)
    if setting is None:
        return task
    data = str(Path(setting.data).resolve()) if setting.data and Path(setting.data).exists() else setting.data
    setting = replace(setting, home=setting.home.resolve(), cache=setting.cache.resolve(), data=data)
    return replace(task, directory=task.directory.resolve(), setting=setting)


def _check_address(address: str) -> None:
    """Refuse an address where nobody listens; Ray ends the process there."""
    import socket

    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        return  # "auto", which Ray looks up itself
    try:
        socket.create_connection((host, int(port)), timeout=REACH).close()
    except OSError as error:
        raise ConfigError(f"--address {address}: no cluster answers: {error.strerror or error}") from None


_UNSEEN = object()

APART = "HARNESS_RAY_APART"
"""Environment variable that makes workers behave as if they did not see the workspace: for tests."""


def _serve(function: Callable[[Any], Any], task: Any, shipped: _Shipped | None) -> tuple[bytes | None, bytes | None]:
    """Run a task in a worker.

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
    made = _pack(directory) if directory.is_dir() else None
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


def _pack(path: Path) -> bytes:
    """Return a file or folder as a tar, below its own name."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(path, arcname=path.name)
    return buffer.getvalue()


def _extract(packed: bytes, folder: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")


def _unpack(packed: bytes, directory: Path) -> None:
    """Put a finished folder in its place, whole or not at all."""
    with atomic_directory(directory) as out:
        _extract(packed, out)
        for path in (out / directory.name).iterdir():
            path.rename(out / path.name)
        (out / directory.name).rmdir()
