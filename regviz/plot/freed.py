"""What is freed the more tags are deleted, as points, curves and sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.analysis.curves import spread
from regviz.plot.labels import drawable, percent
from regviz.plot.marks import Mark
from regviz.text import collector_words, count_noun, format_bytes, format_date

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

_WORDS = {
    "together": "the tags that free most together first",
    "oldest": "the oldest tags first",
    "keep-last": "all but the last N of each repository",
}
_STEPS = 60
"""Of more steps than this, the line does not show each."""


@dataclass(frozen=True, slots=True)
class Point:
    """What deleting some tags frees; `note` is what a picture may write there."""

    tags: int
    bytes: int
    mark: Mark
    note: str = ""


@dataclass(frozen=True, slots=True)
class Curve:
    """One way to choose tags; in steps where all of them are points."""

    policy: str
    points: tuple[Point, ...]
    in_steps: bool = False

    @property
    def words(self) -> str:
        """What it is called."""
        return _WORDS[self.policy]


@dataclass(frozen=True, slots=True)
class Curves:
    """What :func:`what_if_curve` and :func:`delete_together` draw.

    Attributes
    ----------
    title, explanation, description : str
    tags, bytes : int
        How many tags there are, and what all of them free: the ends of the axes.
    curves : tuple of Curve
    """

    title: str
    explanation: str
    description: str
    tags: int = 0
    bytes: int = 0
    curves: tuple[Curve, ...] = ()


def describe_what_if_curve(table: pd.DataFrame) -> Curves:
    """The curves that :func:`what_if_curve` draws for an answer of :func:`regviz.analysis.what_if_curve`."""
    curves = []
    for policy in _WORDS:
        rows = table[table["policy"] == policy]
        if len(rows):
            points = [
                Point(tags, freed, *_said(policy, tags, freed, step, before, kept))
                for tags, freed, step, before, kept in zip(
                    rows["tags"].tolist(),
                    rows["freed_bytes"].tolist(),
                    rows["steps"].tolist(),
                    rows["pushed_before"].tolist(),
                    rows["keep_last"].tolist(),
                    strict=True,
                )
            ]
            curves.append(Curve(policy, tuple(points)))
    facts = table.attrs
    extra = "Each point is exact: what the collector would free then, beyond what it would free today"
    extra += f" ({format_bytes(facts['collected_today_bytes'])})." if facts["collected_today_bytes"] else "."
    if facts["undated"]:
        tags = count_noun(facts["undated"], "tag")
        extra += f" {tags} with no known time of push stay, where time decides."
    return _described(facts, curves, extra)


def _said(policy: str, tags: int, freed: int, step: object, before: pd.Timestamp, kept: object) -> tuple[Mark, str]:
    """What is said of a point, and what stands at it."""
    gone = f"{count_noun(tags, 'tag')} deleted: {freed:,} bytes freed"
    if policy == "oldest":
        return Mark(f"{gone}\npushed before {format_date(before.to_pydatetime())}"), ""
    if policy == "keep-last":
        return Mark(f"{gone}\nthe last {kept} of each repository stay"), f"N = {kept}"
    return Mark(f"{gone}\nafter step {step} of those that free most together"), ""


def describe_delete_together(table: pd.DataFrame) -> Curves:
    """The curve that :func:`delete_together` draws for an answer of :func:`regviz.analysis.delete_together`."""
    steps = table.drop_duplicates("step")
    rows = zip(
        steps["running_tags"].tolist(),
        steps["running_bytes"].tolist(),
        steps["step"].tolist(),
        steps["step_bytes"].tolist(),
        steps["step_tags"].tolist(),
        steps["repository"].tolist(),
        steps["tag"].tolist(),
        strict=True,
    )
    points = [Point(0, 0, Mark("no tag deleted: nothing freed"))]
    for tags, freed, step, own, many, repository, tag in rows:
        others = f" and {count_noun(many - 1, 'other tag')}" if many > 1 else ""
        said = f"step {step}: {repository}:{tag}{others} free {own:,} bytes\n{tags:,} tags so far: {freed:,} bytes"
        points.append(Point(tags, freed, Mark(said, (str(repository),))))
    facts, last, kept = table.attrs, points[-1], points
    if len(points) > _STEPS:
        amounts = (np.array([getattr(point, name) for point in points]) for name in ("tags", "bytes"))
        kept = [points[at] for at in sorted({at for each in amounts for at in spread(each, _STEPS // 2)})]
    extra = "Tags of one step free their bytes only together, so the curve rises where a step is done."
    if len(kept) < len(points):
        extra += f" Of {len(points) - 1:,} steps {len(kept) - 1} have a dot."
    known = {"tags": last.tags, "freeable_bytes": facts["freeable_bytes"], "abort": facts["abort"]}
    curves = [Curve("together", tuple(kept), in_steps=len(kept) == len(points))] if len(points) > 1 else []
    return _described(known | {"collector": facts["collector"]}, curves, extra)


def _described(facts: Mapping[Any, Any], curves: Sequence[Curve], extra: str) -> Curves:
    tags, most = int(facts["tags"]), int(facts["freeable_bytes"])
    if not tags:
        return Curves("There is no tag to delete", "", "There is no tag to delete.")
    if not most or not curves:
        why = f": {drawable(str(facts['abort']))}" if facts["abort"] else ""
        title = (
            f"Deleting all {count_noun(tags, 'tag')} frees nothing{why}"
            if tags > 1
            else f"Deleting the tag frees nothing{why}"
        )
        return Curves(title, "", f"{title}.")
    if tags == 1:
        title = f"Deleting the tag frees {format_bytes(most)}"
        return Curves(title, "", f"{title}.")
    title = _title(curves, tags, most)
    explanation = f"After {collector_words(facts['collector'])} collects. {extra}"
    halves = [f"{curve.words}: {point.tags:,} tags" for curve in curves if (point := _half(curve, most))]
    description = (
        f"{count_noun(len(curves), 'curve')} of bytes freed against tags deleted. Half is freed by {'; '.join(halves)}."
    )
    return Curves(title, explanation, description, tags, most, tuple(curves))


def _half(curve: Curve, most: int) -> Point | None:
    """The first point that frees half of what all tags free."""
    return next((point for point in curve.points if point.bytes * 2 >= most), None)


def _title(curves: Sequence[Curve], tags: int, most: int) -> str:
    """The finding: how many tags half of the bytes take, chosen well and by age."""
    found = {curve.policy: point for curve in curves if (point := _half(curve, most))}
    whole = format_bytes(most)
    best, oldest = found.get("together"), found.get("oldest")
    if best is None:
        first = min(found.values(), key=lambda point: point.tags, default=None)
        if first is None:
            return f"All {tags:,} tags together free {whole}; no policy frees half of it"
        return f"Half of the {whole} that deletion can free goes with {percent(first.tags, tags)} of the tags"
    if best.bytes == most:
        title = f"All of the {whole} that deletion can free goes with {count_noun(best.tags, 'tag')} of {tags:,}"
    else:
        title = f"Half of the {whole} that deletion can free goes with {percent(best.tags, tags)} of the tags"
    return f"{title}; oldest first, with {percent(oldest.tags, tags)}" if oldest else title
