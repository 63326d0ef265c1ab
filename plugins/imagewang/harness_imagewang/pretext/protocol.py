"""What a pretext task is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from harness.params import NoParams
from harness_imagewang.augment import Draw
from harness_imagewang.network import Encoder, Headed, UNet


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a picture of a batch.

    Attributes
    ----------
    title : str
        ``input``, ``target``, ``prediction``, ...
    cells : (n, 3, h, w) float32 in [0, 1], or list of n str
    """

    title: str
    cells: Tensor | list[str]


class Pretext:
    """A task that needs no labels, for an encoder to learn from.

    A subclass says in `prepare` what goes in and what is to be predicted, and in `loss` how a prediction is judged; it
    takes a ``unet`` (which answers with images) or an ``encoder`` with its own `head`. Everything else has defaults.

    Parameters
    ----------
    options : dataclass instance
        Of type `Options`.

    Attributes
    ----------
    name, summary : str
    network : str
        ``encoder``: `head` gets pooled features (b, width). ``unet``: the prediction has the shape of the inputs.
    labels : bool
        Whether it learns from the labels of the training images too; `prepare_labelled` is asked then.
    Options : type
        Frozen dataclass of `harness.params.param` fields: the knobs a strategy may set.
    """

    name: ClassVar[str] = ""
    summary: ClassVar[str] = ""
    network: ClassVar[Literal["encoder", "unet"]] = "encoder"
    labels: ClassVar[bool] = False
    Options: ClassVar[type[Any]] = NoParams

    def __init__(self, options: Any) -> None:
        self.options = options

    def prepare(self, images: Tensor, draw: Draw) -> tuple[Tensor, Any]:
        """Return what goes into the network and what is to be predicted.

        Parameters
        ----------
        images : (b, 3, h, w) float32 in [0, 1]
            Photographs as they are; cropping and mirroring is the task's own.

        Returns
        -------
        inputs : (m, 3, h, w) float32
            As many as the task wants of each image.
        target
            Whatever `loss` takes.
        """
        raise NotImplementedError

    def prepare_labelled(self, images: Tensor, labels: Tensor, draw: Draw) -> tuple[Tensor, Any]:
        """Do the same where `labels` is True; `labels` is (b,) int64, -1 for images without one."""
        raise NotImplementedError

    def head(self, width: int, classes: int) -> nn.Module:
        """Return what turns pooled features (m, width) into a prediction; `classes` is how many there are to tell."""
        raise NotImplementedError

    def build(self, encoder: Encoder, classes: int) -> nn.Module:
        """Return the network that is trained; the encoder in it is what is kept."""
        return UNet(encoder) if self.network == "unet" else Headed(encoder, self.head(encoder.width, classes))

    def loss(self, predicted: Any, target: Any) -> Tensor:
        """Return the mean loss of a batch."""
        raise NotImplementedError

    def after_step(self, network: nn.Module, done: float) -> None:
        """Do what follows a step of the optimizer; `done` is the share of all steps in [0, 1]."""

    def shown(self, inputs: Tensor, target: Any, predicted: Any) -> list[Column]:
        """Return what a picture of a batch shows, a row for each of the first images."""
        return [Column("input", inputs), Column("target", target), Column("prediction", predicted)]
