"""What MLflow must know of a competition and its data: enough to make their experiment again without them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from harness.competition import Competition
from harness.data import Dataset


@dataclass(frozen=True)
class About:
    """A competition and its data, as JSON values.

    Attributes
    ----------
    metrics : tuple of str
        The first ranks the board.
    on : str
        The set that is ranked, ``oof`` or ``valid``.
    names : tuple of str
        Strategies and blends in the order of the competition file: a colour each.
    directions : mapping of str to str
        ``min`` or ``max`` for each metric.
    rows : mapping of str to int
        Sizes of ``train``, ``valid`` and ``test``, as far as they are there.
    """

    id: str
    title: str
    task: str
    metrics: tuple[str, ...]
    on: str
    names: tuple[str, ...]
    directions: Mapping[str, str]
    data: str
    variant: str
    digest: str
    url: str
    simulated: bool
    notes: tuple[str, ...]
    classes: tuple[str, ...]
    rows: Mapping[str, int]

    @property
    def primary(self) -> str:
        """Name of the metric the board is ranked by."""
        return self.metrics[0]

    @property
    def direction(self) -> str:
        """``min`` or ``max``: which primary score is best."""
        return self.directions.get(self.primary, "min")

    @classmethod
    def of(cls, competition: Competition, dataset: Dataset, directions: Mapping[str, str]) -> About:
        """Gather it from what a command has read."""
        info = dataset.info
        sets = {"train": dataset.train, "valid": dataset.valid, "test": dataset.test}
        return cls(
            id=competition.id,
            title=competition.title,
            task=competition.task.value,
            metrics=tuple(competition.metrics),
            on=competition.evaluate.on,
            names=tuple(competition.names),
            directions=dict(directions),
            data=info.name,
            variant=info.variant,
            digest=dataset.digest,
            url=info.url,
            simulated=info.simulated,
            notes=tuple(info.notes),
            classes=tuple(info.classes),
            rows={name: len(rows) for name, rows in sets.items() if rows is not None},
        )

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> About:
        """Read what `as_json` returned; lists become tuples again."""
        facts: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in stored.items()
        }
        return cls(**facts)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)
