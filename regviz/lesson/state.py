"""What a learner answered: kept in memory, and in a file beside the notebook, so that a new kernel goes on."""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from regviz.lesson.compare import Table, plain
from regviz.lesson.shipped import FOLDER
from regviz.text import count_noun

if TYPE_CHECKING:
    from pathlib import Path

    from regviz.lesson.book import Book

UNANSWERED, RIGHT, WRONG, NOT_COMPARABLE = "unanswered", "right", "wrong", "not comparable"
GUESSED, SKIPPED = "guessed", "skipped"
STATES = (UNANSWERED, RIGHT, WRONG, NOT_COMPARABLE, GUESSED, SKIPPED)

_LONGEST = 200
_LARGEST_FILE = 1 << 20


@dataclass
class Record:
    """What became of one check or prediction.

    Attributes
    ----------
    state : str
        One of STATES.
    answer : int, float, str or None
        The last answer to a check, the first guess of a prediction; what is no number as text, cut.
    attempts : int
        Answers that were given; the same one twice is one.
    first : str
        The state after the first answer; empty before it.
    mistake : str
        The last known misconception met; empty where none was.
    minutes : float or None
        When it was answered, since the lesson began.
    revealed : bool
        Whether the truth was shown.
    truth : int, float, str or None
        A truth that only the learner's own registry knows.
    """

    state: str = UNANSWERED
    answer: int | float | str | bool | None = None
    attempts: int = 0
    first: str = ""
    mistake: str = ""
    minutes: float | None = None
    revealed: bool = False
    truth: int | float | str | bool | None = None


@dataclass
class Session:
    """One learner in one lesson.

    Attributes
    ----------
    book : Book
    records : dict of str to Record
    spent : float
        Seconds of the kernels before this one.
    saved : bool
        Whether what is kept is in the file too.
    """

    book: Book
    records: dict[str, Record] = field(default_factory=dict)
    spent: float = 0.0
    saved: bool = True
    _began: float = field(default_factory=lambda: time.monotonic())  # noqa: PLW0108  # asked when it is made

    @property
    def path(self) -> Path:
        """The file it is kept in."""
        return FOLDER / f"results-{self.book.number}.json"

    @property
    def minutes(self) -> float:
        """How long the lesson has gone on."""
        return round((self.spent + time.monotonic() - self._began) / 60, 1)

    def record(self, id_: str) -> Record:
        """What became of a check or prediction."""
        return self.records.setdefault(id_, Record())

    def save(self) -> None:
        """Write it down; where that cannot be done, it stays in memory, and `saved` says so."""
        seconds = self.spent + time.monotonic() - self._began
        kept = {"lesson": self.book.number, "seconds": round(seconds, 1)}
        records = {id_: asdict(record) for id_, record in self.records.items()}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            aside = self.path.with_suffix(".part")  # a kernel may end at any moment
            aside.write_text(json.dumps(kept | {"records": records}, indent=1) + "\n", encoding="utf-8")
            aside.replace(self.path)
            self.saved = True
        except OSError:
            self.saved = False


def load(book: Book) -> Session:
    """Go on where an earlier kernel stopped; what cannot be read is as if it were not there."""
    import msgspec

    @dataclass
    class Kept:
        seconds: float
        records: dict[str, Record]

    session = Session(book)
    try:
        if session.path.stat().st_size > _LARGEST_FILE:
            return session
        said = msgspec.json.decode(session.path.read_bytes(), type=Kept)
    except (OSError, ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return session
    session.spent = max(0.0, said.seconds)
    session.records = {id_: record for id_, record in said.records.items() if book.find(id_) and record.state in STATES}
    return session


def kept(value: Any) -> int | float | str | bool | None:
    """A value as it is written down: numbers as they are, all else as a short text.

    Examples
    --------
    >>> kept(12), kept("latest"), kept({"b", "a"}), kept(...)
    (12, 'latest', 'a, b', None)
    """
    value = plain(value)
    if value is None or value is Ellipsis:
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, int) and abs(value) < 1 << 63:
        return value
    if isinstance(value, Table):
        return f"a table of {count_noun(len(value.rows), 'row')}"
    if isinstance(value, set | frozenset):
        value = sorted(map(str, value))
    if isinstance(value, list):
        value = ", ".join(map(str, value[:_LONGEST]))
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
