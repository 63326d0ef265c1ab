"""Which task goes first, so that workers do not wait for one and the same stage."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.competition import Strategy
from harness.offers import BuildContext, Stage
from harness.parts import parts_of, stages_of
from harness.prepare import Prepared
from harness.stages import placed_stages
from harness.task import Task, fold_of, fold_seed


def leaders_first(tasks: Sequence[Task], prepared: Prepared) -> list[Task]:
    """Order tasks: one for each stage that is still to be made, then those that need no such stage, then the others.

    Several workers then make several stages at once, and nobody waits for a lock while there is anything else to do.
    """
    stages: dict[str, list[Stage]] = {}
    seen: set[Path] = set()
    ranks: dict[Path, int] = {}
    for task in tasks:
        missing = [path for path in _stage_folders(task, prepared, stages) if not path.is_dir()]
        ranks[task.directory] = 1 if not missing else 0 if seen.isdisjoint(missing) else 2
        seen.update(missing)
    return sorted(tasks, key=lambda task: ranks[task.directory])


def _stage_folders(task: Task, prepared: Prepared, known: dict[str, list[Stage]]) -> list[Path]:
    declared = _declared(task.strategy, prepared, known)
    if not declared:
        return []
    context = BuildContext(fold_seed(task.seed, task.fold), task.device, task.threads)
    fold, cache = fold_of(task, prepared), prepared.setting.cache
    placed = placed_stages(declared, prepared.dataset, fold, context, task.seed, prepared.plugins, cache)
    return [one.directory for one in placed]


def _declared(strategy: Strategy, prepared: Prepared, known: dict[str, list[Stage]]) -> Sequence[Stage]:
    if strategy.label not in known:
        known[strategy.label] = stages_of(parts_of(strategy, prepared), prepared.dataset.info)
    return known[strategy.label]
