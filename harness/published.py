"""Published results of a competition: ``board.csv`` beside its ``competition.toml``, read strictly.

A table in UTF-8 with a header: ``entry`` (what it is called), one column named as a metric of the competition (the
score), ``source`` (its web address), and any number of columns that tell the setting: ``size``, ``epochs``, ... One
whose name is that of a parameter is compared with ours; ``runs`` with our number of seeds, ``data`` with our variant.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from harness.errors import ConfigError, listed, nearest
from harness.offers import Metric

FILE = "board.csv"
ENTRY, SOURCE = "entry", "source"
Value = int | float | str
_WHOLE, NUMBER = re.compile(r"[+-]?\d+"), re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Published:
    """A result that somebody published.

    Attributes
    ----------
    metric : str
        A metric of the competition; `score` is in its unit.
    setting : mapping
        What is known of how it was made, by name; an empty cell is left out.
    source : str
        Its web address.
    """

    entry: str
    metric: str
    score: float
    setting: Mapping[str, Value]
    source: str


def read_published(home: Path, metrics: Sequence[Metric]) -> tuple[Published, ...]:
    """Read ``board.csv`` of a competition's folder.

    Parameters
    ----------
    metrics : sequence of Metric
        Those of the competition.

    Returns
    -------
    tuple of Published
        Best first, equal ones in the file's order; empty where there is no such file.

    Raises
    ------
    ConfigError
        Naming the file, the line and the column, in one line.
    """
    path = home / FILE
    if not path.is_file():
        return ()
    where = f"{home.name}/{FILE}"
    lines = csv_lines(path, where)
    if not lines:
        raise ConfigError(f"{where} is empty; expected a header with {ENTRY}, a metric and {SOURCE}")
    (_, header), rows = lines[0], lines[1:]
    metric = _metric(header, metrics, where)
    if not rows:
        raise ConfigError(f"{where} has a header and no rows; add one, or remove the file")
    found = [_row(header, cells, metric.name, f"{where}, line {number}") for number, cells in rows]
    return tuple(sorted(found, key=lambda one: one.score if metric.direction == "min" else -one.score))


def csv_lines(path: Path, where: str) -> list[tuple[int, list[str]]]:
    """Return the number and the cells of each line that is not empty; a BOM and ends of either kind are fine.

    Raises
    ------
    ConfigError
        Naming the file and the line.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{where} is not UTF-8 (byte {error.start}); save it as CSV in UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found = []
    try:
        for cells in reader:
            kept = [cell.strip() for cell in cells]
            if any(kept):
                found.append((reader.line_num, kept))
    except csv.Error as error:
        raise ConfigError(f"{where}, line {reader.line_num}: not CSV ({error})") from None
    for number, cells in found:
        for cell in cells:
            if not cell.isprintable():
                raise ConfigError(f"{where}, line {number}: {listed([cell])!r} holds a character that is not printable")
    return found


def _metric(header: Sequence[str], metrics: Sequence[Metric], where: str) -> Metric:
    twice = [name for name in dict.fromkeys(header) if header.count(name) > 1]
    if "" in header or twice:
        what = f"{twice[0]!r} is there twice" if any(twice) else "one has no name"
        raise ConfigError(f"{where}: columns of the header: {what}")
    for name in (ENTRY, SOURCE):
        if name not in header:
            raise ConfigError(f"{where}: no column {name!r}; it has: {listed(header, 12)}")
    scores = [metric for metric in metrics if metric.name in header]
    if len(scores) == 1:
        return scores[0]
    known = [metric.name for metric in metrics]
    if scores:
        raise ConfigError(f"{where}: columns {listed(m.name for m in scores)} are all metrics; keep the one published")
    others = [name for name in header if name not in (ENTRY, SOURCE)]
    hint = next((text for name in others if "did you mean" in (text := nearest(name, known))), nearest("", known))
    raise ConfigError(f"{where}: no column is named as a metric of the competition{hint}")


def _row(header: Sequence[str], cells: Sequence[str], metric: str, where: str) -> Published:
    if len(cells) != len(header):
        raise ConfigError(f"{where}: {len(cells)} cells, expected {len(header)} as in the header")
    row = dict(zip(header, cells, strict=True))
    entry, score, source = row.pop(ENTRY), row.pop(metric), row.pop(SOURCE)
    if not entry:
        raise ConfigError(f"{where}: {ENTRY} is empty")
    if not NUMBER.fullmatch(score) or not math.isfinite(float(score)):
        raise ConfigError(f"{where}: {metric} = {score!r}: expected a number, in the unit of the metric")
    if not _is_address(source):
        raise ConfigError(f"{where}: {SOURCE} = {source!r}: expected a web address, https://...")
    setting = {name: _value(cell) for name, cell in row.items() if cell}
    return Published(entry, metric, float(score), setting, source)


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and " " not in text


def _value(text: str) -> Value:
    """Return a number where a text is one.

    Examples
    --------
    >>> _value("128"), _value("0.5"), _value("relu"), _value("1_0")
    (128, 0.5, 'relu', '1_0')
    """
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if NUMBER.fullmatch(text) else text


def difference(results: Sequence[Published], ours: Mapping[str, Value]) -> list[str]:
    """Tell how a setting of ours differs from those of published results.

    Parameters
    ----------
    ours : mapping
        Our values by the names of the settings; names that nobody published are left out of the answer.

    Returns
    -------
    list of str
        In the order of the file's columns.

    Examples
    --------
    >>> rows = [Published("a", "accuracy", 0.7, {"size": size, "epochs": 5}, "") for size in (128, 192, 256)]
    >>> difference(rows, {"size": 64, "epochs": 5, "rate": 0.1})
    ['size 64 (published: 128 to 256)', 'epochs 5']
    """
    told = []
    for name in dict.fromkeys(name for result in results for name in result.setting):
        if name not in ours:
            continue
        values = [result.setting[name] for result in results if name in result.setting]
        own = _value(str(ours[name]))
        told.append(f"{name} {own}" + ("" if own in values else f" (published: {_span(values)})"))
    return told


def _span(values: Sequence[Value]) -> str:
    numbers = [value for value in values if not isinstance(value, str)]
    if len(numbers) < len(values) or min(numbers) == max(numbers):
        return listed(dict.fromkeys(values))
    return f"{min(numbers)} to {max(numbers)}"
