"""``split-audit``: which split is like the test set, and how much too good the others look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from harness.cli.app import competition_argument, complete_strategies, echo_json, json_option, shared_of
from harness.cli.train import data_option

if TYPE_CHECKING:
    from rich.table import Table

    from harness.audit.audit import Audit, Tried
    from harness.audit.sides import Sides


WORTH_TELLING = 0.02
"""Optimism, as a share of the score, below which nothing is said."""


@click.command("split-audit")
@competition_argument
@data_option
@click.option(
    "-s",
    "--strategy",
    default="",
    metavar="STRATEGY",
    shell_complete=complete_strategies,
    help="What to train.  [default: a fast model on the table]",
)
@click.option(
    "--folds",
    type=click.IntRange(min=2),
    help="Folds of all but the competition's own split.  [default: as many as that]",
)
@click.option("--seed", type=click.IntRange(min=0, max=2**32 - 1), default=0, show_default=True, help="Of all draws.")
@json_option
@click.pass_context
def split_audit_command(ctx: click.Context, /, competition: str, as_json: bool, **options: Any) -> None:
    """Train one fast model under every split the data allows, and name the one that is like the test set."""
    from harness.audit.audit import audit, audit_json
    from harness.cli.show import console
    from harness.finding import find_competition
    from harness.plugins import load_plugins
    from harness.prepare import Setting, prepare
    from harness.store import Workspace

    shared = shared_of(ctx)
    home = find_competition(competition, shared.competitions, load_plugins())
    prepared = prepare(Setting(home, Workspace(shared.workspace).cache.resolve(), options["data"]))
    with console(stderr=True).status("reading") as status:
        found = audit(prepared, options["strategy"], options["folds"], options["seed"], status.update)
    info = prepared.dataset.info
    if as_json:
        data = {"variant": info.variant, "digest": prepared.dataset.digest, "simulated": info.simulated}
        echo_json({"competition": competition, "data": data, **audit_json(found)})
        return
    if info.simulated:
        click.echo("SIMULATED DATA: these scores say nothing about the real task")
    _print(competition, found)


def _print(competition: str, found: Audit) -> None:
    from rich.markup import escape

    from harness.cli.show import console

    out = console()
    arrow = "lower is better" if found.direction == "min" else "higher is better"
    rows = f"{found.rows:,} rows" if found.used == found.rows else f"{found.used:,} of {found.rows:,} rows"
    out.print()
    out.print(f"[bold]{escape(competition)}[/bold]  {found.metric} ({arrow}) of {escape(found.model)}, {rows}")
    out.print(_table(found))
    for one in found.splits:
        if one.problem:
            out.print(f"{one.name} cannot be cut: {escape(one.problem)}", style="dim")
    for line in verdict_lines(found):
        out.print(line, markup=False, soft_wrap=True)


def _table(found: Audit) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("split", no_wrap=True)
    for heading in (f"{found.metric}\nmean of folds", "± s.e.", "looks better\nthan it is", "AUC of\nthe sides"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("group in\ntraining", "later than\ntraining", "km to\ntraining", "distance\nto test"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in found.splits:
        best = one.name == found.verdict.split
        name = one.name + (" *" if one.own else "")
        table.add_row(Text(name), *map(Text, _cells(one, found)), style="bold green" if best else "")
    if found.test is not None:
        table.add_row("train / test", "", "", "", *map(Text, _facts(found.test)), "", style="cyan")
    table.caption = "* the competition's own split"
    table.caption_justify = "left"
    return table


def _cells(one: Tried, found: Audit) -> list[str]:
    from harness.cli.show import number

    optimism = "-"
    if one.name == found.verdict.split:
        optimism = "recommended"
    elif one.optimism is not None:
        share = "" if one.optimism_share is None else f" ({one.optimism_share:+.0%})"
        optimism = ("+" if one.optimism >= 0 else "-") + number(abs(one.optimism)) + share
    distance = None if found.test is None else found.verdict.distances.get(one.name)
    return [number(one.mean), number(one.stderr), optimism, *_facts(one.sides), number(distance)]


def _facts(sides: Sides) -> list[str]:
    def share(value: float | None) -> str:
        return "-" if value is None else f"{value:.0%}"

    km = "-" if sides.nearest_km is None else f"{sides.nearest_km:.3g}"
    auc = "-" if sides.auc is None else f"{sides.auc:.3f}"
    return [auc, share(sides.group_overlap), share(sides.later), km]


def verdict_lines(found: Audit) -> list[str]:
    """Return what the table comes to: the split to trust, the optimism of others, and whether the own one will do."""
    from harness.audit.likeness import NEAR, distance

    named = found.verdict.split
    right = next(one for one in found.splits if one.name == named)
    own = next(one for one in found.splits if one.own)
    lines = [f"{named}: {found.verdict.reason}."]
    for one in found.splits:
        share, apart = one.optimism_share, distance(one.sides, right.sides)
        if one.forward and not right.forward:
            continue  # it scores the latest rows only, which may be easier or harder ones
        # a split that lies as the recommended one does differs from it by chance only
        if share is not None and share >= WORTH_TELLING and apart is not None and apart > NEAR:
            lines.append(f"Under {one.name} the model looks {share:.0%} better than it is under {named}.")
    if found.verdict.own_fits:
        lines.append(f"It is the competition's own split: {_use(own.use)}")
    else:
        lines.append(f"The competition's own split is {own.name}; this one: [split] {_use(right.use)}")
    return lines


def _use(use: dict[str, Any]) -> str:
    import json

    return ", ".join(f"{key} = {json.dumps(value)}" for key, value in use.items())
