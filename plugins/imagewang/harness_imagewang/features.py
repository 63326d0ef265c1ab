"""Features of images by an encoder as it is; the latest are kept, for the tasks of a process that ask for the same."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import torch

from harness.neural.threads import threads_of
from harness_imagewang.augment import to_images

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness_imagewang.images import Images
    from harness_imagewang.network import Encoder

    Features = NDArray[np.float32]

BATCH = 128
KEPT_BYTES = 2**27
"""Of the features that a process keeps."""


class _Kept:
    """Arrays by what they were made of; the ones that were asked for longest ago go first."""

    def __init__(self, most: int) -> None:
        self.most, self.held = most, 0
        self.found: OrderedDict[bytes, Features] = OrderedDict()
        self.lock = Lock()

    def get(self, key: bytes) -> Features | None:
        with self.lock:
            if key in self.found:
                self.found.move_to_end(key)
            return self.found.get(key)

    def put(self, key: bytes, features: Features) -> None:
        with self.lock:
            if key in self.found or features.nbytes > self.most:
                return
            self.found[key] = features
            self.held += features.nbytes
            while self.held > self.most:
                self.held -= self.found.popitem(last=False)[1].nbytes


_kept = _Kept(KEPT_BYTES)


def features_of(encoder: Encoder, images: Images, size: int, device: str, threads: int) -> Features:
    """Return the pooled features of images as they are.

    An encoder that was pretrained once has the same features for every seed, and for a linear probe as for nearest
    neighbours, so they are computed once in a process.

    Returns
    -------
    (n, width) float32
        Read-only.
    """
    encoder = encoder.to(device).eval()
    key = _key(encoder, images, size, device, threads)
    found = _kept.get(key)
    if found is None:
        found = _computed(encoder, images, size, device, threads)
        found.flags.writeable = False
        _kept.put(key, found)
    return found


def _computed(encoder: Encoder, images: Images, size: int, device: str, threads: int) -> Features:
    pixels = images.at(size)
    found = np.empty((len(pixels), encoder.width), np.float32)
    with threads_of(threads), torch.inference_mode():
        for start in range(0, len(pixels), BATCH):
            rows = np.arange(start, min(start + BATCH, len(pixels)))
            found[rows] = encoder(to_images(pixels[rows], device)).cpu().numpy()
    return found


def _key(encoder: Encoder, images: Images, size: int, device: str, threads: int) -> bytes:
    """Digest all that features depend on, in the order of the rows: a batch's sums may differ from another's."""
    digest = blake2b(repr((size, device, threads, encoder)).encode(), digest_size=16)
    for name, tensor in encoder.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy())
    for of_file in images.digests():
        digest.update(of_file.encode())
    return digest.digest()
