"""Calls of a site's client: what it prints is kept, what it raises becomes one line without credentials."""

from __future__ import annotations

import contextlib
import io
import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.errors import HarnessError

HIDDEN = "***"
# what stands behind a signed address, and any header or parameter that proves who one is
_QUERY = re.compile(r"(?<=\S)\?[^\s'\")]+")
_ASSIGNED = re.compile(r"""(?i)((?:auth[-_]?token|authorization|password|api[-_]?key)["']?\s*[:=]\s*["']?)[^\s"',}]+""")


class SiteError(HarnessError):
    """A site, or its client, refuses."""


class SitePausedError(SiteError):
    """A site asks to wait: too many requests."""


@dataclass(frozen=True)
class Calls:
    """How one site is spoken to.

    Attributes
    ----------
    site : str
        As a person calls it.
    credentials : str
        What to do where the site does not know the user.
    page : str
        Where a competition's rules are accepted; ``{competition}`` in it is replaced.
    secrets : tuple of str
        Never shown.
    """

    site: str
    credentials: str
    page: str
    secrets: tuple[str, ...] = ()

    @contextlib.contextmanager
    def told(self, what: str, competition: str = "") -> Iterator[io.StringIO]:
        """Run a client's code in silence; yield what it prints.

        Raises
        ------
        SiteError
            For whatever the client raises, SystemExit too: in one line, with what to do.
        """
        said = io.StringIO()
        try:
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), _unlogged():
                yield said
        except (HarnessError, KeyboardInterrupt):
            raise
        # a client ends the program where it lacks credentials, and raises bare exceptions
        except (Exception, SystemExit) as error:
            # the cause would show the request, and with it what is hidden here
            raise self.error(what, error, competition) from None

    def error(self, what: str, error: BaseException, competition: str = "") -> SiteError:
        """Return an exception of a client as an error of one line."""
        code = getattr(getattr(error, "response", None), "status_code", None)
        reason = self.hidden(_reason(error))
        told = f"{self.site} refuses {what}"
        page = self.page.format(competition=competition or "...")
        if code == 401:
            return SiteError(f"{told}: it does not know these credentials (401); {self.credentials}")
        if code == 403:
            return SiteError(f"{told} (403: {reason}); join the competition and accept its rules first: {page}")
        if code == 404:
            return SiteError(f"{told}: it has no {competition or 'such competition'!r} (404); see [site] id and {page}")
        if code == 429:
            return SitePausedError(f"{told}: too many requests (429); its limit is reached, try again later")
        kind = f"{code}: " if code else ""
        return SiteError(f"cannot do {what} at {self.site}: {kind}{reason}")

    def hidden(self, text: str) -> str:
        """Return a text in one line without credentials."""
        line = " ".join(text.split())
        for secret in sorted(self.secrets, key=len, reverse=True):
            line = line.replace(secret, HIDDEN)
        return _ASSIGNED.sub(lambda found: found[1] + HIDDEN, _QUERY.sub("?" + HIDDEN, line))[:300]


def _reason(error: BaseException) -> str:
    """Return what a client's exception says: the site's own words where it has some."""
    response = getattr(error, "response", None)
    with contextlib.suppress(Exception):  # an answer of another form has no words of its own
        said = response.json()  # type: ignore[union-attr]
        return str(said["message"])
    return str(error) or type(error).__name__


@contextlib.contextmanager
def _unlogged() -> Iterator[None]:
    """Keep clients and what they are built on from logging requests, in which there are secrets."""
    names: Iterable[str] = ("urllib3", "requests", "kaggle", "kagglesdk", "zindi")
    before = {name: logging.getLogger(name).level for name in names}
    for name in before:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
