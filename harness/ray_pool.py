"""Tasks on a Ray cluster: this machine's own, or one that is there already.

A task is a pure function, so that Ray may run it anywhere: what a worker needs beside the task are the installed
packages, and files. Where workers see the workspace (the same machine, a network folder), they use it. Where they do
not, the competition's folder and the data travel to each node once, and finished folds come back by value.
"""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from harness.competition import Resources
from harness.errors import ConfigError, TaskTimeoutError, WorkerDiedError
from harness.offers import PoolRequest
from harness.ray_shipping import Shipped, pack, serve, unpack
from harness.workers import unpacked

REACH = 5.0
"""Seconds within which a cluster must answer."""

LEFT = 3.0
"""Seconds that a cancelled task is given to end."""

AHEAD, SHORT = 2, 0.5
"""Messages sent for each worker while a task takes fewer seconds than this: Ray asks anew for a worker that has run out
of them, which takes the driver half a millisecond."""

FILL, MOST = 0.2, 8
"""Seconds of work that a message may hold, and its most tasks: what Ray costs the driver is by the message."""


class RayPool:
    """Tasks as Ray tasks, each with the CPUs, GPUs and memory that its strategy declares."""

    def __init__(self, function: Callable[[Any], Any], request: PoolRequest) -> None:
        self.function, self.request = function, request
        self.running: dict[Any, _Sent] = {}
        self.answers: deque[tuple[Any, Any]] = deque()
        self.groups: dict[Any, list[Any]] = {}
        self.seconds: dict[Any, float] = {}
        self.latest: Any = None
        self.shipped: dict[Any, Shipped] = {}
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
        self.remote = ray.remote(max_retries=0)(serve)
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
            option = f"--address {where}" if self.request.address else f"--executor ray: no cluster at {where}"
            form = " (expected HOST:PORT)" if self.request.address and ":" not in self.request.address else ""
            raise ConfigError(f"{option}: {lines[0]}{form}{advice}") from None

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
        return self._messages * self._together(self.latest)

    @property
    def _messages(self) -> int:
        """Return how many messages keep the workers busy."""
        ahead = self.bounded and self.seconds.get(self.latest, SHORT) < SHORT
        return self.request.workers * (AHEAD if ahead else 1)

    def submit(self, task: Any, limit: float | None = None) -> None:
        """Send a task to the cluster, with others like it where such tasks take next to no time.

        One that asks for more than a node of this machine's own cluster has is answered by a `ConfigError`. In one
        that was there already it waits: nodes may be added when they are asked for.
        """
        if lack := self._remote(task)[1]:
            self.answers.append((task, ConfigError(lack)))
            return
        kind = _kind(task)
        if limit is not None or (most := self._together(kind)) == 1:
            self._send([task], limit)
            return
        group = self.groups.setdefault(kind, [])
        group.append(task)
        if len(group) >= most:
            self._send(self.groups.pop(kind))

    def _together(self, kind: Any) -> int:
        """Return how many tasks of a kind go in a message: one until it is known how long they take.

        One too in a cluster that was there already: the tasks of a message share a core, and others may be free there.
        """
        if not self.bounded or kind not in self.seconds:
            return 1
        return max(1, min(MOST, int(FILL / max(self.seconds[kind], 1e-9))))

    def _send(self, tasks: Sequence[Any], limit: float | None = None) -> None:
        first = tasks[0]
        absolute = [self._absolute(task) for task in tasks]
        reference = self._remote(first)[0].remote(self.function, absolute, self._ship(first))
        self.running[reference] = _Sent(tasks, time.monotonic(), limit)

    def _remote(self, task: Any) -> tuple[Any, str]:
        """Return the remote function with the resources of a task, and what no node has enough of."""
        declared = _declared(task)
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
        while not self.answers:
            while self.groups and len(self.running) < self._messages:  # else they may wait for more of their kind
                self._send(self.groups.pop(next(iter(self.groups))))
            deadline = min(sent.end for sent in self.running.values())
            left = None if deadline == float("inf") else max(0.0, deadline - time.monotonic())
            ready, _ = self.ray.wait(list(self.running), num_returns=1, timeout=left)
            for reference in ready:
                self._receive(self.running.pop(reference), reference)
            for reference, sent in list(self.running.items()):
                if sent.end <= time.monotonic():
                    del self.running[reference]
                    self.ray.cancel(reference, force=True)
                    self.ray.wait([reference], timeout=LEFT)
                    self._answer(sent.tasks, TaskTimeoutError(f"stopped after {sent.limit:.3g} s"))
        return self.answers.popleft()

    def _receive(self, sent: _Sent, reference: Any) -> None:
        """Take a message's answers; what has none, through no fault of its own, is sent again."""
        try:
            answers, seconds = self.ray.get(reference)
        except self.ray.exceptions.RayError as error:
            if len(sent.tasks) == 1:
                lines = str(error).strip().splitlines() or [type(error).__name__]
                died = WorkerDiedError(f"its Ray worker ended ({type(error).__name__}: {lines[0][:200]})")
                self._answer(sent.tasks, died)
                return
            for task in sent.tasks:  # by itself: one of them ended the worker
                self._send([task])
            return
        self.latest = _kind(sent.tasks[0])
        self.seconds.pop(self.latest, None)
        if sent.limit is None:  # else a task's time would pass while it waits
            self.seconds[self.latest] = seconds
        for task, (answer, folder) in zip(sent.tasks, answers, strict=True):
            if answer is None:
                self._pack(task)
                self._send([task], sent.limit)
                continue
            if folder is not None:
                unpack(folder, task.directory)
            found = unpacked(answer)
            self._answer([task], replace(found, directory=task.directory) if hasattr(found, "directory") else found)

    def _answer(self, tasks: Sequence[Any], answer: Any) -> None:
        self.answers += [(task, answer) for task in tasks]

    def _ship(self, task: Any) -> Shipped | None:
        """Return how a worker finds out whether it sees the workspace, and what it gets where it does not."""
        setting = getattr(task, "setting", None)
        if setting is None:
            return None
        if setting not in self.shipped:
            mark = Path(setting.cache) / f".seen-{uuid.uuid4().hex}"
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()
            self.shipped[setting] = Shipped(mark)
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
                packed = pack(Path(path))
                shipped.packed[name] = (hashlib.sha256(packed).hexdigest(), self.ray.put(packed))


@dataclass(frozen=True)
class _Sent:
    """A message on its way: its tasks, when it was sent, and how many seconds it may take."""

    tasks: Sequence[Any]
    begun: float
    limit: float | None

    @property
    def end(self) -> float:
        """When it is stopped."""
        return float("inf") if self.limit is None else self.begun + self.limit


def _declared(task: Any) -> Resources:
    declared: Resources = getattr(getattr(task, "strategy", None), "resources", Resources())
    return declared


def _kind(task: Any) -> Any:
    """Return what tasks have in common that take about as long, ask for the same and share what is shipped."""
    label = getattr(getattr(task, "strategy", None), "label", None)
    return type(task), getattr(task, "setting", None), label, _declared(task)


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
