"""``harness submit``: what is sent, what is refused, and where the score is kept."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.files import read_json
from harness.sending import wait
from harness.sites.client import Standing
from harness.sites.quiet import Calls, SitePausedError
from harness.standings import FILE, Sent, public_score, read_sent
from harness.tracking import resolve_uri
from harness.tracking.reading import experiment_id_of
from harness.tracking.server import open_client
from tests.harness.sites.conftest import KEY, PASSWORD, SIGNATURE, Fake
from tests.harness.sites.test_fetch_site import nothing_secret

DONE = {"status": "COMPLETE", "publicScore": "0.4321", "privateScore": ""}


def run_of(harness, workspace: Path, *options: str) -> Path:
    """Return the folder of a new run."""
    before = set((workspace / "runs" / "toy").glob("near*"))
    done = harness("run", "toy", "-s", "near", *options)
    assert done.code == 0, done.err
    (folder,) = set((workspace / "runs" / "toy").glob("near*")) - before
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that keeps the runs of the first test for the others."""
    return tmp_path_factory.mktemp("trained")


@pytest.fixture
def run(harness, woods: Path, workspace: Path, trained: Path) -> Path:
    """Return the folder of a finished run of the competition that Kaggle holds."""
    kept = trained / "runs"
    if not kept.exists():
        run_of(harness, workspace, "--no-tracking")
        shutil.copytree(workspace / "runs", kept)
    else:
        shutil.copytree(kept, workspace / "runs")
    (folder,) = (workspace / "runs" / "toy").glob("near*")
    return folder


def test_a_run_is_sent_scored_and_recorded(harness, woods, workspace: Path, fake: Fake) -> None:
    run = run_of(harness, workspace)
    assert harness("sync").code == 0  # a busy machine may have delivered nothing yet
    fake.answers = [{"status": "PENDING"}, {"status": "PENDING"}, DONE]
    done = harness("submit", "toy", run.name, "--message", "first try")
    assert done.code == 0, done.err
    assert "submission 41 to three-woods on kaggle" in done.out
    assert "public score 0.4321" in done.out
    assert "log_loss" in done.out
    assert fake.uploads == [(run / "submission.csv").read_bytes()]
    assert fake.sent == [
        {"competitionName": "three-woods", "blobFileTokens": "blob-1", "submissionDescription": "first try"}
    ]
    (kept,) = read_sent(run)
    assert (kept.submission, kept.status, kept.public, kept.private, kept.verdict) == (
        *("41", "complete", 0.4321, None),
        "identical",
    )
    uri = resolve_uri(None, workspace)
    client = open_client(uri)
    (tracked,) = client.search_runs(
        [experiment_id_of(uri, "toy")], f"tags.harness_run = '{run.name}' and tags.level = 'run'"
    )
    assert tracked.data.metrics["public_score"] == 0.4321
    assert tracked.data.metrics["oof_log_loss"] > 0
    assert (tracked.data.tags["site"], tracked.data.tags["site_submission"]) == ("kaggle", "41")
    board = harness("leaderboard", "toy")
    assert "public" in board.out
    assert "0.4321" in board.out
    scores = {one["name"]: one["public_score"] for one in harness("leaderboard", "toy", "--json").json["entries"]}
    assert scores["near"] == 0.4321
    assert set(scores.values()) == {0.4321, None}
    assert harness("leaderboard", "toy", "--from-tracking").out.count("0.4321") == 1
    nothing_secret(workspace, done.out, done.err, board.out)


def test_the_same_bytes_are_not_sent_twice_unasked(harness, run: Path, workspace: Path, fake: Fake) -> None:
    fake.answers = [DONE]
    file = workspace / "handed.csv"
    file.write_bytes((run / "submission.csv").read_bytes())
    options = ("submit", "toy", file, "--no-tracking", "--no-wait")
    first = harness(*options)
    assert (first.code, "pending" in first.out) == (0, True), first.err
    second = harness(*options)
    assert second.code == 2
    assert "kaggle has these very bytes as submission 41" in second.err
    assert harness(*options, "--again").code == 0
    assert [one.submission for one in read_sent(run)] == ["41", "42"]
    asked = harness("submit", "toy", run.name, "--status", "--no-tracking")
    assert asked.code == 0, asked.err
    assert [one.public for one in read_sent(run)] == [0.4321, 0.4321]
    assert asked.out.count("public score 0.4321") == 2
    assert len(fake.sent) == 2


def test_an_edited_file_is_linked_but_its_score_is_not_the_runs(
    harness, run: Path, workspace: Path, fake: Fake
) -> None:
    fake.answers = [DONE]
    head, first, *rest = (run / "submission.csv").read_text().splitlines()
    file = workspace / "edited.csv"
    file.write_text("\n".join([head, first.partition(",")[0] + ",1,0,0", *rest]) + "\n")
    done = harness("submit", "toy", file, "--no-tracking")
    assert done.code == 0, done.err
    assert f"an edited copy of the submission of {run.name}" in done.err
    assert [(one.verdict, one.public) for one in read_sent(run)] == [("edited", 0.4321)]
    assert public_score(run) is None


def test_a_dry_run_asks_nobody(harness, run: Path, fake: Fake) -> None:
    before = len(fake.asked)
    done = harness("submit", "toy", run.name, "--dry-run", "--json")
    assert done.code == 0, done.err
    assert {key: done.json[key] for key in ("site", "competition", "run", "rows", "verdict")} == {
        "site": "kaggle",
        "competition": "three-woods",
        "run": run.name,
        "rows": 30,
        "verdict": "identical",
    }
    assert done.json["message"].startswith("near, log_loss ")
    assert "nothing was sent" in harness("submit", "toy", run.name, "--dry-run").out
    assert len(fake.asked) == before
    assert not (run / FILE).exists()


def test_an_error_of_the_site_is_told_and_kept(harness, run: Path, fake: Fake) -> None:
    fake.answers = [{"status": "ERROR", "errorDescription": "Evaluation exception: wrong column"}]
    done = harness("submit", "toy", run.name, "--no-tracking")
    assert done.code == 2
    assert "kaggle could not score submission 41: Evaluation exception: wrong column" in done.err
    assert [(one.status, one.error) for one in read_sent(run)] == [("error", "Evaluation exception: wrong column")]
    fake.answers = [DONE]  # what the site refused may be sent again
    assert harness("submit", "toy", run.name, "--no-tracking").code == 0


def test_the_end_of_the_wait_leaves_it_pending(harness, run: Path, fake: Fake) -> None:
    fake.answers = [{"status": "PENDING"}]
    done = harness("submit", "toy", run.name, "--no-tracking", "--timeout", "0.05s")
    assert done.code == 3, done.err
    assert f"harness submit toy {run.name} --status" in done.out
    assert [one.status for one in read_sent(run)] == ["pending"]


def test_the_daily_limit_is_told_before_anything_is_sent(harness, run: Path, fake: Fake) -> None:
    fake.allowed = 0
    done = harness("submit", "toy", run.name)
    assert done.code == 2
    assert "no submission to three-woods is left today at kaggle" in done.err
    assert fake.uploads == fake.sent == []


@pytest.mark.parametrize(
    ("call", "code", "said", "told"),
    [
        ("CreateSubmission", 429, "Too many", "Kaggle refuses the submission: too many requests (429)"),
        ("StartSubmissionUpload", 403, "accept the rules", "(403: accept the rules); join the competition"),
        ("/upload/1", 500, "full", "Kaggle took no submission: Could not submit to competition"),
    ],
)
def test_a_refused_submission_leaves_no_record(
    harness, run: Path, workspace: Path, fake: Fake, call: str, code: int, said: str, told: str
) -> None:
    fake.refusals[call] = [(code, said)]
    done = harness("submit", "toy", run.name)
    assert done.code == 2
    assert told in done.err
    assert not (run / FILE).exists()
    nothing_secret(workspace, done.out, done.err)


def test_an_invalid_file_is_not_sent(harness, run: Path, workspace: Path, fake: Fake) -> None:
    file = workspace / "short.csv"
    file.write_text("\n".join((run / "submission.csv").read_text().splitlines()[:-1]) + "\n")
    done = harness("submit", "toy", file)
    assert done.code == 2
    assert "is not valid and was not sent" in done.err
    assert fake.sent == []


def test_practice_runs_are_refused(harness, woods: Path, workspace: Path, fake: Fake) -> None:
    fast = run_of(harness, workspace, "--fast", "--no-tracking")
    done = harness("submit", "toy", fast.name)
    assert (done.code, f"{fast.name} is a --fast run" in done.err) == (2, True), done.err
    code = (woods / "plugin.py").read_text()
    (woods / "plugin.py").write_text(code.replace("simulated=False", "simulated=True"))
    made = run_of(harness, workspace, "--no-tracking", "--seed", "1")
    done = harness("submit", "toy", made.name)
    assert (done.code, "was made on simulated data" in done.err) == (2, True), done.err
    file = workspace / "mine.csv"
    lines = (made / "submission.csv").read_text().splitlines()
    file.write_text("\n".join([lines[0], *(line.partition(",")[0] + ",1,0,0" for line in lines[1:])]) + "\n")
    done = harness("submit", "toy", file)
    assert done.code == 2
    assert "is simulated, so its ids are not the site's" in done.err
    assert "harness fetch toy --variant official" in done.err
    assert fake.sent == []


def test_a_competition_without_a_site_is_told_what_to_add(harness, workspace: Path) -> None:
    done = harness("submit", "toy", "anything")
    assert (done.code, "toy/competition.toml names no site: add [site]" in done.err) == (2, True)


def test_an_untracked_run_is_sent_all_the_same(harness, run: Path, fake: Fake) -> None:
    fake.answers = [DONE]
    done = harness("submit", "toy", run.name)
    assert done.code == 0, done.err
    assert "not in MLflow" in done.err
    assert read_json(run / FILE)["submissions"][0]["public"] == 0.4321


def test_zindi_takes_a_submission(harness, woods: Path, run: Path, workspace: Path, fake: Fake) -> None:
    file = woods / "competition.toml"
    file.write_text(file.read_text().replace('name = "kaggle"', 'name = "zindi"'))
    fake.answers = [{"status": "initial", "public_score": None}, {"status": "successful", "public_score": 0.25}]
    done = harness("submit", "toy", run.name, "--no-tracking", "-m", "hello")
    assert done.code == 0, done.err
    assert "public score 0.2500" in done.out
    assert (run / "submission.csv").read_bytes() in fake.uploads[0]
    assert b"hello" in fake.uploads[0]
    fake.answers = [{"status": "failed", "status_description": "wrong number of rows"}]
    bad = harness("submit", "toy", run.name, "--no-tracking", "--again")
    assert (bad.code, "zindi could not score submission z2: wrong number of rows" in bad.err) == (2, True)
    fake.allowed = 0
    assert "is left today at zindi" in harness("submit", "toy", run.name, "--again").err
    nothing_secret(workspace, done.out, done.err, bad.err)


BOARD = """

class Board:
    def left(self, competition):
        return None

    def submit(self, competition, file, message):
        return f"{competition}:{message}:{file.stat().st_size}"

    def look(self, competition, submission):
        from harness.sites.client import Standing

        return Standing("complete", 0.75, 0.5)


@hookimpl
def harness_sites():
    from harness.offers import Site

    yield Site("local.board", "the club's own board", Board)
"""


def test_a_plugin_brings_its_own_site(harness, woods: Path, run: Path) -> None:
    (woods / "plugin.py").write_text((woods / "plugin.py").read_text() + BOARD)
    file = woods / "competition.toml"
    file.write_text(file.read_text().replace('name = "kaggle"', 'name = "local.board"'))
    done = harness("submit", "toy", run.name, "--no-tracking", "-m", "ours")
    assert done.code == 0, done.err
    assert "public score 0.7500, private score 0.5000" in done.out
    (kept,) = read_sent(run)
    assert kept.submission == f"three-woods:ours:{(run / 'submission.csv').stat().st_size}"


class Slow:
    """A client whose answers are given."""

    def __init__(self, answers: list[Standing | Exception]) -> None:
        self.answers = iter(answers)

    def look(self, competition: str, submission: str) -> Standing:
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_waiting_grows_and_survives_a_rate_limit() -> None:
    pauses: list[float] = []
    clock: Iterator[float] = iter(range(0, 1000, 3))
    pending = Standing("pending")
    client = Slow([pending, pending, SitePausedError("429"), pending, Standing("complete", 0.5)])
    sent = Sent("kaggle", "woods", "1", "", "a.csv", "", "identical", "")
    found = wait(client, sent, 900, sleep=pauses.append, clock=lambda: float(next(clock)))
    assert (found.status, found.public) == ("complete", 0.5)
    assert pauses == [2.0, 3.0, 30.0, 30.0]


def test_secrets_are_taken_out_of_what_clients_say() -> None:
    calls = Calls("Kaggle", "", "", (KEY,))
    said = f"PUT https://s.org/up?upload_id={SIGNATURE} failed for {KEY}, headers {{'auth_token': '{PASSWORD}'}}"
    assert calls.hidden(said) == "PUT https://s.org/up?*** failed for ***, headers {'auth_token': '***'}"
