"""The registries that every figure must stand: real ones, large ones, empty ones, and ones with hostile names."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from regviz.read import read
from regviz.world import synthetic_world, write
from tests.conftest import ROOT
from tests.helpers import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from regviz.registry import Registry

SHIPPED = ("world-distribution.tar.gz", "world-v1.tar.gz")
DUMPS = (
    "v1-article-0.6.6.tar",
    "v1-family-0.6.6.tar",
    "v2-distribution-3.1.1.tar",
    "v2-small-after-gc-m-broken-index.tar",
    "v2-small-filesystem.tar",
)
"""Real ones, where they are at hand."""

_LONG = [f"{letter * 240}-{place}" for letter in "aW" for place in ("east", "north", "west")]
_STRANGE = [
    "日本/図書館",
    "עברית/ספרייה",
    "العربية/مكتبة",
    "größe/straße",
    "emoji/🚀🚀",
    "a$x^2$/b",
    "<script>alert(1)/&amp;",
]


def _empty(root: Path) -> None:
    Store(root)


def _one_image(root: Path) -> None:
    Store(root).image("app", [b"only"], "latest")


def _named(names: list[str]) -> Callable[[Path], None]:
    """Repositories and tags of these names: what they share, what is their own, and a tag that moved."""

    def make(root: Path) -> None:
        store = Store(root)
        for number, name in enumerate(names):
            tag = name.rpartition("/")[2]
            own = [bytes([number]) * 3000 * (number + 1), b"\0" * number]
            store.image(name, [b"base" * 900, own[0][:500]], tag)
            store.image(name, [b"base" * 900, *own], tag, f"{number}.0")

    return make


def _synthetic(repositories: int, tags: int, layers: int) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        write(synthetic_world(repositories, tags, layers), root, "distribution")

    return make


MADE: dict[str, Callable[[Path], None]] = {
    "empty": _empty,
    "one image": _one_image,
    "names of 255 characters": _named(_LONG),
    "scripts of all directions": _named(_STRANGE),
    "200 repositories": _synthetic(200, 500, 1_000),
    "10,000 layers": _synthetic(40, 900, 10_000),
}
"""How each is written into an empty folder."""

KINDS = (*SHIPPED, *MADE)


@cache
def registry(kind: str) -> Registry:
    """One of `KINDS`, read with its files measured; the same object each time."""
    if kind in SHIPPED:
        return read(ROOT / "data" / kind, measure=True)
    folder = Path(tempfile.mkdtemp(prefix="regviz-test-"))
    try:
        MADE[kind](folder)
        return read(folder, measure=True)
    finally:
        shutil.rmtree(folder)
