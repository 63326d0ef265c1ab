"""Which plugin can read the files."""

from __future__ import annotations

from collections.abc import Iterable

from harness.errors import ConfigError, PluginError, listed, nearest
from harness.plugins import Plugins
from harness.proposal import Given, Proposal

HOOK = "harness_propose"


def gather(given: Given, plugins: Plugins) -> list[Proposal]:
    """Ask every plugin; the surest proposals come first.

    Raises
    ------
    PluginError
        If a plugin fails, or answers something else than proposals.
    """
    found: list[Proposal] = []
    for plugin, answer in plugins.ask(HOOK, given=given):
        proposals = list(answer) if isinstance(answer, Iterable) else [] if answer is None else [answer]
        for one in proposals:
            if not isinstance(one, Proposal):
                raise PluginError(f"plugin {plugin!r}: {HOOK} answered {one!r}, expected Proposal records")
            found.append(one)
    return sorted(found, key=lambda one: -one.sure)


def surest(given: Given, plugins: Plugins, source: str = "") -> Proposal:
    """Return the proposal to follow.

    Parameters
    ----------
    source : str
        The data source that a person wants; empty for the surest.

    Raises
    ------
    ConfigError
        If there is none, or two are equally sure.
    """
    found = gather(given, plugins)
    if source and found:
        found = [one for one in found if one.source == source] or found
        if found[0].source != source:
            known = [one.source for one in found]
            raise ConfigError(f"--source {source!r} proposes nothing for {given.train}{nearest(source, known)}")
    if not found:
        broken = [plugin.name for plugin in plugins.loaded if plugin.error]
        told = f"; broken plugins were not asked: {listed(broken)} (harness plugins shows the fix)" if broken else ""
        asked = listed(plugins.answering(HOOK)) or "none answers this"
        raise ConfigError(
            f"no installed plugin knows what to make of {given.train} (asked: {asked}){told}; expected a"
            " table as CSV or Parquet, or a folder with a folder of files for each class"
        )
    if len(found) > 1 and found[0].sure == found[1].sure:
        raise ConfigError(
            f"{found[0].source} ({found[0].about}) and {found[1].source} ({found[1].about}) can both read"
            f" {given.train}; say which: --source NAME"
        )
    return found[0]
