"""Plugins: found by entry point, loaded one at a time, their offers gathered, duplicates refused.

A plugin that fails to import, or breaks the contract of a hook, is listed as broken with its version and the fix, and
stops only what needs it.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import pluggy

from harness import hookspecs
from harness.calls import called
from harness.contract import check_module
from harness.errors import ConfigError, HarnessError, PluginError, nearest
from harness.hookspecs import PROJECT
from harness.offers import (
    Adjuster,
    DatasetSource,
    Executor,
    Features,
    Metric,
    ModelRecipe,
    Offer,
    Rebalancer,
    Site,
    Splitter,
)

BUILTIN = (
    "competitions",
    "metrics",
    "splits",
    "baselines",
    "adjusters",
    "submission",
    "figures",
    "page",
    "executors",
    "sites",
)
LOCAL = "local"
DISABLE = "HARNESS_DISABLE_PLUGINS"
"""Environment variable: names of installed plugins that are not to be loaded, with commas between."""
ENABLE = f"leave it out of --disable and {DISABLE}"
T = TypeVar("T", bound=Offer)
KNOWN = {
    "birdclef": "competition-harness-birdclef",
    "protein": "competition-harness-protein",
    "imbalance": "competition-harness-imbalance",
    "airquality": "competition-harness-airquality",
    "imagewang": "competition-harness-imagewang",
}
"""Distributions of the project's own plugins, to tell which one is missing."""

GATHERED: dict[type[Any], str] = {
    DatasetSource: "harness_datasets",
    Features: "harness_features",
    ModelRecipe: "harness_models",
    Metric: "harness_metrics",
    Splitter: "harness_splitters",
    Rebalancer: "harness_rebalancers",
    Adjuster: "harness_adjusters",
    Executor: "harness_executors",
    Site: "harness_sites",
}


@dataclass(frozen=True)
class Loaded:
    """A plugin as ``harness plugins`` shows it; `error` and `fix` are empty if it works, or was not loaded."""

    name: str
    distribution: str
    version: str
    error: str = ""
    fix: str = ""
    disabled: bool = False


class Plugins:
    """A fresh plugin manager with what its plugins offer.

    Attributes
    ----------
    loaded : list of Loaded
        Every plugin that is not built in, broken ones too.
    trouble : list of str
        What plugins did wrong when they were told an event.
    """

    def __init__(self) -> None:
        self.manager = pluggy.PluginManager(PROJECT)
        self.manager.add_hookspecs(hookspecs)
        self.loaded: list[Loaded] = []
        self.trouble: list[str] = []
        self._offers: dict[type[Any], dict[str, Any]] = {}

    def offers(self, kind: type[T]) -> dict[str, T]:
        """Gather everything offered of one kind, by name.

        Raises
        ------
        PluginError
            If two plugins offer the same name.
        """
        if kind not in self._offers:
            self._offers[kind] = self._gather(kind)
        return self._offers[kind]

    def find(self, kind: type[T], name: str, where: str) -> T:
        """Return the offer of that name.

        Raises
        ------
        PluginError
            Naming the missing or broken plugin, or the nearest offer.
        """
        known = self.offers(kind)
        if name in known:
            return known[name]
        owner = name.split(".")[0] if "." in name else ""
        for plugin in self.loaded:
            if plugin.name == owner and plugin.disabled:
                raise PluginError(f"{where}: {kind.kind} {name!r}: plugin {owner!r} is disabled; {ENABLE}")
            if plugin.name == owner and plugin.error:
                raise PluginError(
                    f"{where}: {kind.kind} {name!r}: plugin {owner!r} is broken: {plugin.error}; {plugin.fix}"
                )
        installed = {plugin.name for plugin in self.loaded} | {LOCAL}
        if owner and owner not in installed:
            fix = f"; install it: pip install {KNOWN[owner]}" if owner in KNOWN else nearest(name, known)
            raise PluginError(f"{where}: {kind.kind} {name!r}: no plugin {owner!r} is installed{fix}")
        raise PluginError(f"{where}: no {kind.kind} {name!r} is offered{nearest(name, known)}")

    def owner(self, name: str) -> Loaded | None:
        """Return the plugin that an offer's name belongs to; None for built-in offers."""
        prefix = name.split(".")[0]
        return next((plugin for plugin in self.loaded if plugin.name == prefix and "." in name), None)

    def ask(self, hook: str, *, only: Iterable[str] | None = None, **given: Any) -> Iterator[tuple[str, Any]]:
        """Call a hook of each plugin in turn, those registered last first.

        Parameters
        ----------
        hook : str
            Name of the hook.
        only : iterable of str, optional
            Names of the plugins to ask.
        **given
            All arguments of the hook's specification.

        Yields
        ------
        (str, object)
            Plugin name and answer; generators are already turned into lists.

        Raises
        ------
        PluginError
            If a plugin raises anything, SystemExit too, naming it.
        """
        chosen = None if only is None else set(only)
        for impl in reversed(getattr(self.manager.hook, hook).get_hookimpls()):
            if chosen is not None and impl.plugin_name not in chosen:
                continue
            try:
                with called(hook, impl.plugin_name):
                    answer = impl.function(*(given[name] for name in impl.argnames))
                    answer = list(answer) if inspect.isgenerator(answer) else answer
            except (HarnessError, KeyboardInterrupt):
                raise
            except BaseException as error:
                raise PluginError(f"plugin {impl.plugin_name!r} failed in {hook}: {describe_error(error)}") from error
            yield impl.plugin_name, answer

    def answering(self, hook: str) -> list[str]:
        """Return the names of the plugins that implement a hook, those registered last first."""
        return [impl.plugin_name for impl in reversed(getattr(self.manager.hook, hook).get_hookimpls())]

    def tell(self, hook: str, **given: Any) -> HarnessError | None:
        """Fire an event: every plugin hears it, whichever of them fails; answers are ignored.

        Returns
        -------
        HarnessError or None
            What the first plugin that failed is told to have done; warned of and kept in `trouble`.
        """
        failed: list[HarnessError] = []
        for impl in reversed(getattr(self.manager.hook, hook).get_hookimpls()):
            try:
                with called(hook, impl.plugin_name):
                    impl.function(*(given[name] for name in impl.argnames))
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # SystemExit too: a listener decides nothing
                failed.append(PluginError(f"plugin {impl.plugin_name!r} failed in {hook}: {describe_error(error)}"))
        for problem in failed:
            if str(problem) not in self.trouble:
                self.trouble.append(str(problem))
                if "run" in given:
                    self.tell("harness_warned", run=given["run"], message=str(problem))
        return failed[0] if failed else None

    def _gather(self, kind: type[Any]) -> dict[str, Any]:
        found: dict[str, tuple[str, Any]] = {}
        for plugin, offers in self.answers(GATHERED[kind]):
            try:
                for offer in offers:
                    _check_offer(plugin, kind, offer)
            except PluginError as error:
                self._broken(plugin, describe_error(error), error)
                continue
            for offer in offers:
                if offer.name in found:
                    raise PluginError(
                        f"{kind.kind} {offer.name!r} is offered by both {found[offer.name][0]!r} and {plugin!r};"
                        " uninstall one of them"
                    )
                found[offer.name] = (plugin, offer)
        return {name: offer for name, (_, offer) in sorted(found.items())}

    def answers(self, hook: str) -> Iterator[tuple[str, list[Any]]]:
        """Like `ask`, but a plugin that fails is marked as broken and the others go on."""
        for impl in getattr(self.manager.hook, hook).get_hookimpls():
            try:
                with called(hook, impl.plugin_name):
                    answer = list(impl.function() or ())
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self._broken(impl.plugin_name, f"{hook} failed: {describe_error(error)}", error)
                continue
            yield impl.plugin_name, answer

    def _broken(self, name: str, told: str, error: BaseException) -> None:
        module = self.manager.get_plugin(name)
        for position, plugin in enumerate(self.loaded):
            if plugin.name == name:
                fix = _fix(plugin.distribution, PluginError(told), _place(error, module))
                self.loaded[position] = Loaded(name, plugin.distribution, plugin.version, told, fix)
                return
        raise PluginError(f"built-in {name!r} is broken: {told}")

    def register(self, name: str, module: ModuleType) -> None:
        """Register a plugin module after checking that its hooks are what they look like.

        Raises
        ------
        PluginError
            Naming the function and the fault.
        """
        if self.manager.has_plugin(name):
            raise PluginError(f"a plugin called {name!r} exists already; name its entry point otherwise")
        check_module(module)
        self.manager.register(module, name)
        self._offers.clear()


def load_plugins(local: Path | None = None, builtin: Iterable[str] = BUILTIN) -> Plugins:
    """Build a manager with the built-ins, every installed plugin, and a competition's own ``plugin.py``.

    Parameters
    ----------
    local : Path, optional
        The ``plugin.py`` of the competition in use.
    builtin : iterable of str, optional
        Names of the built-in plugins, if not all are needed.

    Raises
    ------
    PluginError
        If the competition's own plugin is broken; installed plugins that are broken are only listed.
    ConfigError
        If `DISABLE` names what is no installed plugin.
    """
    from importlib.metadata import entry_points

    plugins = Plugins()
    for name in builtin:
        plugins.register(name, importlib.import_module(f"harness.builtin.{name}"))
    points = sorted(entry_points(group=PROJECT), key=lambda point: point.name)
    disabled = disabled_plugins([point.name for point in points])
    for point in points:
        distribution = point.dist.name if point.dist else ""
        version = point.dist.version if point.dist else ""
        if any((plugin.name, plugin.distribution) == (point.name, distribution) for plugin in plugins.loaded):
            continue  # one distribution found twice, as by an editable install beside its own folder
        try:
            taken = next((one for one in plugins.loaded if one.name == point.name and not one.error), None)
            if taken is not None:
                raise PluginError(f"a plugin {point.name!r} exists already, of {taken.distribution}; uninstall one")
            if point.name == LOCAL:
                raise PluginError(f"{LOCAL!r} is the name of a competition's own plugin")
            if point.name not in disabled:
                with called("import", point.name):
                    plugins.register(point.name, point.load())
            plugins.loaded.append(Loaded(point.name, distribution, version, disabled=point.name in disabled))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            fix = _fix(distribution, error, _place(error, sys.modules.get(point.module), point.module))
            plugins.loaded.append(Loaded(point.name, distribution, version, describe_error(error), fix))
    if local is not None:
        _load_local(plugins, local)
    return plugins


def disabled_plugins(installed: Iterable[str]) -> set[str]:
    """Return the names that the environment variable `DISABLE` holds.

    Raises
    ------
    ConfigError
        If one is no installed plugin, with the nearest name; a built-in cannot be disabled.
    """
    names, known = {name.strip() for name in os.environ.get(DISABLE, "").split(",")} - {""}, set(installed)
    unknown = sorted(names - known)
    if unknown:
        raise ConfigError(f"--disable or {DISABLE}: no plugin {unknown[0]!r} is installed{nearest(unknown[0], known)}")
    return names


def _load_local(plugins: Plugins, path: Path) -> None:
    spec = importlib.util.spec_from_file_location(f"harness_local_{path.parent.name}".replace("-", "_"), path)
    assert spec is not None, path
    assert spec.loader is not None, path
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
        plugins.register(LOCAL, module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise PluginError(f"{path} is broken: {describe_error(error)}") from error
    plugins.loaded.append(Loaded(LOCAL, str(path), digest_of_source(path)))


def digest_of_source(path: Path) -> str:
    """Return a version for a single file: the beginning of its SHA-256."""
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def describe_error(error: BaseException) -> str:
    """Tell an exception in one line: its kind and the first line of its message."""
    text = str(error).strip().splitlines()
    if isinstance(error, HarnessError):
        return text[0] if text else type(error).__name__
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


def _fix(distribution: str, error: BaseException, place: str) -> str:
    if place:
        return f"mend {place}"
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"install what it lacks: pip install {error.name}"
    if isinstance(error, HarnessError):
        return f"mend or update it: pip install --upgrade {distribution}"
    return f"reinstall or remove it: pip install --force-reinstall {distribution}"


def _place(error: BaseException, module: Any, name: str = "") -> str:
    """Return where to mend a plugin whose files are its author's; empty if they were installed, or something lacks."""
    import traceback

    name, file = getattr(module, "__name__", name), getattr(module, "__file__", None) or ""
    package = name.partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] != package:
        return ""
    frames = traceback.extract_tb(error.__traceback__)
    places = [(frame.filename, frame.lineno) for frame in frames]
    if isinstance(error, SyntaxError) and error.filename:
        places.append((error.filename, error.lineno))
    own = [(path, line) for path, line in places if path == file or _within(Path(path), package)]
    path, line = own[-1] if own else (file, None)
    if not path or {"site-packages", "dist-packages"} & set(Path(path).parts):
        return ""
    return f"{path}, line {line}" if line else path


def _within(path: Path, package: str) -> bool:
    return bool(package) and (package in path.parent.parts or path.stem == package)


def _check_offer(plugin: str, kind: type[Any], offer: Any) -> None:
    if not isinstance(offer, kind):
        raise PluginError(f"plugin {plugin!r}: {GATHERED[kind]} yielded {offer!r}, expected {kind.__name__}")
    wanted = "" if plugin in BUILTIN else f"{plugin}."
    bare = offer.name.removeprefix(wanted)
    fits = bool(bare) and all(c.isalnum() or c == "_" for c in bare)
    if not offer.name.startswith(wanted) or not fits:
        raise PluginError(
            f"plugin {plugin!r} offers {kind.kind} {offer.name!r}; expected {wanted}NAME of letters, digits and '_'"
        )
