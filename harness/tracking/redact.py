"""Addresses and messages without user names, passwords and tokens."""

from __future__ import annotations

import os
import re
from urllib.parse import unquote

HIDDEN = "***"
_VARIABLES = (
    *("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME"),
    *("KAGGLE_KEY", "KAGGLE_API_TOKEN", "ZINDI_PASSWORD"),
)
# to the last @, for a password may hold one; three slashes begin a path, where it means nothing
_USER_INFO = re.compile(r"(?<=//)(?!/)\S*@")
# what a program or a settings file assigns: quoted, or so long and mixed that it is no name
_ASSIGNED = re.compile(
    r"""(?i)(\w*(?:password|passwd|pwd|token|secret|api_?key|access_?key|kaggle_key)\w*["']?\s*[:=]\s*)"""
    r"""("[^"]+"|'[^']+'|(?=\S*\d)[\w+/=.-]{16,})"""
)
UNREACHABLE = {
    "Connection refused": "connection refused",
    "NameResolutionError": "no such host",
    "Name or service not known": "no such host",
    "Network is unreachable": "the network is unreachable",
    "ConnectTimeoutError": "no answer in time",
}
"""What the texts of errors of `requests` hold where nobody answers, and how that is told."""
_SECRET = re.compile(r"(?i)[?&;](?:user|username|password|passwd|pwd|token|secret|api_?key)=[^&;#\s]*")


def shown_uri(uri: str) -> str:
    """Return a URI as it may be shown and stored: without user and password, in its query too.

    Examples
    --------
    >>> shown_uri("postgresql://me:secret@db.team/mlflow"), shown_uri("sqlite:///mlflow.db")
    ('postgresql://db.team/mlflow', 'sqlite:///mlflow.db')
    >>> shown_uri("http://me:p@ss/word@team:5000"), shown_uri("postgresql://db/mlflow?user=me&password=x&ssl=yes")
    ('http://team:5000', 'postgresql://db/mlflow?ssl=yes')
    """
    shown = _SECRET.sub("", _USER_INFO.sub("", uri))
    return shown if "?" in shown or "?" not in uri else shown.replace("&", "?", 1)


def redact(text: object, uri: str = "") -> str:
    """Return a message in one line without credentials: those of a URI, of any other URI in it, of the environment.

    Examples
    --------
    >>> redact("GET http://me:secret@team/api failed for secret", "http://me:secret@team")
    'GET http://team/api failed for ***'
    """
    line = " ".join(str(text).split())
    if uri:
        line = line.replace(uri, shown_uri(uri))
    line = re.sub(r"\S*//\S*@\S*", lambda found: shown_uri(found[0]), line)
    # names are hidden too, unless they are too short to be told from a word
    for secret in sorted(secrets_of(uri), key=len, reverse=True):
        line = line.replace(secret, HIDDEN)
    return line


def reason_of(error: object, uri: str = "") -> str:
    """Return why MLflow did not answer, short and without credentials: nobody there, or the error's name and text.

    Examples
    --------
    >>> reason_of(ConnectionError("Max retries exceeded (Caused by ...: [Errno 111] Connection refused)"))
    'connection refused; is that the right address, and is the server up?'
    >>> reason_of(ValueError("no such field"))
    'ValueError: no such field'
    """
    text = str(error)
    for sign, told in UNREACHABLE.items():
        if sign in text:
            return f"{told}; is that the right address, and is the server up?"
    return f"{type(error).__name__}: {redact(error, uri)[:200]}"


def redact_text(text: str) -> str:
    r"""Return a text of several lines without credentials, every other character as it was.

    Examples
    --------
    >>> print(redact_text('+  key = fetch("https://me:secret@team/x")\n+    token = "abc"'))
    +  key = fetch("https://team/x")
    +    token = ***
    """
    hidden = re.sub(r"\S*//\S*@\S*", lambda found: shown_uri(found[0]), text)
    hidden = _ASSIGNED.sub(lambda found: f"{found[1]}{HIDDEN}", hidden)
    for secret in sorted(secrets_of(""), key=len, reverse=True):
        hidden = hidden.replace(secret, HIDDEN)
    return hidden


def secrets_of(uri: str) -> set[str]:
    """Return what must never be shown: user and password of a URI, written and decoded, and of MLflow's variables."""
    found = _USER_INFO.search(uri)
    parts = found[0].removesuffix("@").partition(":")[::2] if found else ()
    queried = [part.partition("=")[2] for part in _SECRET.findall(uri)]
    given = [os.environ.get(name, "") for name in _VARIABLES]
    return {form for part in (*parts, *queried, *given) for form in (part, unquote(part)) if len(form) > 3}
