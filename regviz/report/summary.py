"""One page for people who will not read more: five numbers, one figure, three things to do."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regviz.analysis import churn, doctor, garbage, sizes, stale_tags
from regviz.card import summarise
from regviz.errors import NotKnowableError
from regviz.plot.labels import instruction, percent
from regviz.problems import READING
from regviz.text import count_noun, escape_html, format_bytes, short_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from regviz.registry import Registry
    from regviz.report.display import Shown

MOST = 3
_OLD = "90d"
_ROWS = 14
_WIDTH = 720.0
_NAME = 48
_SMALL = 100
"""What has less than this part of all bytes is no thing to do."""
_OVERWHELMING = 3
_STYLE = """
.rv-todo ol { padding: 0; margin: 0.4em 0 0; list-style: none; counter-reset: todo; }
.rv-todo li { counter-increment: todo; display: grid; grid-template-columns: 2rem minmax(0, 1fr) auto; gap: 0 0.6em;
  border-top: 1px solid var(--rule); padding: 0.55em 0; break-inside: avoid; }
.rv-todo li::before { content: counter(todo); font-size: 1.5em; line-height: 1.1; color: var(--soft);
  grid-row: span 2; }
.rv-todo b { font-weight: 600; overflow-wrap: anywhere; }
.rv-todo .bytes { font-size: 1.25em; line-height: 1.2; white-space: nowrap; }
.rv-todo li p { grid-column: 2 / -1; margin: 0.15em 0 0; max-width: none; color: var(--soft); font-size: 0.875em; }
.rv-todo h2, .rv-summary h2 { font-size: 1.15rem; border: 0; margin: 1.2rem 0 0; padding: 0; }
.rv-summary figure.rv { margin: 0.5em 0 0; }
@media print {
  @page { size: A4; margin: 11mm 12mm; }
  html, body { height: auto; }
  header .kind, .rv-todo ~ *, .skip { display: none; }
  h1 { font-size: 15pt; margin: 0; max-height: 2.5em; overflow: hidden; }
  .cell { break-inside: auto; }
  .rv-opening { font-size: 8.5pt; }
  .rv-opening .source { max-height: 3.2em; overflow: hidden; }
  .rv-opening .lead { margin: 0.3em 0 0.6em; }
  .rv-todo h2, .rv-summary h2 { font-size: 11pt; margin-top: 4mm; }
  .rv-summary figure.rv svg { max-height: 92mm; }
  .rv-todo { font-size: 9pt; }
  .rv-todo li { padding: 1.2mm 0; }
}
"""


@dataclass(frozen=True, slots=True)
class Thing:
    """Something to do.

    Attributes
    ----------
    what : str
        A sentence that says it.
    bytes : int or None
        What it frees or is about; None where bytes are not what matters.
    why : str
    command : str
        What does it, or shows more.
    """

    what: str
    bytes: int | None
    why: str
    command: str


def things_to_do(reg: Registry, *, most: int = MOST) -> list[Thing]:
    """What pays or matters most: first what is broken, then what frees most bytes.

    Parameters
    ----------
    reg : Registry
    most : int
        How many at most. What would free less than a hundredth of what is stored is not among them.

    Returns
    -------
    list of Thing
        Empty where nothing needs doing.

    Examples
    --------
    >>> import regviz as rv
    >>> [thing.bytes for thing in things_to_do(rv.read())]
    [383078, 72047, 25813]
    """
    source = shlex.quote(reg.source.uri)
    if (reg.problems["rule"] == "archive-truncated").any():
        source += " --partial"
    found = [thing for ask in (_errors, *_SAVING) for thing in ask(reg, source)]
    stored = summarise(reg).stored_bytes
    worth = [thing for thing in found if thing.bytes is None or thing.bytes * _SMALL >= max(1, stored)]
    return sorted(worth, key=lambda thing: (thing.bytes is not None, -(thing.bytes or 0)))[:most]


def _errors(reg: Registry, source: str) -> Iterator[Thing]:
    found = doctor(reg)
    wrong = found[(found["severity"] == "error") | found["rule"].isin(READING)]
    if not len(wrong):
        return
    rules, places = count_noun(len(wrong), "rule"), count_noun(int(wrong["count"].sum()), "error")
    first = wrong.iloc[0]
    stops = " Garbage collection stops at it." if isinstance(first["aborts"], str) and first["aborts"] else ""
    why = f"{places} against {rules}. Most serious: {first['meaning']}{stops} {first['action']}"
    what = "Read all of it" if first["rule"] in READING else "Mend what cannot be pulled or read"
    yield Thing(what, None, why, f"regviz doctor {source}")


def _collected(reg: Registry, source: str) -> Iterator[Thing]:
    freed = garbage(reg)
    if not freed.attrs["freed_bytes"]:
        return
    why = "Nothing leads to it, and no push under way may own it. The table names each blob; a collector deletes them."
    what = f"Collect garbage: {count_noun(freed.attrs['blobs'], 'blob')}"
    if freed.attrs["uploads"]:
        what += f" and {count_noun(freed.attrs['uploads'], 'unfinished upload')}"
    yield Thing(what, int(freed.attrs["freed_bytes"]), why, f"regviz garbage {source}")


def _stale(reg: Registry, source: str) -> Iterator[Thing]:
    found = stale_tags(reg, older_than=_OLD)
    if not found.attrs["stale_bytes"]:
        return
    made = "pushed" if "pushed" in set(found["basis"]) else "built"
    share = percent(len(found), len(reg.tags))
    why = f"That is {share} of all tags. No storage records pulls: ask who uses them, and delete the others."
    what = f"Look through {count_noun(len(found), 'tag')} that nobody {made} for 90 days"
    yield Thing(what, int(found.attrs["stale_bytes"]), why, f"regviz stale-tags {source} --older-than {_OLD}")


def _remade(reg: Registry, source: str) -> Iterator[Thing]:
    found = churn(reg)
    if not found.attrs["lost_bytes"]:
        return
    first = found.iloc[0]
    made = instruction(first["created_by"]) if isinstance(first["created_by"], str) else short_digest(first["blob"])
    made = " ".join(made.split())
    made = made if len(made) <= _NAME else f"{made[:_NAME]}…"
    why = f"What is alike was built or compressed more than once, above all “{made}”. Build it once, and share it."
    what = f"Build {count_noun(len(found), 'layer')} once instead of again and again"
    yield Thing(what, int(found.attrs["lost_bytes"]), why, f"regviz churn {source}")


def _largest(reg: Registry, source: str) -> Iterator[Thing]:
    found = sizes(reg)
    total = int(found.attrs["tagged_bytes"])
    if len(found) < 2:
        return
    first = found.sort_values(["exclusive_bytes", "repository"], ascending=[False, True]).iloc[0]
    alone = int(first["exclusive_bytes"])
    if alone * _OVERWHELMING < total:
        return
    name = str(first["repository"])
    shown = name if len(name) <= _NAME else f"{name[: _NAME // 2]}…{name[-_NAME // 2 :]}"
    why = f"It alone has {percent(alone, total)} of what tags reach; its tags show which of its images are large."
    command = f"regviz sizes {source} --by tag --repository {shlex.quote(name)}"
    yield Thing(f"Look first at {shown}", alone, why, command)


def _knowable(ask: Callable[[Registry, str], Iterator[Thing]]) -> Callable[[Registry, str], list[Thing]]:
    """What a source cannot know is no thing to do."""

    def asked(reg: Registry, source: str) -> list[Thing]:
        try:
            return list(ask(reg, source))
        except NotKnowableError:
            return []

    return asked


_SAVING = tuple(_knowable(ask) for ask in (_collected, _stale, _remade, _largest))


def summary(reg: Registry) -> Shown:
    """The whole page: what it is, five numbers, where the bytes are, and what to do.

    Examples
    --------
    >>> import regviz as rv
    >>> str(summary(rv.read())).splitlines()[-1]
    '3. Collect garbage: 5 blobs and 1 unfinished upload: 25.2 KiB'
    """
    from regviz.report.display import Shown
    from regviz.report.sections import opening

    opened, things = opening(reg), things_to_do(reg)
    rows = "".join(
        f"<li><b>{escape_html(thing.what)}</b>"
        f'<span class="bytes">{escape_html(format_bytes(thing.bytes)) if thing.bytes is not None else ""}</span>'
        f"<p>{escape_html(thing.why)}<br><code>{escape_html(_cut(thing.command, reg.source.uri))}</code></p></li>"
        for thing in things
    )
    count = {0: "Nothing needs doing", 1: "One thing to do", 2: "Two things to do"}.get(
        len(things), "Three things to do"
    )
    nothing = "<p>Nothing is broken, nothing lies idle, and no tag is old. regviz report has all there is to see.</p>"
    todo = f"<ol>{rows}</ol>" if things else nothing
    html = (
        f'<style>{_STYLE}</style>{opened.html}<div class="rv rv-summary">{_picture(reg)}</div>'
        f'<div class="rv rv-todo"><h2 id="things-to-do">{count}</h2>{todo}</div>'
    )
    said = [
        f"{number}. {thing.what}{'' if thing.bytes is None else f': {format_bytes(thing.bytes)}'}"
        for number, thing in enumerate(things, 1)
    ]
    return Shown(html, "\n".join([str(opened), *(said or [count])]))


def _cut(command: str, uri: str) -> str:
    """A command that stays on a line of paper: a long source is called SOURCE, as in the help."""
    if len(command) > 2 * _NAME:
        command = command.replace(shlex.quote(uri), "SOURCE")
    return command if len(command) <= 2 * _NAME else f"{command[:_NAME]}…{command[-_NAME:]}"


def _picture(reg: Registry) -> str:
    """The bytes of the largest repositories; what it finds is a heading of the page."""
    from regviz import plot
    from regviz.plot.canvas import HINTING, MARGIN, TEXT_LINE, Margins, figure_of, new_axes
    from regviz.plot.labels import drawable, text_width
    from regviz.plot.style import TEXT_SIZE, style
    from regviz.plot.svg import to_svg

    table = sizes(reg)
    if not len(table):
        return ""
    widest = max(text_width(drawable(str(name)), TEXT_SIZE) for name in table["repository"].head(_ROWS))
    left = min(215.0, widest) * HINTING + 16
    rows = min(_ROWS, len(table))
    width, height = _WIDTH - left, rows * 21.0 + 2
    with style():
        axes = new_axes(width, height, Margins(left, 10.0, TEXT_LINE + 14, 22.0))
    plot.sizes(table, ax=axes)
    title = axes.get_title(loc="left").replace("\n", " ")
    axes.set_title("", loc="left")
    if legend := axes.get_legend():  # as wide as the picture: long names leave the bars little room
        legend.set_bbox_to_anchor(((MARGIN - left) / width, 1 + 8 / height), axes.transAxes)
    description = f"{count_noun(rows, 'horizontal bar')} of bytes, one for each repository."
    svg = to_svg(figure_of(axes), title=title, description=description)
    heading = escape_html(title)
    return (
        f'<h2 id="where-the-bytes-are">{heading}</h2><figure class="rv" role="group" aria-label="{heading}">'
        f'<div class="scroll" role="group" aria-label="{heading}" tabindex="0">{svg}</div></figure>'
    )
