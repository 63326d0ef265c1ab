"""What the run stands on: its data with the leaks found, its environment, the commands that make it again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from harness.builtin._page.html import MISSING, percent

if TYPE_CHECKING:
    from harness.competition import Competition
    from harness.data import Dataset
    from harness.results import RunResult

CLASSES = 12
PACKAGES = ("competition-harness", "numpy", "pandas", "scikit-learn", "catboost", "torch", "fastai", "mlflow")


def data_card(
    competition: Competition, dataset: Dataset, card: Mapping[str, Any] | None, setting: Mapping[str, Any]
) -> Iterator[str]:
    """Write what the data are and what `harness check` found in them."""
    info = dataset.info
    parts = {"train": dataset.train, "valid": dataset.valid, "test": dataset.test}
    sizes = ", ".join(f"{name} {len(part):,}" for name, part in parts.items() if part is not None)
    pool = ", ".join(f"{name} {len(part):,}" for name, part in dataset.unlabelled.items())
    shown = {
        "data": f"{info.name}, variant {info.variant or MISSING}" + (" (SIMULATED)" if info.simulated else ""),
        "digest": dataset.digest[:16],
        "rows": sizes,
        "unlabelled": pool,
        "columns": f"{len(info.columns):,}" if info.columns else "",
        "classes": _classes(dataset),
        "split": f"{competition.split.name}, {competition.split_allowed}".rstrip(", "),
        "licence": info.licence,
        "from": info.url,
    }
    yield _list(shown)
    yield from (f"<p>{escape(note)}</p>" for note in info.notes)
    yield "<h3>Leaks</h3>"
    if card is None:
        command = f"harness check {shlex.quote(competition.id)}{_data(setting)}"
        yield f"<p>Not looked for yet: <code>{escape(command)}</code>.</p>"
        return
    found = card.get("findings", ())
    opened = [one for one in found if one["severity"] == "leak" and not one["accepted"]]
    if not opened:
        yield f"<p>None is open; looked at: {escape(', '.join(card['looked']))}.</p>"
    yield from (_finding(one, loud=True) for one in opened)
    rest = [_finding(one) for one in found if one not in opened]
    if rest:
        yield f"<details><summary>{len(rest)} more, accepted or no leaks</summary>{''.join(rest)}</details>"


def _finding(one: Mapping[str, Any], loud: bool = False) -> str:
    kind = f"accepted {one['severity']}" if one["accepted"] else str(one["severity"])
    told = f"{kind}: {one['kind']}: {one['what']}; {one['accepted'] or one['advice']}"
    return f'<p class="loud">{escape(told)}</p>' if loud else f"<p>{escape(told)}</p>"


def _classes(dataset: Dataset) -> str:
    import numpy as np

    names, targets = dataset.info.shown_classes, dataset.train.targets
    if not names or targets is None:
        return ""
    if targets.ndim == 2:
        shares = targets.mean(axis=0)
    else:
        known = targets[targets >= 0]
        shares = np.bincount(known, minlength=len(names)) / max(1, len(known))
    order = np.argsort(-shares, kind="stable").tolist()
    told = ", ".join(f"{names[k]} {percent(float(shares[k]), 1)}" for k in order[:CLASSES])
    return told + (f" and {len(names) - CLASSES} more" if len(names) > CLASSES else "")


def environment(result: RunResult, provenance: Mapping[str, Any] | None) -> str:
    """Write what the run was made with."""
    folds = [fold for fold in result.folds if fold.index >= 0]
    shown = {
        "trained in": _seconds(result.seconds),
        "on": f"{folds[0].device}, {folds[0].threads} thread{'s' * (folds[0].threads != 1)} a fold" if folds else "",
        "peak memory": f"{max(fold.peak_memory for fold in folds) / 1e6:,.0f} MB" if folds else "",
    }
    if provenance:
        hardware = provenance.get("hardware", {})
        packages = provenance.get("packages", {})
        lower = {name.lower(): version for name, version in packages.items()}
        shown |= {
            "processor": f"{hardware.get('cpu', '')}, {hardware.get('cpus', MISSING)} in use",
            "GPU": hardware.get("gpu") or "",
            "system": provenance.get("platform", ""),
            "Python": provenance.get("python", ""),
            "packages": ", ".join(f"{name} {lower[name]}" for name in PACKAGES if name in lower)
            + f"; all {len(packages)} in the run's provenance.json",
            "code": "; ".join(_commit(one) for one in provenance.get("repositories", ()) if one.get("commit")),
        }
    return _list(shown)


def _commit(repository: Mapping[str, Any]) -> str:
    dirty = " with uncommitted changes" if repository.get("patch") or repository.get("dirty") else ""
    return f"{str(repository['commit'])[:12]}{dirty}"


def commands(competition: Competition, result: RunResult, setting: Mapping[str, Any], command: str = "harness") -> str:
    """Write the commands that make the run again and check that it is the same."""
    run, name = result.run, shlex.quote(competition.id)
    again = f"{command} run {name} -s {shlex.quote(run.strategy)}"
    again += f" --seed {run.seed}" if run.seed else ""
    again += _data(setting)
    again += f" --folds {setting['folds']}" if setting.get("folds") else ""
    again += " --fast" if run.fast else ""
    lines = [
        f"{command} reproduce {shlex.quote(run.run_id)}    # MATCH, or what differs first and why",
        f"{again}    # as the competition's file has it now",
        f"{command} leaderboard {name} --ties",
    ]
    if result.submission is not None:
        lines.append(f"{command} whence FILE.csv    # the run that made a submission")
    return f'<pre tabindex="0" role="region" aria-label="Commands">{escape(chr(10).join(lines))}</pre>'


def _data(setting: Mapping[str, Any]) -> str:
    """Return the option that names the data of a run; empty where it is the competition's default."""
    return f" --data {shlex.quote(str(setting['data']))}" if setting.get("data") else ""


def _list(shown: Mapping[str, str]) -> str:
    pairs = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in shown.items() if text)
    return f"<dl>{pairs}</dl>"


def _seconds(seconds: float) -> str:
    return (
        f"{seconds:.1f} s"
        if seconds < 60
        else f"{seconds / 60:.1f} min"
        if seconds < 5400
        else f"{seconds / 3600:.1f} h"
    )
