"""Imports run one way, and every module of the core has its place in the layers."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not (ROOT / "pyproject.toml").is_file(), reason="needs the checkout")


def layers() -> list[str]:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (contract,) = table["tool"]["importlinter"]["contracts"]
    return [module.strip() for layer in contract["layers"] for module in layer.split(":")]


def test_every_module_has_a_layer() -> None:
    found = {
        f"harness.{path.stem}"
        for path in (ROOT / "harness").iterdir()
        if not path.name.startswith("_") and (path.suffix == ".py" or (path / "__init__.py").is_file())
    }
    assert sorted(found) == sorted(layers())


def test_imports_run_one_way() -> None:
    lint = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", lint], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_core_names_no_plugin_package() -> None:
    packages = [path.name for path in (ROOT / "plugins").glob("*/harness_*")]
    assert packages
    for path in (ROOT / "harness").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for package in packages:
            assert f"import {package}" not in text, path
            assert f"from {package}" not in text, path
