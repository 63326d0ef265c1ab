"""A finding about a data set: what lets a score look better than it is, or what a reader of scores should know."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.errors import PluginError

KINDS = {
    "id-order": "ids, read as numbers, tell the target, and those of the test set lie among them",
    "id-text": "the text of ids tells the target, and that of the test set's does too",
    "row-order": "the order of the training rows tells the target; nothing shows that the test set's could",
    "id-as-input": "an input column numbers the rows",
    "file-size": "the size of a row's file tells the target",
    "file-time": "the time of a row's file tells the target",
    "file-name": "the name of a row's file tells the target",
    "target-copy": "one column nearly gives the target",
    "future-feature": "a column holds what is known only after the row's time, or for training rows only",
    "duplicates": "the same rows, files or texts stand on both sides",
    "near-duplicates": "rows, texts or pictures that are nearly the same stand on both sides",
    "group-overlap": "groups straddle in another way than they do between train and test",
    "later-test": "the test set is later than training, validated rows are not",
    "shift": "train and test are told apart by their inputs",
}
"""Kinds of the harness's own findings; a plugin's begin with its name and a dot."""


class Severity(StrEnum):
    """How much a finding matters, from most to least.

    ``leak``
        Scores would be too good, or the test set's answers can be read off; ``harness check`` exits with 1.
    ``warning``
        It may be harmless, and a person should look.
    ``note``
        Worth knowing.
    """

    LEAK = "leak"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes
    ----------
    kind : str
        One of `KINDS`, or a plugin's own, ``<plugin>.<kind>``; what ``[leaks] accepted`` names.
    what : str
        One line with its evidence in words.
    measure : str
        Name of the number that is the evidence: ``auc``, ``share of rows``.
    value : float or None
        That number.
    names : tuple of str
        The columns, ids, groups or files concerned; the first few of many.
    advice : str
        What to do.
    source : str
        The plugin that found it; empty: the harness.
    accepted : str
        The competition's reason to live with it.
    """

    kind: str
    severity: Severity
    what: str
    advice: str
    measure: str = ""
    value: float | None = None
    names: tuple[str, ...] = ()
    source: str = ""
    accepted: str = ""

    def __post_init__(self) -> None:
        """Refuse a kind that is neither the harness's nor has a plugin's name in front."""
        if self.kind not in KINDS and "." not in self.kind:
            raise PluginError(f"finding {self.kind!r}: expected a kind of the harness's, or one named <plugin>.<kind>")

    @property
    def is_open(self) -> bool:
        """Whether it is a leak that nobody accepted."""
        return self.severity is Severity.LEAK and not self.accepted
