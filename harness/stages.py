"""Stages: pure, digest-keyed steps that tasks share; each runs once, under a lock, before what depends on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import __version__
from harness.data import Dataset, Examples, Fold
from harness.errors import PluginError
from harness.files import atomic_directory, slug, verify_checksums, write_checksums, write_json
from harness.offers import BuildContext, Stage, StageInput, TaskLog
from harness.params import as_json
from harness.plugins import Plugins
from harness.store import digest_of


@dataclass(frozen=True, eq=False)
class Finished:
    """A finished stage.

    Attributes
    ----------
    directory : Path
        Where its files are.
    made : bool
        False if it was there already.
    """

    stage: Stage
    directory: Path
    made: bool


def run_stages(
    stages: Sequence[Stage],
    dataset: Dataset,
    fold: Fold,
    context: BuildContext,
    run_seed: int,
    plugins: Plugins,
    cache: Path,
    log: TaskLog,
) -> dict[str, Path]:
    """Run the stages that are not in the cache yet; return the finished directory of each. See `each_stage`."""
    finished = each_stage(stages, dataset, fold, context, run_seed, plugins, cache, log)
    return {one.stage.name: one.directory for one in finished}


def each_stage(
    stages: Sequence[Stage],
    dataset: Dataset,
    fold: Fold,
    context: BuildContext,
    run_seed: int,
    plugins: Plugins,
    cache: Path,
    log: TaskLog,
    dataset_only: bool = False,
) -> Iterator[Finished]:
    """Run the stages that are not in the cache yet, in the order of their needs; yield each as it ends.

    Parameters
    ----------
    run_seed : int
        Seed of the run, so that all its folds share a stage of scope ``dataset``.
    cache : Path
        Folder of all stages.
    dataset_only : bool
        Leave out those of scope ``fold``; `fold` then does not matter.

    Raises
    ------
    PluginError
        If stages need each other in a circle, or one that is not declared; if a stage that may not see labels needs one
        that does.
    """
    done: dict[str, Path] = {}
    for placed in placed_stages(stages, dataset, fold, context, run_seed, plugins, cache, dataset_only):
        stage, directory = placed.stage, placed.directory
        made = _run_once(stage, dataset, fold, placed.seed, context, done, directory, log)
        done[stage.name] = directory
        yield Finished(stage, directory, made)


@dataclass(frozen=True, eq=False)
class Placed:
    """A stage with the seed it runs with, and the directory where its files are or will be."""

    stage: Stage
    seed: int
    directory: Path


def placed_stages(
    stages: Sequence[Stage],
    dataset: Dataset,
    fold: Fold,
    context: BuildContext,
    run_seed: int,
    plugins: Plugins,
    cache: Path,
    dataset_only: bool = False,
) -> Iterator[Placed]:
    """Yield stages in the order of their needs, with their directories; nothing is run. See `each_stage`."""
    keys: dict[str, str] = {}
    _refuse_leaks(stages)
    waiting = [stage for stage in stages if stage.scope == "dataset" or not dataset_only]
    while waiting:
        ready = [stage for stage in waiting if all(need in keys for need in stage.needs)]
        if not ready:
            names = ", ".join(f"{stage.name} (needs {', '.join(stage.needs)})" for stage in waiting)
            raise PluginError(f"stages wait for each other, or for what is not declared: {names}")
        for stage in ready:
            seed = (context.seed if stage.scope == "fold" else run_seed) if stage.seeded else 0
            keys[stage.name] = _key(stage, dataset, fold, seed, context, plugins, keys)
            waiting.remove(stage)
            yield Placed(stage, seed, cache / "stages" / f"{slug(stage.name)}-{keys[stage.name][:16]}")


def _refuse_leaks(stages: Sequence[Stage]) -> None:
    scopes = {stage.name: stage.scope for stage in stages}
    for stage in stages:
        if stage.scope == "dataset" and any(scopes.get(need) == "fold" for need in stage.needs):
            raise PluginError(
                f"stage {stage.name!r} of scope 'dataset' needs one of scope 'fold', and would see its labels"
            )


def _run_once(
    stage: Stage,
    dataset: Dataset,
    fold: Fold,
    seed: int,
    context: BuildContext,
    done: Mapping[str, Path],
    directory: Path,
    log: TaskLog,
) -> bool:
    """Return whether it had to run."""
    from filelock import FileLock

    directory.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(directory.with_name(f".{directory.name}.lock")):
        if directory.is_dir() and not verify_checksums(directory):
            return False
        given = StageInput(
            dataset.info, visible_parts(stage, dataset, fold), dict(done), seed, context.device, context.threads
        )
        log.note(f"stage {stage.name}")
        with atomic_directory(directory) as out:
            stage.run(given, out, log)
            write_json(out / "stage.json", {"name": stage.name, "scope": stage.scope, "params": as_json(stage.params)})
            write_checksums(out)
    return True


def visible_parts(stage: Stage, dataset: Dataset, fold: Fold) -> dict[str, Examples]:
    """Return exactly the parts a stage declared, without targets but for the fold's own training rows.

    Raises
    ------
    PluginError
        If it declares a part that does not exist.
    """
    known: dict[str, Examples | None] = {"train": dataset.train, "valid": dataset.valid, "test": dataset.test}
    known |= {f"unlabelled:{name}": examples for name, examples in dataset.unlabelled.items()}
    parts: dict[str, Examples] = {}
    for name in stage.uses:
        if name == "fold" and stage.scope == "fold":
            parts[name] = dataset.train.take(fold.train)
            continue
        if name not in known:
            raise PluginError(f"stage {stage.name!r} uses {name!r}, which is not among {', '.join(known)}")
        part = known[name]
        if part is not None:
            parts[name] = part.unlabelled()
    return parts


def _key(
    stage: Stage,
    dataset: Dataset,
    fold: Fold,
    seed: int,
    context: BuildContext,
    plugins: Plugins,
    keys: Mapping[str, str],
) -> str:
    owner = plugins.owner(stage.name)
    facts: dict[str, Any] = {
        "stage": stage.name,
        "version": owner.version if owner else __version__,
        "params": as_json(stage.params),
        "data": dataset.digest,
        "uses": list(stage.uses),
        "needs": [keys[need] for need in stage.needs],
        "seed": seed,
        "device": context.device,
        "threads": context.threads,
    }
    if any(part.startswith("unlabelled:") for part in stage.uses):
        facts["unlabelled"] = dataset.unlabelled_digest
    if stage.scope == "fold":
        facts["rows"] = digest_of(dataset.train.ids[fold.train].tolist())
    return digest_of(facts)
