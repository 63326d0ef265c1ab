"""Stages alone: what strategies learn before any label is seen, made ahead of the runs that will find it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.competition import Strategy
from harness.errors import HarnessError
from harness.offers import BuildContext
from harness.parts import parts_of, stages_of
from harness.planning import Hardware, plan_run
from harness.plugins import describe_error
from harness.prepare import Prepared
from harness.stages import Finished, each_stage
from harness.store import Workspace

Told = Callable[[str, str], None]
"""``told(strategy, text)``: what a stage says while it runs."""


@dataclass(frozen=True, eq=False)
class Staged:
    """What became of one stage of one strategy, or why its stages failed.

    Attributes
    ----------
    finished : Finished or None
        None where a stage failed: `failure` says why.
    notes : tuple of str
        What it told; empty if it was there already.
    seconds : float
        Wall time.
    mistake : bool
        Whether the failure is the user's to mend, not a fault of a program.
    """

    strategy: str
    seed: int
    finished: Finished | None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    failure: str = ""
    mistake: bool = False


class _Notes:
    """The log of a strategy's stages: passes on what is told, and keeps the notes."""

    def __init__(self, strategy: str, told: Told) -> None:
        self.strategy, self.told, self.kept = strategy, told, list[str]()

    def epoch(self, step: int, **metrics: float) -> None:
        """Pass on the metrics of one epoch."""
        values = ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())
        self.told(self.strategy, f"step {step}, {values}" if values else f"step {step}")

    def note(self, text: str) -> None:
        """Keep one line."""
        self.kept.append(text)
        self.told(self.strategy, text)

    def take(self, stage: str) -> tuple[str, ...]:
        """Return the notes since the last stage, without the one that names it."""
        taken, self.kept = self.kept, []
        return tuple(note for note in taken if note != f"stage {stage}")


def stages_alone(
    prepared: Prepared,
    strategies: Sequence[Strategy],
    seeds: Sequence[int],
    hardware: Hardware,
    workspace: Workspace,
    told: Told,
) -> Iterator[Staged]:
    """Run the stages of scope ``dataset`` of strategies, under the keys by which a run looks for them.

    A run finds them if data, parameters, seed, device and threads are the same. A strategy whose stage fails does not
    stop the others.

    Raises
    ------
    HarnessError
        Before anything runs, if a strategy or its parameters cannot be used, or the rules forbid what it learns from.
    """
    for strategy in strategies:
        plan_run(prepared, strategy, seeds[0], hardware, workspace, {})
    for strategy in strategies:
        for seed in seeds:
            yield from _of_strategy(prepared, strategy, seed, hardware, told)


def _of_strategy(prepared: Prepared, strategy: Strategy, seed: int, hardware: Hardware, told: Told) -> Iterator[Staged]:
    from threadpoolctl import threadpool_limits

    log = _Notes(strategy.label, told)
    stages = stages_of(parts_of(strategy, prepared), prepared.dataset.info)
    context = BuildContext(seed, hardware.device, hardware.threads)
    steps = each_stage(
        *(stages, prepared.dataset, prepared.folds[0], context, seed, prepared.plugins, prepared.setting.cache, log),
        dataset_only=True,
    )
    started = time.perf_counter()
    try:
        with threadpool_limits(limits=hardware.threads):
            for finished in steps:
                seconds, started = time.perf_counter() - started, time.perf_counter()
                yield Staged(strategy.label, seed, finished, log.take(finished.stage.name), seconds)
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # whatever a plugin raises, SystemExit too, fails its own strategy only
        mistake = isinstance(error, HarnessError)
        yield Staged(strategy.label, seed, None, failure=describe_error(error), mistake=mistake)


def stages_left(prepared: Prepared, strategies: Sequence[Strategy]) -> Mapping[str, Sequence[str]]:
    """Return, by strategy, the stages of scope ``fold``: they see labels, so that only a run can make them."""
    info = prepared.dataset.info
    named = {
        strategy.label: [stage.name for stage in stages_of(parts_of(strategy, prepared), info) if stage.scope == "fold"]
        for strategy in strategies
    }
    return {label: names for label, names in named.items() if names}
