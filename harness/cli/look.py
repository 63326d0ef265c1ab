"""``list``, ``describe``, ``plugins``: what there is; instant, since nothing heavy is imported."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from harness.cli.app import competition_argument, echo_json, json_option, one_line, shared_of
from harness.cli.hooks import disabling, tracing
from harness.competition import Blend, Competition, Strategy, Use
from harness.competition_file import read_competition
from harness.errors import HarnessError
from harness.finding import find_competition, find_competitions
from harness.offers import Adjuster, DatasetSource, Features, Metric, ModelRecipe, Rebalancer, Splitter
from harness.params import ParamDoc, document
from harness.plugins import GATHERED, Plugins, load_plugins


@click.command("list")
@json_option
@click.pass_context
def list_command(ctx: click.Context, as_json: bool) -> None:
    """List the competitions."""
    rows: list[dict[str, Any]] = []
    plugins = load_plugins(builtin=["competitions"])
    for name, home in find_competitions(shared_of(ctx).competitions, plugins).items():
        try:
            competition = read_competition(home)
        except HarnessError as error:
            rows.append({"id": name, "title": f"broken: {error}", "task": "", "metric": "", "strategies": 0})
            continue
        rows.append(
            {
                "id": name,
                "title": competition.title,
                "task": competition.task.value,
                "metric": competition.primary,
                "strategies": len(competition.strategies),
                "data": list(competition.data.variants) or ["path"],
            }
        )
    for plugin in plugins.loaded:
        if plugin.error:  # on stderr: its competitions are not in the list
            told = click.style(f"plugin {one_line(plugin.name)} is broken:", fg="red")
            click.echo(f"{told} {one_line(plugin.error)}; {one_line(plugin.fix)}", err=True)
    if as_json:
        echo_json(rows)
        return
    if not rows:
        click.echo("no competitions; look at --competitions DIR")
        return
    table(
        ["competition", "task", "metric", "strategies", "title"],
        [[row["id"], row["task"], row["metric"], str(row["strategies"]), row["title"]] for row in rows],
    )


@click.command("plugins")
@click.option("--trace", is_flag=True, help="Show which hooks were called for the list, and how long each took.")
@click.option("--disable", metavar="PLUGIN", multiple=True, help="List what there is without this plugin.")
@json_option
@click.pass_context
def plugins_command(ctx: click.Context, trace: bool, disable: tuple[str, ...], as_json: bool) -> None:
    """List the installed plugins with what they offer; broken ones with the fix."""
    if trace:
        ctx.with_resource(tracing())
    ctx.with_resource(disabling(disable))
    plugins = load_plugins()
    offered = {kind.kind: plugins.offers(kind) for kind in GATHERED}
    rows: list[dict[str, Any]] = []
    for plugin in plugins.loaded:
        names = {k: [n for n in found if n.startswith(f"{plugin.name}.")] for k, found in offered.items()}
        rows.append({**asdict(plugin), "offers": {kind: own for kind, own in names.items() if own}})
    builtin = {kind: [name for name in found if "." not in name] for kind, found in offered.items()}
    if as_json:
        echo_json({"plugins": rows, "builtin": builtin})
        return
    for row in rows:
        click.echo(
            f"{click.style(one_line(row['name']), bold=True)} {one_line(row['version'] + '  (' + row['distribution'])})"
        )
        if row["disabled"]:
            click.echo(f"  {click.style('disabled', fg='yellow')}")
        if row["error"]:
            click.echo(f"  {click.style('broken:', fg='red')} {one_line(row['error'])}\n  fix: {one_line(row['fix'])}")
        _offers(row["offers"])
    click.echo(click.style("built in", bold=True))
    _offers({kind: own for kind, own in builtin.items() if own})


def _offers(offers: dict[str, list[str]]) -> None:
    for kind, names in offers.items():
        click.echo(click.wrap_text(", ".join(names), 110, f"  {kind:<15}", " " * 17))


@click.command("describe")
@competition_argument
@json_option
@click.pass_context
def describe_command(ctx: click.Context, competition: str, as_json: bool) -> None:
    """Describe a competition: data, split, metrics, strategies with every parameter."""
    home = find_competition(competition, shared_of(ctx).competitions, load_plugins())
    found = read_competition(home)
    plugins = load_plugins(found.plugin)
    if as_json:
        echo_json(_as_json(found, plugins))
        return
    _print_head(found)
    _print_strategies(found)
    how = "set one with --set STRATEGY.param=value; '*.param=value' for all strategies"
    click.echo(f"\n{click.style('parameters', bold=True)} and their defaults  ({how})")
    printed: list[tuple[ParamDoc, str]] = []
    for kind, name in _used(found):
        _print_params(kind, name, plugins, printed)


def _print_head(found: Competition) -> None:
    click.echo(f"{click.style(found.title, bold=True)}  ({found.id})")
    if found.description:
        click.echo(click.wrap_text(found.description, 110, "", ""))
    rows = [["task", found.task.value], ["metrics", ", ".join(found.metrics)]]
    prior = found.evaluate.target_prior
    shown = "" if prior is None else f"; OOF is reweighted to the class shares {_prior(prior)}"
    rows.append(["ranked on", f"{found.evaluate.on} {found.primary}{shown}"])
    rows.append(["split", _use_text(found.split)])
    rows.append(["data", f"{found.data.source}, {found.data.variant} by default"])
    for variant in found.data.variants.values():
        facts = [variant.about, variant.path, variant.size, variant.licence, *variant.urls]
        if variant.from_site and found.site is not None:
            facts.append(f"from {found.site.name}: harness fetch {found.id} --variant {variant.name}")
        rows.append(["", f"{variant.name}: {'; '.join(fact for fact in facts if fact)}"])
    if found.submission is not None:
        columns = ", ".join([found.submission.id, *found.submission.columns])
        rows.append(["submission", f"{columns} ({found.submission.values})"])
    rows += [["rules", found.rules.text]] if found.rules.text else []
    rows += [["url", found.url]] if found.url else []
    for name, text in rows:
        click.echo(click.wrap_text(one_line(text), 110, f"  {name:<11}", " " * 13))
    click.echo()


def _prior(prior: Any) -> str:
    if isinstance(prior, str):
        return "of the labelled validation set"
    return ", ".join(f"{name} {share:g}" for name, share in prior.items())


def _use_text(use: Use | None) -> str:
    if use is None:
        return "-"
    params = ", ".join(f"{key}={_short(value)}" for key, value in use.params.items())
    return f"{use.name}({params})" if params else use.name


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _print_strategies(found: Competition) -> None:
    """Print what most strategies share once, then what is particular to each; those that run by themselves first."""
    strategies = found.strategies
    shared = {part: _commonest([_part(s, part) for s in strategies]) for part in ("features", "model", "adjusters")}
    click.echo(click.style("strategies", bold=True))
    if len(strategies) > 1:
        click.echo(f"  where nothing else is said: {', '.join(text for text in shared.values() if text)}")
    for named_only in (False, True):
        rows = []
        for strategy in (one for one in strategies if one.named_only == named_only):
            own = {part: _part(strategy, part) for part in shared}
            told = {part: text or f"no {part}" for part, text in own.items() if text != shared[part]}
            parts = [told.get("features"), told.get("model"), _part(strategy, "rebalancer"), told.get("adjusters")]
            rows.append([strategy.name, strategy.description, " + ".join(part for part in parts if part)])
        if rows and named_only:
            click.echo("\n  only when named, as by -s NAME, or all by -s '*':")
        if rows:
            table(["name", "", "particular"], rows)
    if found.blends:
        click.echo(f"\n{click.style('blends', bold=True)}")
        blends = [[blend.name, _about(blend), f"{blend.method} of {', '.join(blend.of)}"] for blend in found.blends]
        table(["name", "", "made of"], blends)


def _part(strategy: Strategy, part: str) -> str:
    uses = strategy.adjusters if part == "adjusters" else (getattr(strategy, part),)
    return " + ".join(_use_text(use) for use in uses if use is not None)


def _about(blend: Blend) -> str:
    return f"{blend.description} (only when named)" if blend.named_only else blend.description


def _commonest(texts: Sequence[str]) -> str:
    return max(texts, key=texts.count)


def _used(found: Competition) -> list[tuple[type[Any], str]]:
    uses: list[tuple[type[Any], str]] = [(DatasetSource, found.data.source), (Splitter, found.split.name)]
    for s in found.strategies:
        parts = [(Features, s.features), (ModelRecipe, s.model), (Rebalancer, s.rebalancer)]
        uses += [(kind, use.name) for kind, use in parts if use is not None]
        uses += [(Adjuster, use.name) for use in s.adjusters]
    return list(dict.fromkeys(uses))


def _print_params(kind: type[Any], name: str, plugins: Plugins, printed: list[tuple[ParamDoc, str]]) -> None:
    """Print an offer's parameters; those that another one printed before has too are named only."""
    try:
        offer = plugins.find(kind, name, "describe")
    except HarnessError as error:
        told = one_line(str(error)).removeprefix("describe: ").removeprefix(f"{kind.kind} {name!r}: ")
        click.echo(f"  {kind.kind} {name}: {click.style(told, fg='red')}")
        return
    click.echo(f"  {click.style(name, bold=True)}  {kind.kind}: {one_line(offer.summary)}")
    known: dict[str, list[str]] = {}
    for doc in document(offer.params):
        if (other := next((owner for one, owner in printed if one == doc), None)) is not None:
            known.setdefault(other, []).append(doc.name)
            continue
        printed.append((doc, name))
        first = f"    {doc.name} = {_short(doc.default)!s}"
        click.echo(click.wrap_text(f"{one_line(doc.help)}  ({doc.type}{_bounds(doc)})", 110, f"{first:<34} ", " " * 35))
    for other, names in known.items():
        click.echo(click.wrap_text(f"as of {other}: {', '.join(names)}", 110, "    ", " " * 8))


def _bounds(doc: ParamDoc) -> str:
    if doc.low is None:
        return "" if doc.high is None else f", at most {doc.high:g}"
    return f", at least {doc.low:g}" if doc.high is None else f", {doc.low:g} to {doc.high:g}"


def _as_json(found: Competition, plugins: Plugins) -> dict[str, Any]:
    params = {}
    for kind, name in _used(found):
        try:
            params[name] = [asdict(doc) for doc in document(plugins.find(kind, name, "describe").params)]
        except HarnessError as error:
            params[name] = [{"error": str(error)}]
    metrics = plugins.offers(Metric)
    described = {key: value for key, value in asdict(found).items() if key != "home"}
    directions = {name: metrics[name].direction for name in found.metrics if name in metrics}
    return {**described, "directions": directions, "params": params}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print aligned columns; at the edge of a terminal the last goes on below, the others are cut."""
    width_of_terminal = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000
    clean = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(head), *clean]) for i in range(len(head) - 1)]
    for number, row in enumerate([list(head), *clean]):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        line = "  " + "  ".join([*cells, row[-1]]).rstrip()
        below = ""
        if len(line) > width_of_terminal:
            line = ("  " + "  ".join(cells)).rstrip()
            below = click.wrap_text(row[-1], width_of_terminal, " " * 6, " " * 6) if row[-1] else ""
        line = line if len(line) <= width_of_terminal else line[: width_of_terminal - 1] + "…"
        if number == 0:
            click.echo(click.style(line, dim=True))
            continue
        click.echo(line)
        if below:
            click.echo(below)
