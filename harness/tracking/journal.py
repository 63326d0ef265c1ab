"""One command's events on disk, until MLflow has them: one JSON line each, after a line that says whose they are.

::

    <workspace>/spool/<time>-<pid>-<random>.jsonl   header, then events; removed once everything is delivered
                                           .ack     up to which byte they are delivered
                                           .lock    held by the process that writes or delivers them
"""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import StoreError
from harness.files import read_json, write_json, write_text
from harness.tracking.owner import this_process
from harness.tracking.server import database_path, place_of

FORMAT = 1
SPOOL, ASIDE, SUFFIX = "spool", "aside", ".jsonl"
CLOSED = "closed"
"""The last event of a command that ended in order."""


class DamagedError(StoreError):
    """A line of a journal cannot be read."""


class Line(NamedTuple):
    """An event and the byte after it."""

    event: dict[str, Any]
    end: int


class Journal:
    """A file of events that is appended to by one command and read by whoever delivers it.

    Attributes
    ----------
    name : str
        Unique; begins with the time, so that names sort by age.
    header : mapping
        ``format``, ``uri`` (without credentials), ``database`` (relative to the workspace, where it lies within),
        ``about`` (see `harness.tracking.about.About`), ``owner`` (pid, host, start), ``created`` (milliseconds).
    """

    def __init__(self, path: Path, header: Mapping[str, Any], start: int) -> None:
        self.path, self.header, self.start = path, header, start
        self._append = threading.Lock()

    @classmethod
    def create(cls, workspace: Path, uri: str, about: Mapping[str, Any]) -> Journal:
        """Begin a journal in a workspace's spool.

        Raises
        ------
        StoreError
            If it cannot be written.
        """
        database, root = database_path(uri), workspace.resolve()
        within = database is not None and database.is_relative_to(root)
        at = time.time_ns() // 1_000_000
        header = {
            "format": FORMAT,
            "uri": "" if within else place_of(uri),
            "database": database.relative_to(root).as_posix() if within and database is not None else None,
            "about": dict(about),
            "owner": this_process(),
            "created": at,
        }
        path = root / SPOOL / f"{at:013}-{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
        line = json.dumps(header) + "\n"
        write_text(path, line)  # whole or absent: a journal without its header could not be told from a damaged one
        return cls(path, header, len(line.encode()))

    @classmethod
    def read(cls, path: Path) -> Journal:
        """Open a journal that is there.

        Raises
        ------
        StoreError
            If its first line cannot be read (`DamagedError`), or a newer version of the harness wrote it.
        """
        try:
            with path.open("rb") as file:
                line = file.readline()
            header = json.loads(line)
            found = int(header["format"])
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror}") from None
        except (ValueError, KeyError, TypeError):
            raise DamagedError(
                f"{path}, line 1, is damaged: expected what the journal is of; remove the file"
            ) from None
        if found > FORMAT:
            raise StoreError(f"{path} was written by a newer harness (format {found}, this one reads up to {FORMAT})")
        return cls(path, header, len(line))

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.path.stem

    @property
    def workspace(self) -> Path:
        """The workspace it lies in."""
        return self.path.parent.parent

    @property
    def uri(self) -> str:
        """Where it is to be delivered, without credentials."""
        inside = self.header.get("database")
        return f"sqlite:///{(self.workspace / inside).as_posix()}" if inside else str(self.header["uri"])

    @property
    def lock_path(self) -> Path:
        """The file whose lock says that somebody writes or delivers it."""
        return self.path.with_suffix(".lock")

    def append(self, event: Mapping[str, Any]) -> None:
        """Add an event: whole, or not at all.

        Raises
        ------
        OSError
            If the system refuses; the file then ends as it did before.
        """
        line = (json.dumps(event, allow_nan=True) + "\n").encode()
        with self._append:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND)
            try:
                before = os.fstat(descriptor).st_size
                # what a full disk cuts off would damage the line that follows it
                try:
                    if os.write(descriptor, line) != len(line):
                        raise OSError("no space left for an event")
                except OSError:
                    os.ftruncate(descriptor, before)
                    raise
            finally:
                os.close(descriptor)

    def lines(self, begin: int = 0) -> Iterator[Line]:
        """Yield events from a byte on; a last line that is not whole is left out.

        Raises
        ------
        DamagedError
            Naming file and line, if any but the last cannot be read.
        """
        with self.path.open("rb") as file:
            file.seek(max(begin, self.start))
            position, held = file.tell(), file.read()
        texts = held.split(b"\n")
        for number, text in enumerate(texts[:-1]):
            try:
                event = json.loads(text)
                if not isinstance(event, dict):
                    raise ValueError
            except ValueError:
                # whoever wrote the last line may have been killed within it
                if not any(texts[number + 1 :]):
                    return
                raise DamagedError(self._damaged(position)) from None
            position += len(text) + 1
            yield Line(event, position)

    def _damaged(self, position: int) -> str:
        number = self.path.read_bytes()[:position].count(b"\n") + 1
        return f"{self.path}, line {number}, is damaged: not an event; remove that line, then: harness sync"

    def acknowledged(self) -> int:
        """Return up to which byte it is delivered."""
        path = self.path.with_suffix(".ack")
        try:
            return max(self.start, int(read_json(path)["delivered"])) if path.exists() else self.start
        except (StoreError, KeyError, TypeError, ValueError):
            return self.start  # what is delivered a second time is not written a second time

    def acknowledge(self, end: int) -> None:
        """Note that everything before a byte is delivered."""
        write_json(self.path.with_suffix(".ack"), {"delivered": end})

    def waiting(self) -> int:
        """Count the events that are not delivered."""
        return sum(line.event.get("event") != CLOSED for line in self.lines(self.acknowledged()))

    def remove(self) -> None:
        """Remove it with what is beside it; its lock is the last."""
        for path in (self.path, self.path.with_suffix(".ack")):
            path.unlink(missing_ok=True)
        self.forget_lock()

    def forget_lock(self) -> None:
        """Remove the lock of a journal that is gone."""
        with suppress(PermissionError):  # some systems remove no file that is open
            self.lock_path.unlink(missing_ok=True)

    def set_aside(self) -> Path:
        """Move it where nobody delivers it any more, and return where that is."""
        target = self.path.parent / ASIDE / self.path.name
        target.parent.mkdir(exist_ok=True)
        self.path.replace(target)
        self.remove()
        return target
