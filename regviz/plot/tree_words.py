"""What is said in the forest of layers: names, bytes and counts, as much of each as there is room for, none cut."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from regviz.plot.branches import roots
from regviz.plot.labels import ELLIPSIS, drawable, fit, fit_all, percent, text_width
from regviz.plot.style import SMALL_SIZE, TEXT_SIZE
from regviz.text import count_noun, format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from regviz.plot.branches import Branch

_TAGS_NAMED = 4
_INSTRUCTION = (54.0, 100.0)
"""Points: no instruction is shown in less than the first, none cut in less than the second."""
_LEAST_NAME = 80.0
_NAME_SHARE = 0.45
_BETWEEN = 8.0
_LOPSIDED = 3
"""So long a run has a largest layer worth telling."""


def tag_words(tags: Sequence[str], more: int = 0) -> str:
    """Tags, those of one repository after its name, and how many more there are.

    Examples
    --------
    >>> tag_words(["api:2", "web:1.0", "web:latest"]), tag_words(["api:2"], 3)
    ('api:2; web:1.0, latest', 'api:2 and 3 others')
    """
    grouped: dict[str, list[str]] = {}
    for tag in tags:
        repository, _, name = tag.rpartition(":")
        grouped.setdefault(repository, []).append(name)
    said = drawable("; ".join(f"{repository}:{', '.join(names)}" for repository, names in grouped.items()))
    return f"{said} and {count_noun(more, 'other')}" if more else said


def _fitting(tags: Sequence[str], room: float, size: float) -> str:
    """As many tags as there is room for, none of them cut; empty where there is not room for one."""
    named = range(min(len(tags), _TAGS_NAMED), 0, -1)
    return _first((tag_words(tags[:count], len(tags) - count) for count in named), room, size)


def short_tag_words(tags: Sequence[str], room: float, size: float) -> str:
    """As much of the tags as there is room for (points); of the first, its repository tells most.

    Examples
    --------
    >>> [short_tag_words(["team/web:1.0", "team/web:latest"], room, 8) for room in (90, 75, 60, 50, 30, 10)]
    ['team/web:1.0, latest', 'team/web:1.0 +1', '…/web:1.0 +1', 'team/web', '…/web', '']
    """
    first, more = drawable(tags[0]), f" +{len(tags) - 1:,}" if len(tags) > 1 else ""
    repository, base = first.rpartition(":")[0], first.rpartition("/")[2]
    parent = f"{ELLIPSIS}/" if "/" in repository else ""
    last = parent + base.rpartition(":")[0]
    shorter = (first + more, f"{parent}{base}{more}", first, repository, last)
    said = _fitting(tags, room, size) or _first(shorter, room, size)
    return said or (fit(last, room, size, end=True) if room >= _LEAST_NAME / 2 else "")


def leaf_names(branches: Sequence[Branch], rooms: Sequence[float]) -> list[str]:
    """The tags of each branch on which nothing shown grows, cut only where not even the first has room."""
    heads, tails, widths = [], [], []
    for branch, room in zip(branches, rooms, strict=True):
        said, others = _fitting(branch.tags, room, TEXT_SIZE), len(branch.tags) - 1
        if said or not branch.tags:
            head, tail = said, ""
        else:
            head, tail = drawable(branch.tags[0]), f" and {count_noun(others, 'other')}" if others else ""
            if room - text_width(tail, TEXT_SIZE) < _LEAST_NAME:
                tail = f" +{others:,}"
        heads.append(head)
        tails.append(tail)
        widths.append(room - text_width(tail, TEXT_SIZE))
    cut = fit_all(heads, widths, TEXT_SIZE)
    return [head + tail if head else "" for head, tail in zip(cut, tails, strict=True)]


def leaf_need(branch: Branch, hidden: Sequence[Branch]) -> float:
    """Points for its first tag, its bytes, and all that is said of what else grows on it."""
    name = text_width(tag_words(branch.tags[:1], len(branch.tags) - 1), TEXT_SIZE) + _BETWEEN if branch.tags else 0.0
    words = [branch.length, *others(hidden)[:1]] if hidden else [branch.length]
    return name + text_width("   ".join(words), SMALL_SIZE) + _BETWEEN


def name_room(branch: Branch, hidden: Sequence[Branch], room: float) -> float:
    """How much of the room beside such a branch its tags may take: all but what must be said of the rest."""
    least = "  ".join(filter(None, (branch.length, others(hidden)[-1] if hidden else "")))
    return max(room * _NAME_SHARE, room - text_width(least, SMALL_SIZE) - _BETWEEN)


def leaf_rest(branch: Branch, hidden: Sequence[Branch], room: float) -> str:
    """What is said of it after its tags: bytes, what made it, what else grows on it; counts are never cut."""
    own = (much(branch), f"{times(branch)}  {branch.length}") if len(branch.layers) > 1 else (branch.length,)
    more = others(hidden) if hidden else [""]
    ways = [f"{size}   {rest}".strip() for rest, size in product(more, own)]
    said = _first([*ways, *more], room, SMALL_SIZE)
    if said != ways[0] or not branch.instruction:
        return said
    left = room - text_width(f"{said}     ", SMALL_SIZE)
    made = _made(branch, left)
    return "   ".join(filter(None, (f"{own[0]}  {made}", more[0]))) if made else said


def line_words(branch: Branch, room: float, dots: int) -> tuple[str, str]:
    """What stands above and below the line that leaves a branch with so many dots."""
    size = branch.length
    if branch.tags:
        return short_tag_words(branch.tags, room, SMALL_SIZE), _first([size], room, SMALL_SIZE)
    if len(branch.layers) == 1:
        return _made(branch, room), _first([size], room, SMALL_SIZE)
    full = much(branch)
    largest = max(branch.layer_bytes)
    if dots >= _LOPSIDED and 2 * largest > branch.bytes:
        full = _first([f"{full}, the largest {format_bytes(largest)}", full], room, SMALL_SIZE) or full
    if text_width(full, SMALL_SIZE) <= room:
        return _made(branch, room), full
    count = _first([count_noun(len(branch.layers), "layer"), times(branch)], room, SMALL_SIZE)
    return count, _first([size], room, SMALL_SIZE)


def times(branch: Branch) -> str:
    """The layers of a run where there is room for little."""
    return f"×{len(branch.layers):,}"


def much(branch: Branch) -> str:
    """The layers of a run and their bytes."""
    return f"{count_noun(len(branch.layers), 'layer')}, {branch.length}"


def _made(branch: Branch, room: float) -> str:
    text = branch.instruction if room >= _INSTRUCTION[0] else ""
    short = fit(text, room, SMALL_SIZE)
    return short if short == text or room >= _INSTRUCTION[1] else ""


def others(hidden: Sequence[Branch]) -> list[str]:
    """What is said of branches that have no room, the most telling first."""
    layers, size = sum(branch.total_layers for branch in hidden), sum(branch.total_bytes for branch in hidden)
    tags = sum(branch.total_tags for branch in hidden)
    words = ("more branch", "more branches") if hidden[0].level else ("more root", "more roots")
    count, held = f"+ {count_noun(len(hidden), *words)}", f"{count_noun(layers, 'layer')}, {format_bytes(size)}"
    tagged = [f"{count}: {held}, {count_noun(tags, 'tag')}"] if tags else []
    return [*tagged, f"{count}: {held}", f"{count}, {format_bytes(size)}", count, f"+ {len(hidden):,}"]


def others_words(hidden: Sequence[Branch], room: float) -> str:
    """As much of it as there is room for."""
    return _first(others(hidden), room, SMALL_SIZE)


def _first(texts: Iterable[str], room: float, size: float) -> str:
    return next((text for text in texts if text_width(text, size) <= room), "")


def forest_title(found: Sequence[Branch]) -> str:
    """The finding: how many roots, and how much the largest bears."""
    bottom = [found[at] for at in roots(found)]
    layers, size = sum(branch.total_layers for branch in bottom), sum(branch.total_bytes for branch in bottom)
    if not bottom:
        return "There is no layer"
    if layers == 1:
        return "One layer"
    if len(bottom) == 1:
        return f"All {layers:,} layers grow from one root"
    if len(bottom) == layers:
        return f"{layers:,} layers, none on another"
    most = percent(max(branch.total_bytes for branch in bottom), size)
    return f"{layers:,} layers grow from {len(bottom):,} roots; the largest bears {most} of their bytes"


def forest_explanation(
    bottom: Sequence[Branch],
    shown: Sequence[Branch],
    sizes: Sequence[int],
    alike: int,
    said: str,
    *,
    runs: bool,
    short: bool,
    tags: bool,
) -> str:
    """How to read the marks, and what was left out.

    Parameters
    ----------
    bottom, shown : sequence of Branch
        All roots, and whatever is shown.
    sizes : sequence of int
        Bytes of the dots.
    alike : int
        Dots of no more bytes than this are of one size.
    said : str
        What the colour of a dot means.
    runs : bool
        Whether a dot is a whole run of layers.
    short, tags : bool
        Whether runs are counted with a cross, and further tags with a plus.
    """
    text = "Each layer stands on the one to its left, a root on nothing. The area of a dot is its bytes: "
    text += f"the largest has {format_bytes(max(sizes))}"
    few = [size for size in sizes if size <= alike]
    text += f"; those up to {format_bytes(alike)} look alike." if min(few, default=0) < max(few, default=0) else "."
    text += f" {said}"
    if runs:
        text += " Where there is no room for each, layers in a row are one dot."
    if short:
        text += " ×6 is six layers in a row."
    if tags:
        text += " +2 is two more tags."
    layers = sum(branch.total_layers for branch in bottom) - sum(len(branch.layers) for branch in shown)
    if layers:
        size = sum(branch.total_bytes for branch in bottom) - sum(branch.bytes for branch in shown)
        text += f" Left out: {count_noun(layers, 'layer')} of smaller branches, {format_bytes(size)}."
    return text
