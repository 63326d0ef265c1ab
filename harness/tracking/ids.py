"""Which MLflow runs belong to a run directory: ``tracking.json``, so that a resumed run goes on and never doubles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import StoreError
from harness.files import read_json, write_json
from harness.results import Run
from harness.tracking.journal import SPOOL
from harness.tracking.redact import shown_uri

FILE = "tracking.json"


@dataclass
class Ids:
    """MLflow run ids of one run.

    Attributes
    ----------
    parent : str or None
    folds : dict of str to str
        By fold number.
    """

    path: Path
    uri: str
    experiment: str
    parent: str | None = None
    folds: dict[str, str] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def held(cls, workspace: Path) -> Iterator[None]:
        """Let one command of a workspace at a time make parent runs: commands share their baselines.

        Raises
        ------
        TimeoutError
            If another one does not come to an end.
        """
        from filelock import FileLock

        folder = workspace / SPOOL
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".ids.lock", timeout=60):
            yield

    @classmethod
    def read(cls, run: Run, uri: str, experiment: str) -> Ids:
        """Read the ids of a run; empty if it was tracked elsewhere, or never."""
        ids = cls(run.directory / FILE, uri, experiment)
        if not ids.path.exists():
            return ids
        try:
            known = read_json(ids.path)
        except StoreError:
            return ids  # a damaged file costs a second MLflow run, never the training
        if isinstance(known, dict) and (known.get("uri"), known.get("experiment")) == (shown_uri(uri), experiment):
            ids.parent, ids.folds = known.get("parent"), dict(known.get("folds") or {})
        return ids

    def write(self) -> None:
        """Store the ids beside the run."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        known = {"uri": shown_uri(self.uri), "experiment": self.experiment, "parent": self.parent, "folds": self.folds}
        write_json(self.path, known)
