"""A table of UniProt from its REST interface, which the test plays: fetched, its release written down, and read."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

import harness as harness_package
from harness.competition_file import read_competition
from harness.files import read_json

LETTERS = np.random.default_rng(0).choice(list("ACDEFGHIKLMNPQRSTVWY"), (30, 40))
ROWS = [f"P{row}\t{''.join(LETTERS[row])}\t2.7.{10 + row % 3}.1\tkinases\n" for row in range(30)]
TABLE = "Entry\tSequence\tEC number\tProtein families\n" + "".join(ROWS)
FIELDS = {"accession": "Entry", "sequence": "Sequence", "ec": "EC number", "protein_families": "Protein families"}


class UniProt(BaseHTTPRequestHandler):
    """Answers as the REST interface does: chunked, without a length, with its release in the headers."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        asked = [FIELDS[field] for field in query["fields"][0].split(",")]
        if asked != TABLE.split("\n")[0].split("\t") or query["format"] != ["tsv"] or "ec:2.7" not in query["query"][0]:
            self.send_error(400)
            return
        self.send_response(200)
        self.send_header("X-UniProt-Release", "2026_04")
        self.send_header("X-UniProt-Release-Date", "14-October-2026")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        body = gzip.compress(TABLE.encode())
        for start in range(0, len(body), 50):
            chunk = body[start : start + 50]
            self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def uniprot() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), UniProt) as listener:
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{listener.server_address[1]}"
        listener.shutdown()
        thread.join()


def test_the_public_variant_is_fetched_and_read(harness, competitions: Path, workspace: Path, uniprot: str) -> None:
    home = Path(harness_package.__file__).parents[1] / "competitions" / "protein-kinase"
    (url,) = read_competition(home).data.variants["public"].urls
    place = competitions / "kinases"
    place.mkdir()
    text = (home / "competition.toml").read_text().replace("https://rest.uniprot.org", uniprot)
    (place / "competition.toml").write_text(text)
    assert url.startswith("https://rest.uniprot.org/uniprotkb/stream?query=")
    done = harness("fetch", "kinases", "--variant", "public")
    assert done.code == 0, done.err
    (record,) = (workspace / "cache" / "data" / "kinases").glob("*/fetched.json")
    assert read_json(record)["stream.tsv.gz"]["origin"] == {
        "X-UniProt-Release": "2026_04",
        "X-UniProt-Release-Date": "14-October-2026",
    }
    checked = harness("check", "kinases", "--data", "public", "--json")
    assert checked.code == 0, checked.err + checked.out
    assert checked.json["train"] == "30 rows: 2.7.10 33.3%, 2.7.11 33.3%, 2.7.12 33.3%"
    assert "test" not in checked.json
