"""Registries of any size from a seed, for tests, figures and measurements."""

from __future__ import annotations

import datetime as dt
import random
from itertools import pairwise
from typing import TYPE_CHECKING

from regviz.errors import RegvizError
from regviz.world.describe import Image, Layer
from regviz.world.events import Push, World

if TYPE_CHECKING:
    from collections.abc import Sequence

_START = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
_DEEPEST = 60
_LARGEST_POWER = 12


def synthetic_world(repositories: int, tags: int, layers: int, seed: int = 0) -> World:
    """A registry whose images stand on each other as real ones do: a few bases, much shared, long tails.

    Parameters
    ----------
    repositories : int
    tags : int
        In all repositories together; each repository has at least one.
    layers : int
        Nodes of the ancestry forest; every one is part of a tagged image, and none is empty.
    seed : int
        The same seed gives the same registry.

    Returns
    -------
    World
        For either layout. Layers hold one small file and are stored rather than compressed, to be cheap to
        write.

    Raises
    ------
    RegvizError
        If there are fewer tags than repositories, or no layers.

    Examples
    --------
    >>> world = synthetic_world(repositories=3, tags=7, layers=20)
    >>> [len(tags) for tags in world.tags("v1").values()]
    [3, 2, 2]
    """
    if not 1 <= repositories <= tags or layers < 1:
        message = f"{repositories=}, {tags=}, {layers=}: each repository needs a tag, and a tag a layer"
        raise RegvizError(message)
    draw = random.Random(seed)  # noqa: S311  (reproducible is what is wanted)
    images: list[Image] = []
    distinct = min(tags, layers)
    cuts = [0, *sorted(draw.sample(range(1, layers), distinct - 1)), layers]
    for start, stop in pairwise(cuts):
        images.append(Image((*_base(images, draw), *(_layer(number, draw) for number in range(start, stop)))))
    events = []
    for number in range(tags):
        repository = number % repositories
        events.append(
            Push(
                repository=f"group{repository % 7}/app{repository:05}" if repository % 5 else f"base{repository:05}",
                at=_START + dt.timedelta(minutes=number),
                content=images[number] if number < distinct else draw.choice(images),
                tags=(f"1.{number // repositories}",),
            )
        )
    return World(f"synthetic {repositories}/{tags}/{layers}/{seed}", tuple(events))


def _base(images: Sequence[Image], draw: random.Random) -> tuple[Layer, ...]:
    """What the next image stands on: nothing, or an image drawn with a preference for the early ones."""
    if not images or draw.random() < 0.05:
        return ()
    below = images[int(len(images) * draw.random() ** 3)].layers
    return below if len(below) < _DEEPEST else ()


def _layer(number: int, draw: random.Random) -> Layer:
    size = int(2 ** draw.uniform(0, _LARGEST_POWER))
    return Layer(
        f"/bin/sh -c make step-{number}",
        _START + dt.timedelta(seconds=number),
        {f"opt/{number}": draw.randbytes(size)},
        compression="stored",
    )
