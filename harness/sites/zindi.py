"""Zindi through its client, https://pypi.org/project/zindi (extra ``zindi``).

Of the client only the calls are used that change nothing but what one asks for: its `Zindian` would join a competition,
and with it accept the rules, while it selects one.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from harness.errors import ConfigError
from harness.sites.client import PENDING, Remote, Standing
from harness.sites.quiet import Calls, SiteError, SitePausedError

if TYPE_CHECKING:
    from urllib.request import Request

API = "https://api.zindi.africa/v1/competitions"
PAGE = "https://zindi.africa/competitions/{competition}"
CREDENTIALS = "set ZINDI_USERNAME and ZINDI_PASSWORD"
MISSING = "Zindi's client is not installed: pip install 'competition-harness[zindi]'"
AGENT = {"User-Agent": "Mozilla/5.0 (competition-harness)"}
DONE = ("successful", "initial")
"""Statuses of a submission that was read; the score comes later."""


class ZindiSite:
    """Zindi with the user's name and password, which its client keeps nowhere: they are read from the environment.

    Raises
    ------
    ConfigError
        If the client or the credentials are missing.
    SiteError
        If Zindi cannot be reached or does not know the user.
    """

    def __init__(self) -> None:
        name, password = os.environ.get("ZINDI_USERNAME", ""), os.environ.get("ZINDI_PASSWORD", "")
        if not name or not password:
            raise ConfigError(f"no credentials of Zindi: {CREDENTIALS}")
        self.calls = Calls("Zindi", CREDENTIALS, PAGE, (password,))
        try:
            from zindi.platform_api import ZindiPlatformAPI
        except ModuleNotFoundError as error:
            lacking = "" if error.name == "zindi" else f" (it lacks {error.name!r})"
            raise ConfigError(MISSING + lacking) from None
        self.api = ZindiPlatformAPI(API, AGENT)
        with self.calls.told("a sign-in"):
            self.token = str(self._call("", self.api.signin, name, password)["auth_token"])
        self.calls = Calls("Zindi", CREDENTIALS, PAGE, (password, self.token))

    def files(self, competition: str) -> Mapping[str, Remote]:
        """Return the files of a competition."""
        with self.calls.told("the list of files", competition):
            about = self._call(competition, self.api.get_competition, self.token, competition)
        names = dict.fromkeys(str(item["filename"]) for item in about.get("datafiles") or ())
        if not names:
            page = PAGE.format(competition=competition)
            raise SiteError(f"Zindi shows no files of {competition!r}; join the competition first: {page}")
        return {name: Remote(f"{API}/{quote(competition)}/files/{quote(name)}", self._sign) for name in names}

    def left(self, competition: str) -> int | None:
        """Return how many submissions are left today."""
        with self.calls.told("the daily limit", competition):
            left = self._call(competition, self.api.get_submission_limits, self.token, competition).get("today")
        return left if isinstance(left, int) else None

    def submit(self, competition: str, file: Path, message: str) -> str:
        """Upload a file."""
        # the client leaves the file to the garbage collector
        with self.calls.told("the submission", competition), warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            answer = self._call(competition, self.api.submit_file, self.token, competition, str(file), message)
        return str(answer["id"])

    def look(self, competition: str, submission: str) -> Standing:
        """Return how a submission stands."""
        with self.calls.told("the score", competition):
            rows = self._call(competition, self.api.get_submission_history, self.token, competition)
        found = next((row for row in rows if str(row.get("id")) == submission), None)
        if found is None:
            return Standing(PENDING)
        if found.get("status") not in DONE:
            reason = str(found.get("status_description") or "no reason given")
            return Standing("error", message=self.calls.hidden(reason))
        public, private = found.get("public_score"), found.get("private_score")
        if public is None and private is None:
            return Standing(PENDING)
        scores = [None if score is None else float(score) for score in (public, private)]
        return Standing("complete", scores[0], scores[1])

    def _call(self, competition: str, call: Any, *given: Any) -> Any:
        """Call the client; an error that the site tells in an answer of its own is raised, by what it means."""
        try:
            answer = call(*given)
        except Exception as error:
            self._refused(competition, str(error))
            raise
        if isinstance(answer, dict) and "errors" in answer:
            self._refused(competition, str(answer["errors"]))
            raise SiteError(f"Zindi refuses: {self.calls.hidden(str(answer['errors']))}")
        return answer

    def _refused(self, competition: str, said: str) -> None:
        """Raise what an answer means; the client loses the code of most."""
        lower, told = said.lower(), self.calls.hidden(said.replace("[ 🔴 ]", ""))
        if any(word in lower for word in ("limit", "429", "too many")):
            raise SitePausedError(f"Zindi's limit of submissions or requests is reached: {told}")
        if any(word in lower for word in ("password", "unauthorized", "401", "invalid token", "sign in")):
            raise SiteError(f"Zindi does not know these credentials: {told}; {CREDENTIALS}")
        if any(word in lower for word in ("join", "rules", "participa", "403", "forbidden")):
            page = PAGE.format(competition=competition)
            raise SiteError(f"Zindi refuses: {told}; join the competition and accept its rules first: {page}")

    def _sign(self, request: Request) -> None:
        # as the client does it: in a header and in the body
        request.add_unredirected_header("auth_token", self.token)
        request.data = urlencode({"auth_token": self.token}).encode()
        request.method = "GET"
