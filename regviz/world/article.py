"""The article's registry, step by step, and a push so small that every file of it can be read.

The same events happen to a v1 server in 2014 and, two years later, to Distribution: nodejs is pushed, another
image on the same base, nodejs again after it was built anew; then python's tag is deleted, and garbage is collected,
where the server has a collector.
"""

from __future__ import annotations

import datetime as dt
from functools import cache

from regviz.errors import RegvizError
from regviz.world.build import Build
from regviz.world.contents import noise, prose
from regviz.world.describe import Image, Layer, program
from regviz.world.distribution import DistributionWriter
from regviz.world.events import Collect, DeleteManifest, DeleteTag, Event, Push, World
from regviz.world.filetree import FileTree
from regviz.world.small import nodejs_image, python_image, rebuilt_nodejs_image
from regviz.world.v1 import V1Writer

STARTED = "0-started"
_YEARS = {"v1": 2014, "distribution": 2016}
_V1, _DISTRIBUTION = frozenset({"v1"}), frozenset({"distribution"})


def _day(layout: str, month: int, day: int, hour: int) -> dt.datetime:
    return dt.datetime(_YEARS[layout], month, day, hour, 30, tzinfo=dt.UTC)


@cache
def _steps(layout: str) -> tuple[tuple[str, Event], ...]:
    """What happens to the registry of this layout, and the name of the state that it leaves."""
    seen = frozenset({layout})
    started = (
        (
            "1-pushed",
            Push(repository="nodejs", at=_day(layout, 3, 27, 10), content=nodejs_image(), layouts=seen),
        ),
        (
            "2-shared",
            Push(
                repository="python",
                at=_day(layout, 3, 28, 17),
                content=python_image(),
                tags=("2.7",),
                mount_from="nodejs",
                layouts=seen,
            ),
        ),
        (
            "3-overwritten",
            Push(repository="nodejs", at=_day(layout, 4, 24, 15), content=rebuilt_nodejs_image(), layouts=seen),
        ),
    )
    at = _day(layout, 5, 21, 9)
    if layout == "v1":  # which has no collector
        return *started, ("4-untagged", DeleteTag(repository="python", at=at, tag="2.7", layouts=seen))
    return (
        *started,
        ("4-untagged", DeleteManifest(repository="python", at=at, content=python_image(), layouts=seen)),
        ("5-collected", Collect(at=_day(layout, 5, 22, 9), layouts=seen)),
    )


@cache
def article_world() -> World:
    """The article's registry with all that happens to it, in both layouts.

    Examples
    --------
    >>> [type(event).__name__ for event in article_world().events_in("distribution")]
    ['Push', 'Push', 'Push', 'DeleteManifest', 'Collect']
    """
    return World("article", tuple(event for layout in _YEARS for _, event in _steps(layout)))


def unfolding(layout: str) -> list[tuple[str, FileTree]]:
    """The storage of the article's registry after each step.

    Parameters
    ----------
    layout : {"v1", "distribution"}
        As server 0.6.6 or server 2.8 leaves it.

    Returns
    -------
    list of (str, FileTree)
        Named ``0-started``, ``1-pushed``, ``2-shared``, ``3-overwritten``, ``4-untagged``, and ``5-collected`` for
        Distribution. A registry that has only just started has written nothing.

    Raises
    ------
    RegvizError
        There is no such layout.

    Examples
    --------
    >>> [(name, len(list(tree))) for name, tree in unfolding("v1")]
    [('0-started', 0), ('1-pushed', 80), ('2-shared', 96), ('3-overwritten', 111), ('4-untagged', 109)]
    """
    if layout not in _YEARS:
        message = f"the article does not unfold in the layout {layout!r}; there are {', '.join(_YEARS)}"
        raise RegvizError(message)
    tree = FileTree(_day(layout, 3, 27, 8))
    writer = V1Writer(tree, "0.6.6") if layout == "v1" else DistributionWriter(tree, "2.8")
    states = [(STARTED, tree.copy())]
    for name, event in _steps(layout):
        writer.apply(event)
        states.append((name, tree.copy()))
    return states


@cache
def first_push_world() -> World:
    """A registry after its first push: an image of three steps, each of which writes a file or two.

    Examples
    --------
    >>> from regviz.world import storage_tree
    >>> len(list(storage_tree(first_push_world(), "v1")))
    19
    """
    pushes = (
        Push(repository="hello", at=_day(layout, 3, 26, 9), content=hello_image(), layouts=frozenset({layout}))
        for layout in _YEARS
    )
    return World("first push", tuple(pushes))


@cache
def hello_image() -> Image:
    """The article's image in small: a base, a program on it, and a line for the shell."""
    base = Layer(
        "",
        dt.datetime(2014, 3, 25, 7, 40, 12, 250000, tzinfo=dt.UTC),
        {
            "bin/sh": program(noise("hello sh", 2_000)),
            "etc/os-release": b"ID=small\nVERSION_ID=14.04\n",
            "usr/share/doc/notice": prose("hello notice", 6_000),
        },
        comment="Imported from -",
    )
    build = Build(dt.datetime(2014, 3, 26, 8, 55, tzinfo=dt.UTC))
    build.run(
        "install hello",
        {
            "usr/bin/hello": program(noise("hello program", 1_200)),
            "usr/share/doc/hello": prose("hello manual", 3_000),
        },
    )
    build.run(
        "echo 'export PATH=\"/opt/bin:$PATH\"' >> /root/.bash_profile",
        {"root/.bash_profile": b'export PATH="/opt/bin:$PATH"\n'},
    )
    return Image((base, *build.layers))
