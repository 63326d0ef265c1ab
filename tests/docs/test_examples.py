"""What pages show of competition files keeps to the schema; what they show of Python can be read."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from harness.json_schema import competition_schema
from harness.plugins import load_plugins
from harness.testing import check_plugin, failures

ROOT = Path(__file__).parents[2]
GLOBS = ("README.md", "docs/**/*.md", "plugins/*/README.md", "competitions/*/README.md")
TEXTS = {str(path.relative_to(ROOT)): path.read_text("utf-8") for glob in GLOBS for path in sorted(ROOT.glob(glob))}


def examples(language: str) -> list[Any]:
    return [
        pytest.param(code, id=f"{page}-{number}")
        for page, text in TEXTS.items()
        for number, code in enumerate(re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL))
    ]


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return competition_schema(load_plugins())


def of_a_part(schema: Any) -> Any:
    """Return the schema of files from which anything may be left out."""
    if isinstance(schema, list):
        return [of_a_part(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: of_a_part(one) for key, one in schema.items() if key != "required" or not isinstance(one, list)}


def test_examples_are_found():
    assert len(examples("toml")) > 5
    assert len(examples("python")) > 10


@pytest.mark.parametrize("code", examples("toml"))
def test_a_part_of_a_competition_file_keeps_to_the_schema(code, schema):
    table = tomllib.loads(code)
    if "project" in table or "build-system" in table:
        return  # of a distribution
    whole = {"title", "data", "strategies"} <= set(table)
    chosen = Draft202012Validator(schema if whole else of_a_part(schema))
    assert [error.json_path for error in chosen.iter_errors(table)] == []
    assert not chosen.is_valid({**table, "titel": "x"})


@pytest.mark.parametrize("code", examples("python"))
def test_python_can_be_read(code):
    assert ast.parse(code).body


def test_the_plugin_file_of_the_readme_passes_the_conformance_kit(tmp_path):
    (code,) = re.findall(r"^```python\n(.*?class Ratios.*?)^```", TEXTS["README.md"], flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "plugin.py").write_text(code)
    findings = check_plugin(str(tmp_path / "plugin.py"), hostile=True)
    assert failures(findings) == []
    assert "local.ratios" in {found.offer for found in findings}
