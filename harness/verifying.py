"""An exported folder tried: its notebook's code in an empty environment, the network cut, its file compared."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import ConfigError, HarnessError, StoreError
from harness.exporting import DATASET, EXPECTED, EXPORT, FORMAT, NOTEBOOK, PACK, PLATFORM
from harness.files import read_json, sha256
from harness.notebook import INSTALL, code_of
from harness.store import RESULT

if TYPE_CHECKING:
    from harness.submission_match import Match

CUTS = (("unshare", "--net"), ("unshare", "--map-root-user", "--net"))
"""Commands that run another one without any network but its own loopback, as root and as anybody."""
KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "OMP_NUM_THREADS", "LD_LIBRARY_PATH")
"""Variables that the notebook's code sees; nothing else of this environment."""


@dataclass(frozen=True)
class Verified:
    """What came of it.

    Attributes
    ----------
    identical : bool
        Byte by byte.
    cut : bool
        Whether the network was cut.
    match : Match or None
        How rows differ; None if they are identical.
    said : str
        What the notebook printed.
    """

    run: str
    identical: bool
    cut: bool
    rows: int
    sha256: str
    expected: str
    match: Match | None
    said: str


def verify(folder: Path, data: str = "", *, environment: Path | None = None) -> Verified:
    """Run an exported notebook in an empty environment and compare what it writes with the run's own submission.

    Parameters
    ----------
    data : str
        Where the competition's files lie, or a variant; empty: as the run had it.
    environment : Path, optional
        A Python that has the wheels already; nothing is installed then.

    Raises
    ------
    HarnessError
        If the folder is not an export, its wheels are for another Python, or the notebook fails.
    """
    about = _about(folder)
    if environment is None:
        _check_python(about)
    given = str(Path(data).resolve()) if data and Path(data).exists() else data or _data(folder, about)
    cut = cutting()
    place = Path(tempfile.mkdtemp(prefix="harness-verify-"))
    try:
        python = environment or _empty(place / "environment")
        program = place / "notebook.py"
        program.write_text(code_of(read_json(folder / NOTEBOOK), INSTALL if environment else ""), encoding="utf-8")
        said = _run([*cut, str(python), str(program)], _variables(folder, place, given, environment), place, about)
        return _compared(folder, place / "submission.csv", about, bool(cut), said)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def cutting() -> list[str]:
    """Return the command that cuts the network, empty if this system permits none."""
    for command in CUTS:
        if shutil.which(command[0]) is None:
            continue
        done = subprocess.run([*command, "true"], capture_output=True, check=False)  # noqa: S603
        if done.returncode == 0:
            return list(command)
    return []


def _about(folder: Path) -> dict[str, Any]:
    if not (folder / EXPORT).is_file():
        raise ConfigError(f"{folder} holds no {EXPORT}; make one: harness export RUN --kaggle-offline --out {folder}")
    about: dict[str, Any] = read_json(folder / EXPORT)
    if about.get("format") != FORMAT:
        raise StoreError(f"{folder / EXPORT} has format {about.get('format')}, expected {FORMAT}; update the harness")
    return about


def _check_python(about: dict[str, Any]) -> None:
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if (about["python"], about["platform"]) != (here, PLATFORM):
        raise ConfigError(
            f"the wheels are for Python {about['python']} on {about['platform']}, this is {here} on {PLATFORM};"
            " verify it there, or export it without --python"
        )


def _data(folder: Path, about: dict[str, Any]) -> str:
    """Return the data that the run had: its variant, or where its files lay."""
    if about["data"]:
        return str(about["data"])
    result = folder / DATASET / PACK / "runs" / about["competition"] / about["run"] / RESULT
    given = str(read_json(result)["data"]["given"])
    if given and Path(given).exists():
        return str(Path(given).resolve())
    raise ConfigError(f"the files of {about['competition']} are needed to predict its test set: --data PATH")


def _empty(home: Path) -> Path:
    """Make an environment that has nothing but pip, and return its Python."""
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True, capture_output=True)  # noqa: S603
    return home / "bin" / "python"


def _variables(folder: Path, place: Path, data: str, environment: Path | None) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    own = {"HOME": str(place), "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PYTHONNOUSERSITE": "1"}
    if environment is not None:  # its packages may be found by a path
        own["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    inputs = {"HARNESS_INPUT": str((folder / DATASET).resolve()), "HARNESS_DATA": data}
    return {**kept, **own, **inputs, "HARNESS_OUTPUT": str(place / "submission.csv")}


def _run(command: list[str], variables: dict[str, str], place: Path, about: dict[str, Any]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables, cwd=place)  # noqa: S603
    if done.returncode == 0:
        return done.stdout
    lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no reason given"]
    missing = next((name for name in about["left_out"] if f"No module named '{name}'" in lines[-1]), "")
    then = f"; {missing} was left out, export it with --with-deps all to verify it" if missing else ""
    raise HarnessError(f"the notebook failed: {lines[-1]}{then}")


def _compared(folder: Path, file: Path, about: dict[str, Any], cut: bool, said: str) -> Verified:
    expected = folder / EXPECTED
    digest, wanted = sha256(file), sha256(expected)
    if wanted != about["sha256"]:
        raise StoreError(f"{expected} is damaged: it is no longer what was exported; export the run again")
    rows = file.read_bytes().count(b"\n") - 1
    match = None if digest == wanted else _match(expected, file)
    return Verified(about["run"], digest == wanted, cut, rows, digest, wanted, match, said)


def _match(expected: Path, file: Path) -> Match:
    from harness.fingerprint import fingerprint_of
    from harness.submission_file import read_submission
    from harness.submission_match import Candidate, Query, compare

    known = fingerprint_of(read_submission(expected).frame, expected.stat().st_size)
    return compare(Query(file, read_submission(file).frame), Candidate(expected, known, True))
