"""A run rebuilt from what is recorded of it, in a workspace of its own, and compared with what was stored.

Nothing of the earlier workspace is written to: its fetched data is read through a link, everything else is made anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.artefacts import (
    DIFFERS,
    Compared,
    compare_folds,
    compare_results,
    compare_stages,
    compare_tasks,
    tasks_of,
)
from harness.averaging import mean_over_seeds
from harness.blending import Member, blend
from harness.competition import Blend
from harness.device import choose_device, count_gpus
from harness.errors import ConfigError, DataError, HarnessError, StoreError
from harness.facts import PROVENANCE
from harness.files import read_json
from harness.finding import find_competition
from harness.planning import Hardware, flatten, plan_run, strategy_from_record
from harness.plugins import load_plugins
from harness.prepare import Prepared, Setting, oof_rows, prepare
from harness.provenance import changed_data, changes, gather_provenance
from harness.results import RunResult
from harness.run import Options, Outcome, run_all
from harness.store import Stored, Workspace, find_run, read_stored

NOTHING = "nothing that is recorded changed: the strategy does not repeat on this machine, or something unrecorded did"


@dataclass(frozen=True)
class Reproduced:
    """What became of rebuilding a run.

    Attributes
    ----------
    first : Compared or None
        The first artefact that differs; None if all are the same.
    why : tuple of str
        What changed since, the likeliest cause first; also told where nothing differs.
    compared : tuple of Compared
        In the order of the flow.
    """

    run: str
    first: Compared | None
    why: tuple[str, ...]
    compared: tuple[Compared, ...]

    @property
    def verdict(self) -> str:
        """``MATCH`` or ``DIFFERS``."""
        return "MATCH" if self.first is None else "DIFFERS"


@dataclass(frozen=True, eq=False)
class Rebuilding:
    """Where a run is rebuilt.

    Attributes
    ----------
    workspace : Workspace
        Of the run.
    fresh : Workspace
        An empty one.
    data : Path or None
        Where the data lies now, if not where it was.
    """

    workspace: Workspace
    fresh: Workspace
    competitions: Path | None = None
    data: Path | None = None


@dataclass(frozen=True, eq=False)
class Made:
    """What a rebuilt run leaves for the runs that are made of it."""

    report: Reproduced
    outcome: Outcome | None = None
    result: RunResult | None = None
    prepared: Prepared | None = None


def reproduce(place: Rebuilding, name: str) -> Reproduced:
    """Rebuild a run and compare it.

    Parameters
    ----------
    name : str
        A run's id, a beginning of it that fits one only, or its folder.

    Raises
    ------
    HarnessError
        If it cannot be rebuilt: there is no such run, it was imported, its data or its competition is gone.
    """
    stored = find_run(place.workspace, name)
    cache = place.fresh.cache
    cache.mkdir(parents=True, exist_ok=True)
    fetched = place.workspace.cache.resolve() / "data"
    if fetched.is_dir() and not (cache / "data").exists():
        (cache / "data").symlink_to(fetched, target_is_directory=True)
    return _rebuild(place, stored).report


def _rebuild(place: Rebuilding, stored: Stored) -> Made:
    if stored.result.get("members"):
        return _rebuild_together(place, stored)
    if "definition" not in stored.run:
        raise StoreError(
            f"{stored.directory.name} was imported: its predictions were not made here, nothing rebuilds it"
        )
    known = _provenance(stored)
    files = known.get("files", {}).get("data", {})
    wrong = changed_data(files, place.data) if files else []
    gone = [path for path, what in wrong if what == "gone"]
    if gone:
        raise DataError(
            f"the data of {stored.directory.name} is gone: it was at {gone[0]}; say where it is with --data PATH"
        )
    if wrong:
        path, what = wrong[0]
        others = f" and {len(wrong) - 1} more files" if len(wrong) > 1 else ""
        return _early(stored, Compared("data", DIFFERS, f"{path} {what}{others}"), [f"data file {path} {what}"], [])
    prepared = prepare(_setting(place, stored, known))
    hardware = _hardware(stored)
    why = _reasons(stored, known, prepared, hardware, place)
    done = [_compare_data(stored, prepared)]
    if done[0].state == DIFFERS:
        return _early(stored, done[0], why, [])
    rows, folds = oof_rows(prepared)
    done.append(compare_folds(stored, prepared.dataset.train.ids[rows], folds))
    if done[1].state == DIFFERS:
        return _early(stored, done[1], why, done[:1])
    outcome = _train(place, stored, prepared, hardware)
    if outcome.result is None:
        return _early(stored, Compared("training", DIFFERS, f"it fails now: {outcome.failure}"), why, done)
    tasks, made = tasks_of(stored, place.workspace), outcome.plan.tasks[0].directory.parent
    assert tasks is not None
    later = [*compare_tasks(tasks, made), *compare_results(stored, read_stored(outcome.plan.run.directory))]
    done += [*compare_stages(place.workspace.cache, place.fresh.cache), *later]
    return Made(_report(stored, done, later, why), outcome, outcome.result, prepared)


def _report(stored: Stored, done: Sequence[Compared], later: Sequence[Compared], why: Sequence[str]) -> Reproduced:
    """Name the first artefact that differs; a stage counts only if what was made with it differs too."""
    differs = any(one.state == DIFFERS for one in later)
    first = next((one for one in done if one.state == DIFFERS), None) if differs else None
    reasons = tuple(why) or (() if first is None else (NOTHING,))
    return Reproduced(_name(stored), first, reasons, tuple(done))


def _early(stored: Stored, first: Compared, why: Sequence[str], done: Sequence[Compared]) -> Made:
    return Made(Reproduced(_name(stored), first, tuple(why) or (NOTHING,), (*done, first)))


def _name(stored: Stored) -> str:
    return f"{stored.result['competition']}/{stored.directory.name}"


def _provenance(stored: Stored) -> dict[str, Any]:
    path = stored.directory / PROVENANCE
    return dict(read_json(path)) if path.is_file() else {}


def _setting(place: Rebuilding, stored: Stored, known: dict[str, Any]) -> Setting:
    """Return the setting of a run; of one without provenance what its identity and its data tell of it."""
    told, data = known.get("setting", {}), stored.result["data"]
    home = Path(told.get("home", ""))
    if not told or not home.is_dir():
        home = find_competition(stored.result["competition"], place.competitions, load_plugins())
    given = data["given"]
    if place.data is not None:
        given = str(place.data.resolve())
    elif given and data["info"]["variant"] == "path":
        given = told.get("data_path") or given
    if data["info"]["variant"] == "path" and not Path(given).exists():
        raise DataError(
            f"the data of {stored.directory.name} is gone: it was at {given}; say where it is with --data PATH"
        )
    folds = told["folds"] if told else stored.run["identity"]["split"].get("folds")
    return Setting(
        home,
        place.fresh.cache.resolve(),
        given,
        folds,
        bool(stored.result["fast"]),
        bool(told.get("skip_bad", False)),
        tuple(told.get("unlabelled", data.get("unlabelled", ()))),
    )


def _hardware(stored: Stored) -> Hardware:
    identity = stored.run["identity"]
    lacks = identity["device"] == "cuda" and not count_gpus()
    return Hardware("cpu" if lacks else choose_device(identity["device"]), int(identity["threads"]))


def _reasons(
    stored: Stored, known: dict[str, Any], prepared: Prepared, hardware: Hardware, place: Rebuilding
) -> list[str]:
    """Return what changed since the run, the likeliest cause of a difference first."""
    plan = plan_run(prepared, strategy_from_record(stored.run), stored.run["seed"], hardware, place.fresh, {})
    old, new = dict(flatten(stored.run["identity"])), dict(flatten(plan.run.identity))
    names = [name for name in [*old, *(name for name in new if name not in old)] if old.get(name) != new.get(name)]
    found = [f"{name}: {old.get(name, '-')} -> {new.get(name, '-')}" for name in names]
    if not known:
        return [*found, "the run is older than its provenance: versions and digests of code were not recorded"]
    return [*found, *changes(known, gather_provenance(prepared, place.workspace.root, hardware.device).record)]


def _compare_data(stored: Stored, prepared: Prepared) -> Compared:
    old, new = stored.result["data"]["digest"], prepared.dataset.digest
    return Compared("data", DIFFERS, f"digest {old[:16]} -> {new[:16]}") if old != new else Compared("data", "same")


def _train(place: Rebuilding, stored: Stored, prepared: Prepared, hardware: Hardware) -> Outcome:
    strategy, seed = strategy_from_record(stored.run), stored.run["seed"]
    trained = [] if strategy.baseline else [strategy]
    outcomes = run_all(prepared, trained, [seed], Options(place.fresh, hardware))
    found = next((one for one in outcomes if one.plan.strategy.name == strategy.name), None)
    if found is None:
        raise ConfigError(f"{stored.directory.name}: there is no baseline {strategy.name!r} any more")
    return found


def _rebuild_together(place: Rebuilding, stored: Stored) -> Made:
    """Rebuild the members of a mean over seeds or of a blend, then put them together again."""
    names = list(stored.result["members"])
    members = [_rebuild(place, find_run(place.workspace, name, stored.result["competition"])) for name in names]
    done = [Compared(f"member {m.report.run}", m.report.first.state if m.report.first else "same") for m in members]
    for made in members:
        if (first := made.report.first) is not None:
            told = replace(first, artefact=f"member {made.report.run}: {first.artefact}")
            return Made(replace(made.report, run=_name(stored), first=told, compared=(*done, told)))
    prepared = members[0].prepared
    assert prepared is not None
    result = _together(place, stored, members, prepared)
    now = read_stored(result.run.directory)
    later = list(compare_results(stored, now))
    why = tuple(dict.fromkeys(reason for made in members for reason in made.report.why))
    return Made(_report(stored, [*done, *later], later, why), None, result, prepared)


def _together(place: Rebuilding, stored: Stored, members: Sequence[Made], prepared: Prepared) -> RunResult:
    results = [made.result for made in members if made.result is not None]
    identity = stored.run["identity"]
    if "blend" not in identity:
        plans = [made.outcome.plan for made in members if made.outcome is not None]
        return mean_over_seeds(prepared, plans, results, place.fresh)
    spec = Blend(stored.run["strategy"], tuple(identity["of"]), identity["blend"])
    parts = [Member(name, made.run, made) for name, made in zip(spec.of, results, strict=True)]
    blended = blend(prepared, spec, parts, place.fresh)
    if blended.result is None:
        raise HarnessError(f"{stored.directory.name} cannot be blended again: {blended.failure}")
    return blended.result
