"""Who a run is: the digest of everything its result depends on, its tasks, and what differs from an earlier run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from harness import __version__
from harness.adjusting import Link, chain_of
from harness.competition import Resources, Strategy, Use
from harness.errors import ConfigError
from harness.files import read_json, slug
from harness.params import as_json
from harness.parts import Parts, corpora_seen, parts_of, parts_seen, weights_seen
from harness.prepare import Prepared
from harness.results import Run
from harness.store import FORMAT, RUN, Workspace, digest_of
from harness.task import REFIT, Task


@dataclass(frozen=True)
class Hardware:
    """Where tasks run."""

    device: Literal["cpu", "cuda"]
    threads: int


@dataclass(frozen=True, eq=False)
class Plan:
    """One run before it starts.

    Attributes
    ----------
    links : tuple of Link
        Its adjusters.
    tasks : tuple of Task
        One for each fold.
    refit : Task or None
        Fitted on all rows, if the strategy wants the test predicted by one model.
    refit_waits : bool
        Whether the refit needs to know how many iterations were best in the folds.
    """

    run: Run
    seed: int
    strategy: Strategy
    links: tuple[Link, ...]
    tasks: tuple[Task, ...]
    refit: Task | None
    refit_waits: bool = False

    @property
    def all_tasks(self) -> tuple[Task, ...]:
        """The folds, and the refit if there is one."""
        return self.tasks if self.refit is None else (*self.tasks, self.refit)


def plan_run(
    prepared: Prepared,
    strategy: Strategy,
    seed: int,
    hardware: Hardware,
    workspace: Workspace,
    facts: Mapping[str, Any],
) -> Plan:
    """Work out a run's identity and tasks; nothing is trained or written.

    Raises
    ------
    HarnessError
        If the strategy names what does not exist, or parameters that do not fit.
    """
    competition = prepared.competition
    links = chain_of(strategy, prepared)
    _check_rules(prepared, strategy)
    training = training_identity(prepared, strategy, seed, hardware)
    identity = {
        **training,
        "adjusters": [{"use": link.offer.name, **as_json(link.params)} for link in links],
        "refit": strategy.refit,
        "evaluation": evaluation_identity(prepared),
    }
    run_id = f"{slug(strategy.name)}-s{seed}-{digest_of(identity)[:8]}"
    run = Run(
        competition=competition.id,
        strategy=strategy.name,
        seed=seed,
        run_id=run_id,
        directory=workspace.runs(competition.id) / run_id,
        identity=identity,
        label=strategy.label,
        facts=facts,
        fast=prepared.setting.fast,
    )
    key = digest_of(training)[:16]

    def task(fold: int, name: str) -> Task:
        directory = workspace.task(competition.id, key, name)
        return Task(prepared.setting, strategy, fold, seed, hardware.device, hardware.threads, directory)

    tasks = tuple(task(fold.index, str(fold.index)) for fold in prepared.folds)
    refit = task(REFIT, "refit") if strategy.refit else None
    return Plan(run, seed, strategy, links, tasks, refit, refit is not None and _stops_early(prepared, strategy))


def _stops_early(prepared: Prepared, strategy: Strategy) -> bool:
    """Whether folds may find a best iteration, for a refit to use."""
    parts = parts_of(strategy, prepared)
    if parts.recipe.inner is None:
        return parts.recipe.iterations is not None
    return parts.recipe.inner(parts.model)


def _check_rules(prepared: Prepared, strategy: Strategy) -> None:
    parts = parts_of(strategy, prepared)
    if not prepared.competition.rules.test_inputs and "test" in parts_seen(parts, prepared.dataset.info):
        raise ConfigError(
            f"strategy {strategy.name!r} learns from the test set's inputs, which the rules of"
            f" {prepared.competition.id} forbid"
        )
    if not prepared.competition.rules.pretrained and weights_seen(parts):
        raise ConfigError(
            f"strategy {strategy.name!r} starts from pretrained weights ({', '.join(weights_seen(parts))}), which the"
            f" rules of {prepared.competition.id} forbid"
        )


def training_identity(prepared: Prepared, strategy: Strategy, seed: int, hardware: Hardware) -> dict[str, Any]:
    """Return everything the bytes of a strategy's raw predictions depend on, as JSON values."""
    parts = parts_of(strategy, prepared)
    named: dict[str, tuple[Use | None, Any]] = {
        "features": (strategy.features, parts.features_params),
        "rebalancer": (strategy.rebalancer, parts.rebalancer_params),
        "model": (strategy.model, parts.model),
    }
    return {
        **{key: None if use is None else {"use": use.name, **as_json(params)} for key, (use, params) in named.items()},
        "split": dict(prepared.split),
        "data": _data_identity(prepared, parts),
        "seed": seed,
        "device": hardware.device,
        "threads": hardware.threads,
        "versions": _versions(prepared, [use for use, _ in named.values() if use is not None]),
    }


def _data_identity(prepared: Prepared, parts: Parts) -> dict[str, str]:
    found = {"digest": prepared.dataset.digest, "source": prepared.competition.data.source}
    # what is learned without the corpora is the same with others
    if corpora_seen(parts, prepared.dataset.info):
        found["unlabelled"] = prepared.dataset.unlabelled_digest
    return found


def _versions(prepared: Prepared, uses: Iterable[Use]) -> dict[str, str]:
    found = {"harness": __version__}
    for name in [prepared.competition.data.source, *(use.name for use in uses)]:
        owner = prepared.plugins.owner(name)
        if owner is not None:
            found[owner.name] = owner.version
    return dict(sorted(found.items()))


def evaluation_identity(prepared: Prepared) -> dict[str, Any]:
    """Return what scores depend on beside predictions."""
    return {
        "metrics": [metric.name for metric in prepared.metrics],
        "on": prepared.competition.evaluate.on,
        "target_prior": None if prepared.target_prior is None else dict(prepared.target_prior),
    }


def board_key(prepared: Prepared) -> str:
    """Return the key of a leaderboard: runs compare only on the same data, split and evaluation."""
    return digest_of(
        {"data": prepared.dataset.digest, "split": dict(prepared.split), "evaluation": evaluation_identity(prepared)}
    )[:16]


def differences(plan: Plan, workspace: Workspace) -> list[str]:
    """Tell how a new run differs from the latest run of the same strategy and seed; empty if there is none.

    Returns
    -------
    list of str
        ``"model.depth: 6 -> 4"``.
    """
    earlier = workspace.runs(plan.run.competition).glob(f"{slug(plan.strategy.name)}-s{plan.run.seed}-*/{RUN}")
    others = [path for path in earlier if path.parent != plan.run.directory]
    if not others or (plan.run.directory / RUN).exists():
        return []
    latest_first = sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)
    # whoever asks for a subsample knows that it is one
    alike = (found for found in map(read_json, latest_first) if bool(found.get("fast")) == plan.run.fast)
    if (latest := next(alike, None)) is None:
        return []
    old, new = dict(flatten(latest["identity"])), dict(flatten(plan.run.identity))
    keys = sorted({*old, *new}, key=lambda key: (key not in new, key))
    return [f"{key}: {_short(old, key)} -> {_short(new, key)}" for key in keys if old.get(key) != new.get(key)]


def _short(found: Mapping[str, Any], key: str) -> str:
    """Return a value as it is told; of a digest as much as tells it from others."""
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{20,}\b", r"\1", str(found.get(key, "-")))


def flatten(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Flatten nested JSON values into dotted names.

    Examples
    --------
    >>> list(flatten({"model": {"use": "cat", "depth": 6}, "adjusters": [{"use": "t"}]}))
    [('model.use', 'cat'), ('model.depth', 6), ('adjusters.0.use', 't')]
    """
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from flatten(item, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list | tuple) and value:
        for position, item in enumerate(value):
            yield from flatten(item, f"{prefix}.{position}" if prefix else str(position))
    else:
        yield prefix, value


def run_record(run: Run, strategy: Strategy | None = None) -> dict[str, Any]:
    """Return ``run.json``; without a strategy for what is not trained: a mean over seeds, a blend, an import."""
    return {
        "format": FORMAT,
        "competition": run.competition,
        "strategy": run.strategy,
        **({} if strategy is None else {"definition": asdict(strategy)}),
        "label": run.label,
        "seed": run.seed,
        "run_id": run.run_id,
        "fast": run.fast,
        "identity": dict(run.identity),
        "facts": dict(run.facts),
    }


def strategy_from_record(record: Mapping[str, Any]) -> Strategy:
    """Read a strategy back from ``run.json``."""
    stored = dict(record["definition"])

    def use(value: Any) -> Use | None:
        return None if value is None else Use(value["name"], value["params"])

    model = use(stored["model"])
    assert model is not None
    chain = tuple(Use(value["name"], value["params"]) for value in stored["adjusters"])
    return replace(
        Strategy(name=stored["name"], model=model),
        features=use(stored["features"]),
        rebalancer=use(stored["rebalancer"]),
        adjusters=chain,
        description=stored["description"],
        refit=stored["refit"],
        baseline=stored["baseline"],
        named_only=stored.get("named_only", False),
        resources=Resources(**stored.get("resources", {})),
        overrides=stored["overrides"],
    )


def workspace_path(path: Path, workspace: Workspace) -> str:
    """Return a path relative to the workspace, for records that survive its being moved."""
    return path.resolve().relative_to(workspace.root.resolve()).as_posix()
