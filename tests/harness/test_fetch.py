"""Files fetched from a server that the test runs: resumed, checked, and there all together or not at all."""

import hashlib
import io
import os
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.competition import FileFacts
from harness.errors import DataError, StoreError
from harness.fetch import ATTEMPTS, RECORD, Fetched, fetch, shown
from harness.files import read_json

BODY = bytes(range(256)) * 2000
DIGEST = hashlib.sha256(BODY).hexdigest()


class Server:
    """What the server answers, and what it was asked."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {"/data.bin": BODY}
        self.etag = '"v1"'
        self.headers: dict[str, str] = {}
        self.ranges = True
        self.length = True
        self.cuts: list[int] = []  # each answer ends after so many bytes
        self.codes: list[int] = []  # answered first
        self.asked: list[str] = []  # the Range of each request
        self.url = ""


class Handler(BaseHTTPRequestHandler):
    control: Server

    def do_GET(self) -> None:
        control = self.control
        control.asked.append(self.headers.get("Range", "whole"))
        if control.codes:
            return self.send_error(control.codes.pop(0))
        path = self.path.partition("?")[0]
        if path == "/away":
            self.send_response(302)
            self.send_header("Location", "ftp://127.0.0.1/data.bin")
            return self.end_headers()
        if path not in control.files:
            return self.send_error(404)
        return self.send_body(control.files[path])

    def send_body(self, body: bytes) -> None:
        control, asked = self.control, self.headers.get("Range")
        resumed = control.ranges and asked and self.headers.get("If-Range") == control.etag
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and resumed else 0
        if start >= len(body) > 0:
            return self.send_error(416)
        self.send_response(206 if resumed else 200)
        if resumed:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if control.length:
            self.send_header("Content-Length", str(len(body) - start))
        if control.etag:
            self.send_header("ETag", control.etag)
        for name, value in control.headers.items():
            self.send_header(name, value)
        self.end_headers()
        end = start + control.cuts.pop(0) if control.cuts else len(body)
        self.wfile.write(body[start:end])
        return None

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def server() -> Iterator[Server]:
    control = Server()
    handler = type("Bound", (Handler,), {"control": control})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listener:
        control.url = f"http://127.0.0.1:{listener.server_address[1]}"
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield control
        listener.shutdown()
        thread.join()


def get(server: Server, into: Path, digests: dict[str, str] | None = None, path: str = "/data.bin") -> list[Fetched]:
    return fetch([server.url + path], digests or {}, into, sleep=lambda _: None)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_with_a_known_digest_is_verified(server: Server, tmp_path: Path) -> None:
    (file,) = get(server, tmp_path / "d", {"data.bin": DIGEST.upper()})
    assert file == Fetched("data.bin", tmp_path / "d" / "data.bin", DIGEST, True)
    assert file.path.read_bytes() == BODY
    assert names(tmp_path) == ["d"]
    assert names(tmp_path / "d") == ["data.bin", RECORD]


def test_a_digest_nobody_vouches_for_is_recorded_as_unverified(server: Server, tmp_path: Path) -> None:
    (file,) = get(server, tmp_path / "d")
    assert not file.verified
    assert read_json(tmp_path / "d" / RECORD) == {
        "data.bin": {
            "url": f"{server.url}/data.bin",
            "bytes": len(BODY),
            "sha256": DIGEST,
            "origin": {"ETag": '"v1"'},
            "verified": False,
            "published": False,
        }
    }


def test_what_a_query_asks_for_is_named_by_its_format_and_its_release_is_written_down(
    server: Server, tmp_path: Path
) -> None:
    server.files = {"/uniprotkb/stream": BODY}
    server.headers = {"X-UniProt-Release": "2026_04", "X-UniProt-Release-Date": "14-October-2026"}
    query = "query=(ec:2.7.11.*)%20AND%20(reviewed:true)&format=tsv&fields=accession,sequence,ec&compressed=true"
    (file,) = fetch([f"{server.url}/uniprotkb/stream?{query}"], {}, tmp_path / "d", sleep=lambda _: None)
    assert file.path.name == "stream.tsv.gz"
    facts = read_json(tmp_path / "d" / RECORD)["stream.tsv.gz"]
    assert facts["origin"]["X-UniProt-Release"] == "2026_04"
    assert facts["url"] == f"{server.url}/uniprotkb/stream"


def test_what_is_there_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    get(server, tmp_path / "d")
    (file,) = get(server, tmp_path / "d", {"data.bin": DIGEST})
    assert file.verified
    assert len(server.asked) == 1


def test_a_damaged_file_is_fetched_again_and_must_be_the_recorded_one(server: Server, tmp_path: Path) -> None:
    get(server, tmp_path / "d")
    (tmp_path / "d" / "data.bin").write_bytes(b"x" + BODY[1:])
    get(server, tmp_path / "d")
    assert (tmp_path / "d" / "data.bin").read_bytes() == BODY
    (tmp_path / "d" / "data.bin").unlink()
    server.files["/data.bin"] = b"another"
    with pytest.raises(DataError, match="not the file it should be"):
        get(server, tmp_path / "d")


def test_a_truncated_transfer_is_resumed_where_it_ended(server: Server, tmp_path: Path) -> None:
    server.cuts = [100_000, 200_000]
    (file,) = get(server, tmp_path / "d", {"data.bin": DIGEST})
    assert file.path.read_bytes() == BODY
    assert server.asked == ["whole", "bytes=100000-", "bytes=300000-"]


def test_a_later_command_resumes_what_an_earlier_one_left(server: Server, tmp_path: Path) -> None:
    server.cuts = [100_000]

    def killed(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch([f"{server.url}/data.bin"], {}, tmp_path / "d", sleep=killed)
    assert not (tmp_path / "d").exists()
    get(server, tmp_path / "d", {"data.bin": DIGEST})
    assert server.asked == ["whole", "bytes=100000-"]
    assert names(tmp_path) == ["d"]
    assert names(tmp_path / "d") == ["data.bin", RECORD]


@pytest.mark.parametrize("kind", ["no ranges", "no validator", "weak validator"])
def test_a_server_that_cannot_resume_is_asked_for_the_whole(server: Server, tmp_path: Path, kind: str) -> None:
    server.cuts = [100_000]
    server.ranges = kind != "no ranges"
    server.etag = {"no validator": "", "weak validator": 'W/"v1"'}.get(kind, server.etag)
    (file,) = get(server, tmp_path / "d")
    assert file.path.read_bytes() == BODY
    assert server.asked == ["whole", "bytes=100000-" if kind == "no ranges" else "whole"]


def test_a_file_that_changes_between_attempts_is_not_patched_together(server: Server, tmp_path: Path) -> None:
    server.cuts = [100_000]

    def change(_: float) -> None:
        server.etag, server.files["/data.bin"] = '"v2"', BODY[::-1]

    (file,) = fetch([f"{server.url}/data.bin"], {}, tmp_path / "d", sleep=change)
    assert file.path.read_bytes() == BODY[::-1]


def test_passing_failures_are_waited_out_longer_each_time(server: Server, tmp_path: Path) -> None:
    server.codes = [503, 429, 500]
    waits: list[float] = []
    (file,) = fetch([f"{server.url}/data.bin"], {}, tmp_path / "d", sleep=waits.append)
    assert file.sha256 == DIGEST
    assert waits == [1.0, 2.0, 4.0]


def test_a_server_that_stays_down_is_given_up_in_one_line(server: Server, tmp_path: Path) -> None:
    server.codes = [503] * 99
    with pytest.raises(DataError, match=rf"answers 503 .*\({ATTEMPTS} attempts\); download it by hand") as caught:
        get(server, tmp_path / "d")
    assert len(server.asked) == ATTEMPTS
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "d").exists()


def test_no_server_at_all(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot fetch http://127.0.0.1:1/x: Connection refused \(5 attempts\)"):
        fetch(["http://127.0.0.1:1/x"], {}, tmp_path / "d", sleep=lambda _: None)


def test_a_file_that_is_not_there_names_url_and_way_out_at_once(server: Server, tmp_path: Path) -> None:
    url = f"{server.url}/none.zip"
    told = (
        f"cannot fetch {url}: the server answers 404 Not Found; download it by hand into a folder and use --data FOLDER"
    )
    with pytest.raises(DataError) as caught:
        fetch([url + "?token=secret"], {}, tmp_path / "d", sleep=lambda _: None)
    assert str(caught.value) == told
    assert len(server.asked) == 1


def test_a_wrong_digest_is_refused_and_nothing_appears(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"not the file it should be: SHA-256 {DIGEST[:16]}..., expected 00000000"):
        get(server, tmp_path / "d", {"data.bin": "0" * 64})
    assert not (tmp_path / "d").exists()
    get(server, tmp_path / "d", {"data.bin": DIGEST})
    assert len(server.asked) == 2


def test_a_file_of_unknown_length_is_taken_as_it_comes(server: Server, tmp_path: Path) -> None:
    server.length = False
    (file,) = get(server, tmp_path / "d", {"data.bin": DIGEST})
    assert file.path.read_bytes() == BODY


def test_progress_counts_from_where_it_resumes(server: Server, tmp_path: Path) -> None:
    server.cuts = [100_000]
    told: list[tuple[str, int, int | None]] = []
    fetch([f"{server.url}/data.bin"], {}, tmp_path / "d", lambda *facts: told.append(facts), sleep=lambda _: None)
    assert told[0] == ("data.bin", 0, len(BODY))
    assert ("data.bin", 100_000, len(BODY)) in told
    assert told[-1] == ("data.bin", len(BODY), len(BODY))


def test_archives_are_unpacked_beside_themselves(server: Server, tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("train/a.csv", "id\n")
    server.files["/images.zip"] = content.getvalue()
    get(server, tmp_path / "d", path="/images.zip")
    assert (tmp_path / "d" / "images" / "train" / "a.csv").read_text() == "id\n"
    (tmp_path / "d" / "images" / "train" / "a.csv").unlink()
    (tmp_path / "d" / "images" / "train").rmdir()
    (tmp_path / "d" / "images").rmdir()
    get(server, tmp_path / "d", path="/images.zip")
    assert (tmp_path / "d" / "images" / "train" / "a.csv").is_file()
    assert len(server.asked) == 1


def test_local_files(tmp_path: Path) -> None:
    (tmp_path / "a b.csv").write_bytes(b"x")
    (file,) = fetch([(tmp_path / "a b.csv").as_uri()], {}, tmp_path / "d")
    assert (file.name, file.path.read_bytes()) == ("a_b.csv", b"x")
    with pytest.raises(DataError, match="No such file"):
        fetch([(tmp_path / "none").as_uri()], {}, tmp_path / "e")


@pytest.mark.fault("F-43")
def test_urls_that_lead_elsewhere_are_refused(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected http, https or file"):
        fetch(["ftp://example.org/x"], {}, tmp_path / "d")
    with pytest.raises(DataError, match="cannot fetch"):
        get(server, tmp_path / "d", path="/away")
    server.files["/%2e%2e%2fevil"] = b"x"
    (file,) = get(server, tmp_path / "d", path="/%2e%2e%2fevil")
    assert file.path == tmp_path / "d" / "evil"
    with pytest.raises(DataError, match="would be named x"):
        fetch(["http://a/x", "http://b/x"], {}, tmp_path / "e")
    with pytest.raises(DataError, match="would be named x"):
        fetch(["http://a/x.zip", "http://b/x"], {}, tmp_path / "e")


def test_a_full_disk_is_told_and_what_is_there_stays_for_the_next_time(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:

        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        patched.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match="No space left on device"):
            get(server, tmp_path / "d")
    assert not (tmp_path / "d").exists()
    get(server, tmp_path / "d")
    assert (tmp_path / "d" / "data.bin").read_bytes() == BODY


def test_secrets_are_not_shown() -> None:
    assert shown("https://me:pass@host:8080/a/b.zip?sig=1#x") == "https://host:8080/a/b.zip"


def test_what_a_publisher_tells_of_a_file_is_checked_where_no_digest_is_known(server: Server, tmp_path: Path) -> None:
    head = hashlib.md5(BODY[: 1 << 20]).hexdigest()
    into, urls = tmp_path / "data", [f"{server.url}/data.bin"]
    told = {"data.bin": FileFacts(len(BODY), head)}
    (found,) = fetch(urls, {}, into, published=told)
    assert (found.verified, found.published) == (False, True)
    assert read_json(into / RECORD)["data.bin"]["published"] is True
    assert fetch(urls, {}, into, published=told)[0].published
    assert len(server.asked) == 1


def test_the_md5_is_of_the_first_mebibyte_only(server: Server, tmp_path: Path) -> None:
    server.files["/data.bin"] = body = bytes(1 << 20) + b"and more"
    told = {"data.bin": FileFacts(len(body), hashlib.md5(bytes(1 << 20)).hexdigest())}
    assert fetch([f"{server.url}/data.bin"], {}, tmp_path / "data", published=told)[0].published


@pytest.mark.parametrize(
    ("published", "told"),
    [
        (FileFacts(len(BODY) + 1, hashlib.md5(BODY[: 1 << 20]).hexdigest()), r"512,000 bytes, expected 512,001"),
        (FileFacts(len(BODY), "0" * 32), r"MD5 of its first MiB \w{16}\.\.\., expected 0000000000000000\.\.\."),
    ],
)
def test_another_file_than_the_published_one_is_refused_and_nothing_appears(
    server: Server, tmp_path: Path, published: FileFacts, told: str
) -> None:
    into, urls = tmp_path / "data", [f"{server.url}/data.bin"]
    with pytest.raises(DataError, match=rf"data\.bin is not the file it should be: {told}; it changed at its source"):
        fetch(urls, {}, into, published={"data.bin": published})
    assert not into.exists()
    fetch(urls, {}, into)
    with pytest.raises(DataError, match=rf"{told}; delete .* and fetch again"):
        fetch(urls, {}, into, published={"data.bin": published})


def test_a_digest_of_a_file_that_is_not_fetched_is_a_mistake(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        fetch([f"{server.url}/data.bin"], {"dta.bin": DIGEST}, tmp_path / "into")
    assert str(caught.value) == "a digest is given for 'dta.bin', which is not fetched; did you mean 'data.bin'?"
    assert server.asked == []
