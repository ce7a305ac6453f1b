"""The smallest registry in which bytes are shared: two images on one base, nineteen files in Distribution's storage."""

from __future__ import annotations

import datetime as dt

from regviz.world.build import Build
from regviz.world.contents import noise, prose
from regviz.world.describe import File, Image, Layer, program
from regviz.world.events import Push, World


def shop_world() -> World:
    """Two repositories, a tag in each, and a layer that both stand on.

    Examples
    --------
    >>> from regviz.world import storage_tree
    >>> tree = storage_tree(shop_world(), "distribution")
    >>> tree.children("docker/registry/v2/repositories/shop")
    ['cart', 'pay']
    """
    day = dt.datetime(2024, 1, 8, 9, tzinfo=dt.UTC)
    files: dict[str, bytes | File] = {
        "bin/sh": program(noise("shop sh", 5_999)),
        "usr/share/doc/notice": prose("shop notice", 4_000),
    }
    base = Image((Layer("", day, files, comment="Imported from -"),))
    next_day, hour = day + dt.timedelta(days=1), dt.timedelta(hours=1)
    built = {"cart": (3_000, next_day), "pay": (1_200, next_day + dt.timedelta(days=1))}
    pushes = (
        Push(repository=f"shop/{name}", content=_on(base, name, size, start), tags=("1",), at=start + hour)
        for name, (size, start) in built.items()
    )
    return World("shop", tuple(pushes))


def _on(base: Image, name: str, size: int, start: dt.datetime) -> Image:
    build = Build(start)
    build.copy(f"srv/{name}", noise(f"shop {name}", size))
    return base.extended(*build.layers)
