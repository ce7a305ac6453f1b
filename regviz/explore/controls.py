"""The controls: each with its label, reached by the keyboard, and read as one `Choices`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regviz.analysis.collectors import COLLECTORS
from regviz.explore.choices import Choices, globs_of
from regviz.text import is_like

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MOST_LISTED = 1_000
_LABELS = {"description_width": "8.5em"}
_WIDE = "24em"
_AS_USUAL = "as this storage does"


class Controls:
    """What is asked, and of what.

    Attributes
    ----------
    question : ipywidgets.Dropdown
    search : ipywidgets.Text
        Globs of repositories, or parts of their names; lists those that fit.
    repositories : ipywidgets.SelectMultiple
        Those that fit; some can be chosen.
    tag, keep : ipywidgets.Text
        Regular expressions.
    pushed_from, pushed_before : ipywidgets.DatePicker
    keep_last, older_than : ipywidgets.Text
        Whole numbers, or nothing.
    delete_by, collector : ipywidgets.Dropdown
    widget : ipywidgets.VBox
        All of them.
    """

    def __init__(self, repositories: Sequence[str], questions: Sequence[str], what_if: str, how_many: str) -> None:
        import ipywidgets as w  # loaded when asked for

        self._names, self._what_if, self._how_many = list(repositories), what_if, how_many
        self._tell: Callable[[], None] = lambda: None
        self._is_listing = False
        self.question = w.Dropdown(options=list(questions), **_labelled("Show", "34em"))
        self.search = _text("Repositories", "all; team/*, or a part of a name")
        self.repositories = w.SelectMultiple(rows=6, **_labelled("of these, only"))
        self.tag = _text("Tags", "all; a regular expression, ^1\\.")
        self.pushed_from = w.DatePicker(**_labelled("Pushed from"))
        self.pushed_before = w.DatePicker(**_labelled("and before"))
        self.keep_last = _text("Keep the last", "how many, of each repository")
        self.older_than = _text("Older than", "how many days")
        self.keep = _text("Keep in any case", "a regular expression, ^latest$")
        self.delete_by = w.Dropdown(
            options=[(_AS_USUAL, None), ("by digest, with every tag on it", "manifest"), ("the tag alone", "tag")],
            **_labelled("Delete"),
        )
        self.collector = w.Dropdown(
            options=[(_AS_USUAL, None), *((name, name) for name in COLLECTORS)], **_labelled("Collector")
        )
        self._note = w.HTML()
        self._list()
        deletion = [self.keep_last, self.older_than, self.keep, self.delete_by, self.collector]
        self._deletion = w.VBox(deletion, layout=w.Layout(display="none"))
        columns = [
            w.VBox([self.search, self.repositories, self._note]),
            w.VBox([self.tag, self.pushed_from, self.pushed_before]),
            self._deletion,
        ]
        self.widget = w.VBox([self.question, w.HBox(columns, layout=w.Layout(flex_flow="row wrap", grid_gap="0 1em"))])
        self.search.observe(self._search, "value")
        for control in (self.question, self.repositories, self.tag, self.pushed_from, self.pushed_before, *deletion):
            control.observe(self._heard, "value")

    def on_change(self, tell: Callable[[], None]) -> None:
        """Have a function called after each change."""
        self._tell = tell

    def choices(self) -> Choices:
        """What is chosen now."""
        found = Choices(
            repositories=tuple(self.repositories.value) or globs_of(self.search.value, self._names),
            tag=self.tag.value.strip(),
            pushed_from=self.pushed_from.value,
            pushed_before=self.pushed_before.value,
        )
        if self.question.value not in (self._what_if, self._how_many):
            return found
        return Choices(
            repositories=found.repositories,
            tag=found.tag,
            pushed_from=found.pushed_from,
            pushed_before=found.pushed_before,
            keep_last=_given(self.keep_last.value),
            older_than_days=_given(self.older_than.value),
            keep=self.keep.value.strip(),
            delete_by=self.delete_by.value,
            collector=self.collector.value,
        )

    def _list(self) -> None:
        globs = globs_of(self.search.value, self._names)
        fitting = [name for name in self._names if not globs or is_like(name, globs)]
        self._is_listing = True
        try:
            self.repositories.options = fitting[:_MOST_LISTED]
            self.repositories.value = ()
        finally:
            self._is_listing = False
        more = len(fitting) - _MOST_LISTED
        self._note.value = f"{more:,} more fit, and are not listed here." if more > 0 else ""

    def _search(self, _: Any) -> None:
        self._list()
        self._tell()

    def _heard(self, _: Any) -> None:
        if self._is_listing:
            return
        asked = self.question.value
        self._deletion.layout.display = "" if asked in (self._what_if, self._how_many) else "none"
        for control in (self.keep_last, self.older_than):  # each point of the curve is such a number
            control.layout.display = "" if asked == self._what_if else "none"
        self._tell()


def _labelled(label: str, width: str = _WIDE) -> dict[str, Any]:
    from ipywidgets import Layout

    return {"description": label, "style": _LABELS, "layout": Layout(width=width)}


def _text(label: str, hint: str) -> Any:
    from ipywidgets import Text

    # Only what is finished is answered: on Enter, or when the field is left.
    return Text(placeholder=hint, continuous_update=False, **_labelled(label))


def _given(text: str) -> int | None:
    from regviz.errors import RegvizError

    if not text.strip():
        return None
    if not text.strip().isascii() or not text.strip().isdigit():
        raise RegvizError(f"{text.strip()!r} is no number; give a whole one, 0 or more, or nothing")
    return int(text)
