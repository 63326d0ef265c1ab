"""``check`` and ``fetch``: the data of a competition."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from harness.cli.app import command_with, competition_argument, echo_json, json_option, one_line, shared_of
from harness.cli.train import data_option, shown_path
from harness.errors import ConfigError, HarnessError, nearest

if TYPE_CHECKING:
    from harness.competition import Competition
    from harness.findings import Finding


@click.command("check")
@competition_argument
@data_option
@json_option
@click.pass_context
def check_command(ctx: click.Context, competition: str, data: str, as_json: bool) -> None:
    """Read the data, cut the folds and look at every strategy and for leaks, without training anything.

    Exits with 1 if there is a leak that the competition file does not accept ([leaks] accepted), with 2 if the data or
    a strategy cannot be used.
    """
    from harness.cli.show import console
    from harness.finding import find_competition
    from harness.launch import unusable_strategies
    from harness.leaks.scan import card_json, scan, write_card
    from harness.plugins import load_plugins
    from harness.prepare import Setting, prepare
    from harness.store import Workspace

    shared = shared_of(ctx)
    workspace = Workspace(shared.workspace)
    home = find_competition(competition, shared.competitions, load_plugins())
    prepared = prepare(Setting(home, workspace.cache.resolve(), data))
    problems = [str(error) for error in unusable_strategies(prepared, prepared.competition.strategies).values()]
    with console(stderr=True).status("looking for leaks") as status:
        card = scan(prepared, status.update)
    path = write_card(workspace, card)
    facts = _facts(prepared)
    if as_json:
        echo_json({**facts, "problems": problems, "findings": card_json(card)["findings"], "card": str(path)})
    else:
        for name, value in facts.items():
            click.echo(f"  {name:<12}{one_line(str(value))}")
        for finding in card.findings:
            echo_finding(finding)
        for problem in problems:
            click.echo(f"{click.style('problem:', fg='red')} {one_line(str(problem))}", err=True)
        if not problems and not card.leaks:
            again = f"{command_with(shared)} run {competition}{f' --data {shlex.quote(data)}' if data else ''}"
            click.echo(f"{click.style('ok', fg='green')}: {again}")
        click.echo(click.style(f"kept in {shown_path(path)}", dim=True))
    ctx.exit(2 if problems else 1 if card.leaks else 0)


UNVERIFIED = "unverified: the competition file has no digest for it"
COLOURS = {"leak": "red", "warning": "yellow", "note": "cyan"}


def echo_finding(finding: Finding) -> None:
    """Print a finding in one line: what, and what to do; an accepted one with its reason."""
    word = "accepted leak" if finding.accepted and finding.severity == "leak" else finding.severity.value
    colour = "cyan" if finding.accepted else COLOURS[finding.severity.value]
    told = f"{finding.what}; {finding.accepted or finding.advice}"
    source = f" ({finding.source})" if finding.source else ""
    click.echo(f"{click.style(f'{word}:', fg=colour)} {finding.kind}: {one_line(told)}{source}")


def _facts(prepared: Any) -> dict[str, Any]:
    from harness.prepare import class_shares

    dataset, info = prepared.dataset, prepared.dataset.info
    facts: dict[str, Any] = {"competition": prepared.competition.id, "data": f"{info.name} ({info.variant})"}
    for name in ("train", "valid", "test"):
        part = getattr(dataset, name)
        if part is None:
            continue
        shares = ""
        if info.task_type.single_label and part.targets is not None:
            shares = ", ".join(
                f"{info.titles.get(key, key)} {share:.1%}" for key, share in class_shares(part, info.classes).items()
            )
        facts[name] = f"{len(part):,} rows" + (f": {shares}" if shares else "")
    for name, part in dataset.unlabelled.items():
        facts[f"unlabelled {name}" if len(dataset.unlabelled) > 1 else "unlabelled"] = f"{len(part):,} rows ({name})"
    facts["columns"] = f"{len(info.columns)}" if info.columns else "-"
    facts["folds"] = f"{len(prepared.folds)} ({prepared.splitter.name})"
    facts["strategies"] = str(len(prepared.competition.strategies))
    if prepared.competition.blends:
        facts["blends"] = str(len(prepared.competition.blends))
    facts["digest"] = dataset.digest[:16]
    if info.notes:
        facts["notes"] = "; ".join(info.notes)
    if info.simulated:
        facts["warning"] = "SIMULATED DATA: scores on it say nothing about the real task"
    return facts


def _lies(found: Competition, variant: str) -> str:
    """Tell where a variant's files lie already, if the competition says so."""
    spec = found.data.variants.get(variant)
    if spec is None or not spec.path:
        return ""
    place = shown_path((found.home / spec.path).resolve())
    return f": the files of its variant {variant!r} lie at {place}; harness run {found.id} reads them"


@click.command("fetch")
@competition_argument
@click.option("--variant", default="", help="Which variant to fetch.  [default: the first that has files to fetch]")
@json_option
@click.pass_context
def fetch_command(ctx: click.Context, competition: str, variant: str, as_json: bool) -> None:
    """Download a variant of the data: resumable, digests recorded, archives unpacked safely.

    What comes from Kaggle or Zindi needs their client (pip install 'competition-harness[kaggle]' or [zindi]), your
    account there, and the rules accepted on their page.
    """
    from harness.cli.progress import Download
    from harness.competition_file import read_competition
    from harness.fetch import fetch
    from harness.finding import find_competition
    from harness.plugins import load_plugins
    from harness.prepare import fetched_folder
    from harness.sending import open_site, site_of
    from harness.store import Workspace

    shared = shared_of(ctx)
    found = read_competition(find_competition(competition, shared.competitions, load_plugins()))
    known = {name: spec for name, spec in found.data.variants.items() if spec.fetched}
    if variant and variant not in found.data.variants:
        raise ConfigError(f"{found.id} has no variant {variant!r}{nearest(variant, found.data.variants)}")
    if variant and variant not in known:
        raise ConfigError(f"variant {variant!r} of {found.id} has nothing to fetch{_lies(found, variant)}")
    if not known:
        told = _lies(found, found.data.variant) or ": its data comes with a plugin, or is given with --data PATH"
        raise HarnessError(f"{found.id} has nothing to fetch{told}")
    spec = known[variant or next(iter(known))]
    folder = fetched_folder(Workspace(shared.workspace).cache, found.id, spec.name)
    urls = open_site(found, load_plugins(found.plugin)).files(site_of(found).id) if spec.from_site else spec.urls
    with Download() as progress:
        files = fetch(urls, spec.sha256, folder, progress, published=spec.published)
    if as_json:
        rows = [asdict(file) | {"path": str(file.path)} for file in files]
        echo_json({"competition": found.id, "variant": spec.name, "folder": str(folder), "files": rows})
        return
    for file in files:
        state = "its size and its first MiB are as published" if file.published else UNVERIFIED
        click.echo(f"{file.path}  sha256 {file.sha256[:16]}  {'verified' if file.verified else state}")
    click.echo(f"next: {command_with(shared)} run {found.id} --data {spec.name}")
