"""All parts of a data set: from files, or simulated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import DataError
from harness.tabular.columns import text_columns
from harness.tabular.files import locate, read_sample
from harness_airquality.reading.parts import Part, find_files, part_of, read_part
from harness_airquality.sample import Settings, Simulated, simulate

if TYPE_CHECKING:
    import pandas as pd

    from harness.offers import DataRequest
    from harness_airquality.source import StationsParams


@dataclass(frozen=True, eq=False)
class Tables:
    """What was read.

    Attributes
    ----------
    parts : dict of str to Part
        ``train``, ``valid``, ``test``.
    paths : tuple of Path
        Every file.
    facts : tuple of str
        What a digest needs to know besides the files.
    sample : DataFrame or None
        The sample submission.
    """

    parts: dict[str, Part]
    paths: tuple[Path, ...] = ()
    facts: tuple[str, ...] = ()
    sample: pd.DataFrame | None = None
    simulated: bool = False
    notes: tuple[str, ...] = ()


def read_tables(params: StationsParams, request: DataRequest) -> Tables:
    """Read what the request asks for: the user's folder or file, the competition's folder, or a simulation.

    Raises
    ------
    DataError
        If there is nothing to read.
    """
    if request.path is None and params.simulate:
        return _simulate(params)
    if request.path is None and not any(request.home.glob(params.train)):
        raise DataError(
            f"{request.competition} ships no data: give a folder that holds {_expected(params)} with --data PATH"
        )
    place = request.path or request.home
    if place.is_file():
        return _read_files(replace(params, validation="", test="", sample_submission=""), place)
    if not place.is_dir():
        raise DataError(f"{place}: no such folder or file; expected a folder that holds {_expected(params)}")
    return _read_files(params, place)


def _expected(params: StationsParams) -> str:
    return ", ".join(name for name in (params.train, params.validation, params.test, params.sample_submission) if name)


def _read_files(params: StationsParams, place: Path) -> Tables:
    patterns = {"train": params.train, "valid": params.validation, "test": params.test}
    # all are found before any is read: a misspelt test file must not cost a long read first
    paths = {
        name: (place,) if place.is_file() else find_files(place, pattern, "validation" if name == "valid" else name)
        for name, pattern in patterns.items()
        if pattern
    }
    sample = locate(place, params.sample_submission, "sample_submission") if params.sample_submission else None
    train = read_part(paths["train"], params)
    texts = [name for name in text_columns(train.frame) if name != params.target]
    others = {name: read_part(found, params, texts) for name, found in paths.items() if name != "train"}
    every = [path for found in paths.values() for path in found] + ([sample] if sample else [])
    submission = None if sample is None else read_sample(sample, params.roles)
    return Tables({"train": train, **others}, tuple(every), sample=submission)


def _simulate(params: StationsParams) -> Tables:
    made = simulated(params)
    where = "simulated rows"
    parts = {"train": part_of(made.train, where, params.id), "test": part_of(made.test, where, params.id)}
    note = (
        f"simulated, not measured: {params.simulate} stations train, {params.simulate_unseen} others are predicted,"
        f" {params.simulate_days} days (seed {params.simulate_seed})"
    )
    content = tuple(part.frame.to_csv() for part in parts.values())
    return Tables(parts, facts=content, simulated=True, notes=(note,))


def simulated(params: StationsParams) -> Simulated:
    """Return the simulation behind the sample, its truth too; for tests, never for a dataset."""
    return simulate(Settings(params.simulate, params.simulate_unseen, params.simulate_days, params.simulate_seed))
