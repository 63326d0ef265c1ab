"""What a check found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from harness.errors import HarnessError, PluginError
from harness.plugins import describe_error

SKIPPED = "skipped: "
"""Beginning of `Finding.check` where an offer refused the generated data, which proves nothing."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    offer : str
        Name of the offer, or of the plugin.
    check : str
        What was looked at; begins with `SKIPPED` where it could not be.
    problem : str
        Empty if all is well.
    """

    offer: str
    check: str
    problem: str = ""

    @property
    def skipped(self) -> bool:
        """Whether nothing could be looked at."""
        return self.check.startswith(SKIPPED)


def attempt(offer: str, check: str, look: Callable[[], str]) -> Finding:
    """Look at one thing; whatever is raised meanwhile is its problem.

    Parameters
    ----------
    look : callable
        ``look() -> str``: the problem, empty if there is none.
    """
    try:
        return Finding(offer, check, look())
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin's SystemExit must not end the checks
        return Finding(offer, check, raised(error))


def if_sound(findings: Iterable[Finding], more: Iterable[Finding]) -> list[Finding]:
    """Return what more is found where the first findings tell no problem; else nothing, which they explain."""
    return [] if failures(findings) else list(more)


def raised(error: BaseException) -> str:
    """Tell an exception as a problem: what breaks the contract, a refusal of what must be taken, or a fault.

    Examples
    --------
    >>> from harness.errors import DataError
    >>> raised(PluginError("model 'a.b' predicted other rows than it was given"))
    "model 'a.b' predicted other rows than it was given"
    >>> raised(DataError("no rows"))
    'refused it: no rows'
    >>> raised(KeyError("x"))
    "raised KeyError: 'x'"
    """
    if isinstance(error, PluginError):
        return describe_error(error)
    return f"{'refused it:' if isinstance(error, HarnessError) else 'raised'} {describe_error(error)}"


def failures(findings: Iterable[Finding]) -> list[str]:
    """Return one line for each problem, for ``assert failures(...) == []``.

    Examples
    --------
    >>> failures([Finding("a.model", "fit"), Finding("a.model", "save and load", "predicts other values")])
    ['a.model: save and load: predicts other values']
    """
    return [f"{found.offer}: {found.check}: {found.problem}" for found in findings if found.problem]
