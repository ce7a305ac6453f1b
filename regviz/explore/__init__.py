"""The live widgets: a registry's figures, following what is chosen, and the code that gives what they show."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pandas as pd

from regviz.errors import RegvizError
from regviz.explore.choices import call
from regviz.explore.controls import Controls
from regviz.explore.questions import HOW_MANY, QUESTIONS, WHAT_IF, Answer, Asked, Held
from regviz.read import read
from regviz.registry import Registry
from regviz.report import display
from regviz.report.page import highlight
from regviz.text import escape_html

__all__ = ["Explorer", "explore"]

_PAUSE = 0.2  # seconds without a change before anything is worked out
_NOTHING_FITS = "No tag fits all that is chosen."


def explore(reg: Registry | str | os.PathLike[str] | None = None) -> Explorer:
    """Live controls for a notebook: choose repositories, tags, dates and a deletion, and figures follow.

    Parameters
    ----------
    reg : Registry or path, optional
        Left out, what :func:`regviz.read` reads without a path.

    Returns
    -------
    Explorer
        As the last line of a cell it shows itself. What it shows at the moment are its `table` and its `code`.

    Notes
    -----
    What is chosen chooses rows; the accounting always knows the whole registry.

    Examples
    --------
    >>> import regviz as rv
    >>> live = explore(rv.read())
    >>> live.controls.tag.value = "^latest$"
    >>> print(live.code.splitlines()[-3])
    tags = rv.choose_rows(reg.tags, tag='^latest$')
    >>> live.table["repository"].tolist()
    ['team/web', 'team/api', 'library/nodejs', 'library/base']
    """
    if isinstance(reg, Registry):
        return Explorer(reg, _reading(reg))
    return Explorer(read(reg), call("rv.read") if reg is None else call("rv.read", repr(os.fspath(reg))))


class Explorer:
    """Controls, the figure that follows them, its table and its code.

    Attributes
    ----------
    controls : Controls
        Each control by its name; their values can be set.
    table : pandas.DataFrame
        The answer that is shown.
    code : str
        What gives it, and draws the figure.
    said : str
        The sentence above the figure; where something cannot be had, why.
    """

    def __init__(self, reg: Registry, reading: str) -> None:
        from ipywidgets import HTML, Layout, VBox  # loaded when asked for

        self._held, self._reading = Held(reg), reading
        self._pending: asyncio.TimerHandle | None = None
        self.table, self.code, self.said = pd.DataFrame(), "", ""
        self.controls = Controls(self._held.repositories, list(QUESTIONS), WHAT_IF, HOW_MANY)
        self._shown = [HTML(layout=Layout(width="auto")) for _ in range(3)]
        self.widget = VBox([self.controls.widget, *self._shown])
        self.controls.on_change(self._changed)
        self.update()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        if os.environ.get(display.PAGE_VARIABLE):
            # A page has no kernel: what is shown now is what it gets.
            return {"text/html": "".join(part.value for part in self._shown), "text/plain": repr(self)}
        return self.widget._repr_mimebundle_(**kwargs)

    def __repr__(self) -> str:
        return f"{self.said}\n{self.code}"

    def _changed(self) -> None:
        """Answer soon; what changes until then is answered together."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.update()
            return
        if self._pending is not None:
            self._pending.cancel()
        self._shown[0].value = '<div class="rv"><p class="note" role="status">Working …</p></div>'
        self._pending = loop.call_later(_PAUSE, self.update)

    def update(self) -> None:
        """Answer what is asked now, and show it."""
        self._pending = None
        status, picture, code = self._shown
        try:
            asked = Asked(self._held, self.controls.choices())
            answer = QUESTIONS[self.controls.question.value](asked)
            figure = self._figure(answer, asked)
        except RegvizError as error:
            self.table, self.code, self.said = pd.DataFrame(), "", str(error)
            status.value = f'<div class="rv"><p class="note" role="alert">{escape_html(self.said)}</p></div>'
            picture.value = code.value = ""
            return
        self.table = answer.table
        self.code = "\n".join(["import regviz as rv", "", f"reg = {self._reading}", *answer.code])
        self.said = " ".join(part for part in (asked.said(), answer.said) if part)
        status.value = display.Shown(
            f'<div class="rv"><p role="status">{escape_html(self.said)}</p></div>', ""
        )._repr_html_()
        picture.value = figure
        code.value = (
            '<div class="rv"><details class="code" open><summary>The code of this</summary>'
            f"{_at_once(highlight(self.code))}</details></div>"
        )

    @staticmethod
    def _figure(answer: Answer, asked: Asked) -> str:
        if asked.first and not len(answer.table):
            return f'<div class="rv"><p class="note">{_NOTHING_FITS}</p></div>'
        return display.figure(answer.draw(), table=answer.table, largest=answer.largest).elements


def _at_once(code: str) -> str:
    """Code that one click selects as a whole, to be copied."""
    return code.replace("<pre ", '<pre style="user-select: all; line-height: 1.5" ', 1)


def _reading(reg: Registry) -> str:
    """How a registry is read again."""
    asked: dict[str, Any] = {}
    if reg.source.links_checked != "stat":
        asked["links"] = reg.source.links_checked
    if reg.shows_values:
        asked["show_values"] = True
    return call("rv.read", repr(reg.source.uri), **asked)
