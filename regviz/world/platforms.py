"""One tag for two platforms: as a client pushes it, and as a builder does that attests to what it built."""

from __future__ import annotations

import datetime as dt
from functools import cache

from regviz.world.artifacts import attested_index
from regviz.world.build import Build
from regviz.world.contents import noise, prose
from regviz.world.describe import Image, index_of, program
from regviz.world.distribution import DistributionWriter
from regviz.world.events import Push
from regviz.world.filetree import FileTree

_DISTRIBUTION = frozenset({"distribution"})


@cache
def _image(architecture: str) -> Image:
    """A program for one processor, and a manual for both."""
    build = Build(_at(1), buildkit=True)
    build.run(
        "install app",
        {
            "usr/bin/app": program(noise(f"app {architecture}", 2_400 if architecture == "amd64" else 2_100)),
            "lib/libc.so": program(noise(f"libc {architecture}", 1_500)),
        },
    )
    build.copy("usr/share/doc/manual.txt", prose("app manual", 3_000))
    build.set('CMD ["/usr/bin/app"]', Cmd=["/usr/bin/app"])
    return Image(tuple(build.layers), architecture, variant="v8" if architecture == "arm64" else "", format="oci")


def _at(day: int) -> dt.datetime:
    return dt.datetime(2024, 3, day, 10, 0, tzinfo=dt.UTC)


def platforms() -> list[tuple[str, FileTree]]:
    """The storage of a Distribution registry with an image for two platforms, after each of two pushes.

    Returns
    -------
    list of (str, FileTree)
        ``1-platforms``: an index of two images. ``2-attested``: the same images under the same tag, pushed by a builder
        that attests to them.

    Examples
    --------
    >>> [(name, len(list(tree))) for name, tree in platforms()]
    [('1-platforms', 18), ('2-attested', 33)]
    """
    amd64, arm64 = _image("amd64"), _image("arm64")
    steps = (("1-platforms", index_of(amd64, arm64)), ("2-attested", attested_index(amd64, arm64)))
    tree = FileTree(_at(1))
    writer = DistributionWriter(tree, "2.8")
    states = []
    for week, (name, index) in enumerate(steps):
        pushed = Push(repository="app", at=_at(1 + 7 * week), content=index, tags=("1.0",), layouts=_DISTRIBUTION)
        writer.apply(pushed)
        states.append((name, tree.copy()))
    return states
