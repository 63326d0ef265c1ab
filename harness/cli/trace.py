"""``whence``, ``reproduce``: from a file back to its run, and from a run's record back to its files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.app import echo_json, json_option, one_line, shared_of

if TYPE_CHECKING:
    from harness.reproducing import Reproduced
    from harness.submission_match import Match
    from harness.whence import Whence

REASONS = 8
"""Changes that are told one by one."""
CODES = {"identical": 0, "same": 0, "edited": 3, "none": 2}


@click.command("whence")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@json_option
@click.pass_context
def whence_command(ctx: click.Context, file: Path, as_json: bool) -> None:
    """Find the run that made a submission, even a disguised one; or the nearest and what differs.

    Rows may be shuffled, columns reordered, numbers rounded. Exit code 0: found; 3: an edited copy of a run's file,
    with the rows that differ; 2: no run in the workspace is close.
    """
    from harness.store import Workspace
    from harness.whence import find_run_of

    found = find_run_of(Workspace(shared_of(ctx).workspace), file)
    if as_json:
        echo_json(_record(file, found))
    else:
        _print(found)
    ctx.exit(CODES[found.verdict])


def _record(file: Path, found: Whence) -> dict[str, Any]:
    from dataclasses import asdict

    match = found.match
    told = None if match is None else {**asdict(match), "submission": str(match.submission), **_about(match)}
    return {
        "file": str(file),
        "verdict": found.verdict,
        "run": match.name if match is not None and found.verdict != "none" else None,
        "match": told,
        "hint": found.hint,
        "also": list(found.also),
        "searched": found.searched,
    }


def _about(match: Match) -> dict[str, Any]:
    """Return what the run's own records say of it: its label and its seed."""
    from harness.files import read_json
    from harness.store import RUN

    path = match.submission.with_name(RUN)
    record = read_json(path) if path.is_file() else {}
    return {key: record.get(key) for key in ("label", "seed", "strategy", "competition")}


def _print(found: Whence) -> None:
    match = found.match
    if match is None or (found.verdict == "none" and (found.hint or not match.equal)):
        told = (
            found.hint
            or f"none of {found.searched} submissions has {'these ids' if match is None else 'a row like these'}"
        )
        click.echo(f"{click.style('not found', fg='red')}: {one_line(told)}")
        return
    about = _about(match)
    seed = "" if about["seed"] is None else f", seed {about['seed']}"
    who = one_line(f"{match.name} ({about['label'] or '?'}{seed})")
    total = match.equal + match.edited + match.missing + match.added
    if match.verdict in ("identical", "same"):
        click.echo(f"{click.style(match.verdict, fg='green')}  {who}")
        click.echo(f"           all {total:,} rows" + "".join(f"; {change}" for change in match.changes))
    elif match.verdict == "edited":
        click.echo(f"{click.style('edited', fg='yellow')}  {who}")
        print_difference(match)
    else:
        click.echo(f"{click.style('not found', fg='red')}: no run is close among {found.searched} submissions")
        click.echo(f"           nearest: {who}: {'; '.join(_counts(match))}")
    if found.also and found.verdict != "none":
        click.echo(f"           the same submission: {one_line(', '.join(found.also))}")


def _counts(match: Match) -> list[str]:
    total = match.equal + match.edited + match.missing + match.added
    counts = {"edited": match.edited, "missing": match.missing, "added": match.added}
    told = [f"{count:,} {what}" for what, count in counts.items() if count]
    told += [f"{match.twice:,} of these with ids that stand twice"] if match.twice else []
    return [f"{match.equal:,} of {total:,} rows equal", *told, *match.columns]


def print_difference(match: Match) -> None:
    """Print in which rows a file is not what a run wrote."""
    click.echo("           " + "; ".join([*_counts(match), *match.changes]))
    _print_rows(match)


def _print_rows(match: Match) -> None:
    for row in match.rows:
        cells = ", ".join(f"{name} {ours} -> {theirs}" for name, (ours, theirs) in row.cells.items())
        click.echo(one_line(f"  {row.id}  {cells}"))
    if match.edited > len(match.rows):
        click.echo(f"  and {match.edited - len(match.rows):,} more edited rows")
    if match.ids:
        more = match.missing + match.added - len(match.ids)
        click.echo(one_line(f"  missing or added: {', '.join(match.ids)}" + (f" and {more:,} more" if more else "")))


@click.command("reproduce")
@click.argument("run")
@click.option("--data", type=click.Path(path_type=Path, exists=True), help="Where its data lies now, if it was moved.")
@click.option("--keep", is_flag=True, help="Keep the folder in which it was rebuilt.")
@json_option
@click.pass_context
def reproduce_command(ctx: click.Context, run: str, data: Path | None, keep: bool, as_json: bool) -> None:
    """Rebuild a run from what is recorded of it, and say MATCH or what differs first and why.

    RUN is its id, a beginning of it, or its folder. It is rebuilt with its parameters, seed and threads in a fresh
    folder, by the code and the packages that are installed now; nothing is tracked. Exit code 1 if anything differs, 2
    if it cannot be rebuilt.
    """
    import shutil
    import tempfile

    from harness.reproducing import Rebuilding, reproduce
    from harness.store import Workspace

    shared = shared_of(ctx)
    folder = Path(tempfile.mkdtemp(prefix="harness-reproduce-"))
    try:
        place = Rebuilding(Workspace(shared.workspace), Workspace(folder), shared.competitions, data)
        done = reproduce(place, run)
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    if as_json:
        kept = {"folder": str(folder)} if keep else {}
        echo_json({"verdict": done.verdict, **_plain(done), **kept})
    else:
        _print_reproduced(done)
        if keep:
            click.echo(f"kept     {folder}")
    ctx.exit(0 if done.first is None else 1)


def _plain(done: Reproduced) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(done)


def _print_reproduced(done: Reproduced) -> None:
    if done.first is None:
        same = sum(one.state == "same" for one in done.compared)
        click.echo(f"{click.style('MATCH', fg='green', bold=True)}    {done.run}: {same} artefacts are the same")
    else:
        told = one_line(f"{done.run}: {done.first.artefact}: {done.first.detail}")
        click.echo(f"{click.style('DIFFERS', fg='red', bold=True)}  {told}")
    absent = [one.artefact for one in done.compared if one.state == "not stored"]
    if absent:
        click.echo(one_line(f"not compared, no longer stored: {', '.join(absent)}"))
    if done.why:
        click.echo("changed since, without effect:" if done.first is None else "likely because:")
    for reason in done.why[:REASONS]:
        click.echo(one_line(f"  {reason}"))
    if len(done.why) > REASONS:
        click.echo(f"  and {len(done.why) - REASONS} more changes (--json tells all)")
