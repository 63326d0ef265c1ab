"""Finding pretext tasks: in the package, in a competition's plugin; and one more task in one more file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch
from harness_imagewang import pretext
from harness_imagewang.augment import Draw
from harness_imagewang.network import Encoder
from harness_imagewang.pretext.protocol import Pretext
from harness_imagewang.pretext.registry import task_of, tasks

from harness.errors import ConfigError

NAMES = (
    "blur", "byol", "colour", "corrupted", "cutout", "grey", "greyblur", "jigsaw", "rotation", "sesemi", "simclr",
    "swav",
)  # fmt: skip


def test_the_tasks_are_those_of_the_package() -> None:
    assert tuple(tasks()) == NAMES
    assert all(task.summary for task in tasks().values())


def test_every_file_of_a_task_is_short() -> None:
    for path in Path(pretext.__path__[0]).glob("*.py"):
        if path.stem != "protocol":
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 60, path.name


def test_unknown_names_and_options_are_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"pretext = 'simclrr'; did you mean 'simclr'\?"):
        task_of("simclrr", {})
    with pytest.raises(ConfigError, match=r"options of pretext 'simclr': unknown parameter 'temp.*'temperature'\?"):
        task_of("simclr", {"temperatur": 0.5})
    with pytest.raises(ConfigError, match=r"pretext 'greyblur': number = 0: expected a number in \[1, 200\]"):
        task_of("greyblur", {"number": 0})
    with pytest.raises(ConfigError, match=r"pretext 'jigsaw': across = 4: expected a number in \[2, 3\]"):
        task_of("jigsaw", {"across": 4})


@pytest.fixture
def local() -> Iterator[ModuleType]:
    """Return a module as a competition's own plugin is one."""
    module = ModuleType("harness_local_competition")
    sys.modules[module.__name__] = module
    yield module
    del sys.modules[module.__name__]


def define(module: ModuleType, name: str | None) -> type[Pretext]:
    content = {"__module__": module.__name__} | ({} if name is None else {"name": name})
    parent = tasks()["rotation"]
    module.Mine = type("Mine", (parent,), content)  # type: ignore[attr-defined]
    return module.Mine  # type: ignore[attr-defined,no-any-return]


def test_a_competition_may_bring_its_own_and_read_it_again(local: ModuleType) -> None:
    define(local, "mine")
    again = define(local, "mine")
    assert tasks()["mine"] is again
    assert isinstance(task_of("mine", {}), again)


def test_what_has_no_name_of_its_own_is_no_task(local: ModuleType) -> None:
    define(local, None)
    assert tuple(tasks()) == NAMES


def test_two_tasks_of_one_name_are_refused(local: ModuleType) -> None:
    define(local, "jigsaw")
    with pytest.raises(ConfigError, match=r"harness_local_competition.* 'jigsaw'; give one another name"):
        tasks()


SIBLING = '''
"""Relative position: where does one tile lie from another (Doersch et al. 2015, https://arxiv.org/abs/1505.05192)."""

import torch
from torch import nn

from harness_imagewang.pretext.classify import Classify
from harness_imagewang.pretext.protocol import Column

PLACES = ("above left", "above", "above right", "left", "right", "below left", "below", "below right")


class Pairs(nn.Module):
    """Compares features of the first half of the tiles with those of the second."""

    def __init__(self, width, outputs):
        super().__init__()
        self.last = nn.Linear(2 * width, outputs)

    def forward(self, features):
        return self.last(torch.cat(features.chunk(2), dim=1))


class Position(Classify):
    """The middle tile of nine goes in, and one around it, and the network tells which."""

    name = "position"
    summary = "where a tile lies from the middle one"

    def answers(self):
        return PLACES

    def prepare(self, images, draw):
        whole = draw.crop(images)
        side = whole.shape[-1] // 3
        tiles = whole.unfold(2, side, side).unfold(3, side, side).flatten(2, 3).transpose(1, 2)
        codes = draw.integers(len(PLACES), (len(whole),))
        around = tiles[torch.arange(len(whole), device=codes.device), codes + (codes > 3)]
        return torch.cat([tiles[:, 4], around]), codes

    def head(self, width, classes):
        return Pairs(width, len(PLACES))

    def shown(self, inputs, target, predicted):
        middle, around = inputs.chunk(2)
        return [Column("middle", middle), *super().shown(around, target, predicted)]
'''


def test_another_task_is_one_short_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(SIBLING.strip().splitlines()) <= 60
    (tmp_path / "position.py").write_text(SIBLING)
    monkeypatch.setattr(pretext, "__path__", [*pretext.__path__, str(tmp_path)])
    task = task_of("position", {})
    torch.manual_seed(0)
    network = task.build(Encoder(), 3)
    images = torch.rand((8, 3, 48, 48), generator=torch.Generator().manual_seed(0))
    inputs, target = task.prepare(images, Draw(0))
    assert inputs.shape == (16, 3, 16, 16)
    optimizer = torch.optim.SGD(network.parameters(), 0.05)
    losses = []
    for _ in range(3):
        loss = task.loss(network(inputs), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[2] < losses[0]
    with torch.no_grad():
        assert [one.title for one in task.shown(inputs, target, network(inputs))] == [
            "middle", "input", "target", "prediction"
        ]  # fmt: skip
    del sys.modules["harness_imagewang.pretext.position"]
