"""What tags pointed to, and since when: a lane for each tag that moved."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from regviz.plot.canvas import Text
from regviz.plot.labels import drawable, fit_all
from regviz.plot.marks import Mark
from regviz.plot.palette import INK, MUTED, RULE, STATES
from regviz.plot.sheet import PAPER, Rect, Sheet, Stroke, key, paint, said_alone, shares, spans_free, wide
from regviz.plot.style import SMALL_SIZE, TEXT_SIZE
from regviz.plot.timeline import TimeAxis
from regviz.text import count_noun, format_bytes, short_digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

LANES = 24
_LANE = 30.0
_LEAST = 15.0
_BAR = 9.0
_LABEL = 190.0
_UNKNOWN = 64.0
_NARROW = 5.0
_TICKS = 18.0
_AFTER = 0.04
"""Of the time that is drawn: what lies after the last move, until now."""
_OWN = 0.6
"""Of the width of its words, what a segment must have for them to be read as its own."""


@dataclass(frozen=True, slots=True)
class Segment:
    """What a tag pointed to for a while.

    Attributes
    ----------
    manifest : str
    since, until : datetime.datetime or None
        None: not known; of the current one, until now.
    current, present, tagged : bool
        The tag points to it now; it lies there; all that it reaches some tag reaches today.
    left : int
        Bytes that it reaches and no tag does.
    """

    manifest: str
    since: dt.datetime | None
    until: dt.datetime | None
    current: bool
    present: bool
    tagged: bool
    left: int

    @property
    def colour(self) -> str:
        """That of what keeps it."""
        if not self.present:
            return STATES["absent"]
        return STATES["tagged" if self.current or self.tagged else "untagged"]


@dataclass(frozen=True, slots=True)
class Lane:
    """A tag that moved, and what it pointed to, the oldest first."""

    repository: str
    tag: str
    segments: tuple[Segment, ...]

    @property
    def name(self) -> str:
        """``repository:tag``."""
        return f"{self.repository}:{self.tag}"

    @property
    def left(self) -> int:
        """Bytes that it left behind; what two of its manifests share counts twice."""
        return sum(segment.left for segment in self.segments)


def lanes_of(table: pd.DataFrame) -> list[Lane]:
    """The tags that moved: first those that moved most, then those that moved last."""
    keys = ["repository", "tag"]
    moved = table[table.duplicated(keys, keep=False)]
    rows = moved.sort_values([*keys, "current", "since"], kind="stable", na_position="first").to_dict("records")
    lanes = [
        Lane(repository, tag, tuple(map(_segment, members)))
        for (repository, tag), members in groupby(rows, key=lambda row: (str(row["repository"]), str(row["tag"])))
    ]
    return sorted(lanes, key=lambda lane: (-len(lane.segments), -_latest(lane), lane.repository, lane.tag))


def _segment(row: dict[Any, Any]) -> Segment:
    import pandas as pd  # loaded when asked for

    since, until = (
        None if pd.isna(value) else value.to_pydatetime(warn=False) for value in (row["since"], row["until"])
    )
    left = int(row["left_bytes"])
    return Segment(
        str(row["manifest"]),
        since,
        until,
        bool(row["current"]),
        bool(row["present"]),
        bool(row["present"]) and not left,
        left,
    )


def _latest(lane: Lane) -> float:
    return max((segment.since.timestamp() for segment in lane.segments if segment.since), default=0.0)


def describe_tag_history(
    table: pd.DataFrame, *, width: float = PAPER, height: float | None = None, most: int = LANES
) -> Sheet:
    """Where everything lies in the picture that :func:`tag_history` draws.

    Its series is ``segments``: what each tag of a lane pointed to, lane by lane, the oldest first; several that are
    too narrow to be told apart are one.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.tag_history` gives it.
    width, height : float
        Points; left out, as high as it needs.
    most : int
        Lanes.
    """
    lanes = lanes_of(table)
    tags = len(table[["repository", "tag"]].drop_duplicates())
    title = _title(lanes, tags)
    if not lanes:
        why = "Only Distribution's storage keeps what a tag once pointed to." if tags else ""
        return said_alone(title, width, why)
    if height is not None:
        most = max(1, min(most, int((height - 40 - _TICKS) / _LEAST)))
    return _Layout(lanes, tags, most, width, height).sheet(title)


class _Layout:
    def __init__(self, lanes: list[Lane], tags: int, most: int, width: float, height: float | None) -> None:
        self.lanes, self.rest, self.tags, self.width = lanes[:most], lanes[most:], tags, width
        segments = [segment for lane in self.lanes for segment in lane.segments]
        colours = {segment.colour for segment in segments}
        meanings = [(STATES["tagged"], "reached by a tag today")]
        meanings += [(STATES["untagged"], "left behind: no tag reaches all of it")] * (STATES["untagged"] in colours)
        meanings += [(STATES["absent"], "gone")] * (STATES["absent"] in colours)
        self.boxes, self.texts, top = key(meanings, width, hollow=STATES["absent"])
        self.top = top + 4
        self.lane = _LANE
        if height is not None:
            self.lane = max(_LEAST, min(_LANE, (height - self.top - _TICKS) / len(self.lanes)))
        self.names = fit_all([drawable(lane.name) for lane in self.lanes], min(_LABEL, width / 3) / 1.1, TEXT_SIZE)
        self.left = max(wide(name, TEXT_SIZE) for name in self.names) + 8
        self.times = [s.since for s in segments if s.since]
        self.some_unknown = any(s.since is None for s in segments)
        self.axis = self._axis() if self.times else None
        self.bottom = self.top + self.lane * len(self.lanes)

    def _axis(self) -> TimeAxis:
        first, last = min(self.times), max(self.times)
        whole = max(last - first, dt.timedelta(seconds=1))
        left = self.left + (_UNKNOWN + 10 if self.some_unknown else 0)
        return TimeAxis(first, last + whole * _AFTER + whole * 0.06, left, max(1.0, self.width - left - 8))

    def sheet(self, title: str) -> Sheet:
        """The whole picture."""
        boxes: list[Rect] = []
        marks: list[Mark] = []
        over: list[Stroke] = []
        for place, (lane, name) in enumerate(zip(self.lanes, self.names, strict=True)):
            low = self.top + self.lane * (place + 1)
            middle = low - _BAR / 2 - 1
            self.texts.append(Text(self.left - 8, middle, name, TEXT_SIZE, anchor="right"))
            spans = self._spans(lane)
            taken: list[tuple[float, float]] = []
            if lane.left and self.lane >= _LANE - 1:
                self._behind(lane, spans[-1][0], low - _BAR - 9, taken)
            for start, end, members in reversed(spans):
                worst = min(members, key=lambda s: (s.present, s.tagged or s.current))
                hollow = not worst.present
                boxes.append(Rect(start, low - _BAR - 1, max(0.8, end - start), _BAR, worst.colour, hollow))
                marks.append(_told(lane, members))
                if start > self.left + 1 and (self.axis is None or start >= self.axis.left):
                    over.append(Stroke(((start, low - _BAR - 3), (start, low + 1)), INK, 1.2))
                if self.lane >= _LANE - 1:
                    self._say(members, start, end, low - _BAR - 9, taken)
        under: list[Stroke] = []
        if self.axis:
            for x, words in self.axis.ticks():
                half = wide(words, SMALL_SIZE) / 2
                under.append(Stroke(((x, self.top), (x, self.bottom + 4)), RULE, 0.6))
                at = min(max(x, self.axis.left - 8 + half), self.width - half)
                self.texts.append(Text(at, self.bottom + 11, words, SMALL_SIZE, MUTED, "center"))
        if self.some_unknown and self.axis:
            self.texts.append(Text(self.left, self.bottom + 11, "time unknown", SMALL_SIZE, MUTED))
        explanation = self._explanation()
        return Sheet(
            title,
            explanation,
            f"{count_noun(len(self.lanes), 'lane')} of time, one for each tag. {self._said()} {explanation}",
            self.width,
            self.bottom + (_TICKS if self.axis else 4),
            shares({"segments": boxes}, {"segments": marks}),
            tuple(self.boxes),
            tuple(under),
            tuple(over),
            tuple(self.texts),
        )

    def _spans(self, lane: Lane) -> list[tuple[float, float, list[Segment]]]:
        """From where to where each segment goes, and those that go together as they would be too narrow."""
        unknown = [segment for segment in lane.segments if segment.since is None]
        found: list[tuple[float, float, list[Segment]]] = []
        room = _UNKNOWN if self.axis else max(1.0, self.width - self.left - 8)
        step = room / max(1, len(unknown))
        for place, segment in enumerate(unknown):
            _add(found, self.left + place * step, self.left + (place + 1) * step - min(2.0, step / 4), segment)
        if self.axis:
            known = [segment for segment in lane.segments if segment.since]
            ends = [*(segment.since for segment in known[1:]), None]
            for segment, until in zip(known, ends, strict=True):
                assert segment.since  # noqa: S101  # what makes it known
                end = self.axis.x(until) if until else self.axis.left + self.axis.width
                _add(found, self.axis.x(segment.since), end, segment)
        return found

    def _behind(self, lane: Lane, start: float, y: float, taken: list[tuple[float, float]]) -> None:
        """What a tag left that no tag reaches, at the end of its lane, if the last digest stands beside it."""
        words = f"{format_bytes(lane.left)} left behind"
        right = self.width - 8
        left = right - wide(words, SMALL_SIZE)
        if left >= start + wide("0" * 12, SMALL_SIZE) + 8:
            taken.append((left, right))
            self.texts.append(Text(right, y, words, SMALL_SIZE, INK, "right"))

    def _say(
        self, members: Sequence[Segment], start: float, end: float, y: float, taken: list[tuple[float, float]]
    ) -> None:
        """What stands over a segment, from its start to as far as nothing is in the way."""
        left = sum(segment.left for segment in members)
        digest = short_digest(members[0].manifest).rpartition(":")[2]
        many = len(members) > 1
        name = f"{len(members):,} manifests" if many else digest
        said = [f"{name}, {format_bytes(left)} left"] * bool(left) + [name]
        said += [f"{format_bytes(left)} left"] * bool(left)
        for words in said:
            needed = wide(words, SMALL_SIZE)
            at = min(start + 1, self.width - needed)
            # Over a narrow one it would seem to belong to those beside it; the current one is always said.
            room = end - start >= needed * _OWN or members[-1].current
            if room and spans_free(taken, at, at + needed, 6):
                taken.append((at, at + needed))
                self.texts.append(Text(at, y, words, SMALL_SIZE, MUTED))
                return

    def _said(self) -> str:
        said = [f"{lane.name} pointed to {count_noun(len(lane.segments), 'manifest')}" for lane in self.lanes[:5]]
        return f"{'; '.join(said)}."

    def _explanation(self) -> str:
        said = ["A stroke is where a tag moved; over it the digest it moved to, and what it left that no tag reaches."]
        if self.lane < _LANE - 1:
            said = ["A stroke is where a tag moved."]
        if self.axis is None:
            said.append("No time is known; the last is the current one.")
        stayed = self.tags - len(self.lanes) - len(self.rest)
        left = [count_noun(len(self.rest), "other tag that moved", "other tags that moved")] * bool(self.rest)
        left += [count_noun(stayed, "tag that never did", "tags that never did")] * bool(stayed)
        if left:
            kept = sum(lane.left for lane in self.rest)
            behind = f" (which left {format_bytes(kept)})" if kept else ""
            said.append(f"Left out: {' and '.join([left[0] + behind, *left[1:]])}.")
        return " ".join(said)


def _add(found: list[tuple[float, float, list[Segment]]], start: float, end: float, segment: Segment) -> None:
    """Put a segment behind the others; what is too narrow goes with the one before it. A current one stands alone."""
    if found and end - found[-1][0] < 2 * _NARROW and found[-1][1] - found[-1][0] < _NARROW and not segment.current:
        start, _, members = found.pop()
        found.append((start, end, [*members, segment]))
    else:
        found.append((start, end, [segment]))


def _told(lane: Lane, members: Sequence[Segment]) -> Mark:
    said = [lane.name]
    for segment in members[:20]:
        since = "an unknown time" if segment.since is None else f"{segment.since:%Y-%m-%d %H:%M} UTC"
        until = "now" if segment.current else "" if segment.until is None else f"{segment.until:%Y-%m-%d %H:%M} UTC"
        state = "" if segment.present else "; it is gone"
        state += f"; {segment.left:,} bytes of it no tag reaches" if segment.left else ""
        said.append(f"{segment.manifest}\nsince {since}{f' until {until}' if until else ''}{state}")
    if len(members) > 20:
        said.append(f"and {len(members) - 20:,} more")
    return Mark("\n".join(said), (lane.repository,), (lane.name, *(segment.manifest for segment in members)))


def _title(lanes: Sequence[Lane], tags: int) -> str:
    """The finding: how many tags moved, and what they left behind."""
    if not tags:
        return "There is no tag"
    if not lanes:
        return f"No move is on record: {'the one tag has' if tags == 1 else f'each of {tags:,} tags has'} one manifest"
    left = sum(lane.left for lane in lanes)
    moves = sum(len(lane.segments) - 1 for lane in lanes)
    behind = f"and left {format_bytes(left)} behind" if left else "and left nothing that no tag reaches"
    who = f"{len(lanes):,} of {tags:,} tags" if tags > 1 else "The one tag"
    return f"{who} moved, {count_noun(moves, 'time')} in all, {behind}"


def tag_history(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """What the tags that moved pointed to, and since when.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.tag_history` gives it. Of many tags those that moved most are drawn, then those that
        moved last.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own, as high as it needs.

    Returns
    -------
    matplotlib.axes.Axes
        Its coordinates are points from its upper left corner.

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis import tag_history as answer
    >>> tag_history(answer(rv.read())).get_title(loc="left")
    '2 of 22 tags moved, 2 times in all, and left 33.5 KiB behind'
    """
    return paint(lambda width, height: describe_tag_history(table, width=width, height=height), ax)
