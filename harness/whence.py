"""Which run made a submission: found by fingerprints, then compared cell by cell with the nearest ones only."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import SubmissionError, listed
from harness.fingerprint import FILE, fingerprint_of, keep_fingerprint, read_fingerprint
from harness.store import Workspace
from harness.submission_file import read_submission
from harness.submission_match import Candidate, Match, Query, compare

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SUBMISSION = "submission.csv"
NEAREST = 6
"""So many submissions are read whole and compared."""
MOST_COLUMNS = 50
"""Columns up to which exchanged ones are looked for."""


@dataclass(frozen=True)
class Whence:
    """Where a file comes from.

    Attributes
    ----------
    match : Match or None
        The nearest run, close or not; None if no run has rows of the same ids.
    also : tuple of str
        Other runs whose submission is the same as that one's, by name.
    searched : int
        Submissions of runs that were looked at.
    read : int
        Those that had no fingerprint and were read whole.
    hint : str
        Where nothing is close: a run whose file this would be but for other names of columns, exchanged columns, or
        values under other ids; empty if there is none.
    """

    match: Match | None
    also: tuple[str, ...]
    searched: int
    read: int
    hint: str = ""

    @property
    def verdict(self) -> str:
        """As `Match.verdict`."""
        return self.match.verdict if self.match is not None else "none"


def find_run_of(workspace: Workspace, file: Path) -> Whence:
    """Find the run that made a file.

    Raises
    ------
    SubmissionError
        If the file cannot be read as a table.
    """
    query = Query(file, read_submission(file).frame)
    found = list(candidates(workspace))
    ranked = sorted(
        ((nearness(query, one), one) for one in found), key=lambda pair: (pair[0], pair[1].name), reverse=True
    )
    ranked = [(near, one) for near, one in ranked if near[0] > 0]
    compared: list[tuple[Match, Candidate]] = []
    for (near, _), one in ranked[:NEAREST]:
        if not compared or _may_beat(near, len(one.print.sample), max(match.share for match, _ in compared)):
            compared.append((compare(query, one), one))
    read = sum(one.was_read for one in found)
    if not compared:
        return Whence(None, (), len(found), read, _hint(query, found))
    match, best = max(compared, key=lambda pair: (pair[0].share, pair[0].verdict == "identical"))
    twins = [one.name for one in found if one.print.content == best.print.content]
    alike = [other.name for other, _ in compared if other.whole and match.whole]
    also = tuple(sorted({*twins, *alike} - {match.name}))
    return Whence(match, also, len(found), read, _hint(query, found) if match.verdict == "none" else "")


def _hint(query: Query, found: Sequence[Candidate]) -> str:
    """Return what is wrong with a file that would else be a run's, as far as the samples of rows tell."""
    for one in found:
        key, rows = query.place(one.print)
        if not (rows >= 0).all():
            continue
        ours, theirs = sorted(one.print.columns), [str(name) for name in query.frame.columns if name != key]
        if not set(ours) & set(theirs):
            called = f"the columns are called {listed(theirs)} (expected {listed(ours)})"
            return f"the ids are those of {one.path.parent.parent.name}, but {called}"
        if set(ours) != set(theirs) or one.print.texts or len(ours) > MOST_COLUMNS:
            continue
        same = {name: [other for other in ours if _fits(query, one, name, other, rows)] for name in ours}
        if all(same.values()):
            moved = [name for name in ours if name not in same[name]]
            return f"the rows are those of {one.name}, but with columns exchanged: {listed(moved)}"
        if all(math.isclose(query.number(name)[3], one.print.means[name], rel_tol=1e-9) for name in ours):
            return f"the values seem to be those of {one.name}, but under other ids"
    return ""


def _fits(query: Query, one: Candidate, name: str, other: str, rows: NDArray[np.int64]) -> bool:
    """Whether a column of the file holds, in the sampled rows, what another of the run does."""
    import numpy as np

    cells, room, _, _ = query.number(other)
    return bool((np.abs(cells[rows] - one.print.numbers[name]) <= room[rows]).all())


def _may_beat(share: float, sampled: int, best: float) -> bool:
    """Whether a submission may have as many equal rows as the best so far: its sample's share and 4 standard errors."""
    return share + 4 * math.sqrt(best * (1 - best) / sampled) >= best


def candidates(workspace: Workspace) -> Iterator[Candidate]:
    """Return the submission of every run in the workspace with its fingerprint, made now where there was none."""
    for path in sorted((workspace.root / "runs").glob(f"*/*/{SUBMISSION}")):
        size = path.stat().st_size
        stored = read_fingerprint(path.with_name(FILE), size)
        if stored is not None:
            yield Candidate(path, stored, False)
            continue
        try:
            made = fingerprint_of(read_submission(path).frame, size)
        except SubmissionError:  # a run whose file is damaged made nothing that could be recognised
            continue
        keep_fingerprint(path, made)
        yield Candidate(path, made, True)


def nearness(query: Query, one: Candidate) -> tuple[float, float]:
    """Return how near a run's submission is by its sample, higher is nearer.

    Returns
    -------
    share : float
        Of the sampled rows, those that the file has with equal values; 0 if it has none of their ids or no column.
        Those with the same id only count a little, so that a file of other values still has a nearest run.
    distance : float
        Minus the mean distance of values; of columns' means, where the samples are equal.
    """
    import numpy as np

    stored = one.print
    key, rows = query.place(stored)
    names = [name for name in stored.columns if name in query.frame.columns and name != key]
    if not (rows >= 0).any() or not names:
        return 0.0, 0.0
    equal, apart, away = rows >= 0, np.zeros(len(rows)), 0.0
    for name in names:
        if name in stored.texts:
            same = query.hash(name)[rows] == stored.texts[name]
            apart += ~same
        else:
            cells, room, _, mean = query.number(name)
            own = stored.numbers[name]
            gap = np.abs(cells[rows] - own)
            same = (gap <= room[rows]) | (np.isnan(cells[rows]) & np.isnan(own))
            apart += np.nan_to_num(gap)
            away += abs(mean - stored.means[name])
        equal = equal & same
    share = float(equal.mean())
    known = float((rows >= 0).mean())
    return share + 1e-6 * known, -(float(apart[rows >= 0].mean()) + away)
