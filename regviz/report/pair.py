"""The report of two registries: what appeared, moved and went between them."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from regviz.analysis import compare_registries, growth
from regviz.card import summarise
from regviz.errors import RegvizError
from regviz.layouts.common import no_progress
from regviz.pair import SECOND_VARIABLE
from regviz.problems import RULES
from regviz.read import read
from regviz.registry import Registry
from regviz.report.execute import execute, read_notebook
from regviz.report.page import render
from regviz.report.words import SEVERITY_WORDS, layout_name
from regviz.schema import SEVERITIES
from regviz.text import count_noun, escape_html, format_bytes

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import pandas as pd

    from regviz.layouts.common import Progress
    from regviz.report.display import Shown

_NOTEBOOK = "report-compare"
_CHANGES = ("appeared", "moved", "went")
_MOST = 1_000


def report_pair(
    sources: Sequence[str | os.PathLike[str] | Registry],
    *,
    notebook: str | os.PathLike[str] | None = None,
    title: str | None = None,
    progress: Progress = no_progress,
) -> str:
    """The page of two registries, the older first; see :func:`regviz.report.report`."""
    if len(sources) != 2:
        raise RegvizError(f"a report is of one source, or of two that it compares; {len(sources)} were given")
    from regviz.report.build import find_notebook, save_for_notebook, source_name

    own, is_shipped = find_notebook(notebook if notebook is not None else _NOTEBOOK)
    page = read_notebook(own)
    readings = [each if isinstance(each, Registry) else read(each, progress=progress) for each in sources]
    for reg in readings:
        reg.source.require_contents("differences of registries")
    with TemporaryDirectory(prefix="regviz-") as folder:
        captures = [save_for_notebook(reg, folder, name) for reg, name in zip(readings, ("old", "new"), strict=True)]
        execute(
            page,
            name=own.name,
            source=captures[0],
            folder=Path(folder) if is_shipped else own.resolve().parent,
            show_values=all(reg.shows_values for reg in readings),
            progress=progress,
            environment={SECOND_VARIABLE: captures[1]},
        )
    old, new = (source_name(reg.source.uri) for reg in readings)
    return render(page, title=title or f"{old} → {new}")


def opening(old: Registry, new: Registry) -> Shown:
    """What was read each time, one sentence of what changed, and five numbers with their differences.

    Examples
    --------
    >>> import regviz as rv
    >>> reg = rv.read()
    >>> str(opening(reg, reg))
    'No tag appeared, moved or went, and 429 KiB lie in both.'
    """
    from regviz.report.display import Shown

    answer = compare_registries(old, new)
    numbers = [_numbers(reg) for reg in (old, new)]
    sentence = _sentence(answer, numbers)
    sources = "".join(
        f'<p class="source">{when}: {escape_html(layout_name(reg.source))} at '
        f"<code>{escape_html(reg.source.uri)}</code>, read {reg.source.read_at:%Y-%m-%d %H:%M} UTC</p>"
        for when, reg in (("Old", old), ("New", new))
    )
    cells = "".join(
        f'<div><dt>{name}</dt><dd>{escape_html(_shown(name, numbers[1][name]))}</dd><dd class="beside">'
        f"{escape_html(_difference(name, numbers[0][name], numbers[1][name]))}</dd></div>"
        for name in numbers[1]
    )
    html = f'<div class="rv rv-opening">{sources}<p class="lead">{escape_html(sentence)}</p><dl>{cells}</dl></div>'
    return Shown(html, sentence)


def _numbers(reg: Registry) -> dict[str, int]:
    summary = summarise(reg)
    return {
        "Stored": summary.stored_bytes,
        "Repositories": summary.repositories,
        "Tags": summary.tags,
        "Images": summary.images,
        "Problems": summary.errors + summary.warnings,
    }


def _shown(name: str, value: int) -> str:
    return format_bytes(value) if name == "Stored" else f"{value:,}"


def _difference(name: str, old: int, new: int) -> str:
    if old == new:
        return "as before"
    sign = "+" if new > old else "\N{MINUS SIGN}"
    return f"{sign}{_shown(name, abs(new - old))}, was {_shown(name, old)}"


def _sentence(answer: pd.DataFrame, numbers: Sequence[dict[str, int]]) -> str:
    """What happened to the tags, and to the bytes."""
    counts = answer.attrs["tag"]
    said = [f"{counts[change]:,} {change}" for change in _CHANGES if counts[change]]
    if said:
        first = sum(counts[change] for change in _CHANGES)
        tags = f"{'One tag' if first == 1 else f'{first:,} tags'} changed: {_listed(said)}"
    elif counts["unknown"]:
        tags = f"Of {count_noun(counts['unknown'], 'tag')} it cannot be told whether they moved"
    else:
        tags = "No tag appeared, moved or went"
    if said and counts["unknown"]:
        tags += f", and of {counts['unknown']:,} more it cannot be told whether they moved"
    before, after = numbers[0]["Stored"], numbers[1]["Stored"]
    if before == after:
        return f"{tags}, and {format_bytes(after)} lie in both."
    grew = "grew" if after > before else "shrank"
    return f"{tags}; what is stored {grew} from {format_bytes(before)} to {format_bytes(after)}."


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def changes(old: Registry, new: Registry, what: str = "tag") -> Shown:
    """The tags, or repositories, that appeared, moved or went, with their bytes; those of which it is not known, too.

    Examples
    --------
    >>> import regviz as rv
    >>> str(changes(rv.read(), rv.read()))
    'Every tag is the same in both.'
    """
    from regviz.report.display import Shown, table

    answer = compare_registries(old, new)
    rows = answer[(answer["what"] == what) & (answer["change"] != "same").fillna(True)]
    if not len(rows):
        text = f"Every {what} is the same in both." if (answer["what"] == what).any() else f"There is no {what}."
        return Shown(f'<div class="rv"><p>{text}</p></div>', text)
    keys = ["repository", *(["tag"] if what == "tag" else []), "change", "old_bytes", "bytes", "missing_bytes"]
    caption = "Tags that changed" if what == "tag" else "Repositories that changed"
    note = _BASIS.get(answer.attrs["basis"], "") if what == "tag" else ""
    shown = table(
        rows[[*keys, "added_bytes"]].reset_index(drop=True),
        caption=caption,
        limit=_MOST,
        command=f"regviz diff OLD NEW --what {what} --format csv",
    )
    said = f'<div class="rv"><p>{escape_html(note)}</p></div>' if note else ""
    return Shown(said + shown.html, shown.text)


_BASIS = {
    "image ID": "One of them has manifests and the other image IDs alone: tags are the same where the image ID is.",
    "name": (
        "Docker Registry v1 has no digests, so names alone are compared: whether a tag still means the same image "
        "cannot be told."
    ),
}


def sync(old: Registry, new: Registry) -> Shown:
    """What the newer lacks of the older's tags: what a sync must transfer, and the other way round.

    Examples
    --------
    >>> import regviz as rv
    >>> print(sync(rv.read(), rv.read()))
    Nothing is missing in the new one. Nothing is in the new one alone.
    """
    from regviz.report.display import Shown, table

    answer = compare_registries(old, new)
    found = answer.attrs
    if found["missing_bytes"] is None:
        said = f"What is missing cannot be told. {_BASIS[found['basis']]}"
        return Shown(f'<div class="rv"><p>{escape_html(said)}</p></div>', said)
    missing, added = (
        f"{count_noun(found[f'{name}_blobs'], 'blob')} of {format_bytes(found[f'{name}_bytes'])}"
        for name in ("missing", "added")
    )
    lacks = f"A sync from the old one to the new one must transfer {missing}." if found["missing_blobs"] else ""
    gains = f"The new one alone has {added} of what its tags reach." if found["added_blobs"] else ""
    said = f"{lacks or 'Nothing is missing in the new one.'} {gains or 'Nothing is in the new one alone.'}"
    if not found["complete"]:
        said += " Not everything could be read: what seems to be missing may be there."
    rows = answer[(answer["what"] == "repository") & (answer["missing_bytes"] > 0)]
    shown = ""
    if len(rows):
        shown = table(
            rows[["repository", "change", "missing_bytes", "old_bytes"]].reset_index(drop=True),
            caption="What a sync must transfer, by repository (they share blobs, and do not add up)",
            largest="missing_bytes",
            command="regviz diff OLD NEW --what repository --format csv",
        ).html
    return Shown(f'<div class="rv"><p>{escape_html(said)}</p></div>{shown}', said)


def grown(old: Registry, new: Registry) -> Shown:
    """How much lies there in both readings, as a figure; or why that is no growth.

    Examples
    --------
    >>> import regviz as rv
    >>> reg = rv.read()
    >>> print(grown(reg, reg))
    No growth can be told: two of the readings are of one time: ...
    """
    from regviz import plot
    from regviz.report.display import Shown, figure

    try:
        table = growth([old, new])
    except RegvizError as error:
        said = f"No growth can be told: {error}"
        return Shown(f'<div class="rv"><p>{escape_html(said)}</p></div>', said)
    return figure(plot.growth(table), table=table)


def problems_between(old: Registry, new: Registry) -> pd.DataFrame:
    """Which problems are new, and which are gone: a row for each rule that is broken a different number of times.

    Returns
    -------
    pandas.DataFrame
        rule, severity, meaning, old_places, new_places, change: in how many places more it is broken now.

    Examples
    --------
    >>> import regviz as rv
    >>> len(problems_between(rv.read(), rv.read()))
    0
    """
    import pandas as pd

    counts = [reg.problems["rule"].astype("str").value_counts() for reg in (old, new)]
    severity = {
        str(row.rule): str(row.severity)
        for reg in (old, new)
        for row in reg.problems[["rule", "severity"]].itertuples()
    }
    rows: list[dict[str, Any]] = [
        {
            "rule": rule,
            "severity": SEVERITY_WORDS[severity[rule]],
            "meaning": RULES[rule].meaning if rule in RULES else "",
            "old_places": int(counts[0].get(rule, 0)),
            "new_places": int(counts[1].get(rule, 0)),
        }
        for rule in sorted(severity, key=lambda rule: (SEVERITIES.index(severity[rule]), rule))
    ]
    table = pd.DataFrame(rows, columns=["rule", "severity", "meaning", "old_places", "new_places"])
    table["change"] = table["new_places"] - table["old_places"]
    return pd.DataFrame(table[table["change"] != 0].reset_index(drop=True))


def problems(old: Registry, new: Registry) -> Shown:
    """The problems that are new, and those that are gone.

    Examples
    --------
    >>> import regviz as rv
    >>> print(problems(rv.read(), rv.read()))
    No problem is new, and none is gone.
    """
    from regviz.report.display import Shown, table

    found = problems_between(old, new)
    if not len(found):
        text = "No problem is new, and none is gone."
        return Shown(f'<div class="rv"><p>{text}</p></div>', text)
    return table(found, caption="Problems by rule", limit=_MOST, command="regviz doctor NEW")
