"""How figures are asked for: the answer that each is drawn from."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from regviz.cli.choose import choose_rows, repository_matcher
from regviz.cli.options import LINKS
from regviz.errors import RegvizError
from regviz.text import escape_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes

    from regviz.cli.asked import Asked
    from regviz.layouts.common import Links
    from regviz.registry import Registry

_READING: dict[str, dict[str, Any]] = {
    "collectors": {"links": LINKS[1]},
    "garbage": {"links": LINKS[1]},
    "reconcile": {"measure": True},
}
"""What must be read for some answers that others do without."""


def _images(reg: Registry, references: Sequence[str]) -> Any:
    from regviz.analysis import compare_images

    return compare_images(reg, references or None)


def _steps(reg: Registry, references: Sequence[str]) -> Any:
    from regviz.analysis import steps_on_disk

    _take_none(references[1:])
    return steps_on_disk(reg, *references)


def _pulls(reg: Registry, references: Sequence[str]) -> Any:
    from regviz.analysis import compare_images, transfer_matrix

    chosen = references or [image["reference"] for image in compare_images(reg).attrs["images"]]
    return transfer_matrix(reg, chosen)


def _graph(reg: Registry, references: Sequence[str]) -> Any:
    from regviz.graph import layer_graph

    _take_none(references)
    return layer_graph(reg)


def garbage_by_collector(reg: Registry, references: Sequence[str] = ()) -> list[Any]:
    """What each collector would take that there is for a source.

    Raises
    ------
    RegvizError
        There is none.
    """
    from regviz.analysis import garbage
    from regviz.analysis.collectors import COLLECTORS

    _take_none(references)
    found, refused = [], []
    for name in COLLECTORS:
        try:
            found.append(garbage(reg, collector=name))
        except RegvizError as error:  # a collector of other sources
            refused.append(error)
    if not found:
        raise refused[0]
    return found


def _deleted(reg: Registry, references: Sequence[str]) -> Any:
    from regviz.analysis import what_if

    return what_if(reg, tags=references) if references else what_if(reg, repositories="*")


_OWN: dict[str, Callable[[Registry, Sequence[str]], Any]] = {
    "collectors": garbage_by_collector,
    "compare_images": _images,
    "forest": _graph,
    "grid": _images,
    "steps_on_disk": _steps,
    "transfer_matrix": _pulls,
    "what_if": _deleted,
}
"""Figures of what is no answer of a Registry alone."""
_CALLED = {
    "icicle": "composition",
    "layer_references": "layer_sizes",
    "tag_map": "tag_images",
    "treemap": "composition",
}
"""Figures that are not called like their answer."""
_OF_SEVERAL = ("compare_registries", "growth")
"""Figures of several sources."""


def names() -> list[str]:
    """The figures that can be asked for, as they are called on the command line."""
    from regviz import plot

    return [name.replace("_", "-") for name in plot.__all__ if name in {*_OWN, *_OF_SEVERAL} or _plain(name)]


def meaning(name: str) -> str:
    """What a figure shows, in a sentence."""
    from regviz import plot

    return (inspect.getdoc(getattr(plot, name.replace("-", "_"))) or "").partition("\n")[0]


def draw(name: str, asked: Asked, words: Sequence[str], by: str | None) -> Axes:
    """A figure of a source, as it was asked for.

    Raises
    ------
    click.UsageError
        There is no such figure, or it takes no such words.
    """
    from regviz import plot

    if name not in names():
        raise click.UsageError(f"There is no figure {escape_terminal(name)}; there are {', '.join(names())}.")
    name = name.replace("-", "_")
    reading: dict[str, Any] = _READING.get(name, {})
    links: Links = reading.get("links", LINKS[0])
    registry = asked.read(links=links, measure=bool(reading.get("measure")))
    others = [asked.read(word) for word in _sources(name, words)] if name in _OF_SEVERAL else []
    with asked.working("drawing"):
        if name in _OF_SEVERAL:
            answer: Any = _of_several(name, [registry, *others], by)
        elif name in _OWN:
            _take_no_grain(by)
            answer = _OWN[name](registry, words)
        else:
            _take_none(words)
            answer = _asked(name, registry, by)
        drawn: Axes = getattr(plot, name)(_chosen(answer, asked, [registry, *others][-1]))
    return drawn


def _plain(name: str) -> bool:
    """Whether an answer of this name takes a Registry, and needs nothing else."""
    from regviz import analysis

    name = _CALLED.get(name, name)
    if name not in analysis.__all__:
        return False
    first, *more = inspect.signature(getattr(analysis, name)).parameters.values()
    return first.name == "reg" and all(each.default is not each.empty for each in more)


def _asked(name: str, registry: Registry, by: str | None) -> Any:
    from regviz import analysis

    return _by(getattr(analysis, _CALLED.get(name, name)), by)(registry)


def _of_several(name: str, registries: Sequence[Registry], by: str | None) -> Any:
    from regviz import analysis

    if name == "compare_registries":
        _take_no_grain(by)
        return analysis.compare_registries(*registries)
    return _by(getattr(analysis, name), by)(registries)


def _by(function: Callable[..., Any], by: str | None) -> Callable[..., Any]:
    """An answer by the grain that was asked for, if it has any."""
    if by is None:
        return function
    if "by" not in inspect.signature(function).parameters:
        _take_no_grain(by)
    return partial(function, by=by)


def _chosen(answer: Any, asked: Asked, registry: Registry) -> Any:
    """The rows that were asked for; a graph and a grid have no rows that could be left out."""
    matches = repository_matcher(asked.repositories, asked.excluded)
    if matches is None and asked.tag is None and asked.top is None:
        return answer
    import pandas as pd

    if not isinstance(answer, pd.DataFrame) or "images" in answer.attrs or "having" in answer:
        raise click.UsageError("--repository, --exclude, --tag and --top cannot choose here; give references instead.")
    frame = choose_rows(answer, registry, matches, asked.tag)
    return frame if asked.top is None else frame.head(asked.top)


def _sources(name: str, words: Sequence[str]) -> Sequence[str]:
    if name == "compare_registries" and len(words) != 1:
        raise click.UsageError("Two registries are compared: give OLD and NEW.")
    return words


def _take_none(words: Sequence[str]) -> None:
    if words:
        raise click.UsageError(f"This figure takes a SOURCE alone, and no {escape_terminal(words[0])}.")


def _take_no_grain(by: str | None) -> None:
    if by is not None:
        raise click.UsageError("--by is not for this figure: its rows are always the same.")
