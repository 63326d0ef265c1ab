"""What was sent to a site, kept in the folder of the run that it is of: ``site.json``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.errors import StoreError
from harness.files import read_json, write_json

FILE = "site.json"


@dataclass(frozen=True)
class Sent:
    """A submission that a site took.

    Attributes
    ----------
    site, competition : str
        As ``[site]`` has them.
    submission : str
        The site's id of it.
    sha256 : str
        Of the file.
    verdict : str
        How the file compares with the run's own: ``identical``, ``same`` (order, rounding), ``edited``.
    sent : str
        When, ISO 8601 in UTC.
    status : str
        ``pending``, ``complete`` or ``error``.
    error : str
        Why the site could not score it.
    """

    site: str
    competition: str
    submission: str
    message: str
    file: str
    sha256: str
    verdict: str
    sent: str
    status: str = "pending"
    public: float | None = None
    private: float | None = None
    error: str = ""


def read_sent(run: Path) -> tuple[Sent, ...]:
    """Read what was sent of a run, oldest first.

    Raises
    ------
    StoreError
        If the file is damaged.
    """
    path = run / FILE
    if not path.is_file():
        return ()
    try:
        return tuple(Sent(**one) for one in read_json(path)["submissions"])
    except (KeyError, TypeError) as error:
        raise StoreError(f"{path} is damaged ({error}); move it away: its scores are on the site too") from None


def write_sent(run: Path, sent: Sequence[Sent]) -> None:
    """Write what was sent of a run, atomically."""
    write_json(run / FILE, {"format": 1, "submissions": [asdict(one) for one in sent]})


def public_score(run: Path) -> float | None:
    """Return the public score of the newest submission that has one; an edited file's is not the run's."""
    scored = [one.public for one in read_sent(run) if one.public is not None and one.verdict != "edited"]
    return scored[-1] if scored else None
