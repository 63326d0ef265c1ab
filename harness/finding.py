"""Where competitions are found: in ``./competitions``, in a given folder, in installed distributions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.competition_file import FILE
from harness.errors import ConfigError, listed, nearest

if TYPE_CHECKING:
    from harness.plugins import Plugins


def find_competitions(extra: Path | None, plugins: Plugins) -> dict[str, Path]:
    """Find competitions in ``./competitions``, in a given folder, then in installed distributions; the first one wins.

    Returns
    -------
    dict of str to Path
        Folder by id, sorted by id.
    """
    roots = [Path("competitions")] + ([extra] if extra else [])
    for _, folders in reversed(list(plugins.answers("harness_competitions"))):
        roots.extend(folders)
    found: dict[str, Path] = {}
    for root in roots:
        for path in sorted(root.glob(f"*/{FILE}")):
            found.setdefault(path.parent.name, path.parent.resolve())
    return dict(sorted(found.items()))


def find_competition(name: str, extra: Path | None, plugins: Plugins) -> Path:
    """Return a competition's folder by id.

    Raises
    ------
    ConfigError
        With the nearest id.
    """
    if extra is not None and not extra.is_dir():
        raise ConfigError(f"--competitions {extra}: no such folder")
    known = find_competitions(extra, plugins)
    if name not in known:
        raise ConfigError(f"no competition {name!r}{_silent(plugins)}{nearest(name, known)}")
    return known[name]


def _silent(plugins: Plugins) -> str:
    """Tell the plugins that could not say what competitions they have."""
    disabled = listed(plugin.name for plugin in plugins.loaded if plugin.disabled)
    told = [f"of the plugins, {disabled} are disabled"] if disabled else []
    told += [f"plugin {plugin.name!r} is broken: {plugin.error}" for plugin in plugins.loaded if plugin.error]
    return f" ({'; '.join(told)})" if told else ""
