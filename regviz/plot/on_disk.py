"""The steps of an image, each with its layer, the bytes it added and the file that holds them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from regviz.plot.canvas import Text
from regviz.plot.labels import drawable, fit, instruction
from regviz.plot.marks import Mark, exact_bytes, in_lines, shortened
from regviz.plot.palette import EXCLUSIVE, INK, MUTED, RULE, SHARED, STATES
from regviz.plot.sheet import PAPER, Rect, Sheet, Stroke, key, paint, said_alone, shares, wide
from regviz.plot.style import SMALL_SIZE, TEXT_SIZE
from regviz.text import count_noun, format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from matplotlib.axes import Axes

_ROW, _LEAST_ROW = 17.0, 10.0
_BAR = 0.56
_ROWS = 60
"""Steps that are drawn each by itself."""
_DIGITS = 12
_BETWEEN = 10.0
_LEAST_BAR = 0.8
_LAYER_NAMES = {"v1": "image id", "docker-archive": "id or digest"}
_HASH = re.compile(r"\b([0-9a-f]{6})[0-9a-f]{58}\b")
"""What builders write of what they copied."""
_FOLDED = "more steps of less bytes"


@dataclass(frozen=True, slots=True)
class _Step:
    """A row: a step of the image, or those that are not shown each by itself."""

    number: str
    made_by: str
    name: str
    bytes: int | None
    path: str
    shared: bool
    present: bool
    much: str
    mark: Mark
    holds: bool = False
    named: bool = False
    """The tag names it, or it is the tag."""


def describe_steps_on_disk(table: pd.DataFrame, *, width: float = PAPER, height: float | None = None) -> Sheet:
    """Where everything lies in the picture that :func:`steps_on_disk` draws.

    Its series are ``own`` and ``shared``, a bar for each step whose layer is stored: of this image alone, or of others
    too.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.steps_on_disk` gives it.
    width, height : float
        Points; `height` is None where it may be as high as it needs.
    """
    title = _title(table)
    if table.empty:
        return said_alone(title, width)
    return _Layout(table, width, height).sheet(title)


class _Layout:
    """Columns of a width, and rows one below the other."""

    def __init__(self, table: pd.DataFrame, width: float, height: float | None) -> None:
        self.table, self.width = table, width
        self.root = str(table.attrs.get("root", ""))
        self.boxes, self.texts, self.top = key(_meanings(table), width, hollow=STATES["absent"])
        self.under: list[Stroke] = []
        self.bars: dict[str, list[Rect]] = {"own": [], "shared": []}
        self.marks: dict[str, list[Mark]] = {"own": [], "shared": []}
        leads = _documents(table, self.root)
        heads = 2 if table.attrs.get("base") else 0
        room = None if height is None else max(1, int((height - self.top) / _LEAST_ROW) - len(leads) - heads - 2)
        self.leads = leads
        self.steps = _steps(table, min(_ROWS, room or _ROWS))
        rows = len(self.steps) + len(leads) + heads + 2
        self.row = _ROW if height is None else max(_LEAST_ROW, min(_ROW, (height - self.top) / rows))
        self.size = TEXT_SIZE if self.row > _LEAST_ROW + 2 else SMALL_SIZE
        paths = max((wide(step.path, SMALL_SIZE) for step in (*self.steps, *leads)), default=0.0)
        digits = wide("0" * _DIGITS, SMALL_SIZE)
        self.left = 22.0
        self.path = width - min(paths + 2, width * 0.34)
        self.name = self.left + (self.path - self.left) * 0.46
        self.bar = self.name + digits + _BETWEEN
        if not paths:
            self.path = width

    def sheet(self, title: str) -> Sheet:
        """All of it."""
        longest = max((step.bytes or 0 for step in self.steps), default=0)
        value = max((wide(step.much, SMALL_SIZE) for step in self.steps if step.holds), default=0.0)
        room = max(1.0, self.path - self.bar - value - 2 * _BETWEEN)
        y = self.top + self.row * 0.8
        for text, x in zip(_heads(self.table, paths=self.path < self.width), self._columns(), strict=False):
            self.texts.append(Text(x, y, fit(text, self._room(x), SMALL_SIZE), SMALL_SIZE, MUTED))
        y += self.row * 0.6
        for lead in self.leads:
            y = self._line(lead, y, 0.0, room, is_step=False)
        base_steps = int(self.table.attrs.get("base_steps", 0))
        named = bool(self.table.attrs.get("base")) and len(self.steps) == len(self.table)
        for at, step in enumerate(self.steps):
            if named and at == 0:
                y = self._heading(f"FROM {drawable(str(self.table.attrs['base']))}", y, INK)
            if named and at == base_steps:
                y = self._heading("built on it", y, MUTED)
            y = self._line(step, y, longest, room, is_step=True)
        explanation = _explanation(self.table, self.root)
        return Sheet(
            title,
            explanation,
            _description(self.table, explanation),
            self.width,
            y + 4,
            shares(self.bars, self.marks),
            tuple(self.boxes),
            tuple(self.under),
            texts=tuple(self.texts),
        )

    def _columns(self) -> tuple[float, float, float, float]:
        return self.left, self.name, self.bar, self.path

    def _room(self, x: float) -> float:
        """Points from a column to the next."""
        after = next((other for other in (*self._columns(), self.width + _BETWEEN) if other > x), self.width)
        return (after - x - _BETWEEN) / 1.1

    def _heading(self, words: str, y: float, colour: str) -> float:
        said = fit(words, (self.width - self.left) / 1.1, self.size)
        self.texts.append(Text(self.left, y + self.row / 2, said, self.size, colour))
        return y + self.row

    def _line(self, step: _Step, y: float, longest: float, room: float, *, is_step: bool) -> float:
        middle, below = y + self.row / 2, y + self.row
        self.under.append(Stroke(((0.0, below), (self.width, below)), RULE, 0.5))
        self.texts.append(Text(self.left - 6, middle, step.number, SMALL_SIZE, MUTED, "right"))
        said = fit(step.made_by, self._room(self.left), self.size)
        self.texts.append(Text(self.left, middle, said, self.size, INK if is_step else MUTED))
        self.texts.append(Text(self.name, middle, step.name, SMALL_SIZE, bold=step.named))
        end = self.bar
        if is_step and step.holds:
            reach = max(_LEAST_BAR, (step.bytes or 0) * room / longest) if longest else _LEAST_BAR
            series = "shared" if step.shared else "own"
            colour = STATES["absent"] if not step.present else SHARED if step.shared else EXCLUSIVE
            box = Rect(self.bar, middle - self.row * _BAR / 2, reach, self.row * _BAR, colour, hollow=not step.present)
            self.bars[series].append(box)
            self.marks[series].append(step.mark)
            end += reach + 5
        much = fit(step.much, (self.path - end - _BETWEEN / 2) / 1.1, SMALL_SIZE)
        self.texts.append(Text(end, middle, much, SMALL_SIZE, MUTED))
        self.texts.append(
            Text(self.path, middle, fit(step.path, (self.width - self.path) / 1.1, SMALL_SIZE), SMALL_SIZE)
        )
        return below


def _documents(table: pd.DataFrame, root: str) -> list[_Step]:
    """What leads to the steps, as rows above them."""
    found = []
    for lead in table.attrs.get("documents", ()):
        is_tag = lead["what"] == "tag"
        what = f"tag {drawable(str(table.attrs['reference']))}" if is_tag else lead["what"]
        much = "" if lead["bytes"] is None else format_bytes(lead["bytes"])
        path = _shown(lead["path"] or "", root)
        named = is_tag or lead["key"] == table.attrs["documents"][0]["key"]
        found.append(_Step("", what, _short(lead["key"]), None, path, False, True, much, Mark(what), named=named))
    return found


def _steps(table: pd.DataFrame, most: int) -> list[_Step]:
    """The steps, the first at the top; of too many those of the most bytes, and the others summed up."""
    bare = table.attrs.get("layout") in _LAYER_NAMES
    rows = [_step(row, table, bare=bare) for row in _plain(table)]
    if len(rows) <= most:
        return rows
    kept = {*sorted(range(len(rows)), key=lambda at: (-(rows[at].bytes or 0), at))[: max(0, most - 1)]}
    others = [row for at, row in enumerate(rows) if at not in kept]
    size = sum(row.bytes or 0 for row in others)
    words = f"{len(others):,} {_FOLDED}"
    mark = Mark(in_lines(words, exact_bytes(size)))
    folded = _Step("", words, "", size, "", False, True, format_bytes(size), mark, holds=True)
    return [*(rows[at] for at in sorted(kept)), folded]


def _plain(table: pd.DataFrame) -> Iterator[Any]:
    """The rows, None for NA."""
    return table.astype(object).where(table.notna(), None).itertuples(index=False)


def _step(row: Any, table: pd.DataFrame, *, bare: bool) -> _Step:
    made_by = instruction(row.created_by) or "(not said)"
    holds, is_there, others = row.blob is not None, row.present is not False, row.shared_with or 0
    label = in_lines(
        f"Step {row.step}",
        shortened(made_by),
        f"Layer {row.layer}" if holds else "It changed the configuration, and no file.",
        f"Blob {row.blob}" if holds else "",
        exact_bytes(row.bytes) if row.bytes is not None else "",
        "" if is_there else "not here",
        row.path or "",
        f"Linked by {row.link}" if row.link else "",
        f"In {count_noun(others, 'other image')}" if holds else "",
    )
    size = "" if row.bytes is None else format_bytes(row.bytes)
    return _Step(
        str(row.step),
        _HASH.sub(r"\1…", drawable(made_by)),
        _short((row.layer if bare else row.blob) or ""),
        row.bytes,
        _shown(row.path or "", str(table.attrs.get("root", ""))),
        others > 0,
        is_there,
        (size if is_there else f"{size}, not here".removeprefix(", ")) if holds else "no file",
        Mark(label, words=(shortened(made_by),)),
        holds=holds,
        named=row.layer == table.attrs["manifest"],
    )


def _short(name: str) -> str:
    """The first digits: as many as tell names apart at a glance, without the algorithm."""
    return drawable(name.rpartition(":")[2][:_DIGITS])


def _shown(path: str, root: str) -> str:
    """A path below the root, its long names cut."""
    below = path.removeprefix(f"{root}/") if root else path
    parts = [f"{part[:_DIGITS]}…" if len(part) > 2 * _DIGITS else part for part in below.split("/")]
    return drawable("/".join(parts))


def _heads(table: pd.DataFrame, *, paths: bool) -> tuple[str, ...]:
    name = _LAYER_NAMES.get(str(table.attrs.get("layout")), "digest")
    return ("step", name, "bytes", *(("file",) if paths else ()))


def _meanings(table: pd.DataFrame) -> list[tuple[str, str]]:
    held = table[table["blob"].notna()]
    shared, absent = held["shared_with"].fillna(0) > 0, held["present"].astype("boolean").eq(False).fillna(False)
    return [
        *([(EXCLUSIVE, "a layer of this image alone")] if (~shared & ~absent).any() else []),
        *([(SHARED, "a layer that other images have too")] if (shared & ~absent).any() else []),
        *([(STATES["absent"], "not here")] if absent.any() else []),
    ]


def _title(table: pd.DataFrame) -> str:
    """The finding: how many steps, how many files, how many bytes."""
    if table.empty:
        return "There is no tagged image"
    reference, held = drawable(str(table.attrs["reference"])), table.dropna(subset="blob").drop_duplicates("blob")
    where = "file" if table["path"].notna().any() else "blob"
    size = format_bytes(int(table.attrs["layer_bytes"]))
    stored = f"{count_noun(len(held), where)} of layers, {size}"
    steps = count_noun(len(table), "step")
    rest = len(table) - int(table["blob"].notna().sum())
    without = f"; {count_noun(rest, 'step')} left no file" if rest else ""
    return f"The {steps} of {reference} lie in {stored}{without}"


def _explanation(table: pd.DataFrame, root: str) -> str:
    below = f" Files lie below {drawable(root)}." if root and table["path"].notna().any() else ""
    if table.attrs.get("layout") == "v1":
        return f"Each step is an image of its own: a folder with json, ancestry and layer.{below}"
    if table.attrs.get("layout") in ("distribution", "oci"):
        return f"Layers lie under the digest of their bytes; the configuration says which step made which.{below}"
    return "Layers by the step that made them."


def _description(table: pd.DataFrame, explanation: str) -> str:
    told = [
        f"{row.step}: {instruction(row.created_by) or 'not said'}, "
        + (f"{_short(row.blob)}, {format_bytes(row.bytes)}" if row.blob else "no file")
        for row in _plain(table.head(_ROWS))
    ]
    more = f" And {len(table) - _ROWS:,} more." if len(table) > _ROWS else ""
    return f"{count_noun(len(table), 'step')}, the base first. {'; '.join(map(drawable, told))}.{more} {explanation}"


def steps_on_disk(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    r"""The steps of an image: what made each, its id or digest, its bytes, and the file that holds them.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.steps_on_disk` gives it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own, as high as it needs.

    Returns
    -------
    matplotlib.axes.Axes
        Its coordinates are points from its upper left corner.

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis import steps_on_disk as answer
    >>> from regviz.share import folder
    >>> axes = steps_on_disk(answer(rv.read(folder("data") / "world-v1.tar.gz"), "nodejs"))
    >>> axes.get_title(loc="left").replace("\n", " ")
    'The 16 steps of nodejs lie in 16 files of layers, 113 KiB'
    """
    return paint(lambda width, height: describe_steps_on_disk(table, width=width, height=height), ax)
