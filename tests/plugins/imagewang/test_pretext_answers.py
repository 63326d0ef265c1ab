"""What single pretext tasks ask and how they judge, against answers known otherwise."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from harness_imagewang.augment import Draw, blurred, grey_of
from harness_imagewang.network import Encoder
from harness_imagewang.pretext.orders import orders
from harness_imagewang.pretext.patches import Patches, patches
from harness_imagewang.pretext.registry import task_of
from harness_imagewang.pretext.rotation import turned
from harness_imagewang.pretext.twins import Twins
from torch import Tensor
from torch.nn import functional


def images(count: int = 8, size: int = 24) -> Tensor:
    return torch.rand((count, 3, size, size), generator=torch.Generator().manual_seed(0))


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> Tensor:
    """Pictures that are taken whole."""
    monkeypatch.setattr(Draw, "crop", lambda _, given, *rest, **named: given)
    return images()


@pytest.mark.parametrize("name", ["greyblur", "grey", "blur", "cutout"])
def test_patches_are_where_a_picture_changes(name: str, whole: Tensor) -> None:
    inputs, (target, where) = task_of(name, {"number": 2, "size": 0.25, "softness": 0.0}).prepare(whole, Draw(0))
    damaged = {
        "greyblur": blurred(grey_of(whole).expand_as(whole), 3.0),
        "grey": grey_of(whole).expand_as(whole),
        "blur": blurred(whole, 3.0),
        "cutout": torch.full_like(whole, 0.5),
    }[name]
    assert torch.equal(target, whole)
    assert set(where.unique().tolist()) == {0, 1}
    torch.testing.assert_close(inputs, torch.where(where == 1, damaged, whole))


def test_number_size_and_softness_of_patches_are_what_they_say() -> None:
    def found(**knobs: float) -> Tensor:
        return patches(64, 40, Patches(**knobs), Draw(0))  # type: ignore[arg-type]

    hard, soft = found(number=1, size=0.25, softness=0.0), found(number=1, size=0.25, softness=0.5)
    inner = hard[(hard[..., 0].sum((1, 2)) + hard[..., -1].sum((1, 2)) + hard[..., 0, :].sum((1, 2))
                  + hard[..., -1, :].sum((1, 2))) == 0]  # fmt: skip
    assert (inner.sum(dim=(1, 2, 3)) == 100).all()
    assert ((soft > 0) & (soft < 1)).any()
    assert float(hard.mean()) < float(found(number=5, size=0.25, softness=0.0).mean())
    assert float(hard.mean()) < float(found(number=1, size=0.5, softness=0.0).mean())


def test_restoring_is_judged_most_where_there_was_damage() -> None:
    task, (target, where) = task_of("grey", {}), (torch.zeros(1, 3, 2, 2), torch.tensor([[[[1.0, 0], [0, 0]]]]))
    inside, outside = torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)
    inside[..., 0, 0] = outside[..., 1, 1] = 1
    assert float(task.loss(inside, (target, where))) == pytest.approx(1.1 / 1.4)
    assert float(task.loss(outside, (target, where))) == pytest.approx(0.1 / 1.4)


def test_colour_is_asked_of_a_grey_picture(whole: Tensor) -> None:
    inputs, target = task_of("colour", {}).prepare(whole, Draw(0))
    assert torch.equal(inputs, grey_of(whole).expand_as(whole))
    assert torch.equal(target, whole)


def test_turns_are_anticlockwise_quarters(whole: Tensor) -> None:
    inputs, codes = task_of("rotation", {}).prepare(whole, Draw(0))
    for image, code, found in zip(whole, codes.tolist(), inputs, strict=True):
        assert torch.equal(found, image.rot90(code, (1, 2)))
    assert torch.equal(turned(inputs, (4 - codes) % 4), whole)


@pytest.mark.parametrize("across", [2, 3])
def test_jigsaw_puts_each_tile_where_its_order_says(across: int, whole: Tensor) -> None:
    inputs, codes = task_of("jigsaw", {"across": across}).prepare(whole, Draw(0))
    side, all_orders = 24 // across, orders(across**2, 24)

    def tile(image: Tensor, place: int) -> Tensor:
        y, x = place // across * side, place % across * side
        return image[:, y : y + side, x : x + side]

    for image, code, found in zip(whole, codes.tolist(), inputs, strict=True):
        for place, came_from in enumerate(all_orders[code]):
            assert torch.equal(tile(found, place), tile(image, came_from))


def test_each_order_is_the_one_farthest_from_those_before() -> None:
    def distance(one: tuple[int, ...], others: tuple[tuple[int, ...], ...]) -> int:
        return min(sum(a != b for a, b in zip(one, other, strict=True)) for other in others)

    every = list(itertools.permutations(range(4)))
    chosen = orders(4, 200)
    assert chosen[0] == (0, 1, 2, 3)
    assert sorted(chosen) == every
    for number in range(1, len(chosen)):
        before = chosen[:number]
        assert distance(chosen[number], before) == max(distance(one, before) for one in every)


def test_orders_of_nine_tiles_are_as_many_as_asked_for_and_start_alike() -> None:
    assert len(set(orders(9, 24))) == 24
    assert orders(9, 24)[:10] == orders(9, 10)


def test_corrupted_pictures_are_those_that_changed(whole: Tensor) -> None:
    inputs, target = task_of("corrupted", {}).prepare(whole, Draw(0))
    assert (inputs != whole).flatten(1).any(dim=1).long().tolist() == target.tolist()
    assert 0 < int(target.sum()) < len(target)


@pytest.mark.parametrize("mirror", [False, True])
def test_sesemi_asks_for_labels_of_upright_and_ways_of_all_pictures(mirror: bool, whole: Tensor) -> None:
    task, many = task_of("sesemi", {"mirror": mirror, "weight": 2.0}), whole.repeat(8, 1, 1, 1)
    labels = (torch.arange(len(many)) % 5 - 2).clamp(min=-1)
    inputs, (kept, ways) = task.prepare_labelled(many, labels, Draw(0))
    known = labels >= 0
    assert torch.equal(inputs[: len(kept)], many[known])
    assert torch.equal(kept, labels[known])
    made = [lambda one, k=k: one.rot90(k, (1, 2)) for k in range(4)]
    made += [lambda one: one.flip(2), lambda one: one.flip(1)] if mirror else []
    assert set(ways.tolist()) == set(range(len(made)))
    for image, way, found in zip(many, ways.tolist(), inputs[len(kept) :], strict=True):
        assert torch.equal(found, made[way](image))
    logits = torch.randn(len(inputs), len(made) + 3, generator=torch.Generator().manual_seed(0))
    told = functional.cross_entropy(logits[: len(kept), len(made) :], kept)
    turns = functional.cross_entropy(logits[len(kept) :, : len(made)], ways)
    torch.testing.assert_close(task.loss(logits, (kept, ways)), told + 2 * turns)


def test_sesemi_needs_no_label_in_a_batch() -> None:
    task = task_of("sesemi", {})
    inputs, target = task.prepare_labelled(images(4), torch.full((4,), -1), Draw(0))
    assert inputs.shape == (4, 3, 24, 24)
    assert torch.isfinite(task.loss(torch.zeros(4, 7), target))


def test_simclr_is_the_papers_formula() -> None:
    task, views = task_of("simclr", {"temperature": 0.5}), torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    unit = (views / views.norm(dim=1, keepdim=True)).tolist()
    alike = [[math.exp(sum(a * b for a, b in zip(x, y, strict=True)) / 0.5) for y in unit] for x in unit]
    each = [-math.log(alike[i][(i + 3) % 6] / sum(alike[i][k] for k in range(6) if k != i)) for i in range(6)]
    assert float(task.loss(views, 3)) == pytest.approx(sum(each) / 6, rel=1e-5)


def test_byol_compares_each_prediction_with_the_other_views_answer() -> None:
    task, same = task_of("byol", {}), torch.eye(4)
    assert float(task.loss(torch.stack([same, same.roll(2, 0)]), 2)) == pytest.approx(-1)
    assert float(task.loss(torch.stack([same, same]), 2)) == pytest.approx(0)


def test_byols_slow_network_follows_and_stands_still_at_the_end() -> None:
    task = task_of("byol", {"momentum": 0.9})
    network = Twins(Encoder())
    slow, fast = network.slow.head[0].weight, network.online.head[0].weight  # type: ignore[index]
    with torch.no_grad():
        fast += 1
    before = slow.clone()
    task.after_step(network, 1.0)
    torch.testing.assert_close(slow, before)
    task.after_step(network, 0.0)
    torch.testing.assert_close(slow, before + 0.1)
    network(images(2, 32))[0].sum().backward()
    assert all(one.grad is None for one in network.slow.parameters())
    assert fast.grad is not None


def test_swav_has_unit_prototypes_and_wants_the_other_views_cluster() -> None:
    task = task_of("swav", {"prototypes": 5})
    head = task.head(6, 0)
    cosines = head(torch.randn(8, 6, generator=torch.Generator().manual_seed(0)))
    assert cosines.shape == (8, 5)
    assert float(cosines.detach().abs().max()) <= 1 + 1e-6
    told = torch.eye(4) * 2 - 1
    agreeing, crossed = (float(task.loss(torch.cat([told, other]), 4)) for other in (told, told.roll(1, 0)))
    assert agreeing == pytest.approx(0, abs=1e-3)
    assert crossed > 10


def test_views_differ_as_much_as_their_options_say() -> None:
    def apart(**knobs: float) -> float:
        inputs, count = task_of("simclr", knobs).prepare(images(8, 32), Draw(0))
        return float((inputs[:count] - inputs[count:]).abs().mean())

    assert apart(least=1.0, colour=0.0) < apart(least=1.0, colour=1.0)
