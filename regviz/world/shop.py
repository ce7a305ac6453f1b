"""The smallest registry in which bytes are shared: two images on one base, nineteen files in Distribution's storage."""

from __future__ import annotations

import datetime as dt

from regviz.world.build import Build
from regviz.world.contents import noise, prose
from regviz.world.describe import Image, Layer, program
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
    files = {"bin/sh": program(noise("shop sh", 5_999)), "usr/share/doc/notice": prose("shop notice", 4_000)}
    base = Image((Layer("", day, files, comment="Imported from -"),))
    cart, pay = _on(base, "cart", 3_000, day + dt.timedelta(days=1)), _on(base, "pay", 1_200, day + dt.timedelta(days=2))
    hour = dt.timedelta(hours=1)
    return World(
        "shop",
        (
            Push(repository="shop/cart", content=cart, tags=("1",), at=day + dt.timedelta(days=1) + hour),
            Push(repository="shop/pay", content=pay, tags=("1",), at=day + dt.timedelta(days=2) + hour),
        ),
    )


def _on(base: Image, name: str, size: int, start: dt.datetime) -> Image:
    build = Build(start)
    build.copy(f"srv/{name}", noise(f"shop {name}", size))
    return base.extended(*build.layers)
