"""A plugin-based harness for machine-learning competitions.

From data to an honest leaderboard and a valid submission. Competition-specific pieces come from pluggy plugins; this
package knows no domain. Read `harness.hookspecs`, `harness.data`, `harness.run`, in that order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.hookspecs import hookimpl

__version__ = "0.1.0"
__all__ = ["__version__", "hookimpl"]


def __getattr__(name: str) -> Any:
    """Import the hook marker when it is first asked for, so that the command line starts without pluggy."""
    if name == "hookimpl":
        from harness.hookspecs import hookimpl

        return hookimpl
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
