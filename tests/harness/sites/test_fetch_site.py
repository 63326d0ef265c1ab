"""``harness fetch`` from Kaggle and Zindi: their own clients, against a server that the test plays."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from harness.errors import ConfigError
from harness.fetch import RECORD, fetch
from harness.files import read_json
from harness.sites.kaggle import KaggleSite
from harness.sites.quiet import SiteError
from harness.sites.zindi import ZindiSite
from tests.harness.sites.conftest import RULES, SECRETS, SERVICE, Fake, archive


def nothing_secret(folder: Path, *texts: str) -> None:
    """Look for every secret in texts and in each file of a folder."""
    for secret in SECRETS:
        for text in texts:
            assert secret not in text
        for path in folder.rglob("*"):
            assert not path.is_file() or secret.encode() not in path.read_bytes(), path


def test_kaggle_files_are_fetched_recorded_and_used(harness, woods, workspace: Path, fake: Fake) -> None:
    done = harness("fetch", "toy", "--variant", "official")
    assert done.code == 0, done.err
    folder = workspace / "cache" / "data" / "toy" / "official"
    assert (folder / "three-woods" / "test.csv").read_text() == "id\n3\n"
    record = read_json(folder / RECORD)["three-woods.zip"]
    assert record["sha256"] == hashlib.sha256(fake.bundle).hexdigest()
    assert record["url"] == f"{fake.url}/storage/v1/archive.zip"
    assert "unverified" in done.out
    stored = next(
        headers for what, _, headers in fake.asked if what.startswith("GET /storage") and "identity" in str(headers)
    )
    assert "Authorization" not in stored
    nothing_secret(workspace, done.out, done.err)
    checked = harness("check", "toy", "--data", "official")
    assert checked.code == 0, checked.err
    assert checked.out.startswith("  competition toy")


def test_a_broken_transfer_is_resumed_by_the_next_command(harness, woods, workspace: Path, fake: Fake) -> None:
    fake.cuts = [10**9, 100]  # the client's own look at the address, then ours
    fake.refusals["archive.zip"] = []
    harness_sleep = fetch.__kwdefaults__["sleep"]
    try:
        fetch.__kwdefaults__["sleep"] = lambda _: fake.refusals["archive.zip"].append((403, "expired"))
        broken = harness("fetch", "toy", "--variant", "official")
    finally:
        fetch.__kwdefaults__["sleep"] = harness_sleep
    assert broken.code == 2
    assert "the server answers 403" in broken.err
    done = harness("fetch", "toy", "--variant", "official")
    assert done.code == 0, done.err
    assert [asked for what, asked, _ in fake.asked if what == "GET /storage/v1/archive.zip"][-1] == "bytes=100-"
    record = read_json(workspace / "cache" / "data" / "toy" / "official" / RECORD)
    assert record["three-woods.zip"]["sha256"] == hashlib.sha256(fake.bundle).hexdigest()
    nothing_secret(workspace, broken.out, broken.err, done.out, done.err)


def test_an_archive_that_leaves_its_folder_is_refused(harness, woods, workspace: Path, fake: Fake) -> None:
    fake.bundle = archive({"train.csv": "id\n", "../../outside.csv": "x"})
    done = harness("fetch", "toy", "--variant", "official")
    assert done.code == 2
    assert "'../../outside.csv', which is not below its own folder; it was not unpacked" in done.err
    assert not list(workspace.rglob("outside.csv"))
    assert not (workspace / "cache" / "data" / "toy" / "official").exists()


@pytest.mark.parametrize(
    ("code", "said", "told"),
    [
        (401, "Unauthenticated", "Kaggle refuses the files: it does not know these credentials (401); make a token at"),
        (403, RULES, f"(403: {RULES}); join the competition and accept its rules first: https://www.kaggle.com/comp"),
        (404, "Not found", "it has no 'three-woods' (404); see [site] id"),
        (429, "Too many requests", "too many requests (429); its limit is reached, try again later"),
        (500, "Oops", "cannot do the files at Kaggle: 500: Oops"),
    ],
)
def test_refusals_are_told_in_one_line(harness, woods, fake: Fake, code: int, said: str, told: str) -> None:
    fake.refusals[SERVICE + "DownloadDataFiles"] = [(code, said)]
    done = harness("fetch", "toy", "--variant", "official")
    assert done.code == 2
    assert told in done.err
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    nothing_secret(woods, done.out, done.err)


def test_a_wrong_key_is_told(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_KEY", "not-the-key")
    with pytest.raises(SiteError, match=r"does not know these credentials \(401\)") as told:
        KaggleSite().files("three-woods")
    assert "not-the-key" not in str(told.value)
    assert told.value.__cause__ is None


def test_missing_credentials_are_told(fake: Fake, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY", "ZINDI_PASSWORD"):
        monkeypatch.delenv(name)
    with pytest.raises(ConfigError, match=r"no credentials of Kaggle .* ~/\.kaggle/access_token"):
        KaggleSite()
    with pytest.raises(ConfigError, match="no credentials of Zindi: set ZINDI_USERNAME and ZINDI_PASSWORD"):
        ZindiSite()
    assert capsys.readouterr() == ("", "")


def test_missing_clients_are_told(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("kaggle", "kaggle.api.kaggle_api_extended", "zindi", "zindi.platform_api"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigError, match=r"Kaggle's client is not installed: pip install 'competition-harness\[kagg"):
        KaggleSite()
    with pytest.raises(ConfigError, match=r"Zindi's client is not installed: pip install 'competition-harness\[zindi"):
        ZindiSite()


def test_zindi_files_are_fetched_with_the_token_and_without_joining(fake: Fake, tmp_path: Path, capsys) -> None:
    found = fetch(ZindiSite().files("rain"), {}, tmp_path / "rain")
    assert [(one.name, one.path.read_bytes()) for one in found] == list(fake.files.items())
    assert not [what for what, _, _ in fake.asked if "participations" in what]
    printed = capsys.readouterr()
    nothing_secret(tmp_path, printed.out, printed.err)


def test_zindi_does_not_know_the_password(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZINDI_PASSWORD", "guessed-word")
    with pytest.raises(SiteError, match=r"Zindi does not know these credentials: .* set ZINDI_USERNAME") as told:
        ZindiSite()
    assert "guessed-word" not in str(told.value)


def test_zindi_without_files_asks_to_join(fake: Fake) -> None:
    fake.files = {}
    with pytest.raises(SiteError, match=r"no files of 'rain'; join the competition first: https://zindi"):
        ZindiSite().files("rain")


def test_a_variant_of_a_site_needs_the_site(harness, woods: Path) -> None:
    file = woods / "competition.toml"
    file.write_text(file.read_text().replace('[site]\nname = "kaggle"\nid = "three-woods"\n', ""))
    done = harness("fetch", "toy", "--variant", "official")
    assert done.code == 2
    assert "variant 'official' comes from a site: add [site] with name and id" in done.err


def test_an_unknown_site_names_the_nearest(harness, woods: Path) -> None:
    file = woods / "competition.toml"
    file.write_text(file.read_text().replace('name = "kaggle"', 'name = "kagle"'))
    done = harness("fetch", "toy", "--variant", "official")
    assert (done.code, "no site 'kagle' is offered; did you mean 'kaggle'?" in done.err) == (2, True)
