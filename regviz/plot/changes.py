"""What differs between two registries, by repository: what went to the left, what came to the right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.collections import LineCollection
from matplotlib.patches import Patch

from regviz.plot.canvas import (
    HINTING,
    MARGIN,
    TEXT_LINE,
    WIDTH,
    Picture,
    Text,
    axes_size,
    paper,
    put_legend,
    put_texts,
)
from regviz.plot.labels import drawable, fit, fit_all, text_width
from regviz.plot.marks import Mark
from regviz.plot.palette import APPEARED, INK, MUTED, RULE, WENT
from regviz.plot.shapes import put_shapes, rectangle
from regviz.plot.stacking import exact
from regviz.plot.style import SMALL_SIZE, TEXT_SIZE, style
from regviz.text import count_noun, format_bytes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.path import Path

ROWS = 24
_ROW, _LINE, _BAR = 32.0, 11.5, 15.0
_LABEL = 0.34
"""Part of the width that words have at most."""
_WORDS = (("appeared", "new"), ("moved", "moved"), ("went", "gone"), ("unknown", "unknown"))
_NOTED = (*_WORDS, ("same", "the same"))
_BASES = {
    "manifest": "of blobs that lie nowhere in the other registry",
    "image ID": "of tags: the bytes of one registry are not those of the other, so tags were compared by image ID",
    "name": "of tags: the two registries name content differently, so tags were compared by name alone",
}


@dataclass(frozen=True, slots=True)
class Change:
    """A repository in which something differs.

    Attributes
    ----------
    repository, label, note : str
        Its name, as it can be drawn; what became of its tags.
    went, came : int
        What only the older registry has, and what only the newer has: bytes, or tags.
    """

    repository: str
    label: str
    note: str
    went: int
    came: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What :func:`compare_registries` draws.

    Attributes
    ----------
    title, explanation, description : str
    unit : str
        ``bytes``, or ``tags`` where the two registries do not name content alike.
    changes : tuple of Change
        Where most differs first.
    rest : str
        What is said of what is left out; empty where there is nothing.
    """

    title: str
    explanation: str
    description: str
    unit: str = "bytes"
    changes: tuple[Change, ...] = ()
    rest: str = ""

    def value(self, count: int) -> str:
        """What stands at a bar."""
        return format_bytes(count) if self.unit == "bytes" else count_noun(count, "tag")


def describe_compare_registries(table: pd.DataFrame, *, rows: int = ROWS) -> Changes:
    """The bars, labels and sentences that :func:`compare_registries` draws.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.compare_registries` gives it.
    rows : int
        How many bars there is room for; one is given up for a sentence about the others.
    """
    unit = "bytes" if table.attrs["missing_bytes"] is not None else "tags"
    every = _changes(table, unit)
    title = _title(table, len(every))
    same = int(table.attrs["repository"]["same"])
    if not every:
        return Changes(title, "", title, unit)
    every.sort(key=lambda change: (-(change.went + change.came), change.repository))
    shown = len(every) if len(every) <= rows else max(rows - 1, 1)
    explanation = f"Bars are the sums {_BASES[table.attrs['basis']]}"
    explanation += "; what several repositories have counts in each of them." if unit == "bytes" else "."
    if not table.attrs["complete"]:
        explanation += " Not everything could be read: what seems to be gone or new may be in both."
    if same:
        explanation += f" Left out: {count_noun(same, 'repository', 'repositories')} without a change."
    rest = ""
    if shown < len(every):
        left = every[shown:]
        most = max(change.went + change.came for change in left)
        others = count_noun(len(left), "other repository", "other repositories")
        of_each = f"{format_bytes(most)}" if unit == "bytes" else count_noun(most, "tag")
        rest = f"{others}, with at most {of_each} each"
    changes = tuple(every[:shown])
    told = Changes(title, explanation, "", unit, changes, rest)
    said = "; ".join(
        f"{change.label}: {told.value(change.went)} gone, {told.value(change.came)} new" for change in changes[:5]
    )
    more = f"; and {len(changes) - 5} more rows" if len(changes) > 5 else ""
    description = f"{count_noun(len(changes), 'row')} of bars to both sides. {said}{more}. {rest} {explanation}"
    return Changes(title, explanation, description, unit, changes, rest)


def _changes(table: pd.DataFrame, unit: str) -> list[Change]:
    """The repositories in which anything differs or may differ."""
    tags = table[table["what"] == "tag"]
    counted: dict[str, dict[str, int]] = {}
    for repository, word in zip(tags["repository"].tolist(), tags["change"].fillna("unknown").tolist(), strict=True):
        of_tags = counted.setdefault(repository, {})
        of_tags[word] = of_tags.get(word, 0) + 1
    rows = table[(table["what"] == "repository") & (table["change"].fillna("unknown") != "same")]
    bytes_of = [rows[name].fillna(0).astype("int64").tolist() for name in ("missing_bytes", "added_bytes")]
    found = []
    for repository, fate, *sizes in zip(
        rows["repository"].tolist(), rows["change"].fillna("unknown").tolist(), *bytes_of, strict=True
    ):
        of_tags = counted.get(repository, {})
        note = ", ".join(f"{of_tags[word]:,} {said}" for word, said in _NOTED if of_tags.get(word))
        note = f"tags: {note}" if note else "without a tag"
        if fate in ("appeared", "went"):
            note = f"{dict(_WORDS)[fate]} repository; {note}"
        went, came = sizes if unit == "bytes" else (of_tags.get("went", 0), of_tags.get("appeared", 0))
        found.append(Change(repository, drawable(repository), note, went, came))
    return found


def _title(table: pd.DataFrame, count: int) -> str:
    """The finding: what came and what went, in bytes where those can be compared, and in tags."""
    tags = table.attrs["tag"]
    counted = ", ".join(f"{tags[word]:,} {said}" for word, said in _WORDS if tags[word])
    if not count:
        return f"No tag differs: {int(tags['same']):,} in both" if tags["same"] else "There is no tag in either"
    if table.attrs["missing_bytes"] is None:
        return f"Tags: {counted or 'none differs'}; their bytes cannot be compared"
    came, went = (int(table.attrs[f"{name}_bytes"]) for name in ("added", "missing"))
    stayed = int(table.attrs["new_bytes"]) - came
    sums = f"{format_bytes(came)} came, {format_bytes(went)} went and {format_bytes(stayed)} stayed"
    return f"{sums}; tags: {counted or 'none differs'}"


def compare_registries(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Bars of what each repository lost to the left, and of what it gained to the right.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.compare_registries` gives it. Where the two registries do not name content alike,
        bars count tags.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own, as high as it needs.

    Returns
    -------
    matplotlib.axes.Axes
        Its coordinates are points from its upper left corner.

    Examples
    --------
    >>> import regviz as rv
    >>> reg = rv.read()
    >>> compare_registries(rv.compare_registries(reg, reg)).get_title(loc="left")
    'No tag differs: 22 in both'
    """
    with style():
        rows = ROWS if ax is None else max(2, int(axes_size(ax)[1] / _ROW))
        return _draw(describe_compare_registries(table, rows=rows), ax)


def _draw(told: Changes, ax: Axes | None) -> Axes:
    above = TEXT_LINE + 12 if told.changes else 0
    height = len(told.changes) * _ROW + (TEXT_LINE + 6 if told.rest else 0)
    marks = {name: [mark for mark in _marks(told, name) if mark] for name in ("went", "came")}
    width = WIDTH - 2 * MARGIN if ax is None else axes_size(ax)[0]
    ax = paper(told, width, height, ax, above=above, marks=marks)
    if told.changes:
        _put_changes(ax, told, width)
        gone, new = any(change.went for change in told.changes), any(change.came for change in told.changes)
        said = ((gone, Patch(color=WENT), "gone"), (new, Patch(color=APPEARED), "new"))
        if gone or new:
            handles, words = zip(*((handle, word) for occurs, handle, word in said if occurs), strict=True)
            put_legend(ax, handles, words, left=0, above=8)
    return ax


def _marks(told: Changes, name: str) -> list[Mark | None]:
    """What is said of the bars of one side; None where there is no bar."""
    word = {"went": "gone", "came": "new"}[name]
    said: list[Mark | None] = []
    for change in told.changes:
        count = change.went if name == "went" else change.came
        size = exact(count) if told.unit == "bytes" else told.value(count)
        label = f"{change.repository}\n{size} {word}\n{change.note}"
        said.append(Mark(label, (change.repository,)) if count else None)
    return said


def _put_changes(ax: Axes, told: Changes, width: float) -> None:
    changes = told.changes
    labels = fit_all([change.label for change in changes], width * _LABEL, TEXT_SIZE)
    notes = [fit(change.note, width * _LABEL, SMALL_SIZE) for change in changes]
    left = max(text_width(label, TEXT_SIZE) for label in labels)
    left = max(left, *(text_width(note, SMALL_SIZE) for note in notes))
    left = left * (1.0 if isinstance(ax, Picture) else HINTING) + 12
    sides = [[change.went for change in changes], [change.came for change in changes]]
    values = [[told.value(count) if count else "" for count in side] for side in sides]
    rooms = [max(text_width(value, SMALL_SIZE) for value in side) + 5 for side in values]
    longest = [max(side) for side in sides]
    unit = (width - left - sum(rooms)) / max(1, sum(longest))
    axis = left + rooms[0] + longest[0] * unit
    texts: list[Text] = []
    for side, (name, colour) in enumerate((("went", WENT), ("came", APPEARED))):
        sign, anchor, paths = (-1, "right", []) if side == 0 else (1, "left", [])
        for at, count in enumerate(sides[side]):
            if count:
                end = axis + sign * max(0.8, count * unit)
                paths.append(_bar(axis, end, at * _ROW + _ROW / 2))
                texts.append(Text(end + sign * 4, at * _ROW + _ROW / 2, values[side][at], SMALL_SIZE, MUTED, anchor))
        if paths:
            put_shapes(ax, paths, colour, name)
    for at, (label, note) in enumerate(zip(labels, notes, strict=True)):
        middle = at * _ROW + _ROW / 2
        texts += [
            Text(0, middle - _LINE / 2, label, TEXT_SIZE, INK),
            Text(0, middle + _LINE / 2, note, SMALL_SIZE, MUTED),
        ]
    middle_line = [[(axis, 0.0), (axis, len(changes) * _ROW)]]
    ax.add_collection(LineCollection(middle_line, colors=RULE, linewidths=1.0, clip_on=False), autolim=False)
    if told.rest:
        texts.append(Text(0, len(changes) * _ROW + 8, fit(told.rest, width, TEXT_SIZE), TEXT_SIZE, MUTED))
    put_texts(ax, texts)


def _bar(start: float, end: float, middle: float) -> Path:
    return rectangle(start, middle - _BAR / 2, end, middle + _BAR / 2)
