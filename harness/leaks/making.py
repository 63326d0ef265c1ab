"""How files were made: format, size in pixels, rate, length. Of files made alike what is in them decides the size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff")
SOUNDS = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff")


def making(files: Sequence[Path]) -> str:
    """Say how files were made, if all were made alike; empty if not, or nothing can be told.

    Only their headers are read. Pictures are alike in format, size, mode and (JPEG) quantization; sounds in format,
    coding, rate, channels and length.
    """
    first = _made(files[0]) if files else None
    if first is None or any(_made(path) != first for path in files[1:]):
        return ""
    return first[0]


def _made(path: Path) -> tuple[str, str] | None:
    """Return what is told of a file, and what else must be the same."""
    try:
        if path.suffix.lower() in PICTURES:
            return _picture(path)
        return _sound(path) if path.suffix.lower() in SOUNDS else None
    except (ImportError, OSError, ValueError, RuntimeError, SyntaxError):  # what readers raise on files that are none
        return None


def _picture(path: Path) -> tuple[str, str]:
    from PIL import Image

    with Image.open(path) as found:
        tables = getattr(found, "quantization", None)
        return f"{found.format} of {found.width} x {found.height} pixels", f"{found.mode} {tables}"


def _sound(path: Path) -> tuple[str, str]:
    import soundfile

    found = soundfile.info(path)
    return (
        f"{found.format} of {found.samplerate} Hz and {found.frames / found.samplerate:.4g} s",
        f"{found.subtype} {found.channels} {found.frames}",
    )
