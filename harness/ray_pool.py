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
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from harness.competition import Resources
from harness.errors import ConfigError, TaskTimeoutError, WorkerDiedError
from harness.files import atomic_directory
from harness.offers import PoolRequest
from harness.workers import answered, unpacked

REACH = 5.0
"""Seconds within which a cluster must answer."""

LEFT = 3.0
"""Seconds that a cancelled task is given to end."""

AHEAD, SHORT = 2, 0.5
"""Tasks sent for each worker while they take fewer seconds than this: Ray asks anew for a worker that has run out of
them, which takes the driver half a millisecond."""


class RayPool:
    """Tasks as Ray tasks, each with the CPUs, GPUs and memory that its strategy declares."""

    def __init__(self, function: Callable[[Any], Any], request: PoolRequest) -> None:
        self.function, self.request = function, request
        self.running: dict[Any, _Sent] = {}
        self.ahead = False
        self.refused: deque[tuple[Any, ConfigError]] = deque()
        self.shipped: dict[Any, _Shipped] = {}
        self.remotes: dict[Resources, tuple[Any, str]] = {}
        self.settings: dict[Any, Any] = {}

    def __enter__(self) -> Self:
        try:
            import ray
        except ModuleNotFoundError:
            raise ConfigError("--executor ray needs the package ray: pip install 'competition-harness[ray]'") from None
        if self.request.address:
            _check_address(self.request.address)
        self.ray = ray
        self.own = not ray.is_initialized()
        self.bounded = self.own and not self.request.address  # by the cores that `_connect` gives a cluster
        if self.own:
            self._connect()
        self.remote = ray.remote(max_retries=0)(_serve)
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
        except Exception as error:  # a node that is slow to start is told by a bare Exception
            where = self.request.address or "this machine"
            lines = str(error).strip().splitlines() or [type(error).__name__]
            advice = "" if self.request.address else "; try again when it is less busy, or take --executor process"
            raise ConfigError(f"--executor ray: no cluster at {where}: {lines[0]}{advice}") from None

    def __exit__(self, *_: object) -> None:
        for reference in self.running:
            with suppress(Exception):  # whatever is wrong with the cluster, the pool is left
                self.ray.cancel(reference, force=True)
        self.running.clear()
        for shipped in self.shipped.values():
            shipped.mark.unlink(missing_ok=True)
        if self.own:
            self.ray.shutdown()

    @property
    def room(self) -> int:
        """Return how many tasks may be sent; on a cluster of our own no more of them run than there are workers."""
        return self.request.workers * (AHEAD if self.ahead else 1)

    def submit(self, task: Any, limit: float | None = None) -> None:
        """Send a task to the cluster.

        One that asks for more than a node of this machine's own cluster has is answered by a `ConfigError`. In one
        that was there already it waits: nodes may be added when they are asked for.
        """
        if lack := self._remote(task)[1]:
            self.refused.append((task, ConfigError(lack)))
            return
        self._send(_Sent(task, time.monotonic(), limit))

    def _send(self, sent: _Sent) -> None:
        task = sent.task
        reference = self._remote(task)[0].remote(self.function, self._absolute(task), self._ship(task))
        self.running[reference] = sent

    def _remote(self, task: Any) -> tuple[Any, str]:
        """Return the remote function with the resources of a task, and what no node has enough of."""
        declared = getattr(getattr(task, "strategy", None), "resources", Resources())
        if declared not in self.remotes:
            asked = self._asked(declared)
            lack = "" if self.request.address else self._lacking(asked)
            self.remotes[declared] = (self.remote.options(**asked), lack)
        return self.remotes[declared]

    def _absolute(self, task: Any) -> Any:
        """Return a task whose paths mean the same in another folder."""
        setting = getattr(task, "setting", None)
        if setting is None:
            return task
        if setting not in self.settings:
            self.settings[setting] = _absolute(setting)
        return replace(task, directory=task.directory.absolute(), setting=self.settings[setting])

    def _asked(self, declared: Resources) -> dict[str, float]:
        """Return what Ray is told of a task: what its strategy declares, else a core a thread and a GPU for CUDA."""
        gpus = float(self.request.device == "cuda") if declared.gpus is None else declared.gpus
        threads = float(self.request.threads)
        cpus = declared.cpus or threads
        # on a cluster of our own, cores are what keeps more tasks from running than there are workers
        asked = {"num_cpus": max(cpus, threads) if self.bounded else cpus, "num_gpus": gpus}
        return asked if declared.memory_gb is None else asked | {"memory": declared.memory_gb * 1e9}

    def _lacking(self, asked: Mapping[str, float]) -> str:
        """Say what no node has enough of; empty if one has."""
        names = {"num_cpus": "CPU", "num_gpus": "GPU", "memory": "memory"}
        nodes = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
        if any(all(node.get(names[key], 0.0) >= value for key, value in asked.items()) for node in nodes):
            return ""
        scale = {"memory": 1e-9}
        text = ", ".join(
            f"{key.removeprefix('num_')} {value * scale.get(key, 1.0):g}"
            f" (here {max((node.get(names[key], 0.0) for node in nodes), default=0.0) * scale.get(key, 1.0):.3g})"
            for key, value in asked.items()
        )
        return f"resources: no node has what a task asks for: {text}"

    def wait(self) -> tuple[Any, Any]:
        """Wait for any task to end, for its worker or node to die, or for a task to run past its limit."""
        while True:
            if self.refused:
                return self.refused.popleft()
            deadline = min(sent.end for sent in self.running.values())
            left = None if deadline == float("inf") else max(0.0, deadline - time.monotonic())
            ready, _ = self.ray.wait(list(self.running), num_returns=1, timeout=left)
            for reference in ready:
                sent = self.running.pop(reference)
                answer = self._answer(sent.task, reference)
                if answer is not _UNSEEN:
                    self.ahead = self._may_queue(sent)
                    return sent.task, answer
                self._pack(sent.task)
                self._send(sent)
            for reference, sent in list(self.running.items()):
                if sent.end <= time.monotonic():
                    del self.running[reference]
                    self.ray.cancel(reference, force=True)
                    self.ray.wait([reference], timeout=LEFT)
                    return sent.task, TaskTimeoutError(f"stopped after {sent.limit:.3g} s")

    def _may_queue(self, sent: _Sent) -> bool:
        """Whether tasks like one that ended may wait at a worker.

        Not where its time began when it was sent, where only we count the workers, or where it takes so long that
        nobody notices what Ray costs.
        """
        return self.bounded and sent.limit is None and time.monotonic() - sent.begun < SHORT

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
class _Sent:
    """A task on its way: when it was sent, and how many seconds it may take."""

    task: Any
    begun: float
    limit: float | None

    @property
    def end(self) -> float:
        """When it is stopped."""
        return float("inf") if self.limit is None else self.begun + self.limit


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


def _absolute(setting: Any) -> Any:
    """Return a setting whose paths mean the same in another folder."""
    data = str(Path(setting.data).resolve()) if setting.data and Path(setting.data).exists() else setting.data
    return replace(setting, home=setting.home.resolve(), cache=setting.cache.resolve(), data=data)


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
