"""A submission on its way to the site of its competition: what may be sent, sent once, and waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from harness.competition import Competition, SiteSpec
from harness.competition_file import FILE
from harness.errors import ConfigError, SubmissionError, listed
from harness.files import sha256
from harness.offers import Site
from harness.plugins import Plugins
from harness.prepare import Prepared, Setting, prepare
from harness.schema import schema_of
from harness.sites.client import PENDING, SiteClient, Standing
from harness.sites.quiet import SiteError, SitePausedError
from harness.standings import Sent, read_sent, write_sent
from harness.store import RESULT, Stored, Workspace, find_run, read_stored
from harness.submission_check import warnings_of
from harness.submission_file import read_submission
from harness.submitting import problems_of
from harness.whence import find_run_of

FIRST, LONGEST = 2.0, 30.0
"""Seconds between two looks at a score: at first, and at most."""


@dataclass(frozen=True)
class Outgoing:
    """A file that may be sent.

    Attributes
    ----------
    stored : Stored or None
        The run that made it; None if no run of the workspace did.
    verdict : str
        How it compares with that run's own file, as `harness.submission_match.Match.verdict`.
    warnings : tuple of str
        What a person should know before it is sent.
    """

    competition: Competition
    site: SiteSpec
    file: Path
    rows: int
    sha256: str
    stored: Stored | None
    verdict: str
    warnings: tuple[str, ...] = ()

    @property
    def before(self) -> tuple[Sent, ...]:
        """Submissions of the same bytes that the site took before and did not refuse."""
        known = () if self.stored is None else read_sent(self.stored.directory)
        return tuple(one for one in known if one.sha256 == self.sha256 and one.status != "error")


def site_of(competition: Competition) -> SiteSpec:
    """Return where a competition is held.

    Raises
    ------
    ConfigError
        If its file does not tell.
    """
    if competition.site is None:
        raise ConfigError(
            f'{competition.id}/{FILE} names no site: add [site] with name = "kaggle" (or "zindi") and id = "...",'
            " as in its web address"
        )
    return competition.site


def open_site(competition: Competition, plugins: Plugins) -> SiteClient:
    """Open the site of a competition with the user's credentials.

    Raises
    ------
    HarnessError
        If no plugin offers the site, its client or the credentials are missing, or it refuses.
    """
    site = site_of(competition)
    return plugins.find(Site, site.name, f"{competition.id}/{FILE}: site").open()


def outgoing(workspace: Workspace, competition: Competition, target: str, data: str = "") -> Outgoing:
    """Find and check what is to be sent.

    Parameters
    ----------
    target : str
        A run (its id, a beginning of it, its folder), or a file.
    data : str
        A variant or path of the data, if not the run's own.

    Raises
    ------
    HarnessError
        If there is no such run or file, it must not be sent, or it is not valid.
    """
    site = site_of(competition)
    stored, file, verdict = _found(workspace, competition, target)
    if stored is not None:
        _refuse_practice(stored)
    given = data or ("" if stored is None else str(stored.result["data"]["given"]))
    prepared = prepare(Setting(competition.home, workspace.cache.resolve(), given))
    if prepared.dataset.info.simulated:
        raise SubmissionError(
            f"{prepared.dataset.info.name} ({prepared.dataset.info.variant}) is simulated, so its ids are not the"
            f" site's; give the site's own files: --data PATH{_or_fetch(competition)}"
        )
    submission = read_submission(file)
    problems = problems_of(prepared, submission)
    if problems:
        raise SubmissionError(f"{file} is not valid and was not sent: {listed(problems, 3)}")
    warnings = [*warnings_of(schema_of(competition, prepared.dataset), submission), *_doubts(prepared, stored, verdict)]
    rows = len(submission.frame)
    return Outgoing(competition, site, file, rows, sha256(file), stored, verdict, tuple(warnings))


def _found(workspace: Workspace, competition: Competition, target: str) -> tuple[Stored | None, Path, str]:
    path = Path(target)
    if path.is_file():
        match = find_run_of(workspace, path).match
        if match is None or match.verdict == "none" or match.submission.parent.parent.name != competition.id:
            return None, path, "none"
        return read_stored(match.submission.parent), path, match.verdict
    if path.suffix and not (path / RESULT).is_file():
        raise SubmissionError(f"no file {path}")
    stored = find_run(workspace, target, competition.id)
    if stored.result["competition"] != competition.id:
        raise SubmissionError(f"{target} is a run of {stored.result['competition']}, not of {competition.id}")
    name = stored.result["submission"]
    if not name or not (stored.directory / name).is_file():
        raise SubmissionError(f"{stored.directory.name} has no submission: its data had no test set")
    return stored, stored.directory / name, "identical"


def _refuse_practice(stored: Stored) -> None:
    name = stored.directory.name
    if stored.result["fast"]:
        again = f"harness run {stored.result['competition']} -s {stored.result['strategy']}"
        raise SubmissionError(f"{name} is a --fast run, of a subsample and one fold; run it whole: {again}")
    if stored.result["data"]["info"]["simulated"]:
        raise SubmissionError(
            f"{name} was made on simulated data, whose ids are not the site's; run it with --data PATH"
        )


def _or_fetch(competition: Competition) -> str:
    official = next((name for name, variant in competition.data.variants.items() if variant.from_site), "")
    return f", or: harness fetch {competition.id} --variant {official}" if official else ""


def _doubts(prepared: Prepared, stored: Stored | None, verdict: str) -> list[str]:
    doubts = []
    info, variants = prepared.dataset.info, prepared.competition.data.variants
    if info.variant != "path" and not (info.variant in variants and variants[info.variant].from_site):
        doubts.append(f"it was checked against the ids of variant {info.variant!r}, which may not be the site's")
    if stored is None:
        doubts.append("no run of this workspace made it: its score will be recorded nowhere")
    elif verdict == "edited":
        doubts.append(f"it is an edited copy of the submission of {stored.directory.name}")
    return doubts


def send(client: SiteClient, outgoing: Outgoing, message: str, now: str) -> Sent:
    """Send a file, and record at once that the site took it.

    Raises
    ------
    SiteError
        If the site does not take it, or allows no more today.
    """
    site = outgoing.site
    if client.left(site.id) == 0:
        raise SitePausedError(f"no submission to {site.id} is left today at {site.name}; its day ends at midnight UTC")
    submission = client.submit(site.id, outgoing.file, message)
    name, digest = outgoing.file.name, outgoing.sha256
    sent = Sent(site.name, site.id, submission, message, name, digest, outgoing.verdict, now)
    keep(outgoing.stored, sent)
    return sent


def wait(
    client: SiteClient,
    sent: Sent,
    timeout: float,
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Sent:
    """Look until the site has a score or an error; after `timeout` seconds (0: after one look) return what is known."""
    end, pause = clock() + timeout, FIRST
    while True:
        try:
            sent = standing(client, sent)
        except SitePausedError:  # it was asked too often; the submission itself is safe
            pause = LONGEST
        if sent.status != PENDING or clock() + pause > end:
            return sent
        sleep(pause)
        pause = min(LONGEST, pause * 1.5)


def standing(client: SiteClient, sent: Sent) -> Sent:
    """Return a submission with what the site says of it now."""
    found: Standing = client.look(sent.competition, sent.submission)
    return replace(sent, status=found.status, public=found.public, private=found.private, error=found.message)


def keep(stored: Stored | None, sent: Sent) -> None:
    """Record a submission in the folder of its run, in the place of what was known of it."""
    if stored is None:
        return
    others = [one for one in read_sent(stored.directory) if (one.site, one.submission) != (sent.site, sent.submission)]
    write_sent(stored.directory, [*others, sent])


def refused(sent: Sent) -> SiteError:
    """Return the error of a submission that the site took but could not score."""
    return SiteError(f"{sent.site} could not score submission {sent.submission}: {sent.error}")
