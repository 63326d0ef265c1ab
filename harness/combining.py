"""``harness blend``: finished runs of one board put together; the blend is a run like any other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.blending import Blended, Member, blend, blend_run
from harness.competition import BLEND_METHODS, Blend, Competition
from harness.competition_strategies import check_line
from harness.errors import ConfigError, StoreError, listed, nearest
from harness.leaderboard import Board
from harness.planning import board_key
from harness.prepare import Prepared, Setting
from harness.records import read_run_result, run_of
from harness.store import Stored, Workspace, find_run, finished_runs


def members_of(workspace: Workspace, competition: Competition, board: Board, names: Sequence[str]) -> list[Stored]:
    """Find the runs to blend: those that are named, or every line of the board but baselines and blends.

    Of a strategy on several seeds the mean over them stands for all.

    Raises
    ------
    HarnessError
        If a run is not there, is named twice, or fewer than two are left.
    """
    given = names or [str(entry["run_id"]) for entry in board.entries if not entry["baseline"]]
    found = [find_run(workspace, name, competition.id) for name in given]
    if not names:
        found = [stored for stored in found if "blend" not in stored.result]
        single = {str(name) for stored in found for name in stored.run.get("identity", {}).get("mean_of", ())}
        found = [stored for stored in found if stored.directory.name not in single]
    ids = [stored.directory.name for stored in found]
    for stored in found:
        if stored.result["competition"] != competition.id:
            raise StoreError(f"{stored.directory.name} is of {stored.result['competition']}, not of {competition.id}")
        if ids.count(stored.directory.name) > 1:
            raise ConfigError(f"{stored.directory.name} is named twice; a blend weighs its members itself")
    if len(found) < 2:
        raise StoreError(
            f"a blend needs at least two finished runs of {competition.id}, found {len(found)}; see:"
            f" harness leaderboard {competition.id}"
        )
    return found


def setting_of(workspace: Workspace, competition: Competition, members: Sequence[Stored]) -> Setting:
    """Return the setting that the first of the members was trained in: its data and its number of folds."""
    first = members[0]
    split = next((found for stored in members if (found := _split_of(workspace, stored))), {})
    data = first.result["data"]
    return Setting(
        competition.home,
        workspace.cache.resolve(),
        data["given"],
        split.get("folds"),
        first.result["fast"],
        skip_bad=True,  # what could not be read was left out before, or there was nothing
        unlabelled=tuple(data.get("unlabelled", ())),
    )


def _split_of(workspace: Workspace, stored: Stored) -> Mapping[str, Any]:
    """Return how a run's rows were cut into folds; empty where it is not known, as of an import."""
    found: Mapping[str, Any] | None = stored.run.get("identity", {}).get("split")
    if found:
        return found
    members = (find_run(workspace, str(name)) for name in stored.result.get("members", ()))
    return next((split for member in members if (split := _split_of(workspace, member))), {})


def combine(
    prepared: Prepared,
    workspace: Workspace,
    members: Sequence[Stored],
    method: str,
    name: str,
    facts: Mapping[str, Any],
) -> Blended:
    """Blend finished runs, score the blend by nested weights and store it.

    Parameters
    ----------
    name : str
        Empty: ``blend-METHOD``, with a number behind it where that is another blend's.

    Raises
    ------
    HarnessError
        If a run does not compare with these data and folds, or the method or the name cannot be used.
    """
    competition = prepared.competition
    fitting = [known for known, tasks in BLEND_METHODS.items() if competition.task in tasks]
    if method not in fitting:
        raise ConfigError(f"--method {method!r} does not fit task {competition.task.value!r}{nearest(method, fitting)}")
    if name:
        check_line(name, f"--name {name!r}", "blend")
    if name in competition.names:
        raise ConfigError(f"--name {name!r} is a strategy or a blend of {competition.id}; choose another")
    for stored in members:
        if problem := _unlike(workspace, stored, prepared):
            raise ConfigError(f"{stored.directory.name} cannot be blended with these: {problem}")
    chosen = [
        Member(label, replace(run_of(stored), facts=facts), read_run_result(run_of(stored), prepared.dataset.info, ()))
        for label, stored in zip(labels(members), members, strict=True)
    ]
    of = tuple(member.name for member in chosen)
    if not name:
        name = _free_name(prepared, workspace, f"blend-{method}", lambda name: Blend(name, of, method), chosen)
    return blend(prepared, Blend(name, of, method), chosen, workspace)


def _free_name(
    prepared: Prepared, workspace: Workspace, name: str, spec: Callable[[str], Blend], members: Sequence[Member]
) -> str:
    """Return a name that no other blend of this board has: ``NAME``, ``NAME-2``; the same blend keeps its own."""
    taken = {
        str(stored.result["label"]): stored.directory.name
        for stored in finished_runs(workspace, prepared.competition.id)
        if stored.result["board"] == board_key(prepared)
    }
    known = {label: run_id for label, run_id in taken.items() if label == name or label.startswith(f"{name}-")}
    for wanted in (name, *(f"{name}-{number}" for number in range(2, len(known) + 3))):
        own = blend_run(spec(wanted), members, workspace).run_id
        if wanted not in prepared.competition.names and known.get(wanted, own) == own:
            return wanted
    raise AssertionError(name)


def labels(members: Sequence[Stored]) -> list[str]:
    """Name members as the board does; where a name comes twice, with the seed, or else by the run's id."""
    names = [str(stored.result["label"]) for stored in members]
    seeded = [f"{name} (seed {stored.result['seed']})" for name, stored in zip(names, members, strict=True)]
    told = [s if names.count(name) > 1 else name for name, s in zip(names, seeded, strict=True)]
    ids = [stored.directory.name for stored in members]
    return [own if told.count(name) > 1 else name for name, own in zip(told, ids, strict=True)]


def _unlike(workspace: Workspace, stored: Stored, prepared: Prepared) -> str:
    """Return why a run is on another board; empty if it is on this one."""
    if stored.result["board"] == board_key(prepared):
        return ""
    digest = str(stored.result["data"]["digest"])
    if digest != prepared.dataset.digest:
        return f"it is of other data (digest {digest[:12]}, here {prepared.dataset.digest[:12]})"
    split = dict(_split_of(workspace, stored))
    differ = [
        f"{key} {split.get(key, '-')}, here {prepared.split.get(key, '-')}"
        for key in sorted({*split, *prepared.split})
        if split.get(key) != prepared.split.get(key)
    ]
    if split and differ:
        return f"it has other folds ({listed(differ)})"
    return "it was scored on other folds, or by other metrics or class shares; run it again"
