"""What deleting tags would free, and what it would break."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regviz.plot.labels import drawable
from regviz.plot.marks import Mark
from regviz.plot.palette import OTHERS, STATES, UNKNOWN
from regviz.plot.rows import Row, Rows, Span, draw_rows, spans_of
from regviz.plot.style import style
from regviz.text import collector_words, count_noun, format_bytes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_LOST = {
    "images_lost": ("images", "can be pulled no more"),
    "indexes_broken": ("indexes", "stay, and lose something that they list"),
}
_KEPT = {
    "protected": "to be kept",
    "undated": "kept, because nothing tells when they were pushed",
    "spared": "kept, because a tag that is to be kept needs the manifest",
    "stuck": "such as no request can delete",
}


def describe_what_if(table: pd.DataFrame) -> Rows:
    """The bars and sentences that :func:`what_if` draws for an answer of :func:`regviz.analysis.what_if`."""
    told = table.attrs
    blobs = table[(table["kind"] == "blob") & table["bytes"].notna()]
    by_state = list(blobs.groupby("state", dropna=False, sort=False, observed=True))
    rows = [_freed(found, state) for state, found in sorted(by_state, key=lambda each: -int(each[1]["bytes"].sum()))]
    if today := told["collected_today_bytes"]:
        mark = Mark(f"collected today\n{today:,} bytes, without any deletion")
        span = Span(0, today, OTHERS, mark)
        rows.append(Row("today", "what the collector would free without any deletion", format_bytes(today), (span,)))
    if told["tags"]:
        along = f"{told['also_removes']:,} of them along with their manifests" if told["also_removes"] else "as chosen"
        rows.append(Row("tags", along, f"{told['tags']:,}", ()))
    rows += [Row(name, note, f"{told[lost]:,}", ()) for lost, (name, note) in _LOST.items() if told[lost]]
    title = _title(told)
    explanation = " ".join(_warnings(told))
    if not told["tags"]:
        return Rows(title, explanation, f"{title}. {explanation}".strip())
    said = "; ".join(f"{row.name} {row.value}" for row in rows)
    explanation = f"Each blob is a part of a bar; colours are what keeps it today. {explanation}".strip()
    return Rows(title, explanation, f"{count_noun(len(rows), 'row')}. {said}.", tuple(rows))


def _freed(blobs: pd.DataFrame, state: Any) -> Row:
    size, count = int(blobs["bytes"].sum()), len(blobs)
    known = str(state) if state == state else "unknown"  # noqa: PLR0124  # NaN
    colour = STATES.get(known, UNKNOWN)

    def mark_of(row: Any) -> Mark:
        return Mark(f"{row.digest}\n{row.bytes:,} bytes; {row.reason}", words=(known,))

    value = f"{format_bytes(size)} in {count_noun(count, 'blob')}"
    note = "to which only deleted tags lead" if known == "tagged" else "which the collector takes then, and not today"
    return Row(f"{known} blobs", note, value, spans_of(blobs, colour, mark_of, "blob", (known,)))


def _title(told: dict[Any, Any]) -> str:
    """The finding: what is freed, and what is lost for it."""
    if not told["tags"]:
        return "No tag would be deleted"
    tags = count_noun(told["tags"], "tag")
    if told["abort"]:
        return f"Deleting {tags} frees nothing: {collector_words(told['collector'])} stops"
    freed = format_bytes(told["freed_bytes"]) if told["freed_bytes"] else "nothing"
    lost = told["images_lost"]
    found = f"Deleting {tags} frees {freed}"
    found += f"; {count_noun(lost, 'image')} can be pulled no more" if lost else "; every image can still be pulled"
    return (
        f"{found}, {count_noun(told['indexes_broken'], 'index', 'indexes')} break" if told["indexes_broken"] else found
    )


def _warnings(told: dict[Any, Any]) -> list[str]:
    """What the bars do not say."""
    said = [
        f"{count_noun(told[name], 'tag')} {'is' if told[name] == 1 else 'are'} {why}."
        for name, why in _KEPT.items()
        if told[name]
    ]
    if told["uncertain_bytes"]:
        said.append(f"{format_bytes(told['uncertain_bytes'])} more may go, which cannot be told for certain.")
    if told["abort"]:
        said.append(f"The collector stops: {drawable(told['abort'])}.")
    return said


def what_if(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """What deleting tags frees, by what keeps it today, and how many images go.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.what_if` gives it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own, as high as it needs.

    Returns
    -------
    matplotlib.axes.Axes
        Its x axis counts bytes; its y axis points from its upper edge.

    Examples
    --------
    >>> import regviz as rv
    >>> what_if(rv.what_if(rv.read(), tags=["library/tiny:1"])).get_title(loc="left")
    'Deleting 1 tag frees ...; 1 image can be pulled no more'
    """
    with style():
        return draw_rows(describe_what_if(table), "what_if", ax)
