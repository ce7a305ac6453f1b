"""What a lesson's notebook calls. None of these raises because of what a learner wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regviz.errors import RegvizError
from regviz.lesson import books, display
from regviz.lesson import state as states
from regviz.lesson.book import Book
from regviz.lesson.compare import NotComparableError, is_unanswered, refuse_kind, same
from regviz.lesson.state import Session, kept, load
from regviz.shown import Shown, show

if TYPE_CHECKING:
    from regviz.lesson.book import Check, Prediction

_sessions: dict[str, Session] = {}
_current: list[str] = []


def begin(lesson: str | Book, *, fresh: bool = False) -> None:
    """Begin a lesson: show what it asks and takes, and start its clock.

    Parameters
    ----------
    lesson : str or Book
        The number of one that ships, ``"01"``, or a book of your own.
    fresh : bool
        Forget what was answered before.

    Raises
    ------
    RegvizError
        No lesson that ships has this number.

    Examples
    --------
    >>> from contextlib import chdir
    >>> from tempfile import TemporaryDirectory
    >>> from regviz.lesson.book import Book
    >>> book = Book("90", title="Adding", question="What is two and two?", minutes=1)
    >>> with TemporaryDirectory() as folder, chdir(folder):
    ...     begin(book)
    Lesson 90 · 1 minute: Adding
    What is two and two?
    """
    book = lesson if isinstance(lesson, Book) else books.find(lesson)
    if book is None:
        raise RegvizError(f"there is no lesson {lesson}: those that ship are {', '.join(books.numbers()) or 'none'}")
    before = _sessions.get(book.number)
    is_only_here = before is not None and before.book is book and not before.saved  # no file has it
    session = Session(book) if fresh else before if before is not None and is_only_here else load(book)
    _sessions[book.number] = session
    _current[:] = [book.number]
    session.save()
    show(display.opening(session, again=bool(session.records)))


def predict(id_: str, guess: Any = ...) -> None:
    """Keep a guess until the truth is shown.

    Parameters
    ----------
    id_ : str
        The prediction, such as ``"01.a"``.
    guess : number
        ``...`` is a guess that was not made; nothing waits for one.

    Examples
    --------
    >>> from contextlib import chdir
    >>> from tempfile import TemporaryDirectory
    >>> from regviz.lesson.book import Book
    >>> book = Book("90", title="Adding", question="What is two and two?", minutes=1)
    >>> @book.prediction("90.a", asks="How many bytes has a page of memory?", unit="bytes")
    ... def page() -> int:
    ...     return 4096
    >>> with TemporaryDirectory() as folder, chdir(folder):
    ...     begin(book)
    ...     predict("90.a", 12_000)
    Lesson 90 · 1 minute: Adding
    What is two and two?
    Kept: 12,000 bytes (11.7 KiB). Run on to see.
    """
    session, asked = _prediction(id_)
    if session is None or asked is None:
        return
    record = session.record(asked.id)
    if is_unanswered(guess):
        if record.state == states.UNANSWERED:
            record.state = states.SKIPPED
            session.save()
        show(display.guess_not_made(asked) if record.state == states.SKIPPED else display.guess_kept(asked, record))
        return
    if record.revealed:
        show(display.guess_too_late(asked, record))
        return
    try:
        _refuse_kind(guess, asked)
        value = kept(guess)
    except Exception as error:  # noqa: BLE001  # whatever a learner's object does
        show(_not_comparable(asked.id, error))
        return
    if (record.state, record.answer) != (states.GUESSED, value):
        record.state, record.answer, record.minutes = states.GUESSED, value, session.minutes
        record.attempts += 1
        session.save()
    show(display.guess_kept(asked, record))


def _refuse_kind(guess: Any, asked: Prediction) -> None:
    """Say so where a guess can be none of the truth; a truth that is not to be had refuses nothing."""
    try:
        truth = asked.truth
    except RegvizError:  # the learner's own registry does not tell
        return
    refuse_kind(guess, truth)


def reveal(id_: str, *, truth: Any = None) -> None:
    """Show a guess beside the truth, and how far it is off.

    Parameters
    ----------
    id_ : str
        The prediction.
    truth : number, optional
        Where only the learner's own registry knows it.

    Examples
    --------
    >>> from contextlib import chdir
    >>> from tempfile import TemporaryDirectory
    >>> from regviz.lesson.book import Book
    >>> book = Book("90", title="Adding", question="What is two and two?", minutes=1)
    >>> @book.prediction("90.a", asks="How many bytes has a page of memory?", unit="bytes")
    ... def page() -> int:
    ...     return 4096
    >>> with TemporaryDirectory() as folder, chdir(folder):
    ...     begin(book)
    ...     predict("90.a", 512)
    ...     reveal("90.a")
    Lesson 90 · 1 minute: Adding
    What is two and two?
    Kept: 512 bytes. Run on to see.
    How many bytes has a page of memory?
    Your guess: 512 bytes
    The truth: 4,096 bytes (4.00 KiB)
    Off by: 3,584 bytes (3.50 KiB): the truth is 8 times the guess
    """
    session, asked = _prediction(id_)
    if session is None or asked is None:
        return
    record = session.record(asked.id)
    try:
        known = asked.truth if truth is None else truth
        shown = display.revealed(asked, record, known)
    except Exception as error:  # noqa: BLE001  # a lesson goes on
        show(_not_comparable(asked.id, error))
        return
    if record.state == states.UNANSWERED:
        record.state = states.SKIPPED
    record.revealed, record.truth = True, _written(truth)
    session.save()
    show(shown)


def check(id_: str, answer: Any = ..., *, truth: Any = None) -> None:
    """Say whether an answer is right; record it.

    Parameters
    ----------
    id_ : str
        The check, such as ``"01.1"``.
    answer : object
        ``...`` is an answer to come.
    truth : object, optional
        Where only the learner's own registry knows it.

    Examples
    --------
    >>> from contextlib import chdir
    >>> from tempfile import TemporaryDirectory
    >>> from regviz.lesson.book import Book
    >>> book = Book("90", title="Adding", question="What is two and two?", minutes=1)
    >>> @book.check("90.1", asks="What is two and two?")
    ... def total() -> int:
    ...     return 2 + 2
    >>> @total.mistake("They were multiplied by three.")
    ... def tripled() -> int:
    ...     return 2 * 3
    >>> with TemporaryDirectory() as folder, chdir(folder):
    ...     begin(book)
    ...     check("90.1", 6)
    ...     check("90.1", 4)
    Lesson 90 · 1 minute: Adding
    What is two and two?
    Not yet. They were multiplied by three.
    Right.
    """
    session = _session(id_)
    asked = session.book.checks.get(str(id_)) if session else None
    if session is None or asked is None:
        show(display.unknown(id_, session.book if session else None, "check"))
        return
    record = session.record(asked.id)
    if is_unanswered(answer):
        session.save()
        show(display.not_answered(asked))
        return
    try:
        state, mistake, shown = judge(asked, answer, truth)
        value = kept(answer)
    except Exception as error:  # noqa: BLE001  # whatever a learner's object does when it is compared
        state, mistake, shown = states.NOT_COMPARABLE, "", _not_comparable(asked.id, error)
        value = _written(answer)
    if (record.answer, record.state) != (value, state):
        record.attempts += 1
        record.first = record.first or state
        record.answer, record.state, record.minutes = value, state, session.minutes
        record.mistake = mistake or record.mistake
        record.truth = _written(truth)
    session.save()
    show(shown)


def judge(asked: Check, answer: Any, truth: Any = None) -> tuple[str, str, Shown]:
    """What an answer is: its state, the name of the misconception behind it, and what the learner sees.

    Raises
    ------
    NotComparableError
        It is of another kind than the truth.
    """
    if same(answer, asked.truth if truth is None else truth):
        return states.RIGHT, "", display.right(asked)
    for mistake in asked.mistakes:
        if _equal(answer, mistake.value):
            return states.WRONG, mistake.name, display.wrong(asked, mistake.hint)
    return states.WRONG, "", display.wrong(asked, "")


def _equal(answer: Any, other: Any) -> bool:
    try:
        return same(answer, other)
    except NotComparableError:
        return False


def _prediction(id_: str) -> tuple[Session | None, Prediction | None]:
    session = _session(id_)
    asked = session.book.predictions.get(str(id_)) if session else None
    if asked is None:
        show(display.unknown(id_, session.book if session else None, "prediction"))
    return session, asked


def _session(id_: object) -> Session | None:
    """The session an id belongs to: of its lesson, whether that was begun or not."""
    if not isinstance(id_, str):
        return current()
    number = id_.partition(".")[0]
    if number not in _sessions:
        book = books.find(number)
        if book is None:
            return current()
        _sessions[number] = load(book)
        _current[:] = _current or [number]
    return _sessions[number]


def book_of(number: str) -> Book | None:
    """The book of a lesson: of one that was begun, which may be somebody's own, or of one that ships."""
    return _sessions[number].book if number in _sessions else books.find(number)


def current() -> Session | None:
    """The lesson that was begun last."""
    return _sessions[_current[0]] if _current else None


def _written(value: Any) -> Any:
    try:
        return kept(value)
    except Exception:  # noqa: BLE001  # an object that cannot even be written down
        return f"something of type {type(value).__name__}"


def _not_comparable(id_: str, error: Exception) -> Shown:
    """What stood in the way: the kind of an answer, or an error on the way to the truth."""
    try:
        why = str(error)
    except Exception:  # noqa: BLE001  # an error that cannot say what it is
        why = ""
    if not isinstance(error, NotComparableError | RegvizError):
        why = f"{id_} met {type(error).__name__}{f': {why}' if why else ''}"
    return display.not_comparable(why)
