"""Splits that can be tried on a competition: those its data's roles allow, and its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.builtin.splits import check_folds
from harness.data import Fold
from harness.errors import DataError, listed
from harness.offers import Splitter
from harness.params import as_json, parse_params
from harness.prepare import Prepared

COLUMNS = {"group": "group_on", "time": "time_on", "latitude": "latitude_on", "longitude": "longitude_on"}
"""The parameter of a splitter that names each role's column."""
NEEDS = {
    "random": (),
    "group": ("group",),
    "time": ("time",),
    "group_time": ("group", "time"),
    "spatial": ("latitude", "longitude"),
}
"""Roles without which a split cannot be cut."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A split to try.

    Attributes
    ----------
    use : mapping
        The splitter and every parameter, as JSON values.
    folds : tuple of Fold
        Empty if it cannot be cut; `problem` then says why.
    own : bool
        Whether it is the competition's own.
    """

    name: str
    splitter: Splitter
    use: Mapping[str, Any]
    folds: tuple[Fold, ...]
    problem: str = ""
    own: bool = False


def candidates(prepared: Prepared, folds: int, seed: int) -> list[Candidate]:
    """Cut the data in every way its roles allow; the competition's own split takes the place of its like."""
    roles = prepared.dataset.info.roles
    own = Candidate(prepared.splitter.name, prepared.splitter, prepared.split, prepared.folds, own=True)
    found = []
    for name, needs in NEEDS.items():
        if not all(role in roles for role in needs):
            continue
        splitter = prepared.plugins.find(Splitter, name, "split-audit")
        taken = (*needs, "group") if name == "spatial" and "group" in roles else needs
        given = {COLUMNS[role]: roles[role] for role in taken}
        if own.name == name and all(own.use[COLUMNS[role]] == roles[role] for role in needs):
            found.append(own)
        else:
            found.append(_cut(prepared, splitter, given, folds, seed))
    if own not in found:
        taken_names = {one.name for one in found}
        label = f"{own.name} (own)" if own.name in taken_names else own.name
        found.append(Candidate(label, own.splitter, own.use, own.folds, own=True))
    return found


def _cut(prepared: Prepared, splitter: Splitter, given: Mapping[str, Any], folds: int, seed: int) -> Candidate:
    """Cut into so many folds, or as many as there are groups, times or blocks for."""
    options = {"seed": seed} if "seed" in splitter.params.__dataclass_fields__ else {}
    problem, use = "", {**given, **options, "folds": folds}
    for fewer in range(folds, 1, -1):
        params = parse_params(splitter.params, {**use, "folds": fewer}, f"split-audit: {splitter.name}")
        use = {"use": splitter.name, **as_json(params)}
        try:
            made = tuple(splitter.split(params, prepared.dataset.train, prepared.dataset.info))
        except DataError as error:  # told in the table, if no number of folds helps
            problem = str(error)
            use.pop("use")
            continue
        leaks = check_folds(made, prepared.dataset.train, splitter, params)
        return Candidate(splitter.name, splitter, use, () if leaks else made, listed(leaks, 3))
    return Candidate(splitter.name, splitter, {"use": splitter.name, **use}, (), problem)
