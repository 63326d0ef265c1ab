"""``submit``: a submission sent to the site of its competition, its score recorded beside the run's own."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from harness.cli.app import competition_argument, echo_json, json_option, one_line, shared_of
from harness.cli.train import data_option, tracking_option
from harness.errors import ConfigError, HarnessError, StoreError

if TYPE_CHECKING:
    from harness.sending import Outgoing
    from harness.sites.client import SiteClient
    from harness.standings import Sent
    from harness.store import Workspace

PARTIAL = 3
"""Exit code where the site has no score yet."""


@click.command("submit")
@competition_argument
@click.argument("target", metavar="RUN|FILE")
@click.option("--message", "-m", default="", help="What the site shows beside it.  [default: strategy and score]")
@click.option("--no-wait", is_flag=True, help="Do not wait for the score; later: --status.")
@click.option("--timeout", default="10m", show_default=True, help="How long to wait for the score.")
@click.option("--dry-run", is_flag=True, help="Check everything and show what would be sent; the site is not asked.")
@click.option("--again", is_flag=True, help="Send it although the site has these very bytes.")
@click.option("--status", is_flag=True, help="Send nothing; ask for the scores of what was sent of the run.")
@data_option
@tracking_option
@click.option("--no-tracking", is_flag=True, help="Do not write to MLflow.")
@json_option
@click.pass_context
def submit_command(ctx: click.Context, /, competition: str, target: str, **options: Any) -> None:
    """Send a submission to the competition's site, wait for its score and record it beside the run's.

    The file is checked first, as by `validate`; of a FILE the run that made it is found. Runs of --fast or of simulated
    data are refused. The site's client must be installed (pip install 'competition-harness[kaggle]' or [zindi]); its
    credentials stay where it keeps them. Exit code 3: no score yet.
    """
    from harness.competition_file import read_competition
    from harness.durations import parse_duration
    from harness.finding import find_competition
    from harness.plugins import load_plugins
    from harness.sending import open_site, outgoing
    from harness.store import Workspace

    shared = shared_of(ctx)
    timeout = parse_duration(options["timeout"], "--timeout")
    workspace = Workspace(shared.workspace)
    found = read_competition(find_competition(competition, shared.competitions, load_plugins()))
    plugins = load_plugins(found.plugin)
    if options["status"]:
        ctx.exit(_status(workspace, open_site(found, plugins), found.id, target, options))
    out = outgoing(workspace, found, target, options["data"])
    for warning in out.warnings:
        click.echo(f"{click.style('warning:', fg='yellow')} {one_line(warning)}", err=True)
    message = options["message"] or _message(out)
    if options["dry_run"]:
        _dry(out, message, options["as_json"])
        return
    if out.before and not options["again"]:
        last = out.before[-1]
        raise ConfigError(
            f"{last.site} has these very bytes as submission {last.submission}, of {last.sent}; its score:"
            f" harness submit {found.id} {target} --status; send them again: --again"
        )
    client = open_site(found, plugins)
    ctx.exit(_send(workspace, client, out, message, timeout, options))


def _message(out: Outgoing) -> str:
    """Return what tells a submission from others: the strategy and its score."""
    from harness.cli.show import number

    if out.stored is None:
        return out.file.name
    result = out.stored.result
    return f"{result['label']}, {result['metric']} {number(result['scores'][result['metric']]['oof'])} oof"


def _facts(out: Outgoing) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "site": out.site.name,
        "competition": out.site.id,
        "file": str(out.file),
        "rows": out.rows,
        "sha256": out.sha256,
        "run": None if out.stored is None else out.stored.directory.name,
        "verdict": out.verdict,
        "score": None,
    }
    if out.stored is not None:
        metric = out.stored.result["metric"]
        facts["score"] = {"metric": metric, "oof": out.stored.result["scores"][metric]["oof"]}
    return facts


def _dry(out: Outgoing, message: str, as_json: bool) -> None:
    facts = {**_facts(out), "message": message, "sent before": [one.submission for one in out.before]}
    if as_json:
        echo_json({"dry_run": True, **facts})
        return
    for name, value in facts.items():
        if isinstance(value, dict):
            value = f"{value['metric']} {value['oof']:.6g} out of fold"
        shown = ", ".join(value) if isinstance(value, list) else "-" if value is None else str(value)
        click.echo(f"  {name:<13}{one_line(shown or '-')}")
    click.echo("valid; nothing was sent (--dry-run)")


def _send(
    workspace: Workspace,
    client: SiteClient,
    out: Outgoing,
    message: str,
    timeout: float,
    options: dict[str, Any],
) -> int:
    import datetime

    from harness.cli.show import console
    from harness.sending import keep, refused, send, wait

    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    sent = send(client, out, message, now)
    if not options["as_json"]:
        click.echo(f"sent        {out.file} as submission {sent.submission} to {sent.competition} on {sent.site}")
    if not options["no_wait"]:
        with console(stderr=True).status("waiting for the score"):
            sent = wait(client, sent, timeout)
        keep(out.stored, sent)
    if out.stored is not None:
        _track(workspace, out.competition.id, out.stored.directory.name, sent, options)
    if options["as_json"]:
        echo_json({**_facts(out), **asdict(sent), "competition": sent.competition})
    if sent.status == "error":
        raise refused(sent)
    if not options["as_json"]:
        _print(sent, out)
    return 0 if sent.status == "complete" or options["no_wait"] else PARTIAL


def _print(sent: Sent, out: Outgoing) -> None:
    from harness.cli.show import number

    if sent.status != "complete":
        target = out.file if out.stored is None else out.stored.directory.name
        later = "look at its page" if out.stored is None else f"harness submit {out.competition.id} {target} --status"
        click.echo(f"pending     no score yet; later: {later}")
        return
    if sent.public is None and sent.private is None:
        click.echo(f"scored      {sent.site} shows no score yet; the competition may hide it until its end")
        return
    private = "" if sent.private is None else f", private score {number(sent.private)}"
    click.echo(f"scored      public score {number(sent.public)}{private}")
    if (score := _facts(out)["score"]) is not None:
        click.echo(f"its own     {score['metric']} {number(score['oof'])} out of fold")


def _status(workspace: Workspace, client: SiteClient, competition: str, target: str, options: dict[str, Any]) -> int:
    """Ask for what was sent of a run, record and print it."""
    from harness.cli.show import number
    from harness.sending import keep, standing
    from harness.standings import read_sent
    from harness.store import find_run

    stored = find_run(workspace, target, competition)
    known = read_sent(stored.directory)
    if not known:
        raise StoreError(f"nothing of {stored.directory.name} was sent; see: harness submit --help")
    found = []
    for one in known:
        found.append(standing(client, one))
        keep(stored, found[-1])
    _track(workspace, competition, stored.directory.name, found[-1], options)
    if options["as_json"]:
        echo_json([asdict(one) for one in found])
    else:
        for one in found:
            told = one.error or f"public score {number(one.public)}, private score {number(one.private)}"
            click.echo(one_line(f"{one.submission}  {one.status:<9} {told}  {one.sent}  {one.message}"))
    return 0 if all(one.status != "pending" for one in found) else PARTIAL


def _track(workspace: Workspace, competition: str, run: str, sent: Sent, options: dict[str, Any]) -> None:
    """Write to MLflow; that it cannot be is told, since the submission itself is made."""
    from harness.tracking import resolve_uri
    from harness.tracking.site_score import note_site_score

    if options["no_tracking"]:
        return
    try:
        note_site_score(resolve_uri(options["tracking_uri"], workspace.root), competition, run, sent)
    except HarnessError as error:
        later = f"later: harness submit {competition} {run} --status"
        click.echo(f"{click.style('warning:', fg='yellow')} not in MLflow: {one_line(str(error))}; {later}", err=True)
