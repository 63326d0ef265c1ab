"""A run as a folder for Kaggle's notebooks without network: a data set of models and wheels, and a notebook.

::

    OUT/
      README.md              how to upload it
      export.json            what it is, what was left out
      expected.csv           the run's own submission, for `harness export verify`
      dataset/               to be uploaded as a data set: pack/ (the run), wheels/, dataset-metadata.json
      notebook/              to be uploaded as a notebook: submission.ipynb, kernel-metadata.json
"""

from __future__ import annotations

import platform
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.competition import Competition, Use
from harness.competition_file import read_competition
from harness.errors import ConfigError, StoreError
from harness.files import atomic_directory, sha256, slug, write_json, write_text
from harness.finding import find_competition
from harness.notebook import make_notebook, site_data
from harness.packing import pack_run
from harness.planning import strategy_from_record
from harness.plugins import Plugins, load_plugins
from harness.store import Stored, Workspace, find_run
from harness.wheels import IMAGE, NEVER, gather, needed

EXPORT, EXPECTED = "export.json", "expected.csv"
DATASET, PACK, WHEELS = "dataset", "pack", "wheels"
NOTEBOOK = "notebook/submission.ipynb"
CORE = "competition-harness"
USER = "INSERT_USERNAME_HERE"
"""What Kaggle's own client writes where a user puts the name of the account."""
FORMAT = 1


@dataclass(frozen=True)
class Exported:
    """What a folder holds.

    Attributes
    ----------
    python : str
        Version that the wheels are for.
    data : str
        Variant that the notebook predicts by itself; empty: files that are given.
    wheels : tuple of str
        File names.
    left_out : mapping of str to str
        Why, by distribution; what only these need is left out too.
    sha256 : str
        Of the expected submission.
    bytes : int
        Of the data set.
    """

    run: str
    competition: str
    python: str
    platform: str
    data: str
    wheels: tuple[str, ...]
    left_out: Mapping[str, str]
    sha256: str
    bytes: int
    format: int = FORMAT


def export_run(
    workspace: Workspace, name: str, competitions: Path | None, out: Path, *, everything: bool = False, python: str = ""
) -> Exported:
    """Write a run as a folder for notebooks without network.

    Parameters
    ----------
    name : str
        A run's id, a beginning of it that fits one only, or its folder.
    out : Path
        Must not exist; appears when it is complete.
    everything : bool
        With what Kaggle's image surely has.
    python : str
        ``"3.12"``: wheels for that Python, if not for this one.

    Raises
    ------
    HarnessError
        If the run has no models or no submission, a wheel cannot be had, or `out` exists.
    """
    if out.exists():
        raise ConfigError(f"{out} exists; remove it, or choose another folder: --out DIR")
    stored = find_run(workspace, name)
    submission = stored.result["submission"]
    if not submission:
        raise StoreError(f"{stored.directory.name} has no submission: its data had no test set")
    competition = read_competition(find_competition(stored.result["competition"], competitions, load_plugins()))
    plugins = load_plugins(competition.plugin)
    without = NEVER if everything else {**NEVER, **IMAGE}
    versions, met = needed(distributions(workspace, stored, competition, plugins), without)
    version = tuple(int(part) for part in python.split(".")[:2]) if python else sys.version_info[:2]
    with atomic_directory(out) as folder:
        pack_run(workspace, stored, competitions, folder / DATASET / PACK)
        wheels = gather(versions, folder / DATASET / WHEELS, python)
        shutil.copyfile(stored.directory / submission, folder / EXPECTED)
        done = Exported(
            run=stored.directory.name,
            competition=competition.id,
            python=".".join(map(str, version)),
            platform=PLATFORM if not python else "linux x86_64",
            data=_variant(stored, competition),
            wheels=tuple(path.name for path in wheels),
            left_out={name: without[name] for name in sorted(met)},
            sha256=sha256(folder / EXPECTED),
            bytes=sum(path.stat().st_size for path in (folder / DATASET).rglob("*") if path.is_file()),
        )
        _describe(folder, stored, competition, done, (version[0], version[1]))
    return done


PLATFORM = f"{platform.system()} {platform.machine()}".lower()


def distributions(
    workspace: Workspace, stored: Stored, competition: Competition, plugins: Plugins
) -> list[tuple[str, str]]:
    """Return the distributions that a run's parts come from, each with an extra: ``sample`` where its data ships so."""
    owners = {loaded.name: loaded.distribution for loaded in plugins.loaded}
    source = competition.data.source
    names = {source, competition.split.name, *competition.metrics}
    names |= {use.name for run in _members(workspace, stored) for use in _uses(run)}
    found = {owners[owner] for name in names if (owner := name.partition(".")[0]) in owners and owner != "local"}
    roots = [(CORE, ""), *((one, "") for one in sorted(found))]
    shipped = stored.result["data"]["info"]["variant"] == "sample" and source.partition(".")[0] in owners
    owner = owners.get(source.partition(".")[0], "")
    return [*roots, (owner, "sample")] if shipped and owner in found else roots


def _members(workspace: Workspace, stored: Stored) -> Iterator[Stored]:
    members = stored.result.get("members", ())
    if not members:
        yield stored
    for member in members:
        yield from _members(workspace, find_run(workspace, member))


def _uses(stored: Stored) -> Iterator[Use]:
    if "definition" not in stored.run:
        raise StoreError(f"{stored.directory.name} has no models of its own (an import?); there is nothing to export")
    strategy = strategy_from_record(stored.run)
    parts = (strategy.model, strategy.features, strategy.rebalancer, *strategy.adjusters)
    return (part for part in parts if part is not None)


def _variant(stored: Stored, competition: Competition) -> str:
    """Return the variant that needs no files; empty for all others."""
    name = str(stored.result["data"]["info"]["variant"])
    variant = competition.data.variants.get(name)
    return name if name != "path" and variant is not None and not variant.fetched else ""


def _describe(folder: Path, stored: Stored, competition: Competition, done: Exported, python: tuple[int, int]) -> None:
    """Write the notebook and what describes the folder."""
    metric = stored.result["metric"]
    score = stored.result["scores"][metric]["oof"]
    title = f"{competition.id}: {stored.result['label']}"
    about = f"{competition.title}. Run `{done.run}`, {metric} {score:.6g} out of fold.\n\nNo network is needed."
    mounted = competition.site.id if competition.site is not None else competition.id
    data = f'"{done.data}"' if done.data else site_data(mounted)
    name = re.sub(r"[^a-z0-9]+", "-", slug(f"{competition.id}-{stored.result['label']}").lower()).strip("-")[:40]
    write_json(folder / NOTEBOOK, make_notebook(title, about, data, python))
    write_json(folder / DATASET / "dataset-metadata.json", _dataset(name))
    write_json((folder / NOTEBOOK).with_name("kernel-metadata.json"), _kernel(name, competition))
    write_json(folder / EXPORT, asdict(done))
    write_text(folder / "README.md", README.format(title=title, user=USER))


def _dataset(name: str) -> dict[str, Any]:
    return {"title": f"{name} models", "id": f"{USER}/{name}-models", "licenses": [{"name": "other"}]}


def _kernel(name: str, competition: Competition) -> dict[str, Any]:
    site = competition.site
    return {
        "id": f"{USER}/{name}",
        "title": name,
        "code_file": Path(NOTEBOOK).name,
        "language": "python",
        "kernel_type": "notebook",
        "is_private": True,
        "enable_gpu": False,
        "enable_internet": False,
        "dataset_sources": [f"{USER}/{name}-models"],
        "competition_sources": [site.id] if site is not None and site.name == "kaggle" else [],
        "kernel_sources": [],
        "model_sources": [],
    }


README = """\
# {title}

    harness export verify .                               # runs the notebook here, without network, and compares

Put your account's name for {user} in the two metadata files, then, with Kaggle's client:

    kaggle datasets create -p dataset --dir-mode zip      # the models and the wheels
    kaggle kernels push -p notebook                       # the notebook, which names both as its inputs

In the editor of the notebook choose *Submit to competition*. `export.json` tells what was left out and why.
"""
