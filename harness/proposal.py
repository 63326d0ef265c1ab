"""What a plugin proposes for files that it has never seen: how they are read, what they ask, what to train."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.competition import Strategy
from harness.data import TaskType
from harness.errors import PluginError


@dataclass(frozen=True)
class Given:
    """What a person points at, and what they decide themselves; empty where they leave it to the plugins.

    Attributes
    ----------
    train, test, sample : Path
        Files or folders that exist, as absolute paths; `sample` is a sample submission.
    target, id, group, time : str
        Names of columns, in data that has such.
    task : TaskType or None
    """

    train: Path
    test: Path | None = None
    sample: Path | None = None
    target: str = ""
    id: str = ""
    group: str = ""
    time: str = ""
    task: TaskType | None = None


@dataclass(frozen=True)
class Chosen:
    """A value with its reason, which becomes a comment above it.

    Attributes
    ----------
    value : object
        As TOML holds it.
    why : str
        One line; empty for what needs no reason.
    used : bool
        False: it is written as a comment, an alternative that a person may take.
    """

    value: Any
    why: str = ""
    used: bool = True


@dataclass(frozen=True)
class Proposal:
    """How a plugin would make a competition of the files.

    Attributes
    ----------
    source : str
        Name of the data source that reads them.
    about : str
        What they are, in a few words: ``a table of 142 rows and 13 columns``.
    sure : float
        From 0 (at a pinch) to 1 (nothing else can read them); the surest proposal is taken.
    path : Path
        File or folder that the source is given.
    task : Chosen
        The task type.
    params : mapping of str to Chosen
        Parameters of the source, in the order in which they are written.
    strategies : tuple of Strategy
        What to train, quick ones; ``named_only`` for what takes long. `Strategy.description` says what each is.
    id : str
        What a column of ids is called in a submission where no sample file says it.
    target : str
        What a column of numbers is called there.
    notes : tuple of str
        What a person must know of the data, a line each.
    """

    source: str
    about: str
    sure: float
    path: Path
    task: Chosen
    params: Mapping[str, Chosen]
    strategies: tuple[Strategy, ...]
    id: str = "id"
    target: str = "target"
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        """Refuse a proposal that nothing could be made of."""
        if not 0 <= self.sure <= 1 or not self.strategies or not isinstance(self.task.value, TaskType):
            raise PluginError(
                f"proposal of {self.source!r}: expected sure from 0 to 1, a task type and at least one strategy"
            )
