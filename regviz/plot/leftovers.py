"""What could go: the store by what keeps its bytes, what one collector would free, and all collectors side by side."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from regviz.plot.labels import drawable, percent
from regviz.plot.marks import Mark
from regviz.plot.palette import OTHERS, STATES, UNKNOWN
from regviz.plot.rows import Row, Rows, Span, draw_rows, spans_of
from regviz.plot.style import style
from regviz.text import collector_words, count_noun, format_bytes, short_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from matplotlib.axes import Axes

_ORDER = ("tagged", "referenced", "untagged", "unreferenced", "recent", "unknown")
_COLOURS = {state: STATES.get(state, UNKNOWN) for state in _ORDER}
_LINKS = {
    "manifest": ("links of manifests", "by which a repository serves a manifest: next to no bytes"),
    "link": ("links of layers", "by which a repository has a layer: next to no bytes"),
}
_DIGEST = re.compile(r"\b(?:sha256|sha512):[0-9a-f]{32,}")


def describe_states(table: pd.DataFrame) -> Rows:
    """The bars and sentences that :func:`states` draws for an answer of :func:`regviz.analysis.states`."""
    here = table[table["blobs"] > 0]
    total = int(here["bytes"].sum())
    if not len(here):
        return Rows("No blob is stored", "", "No blob is stored.")
    rows, parts, start = [], [], 0
    for state, blobs, size, meaning in here[["state", "blobs", "bytes", "meaning"]].itertuples(index=False):
        share = f"{percent(size, total)}, {count_noun(blobs, 'blob')}"
        mark = Mark(f"{state}: {size:,} bytes in {count_noun(blobs, 'blob')}\n{meaning}", words=(state,))
        parts.append(Span(start, start + size, _COLOURS[state], mark))
        rows.append(Row(state, meaning, f"{format_bytes(size)}: {share}", (parts[-1],)))
        start += size
    joins = [(0, total), *((at, span.end) for at, span in enumerate(parts[:-1], 1))] if len(rows) > 1 else []
    whole = Row(
        "the store", f"{count_noun(int(here['blobs'].sum()), 'blob')}", format_bytes(total), tuple(parts), is_sum=True
    )
    sizes = {str(name): int(size) for name, size in zip(table["state"], table["bytes"], strict=True)}
    explanation = "Every blob that is there has one state, and counts once, where its state begins in the store's bar."
    said = "; ".join(f"{row.name} {row.value}" for row in rows)
    description = f"One bar of the store, divided by state; below it each state. {said}."
    shown = (whole, *rows) if len(rows) > 1 else tuple(rows)
    return Rows(_states_title(sizes, total), explanation, description, shown, tuple(joins[1:]))


def _states_title(sizes: dict[str, int], total: int) -> str:
    """The finding: how much of the store could go, and how surely."""
    whole, free, untagged = format_bytes(total), sizes["unreferenced"], sizes["untagged"]
    if sizes["unknown"]:
        return f"Of {percent(sizes['unknown'], total)} of the {whole} nobody can say what keeps them: not all was read"
    if not total:
        return "All blobs are empty"
    if free:
        also = f"; only untagged manifests keep {percent(untagged, total)} more" if untagged else ""
        return f"Nothing leads to {format_bytes(free)}, {percent(free, total)} of the {whole} stored{also}"
    if untagged:
        return (
            f"Only untagged manifests keep {format_bytes(untagged)}, {percent(untagged, total)} of the {whole} stored"
        )
    if sizes["recent"]:
        return f"{format_bytes(sizes['recent'])} of the {whole} may be of pushes under way; the rest is in use"
    return f"All {whole} are in use: there is nothing to collect"


def describe_garbage(table: pd.DataFrame) -> Rows:
    """The bars and sentences that :func:`garbage` draws for an answer of :func:`regviz.analysis.garbage`."""
    facts = table.attrs
    rows = [_group(rows, str(kind), state) for (kind, state), rows in _grouped(table)]
    for kind, (name, note) in _LINKS.items():
        if facts[f"{kind}s"]:
            rows.append(Row(name, note, f"{facts[f'{kind}s']:,}", ()))
    title = _garbage_title(facts)
    if not rows:
        return Rows(title, "", f"{title}.")
    explanation = "The largest first, each blob a part of its bar; colours are what keeps the bytes today."
    explanation += "".join(f" {sentence}" for sentence in _warnings(facts))
    said = "; ".join(f"{row.name} {row.value}" for row in rows)
    return Rows(title, explanation, f"{count_noun(len(rows), 'row')}. {said}.", tuple(rows))


def _grouped(table: pd.DataFrame) -> list[Any]:
    """What has bytes, by kind and state, the most bytes first."""
    counted = table[table["bytes"].notna()]
    found = list(counted.groupby(["kind", "state"], dropna=False, sort=False, observed=True))
    return sorted(found, key=lambda each: (-int(each[1]["bytes"].sum()), str(each[0])))


def _group(rows: pd.DataFrame, kind: str, state: object) -> Row:
    colour = _COLOURS.get(str(state), OTHERS)
    name = f"{state} blobs" if kind == "blob" else "unfinished uploads"
    size, count = int(rows["bytes"].sum()), len(rows)
    value = f"{format_bytes(size)} in {count_noun(count, kind)}"

    def mark_of(row: Any) -> Mark:
        owner = () if row.repository is None or row.repository != row.repository else (str(row.repository),)
        return Mark(f"{row.digest}\n{row.bytes:,} bytes, {kind}; {row.reason}", owner, (str(state),))

    return Row(name, str(rows["reason"].iloc[0]), value, spans_of(rows, colour, mark_of, kind))


def _garbage_title(facts: dict[Any, Any]) -> str:
    """The finding: what goes, or why nothing does."""
    who = collector_words(facts["collector"])
    if facts["abort"]:
        return f"{who} stops, and frees nothing: {_short(facts['abort'])}"
    goes = [count_noun(facts[f"{kind}s"], kind) for kind in ("blob", "upload") if facts[f"{kind}s"]]
    goes += [
        count_noun(facts[f"{kind}s"], f"link of {kind}", f"links of {kind}s")
        for kind in ("manifest",)
        if facts[f"{kind}s"]
    ]
    if not goes:
        return f"{who} finds nothing to free" + (
            f" but {count_noun(facts['links'], 'layer link')}" if facts["links"] else ""
        )
    broken = f", and break {count_noun(len(facts['breaks']), 'manifest')} that stay" if facts["breaks"] else ""
    return f"{who} would free {format_bytes(facts['freed_bytes'])}: {', '.join(goes)}{broken}"


def _warnings(facts: dict[Any, Any]) -> list[str]:
    """What the bars do not say."""
    said = []
    if facts["error_at_end"]:
        said.append(f"In a real run {_short(facts['error_at_end'])}.")
    if facts["unknown_bytes"]:
        said.append(f"{format_bytes(facts['unknown_bytes'])} are in no bar: not all was read that could lead to them.")
    return said


def _short(reason: str) -> str:
    """A reason as it can be drawn, with digests shortened."""
    return drawable(_DIGEST.sub(lambda found: short_digest(found[0]), reason))


def describe_collectors(answers: Iterable[pd.DataFrame]) -> Rows:
    """The bars and sentences that :func:`collectors` draws for answers of :func:`regviz.analysis.garbage`."""
    tables = list(answers)
    rows = [_collector(table) for table in tables]
    if not rows:
        return Rows("No collector was asked", "", "No collector was asked.")
    title = _collectors_title([table.attrs for table in tables])
    if not any(len(table) or table.attrs["abort"] for table in tables):
        return Rows(title, "", f"{title}.")
    used = {str(state) for table in tables for state in table.loc[table["kind"] == "blob", "state"].dropna()}
    explanation = "What each would free, by what keeps it today."
    if "tagged" in used:
        explanation += " Blobs that tags lead to are lost to their images: restore or push them again."
    legend = tuple((_COLOURS[state], state) for state in _ORDER if state in used)
    legend += ((OTHERS, "unfinished uploads"),) if any(table.attrs["uploads"] for table in tables) else ()
    said = "; ".join(f"{row.name} {row.value}" for row in rows)
    description = f"{count_noun(len(rows), 'horizontal bar')}, one a collector. {said}."
    return Rows(title, explanation, description, tuple(rows), legend=legend)


def _collector(table: pd.DataFrame) -> Row:
    facts = table.attrs
    sizes = {name: int(rows["bytes"].sum()) for name, rows in table.groupby("state", observed=True)}
    parts = [(state, sizes[state], _COLOURS[state]) for state in _ORDER if sizes.get(state)]
    uploads = int(table.loc[table["kind"] == "upload", "bytes"].sum())
    parts += [("unfinished uploads", uploads, OTHERS)] if uploads else []
    spans, start = [], 0
    for name, size, colour in parts:
        mark = Mark(f"{collector_words(facts['collector'])}\n{name}: {size:,} bytes", words=(name,))
        spans.append(Span(start, start + size, colour, mark))
        start += size
    counts = [
        count_noun(facts[f"{kind}s"], kind) for kind in ("blob", "manifest", "link", "upload") if facts[f"{kind}s"]
    ]
    value = ", ".join([format_bytes(facts["freed_bytes"]), *counts])
    said = [f"breaks {count_noun(len(facts['breaks']), 'manifest')} that stay"] if facts["breaks"] else []
    if facts["error_at_end"]:
        said.append(_short(facts["error_at_end"]))
    if facts["abort"]:
        said, value = [_short(facts["abort"])], "stops, and frees nothing"
    return Row(collector_words(facts["collector"]), "; ".join(said), value, tuple(spans))


def _collectors_title(facts: Sequence[dict[Any, Any]]) -> str:
    """The finding: how far they differ, and which do harm."""
    freed = [each["freed_bytes"] for each in facts if not each["abort"]]
    stopped = len(facts) - len(freed)
    harmful = [collector_words(each["collector"]) for each in facts if each["breaks"]]
    if not freed:
        return "The collector stops" if len(facts) == 1 else f"All {len(facts)} collectors stop, and free nothing"
    low, high = format_bytes(min(freed)), format_bytes(max(freed))
    if not max(freed) and not harmful and not stopped:
        return "No collector finds anything to free"
    found = (
        f"Collecting frees {high}" if low == high else f"Collecting frees {low} to {high}, depending on the collector"
    )
    if harmful:
        found += f"; {harmful[0]} breaks images" if len(harmful) == 1 else f"; {len(harmful)} of them break images"
    return f"{found}; {stopped} of {len(facts)} stop" if stopped else found


def states(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """The store as a bar, divided by what keeps its bytes.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.states` gives it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own, as high as it needs.

    Returns
    -------
    matplotlib.axes.Axes
        Its x axis counts bytes; its y axis points from its upper edge.

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis import states as answer
    >>> states(answer(rv.read())).marks["states"][0].words
    ('tagged',)
    """
    with style():
        return draw_rows(describe_states(table), "states", ax)


def garbage(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """What a collector would free, by kind and by what keeps it today.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.garbage` gives it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own, as high as it needs.

    Returns
    -------
    matplotlib.axes.Axes
        Its x axis counts bytes; its y axis points from its upper edge.

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis import garbage as answer
    >>> table = answer(rv.read())
    >>> len(garbage(table).marks["garbage"]) == len(table.dropna(subset="bytes"))
    True
    """
    with style():
        return draw_rows(describe_garbage(table), "garbage", ax)


def collectors(answers: Iterable[pd.DataFrame], *, ax: Axes | None = None) -> Axes:
    """What each of some collectors would free, and what they break.

    Parameters
    ----------
    answers : iterable of pandas.DataFrame
        Each as :func:`regviz.analysis.garbage` gives it, for one collector.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own, as high as it needs.

    Returns
    -------
    matplotlib.axes.Axes
        Its x axis counts bytes; its y axis points from its upper edge.

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis import garbage as answer
    >>> reg = rv.read()
    >>> axes = collectors([answer(reg, collector=name) for name in ("distribution-2.8", "distribution-2.8-m")])
    >>> axes.get_title(loc="left").split(";")[-1]
    ' Distribution 2.8 with -m breaks images'
    """
    with style():
        return draw_rows(describe_collectors(answers), "collectors", ax)
