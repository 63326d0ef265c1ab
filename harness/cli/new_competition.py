"""``new competition``: a competition made of files, with the reason of each choice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.app import Shared, command_name, one_line, shared_of
from harness.errors import ConfigError

if TYPE_CHECKING:
    from harness.drafting.draft import Draft
    from harness.plugins import Plugins
    from harness.proposal import Given

TASKS = ("binary", "multiclass", "multilabel", "regression")
existing = click.Path(path_type=Path)


@click.command("competition")
@click.argument("name")
@click.option(
    "--train", type=existing, required=True, help="Table of training rows, or a folder with one for each class."
)
@click.option("--test", type=existing, help="Rows to predict.  [default: none, and no submission]")
@click.option("--sample", type=existing, help="Sample submission.  [default: a schema is proposed]")
@click.option("--target", default="", help="Column to predict.")
@click.option("--id", default="", help="Column that names the rows; none: they are numbered.")
@click.option("--task", type=click.Choice(TASKS), help="What is to be predicted.")
@click.option("--metric", default="", help="What the board is ranked by.")
@click.option("--group", default="", help="Column that says which rows belong together.")
@click.option("--time", default="", help="Column that says when a row is from.")
@click.option("--split", default="", help="How folds are cut: stratified, random, group, time, ...")
@click.option("--folds", type=click.IntRange(min=2, max=1000), default=5, show_default=True, help="Number of folds.")
@click.option("--source", default="", help="Data source that reads the files.  [default: what a plugin proposes]")
@click.option("--title", default="", help="Title.  [default: the name]")
@click.pass_context
def competition_command(ctx: click.Context, /, name: str, **options: Any) -> None:
    """Make a competition of your files.

    Proposes task, target, id, split, metric, submission and strategies, says why, and writes competition.toml and
    README.md into ./competitions/NAME (or --competitions DIR). Files stay where they are. Options override proposals.
    """
    from harness.cli.show import console
    from harness.drafting.draft import Wishes, make_draft
    from harness.drafting.writing import readme_text, toml_text
    from harness.files import atomic_directory
    from harness.plugins import load_plugins
    from harness.store import Workspace

    shared = shared_of(ctx)
    plugins = load_plugins()
    home = _home(name, shared, plugins)
    given = _given(options)
    wishes = Wishes(**{key: options[key] for key in ("metric", "split", "folds", "source", "title")})
    with console(stderr=True).status("reading") as status:
        draft = make_draft(home, given, wishes, plugins, Workspace(shared.workspace).cache.resolve(), status.update)
    found_by = _options(shared)
    with atomic_directory(home) as folder:
        (folder / "competition.toml").write_text(toml_text(draft), encoding="utf-8")
        (folder / "README.md").write_text(readme_text(draft, "harness" + found_by), encoding="utf-8")
    _print(draft, home, command_name() + found_by)


def _home(name: str, shared: Shared, plugins: Plugins) -> Path:
    """Return the folder to write, after making sure that nothing has this name."""
    from harness.finding import find_competitions
    from harness.toml_section import check_name

    check_name(name, f"competition {name!r}")
    home = (shared.competitions or Path("competitions")).resolve() / name
    known = find_competitions(shared.competitions, plugins)
    if home.exists() or name in known:
        raise ConfigError(f"{known.get(name, home)} exists already: choose another name, or remove it")
    return home


def _given(options: dict[str, Any]) -> Given:
    from harness.data import TaskType
    from harness.proposal import Given

    paths: dict[str, Any] = {}
    for key in ("train", "test", "sample"):
        path = options[key].expanduser() if options[key] else None
        if path is not None and not path.exists():
            raise ConfigError(f"--{key} {path}: no such file or folder")
        paths[key] = path and path.resolve()
    task = TaskType(options["task"]) if options["task"] else None
    return Given(**paths, **{key: options[key] for key in ("target", "id", "group", "time")}, task=task)


def _options(shared: Shared) -> str:
    """Return the options with which the command line finds the new competition."""
    folder = shared.competitions
    found = folder is None or folder.resolve() == Path("competitions").resolve()
    where = "" if shared.workspace == Path() else f" --workspace {shared.workspace}"
    return ("" if found else f" --competitions {folder}") + where


def _print(draft: Draft, home: Path, command: str) -> None:
    from harness.cli.data import echo_finding
    from harness.cli.train import shown_path

    lines = _lines(draft)
    width = max(len(name) for name, _, _ in lines) + 2
    for name, value, why in lines:
        shown = click.style(one_line(value), bold=True)
        click.echo(f"  {name:<{width}}{shown}" + (f"  {one_line(why)}" if why else ""))
    for note in draft.notes:
        click.echo(f"  {'note':<{width}}{one_line(note)}")
    if draft.split.allow:
        click.echo(
            f"{click.style('warning:', fg='yellow')} split {draft.split.use.name}, {one_line(draft.split.allow)}"
        )
    for finding in draft.findings:
        echo_finding(finding)
    click.echo(f"\nwritten: {shown_path(home)}/competition.toml, README.md")
    click.echo(f"next: {command} run {draft.competition.id}")


def _lines(draft: Draft) -> list[tuple[str, str, str]]:
    """Return what is proposed, and why."""
    found, asked, params = draft.competition, draft.asked, draft.proposal.params
    rows = ", ".join(f"{name} {count:,}" for name, count in draft.rows.items())
    lines = [("data", found.data.source, f"{draft.proposal.about}; rows: {rows}")]
    lines.append(("task", found.task.value, draft.proposal.task.why))
    for name, chosen in params.items():
        if chosen.used and chosen.why:
            value = ", ".join(map(str, chosen.value)) if isinstance(chosen.value, list) else str(chosen.value)
            lines.append((name, value.replace("\t", "\\t"), chosen.why))
    folds = found.split.params.get("folds")
    lines.append(("split", found.split.name + (f", {folds} folds" if folds else ""), draft.split.why))
    lines.append(("metric", found.primary, asked.metric_why))
    if "test" in draft.rows:
        columns = list(asked.schema.columns)
        shown = ", ".join([asked.schema.id, *columns[:4]]) + (
            f" and {len(columns) - 4} more" if len(columns) > 4 else ""
        )
        lines.append(("submission", shown, asked.schema_why))
    else:
        lines.append(("submission", "none", "without a test file nothing is predicted but the folds; --test FILE"))
    apart = {one.name for one in found.strategies if one.named_only}
    trained = [f"{name} (when named)" if name in apart else name for name in found.names]
    lines.append(("strategies", ", ".join(trained), "beside a constant baseline"))
    return lines
