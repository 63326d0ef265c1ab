"""What holds for every pretext task: shapes, seeds, mixed precision, learning, pictures."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from harness_imagewang.augment import Draw
from harness_imagewang.network import Encoder
from harness_imagewang.pretext.protocol import Pretext
from harness_imagewang.pretext.registry import task_of, tasks
from torch import Tensor, nn

SIZE, COUNT, CLASSES = 32, 8, 3
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in tasks()),
    ("jigsaw", {"across": 3}),
    ("sesemi", {"mirror": True}),
    ("greyblur", {"number": 40, "size": 0.1, "softness": 0.0}),
]
every_task = pytest.mark.parametrize(
    ("name", "options"), VARIANTS, ids=["-".join([name, *options]) for name, options in VARIANTS]
)


def images(count: int = COUNT, size: int = SIZE) -> Tensor:
    """Smooth colours that differ from corner to corner, and from picture to picture."""
    corners = torch.rand((count, 3, 3, 3), generator=torch.Generator().manual_seed(0))
    return nn.functional.interpolate(corners, size=size, mode="bilinear", align_corners=True)


def prepared(task: Pretext, given: Tensor, seed: int = 0, size: int | None = None) -> tuple[Tensor, Any]:
    draw = Draw(seed, size=size)
    if not task.labels:
        return task.prepare(given, draw)
    return task.prepare_labelled(given, torch.arange(len(given)) % (CLASSES + 1) - 1, draw)


def network_of(task: Pretext) -> nn.Module:
    torch.manual_seed(0)
    return task.build(Encoder(), CLASSES)


def flat(target: Any) -> list[Tensor]:
    return list(target) if isinstance(target, tuple) else [torch.as_tensor(target)]


@every_task
def test_what_goes_in_depends_on_the_seed_alone(name: str, options: dict[str, Any]) -> None:
    task, given = task_of(name, options), images()
    kept = given.clone()
    inputs, target = prepared(task, given)
    again, same = prepared(task, given)
    assert torch.equal(inputs, again)
    assert all(torch.equal(one, other) for one, other in zip(flat(target), flat(same), strict=True))
    assert not torch.equal(inputs, prepared(task, given, 1)[0])
    assert torch.equal(given, kept)
    assert len(inputs) >= COUNT
    assert 0 <= float(inputs.min()) <= float(inputs.max()) <= 1


@every_task
@pytest.mark.parametrize(("size", "cut"), [(33, None), (64, 48), (256, None)])
def test_pictures_of_any_size_go_in(name: str, options: dict[str, Any], size: int, cut: int | None) -> None:
    inputs, _ = prepared(task_of(name, options), images(2, size), size=cut)
    wanted = cut or size
    if name == "jigsaw":
        wanted -= wanted % options.get("across", 2)
    assert inputs.shape[1:] == (3, wanted, wanted)


@every_task
def test_it_learns_from_a_tiny_batch_and_shows_it(name: str, options: dict[str, Any]) -> None:
    task = task_of(name, options)
    network = network_of(task)
    inputs, target = prepared(task, images())
    optimizer = torch.optim.AdamW([one for one in network.parameters() if one.requires_grad], 2e-3)
    losses = []
    for step in range(5):
        loss = task.loss(network(inputs), target)
        assert loss.shape == ()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        task.after_step(network, step / 5)
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    reached = [value.grad for value in network.encoder.parameters()]  # type: ignore[union-attr,operator]
    assert all(grad is not None for grad in reached)
    assert sum(float(grad.abs().sum()) for grad in reached) > 0
    with torch.inference_mode():
        columns = task.shown(inputs, target, network.eval()(inputs))
    assert {len(column.cells) for column in columns} == {COUNT}
    assert all(isinstance(column.cells, list) or column.cells.shape[1] == 3 for column in columns)


@every_task
def test_two_pictures_in_mixed_precision_are_enough(name: str, options: dict[str, Any]) -> None:
    """The learner turns what a network computes in bfloat16 into float32, as one tensor, before the loss."""
    task = task_of(name, options)
    inputs, target = prepared(task, images(2))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        predicted = network_of(task)(inputs)
    assert torch.isfinite(task.loss(predicted.float(), target))
