"""Parts within parts: an answer of composition as a tree, with what is said of each part and its colour."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from regviz.plot.labels import drawable, instruction, percent
from regviz.plot.marks import Mark
from regviz.plot.palette import OTHERS, repository_colours
from regviz.text import count_noun, format_bytes, short_digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

NOUNS = {
    "namespace": ("namespace", "namespaces"),
    "repository": ("repository", "repositories"),
    "tag": ("tag", "tags"),
    "blob": ("blob", "blobs"),
}
LEVELS = tuple(NOUNS)
_NAMELESS = "(no namespace)"


@dataclass(slots=True)
class Part:
    """A part of what tags reach, with the parts it is divided into.

    Attributes
    ----------
    level : int
        Which of `LEVELS` it is; -1 for the whole.
    label : str
        What it is called, as it can be drawn.
    bytes, parts : int
        Its bytes, and how many of its level it stands for.
    colour : str
    mark : Mark
    inner : list of Part
        The largest first, what stands for several last.
    """

    level: int
    label: str
    bytes: int
    parts: int
    colour: str
    mark: Mark
    inner: list[Part] = field(default_factory=list)

    def every(self) -> Iterator[Part]:
        """It and all parts in it, each before what is in it."""
        yield self
        for part in self.inner:
            yield from part.every()


def tree_of(table: pd.DataFrame) -> Part:
    """The parts of an answer of :func:`regviz.analysis.composition`."""
    colours = repository_colours(table.attrs["layer_bytes"])
    whole = Part(-1, "", 0, 1, OTHERS, Mark("all that tags reach"))
    known: dict[tuple[Any, ...], Part] = {}
    plain = table.astype(object).where(table.notna(), None)
    for row in plain.to_dict("records"):
        if not row["bytes"]:
            continue
        depth = LEVELS.index(row["level"])
        part = whole
        path: tuple[Any, ...] = ()
        whole.bytes += row["bytes"]
        for level in range(depth):
            path = (*path, row[LEVELS[level]])
            if path not in known:
                known[path] = _part(row, level, colours)
                part.inner.append(known[path])
            part = known[path]
            part.bytes += row["bytes"]
        part.inner.append(_part(row, depth, colours, row["bytes"], row["parts"]))
    for part in whole.every():
        if part.inner and part.level >= 0:
            part.mark = _inner_mark(part)
    return whole


def merged(parts: list[Part]) -> Part:
    """Parts of one level and one parent as one."""
    count, size = sum(part.parts for part in parts), sum(part.bytes for part in parts)
    first = parts[0]
    label = count_noun(count, *(f"other {noun}" for noun in NOUNS[LEVELS[first.level]]))
    owners = first.mark.repositories if first.level > 1 else ()
    colour = first.colour if first.level > 1 else OTHERS
    return Part(first.level, label, size, count, colour, Mark(f"{label}\n{_size(size)}", owners))


def _part(row: dict[Any, Any], level: int, colours: dict[str, str], size: int = 0, parts: int = 1) -> Part:
    colour = OTHERS if level == 0 or (parts > 1 and level == 1) else colours.get(row["repository"], OTHERS)
    owners = (str(row["repository"]),) if level and row["repository"] else ()
    if parts > 1:
        label = count_noun(parts, *(f"other {noun}" for noun in NOUNS[LEVELS[level]]))
        where = _place(row, level - 1)
        return Part(
            level, label, size, parts, colour, Mark(f"{label}{f' of {where}' if where else ''}\n{_size(size)}", owners)
        )
    label = _label(row, level)
    said = [_place(row, level), _size(size), *([row["created_by"]] if level == 3 and row["created_by"] else [])]
    words = (str(row["blob"]),) if level == 3 and row["blob"] else ()
    return Part(level, label, size, 1, colour, Mark("\n".join(said), owners, words))


def _label(row: dict[Any, Any], level: int) -> str:
    """What stands in it."""
    if level == 3:
        made = instruction(row["created_by"])
        return drawable(
            made or (row["kind"] if row["kind"] in ("config", "manifest") else short_digest(str(row["blob"])))
        )
    name = row[LEVELS[level]]
    return drawable(_NAMELESS if name is None else str(name))


def _place(row: dict[Any, Any], level: int) -> str:
    """Where it lies, in whole names."""
    if level <= 0:
        return str(row["namespace"] or _NAMELESS) if level == 0 else ""
    tagged = f"{row['repository']}:{row['tag']}" if level > 1 else str(row["repository"])
    return f"{tagged}\n{row['kind'] or 'blob'} {row['blob']}" if level == 3 else tagged


def _inner_mark(part: Part) -> Mark:
    """What is said of a part that is divided, now that its bytes are known."""
    first = part.mark.label.split("\n")[0]
    return Mark(f"{first}\n{_size(part.bytes)}", part.mark.repositories, part.mark.words)


def _size(size: int) -> str:
    return f"{size:,} bytes as the fair share"


def height_for(table: pd.DataFrame) -> float:
    """Points that a picture of so many tags needs."""
    return min(460.0, 140.0 + 20.0 * int(table.attrs["tags"]))


def title_of(table: pd.DataFrame) -> str:
    """The finding: how few tags have half of what all reach."""
    facts = table.attrs
    tags, whole = facts["tags"], format_bytes(facts["tagged_bytes"])
    if not tags:
        return "No tag reaches any bytes"
    if tags == 1:
        return f"One tag has all {whole}"
    half = facts["half_tags"]
    some = "one" if half == 1 else f"{half:,}"
    in_all = f"{tags:,} tags ({percent(half, tags)})"
    return f"Half of the {whole} that tags reach is the fair share of {some} of {in_all}"


def together(whole: Part) -> str:
    """What shares a part with others, in a sentence; empty where nothing does."""
    counts = dict.fromkeys(range(len(LEVELS)), 0)
    for part in whole.every():
        counts[part.level] = counts.get(part.level, 0) + (part.parts if part.parts > 1 else 0)
    said = [count_noun(counts[level], *NOUNS[name]) for level, name in enumerate(LEVELS) if counts[level]]
    return f" What is small shares a part with its neighbours: {', '.join(said)}." if said else ""
