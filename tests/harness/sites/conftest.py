"""Kaggle and Zindi as their clients see them, played by a server on this machine.

The addresses, forms and fields are those that the clients `kaggle` 2.2 and `zindi` 0.0.4 use.
"""

from __future__ import annotations

import io
import json
import os
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

KEY, PASSWORD, TOKEN, SIGNATURE = "kgat0secret0key", "zindi0pass0word", "zindi0auth0token", "goog0signature0x"
SECRETS = (KEY, PASSWORD, TOKEN, SIGNATURE)
RULES = "You must accept this competition's rules before you'll be able to download files."
SERVICE = "/v1/competitions.CompetitionApiService/"


def archive(files: dict[str, str]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name, text in files.items():
            file.writestr(name, text)
    return made.getvalue()


class Fake:
    """What the sites hold, what they refuse, and what they were asked."""

    def __init__(self) -> None:
        self.url = ""
        self.bundle = archive({"train.csv": "id,a\n" + "1,2\n" * 4000, "test.csv": "id\n3\n"})
        self.files = {"Train.csv": b"id,a\n1,2\n", "Test.csv": b"id\n3\n"}
        self.cuts: list[int] = []  # each answer with a file ends after so many bytes
        self.refusals: dict[str, list[tuple[int, str]]] = {}  # by the end of a path, answered first
        self.asked: list[tuple[str, str, dict[str, str]]] = []  # what, Range, headers
        self.allowed = 5
        self.sent: list[dict[str, Any]] = []
        self.answers: list[dict[str, Any]] = []  # of each look at a submission; the last one stays
        self.uploads: list[bytes] = []


class Handler(BaseHTTPRequestHandler):
    fake: Fake
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.handle_one("GET")

    def do_POST(self) -> None:
        self.handle_one("POST")

    def do_PUT(self) -> None:
        self.handle_one("PUT")

    def handle_one(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        self.fake.asked.append((f"{method} {path}", self.headers.get("Range", ""), dict(self.headers.items())))
        for end, refusals in self.fake.refusals.items():
            if path.endswith(end) and refusals:
                code, message = refusals.pop(0)
                return self.answer({"code": code, "message": message}, code)
        if path.startswith("/storage/"):
            return self.send_file(self.fake.bundle) if SIGNATURE in self.path else self.answer({}, 403)
        if path.startswith("/upload/"):
            self.fake.uploads.append(body)
            return self.answer({})
        return self.zindi(method, path, body) if "/zindi/" in path else self.kaggle(path, body)

    def kaggle(self, path: str, body: bytes) -> None:
        fake = self.fake
        if f":{KEY}" not in self.basic():
            return self.answer({"code": 401, "message": "Unauthenticated"}, 401)
        asked, call = json.loads(body), path.rpartition("/")[2]
        if call == "DownloadDataFiles":
            self.send_response(302)
            self.send_header("Location", f"{fake.url}/storage/v1/archive.zip?X-Goog-Signature={SIGNATURE}")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if call == "GetSubmissionLimits":
            return self.answer({"numToday": 5 - fake.allowed, "numTotal": 9, "numAllowedNow": fake.allowed})
        if call == "StartSubmissionUpload":
            return self.answer({"token": "blob-1", "createUrl": f"{fake.url}/upload/1?upload_id={SIGNATURE}"})
        if call == "CreateSubmission":
            fake.sent.append(asked)
            return self.answer({"message": "Successfully submitted", "ref": 40 + len(fake.sent)})
        assert call == "ListSubmissions", path
        answer = self.next_answer()
        listed = [{"ref": 40 + n, **answer} for n in range(len(fake.sent), 0, -1)]
        return self.answer({"submissions": listed})

    def zindi(self, method: str, path: str, body: bytes) -> None:
        fake = self.fake
        if path.endswith("/auth/signin"):
            if parse_qs(body.decode()).get("password") != [PASSWORD]:
                return self.answer({"data": {"errors": {"message": "Invalid username or password"}}}, 401)
            return self.answer({"data": {"auth_token": TOKEN, "user": {"username": "ada"}}})
        assert TOKEN in (self.headers.get("auth-token"), self.headers.get("auth_token")), path
        if "/files/" in path:
            assert parse_qs(body.decode()) == {"auth_token": [TOKEN]}
            return self.send_file(fake.files[path.rpartition("/")[2]])
        if path.endswith("/submissions/limits"):
            return self.answer({"data": {"today": fake.allowed}})
        if path.endswith("/submissions") and method == "POST":
            fake.uploads.append(body)
            fake.sent.append({"path": path})
            return self.answer({"data": {"id": f"z{len(fake.sent)}"}})
        if path.endswith("/submissions"):
            rows = [{"id": f"z{n + 1}", "filename": "s.csv", **self.next_answer()} for n in range(len(fake.sent))]
            return self.answer({"data": rows})
        return self.answer({"data": {"id": "rain", "datafiles": [{"filename": name} for name in fake.files]}})

    def next_answer(self) -> dict[str, Any]:
        return self.fake.answers.pop(0) if len(self.fake.answers) > 1 else self.fake.answers[0]

    def basic(self) -> str:
        import base64

        kind, _, given = self.headers.get("Authorization", "").partition(" ")
        return base64.b64decode(given).decode() if kind == "Basic" else ""

    def answer(self, value: Any, code: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_file(self, body: bytes) -> None:
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.send_header("ETag", '"v1"')
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        end = start + self.fake.cuts.pop(0) if self.fake.cuts else len(body)
        self.wfile.write(body[start:end])
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Fake]:
    """Play both sites; the clients find no credentials on this machine but those of the test."""
    control = Fake()
    handler = type("Bound", (Handler,), {"fake": control})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listener:
        control.url = f"http://127.0.0.1:{listener.server_address[1]}"
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        lead_here(monkeypatch, control.url)
        # its fonts, which are looked for below HOME too, take seconds to find
        fonts = os.environ.get("MPLCONFIGDIR", str(Path.home() / ".cache" / "matplotlib"))
        monkeypatch.setenv("MPLCONFIGDIR", fonts)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path))
        for name in ("KAGGLE_API_TOKEN", "KAGGLE_API_ENVIRONMENT"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("KAGGLE_USERNAME", "ada")
        monkeypatch.setenv("KAGGLE_KEY", KEY)
        monkeypatch.setenv("ZINDI_USERNAME", "ada")
        monkeypatch.setenv("ZINDI_PASSWORD", PASSWORD)
        yield control
        listener.shutdown()
        thread.join()


def lead_here(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Send requests for the sites to this machine: both clients know one address only."""
    places = {"https://api.kaggle.com/": f"{url}/kaggle/", "https://api.zindi.africa/": f"{url}/zindi/"}
    send = requests.Session.send

    def led(self: requests.Session, request: requests.PreparedRequest, **given: Any) -> requests.Response:
        assert request.url is not None
        for away, here in places.items():
            request.url = request.url.replace(away, here, 1) if request.url.startswith(away) else request.url
        assert request.url.startswith(url), f"the test asks {request.url}"
        return send(self, request, **given)

    monkeypatch.setattr(requests.Session, "send", led)
    monkeypatch.setattr("harness.sites.zindi.API", f"{url}/zindi/v1/competitions")


@pytest.fixture
def woods(competitions: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a competition that Kaggle holds: the toy, as if its blobs were real and came from there."""
    home = competitions / "toy"
    text = (home / "competition.toml").read_text()
    official = '\n[data.variants.official]\nfrom_site = true\n\n[site]\nname = "kaggle"\nid = "three-woods"\n'
    (home / "competition.toml").write_text(text.replace("\n[split]", official + "\n[split]", 1))
    code = (home / "plugin.py").read_text().replace("simulated=True", "simulated=False")
    check = "    if request.variant == 'official':\n        assert (request.path / 'train.csv').is_file()\n"
    begin = "def load_blobs(params, request):\n    import numpy as np\n"
    assert begin in code
    (home / "plugin.py").write_text(code.replace(begin, begin + "\n" + check, 1))
    monkeypatch.setattr("harness.sending.FIRST", 0.01)
    return home
