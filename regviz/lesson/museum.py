"""The museum of broken registries: its catalogue as a table, a card for each room, and a figure of what happens in all.

What the catalogue says of servers, clients and collectors is held to the real ones by the tests.
"""

from __future__ import annotations

import tomllib
from functools import cache
from typing import TYPE_CHECKING, Any

from regviz.errors import RegvizError
from regviz.plot.canvas import Text
from regviz.plot.labels import fit
from regviz.plot.marks import Mark, in_lines
from regviz.plot.palette import EXCLUSIVE, INK, MUTED, RULE, SHARED
from regviz.plot.sheet import PAPER, Rect, Sheet, Stroke, key, paint, shares
from regviz.plot.style import SMALL_SIZE, TEXT_SIZE
from regviz.share import folder
from regviz.shown import Shown
from regviz.text import escape_html

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_ROW = 17.0
_NAME = 0.46
_BOX = 8.0
_SAID = "margin:0;min-width:0;overflow-wrap:anywhere"
_QUESTIONS = (
    ("pull", "A pull", {"works": True, "elsewhere": True}),
    ("again", "Pushed again", {"mends it": True, "nothing to mend": True}),
    ("collector", "The collector", {"runs": True}),
)
"""Columns of the figure: which, what it is called, and which of its values are good."""


@cache
def _catalogue() -> dict[str, dict[str, Any]]:
    return tomllib.loads((folder("data") / "museum.toml").read_text(encoding="utf-8"))


def catalogue() -> pd.DataFrame:
    """Every room and what happens in it.

    Returns
    -------
    pandas.DataFrame
        room, layout, title, rules; ``pull``: whether ``app:latest`` can be pulled (``works``, ``fails``,
        ``elsewhere``: a part comes from another place, ``differs``: something else comes); of Distribution ``again``:
        whether pushing the same image again ``mends it`` or ``does not``, and ``collector``: whether it ``runs``.

    Examples
    --------
    >>> rooms = catalogue()
    >>> rooms.loc[rooms["room"] == "layer-cut-short", "again"].item()
    'does not'
    """
    import pandas as pd

    rows = []
    for room, said in _catalogue().items():
        again = said.get("again")
        mends = "nothing to mend" if said["pull"] in ("works", "elsewhere") else "mends it" if again else "does not"
        rows.append(
            {
                "room": room,
                "layout": said["layout"],
                "title": said["title"],
                "pull": said["pull"],
                "again": None if again is None else mends,
                "collector": said.get("collector"),
                "rules": ", ".join(said["rules"]),
            }
        )
    return pd.DataFrame(rows).astype("str")


def about(room: str) -> Shown:
    """The card of a room: what is broken, how it comes about, what a client sees, what to do.

    Raises
    ------
    RegvizError
        There is no such room.

    Examples
    --------
    >>> print(str(about("layer-missing")).splitlines()[0])
    A layer is gone (layer-missing)
    """
    said = _catalogue().get(room)
    if said is None:
        raise RegvizError(f"the museum has no room {room}; it has {', '.join(_catalogue())}")
    lines = [
        ("What is broken", said["broken"]),
        ("How it comes about", said["life"]),
        ("What one sees", said["sees"]),
        ("What to do", said["do"]),
        ("Where it is said", said["source"]),
    ]
    head = f"{said['title']} ({room})"
    rows = "".join(
        f'<dt style="font-weight:600">{name}</dt><dd style="{_SAID}">{escape_html(text)}</dd>' for name, text in lines
    )
    html = (
        '<div class="rv" style="max-width:52em;border-left:2px solid currentColor;padding-left:.8em;line-height:1.45">'
        f'<p style="margin:0 0 .4em"><strong>{escape_html(said["title"])}</strong> <code>{escape_html(room)}</code></p>'
        '<dl style="display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.15em 1em;margin:0">'
        f"{rows}</dl></div>"
    )
    return Shown(html, "\n".join([head, *(f"{name}: {text}" for name, text in lines)]))


def outcomes(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """What happens in each room: to a pull, to a second push, to garbage collection.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`catalogue` gives it, or rows of it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own.

    Examples
    --------
    >>> rooms = catalogue()
    >>> outcomes(rooms[rooms["layout"] == "distribution"]).get_title(loc="left")
    'In 6 of 18 rooms pushing the image again does not help'
    """
    return paint(lambda width, height: describe_outcomes(table, width=width, height=height), ax)


def describe_outcomes(table: pd.DataFrame, *, width: float = PAPER, height: float | None = None) -> Sheet:
    """Where everything lies in the picture that :func:`outcomes` draws: the series ``good`` and ``bad``, a box each."""
    rows = table.to_dict("records")
    helpless = int((table["again"] == "does not").sum())
    title = f"In {helpless} of {len(rows)} rooms pushing the image again does not help"
    boxes, texts, top = key([(EXCLUSIVE, "as in a whole registry"), (SHARED, "not so")], width)
    step = (width * (1 - _NAME)) / len(_QUESTIONS)
    top += 14
    texts += [
        Text(width * _NAME + step * at, top - 6, words, SMALL_SIZE, MUTED)
        for at, (_, words, _) in enumerate(_QUESTIONS)
    ]
    pitch = _ROW if height is None else max(min(_ROW, (height - top) / max(len(rows), 1)), 1.0)
    drawn: dict[bool, list[tuple[Rect, Mark]]] = {True: [], False: []}
    under = []
    for number, row in enumerate(rows):
        y = top + pitch * (number + 0.5)
        under.append(Stroke(((0, y - pitch / 2), (width, y - pitch / 2)), RULE, 0.6))
        texts.append(Text(0, y, fit(row["title"], width * _NAME - 14, TEXT_SIZE), TEXT_SIZE))
        for at, (column, words, good) in enumerate(_QUESTIONS):
            value = row[column] if isinstance(row[column], str) else "no such thing"
            is_good = bool(good.get(value))
            x = width * _NAME + step * at
            label = in_lines(row["title"], f"{words}: {value}")
            box = Rect(x, y - _BOX / 2, _BOX, _BOX, EXCLUSIVE if is_good else SHARED)
            drawn[is_good].append((box, Mark(label, words=(str(row["room"]),))))
            texts.append(Text(x + _BOX + 5, y, fit(value, step - _BOX - 9, SMALL_SIZE), SMALL_SIZE, INK))
    said = [
        f"{row['title']}: " + ", ".join(f"{words} {row[column]}" for column, words, _ in _QUESTIONS) for row in rows
    ]
    series = shares(
        {name: [box for box, _ in drawn[is_good]] for name, is_good in (("good", True), ("bad", False))},
        {name: [mark for _, mark in drawn[is_good]] for name, is_good in (("good", True), ("bad", False))},
    )
    return Sheet(
        title,
        "A row is a room; the words say what happens there.",
        f"{title}. {'. '.join(said)}.",
        width,
        top + pitch * len(rows),
        series,
        tuple(boxes),
        tuple(under),
        texts=tuple(texts),
    )
