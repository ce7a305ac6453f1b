"""What a learner did in a lesson: as a table, and as a small file for whoever teaches."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import regviz
from regviz.errors import RegvizError
from regviz.lesson import books, display
from regviz.lesson import state as states
from regviz.lesson.calls import current
from regviz.lesson.state import Record, Session, kept
from regviz.shown import is_page, show
from regviz.text import count_noun

if TYPE_CHECKING:
    import pandas as pd

    from regviz.lesson.book import Check, Prediction

FORMAT, VERSION = "regviz-lesson-results", 1
"""What an exported file says it is. A file of another version is refused by its reader, which says so."""

_NOT_IN_NAMES = re.compile(r"[^\w.-]+|\.\.+")
_LONGEST_NAME = 40


def lessons() -> pd.DataFrame:
    """The lessons that ship, in order.

    Returns
    -------
    pandas.DataFrame
        A row each: lesson, title, question, minutes, checks, predictions, archives.

    Examples
    --------
    >>> list(lessons().columns)
    ['lesson', 'title', 'question', 'minutes', 'checks', 'predictions', 'archives']
    """
    import pandas as pd

    found = [book for book in map(books.find, books.numbers()) if book is not None]
    rows = [
        (
            book.number,
            book.title,
            book.question,
            book.minutes,
            len(book.checks),
            len(book.predictions),
            ", ".join(book.archives),
        )
        for book in found
    ]
    columns = ["lesson", "title", "question", "minutes", "checks", "predictions", "archives"]
    table = pd.DataFrame(rows, columns=columns, dtype="object")
    counts = dict.fromkeys(("minutes", "checks", "predictions"), "Int64")
    return table.astype(dict.fromkeys(("lesson", "title", "question", "archives"), "str") | counts)


def results() -> pd.DataFrame:
    """Every check and prediction of the lesson that was begun, and what became of it; a summary is shown too.

    Returns
    -------
    pandas.DataFrame
        A row each: id, kind, asks, answer, truth, state, attempts, minutes. The truth stands only where it was
        shown or found. `minutes` is when it was answered, since the lesson began.

    Raises
    ------
    RegvizError
        No lesson was begun.

    Examples
    --------
    >>> from contextlib import chdir
    >>> from tempfile import TemporaryDirectory
    >>> from regviz import lesson
    >>> from regviz.lesson.book import Book
    >>> book = Book("90", title="Adding", question="What is two and two?", minutes=1)
    >>> @book.check("90.1", asks="What is two and two?")
    ... def total() -> int:
    ...     return 2 + 2
    >>> with TemporaryDirectory() as folder, chdir(folder):
    ...     lesson.begin(book)
    ...     lesson.check("90.1", 4)
    ...     table = lesson.results()
    Lesson 90 · 1 minute: Adding
    What is two and two?
    Right.
    1 of 1 check is right. 0.0 minutes so far.
    >>> print(*table.loc[0, ["id", "answer", "state", "attempts"]])
    90.1 4 right 1
    """
    import pandas as pd

    session = begun()
    rows = [
        _row(session, asked, kind)
        for kind, all_asked in (("check", session.book.checks), ("prediction", session.book.predictions))
        for asked in all_asked.values()
    ]
    columns = ["id", "kind", "asks", "answer", "truth", "state", "attempts", "minutes"]
    table = pd.DataFrame(rows, columns=columns, dtype="object")
    types = {"id": "str", "kind": "str", "asks": "str", "state": "str", "attempts": "Int64", "minutes": "Float64"}
    table = table.astype(types)
    show(display.summary(_summary(session, table)))
    return table


def _row(session: Session, asked: Check | Prediction, kind: str) -> tuple[Any, ...]:
    record = session.records.get(asked.id, Record())
    known = record.revealed or record.state == states.RIGHT
    truth = (record.truth if record.truth is not None else kept(asked.truth)) if known else None
    return asked.id, kind, asked.asks, record.answer, truth, record.state, record.attempts, record.minutes


def _summary(session: Session, table: pd.DataFrame) -> str:
    checks, guesses = table[table["kind"] == "check"], table[table["kind"] == "prediction"]
    right, open_ = (int((checks["state"] == state).sum()) for state in (states.RIGHT, states.UNANSWERED))
    made = guesses[guesses["state"] == states.GUESSED]
    near = sum(within_factor(guess, truth) for guess, truth in zip(made["answer"], made["truth"], strict=True))
    said = f"{right} of {count_noun(len(checks), 'check')} {'is' if right == 1 else 'are'} right"
    said += f", {open_} {'is' if open_ == 1 else 'are'} open." if open_ else "."
    if len(guesses):
        said += (
            f" {len(made)} of {count_noun(len(guesses), 'guess', 'guesses')} {'was' if len(made) == 1 else 'were'} made"
        )
        said += f", {near} within a factor of two." if len(made) else "."
    return said if is_page() else f"{said} {session.minutes:.1f} minutes so far."


def within_factor(guess: object, truth: object, factor: float = 2.0) -> bool:
    """Whether a guess is at most so many times the truth, and at least such a part of it.

    Examples
    --------
    >>> within_factor(150, 100), within_factor(49, 100), within_factor("many", 100)
    (True, False, False)
    """
    if not (isinstance(guess, int | float) and isinstance(truth, int | float)):
        return False
    return truth / factor <= guess <= truth * factor


def begun() -> Session:
    """The lesson that was begun.

    Raises
    ------
    RegvizError
        None was.
    """
    session = current()
    if session is None:
        raise RegvizError('no lesson was begun; lesson.begin("01") begins the first')
    return session


def export(name: str) -> Path:
    """Write what you did in this lesson into a small file for whoever teaches: ``lesson-01-NAME.json``.

    It holds guesses, states, attempts and minutes, and the name you give. It holds no answer in your words, no path,
    and nothing of this machine.

    Parameters
    ----------
    name : str
        Yours, or any that you want to be called.

    Returns
    -------
    pathlib.Path
        The file, in the folder the notebook runs in.

    Raises
    ------
    RegvizError
        No lesson was begun, the name has no letter or digit, or the file cannot be written.

    Examples
    --------
    >>> from contextlib import chdir
    >>> from tempfile import TemporaryDirectory
    >>> from regviz import lesson
    >>> from regviz.lesson.book import Book
    >>> with TemporaryDirectory() as folder, chdir(folder):
    ...     lesson.begin(Book("90", title="Adding", question="What is two and two?", minutes=1))
    ...     lesson.export("Ada L.").name
    Lesson 90 · 1 minute: Adding
    What is two and two?
    'lesson-90-ada-l.json'
    """
    session = begun()
    called = _NOT_IN_NAMES.sub("-", str(name).strip().lower()).strip("-.")[:_LONGEST_NAME]
    if not called:
        raise RegvizError(f"{name!r} is no name for a file: give one with letters or digits, such as ada")
    path = Path(f"lesson-{session.book.number}-{called}.json")
    try:
        path.write_text(json.dumps(_exported(session, called), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise RegvizError(
            f"{path} cannot be written: {error.strerror}; work in a folder that you may write to"
        ) from error
    return path


def _exported(session: Session, name: str) -> dict[str, Any]:
    records, book = session.records, session.book
    checks, predictions = [], []
    for id_ in book.checks:
        record = records.get(id_, Record())
        said = {"state": record.state, "first": record.first, "attempts": record.attempts}
        checks.append({"id": id_, **said, "mistake": record.mistake, "minutes": record.minutes})
    for id_ in book.predictions:
        record = records.get(id_, Record())
        guess = record.answer if _is_number(record.answer) else None
        own = record.truth if _is_number(record.truth) else None
        predictions.append({"id": id_, "state": record.state, "guess": guess, "truth": own, "minutes": record.minutes})
    return {
        "format": FORMAT,
        "version": VERSION,
        "regviz": regviz.__version__,
        "lesson": book.number,
        "name": name,
        "minutes": session.minutes,
        "checks": checks,
        "predictions": predictions,
    }


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
