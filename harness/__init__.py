"""A plugin-based harness for machine-learning competitions.

From data to an honest leaderboard and a valid submission. Competition-specific pieces come from pluggy plugins; this
package knows no domain. Read `harness.hookspecs`, `harness.data`, `harness.run`, in that order.
"""

from harness.hookspecs import hookimpl

__version__ = "0.1.0"
__all__ = ["__version__", "hookimpl"]
