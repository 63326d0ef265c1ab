"""A study of Optuna: its name, its database, and what to do where Optuna is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.competition import Strategy
from harness.errors import PluginError
from harness.files import slug
from harness.planning import board_key, training_identity
from harness.prepare import Prepared
from harness.run import Options
from harness.space import Dimension
from harness.store import digest_of

if TYPE_CHECKING:
    from optuna import Study

DATABASE = "tune.db"


def require_optuna() -> None:
    """Fail in one line where Optuna is not installed.

    Raises
    ------
    PluginError
        With the command that installs it.
    """
    try:
        import optuna
    except ImportError:
        raise PluginError("tuning needs Optuna; install it: pip install 'competition-harness[tune]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def study_id(prepared: Prepared, strategy: Strategy, seed: int, space: Sequence[Dimension], options: Options) -> str:
    """Return the name of a study: the same strategy, data, folds, seed and ranges are the same study."""
    identity = {
        "board": board_key(prepared),
        "training": training_identity(prepared, strategy, seed, options.hardware),
        "adjusters": [(use.name, dict(use.params)) for use in strategy.adjusters],
        "space": [dimension.range for dimension in space],
    }
    return f"tune-{slug(strategy.name)}-s{seed}-{digest_of(identity)[:8]}"


@contextmanager
def opened(prepared: Prepared, options: Options, name: str) -> Iterator[Study]:
    """Open a study of the workspace's database, new or gone on with."""
    import optuna

    path = (options.workspace.root / DATABASE).resolve()
    storage = optuna.storages.RDBStorage(f"sqlite:///{path}", engine_kwargs={"connect_args": {"timeout": 60}})
    direction = "minimize" if prepared.primary.direction == "min" else "maximize"
    try:
        yield optuna.create_study(study_name=name, storage=storage, direction=direction, load_if_exists=True)
    finally:
        storage.remove_session()
        storage.engine.dispose()
