"""Numbers and text on their way into a page: compact, and unable to leave the element they stand in."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
import re
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def packed(values: NDArray[Any]) -> str:
    """Encode an array, little endian, in base64."""
    return base64.b64encode(values.astype(values.dtype.newbyteorder("<")).tobytes()).decode()


def squeezed(data: bytes) -> str:
    """Compress bytes by gzip, the same every time, and encode them in base64."""
    return base64.b64encode(gzip.compress(data, compresslevel=9, mtime=0)).decode()


def script_json(value: Any) -> str:
    r"""Write JSON for a ``<script type="application/json">``; NaN becomes null.

    Examples
    --------
    >>> script_json(["</script>", float("nan")])
    '["\\u003c/script\\u003e",null]'
    """
    text = json.dumps(_plain(value), separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def html(value: object) -> str:
    """Escape text for HTML, within an element or a quoted attribute.

    Examples
    --------
    >>> html('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    return escape(visible(str(value)))


def visible(text: str) -> str:
    """Replace control characters, those that turn the direction of writing, and halves of surrogate pairs."""
    return _CONTROL.sub("\ufffd", text)


def digest(text: str) -> str:
    """Return a script's hash as a Content-Security-Policy names it (https://www.w3.org/TR/CSP3/)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
