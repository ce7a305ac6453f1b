"""From the sum of the tags' sizes down to what the disk says: each step a bar where the one before it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from regviz.plot.labels import percent
from regviz.plot.marks import Mark
from regviz.plot.palette import OTHERS, SEVERAL, SHARED, STATES, UNKNOWN
from regviz.plot.rows import Row, Rows, Span, draw_rows
from regviz.plot.style import style
from regviz.text import count_noun, format_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes

MINUS = "\N{MINUS SIGN}"
_TAGGED = "tagged bytes"
_STORED = "blobs, each once"
_PLACES = {
    "files": "the files take",
    "files and directories": "files and directories take",
    "disk": "on the disk they take",
    "objects": "the objects take",
    "objects, uploads and versions": "the bucket keeps",
}
_COLOURS = {
    "shared within repositories": SHARED,
    "shared across repositories": SHARED,
    "roots without a tag": STATES["tagged"],
    "unknown": UNKNOWN,
    **{state: STATES[state] for state in ("referenced", "untagged", "unreferenced", "recent")},
}


@dataclass(frozen=True, slots=True)
class Rung:
    """A bar of the waterfall.

    Attributes
    ----------
    name, note : str
        What stands at its left, and beneath that.
    bytes : int
        What it adds; of a sum, what it comes to.
    start, end : int or None
        Where it begins and ends, in bytes; None where that is not known: it has no bar.
    is_sum : bool
        Whether it stands for all that was added up.
    colour : str
    rows : int or None
        How many tags, blobs or files that is.
    """

    name: str
    note: str
    bytes: int
    start: int | None
    end: int | None
    is_sum: bool
    colour: str
    rows: int | None = None

    @property
    def value(self) -> str:
        """What stands at its end, with its sign."""
        if self.is_sum:
            return format_bytes(self.bytes)
        return f"{MINUS if self.bytes < 0 else '+'}{format_bytes(abs(self.bytes))}"

    @property
    def mark(self) -> Mark:
        """What a page says of it."""
        exact = f"{self.bytes:,} bytes" if self.is_sum else f"{self.bytes:+,} bytes".replace("-", MINUS)
        many = [count_noun(self.rows, "row")] if self.rows else []
        return Mark("\n".join([self.name, ", ".join([exact, *many]), *([self.note] if self.note else [])]))


@dataclass(frozen=True, slots=True)
class Waterfall:
    """What :func:`reconcile` draws."""

    title: str
    explanation: str
    description: str
    rungs: tuple[Rung, ...] = ()

    @property
    def rows(self) -> Rows:
        """The same as bars on one scale; a line leads from the end of each to the next."""
        rows, joins = [], []
        for at, rung in enumerate(self.rungs):
            known = rung.start is not None and rung.end is not None
            spans = (Span(rung.start or 0, rung.end or 0, rung.colour, rung.mark),) if known else ()
            rows.append(Row(rung.name, rung.note, rung.value, spans, rung.is_sum))
            if rung.end is not None and at + 1 < len(self.rungs) and self.rungs[at + 1].end is not None:
                joins.append((at, rung.end))
        return Rows(self.title, self.explanation, self.description, tuple(rows), tuple(joins))


def describe_reconcile(table: pd.DataFrame) -> Waterfall:
    """The bars and sentences that :func:`reconcile` draws for an answer of :func:`regviz.analysis.reconcile`."""
    steps = table.astype(object).where(table.notna(), None).to_dict("records")
    sums = {step["subtotal"]: step["running_bytes"] for step in steps if step["subtotal"]}
    title = _title(steps, sums)
    if not sums.get(_STORED):
        return Waterfall(title, "", title)
    rungs = [_sum("all tags", steps[0]["bytes"], steps[0]["meaning"], steps[0]["rows"])]
    before: int | None = steps[0]["bytes"]
    for step in steps[1:]:
        after = step["running_bytes"]
        if step["bytes"]:
            start = None if after is None else before
            colour = _COLOURS.get(step["step"], OTHERS)
            known = step["step"], step["meaning"], step["bytes"], start, after
            rungs.append(Rung(*known, is_sum=False, colour=colour, rows=step["rows"]))
        if step["subtotal"] and after is not None and not rungs[-1].is_sum:
            rungs.append(_sum(step["subtotal"], after, "", None))
        before = after
    named = [str(step["step"]) for step in steps[1:] if step["bytes"] is None]
    nothing = sum(1 for step in steps[1:] if step["bytes"] == 0)
    explanation = (
        "In bold: sums, from 0. Between them each step begins where the one before it ended: what would be counted "
        f"more than once is taken off ({MINUS}), what no tag reaches and what files take besides is added (+)."
    )
    if named:
        explanation += f" Not known of this source: {', '.join(named)}."
    if nothing:
        explanation += f" Left out: {count_noun(nothing, 'step')} of 0 bytes."
    said = "; ".join(f"{rung.name} {rung.value}" for rung in rungs)
    return Waterfall(title, explanation, f"{count_noun(len(rungs), 'horizontal bar')} of bytes. {said}.", tuple(rungs))


def _sum(name: str, reached: int, note: str, rows: int | None) -> Rung:
    colour = STATES["tagged"] if name in ("all tags", _TAGGED) else SEVERAL
    return Rung(name, note, reached, 0, reached, is_sum=True, colour=colour, rows=rows)


def _title(steps: Sequence[Mapping[Any, Any]], sums: dict[str, int | None]) -> str:
    """The finding: what sharing saves, and what lies there after all."""
    logical, tagged = int(steps[0]["bytes"]), sums.get(_TAGGED) or 0
    last = next((name for name in reversed(sums) if sums[name] is not None), "")
    taken = f"{_PLACES[last]} {format_bytes(sums[last])}" if last in _PLACES else ""
    if not sums.get(_STORED):
        return f"No blob is stored; {taken}" if taken and sums[last] else "No blob is stored"
    if not logical:
        found = f"No tag reaches any of the {format_bytes(sums[_STORED])} in blobs"
    elif logical == tagged:
        found = f"Tags add up to {format_bytes(logical)} and share nothing"
    else:
        saved = percent(logical - tagged, logical)
        found = f"Tags add up to {format_bytes(logical)}; sharing saves {saved} of it"
    return f"{found}; {taken}" if taken else found


def reconcile(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    r"""The waterfall from the sum of the tags' sizes to what the storage takes.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.reconcile` gives it. Steps of 0 bytes have no bar.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own, as high as it needs.

    Returns
    -------
    matplotlib.axes.Axes
        Its x axis counts bytes; its y axis points from its upper edge.

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis import reconcile as answer
    >>> axes = reconcile(answer(rv.read(measure=True)))
    >>> axes.marks["steps"][0].label.split("\n")[0]
    'all tags'
    """
    with style():
        return draw_rows(describe_reconcile(table).rows, "steps", ax)
