"""What a learner sees of a lesson's calls: elements for a notebook or a page, and the same as text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from regviz.lesson.compare import plain
from regviz.lesson.state import GUESSED, kept
from regviz.shown import Shown, is_page
from regviz.text import count_noun, escape_html, format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from regviz.lesson.book import Book, Check, Prediction
    from regviz.lesson.state import Record, Session

_CODE = re.compile(r"`([^`]+)`")
_MOST = 40
"""Items of a list that are shown."""

_A_FACTOR = 1.1
"""From here on a guess is off by a factor; below, by a share."""


def rich(text: str) -> str:
    """Text as HTML, with what stands between backticks as code.

    Examples
    --------
    >>> rich("`docker save` & <more>")
    '<code>docker save</code> &amp; &lt;more&gt;'
    """
    return _CODE.sub(r"<code>\1</code>", escape_html(text))


def opening(session: Session, *, again: bool) -> Shown:
    """A lesson's head: what it asks, what one learns, how long it takes."""
    book = session.book
    kind = f"Lesson {book.number} · {count_noun(book.minutes, 'minute')}"
    notes = []
    if again:
        notes.append(
            f'Your answers of before are kept; lesson.begin("{book.number}", fresh=True) forgets them and starts anew.'
        )
    if not session.saved:
        notes.append(f"{session.path} cannot be written: your answers are kept until this kernel ends.")
    lists = [("Afterwards you can", book.objectives), ("You should know", book.prerequisites)]
    html = (
        f'<div class="rv rv-lesson"><p class="kind">{escape_html(kind)}</p>'
        f'<p class="title">{rich(book.title)}</p>'
        f'<p class="question">{rich(book.question)}</p>'
        + "".join(_list(head, items) for head, items in lists if items)
        + "".join(f'<p class="note">{escape_html(note)}</p>' for note in notes)
        + "</div>"
    )
    text = [f"{kind}: {book.title}", book.question]
    for head, items in lists:
        text += [f"{head}:", *(f"- {item}" for item in items)] if items else []
    return Shown(html, "\n".join(text + notes))


def _list(head: str, items: Iterable[str]) -> str:
    return f'<p class="head">{head}</p><ul>{"".join(f"<li>{rich(item)}</li>" for item in items)}</ul>'


def said(value: Any, unit: str = "") -> str:
    """A value as a sentence has it.

    Examples
    --------
    >>> said(12000, "bytes"), said({"b", "a"}), said(3.14159), said("latest")
    ('12,000 bytes (11.7 KiB)', 'a, b', '3.142', 'latest')
    """
    value = plain(value)
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float):
        number = f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
        binary = f" ({format_bytes(round(value))})" if unit == "bytes" and abs(value) >= 1024 else ""
        return f"{number} {unit}".rstrip() + binary
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    if isinstance(value, list):
        more = f", and {len(value) - _MOST} more" if len(value) > _MOST else ""
        return ", ".join(said(each) for each in value[:_MOST]) + more
    if isinstance(value, dict):
        return ", ".join(f"{key}: {said(each)}" for key, each in list(value.items())[:_MOST])
    return str(kept(value))


def line(state: str, head: str, *rest: str) -> Shown:
    """One of a lesson's answers to a learner: a word, and what it means."""
    words = [text for text in rest if text]
    html = f'<div class="rv rv-answer {state}"><p><b>{escape_html(head)}</b> {rich(" ".join(words))}</p></div>'
    return Shown(html, " ".join([head, *words]))


def guess_kept(asked: Prediction, record: Record) -> Shown:
    """A guess was made before the truth was shown."""
    guess = said(record.answer, asked.unit)
    if is_page():
        return line("guessed", "A guess:", f"{asked.asks} {guess}.")
    return line("guessed", "Kept:", f"{guess}. Run on to see.")


def guess_not_made(asked: Prediction) -> Shown:
    """No guess was made."""
    return line("skipped", "No guess yet.", asked.asks, "Write one in the place of the dots, or run on.")


def guess_too_late(asked: Prediction, record: Record) -> Shown:
    """The truth was shown before."""
    if record.state == GUESSED:
        return line("guessed", "Shown already:", f"your guess of before, {said(record.answer, asked.unit)}, stays.")
    return line("skipped", "Shown already:", "a guess does not count any more.")


def revealed(asked: Prediction, record: Record, truth: Any) -> Shown:
    """The guess beside the truth."""
    own = "The guess" if is_page() else "Your guess"
    rows = [("truth", "The truth", said(truth, asked.unit))]
    if record.state == GUESSED:
        rows.insert(0, ("", own, said(record.answer, asked.unit)))
        rows.append(("", "Off by", _off(record.answer, truth, asked.unit)))
    else:
        rows.append(("", own, "none this time"))
    rows = [row for row in rows if row[2]]
    cells = "".join(
        f'<div class="{class_}"><dt>{name}</dt><dd>{escape_html(value)}</dd></div>' for class_, name, value in rows
    )
    html = f'<div class="rv rv-reveal"><p>{rich(asked.asks)}</p><dl>{cells}</dl></div>'
    return Shown(html, "\n".join([asked.asks, *(f"{name}: {value}" for _, name, value in rows)]))


def _off(guess: Any, truth: Any, unit: str) -> str:
    """How far a guess is from the truth: by how much, and by which factor."""
    guess, truth = plain(guess), plain(truth)
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in (guess, truth)):
        return ""
    if guess == truth:
        return "nothing"
    apart = said(abs(guess - truth), unit)
    if guess <= 0 or truth <= 0:
        return apart
    factor = guess / truth
    if max(factor, 1 / factor) < _A_FACTOR:
        return f"{apart}, {abs(factor - 1):.2g} of the truth"
    if factor > 1:
        return f"{apart}: the guess is {factor:,.3g} times the truth"
    return f"{apart}: the truth is {1 / factor:,.3g} times the guess"


def right(asked: Check) -> Shown:
    """The answer is the truth."""
    return line("right", "Right.", asked.why)


def wrong(asked: Check, hint: str) -> Shown:
    """The answer is not the truth."""
    general = asked.hint or f"{asked.asks}{f' The answer counts {asked.unit}.' if asked.unit else ''}"
    return line("wrong", "Not yet.", hint or general)


def not_answered(asked: Check) -> Shown:
    """There is no answer."""
    return line("unanswered", "Not answered yet.", asked.asks)


def not_comparable(why: str) -> Shown:
    """The answer is no answer to that question."""
    return line("wrong", "Not comparable:", f"{why}.")


def summary(text: str) -> Shown:
    """What a learner did so far, in a line above the table."""
    return Shown(f'<div class="rv"><p>{escape_html(text)}</p></div>', text)


def unknown(id_: object, book: Book | None, kind: str) -> Shown:
    """There is no such check or prediction."""
    if book is None:
        return line(
            "wrong", "Unknown:", f"no lesson has {_short(id_)}; begin with lesson.begin, which names the lesson."
        )
    known = book.checks if kind == "check" else book.predictions
    return line(
        "wrong", "Unknown:", f"lesson {book.number} has no {kind} {_short(id_)}; it has {', '.join(known) or 'none'}."
    )


def _short(value: object) -> str:
    return str(kept(repr(value)))
