"""Delivers what earlier commands of a workspace could not, oldest first."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import StoreError, listed
from harness.store import locked
from harness.tracking.delivery import Delivery, InUseError, held, waiting
from harness.tracking.journal import SPOOL, DamagedError, Journal
from harness.tracking.owner import is_another_alive, is_elsewhere
from harness.tracking.redact import reason_of, shown_uri
from harness.tracking.server import place_of

ATTEMPTS = 4
"""Of a journal: a database may be locked for a moment."""


@dataclass(frozen=True)
class Delivered:
    """What became of one journal.

    Attributes
    ----------
    events : int
        How many were delivered, or wait.
    state : str
        ``delivered``; ``in use`` by a command that delivers it itself; ``other server``; ``waits``, ``incomplete`` or
        ``damaged`` if something is left undone.
    problem : str
        One line; empty if there is none.
    """

    journal: str
    competition: str
    uri: str
    events: int
    state: str
    problem: str = ""

    @property
    def is_failure(self) -> bool:
        """Whether a person has something to mend."""
        return self.state in ("waits", "incomplete", "damaged")


def sync(workspace: Path, uri: str | None = None, told: Callable[[str], None] = lambda _: None) -> list[Delivered]:
    """Deliver every waiting journal of a workspace, each event once.

    Parameters
    ----------
    uri : str, optional
        Deliver only what is meant for this server, with these credentials.
    told : callable
        Gets the name of each journal before it is delivered.

    Raises
    ------
    StoreError
        If another ``harness sync`` is at work.
    """
    if not waiting(workspace):
        return []
    found, away = [], set[str]()
    with locked(workspace.resolve() / SPOOL):
        for path in waiting(workspace):
            told(path.name)
            done = _journal(path, uri, away)
            if done is not None:
                found.append(done)
                away |= {done.uri} if done.state == "waits" else set()
    return found


def _journal(path: Path, uri: str | None, away: set[str]) -> Delivered | None:
    try:
        journal = Journal.read(path)
    except StoreError as error:
        # a command may have ended, and with it its journal, since the folder was read
        state = "damaged" if isinstance(error, DamagedError) else "waits"
        return Delivered(path.name, "?", "?", 0, state, str(error)) if path.exists() else None
    shown = shown_uri(journal.uri)
    full = next((given for given in _given(uri) if place_of(given) == place_of(journal.uri)), None)
    competition = str(journal.header["about"]["id"])

    def report(state: str, events: int = 0, problem: str = "") -> Delivered:
        return Delivered(path.name, competition, shown, events, state, problem)

    if uri is not None and full is None:
        return report("other server", problem=f"without --tracking-uri it is delivered to {shown}")
    delivery = Delivery(journal, full or journal.uri)
    try:
        with held(journal):
            if not path.exists():
                return None
            count = journal.waiting()
            if shown in away:  # what came before it is not there yet
                return report("waits", count, "after those before it")
            problem = _end(delivery)
    except InUseError as error:
        return report("in use" if _is_live(journal) else "waits", problem=str(error))
    except DamagedError as error:
        return report("damaged", problem=str(error))
    if problem:
        return report("waits", journal.waiting(), problem)
    if delivery.lost:
        return report("incomplete", delivery.delivered, f"{listed(delivery.lost, 2)}; the journal is in spool/aside")
    return report("delivered", delivery.delivered)


def _end(delivery: Delivery) -> str:
    """Deliver a journal, and return why that could not be."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            delivery.end()
        except DamagedError:
            raise
        except Exception as error:  # whatever MLflow and the network raise
            if attempt == ATTEMPTS:
                return reason_of(error, delivery.uri)
            time.sleep(0.25 * 2**attempt)
        else:
            return ""
    raise AssertionError("unreachable")


def _given(uri: str | None) -> Sequence[str]:
    return [uri] if uri is not None else [given] if (given := os.environ.get("MLFLOW_TRACKING_URI")) else []


def _is_live(journal: Journal) -> bool:
    owner = journal.header["owner"]
    return is_another_alive(owner) or (not is_elsewhere(owner) and owner["pid"] == os.getpid())
