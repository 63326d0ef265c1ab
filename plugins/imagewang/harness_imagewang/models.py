"""The recipes: fine-tuning, a linear probe, nearest neighbours; each on an encoder, pretrained or not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness.data import DatasetInfo, TaskType
from harness.offers import BuildContext, ModelRecipe
from harness_imagewang.params import FinetuneParams, KnnParams, LinearParams, enlarged
from harness_imagewang.stages import stages

if TYPE_CHECKING:
    from harness.offers import Model

TASKS = frozenset({TaskType.MULTICLASS, TaskType.BINARY})


def models() -> Iterable[ModelRecipe]:
    """Return the recipes of this plugin."""
    return (
        ModelRecipe(
            name="imagewang.finetune",
            summary="an encoder and a linear head, trained together",
            tasks=TASKS,
            params=FinetuneParams,
            build=_finetune,
            stages=stages,
            warn=enlarged,
            inner=lambda params: params.holdout,
            iterations="epochs",
        ),
        ModelRecipe(
            name="imagewang.linear",
            summary="logistic regression on the features of an encoder that stays as it is",
            tasks=TASKS,
            params=LinearParams,
            build=_linear,
            stages=stages,
            warn=enlarged,
        ),
        ModelRecipe(
            name="imagewang.knn",
            summary="nearest training images by the features of an encoder that stays as it is",
            tasks=TASKS,
            params=KnnParams,
            build=_knn,
            stages=stages,
            warn=enlarged,
        ),
    )


def _finetune(params: FinetuneParams, info: DatasetInfo, context: BuildContext) -> Model:
    from harness_imagewang.finetune import Finetuned

    return Finetuned(params, info, context)


def _linear(params: LinearParams, info: DatasetInfo, context: BuildContext) -> Model:
    from harness_imagewang.frozen import LinearProbe

    return LinearProbe(params, info, context)


def _knn(params: KnnParams, info: DatasetInfo, context: BuildContext) -> Model:
    from harness_imagewang.frozen import NearestNeighbours

    return NearestNeighbours(params, info, context)
