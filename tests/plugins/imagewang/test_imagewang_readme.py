"""What the plugin's README shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from harness_imagewang.augment import Draw
from harness_imagewang.network import Encoder
from harness_imagewang.pretext.registry import tasks

from harness.params import NoParams

README = Path(__file__).parents[3] / "plugins" / "imagewang" / "README.md"


def test_another_task_works_as_written() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    found: dict[str, Any] = {"__name__": "halves"}
    exec(compile(code, str(README), "exec"), found)
    task = found["Halves"](NoParams())
    inputs, target = task.prepare(torch.rand(4, 3, 32, 32), Draw(0))
    answers = task.build(Encoder(), 2)(inputs)
    assert torch.isfinite(task.loss(answers, target))
    assert len(task.shown(inputs, target, answers)) == 3


def test_every_task_is_in_the_table() -> None:
    rows = [line for line in README.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert set(tasks()) <= {name for row in rows for name in re.findall(r"`([a-z]+)`", row.split("|")[1])}
