"""What the WordNet ids of Imagenette and Imagewoof stand for (https://github.com/fastai/imagenette)."""

from __future__ import annotations

from collections.abc import Iterable

NAMES = {
    "n01440764": "tench",
    "n02086240": "Shih-Tzu",
    "n02087394": "Rhodesian ridgeback",
    "n02088364": "beagle",
    "n02089973": "English foxhound",
    "n02093754": "Border terrier",
    "n02096294": "Australian terrier",
    "n02099601": "golden retriever",
    "n02102040": "English springer",
    "n02105641": "Old English sheepdog",
    "n02111889": "Samoyed",
    "n02115641": "dingo",
    "n02979186": "cassette player",
    "n03000684": "chain saw",
    "n03028079": "church",
    "n03394916": "French horn",
    "n03417042": "garbage truck",
    "n03425413": "gas pump",
    "n03445777": "golf ball",
    "n03888257": "parachute",
}


def titles_of(classes: Iterable[str]) -> dict[str, str]:
    """Return the titles of those classes that are known.

    Examples
    --------
    >>> titles_of(["cat", "n02086240"])
    {'n02086240': 'n02086240 Shih-Tzu'}
    """
    return {name: f"{name} {NAMES[name]}" for name in classes if name in NAMES}
