"""What a class guessed and answered, from the files that learners exported."""

from __future__ import annotations

import glob
import os
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from regviz.errors import RegvizError
from regviz.lesson import books
from regviz.lesson import state as states
from regviz.lesson.calls import book_of
from regviz.lesson.outcome import FORMAT, VERSION, within_factor

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from regviz.lesson.book import Book

_LARGEST_FILE = 1 << 20
_Short = Annotated[str, msgspec.Meta(max_length=100)]
_Number = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)] | float | None
_State = Literal["unanswered", "right", "wrong", "not comparable", "guessed", "skipped", ""]


class _Check(msgspec.Struct):
    id: _Short
    state: _State = "unanswered"
    first: _State = ""
    attempts: Annotated[int, msgspec.Meta(ge=0, le=1 << 31)] = 0
    mistake: _Short = ""
    minutes: float | None = None


class _Prediction(msgspec.Struct):
    id: _Short
    state: _State = "unanswered"
    guess: _Number = None
    truth: _Number = None
    minutes: float | None = None


class _Exported(msgspec.Struct):
    format: _Short
    version: int
    lesson: _Short = ""
    name: _Short = ""
    minutes: float = 0.0
    checks: Annotated[list[_Check], msgspec.Meta(max_length=100)] = msgspec.field(default_factory=list)
    predictions: Annotated[list[_Prediction], msgspec.Meta(max_length=100)] = msgspec.field(default_factory=list)


PREDICTED = ("id", "asks", "guesses", "lower_guess", "median_guess", "upper_guess", "truth", "near")
CHECKED = ("id", "asks", "right_first", "right_later", "wrong", "unanswered", "had_it", "mistake")
"""The columns of :func:`collect` that mean something for predictions, and for checks."""

COLUMNS = {
    "lesson": "str",
    "id": "str",
    "kind": "str",
    "asks": "str",
    "unit": "str",
    "name": "str",
    "state": "str",
    "first": "str",
    "guess": "Float64",
    "truth": "Float64",
    "mistake": "str",
    "attempts": "Int64",
    "minutes": "Float64",
}


def answers(files: Iterable[str | os.PathLike[str]]) -> pd.DataFrame:
    """What each learner guessed and answered.

    Parameters
    ----------
    files : iterable of path
        What learners wrote with ``lesson.export``; a pattern with ``*`` stands for all files that fit it.

    Returns
    -------
    pandas.DataFrame
        A row for each check and prediction of each file: lesson, id, kind, asks, unit, name, state, first (the state
        after the first answer), guess, truth, mistake, attempts, minutes. ``attrs["files"]`` says how many files were
        taken, ``attrs["refused"]`` which could not be, and why.

    Raises
    ------
    RegvizError
        No file could be taken.

    Examples
    --------
    >>> from contextlib import chdir
    >>> from tempfile import TemporaryDirectory
    >>> from regviz import lesson
    >>> from regviz.lesson.book import Book
    >>> book = Book("90", title="Adding", question="What is two and two?", minutes=1)
    >>> @book.prediction("90.a", asks="How many bytes has a page of memory?", unit="bytes")
    ... def page() -> int:
    ...     return 4096
    >>> with TemporaryDirectory() as folder, chdir(folder):
    ...     lesson.begin(book)
    ...     lesson.predict("90.a", 2048)
    ...     _ = lesson.export("ada")
    ...     table = answers(["lesson-90-*.json"])
    Lesson 90 · 1 minute: Adding
    What is two and two?
    Kept: 2,048 bytes (2.00 KiB). Run on to see.
    >>> print(*table.loc[0, ["name", "guess", "truth"]])
    ada 2048.0 4096.0
    """
    import pandas as pd

    rows: list[tuple[Any, ...]] = []
    refused: list[tuple[str, str]] = []
    paths = _paths(files)
    for path in paths:
        try:
            rows += _rows(_read(path))
        except RegvizError as error:
            refused.append((str(path), str(error)))
    if len(refused) == len(paths):
        why = refused[0][1] if refused else "no file was named"
        raise RegvizError(f"{why}; give the files that lesson.export wrote, such as lesson-01-ada.json")
    table = pd.DataFrame(rows, columns=list(COLUMNS), dtype="object").astype(COLUMNS)
    table.attrs |= {"files": len(paths) - len(refused), "refused": refused}
    return table


def _paths(files: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Each file once; where the shell left a pattern as it is, as that of Windows does, the files it stands for."""
    found: dict[Path, None] = {}
    for each in files:
        name = os.fspath(each)
        matched = [] if Path(name).exists() else sorted(glob.glob(name))  # noqa: PTH207  # a pattern with any root
        found.update(dict.fromkeys(map(Path, matched or [name])))
    return list(found)


def _read(path: Path) -> _Exported:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise RegvizError(f"{path} cannot be read: {error.strerror or error}") from error
    said = None
    if len(content) <= _LARGEST_FILE:
        with suppress(ValueError, RecursionError):  # msgspec's errors are ValueErrors
            said = msgspec.json.decode(content, type=_Exported)
    if said is None or said.format != FORMAT:
        raise RegvizError(f"{path} is no file that lesson.export wrote")
    if said.version != VERSION:
        raise RegvizError(
            f"{path} was written by another regviz, in version {said.version} of its format, not {VERSION}"
        )
    return said


def _rows(said: _Exported) -> list[tuple[Any, ...]]:
    """The rows of a file; what its lesson does not ask is left out."""
    book = book_of(said.lesson)
    if book is None:
        raise RegvizError(f"there is no lesson {said.lesson!r}: those that ship are {', '.join(books.numbers())}")
    rows: list[tuple[Any, ...]] = []
    for one in said.checks:
        if asked := book.checks.get(one.id):
            head = (said.lesson, one.id, "check", asked.asks, asked.unit, said.name, one.state, one.first)
            rows.append((*head, None, None, one.mistake or None, one.attempts, one.minutes))
    for guessed in said.predictions:
        if prediction := book.predictions.get(guessed.id):
            head = (
                said.lesson,
                guessed.id,
                "prediction",
                prediction.asks,
                prediction.unit,
                said.name,
                guessed.state,
                "",
            )
            truth = guessed.truth if guessed.truth is not None else _truth(book, guessed.id)
            rows.append((*head, guessed.guess, truth, None, None, guessed.minutes))
    return rows


def _truth(book: Book, id_: str) -> _Number:
    truth = book.predictions[id_].truth
    return truth if isinstance(truth, int | float) and not isinstance(truth, bool) else None


def collect(files: Iterable[str | os.PathLike[str]] | pd.DataFrame) -> pd.DataFrame:
    """A class's guesses against the truth, and how it fared with each check.

    Parameters
    ----------
    files : iterable of path, or DataFrame
        As for :func:`answers`, or what that gave.

    Returns
    -------
    pandas.DataFrame
        A row for each check and prediction: lesson, id, kind, asks, learners; of predictions guesses, median_guess,
        lower_guess and upper_guess (the quartiles), truth (NA where each learner has one of their own), near (the share
        of guesses within a factor of two); of checks right_first, right_later, wrong, unanswered, mistake (the
        commonest misconception) and had_it (how many learners met it).

    Raises
    ------
    RegvizError
        As :func:`answers`.

    Examples
    --------
    >>> from contextlib import chdir
    >>> from tempfile import TemporaryDirectory
    >>> from regviz import lesson
    >>> from regviz.lesson.book import Book
    >>> book = Book("90", title="Adding", question="What is two and two?", minutes=1)
    >>> @book.prediction("90.a", asks="How many bytes has a page of memory?", unit="bytes")
    ... def page() -> int:
    ...     return 4096
    >>> with TemporaryDirectory() as folder, chdir(folder):
    ...     lesson.begin(book)
    ...     lesson.predict("90.a", 2048)
    ...     _ = lesson.export("ada")
    ...     table = collect(["lesson-90-*.json"])
    Lesson 90 · 1 minute: Adding
    What is two and two?
    Kept: 2,048 bytes (2.00 KiB). Run on to see.
    >>> print(*table.loc[0, ["id", "median_guess", "truth", "near"]])
    90.a 2048.0 4096.0 1.0
    """
    import pandas as pd

    each = files if isinstance(files, pd.DataFrame) else answers(files)
    rows = []
    for (lesson, id_, kind), group in each.groupby(["lesson", "id", "kind"], sort=False):
        head = {"lesson": lesson, "id": id_, "kind": kind, "asks": group["asks"].iloc[0], "learners": len(group)}
        rows.append(head | (_of_prediction(group) if kind == "prediction" else _of_check(group)))
    rows.sort(key=lambda row: (row["lesson"], row["kind"] == "check", row["id"]))
    table = pd.DataFrame(rows, columns=list(_SUMMED), dtype="object").astype(_SUMMED)
    table.attrs["refused"] = each.attrs.get("refused", [])
    return table


_SUMMED = {
    "lesson": "str",
    "id": "str",
    "kind": "str",
    "asks": "str",
    "learners": "Int64",
    "guesses": "Int64",
    "median_guess": "Float64",
    "lower_guess": "Float64",
    "upper_guess": "Float64",
    "truth": "Float64",
    "near": "Float64",
    "right_first": "Int64",
    "right_later": "Int64",
    "wrong": "Int64",
    "unanswered": "Int64",
    "mistake": "str",
    "had_it": "Int64",
}


def _of_prediction(group: pd.DataFrame) -> dict[str, Any]:
    made = group[group["guess"].notna()]
    truths = set(group["truth"].dropna().tolist())
    said: dict[str, Any] = {"guesses": len(made), "truth": truths.pop() if len(truths) == 1 else None}
    if len(made):
        lower, middle, upper = made["guess"].quantile([0.25, 0.5, 0.75]).tolist()
        near = sum(within_factor(guess, truth) for guess, truth in zip(made["guess"], made["truth"], strict=True))
        said |= {"median_guess": middle, "lower_guess": lower, "upper_guess": upper, "near": near / len(made)}
    return said


def _of_check(group: pd.DataFrame) -> dict[str, Any]:
    right, first = group["state"] == states.RIGHT, group["first"] == states.RIGHT
    wrong = group["state"].isin([states.WRONG, states.NOT_COMPARABLE])
    met = Counter(sorted(group["mistake"].dropna().tolist()))
    mistake, had_it = met.most_common(1)[0] if met else (None, None)
    return {
        "right_first": int((right & first).sum()),
        "right_later": int((right & ~first).sum()),
        "wrong": int(wrong.sum()),
        "unanswered": int((group["state"] == states.UNANSWERED).sum()),
        "mistake": mistake,
        "had_it": had_it,
    }
