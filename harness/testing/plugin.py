"""Checks of a whole plugin: how it loads, and everything it offers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from harness import hookspecs
from harness.competition_file import FILE, read_competition
from harness.device import count_gpus
from harness.errors import ConfigError, PluginError, listed, nearest
from harness.hookspecs import PROJECT
from harness.offers import (
    Adjuster,
    DatasetSource,
    Executor,
    Features,
    Metric,
    ModelRecipe,
    Rebalancer,
    Site,
    Splitter,
)
from harness.plugins import ENABLE, GATHERED, LOCAL, Plugins, load_plugins
from harness.testing.adjusters import check_adjuster
from harness.testing.executors import check_executor
from harness.testing.features import check_features
from harness.testing.findings import SKIPPED, Finding, attempt
from harness.testing.metrics import check_metric
from harness.testing.models import check_model
from harness.testing.predicting import PARITY
from harness.testing.rebalancers import check_rebalancer
from harness.testing.sites import check_site
from harness.testing.sources import check_source
from harness.testing.splitters import check_splitter

HEAVY = ("torch", "fastai", "pandas", "numpy", "sklearn", "scipy", "mlflow", "catboost", "matplotlib")
"""Libraries that would make ``harness list`` slow; they are imported inside the functions that need them."""

CHECKS: dict[type[Any], Callable[..., Iterator[Finding]]] = {
    DatasetSource: check_source,
    Features: check_features,
    ModelRecipe: check_model,
    Metric: check_metric,
    Splitter: check_splitter,
    Rebalancer: check_rebalancer,
    Adjuster: check_adjuster,
    Executor: check_executor,
    Site: check_site,
}

LISTING = """
import importlib, sys
module = importlib.import_module({module!r})
for hook in {hooks!r}:
    list(getattr(module, hook, tuple)() or ())
print(*sorted(set({heavy!r}) & set(sys.modules)))
"""


def check_plugin(name: str, hostile: bool = False, params: Mapping[str, Any] | None = None) -> list[Finding]:
    """Check an installed plugin: how it loads, its hooks, and every offer on generated data.

    Parameters
    ----------
    name : str
        Name of its entry point, or the path of a competition's own ``plugin.py``.
    hostile : bool
        Also try every offer with what nobody should do to it: a blocked network, another day, labels and ids that would
        give the answer away, rows twice or none at all.
    params : mapping of str to dataclass instance, optional
        Parameters to try an offer with (small ones, say), by its name; without them the defaults.

    Raises
    ------
    ConfigError
        If no such plugin is installed.
    """
    local = Path(name) if name.endswith(".py") else None
    if local is not None and not local.is_file():
        raise ConfigError(f"no file {local}")
    try:
        plugins = load_plugins(local)
    except PluginError as error:
        return [Finding(LOCAL, "loads", str(error))]
    plugin = LOCAL if local is not None else name
    found = next((loaded for loaded in plugins.loaded if loaded.name == plugin), None)
    if found is None:
        raise ConfigError(f"no plugin {name!r} is installed{nearest(name, [one.name for one in plugins.loaded])}")
    if found.disabled:
        raise ConfigError(f"plugin {name!r} is disabled; {ENABLE}")
    if found.error:
        return [Finding(plugin, "loads", f"{found.error}; {found.fix}")]
    findings = [Finding(plugin, "loads")]
    if local is None:
        findings.append(attempt(plugin, "listing it imports nothing heavy", lambda: _imports(plugin)))
    findings.append(attempt(plugin, "hooks are ones the harness calls", lambda: _hooks(plugins, plugin)))
    findings.append(attempt(plugin, "competitions can be read", lambda: _competitions(plugins, plugin)))
    return [*findings, *_offers(plugins, plugin, hostile, params or {})]


def _imports(plugin: str) -> str:
    (point,) = list(entry_points(group=PROJECT, name=plugin))[:1]
    hooks = [*GATHERED.values(), "harness_competitions"]
    code = LISTING.format(module=point.module, hooks=hooks, heavy=HEAVY)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=120)  # noqa: S603
    if done.returncode:
        return f"fails in a fresh interpreter: {done.stderr.strip().splitlines()[-1]}"
    loaded = done.stdout.split()
    return f"imports {listed(loaded)}; import them inside the functions that need them" if loaded else ""


def _hooks(plugins: Plugins, plugin: str) -> str:
    hooks = [hook for hook in vars(hookspecs) if hook.startswith("harness_")]
    own = [hook for hook in hooks if plugin in plugins.answering(hook)]
    if not own:
        return "it implements none; did a function lose its @hookimpl?"
    if plugin != LOCAL and "harness_make_submission" in own:
        return f"harness_make_submission is asked only of a competition's own {LOCAL} plugin.py, never of {plugin!r}"
    return ""


def _competitions(plugins: Plugins, plugin: str) -> str:
    for _, answer in plugins.ask("harness_competitions", only=[plugin]):
        for root in answer or ():
            for path in sorted(root.glob(f"*/{FILE}")):
                read_competition(path.parent)
    return ""


def _offers(plugins: Plugins, plugin: str, hostile: bool, params: Mapping[str, Any]) -> Iterator[Finding]:
    if plugin in plugins.answering(GATHERED[ModelRecipe]) and not count_gpus():
        yield Finding(plugin, f"{SKIPPED}{PARITY}: there is none here")
    for kind, check in CHECKS.items():
        if plugin not in plugins.answering(GATHERED[kind]):
            continue
        try:
            offers = plugins.offers(kind)
        except PluginError as error:
            yield Finding(plugin, GATHERED[kind], str(error))
            continue
        broken = next(loaded.error for loaded in plugins.loaded if loaded.name == plugin)
        if broken:
            yield Finding(plugin, GATHERED[kind], broken)
            return
        for name, offer in offers.items():
            if name.startswith(f"{plugin}."):
                yield from check(offer, **({"params": params[name]} if name in params else {}), hostile=hostile)
