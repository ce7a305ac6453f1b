"""Figures of the lessons: where an image's digests come from, and what each layout keeps of it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from regviz.plot.canvas import Text
from regviz.plot.marks import Mark
from regviz.plot.palette import EXCLUSIVE, MUTED, ON_SHARED, OTHERS, SHARED, STATES
from regviz.plot.rows import Row, Rows, Span, draw_rows
from regviz.plot.sheet import Rect, Series, Sheet, Stroke, paint
from regviz.plot.style import SMALL_SIZE, style
from regviz.text import count_noun, format_bytes, short_digest

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_COLUMNS = {"chain ID": 59.0, "diff ID": 209.0, "tar": 363.0, "blob": 503.0, "layer digest": 654.0}
_MEANINGS = ("of chain and diff ID", "of the tar", "as it is unpacked", "as it is stored", "of the blob")
_WIDTH = 720.0
_HALF, _HIGH = 48.0, 20.0
_ROW = 34.0
_HEAD = 34.0
_COLOURS = {"layers": EXCLUSIVE, "config": STATES["referenced"], "manifest": STATES["untagged"]}


def describe_digests(layers: pd.DataFrame, *, manifest: tuple[str, int], config: tuple[str, int]) -> Sheet:
    """Boxes, texts and lines that :func:`digests` draws."""
    rows = layers.to_dict("records")
    names = {manifest[0], config[0]}.union(*({row["digest"], row["diff_id"], row["chain_id"]} for row in rows))
    stored = {manifest[0], config[0]} | {row["digest"] for row in rows}
    boxes, marks, texts, lines = [], [], [], []
    for (name, x), meaning in zip(_COLUMNS.items(), _MEANINGS, strict=True):
        texts += [Text(x, 6, name, anchor="center", bold=True), Text(x, 18, meaning, SMALL_SIZE, MUTED, "center")]
    for at, row in enumerate(rows):
        y = _HEAD + at * _ROW + _ROW / 2
        lines += _outline(_COLUMNS["tar"], y)
        boxes.append(_box(_COLUMNS["blob"], y))
        marks.append(Mark(f"layer {row['digest']}\n{row['blob_bytes']:,} bytes", words=(row["digest"],)))
        texts.append(Text(_COLUMNS["tar"], y, format_bytes(row["tar_bytes"]), anchor="center"))
        texts.append(_inside(_COLUMNS["blob"], y, format_bytes(row["blob_bytes"])))
        is_base = row["chain_id"] == row["diff_id"]
        texts.append(
            Text(_COLUMNS["chain ID"], y, "the diff ID" if is_base else _short(row["chain_id"]), anchor="center")
        )
        texts += [Text(_COLUMNS[name], y, _short(row[key]), anchor="center") for name, key in _KEYS.items()]
        for start, end in pairwise(_COLUMNS):
            backwards = end in ("diff ID", "tar")
            lines += _arrow(_COLUMNS[start], _COLUMNS[end], y, backwards=backwards)
        if at:
            lines += _down(_COLUMNS["chain ID"], y - _ROW + 8, y - 9)
    bottom = _HEAD + len(rows) * _ROW + _ROW / 2 + 12
    last = bottom - 12 - _ROW
    for name, column, (_, size) in (("config", "diff ID", config), ("manifest", "layer digest", manifest)):
        boxes.append(_box(_COLUMNS[column], bottom))
        texts.append(_inside(_COLUMNS[column], bottom, f"{name}, {format_bytes(size)}"))
        lines += _down(_COLUMNS[column], last + 8, bottom - _HIGH / 2 - 1)
        texts.append(Text(_COLUMNS[column] + 5, (last + bottom) / 2, "listed in", SMALL_SIZE, MUTED))
    marks += [
        Mark(f"{name} {digest}\n{size:,} bytes", words=(digest,))
        for name, (digest, size) in (("config", config), ("manifest", manifest))
    ]
    lines += _arrow(_COLUMNS["diff ID"], _COLUMNS["tar"], bottom, backwards=False)
    lines += _arrow(_COLUMNS["tar"], _COLUMNS["layer digest"], bottom, backwards=False)
    texts.append(Text(_COLUMNS["tar"], bottom, _short(config[0]), anchor="center"))
    texts.append(Text(_COLUMNS["tar"], bottom + 13, "image ID", SMALL_SIZE, MUTED, "center"))
    foot = bottom + _ROW + 6
    lines += _down(_COLUMNS["layer digest"], bottom + _HIGH / 2 + 1, foot - 9)
    texts.append(Text(_COLUMNS["layer digest"], foot, _short(manifest[0]), anchor="center"))
    texts.append(Text(_COLUMNS["layer digest"], foot + 13, "manifest digest", SMALL_SIZE, MUTED, "center"))
    title = f"{len(names)} digests name one image of {count_noun(len(rows), 'layer')}; {len(stored)} of them name files"
    explanation = (
        "Each arrow to a name is a SHA-256. Filled boxes are files of the registry; what has a dashed edge is none."
    )
    said = "; ".join(
        f"layer {at}: tar of {row['tar_bytes']:,} bytes, diff ID {row['diff_id']}, chain ID {row['chain_id']}, blob of "
        f"{row['blob_bytes']:,} bytes, digest {row['digest']}"
        for at, row in enumerate(rows, 1)
    )
    description = f"{said}; config of {config[1]:,} bytes, image ID {config[0]}; manifest {manifest[0]}."
    series = (Series("contents", tuple(boxes), tuple(marks)),)
    return Sheet(title, explanation, description, _WIDTH, foot + 20, series, under=tuple(lines), texts=tuple(texts))


_KEYS = {"diff ID": "diff_id", "layer digest": "digest"}


def digests(
    layers: pd.DataFrame, *, manifest: tuple[str, int], config: tuple[str, int], ax: Axes | None = None
) -> Axes:
    """Where each digest of an image comes from.

    Parameters
    ----------
    layers : pandas.DataFrame
        Base first: ``digest`` and ``blob_bytes`` of the blob, ``diff_id`` and ``tar_bytes`` of the tar, ``chain_id``.
    manifest, config : tuple of (str, int)
        The digest and the length of each.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import pandas as pd
    >>> layers = pd.DataFrame(
    ...     [{"digest": "sha256:a", "blob_bytes": 10, "diff_id": "sha256:b", "tar_bytes": 512, "chain_id": "sha256:b"}]
    ... )
    >>> digests(layers, manifest=("sha256:m", 90), config=("sha256:c", 80)).get_title(loc="left")
    '4 digests name one image of 1 layer; 3 of them name files'
    """
    return paint(lambda _width, _height: describe_digests(layers, manifest=manifest, config=config), ax)


def _short(digest: str) -> str:
    return short_digest(digest).removeprefix("sha256:")


def _box(x: float, y: float) -> Rect:
    return Rect(x - _HALF, y - _HIGH / 2, 2 * _HALF, _HIGH, SHARED)


def _inside(x: float, y: float, words: str) -> Text:
    return Text(x, y, words, SMALL_SIZE, ON_SHARED, "center")


def _outline(x: float, y: float) -> list[Stroke]:
    left, right, top, bottom = x - _HALF, x + _HALF, y - _HIGH / 2, y + _HIGH / 2
    edge = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
    return [Stroke(edge, MUTED, 0.8, dashed=True)]


def _arrow(start: float, end: float, y: float, *, backwards: bool) -> list[Stroke]:
    """An arrow between two columns, clear of what stands in them."""
    left, right = start + _HALF + 4, end - _HALF - 4
    tip, tail, turn = (left, right, 4) if backwards else (right, left, -4)
    head = ((tip + turn, y - 3), (tip, y), (tip + turn, y + 3))
    return [Stroke(((tail, y), (tip, y)), MUTED, 0.8), Stroke(head, MUTED, 0.8)]


def _down(x: float, top: float, bottom: float) -> list[Stroke]:
    head = ((x - 3, bottom - 4), (x, bottom), (x + 3, bottom - 4))
    return [Stroke(((x, top), (x, bottom)), MUTED, 0.8), Stroke(head, MUTED, 0.8)]


def describe_layouts(table: pd.DataFrame) -> Rows:
    """The bars and sentences that :func:`layouts` draws."""
    parts = [name for name in table.columns if name not in ("layout", "files")]
    rows, totals = [], {}
    for row in table.to_dict("records"):
        spans, start = [], 0
        for part in parts:
            end = start + int(row[part])
            if end > start:
                mark = Mark(f"{row['layout']}: {part}\n{row[part]:,} bytes", words=(part,))
                spans.append(Span(start, end, _COLOURS.get(part, OTHERS), mark))
            start = end
        totals[row["layout"]] = start
        rows.append(Row(row["layout"], count_noun(int(row["files"]), "file"), format_bytes(start), tuple(spans)))
    most, least = max(totals, key=lambda name: totals[name]), min(totals, key=lambda name: totals[name])
    title = f"{most} takes {totals[most] / totals[least]:.1f} times the bytes of {least}, for one image"
    said = "; ".join(f"{row.name} {row.value} in {row.note}" for row in rows)
    legend = tuple((_COLOURS.get(part, OTHERS), part) for part in parts)
    return Rows(
        title, "Bytes of all files, by what they are for.", f"A bar for each layout. {said}.", tuple(rows), (), legend
    )


def layouts(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """What each layout keeps of an image, in bytes.

    Parameters
    ----------
    table : pandas.DataFrame
        A row a layout: ``layout``, ``files``, and a column of bytes for each purpose.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame([{"layout": "a", "files": 2, "layers": 10}, {"layout": "b", "files": 1, "layers": 30}])
    >>> layouts(table).get_title(loc="left")
    'b takes 3.0 times the bytes of a, for one image'
    """
    with style():
        return draw_rows(describe_layouts(table), "layouts", ax)
