"""Pictures of batches."""

from __future__ import annotations

import io

import torch
from harness_imagewang.pretext.pictures import batch_figure
from harness_imagewang.pretext.protocol import Column
from matplotlib.colors import to_hex
from PIL import Image

from harness.neural.pictures import INK, TRAIN, VALID, png

PICTURES = torch.rand((3, 3, 16, 16), generator=torch.Generator().manual_seed(0))


def test_a_row_for_each_column_and_no_more_images_than_asked_for() -> None:
    columns = [Column("input", PICTURES), Column("target", ["a", "b", "c"])]
    assert len(batch_figure(columns, 2).axes) == 4
    assert len(batch_figure(columns).axes) == 6
    figure = batch_figure(columns)
    assert [axis.get_ylabel() for axis in figure.axes[::3]] == ["input", "target"]
    assert len(figure.axes[0].images) == 1
    assert figure.axes[4].texts[0].get_text() == "b"


def test_a_wrong_prediction_stands_out() -> None:
    target = Column("target", ["a", "b", "c"])
    figure = batch_figure([Column("input", PICTURES), target, Column("prediction", ["a", "c", "c"])])
    assert [to_hex(axis.texts[0].get_color()) for axis in figure.axes[3:]] == [INK] * 3 + [TRAIN, VALID, TRAIN]


def test_the_title_tells_what_there_is_to_see() -> None:
    target, told = Column("target", ["a", "b", "c"]), Column("prediction", ["a", "c", "c"])
    figure = batch_figure([Column("input", PICTURES), target, told], about="sesemi after 30 passes")
    assert figure.get_suptitle() == "sesemi after 30 passes: 2 of these 3 right (blue), 1 wrong (orange)"
    figure = batch_figure([Column("input", PICTURES), Column("prediction", PICTURES)], about="grey after one pass")
    assert figure.get_suptitle() == "grey after one pass: input, prediction"
    assert batch_figure([Column("input", PICTURES), target]).get_suptitle() == ""


def test_pixels_out_of_range_are_drawn_and_the_bytes_are_a_png() -> None:
    content = png(batch_figure([Column("prediction", PICTURES * 3 - 1)]))
    with Image.open(io.BytesIO(content)) as found:
        assert found.format == "PNG"
        assert found.width > found.height
