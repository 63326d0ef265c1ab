"""What a site can do for the harness, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from urllib.request import Request

PENDING: Literal["pending"] = "pending"


@dataclass(frozen=True)
class Remote:
    """A file that a site serves.

    Attributes
    ----------
    url : str
        May hold a secret in its query, which is never shown.
    sign : callable or None
        Adds to a request what proves who one is, in a way that no redirection takes elsewhere
        (`urllib.request.Request.add_unredirected_header`).
    """

    url: str
    sign: Callable[[Request], None] | None = None


@dataclass(frozen=True)
class Standing:
    """What a site says of a submission.

    Attributes
    ----------
    public, private : float or None
        Scores on the parts of the test set; None as long as the site shows none.
    message : str
        Why it could not be scored.
    """

    status: Literal["pending", "complete", "error"]
    public: float | None = None
    private: float | None = None
    message: str = ""


class SiteClient(Protocol):
    """A site opened with the user's credentials.

    Every method raises a `harness.errors.HarnessError` of one line, without credentials, where the site refuses.
    """

    def files(self, competition: str) -> Mapping[str, Remote]:
        """Return the files of a competition by the name that each is to have."""

    def left(self, competition: str) -> int | None:
        """Return how many submissions are allowed today; None if the site does not tell."""

    def submit(self, competition: str, file: Path, message: str) -> str:
        """Send a submission, once, and return the site's id of it."""

    def look(self, competition: str, submission: str) -> Standing:
        """Return how a submission stands now."""
