"""A notebook that installs a run from the folder beside it and writes its submission, without network.

The form is nbformat 4.5: https://nbformat.readthedocs.io/en/latest/format_description.html
"""

from __future__ import annotations

from typing import Any

INSTALL = "install"
"""Tag of the cell that installs the wheels."""

SETTINGS = """\
import os
import subprocess
import sys
import tempfile
from pathlib import Path

INPUT = Path(os.environ.get("HARNESS_INPUT", "/kaggle/input"))
OUTPUT = Path(os.environ.get("HARNESS_OUTPUT", "submission.csv"))
# where a site puts a data set differs; the packed run is where pack.json is
HOME = next(path.parent for depth in range(6) for path in INPUT.glob("*/" * depth + "pack.json"))
WHEELS = sorted((HOME.parent / "wheels").rglob("*.whl"))
DATA = os.environ.get("HARNESS_DATA") or {data}
print(f"{{HOME}}, {{len(WHEELS)}} wheels, data: {{DATA}}")
"""
INSTALLING = """\
if sys.version_info[:2] != {python}:
    raise SystemExit("the wheels are for Python {dotted}; export the run again: harness export RUN --python X.Y")
pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile"]
subprocess.run([*pip, *map(str, WHEELS)], check=True)
"""
PREDICTING = """\
from harness.packing import submit_packed

done = submit_packed(HOME, DATA, OUTPUT, Path(tempfile.mkdtemp()))
print(f"{done.rows:,} rows: {OUTPUT}")
"""


def site_data(competition: str) -> str:
    """Return code that finds a competition's files where Kaggle mounts them, in its older and its newer layout."""
    places = f'(INPUT / "{competition}", INPUT / "competitions" / "{competition}")'
    return f"str(next((place for place in {places} if place.is_dir()), INPUT))"


def make_notebook(title: str, about: str, data: str, python: tuple[int, int]) -> dict[str, Any]:
    """Return a notebook as JSON values.

    Parameters
    ----------
    title, about : str
        Markdown.
    data : str
        Python code of the default of ``DATA``.
    python : (int, int)
        Version that the wheels are for.
    """
    dotted = f"{python[0]}.{python[1]}"
    cells = [
        {"cell_type": "markdown", "id": "about", "metadata": {}, "source": _lines(f"# {title}\n\n{about}")},
        _code("settings", SETTINGS.format(data=data)),
        _code(INSTALL, INSTALLING.format(python=tuple(python), dotted=dotted), tags=[INSTALL]),
        _code("predict", PREDICTING),
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python", "version": dotted}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def code_of(notebook: dict[str, Any], without: str = "") -> str:
    """Return the code of a notebook's cells, one after another, as a program.

    Parameters
    ----------
    without : str
        Tag of cells that are left out.
    """
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    kept = [cell for cell in cells if not without or without not in cell["metadata"].get("tags", ())]
    return "\n".join("".join(cell["source"]) for cell in kept)


def _code(name: str, source: str, tags: list[str] | None = None) -> dict[str, Any]:
    metadata = {"tags": tags} if tags else {}
    shape: dict[str, Any] = {
        "cell_type": "code",
        "id": name,
        "metadata": metadata,
        "execution_count": None,
        "outputs": [],
    }
    return {**shape, "source": _lines(source)}


def _lines(text: str) -> list[str]:
    return text.strip("\n").splitlines(keepends=True)
