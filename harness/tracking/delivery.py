"""Delivers a journal to MLflow: in order, and everything once, however often it is interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from harness.errors import StoreError
from harness.tracking.about import About
from harness.tracking.journal import CLOSED, SPOOL, SUFFIX, Journal
from harness.tracking.owner import is_another_alive, is_elsewhere
from harness.tracking.recorder import Event, Recorder
from harness.tracking.redact import redact
from harness.tracking.stored import GoneError

REFUSED = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST")
"""MLflow's codes for what it will not take the next time either."""


class InUseError(StoreError):
    """Another process writes or delivers a journal."""


class Delivery:
    """The way of one journal to MLflow.

    Parameters
    ----------
    uri : str
        Where it goes, with credentials.
    beat : callable, optional
        Called whenever something was written; may raise to stop.

    Attributes
    ----------
    closed : bool
        Whether the command's last event is delivered.
    lost : list of str
        Why events could not be delivered that never can be: their run is gone, or MLflow refuses them.
    """

    def __init__(self, journal: Journal, uri: str, beat: Callable[[], None] = lambda: None) -> None:
        self.journal, self.uri, self.beat = journal, uri, beat
        self.closed = False
        self.lost: list[str] = []
        self.delivered = 0
        self.experiment_id: str | None = None
        self._recorder: Recorder | None = None
        self._position = self._settled = 0

    def advance(self) -> int:
        """Deliver what is there and not delivered yet, and return how many events that were.

        Raises
        ------
        Exception
            Whatever MLflow raises; the next call goes on from what was acknowledged.
        """
        try:
            recorder = self._recorder or self._open()
            count = 0
            for event, end in self.journal.lines(self._position):
                self._apply(recorder, event)
                self._position = end
                self.closed = self.closed or event["event"] == CLOSED
                count += event["event"] != CLOSED
        except BaseException:
            self._recorder = None  # what it believes MLflow to hold may be wrong now
            raise
        return count

    def settle(self) -> None:
        """Write what is kept back, and acknowledge everything.

        Raises
        ------
        Exception
            As `advance`.
        """
        if self._recorder is None or self._position == self._settled:
            return
        try:
            self._recorder.flush()
        except BaseException:
            self._recorder = None
            raise
        self.journal.acknowledge(self._position)
        self._settled = self._position

    def end(self) -> Path | None:
        """Deliver all of a journal that nobody writes any more, and remove it.

        Runs that a killed command left open are marked as killed, at the time of its last event.

        Returns
        -------
        Path or None
            Where it was put if some of its events can never be delivered.
        """
        self.delivered = max(self.delivered, self.journal.waiting())
        self.advance()
        if not self.closed:
            self._kill()
        self.settle()
        return self.put_away()

    def put_away(self) -> Path | None:
        """Remove a journal that is delivered; one that lost something is moved, and the place returned."""
        if self.lost:
            return self.journal.set_aside()
        self.journal.remove()
        return None

    def _kill(self) -> None:
        last = max(
            (int(line.event["at"]) for line in self.journal.lines()), default=int(self.journal.header["created"])
        )
        try:
            if self._recorder is not None:
                self._recorder.killed(last)
        except BaseException:
            self._recorder = None
            raise

    def _open(self) -> Recorder:
        journal = self.journal
        about = About.from_json(journal.header["about"])
        recorder = Recorder(self.uri, about, journal.name, journal.workspace, self.beat)
        recorder.open()
        self._position = self._settled = journal.acknowledged()
        for event, end in journal.lines():
            if end > self._position:
                break
            self._try(recorder.recall, event)
        self._recorder, self.experiment_id = recorder, recorder.experiment_id
        return recorder

    def _apply(self, recorder: Recorder, event: Event) -> None:
        try:
            self._try(recorder.apply, event)
        except Exception as error:
            if getattr(error, "error_code", None) not in REFUSED:
                raise
            self._lose(redact(error, self.uri)[:200])

    def _try(self, step: Callable[[Event], None], event: Event) -> None:
        try:
            step(event)
        except GoneError as error:
            self._lose(str(error))

    def _lose(self, reason: str) -> None:
        if reason not in self.lost:
            self.lost.append(reason)


def waiting(workspace: Path) -> list[Path]:
    """Return the journals of a workspace, oldest first."""
    return sorted((workspace.resolve() / SPOOL).glob(f"*{SUFFIX}"))


@contextmanager
def held(journal: Journal) -> Iterator[None]:
    """Hold a journal that its command has left.

    Raises
    ------
    InUseError
        If its command still runs, or somebody delivers it, or it belongs to another host and has no end.
    """
    owner = journal.header["owner"]
    lock = FileLock(journal.lock_path, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InUseError(f"pid {owner['pid']} on {owner['host']} writes it, or another command delivers it") from None
    try:
        if journal.path.exists():
            if is_another_alive(owner):
                raise InUseError(f"pid {owner['pid']} on this host still writes it")
            if is_elsewhere(owner) and not any(line.event["event"] == CLOSED for line in journal.lines()):
                raise InUseError(f"it belongs to pid {owner['pid']} on {owner['host']}; run there: harness sync")
        yield
    finally:
        lock.release()
        if not journal.path.exists():
            journal.forget_lock()
