"""Image网's input and training step against plain fastai, paired.

Input: augmented batches a second at 128 px, against `ImageDataLoaders.from_folder` with the same augmentation
(`RandomResizedCrop` and a flip), from JPEG files of 160 by 213 pixels; two epochs, since ours decodes in the first one
only. The time of the first epoch is told too. Training: images a second of xresnet18 at 64 and 128 px, against the same
`Learner` with fastai's defaults.

    python benchmarks/images.py [cpu|cuda]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from harness.neural import learner as neural

# isort: split
# fastai warns unless it is imported as above
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from fastai.vision.augment import FlipItem, RandomResizedCrop
from fastai.vision.data import ImageDataLoaders
from fastai.vision.models.xresnet import xresnet18
from harness_imagewang.augment import Draw
from harness_imagewang.batches import Batches
from harness_imagewang.images import Images
from harness_imagewang.network import Encoder, Headed
from harness_imagewang.reading.store import FileStore

ROUNDS, CLASSES, BATCH, FILES = 5, 20, 64, 1024
HEIGHT, WIDTH, LEAST = 160, 213, 0.35


def write_files(folder: Path) -> list[Path]:
    """Write smooth random pictures, as large on disk as photographs of that size."""
    rng = np.random.default_rng(0)
    paths = []
    for number in range(FILES):
        path = folder / f"{number % CLASSES:02}" / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        coarse = rng.integers(0, 256, (HEIGHT // 4, WIDTH // 4, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
        picture.save(path, quality=90)
        paths.append(path)
    return paths


def fastai_input(folder: Path, workers: int) -> DataLoader:
    """Return fastai's training loader."""
    augment = [RandomResizedCrop(128, min_scale=LEAST), FlipItem()]
    loaders = ImageDataLoaders.from_folder(folder, valid_pct=0.01, item_tfms=augment, bs=BATCH, num_workers=workers)
    return loaders.train


def our_input(paths: list[Path], cache: Path, device: torch.device) -> Batches:
    """Return our loader; the cache is filled while it is made."""
    draw = Draw(0, device)
    pixels = Images(FileStore(paths, cache), np.arange(len(paths))).at(128)
    return Batches(pixels, lambda images, _: (draw.crop(images, (LEAST, 1.0)),), BATCH, 0).to(device)


def speed_of(loader: Batches | DataLoader) -> float:
    """Return the images a second of an epoch."""
    started = time.perf_counter()
    count = sum(len(batch[0]) for batch in loader)
    return count / (time.perf_counter() - started)


def compare_input(device: torch.device) -> None:
    """Print the speeds of both loaders."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "images").mkdir()
        paths = write_files(folder / "images")
        for workers in (0, torch.get_num_threads()):
            theirs = fastai_input(folder / "images", workers)
            started = time.perf_counter()
            ours = our_input(paths, folder / f"cache{workers}", device)
            filled = len(paths) / (time.perf_counter() - started)
            rounds = [(speed_of(theirs), speed_of(ours)) for _ in range(ROUNDS)]
            fastai, own = (statistics.median(column) for column in zip(*rounds, strict=True))
            ratio = statistics.median(mine / other for other, mine in rounds)
            print(
                f"input, {workers} workers  fastai {fastai:6,.0f} images/s   ours {own:6,.0f}   ratio {ratio:.2f}"
                f"   (decoding once: {filled:,.0f} images/s)",
                flush=True,
            )


def learner_of(kind: str, size: int, device: torch.device) -> neural.Learner:
    """Return a Learner over a few batches in memory."""
    torch.manual_seed(0)
    images = torch.rand(4, BATCH, 3, size, size, device=device)
    batches = [(batch, torch.arange(BATCH, device=device) % CLASSES) for batch in images]
    if kind == "ours":
        net = Headed(Encoder("xresnet18"), torch.nn.Linear(512, CLASSES)).to(memory_format=torch.channels_last)
        options = {"opt_func": partial(neural.OptimWrapper, opt=partial(torch.optim.AdamW, fused=True))}
        options["cbs"] = [neural.Precision(device.type)] if neural.bfloat16_pays(device.type) else []
    else:
        net, options = xresnet18(n_out=CLASSES), {}
    loaders = DataLoaders(batches, batches)
    loss = torch.nn.functional.cross_entropy
    learn = neural.Learner(loaders, net.to(device), loss_func=loss, **options)
    learn.add_cb(neural.NoValidation())
    return learn


def seconds(learn: neural.Learner, device: torch.device) -> float:
    """Return the time of one epoch."""
    with learn.no_bar(), learn.no_logging():
        started = time.perf_counter()
        learn.fit(1)
        if device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - started


def compare_steps(device: torch.device) -> None:
    """Print the speeds of both trainings."""
    for size in (64, 128):
        learners = [learner_of(kind, size, device) for kind in ("fastai", "ours")]
        for learn in learners:
            seconds(learn, device)  # the first epoch pays for memory
        rounds = [[seconds(learn, device) for learn in learners] for _ in range(ROUNDS)]
        fastai, own = (4 * BATCH / statistics.median(column) for column in zip(*rounds, strict=True))
        ratio = statistics.median(other / mine for other, mine in rounds)
        print(
            f"training, {size:3} px   fastai {fastai:6,.0f} images/s   ours {own:6,.0f}   ratio {ratio:.2f}", flush=True
        )


def main(device: str) -> None:
    """Compare input and training."""
    warnings.filterwarnings("ignore", module="fastai|fastcore|fastprogress|torch")
    bfloat16 = "bfloat16" if neural.bfloat16_pays(device) else "float32"
    print(f"{device}, {torch.get_num_threads()} threads, median of {ROUNDS} rounds, ours in {bfloat16}")
    compare_input(torch.device(device))
    compare_steps(torch.device(device))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) == 2 else "cpu")
