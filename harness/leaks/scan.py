"""All checks on one data set, with what the competition accepts, and the card that is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from harness.files import read_json, write_json
from harness.findings import Finding, Severity
from harness.leaks.columns import check_columns
from harness.leaks.duplicates import check_duplicates
from harness.leaks.future import check_future
from harness.leaks.groups import check_groups
from harness.leaks.material import Check, material_of
from harness.leaks.near import check_near_duplicates
from harness.leaks.order import check_order
from harness.leaks.shift import check_shift
from harness.prepare import Prepared
from harness.store import Workspace

CHECKS: dict[str, Check] = {
    "ids, order and files": check_order,
    "columns": check_columns,
    "time": check_future,
    "groups": check_groups,
    "duplicates": check_duplicates,
    "near duplicates": check_near_duplicates,
    "train against test": check_shift,
}
"""In the order in which they are run, by what they look at."""
ORDER = list(Severity)


@dataclass(frozen=True)
class Card:
    """What is known of a data set.

    Attributes
    ----------
    digest : str
        `Dataset.digest`.
    rows : mapping of str to int
        By part.
    looked : tuple of str
        What was looked at.
    findings : tuple of Finding
        Leaks first.
    """

    competition: str
    variant: str
    digest: str
    simulated: bool
    rows: dict[str, int]
    columns: int
    split: str
    looked: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def leaks(self) -> tuple[Finding, ...]:
        """Leaks that nobody accepted."""
        return tuple(one for one in self.findings if one.is_open)


def scan(prepared: Prepared, tell: Callable[[str], None] = lambda _: None) -> Card:
    """Run every check; the findings of plugins come among the others.

    Parameters
    ----------
    tell : callable
        Is told what is being looked at.
    """
    material = material_of(prepared)
    found = list(prepared.findings)
    for name, check in CHECKS.items():
        tell(f"looking for leaks: {name}")
        found += check(material)
    dataset = prepared.dataset
    parts = {"train": dataset.train, "valid": dataset.valid, "test": dataset.test}
    return Card(
        competition=prepared.competition.id,
        variant=dataset.info.variant,
        digest=dataset.digest,
        simulated=dataset.info.simulated,
        rows={name: len(part) for name, part in parts.items() if part is not None},
        columns=len(dataset.info.columns),
        split=prepared.splitter.name,
        looked=tuple(CHECKS),
        findings=sorted_by_weight(accept(found, prepared.competition.leaks.accepted)),
    )


def accept(findings: Iterable[Finding], reasons: Any) -> list[Finding]:
    """Note the competition's reasons: those of a kind, or of ``kind:name`` where the finding names only that."""
    accepted = []
    for one in findings:
        exact = f"{one.kind}:{one.names[0]}" if len(one.names) == 1 else one.kind
        accepted.append(replace(one, accepted=reasons.get(exact, reasons.get(one.kind, ""))))
    return accepted


def sorted_by_weight(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings: open leaks, accepted ones, warnings, notes."""
    return tuple(sorted(findings, key=lambda one: (ORDER.index(one.severity), bool(one.accepted))))


def card_path(workspace: Workspace, competition: str, variant: str, digest: str) -> Path:
    """Return where the card of a data set is kept."""
    return workspace.cards(competition) / f"{variant or 'data'}-{digest[:16] or 'no-digest'}.json"


def write_card(workspace: Workspace, card: Card) -> Path:
    """Keep a card in the workspace, one for each data set of a competition.

    Raises
    ------
    StoreError
        If the system refuses.
    """
    path = card_path(workspace, card.competition, card.variant, card.digest)
    write_json(path, card_json(card))
    return path


def card_json(card: Card) -> dict[str, Any]:
    """Return a card as JSON values."""
    return {**asdict(card), "findings": [finding_json(one) for one in card.findings]}


def finding_json(finding: Finding) -> dict[str, Any]:
    """Return a finding as JSON values."""
    return {**asdict(finding), "severity": finding.severity.value, "names": list(finding.names)}


def read_card(path: Path) -> Card:
    """Read a card back.

    Raises
    ------
    StoreError
        If it is missing or not JSON.
    """
    table = read_json(path)
    findings = tuple(
        Finding(**{**one, "severity": Severity(one["severity"]), "names": tuple(one["names"])})
        for one in table["findings"]
    )
    return Card(**{**table, "looked": tuple(table["looked"]), "findings": findings})
