"""Data files fetched from the web: resumed, checked, and there all together or not at all.

What is being fetched lies in a hidden folder beside the target, where the next attempt finds it; the target appears
when every file is complete and its digest is right. A digest that nobody vouches for is written down at the first fetch
and compared at every later one, and the file is shown as unverified.
"""

from __future__ import annotations

import http.client
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from harness.archive import extract, is_archive, stem
from harness.competition import FileFacts
from harness.errors import DataError, StoreError, listed, nearest
from harness.fetch_checks import Checks
from harness.files import read_json, sha256, write_json
from harness.sites.client import Remote

RECORD = "fetched.json"
ATTEMPTS = 5
"""Failures in a row, without a byte gained, after which a file is given up."""

ORIGIN = ("Last-Modified", "ETag", "X-UniProt-Release", "X-UniProt-Release-Date")
"""Headers of an answer that say which version of a file it is; written down beside its digest."""
_BLOCK = 1 << 18
_TIMEOUT = 30.0  # seconds without a byte
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})

Progress = Callable[[str, int, "int | None"], None]
"""``progress(name, bytes so far, bytes in all or None)``."""


@dataclass(frozen=True)
class Fetched:
    """A file that is there.

    Attributes
    ----------
    verified : bool
        Whether its digest is the one the competition names; False if the competition names none.
    published : bool
        Whether its size and beginning are what its publisher tells; False if the competition names none.
    """

    name: str
    path: Path
    sha256: str
    verified: bool
    published: bool = False


class _TransferError(Exception):
    """A transfer broke off in a way that another attempt may mend."""


def fetch(
    urls: Sequence[str] | Mapping[str, Remote],
    digests: Mapping[str, str],
    into: Path,
    progress: Progress | None = None,
    *,
    published: Mapping[str, FileFacts] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Fetched]:
    """Fetch files into a folder; what is there already is only checked.

    Archives (zip, tar) are also unpacked, each into a folder of its name.

    Parameters
    ----------
    urls : sequence of str, or mapping of str to Remote
        ``http``, ``https`` or ``file``; or files of a site, by the names that they are to have.
    digests : mapping of str to str
        Known SHA-256 (hex) by file name.
    into : Path
        Appears when all files are complete.
    published : mapping of str to FileFacts, optional
        What else is known of files, by name.
    sleep : callable
        Waits the given seconds between attempts.

    Raises
    ------
    DataError
        If a file cannot be had, or is not the one that it should be: one line with the URL and what to do.
    StoreError
        If the disk refuses.
    """
    names = _checked(
        [(_file_name(name), remote) for name, remote in urls.items()] if isinstance(urls, Mapping) else _names(urls)
    )
    published = published or {}
    for name in (*digests, *published):
        if name not in names:  # else a misspelt name would leave its file unverified
            raise DataError(f"a digest is given for {name!r}, which is not fetched{nearest(name, names)}")
    record = read_json(into / RECORD) if (into / RECORD).is_file() else {}
    staging = into.parent / f".{into.name}.part"
    home = into if into.is_dir() else staging
    fresh = [name for name in names if not _is_there(into / name, record.get(name))]
    for name in fresh:
        wanted = digests.get(name) or record.get(name, {}).get("sha256")
        checks = Checks(wanted, published.get(name))
        digest, origin = _fetch_one(names[name], staging, name, checks, progress or (lambda *_: None), sleep)
        size = (staging / name).stat().st_size
        record[name] = {"url": shown(names[name].url), "bytes": size, "sha256": digest, "origin": origin}
        if home is into:
            (staging / name).replace(into / name)
    for name, remote in names.items():
        known, digest = digests.get(name), record[name]["sha256"]
        if difference := Checks(known, published.get(name)).difference(home / name, digest):
            raise _wrong(remote.url, difference, f"delete {into} and fetch again")
        record[name] |= {"verified": bool(known), "published": name in published}
        folder = home / stem(home / name)
        if is_archive(home / name) and (name in fresh or not folder.is_dir()):
            extract(home / name, folder)
    write_json(home / RECORD, record)
    _settle(staging, into)
    return [
        Fetched(name, into / name, record[name]["sha256"], record[name]["verified"], record[name]["published"])
        for name in names
    ]


def _settle(staging: Path, into: Path) -> None:
    try:
        if not into.is_dir():
            staging.rename(into)
        elif staging.is_dir() and not any(staging.iterdir()):
            staging.rmdir()
    except OSError as error:
        raise StoreError(f"cannot write {into}: {error.strerror or error}") from error


def _names(urls: Sequence[str]) -> list[tuple[str, Remote]]:
    found = []
    for url in urls:
        parts = urllib.parse.urlsplit(url)
        last = PurePosixPath(urllib.parse.unquote(parts.path)).name + _suffix(parts)
        found.append((_file_name(last), Remote(url)))
    return found


def _file_name(text: str) -> str:
    return re.sub(r"[^\w.+()-]", "_", text).lstrip(".") or "download"


def _checked(found: Sequence[tuple[str, Remote]]) -> dict[str, Remote]:
    """Return files by their names; refuse two of one name, and an address that is none of the web."""
    places = [RECORD]
    for name, remote in found:
        if urllib.parse.urlsplit(remote.url).scheme not in ("http", "https", "file"):
            raise DataError(f"cannot fetch {shown(remote.url)}: expected http, https or file")
        # an archive is unpacked into a folder of its name, which must be free too
        places += [name, stem(Path(name))] if is_archive(Path(name)) else [name]
    doubled = sorted({place for place in places if places.count(place) > 1})
    if doubled:
        urls = [shown(remote.url) for _, remote in found]
        raise DataError(f"two of the files to fetch would be named {listed(doubled)}: {listed(urls, 8)}")
    return dict(found)


def _suffix(parts: urllib.parse.SplitResult) -> str:
    """Return the suffix of what a query asks for, as ``format=tsv&compressed=true`` does, if the path has none."""
    query = dict(urllib.parse.parse_qsl(parts.query))
    if PurePosixPath(parts.path).suffix or not query.get("format", "").isalnum():
        return ""
    return f".{query['format']}" + (".gz" if query.get("compressed") == "true" else "")


def shown(url: str) -> str:
    """Return a URL as it may be shown and stored: without user, password and query, which may hold a secret.

    Examples
    --------
    >>> shown("https://me:secret@example.org/a.zip?token=1")
    'https://example.org/a.zip'
    """
    parts = urllib.parse.urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urllib.parse.urlunsplit((parts.scheme, host, parts.path, "", ""))


def _is_there(path: Path, facts: Any) -> bool:
    if not path.is_file() or not isinstance(facts, Mapping) or path.stat().st_size != facts.get("bytes"):
        return False
    return sha256(path) == facts.get("sha256")


def _wrong(url: str, difference: str, then: str) -> DataError:
    return DataError(f"{shown(url)} is not the file it should be: {difference}; {then}")


def _fetch_one(
    remote: Remote, staging: Path, name: str, checks: Checks, progress: Progress, sleep: Callable[[float], None]
) -> tuple[str, dict[str, str]]:
    """Return a file's digest, and what its server says of its version."""
    url, complete, part = remote.url, staging / name, staging / f"{name}.part"
    failures, best = 0, 0
    origin: dict[str, str] = {}
    while not complete.is_file():
        try:
            staging.mkdir(parents=True, exist_ok=True)
            _transfer(remote, part, lambda done, total: progress(name, done, total))
            origin = read_json(_facts(part)).get("origin", {})
            part.replace(complete)
            _facts(part).unlink(missing_ok=True)
        except _TransferError as error:
            size = part.stat().st_size if part.is_file() else 0
            failures = 1 if size > best else failures + 1
            best = max(best, size)
            if failures >= ATTEMPTS:
                raise _cannot(url, f"{error} ({ATTEMPTS} attempts)") from None
            sleep(2.0 ** (failures - 1))
        except OSError as error:
            raise StoreError(
                f"cannot write {part}: {error.strerror or error}; what is there will be resumed"
            ) from error
    found = sha256(complete)
    if difference := checks.difference(complete, found):
        complete.unlink()
        raise _wrong(url, difference, "it changed at its source or on the way: fetch again, or use --data FOLDER")
    return found, origin


def _cannot(url: str, reason: str) -> DataError:
    return DataError(f"cannot fetch {shown(url)}: {reason}; download it by hand into a folder and use --data FOLDER")


def _facts(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _transfer(remote: Remote, part: Path, tell: Callable[[int, int | None], None]) -> None:
    """Bring one file, or what is missing of it, into `part`; raise `_TransferError` if it is not all there."""
    have = part.stat().st_size if part.is_file() else 0
    same = read_json(_facts(part)).get("validator") if have and _facts(part).is_file() else None
    headers = {"User-Agent": "competition-harness", "Accept-Encoding": "identity"}
    request = urllib.request.Request(remote.url, headers=headers)  # noqa: S310 - only http, https and file get here
    if remote.sign is not None:
        remote.sign(request)
    if have and same:
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", same)
    with _opened(remote.url, request, part) as answer:
        start = _start(answer, have if same else 0)
        length = answer.headers.get("Content-Length")
        total = start + int(length) if length and length.isdigit() else None
        origin = {key: answer.headers[key] for key in ORIGIN if answer.headers.get(key)}
        write_json(_facts(part), {"validator": _validator(answer.headers), "origin": origin})
        with part.open("ab" if start else "wb") as file:
            done = _copy(answer, file, start, total, tell)
            file.flush()
            os.fsync(file.fileno())
    if total is not None and done != total:
        if done > total:
            part.unlink()
        raise _TransferError(f"the connection ended after {done:,} of {total:,} bytes")


def _copy(answer: Any, file: Any, start: int, total: int | None, tell: Callable[[int, int | None], None]) -> int:
    done = start
    tell(done, total)
    while True:
        try:
            block = answer.read(_BLOCK)
        except http.client.IncompleteRead as error:
            file.write(error.partial)
            raise _TransferError(f"the connection ended after {done + len(error.partial):,} bytes") from None
        except (OSError, http.client.HTTPException) as error:
            raise _TransferError(f"the connection broke: {_reason(error)}") from None
        if not block:
            return done
        file.write(block)
        done += len(block)
        tell(done, total)


def _opened(url: str, request: urllib.request.Request, part: Path) -> Any:
    try:
        return _opener().open(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:  # what is there is no beginning of what the server has
            part.unlink(missing_ok=True)
            raise _TransferError("the file changed on the server") from None
        if error.code in _TRANSIENT:
            raise _TransferError(f"the server answers {error.code} {error.reason}") from None
        raise _cannot(url, f"the server answers {error.code} {error.reason}") from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, FileNotFoundError | PermissionError | IsADirectoryError) or url.startswith("file:"):
            raise _cannot(url, _reason(reason)) from None
        raise _TransferError(_reason(reason)) from None


def _opener() -> urllib.request.OpenerDirector:
    """Open http, https and file only, so that no redirection leads anywhere else."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.UnknownHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.FileHandler,
    ):
        opener.add_handler(handler())
    return opener


def _start(answer: Any, have: int) -> int:
    """Return the position the answer begins at: `have` if the server resumes there, else 0."""
    if getattr(answer, "status", None) != 206:
        return 0
    begin = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    if begin is None or int(begin[1]) != have:
        raise _TransferError("the server resumed at another place than asked")
    return have


def _validator(headers: Any) -> str | None:
    # a weak ETag says "equivalent", not "the same bytes"
    etag: str | None = headers.get("ETag")
    if etag and not etag.startswith("W/"):
        return etag
    modified: str | None = headers.get("Last-Modified")
    return modified


def _reason(error: object) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0]
