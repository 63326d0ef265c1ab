"""Which plugin can read the files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from harness.errors import ConfigError, PluginError, listed, nearest
from harness.plugins import Plugins
from harness.proposal import Given, Proposal

HOOK = "harness_propose"


def gather(given: Given, plugins: Plugins) -> tuple[list[Proposal], list[str]]:
    """Ask every plugin; one that fails keeps no other from answering.

    Returns
    -------
    (list of Proposal, list of str)
        The surest proposals first, and what failed.

    Raises
    ------
    HarnessError
        What a plugin says of files that are its own.
    """
    found: list[Proposal] = []
    failed: list[str] = []
    for plugin in plugins.answering(HOOK):
        try:
            for _, answer in plugins.ask(HOOK, only=[plugin], given=given):
                found += _checked(answer, plugin)
        except PluginError as error:
            failed.append(str(error))
    return sorted(found, key=lambda one: -one.sure), failed


def _checked(answer: Any, plugin: str) -> list[Proposal]:
    proposals: list[Any] = list(answer) if isinstance(answer, Iterable) else [] if answer is None else [answer]
    for one in proposals:
        if not isinstance(one, Proposal):
            raise PluginError(f"plugin {plugin!r}: {HOOK} answered {one!r}, expected Proposal records")
    return proposals


def surest(given: Given, plugins: Plugins, source: str = "") -> Proposal:
    """Return the proposal to follow; what plugins failed with is among its notes.

    Parameters
    ----------
    source : str
        The data source that a person wants; empty for the surest.

    Raises
    ------
    ConfigError
        If there is none, or two are equally sure.
    """
    found, failed = gather(given, plugins)
    if source and found:
        found = [one for one in found if one.source == source] or found
        if found[0].source != source:
            known = [one.source for one in found]
            raise ConfigError(f"--source {source!r} proposes nothing for {given.train}{nearest(source, known)}")
    if not found:
        failed += [f"plugin {plugin.name!r} is broken: {plugin.error}" for plugin in plugins.loaded if plugin.error]
        told = f"; {listed(failed)}" if failed else ""
        raise ConfigError(
            f"no installed plugin knows what to make of {given.train}; asked:"
            f" {listed(plugins.answering(HOOK)) or 'none'}{told}; expected a table as CSV or Parquet, or a folder with"
            " a folder of files for each class"
        )
    if len(found) > 1 and found[0].sure == found[1].sure:
        raise ConfigError(
            f"{found[0].source} ({found[0].about}) and {found[1].source} ({found[1].about}) can both read"
            f" {given.train}; say which: --source NAME"
        )
    return replace(found[0], notes=(*found[0].notes, *failed))
