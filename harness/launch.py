"""One command's worth of runs: all strategies and seeds, their mean, the board, and the files to hand in."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from harness.averaging import mean_over_seeds, mean_run
from harness.blending import Blended, Member, blend
from harness.competition import Blend, Competition, Strategy, override
from harness.errors import ConfigError, HarnessError, listed, nearest
from harness.leaderboard import Board, best_submission
from harness.offers import Adjuster, Features, ModelRecipe, Rebalancer
from harness.params import parse_text, parse_value
from harness.plugins import Plugins
from harness.prepare import Prepared
from harness.results import RunResult
from harness.run import Options, Outcome, run_all
from harness.schema import schema_of
from harness.store import Workspace
from harness.submission_check import warnings_of
from harness.submission_file import read_submission
from harness.submitting import publish, replaced_of_other_data, submission_names
from harness.ties import told_board


@dataclass(frozen=True, eq=False)
class Launched:
    """What a command made.

    Attributes
    ----------
    submissions : mapping of str to Path
        By run id, the file to hand in.
    best : Path or None
        ``best.csv``, the submission of the board's first entry.
    figure : Path or None
        The board as a picture.
    unusable : tuple of str
        Strategies and blends that were left out, because what they need is missing or broken.
    trouble : tuple of str
        What plugins did wrong when they were told an event.
    """

    outcomes: tuple[Outcome, ...]
    means: tuple[RunResult, ...]
    board: Board
    submissions: Mapping[str, Path]
    best: Path | None
    figure: Path | None
    unusable: tuple[str, ...] = ()
    blends: tuple[Blended, ...] = ()
    trouble: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 if everything wanted was done, 3 if only a part was, 2 or 1 if nothing was (a mistake, or a fault)."""
        trained = [outcome for outcome in self.outcomes if not outcome.plan.strategy.baseline]
        wanted: list[Outcome | Blended] = [*trained, *self.blends]
        failed = [line for line in wanted if line.result is None]
        if not failed:
            return 3 if self.unusable or self.trouble else 0
        if len(failed) < len(wanted):
            return 3
        return 2 if all(line.mistake for line in failed) else 1


def choose_strategies(competition: Competition, patterns: Sequence[str]) -> list[Strategy]:
    """Return the strategies that any pattern (``smote*``) fits, and members of such blends, in the file's order.

    Without patterns all of them, but for those that run only when they are named.

    Raises
    ------
    ConfigError
        If a pattern fits neither a strategy nor a blend, with the nearest name.
    """
    for pattern in patterns:
        if not fnmatch.filter(competition.names, pattern):
            raise ConfigError(f"{competition.id} has no strategy {pattern!r}{nearest(pattern, competition.names)}")
    members = {name for blend in choose_blends(competition, patterns) for name in blend.of}
    return [s for s in competition.strategies if s.name in members or _chosen(s, patterns)]


def choose_blends(competition: Competition, patterns: Sequence[str]) -> list[Blend]:
    """Return the blends that any pattern fits; without patterns all but those that run only when they are named."""
    return [blend for blend in competition.blends if _chosen(blend, patterns)]


def _chosen(line: Strategy | Blend, patterns: Sequence[str]) -> bool:
    if not patterns:
        return not line.named_only
    return any(fnmatch.fnmatchcase(line.name, pattern) for pattern in patterns)


def apply_settings(strategies: Sequence[Strategy], settings: Sequence[str], plugins: Plugins) -> list[Strategy]:
    """Apply ``--set STRATEGY.param=value`` (STRATEGY may be a pattern, param may be ``model.depth``).

    Raises
    ------
    ConfigError
        If it names no chosen strategy or no parameter of it, or one that several parts have.
    """
    changed = list(strategies)
    for setting in settings:
        path, equals, text = setting.partition("=")
        names = [strategy.name for strategy in changed]
        # a strategy's name may have dots, so the longest one that fits is taken
        starts = [path[:position] for position, sign in enumerate(path) if sign == "."]
        pattern = next((start for start in reversed(starts) if fnmatch.filter(names, start)), None)
        if not equals or pattern is None:
            start = path.split(".")[0]
            expected = "expected STRATEGY.param=value of a chosen strategy, or '*.param=value' for all"
            hint = "" if start in names else nearest(start, names)
            raise ConfigError(f"--set {setting}: {expected}{hint}")
        key = path[len(pattern) + 1 :]
        for position, strategy in enumerate(changed):
            if fnmatch.fnmatchcase(strategy.name, pattern):
                part, name = locate(strategy, key, plugins, f"--set {setting}")
                value = parse_text(text)
                parse_value(_kinds(strategy, plugins, "--set")[part], name, value, f"--set {setting}")
                changed[position] = override(strategy, part, name, value)
    return changed


def _kinds(strategy: Strategy, plugins: Plugins, where: str) -> dict[str, type[Any]]:
    """Return the parameters' classes of each part of a strategy."""
    known: dict[str, type[Any]] = {}
    if strategy.features is not None:
        known["features"] = plugins.find(Features, strategy.features.name, where).params
    known["model"] = plugins.find(ModelRecipe, strategy.model.name, where).params
    if strategy.rebalancer is not None:
        known["rebalancer"] = plugins.find(Rebalancer, strategy.rebalancer.name, where).params
    for position, use in enumerate(strategy.adjusters):
        known[f"adjuster{position + 1 if position else ''}"] = plugins.find(Adjuster, use.name, where).params
    return known


def locate(strategy: Strategy, key: str, plugins: Plugins, where: str) -> tuple[str, str]:
    """Find the part of a strategy that has a parameter."""
    known = _kinds(strategy, plugins, where)
    names = {part: [field.name for field in fields(params)] for part, params in known.items()}
    part, dot, name = key.partition(".")
    if dot and part in names:
        if name in names[part]:
            return part, name
        raise ConfigError(f"{where}: {part} of {strategy.name!r} has no parameter {name!r}{nearest(name, names[part])}")
    owners = [part for part, own in names.items() if key in own]
    if len(owners) == 1:
        return owners[0], key
    if owners:
        choices = " or ".join(f"{strategy.name}.{part}.{key}" for part in owners)
        raise ConfigError(f"{where}: {key!r} is a parameter of several parts; say {choices}")
    everything = [name for own in names.values() for name in own]
    raise ConfigError(f"{where}: {strategy.name!r} has no parameter {key!r}{nearest(key, everything)}")


def launch(
    prepared: Prepared,
    strategies: Sequence[Strategy],
    blends: Sequence[Blend],
    seeds: Sequence[int],
    options: Options,
    folder: Path,
) -> Launched:
    """Run everything, average over seeds, blend, write submissions into `folder`, and update the board.

    The members of `blends` are among `strategies`.

    Raises
    ------
    HarnessError
        Before anything is trained, if something cannot be used.
    """
    Workspace(folder).check_writable()
    outcomes = tuple(run_all(prepared, strategies, seeds, options))
    means, submissions, members = [], {}, {}
    for group in _by_label(outcomes):
        done = [outcome for outcome in group if outcome.result is not None]
        results = [outcome.result for outcome in done if outcome.result is not None]
        plan = group[0].plan
        names = submission_names(plan.strategy.name, [outcome.plan.seed for outcome in group], plan.run.fast)
        if len(group) > 1 and len(done) == len(group):
            mean = mean_over_seeds(prepared, [outcome.plan for outcome in group], results, options.workspace)
            prepared.plugins.tell("harness_run_started", run=mean.run)
            prepared.plugins.tell("harness_run_finished", run=mean.run, result=mean)
            means.append(mean)
            results.append(mean)
        members[plan.strategy.name] = _member(group, results, options)
        for result in results:
            if result.submission is not None:
                submissions[result.run.run_id] = publish(result.submission, folder, names[result.run.seed])
    blended = tuple(_blend(prepared, spec, strategies, len(seeds), members, options) for spec in blends)
    for one in blended:
        if one.result is not None and one.result.submission is not None:
            name = submission_names(one.run.strategy, [0], one.run.fast)[0]
            submissions[one.run.run_id] = publish(one.result.submission, folder, name)
    _warn_of_ids(prepared, outcomes)
    board = told_board(prepared, options.workspace)
    first = best_submission(board, options.workspace)
    wanted = [one for one in outcomes if not one.plan.strategy.baseline]
    came = any(one.result is not None for one in wanted) or any(one.result is not None for one in blended)
    best = publish(first, folder, "best-fast" if prepared.setting.fast else "best") if first and came else None
    _warn_of_replaced(prepared, outcomes, [*submissions.values(), *([best] if best else [])], options.workspace)
    figure = _draw(prepared, board, options)
    told = {"competition": prepared.competition, "board": board.as_json(), "figures": [figure] if figure else []}
    problem = prepared.plugins.tell("harness_board_updated", **told)
    if problem is not None:
        prepared.plugins.tell("harness_warned", run=outcomes[0].plan.run, message=str(problem))
    trouble = tuple(prepared.plugins.trouble)
    return Launched(outcomes, tuple(means), board, submissions, best, figure, blends=blended, trouble=trouble)


def _warn_of_ids(prepared: Prepared, outcomes: Sequence[Outcome]) -> None:
    """Tell of ids that a spreadsheet program would run, once for all submissions; they stay as they are."""
    made = next((o.result for o in outcomes if o.result is not None), None)
    if made is None or made.submission is None:
        return
    for warning in warnings_of(schema_of(prepared.competition, prepared.dataset), read_submission(made.submission)):
        prepared.plugins.tell("harness_warned", run=made.run, message=f"submissions: {warning}")


def _warn_of_replaced(
    prepared: Prepared, outcomes: Sequence[Outcome], files: Sequence[Path], workspace: Workspace
) -> None:
    """Tell which files in the folder of submissions were of other data until now."""
    record = workspace.cache / "submissions" / f"{prepared.competition.id}.json"
    if files and (names := replaced_of_other_data(files, prepared.dataset.digest, record)):
        told = (
            f"submissions: {listed(names)} in {files[0].parent} were of other data and are replaced; --out FOLDER keeps"
        )
        told += " them apart, and each run keeps its own"
        prepared.plugins.tell("harness_warned", run=outcomes[0].plan.run, message=told)


def _member(group: Sequence[Outcome], results: Sequence[RunResult], options: Options) -> Member:
    """Return what a blend takes of a strategy: its only run, or the mean over seeds, which is the last result."""
    plans, failed = [outcome.plan for outcome in group], [outcome for outcome in group if outcome.result is None]
    run = plans[0].run if len(plans) == 1 else mean_run(plans, options.workspace)
    mistake = all(outcome.mistake for outcome in failed)
    return Member(plans[0].strategy.name, run, None if failed else results[-1], mistake)


def _blend(
    prepared: Prepared,
    spec: Blend,
    strategies: Sequence[Strategy],
    count: int,
    members: Mapping[str, Member],
    options: Options,
) -> Blended:
    own = [strategy for strategy in strategies if strategy.name in spec.of]
    overrides = [f"{s.name}.{key}={value}" for s in own for key, value in sorted(s.overrides.items())]
    seeds = [f"mean of {count} seeds"] if count > 1 else []
    return blend(prepared, spec, [members[name] for name in spec.of], options.workspace, [*overrides, *seeds])


def _by_label(outcomes: Iterable[Outcome]) -> list[list[Outcome]]:
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(outcome.plan.run.label, []).append(outcome)
    return list(groups.values())


def _draw(prepared: Prepared, board: Board, options: Options) -> Path | None:
    from harness.report import board_figure

    if not board.entries:
        return None
    path = options.workspace.runs(prepared.competition.id) / "leaderboard.png"
    board_figure(prepared.competition, board.as_json(), path)
    return path


def run_json(prepared: Prepared, launched: Launched) -> dict[str, Any]:
    """Return what ``harness run --json`` prints."""
    info = prepared.dataset.info
    entries = [
        {
            **_entry(o.plan.run.label, o.plan.run.seed, o.plan.run.run_id, o.result, launched, o.failure),
            "status": o.status.value,
        }
        for o in launched.outcomes
    ]
    entries += [_entry(mean.run.label, None, mean.run.run_id, mean, launched, "") for mean in launched.means]
    entries += [_entry(b.run.label, b.run.seed, b.run.run_id, b.result, launched, b.failure) for b in launched.blends]
    return {
        "competition": prepared.competition.id,
        "data": {"variant": info.variant, "digest": prepared.dataset.digest},
        "strategies": entries,
        "best": None if launched.best is None else str(launched.best),
    }


def _entry(
    name: str, seed: int | None, run_id: str, result: RunResult | None, launched: Launched, failure: str
) -> dict[str, Any]:
    submission = launched.submissions.get(run_id)
    entry: dict[str, Any] = {
        "name": name,
        "seed": seed,
        "run_id": run_id,
        "status": "failed" if result is None else result.status.value,
        "scores": {} if result is None else {key: vars(score) for key, score in result.scores.items()},
        "seconds": None if result is None else round(result.seconds, 3),
        "submission": None if submission is None else str(submission),
    }
    return {**entry, "error": failure} if failure else entry


def unusable_strategies(prepared: Prepared, strategies: Sequence[Strategy]) -> dict[str, HarnessError]:
    """Return, for each strategy that could not run, why: an unknown offer, a wrong parameter, a broken plugin."""
    from harness.adjusting import chain_of
    from harness.parts import parts_of, stages_of

    problems: dict[str, HarnessError] = {}
    for strategy in strategies:
        try:
            stages_of(parts_of(strategy, prepared), prepared.dataset.info)
            chain_of(strategy, prepared)
        except HarnessError as error:
            problems[strategy.name] = error
    return problems
