"""Kaggle through its own client, https://github.com/Kaggle/kaggle-cli (extra ``kaggle``)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from harness.errors import ConfigError
from harness.sites.client import PENDING, Remote, Standing
from harness.sites.quiet import Calls, SiteError

PAGE = "https://www.kaggle.com/competitions/{competition}/rules"
CREDENTIALS = (
    "make a token at https://www.kaggle.com/settings and put it into ~/.kaggle/access_token, or set KAGGLE_API_TOKEN"
    " (older: ~/.kaggle/kaggle.json, or KAGGLE_USERNAME and KAGGLE_KEY)"
)
PAGE_SIZE = 100
"""Of the newest submissions, among which one's own is looked for."""
SECRETS = ("KAGGLE_KEY", "KAGGLE_API_TOKEN")
MISSING = "Kaggle's client is not installed: pip install 'competition-harness[kaggle]'"


class KaggleSite:
    """Kaggle with the user's credentials.

    Raises
    ------
    ConfigError
        If the client or the credentials are missing.
    SiteError
        If Kaggle cannot be reached.
    """

    def __init__(self) -> None:
        given = tuple(os.environ[name] for name in SECRETS if os.environ.get(name))
        self.calls = Calls("Kaggle", CREDENTIALS, PAGE, given)
        with self.calls.told("a sign-in"):
            self.api = _authenticated()
        known = (self.api.config_values.get(name) for name in ("key", "token"))
        self.calls = Calls("Kaggle", CREDENTIALS, PAGE, (*given, *(str(secret) for secret in known if secret)))

    def files(self, competition: str) -> Mapping[str, Remote]:
        """Return the one archive of all files of a competition, at an address that holds for some hours."""
        from kagglesdk.competitions.types.competition_api_service import ApiDownloadDataFilesRequest

        request = ApiDownloadDataFilesRequest()
        request.competition_name = competition
        # only the address: `harness.fetch` brings the bytes, resumes in a later command, and records their digest
        with self.calls.told("the files", competition), self.api.build_kaggle_client() as client:
            answer = client.competitions.competition_api_client.download_data_files(request)
            answer.close()
        suffix = PurePosixPath(urlsplit(answer.url).path).suffix or ".zip"
        return {f"{competition}{suffix}": Remote(answer.url)}

    def left(self, competition: str) -> int | None:
        """Return how many submissions are left today; None before the first one, when Kaggle knows no team."""
        with self.calls.told("the daily limit", competition):
            limits = self.api.competition_get_submission_limits(competition)
        known = limits.num_total or limits.num_today or limits.num_allowed_now
        return int(limits.num_allowed_now) if known else None

    def submit(self, competition: str, file: Path, message: str) -> str:
        """Upload a file and submit it."""
        with self.calls.told("the submission", competition) as said:
            answer = self.api.competition_submit(str(file), message, competition, quiet=True)
        if not answer.ref:
            reason = self.calls.hidden(f"{answer.message}. {said.getvalue()}")
            raise SiteError(f"Kaggle took no submission: {reason}")
        return str(answer.ref)

    def look(self, competition: str, submission: str) -> Standing:
        """Return how a submission stands; one that Kaggle does not list yet is pending."""
        with self.calls.told("the score", competition):
            listed = self.api.competition_submissions(competition, page_size=PAGE_SIZE)
        found = next((one for one in listed or () if one is not None and str(one.ref) == submission), None)
        if found is None:
            return Standing(PENDING)
        status = found.status.name.lower()
        if status == "error":
            return Standing("error", message=self.calls.hidden(found.error_description or "Kaggle gives no reason"))
        if status != "complete":
            return Standing(PENDING)
        return Standing("complete", _number(found.public_score), _number(found.private_score))


def _authenticated() -> Any:
    """Return the client's API, signed in as its own files and variables say."""
    try:
        from kaggle.api.kaggle_api_extended import KaggleApi
    except ModuleNotFoundError as error:
        lacking = "" if error.name == "kaggle" else f" (it lacks {error.name!r})"
        raise ConfigError(MISSING + lacking) from None
    api = KaggleApi()
    try:
        api.authenticate()
    except SystemExit:
        raise ConfigError(f"no credentials of Kaggle on this machine, or outdated ones; {CREDENTIALS}") from None
    return api


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
