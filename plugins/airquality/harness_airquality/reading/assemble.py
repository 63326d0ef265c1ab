"""Parts of a station table to examples: roles first, covariates after, notes of all that was done to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.data import Column, Examples
from harness.errors import ConfigError, DataError
from harness.tabular.columns import Schema, row_ids
from harness_airquality.reading.covariates import learn_covariates, type_covariates
from harness_airquality.reading.doubles import settle_doubles
from harness_airquality.reading.parts import Part
from harness_airquality.reading.places import complete_coordinates, read_places, tell_unseen
from harness_airquality.reading.targets import read_targets
from harness_airquality.reading.times import read_times, same_zone
from harness_airquality.stations import COUNTRY, LATITUDE, LONGITUDE, PLACE, REGION, ROLES, TIME

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness_airquality.source import StationsParams

KINDS = {PLACE: "text", TIME: "time", LATITUDE: "number", LONGITUDE: "number", REGION: "text"}


@dataclass(frozen=True, eq=False)
class Located:
    """A part with the place and time of its rows, and their targets where they have some."""

    part: Part
    keys: pd.DataFrame
    ids: NDArray[np.object_]
    zone: str
    targets: NDArray[np.float64] | None = None

    def take(self, rows: NDArray[Any]) -> Located:
        """Return the rows at positions, or where a mask is true."""
        targets = None if self.targets is None else self.targets[rows]
        keys = self.keys.iloc[rows].reset_index(drop=True)
        return replace(self, part=self.part.take(rows), keys=keys, ids=self.ids[rows], targets=targets)


@dataclass(frozen=True, eq=False)
class Assembled:
    """All parts as examples.

    Attributes
    ----------
    parts : mapping of str to Examples
        ``train``, ``valid``, ``test``.
    columns : tuple of Column
        Of the inputs, in order.
    levels : mapping of str to tuple of str
        Of the categories.
    """

    parts: Mapping[str, Examples]
    columns: tuple[Column, ...]
    levels: Mapping[str, tuple[str, ...]]
    zone: str
    notes: tuple[str, ...]


def assemble(parts: Mapping[str, Part], params: StationsParams) -> Assembled:
    """Turn the parts that were read into examples.

    Raises
    ------
    HarnessError
        In one line, naming file, column and rows.
    """
    notes: list[str] = []
    located = {name: _locate(part, params, name, notes) for name, part in parts.items()}
    zone = same_zone({one.part.where: one.zone for one in located.values()})
    located = _cut(located, params)
    keys, told = complete_coordinates([one.keys for one in located.values()])
    notes += told
    located = {name: replace(one, keys=done) for (name, one), done in zip(located.items(), keys, strict=True)}
    schema, told = learn_covariates(located["train"].part, params)
    notes += told
    found = {}
    for name, one in located.items():
        found[name], told = settle_doubles(examples_of(one, params, schema), params.duplicates, one.part.where)
        notes += told
    if "test" in found:
        notes += tell_unseen(found["train"].inputs, found["test"].inputs)
    columns = (*(Column(role, KINDS[role]) for role in ROLES), *schema.columns)
    return Assembled(found, columns, schema.levels, zone, tuple(notes))


def locate_new(part: Part, params: StationsParams) -> Located:
    """Read place and time of rows to predict; region, country and id may lack."""
    times = read_times(part, params)
    keys = read_places(part, params, optional=True)
    keys.insert(1, TIME, times.values)
    (keys,), _ = complete_coordinates([keys])
    return Located(part, keys, row_ids(part.frame, replace(params.roles, id=part.id), "test", part.where), times.zone)


def _locate(part: Part, params: StationsParams, name: str, notes: list[str]) -> Located:
    ids = row_ids(part.frame, params.roles, name, part.where)
    times = read_times(part, params)
    keys = read_places(part, params)
    keys.insert(1, TIME, times.values)
    notes += times.notes
    if name == "test":
        return Located(part, keys, ids, times.zone)
    targets, kept, told = read_targets(part, params)
    notes += told
    return Located(part, keys, ids, times.zone, targets).take(kept)


def _cut(located: dict[str, Located], params: StationsParams) -> dict[str, Located]:
    """Make the newest training rows the validation and the test set, where the parameters say from when on."""
    bounds = {"valid": _date(params.valid_from, "valid_from"), "test": _date(params.test_from, "test_from")}
    train = located["train"]
    times = train.keys[TIME]
    left = pd.Series(True, index=times.index)
    for name, start in reversed(bounds.items()):
        if start is None:
            continue
        if name in located:
            raise ConfigError(f"data: {name}_from cuts rows off the training file, but there is a file of them too")
        rows = (left & (times >= start)).to_numpy()
        left &= times < start
        if not rows.any() or not left.any():
            raise DataError(
                f"{train.part.where}: {name}_from = {start:%Y-%m-%d} leaves {int(rows.sum())} rows for {name} and"
                f" {int(left.sum())} for training; times run from {times.min()} to {times.max()}"
            )
        part = train.take(rows)
        if not params.id:
            prefix = "" if name == "test" else f"{name}-"
            part = replace(part, ids=np.array([f"{prefix}{row}" for row in part.part.numbers], dtype=object))
        located[name] = replace(part, targets=None) if name == "test" else part
    located["train"] = train.take(left.to_numpy())
    return located


def _date(text: str, key: str) -> pd.Timestamp | None:
    if not text:
        return None
    try:
        found = pd.Timestamp(datetime.fromisoformat(text))
    except ValueError:
        raise ConfigError(f"data: {key} = {text!r}: expected an ISO date as 2014-07-01") from None
    if found.tzinfo is not None:
        raise ConfigError(f"data: {key} = {text!r}: expected no offset; it is in the table's own zone")
    return found


def examples_of(located: Located, params: StationsParams, schema: Schema) -> Examples:
    """Return rows as examples: inputs are the roles, then the covariates; meta is the roles and the country."""
    covariates = type_covariates(located.part, params, schema, located.ids)
    roles = located.keys[list(ROLES)]
    meta = located.keys[[name for name in (*ROLES, COUNTRY) if name in located.keys]]
    inputs = pd.concat([roles, covariates], axis=1)
    return Examples(ids=located.ids, inputs=inputs, targets=located.targets, meta=meta)
