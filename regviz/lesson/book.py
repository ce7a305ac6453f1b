"""A lesson's book: what it asks, the truth, and the misconceptions behind known wrong answers.

The truth is worked out from the archives that ship, when it is needed; no answer stands anywhere as a literal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from regviz.errors import RegvizError
from regviz.lesson.shipped import archive, files, registry, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Book", "Check", "Mistake", "Prediction", "archive", "files", "registry", "unpacked"]


@dataclass(eq=False)
class Mistake:
    """A known wrong answer.

    Attributes
    ----------
    name : str
        What the misconception is called, such as ``directories_too``.
    hint : str
        What helps who has it.
    answer : callable
        Works out the wrong answer.
    """

    name: str
    hint: str
    answer: Callable[[], Any]

    def __call__(self) -> Any:
        """The wrong answer."""
        return self.value

    @cached_property
    def value(self) -> Any:
        """The wrong answer, worked out once."""
        return self.answer()


@dataclass(eq=False)
class _Asked:
    """What is asked.

    Attributes
    ----------
    id : str
        Such as ``01.2`` or ``01.a``.
    asks : str
        The question.
    unit : str
        What the answer counts: ``bytes``; empty where nothing needs saying.
    answer : callable
        Works out the truth.
    """

    id: str
    asks: str
    unit: str
    answer: Callable[[], Any]

    def __call__(self) -> Any:
        """The truth."""
        return self.truth

    @cached_property
    def truth(self) -> Any:
        """The truth, worked out once."""
        return self.answer()


@dataclass(eq=False)
class Prediction(_Asked):
    """What a learner guesses before it is run."""


@dataclass(eq=False)
class Check(_Asked):
    """What a learner works out.

    Attributes
    ----------
    why : str
        Said when the answer is right: one sentence.
    hint : str
        Said when it is wrong in a way that nobody foresaw.
    mistakes : list of Mistake
    """

    why: str = ""
    hint: str = ""
    mistakes: list[Mistake] = field(default_factory=list)

    def mistake(self, hint: str) -> Callable[[Callable[[], Any]], Mistake]:
        """A known wrong answer, and the hint for the misconception behind it; a decorator.

        Examples
        --------
        >>> book = Book("00", title="Adding", question="How much?", minutes=1)
        >>> @book.check("00.1", asks="What is two and two?")
        ... def total() -> int:
        ...     return 2 + 2
        >>> @total.mistake("They were multiplied by three.")
        ... def tripled() -> int:
        ...     return 2 * 3
        >>> total(), total.mistakes[0].name, total.mistakes[0]()
        (4, 'tripled', 6)
        """

        def keep(answer: Callable[[], Any]) -> Mistake:
            made = Mistake(_name(answer), hint, answer)
            self.mistakes.append(made)
            return made

        return keep


class Book:
    """What belongs to a lesson.

    Parameters
    ----------
    number : str
        Two digits: ``"01"``.
    title : str
    question : str
        The question that the lesson answers, with a number.
    minutes : int
        How long it takes, with its checks and without its exercises.
    archives : sequence of str
        The archives it starts from, by the names of :func:`regviz.lesson.shipped.archive`.
    objectives, prerequisites : sequence of str
        What one can do afterwards, and what one should know before.

    Attributes
    ----------
    checks : dict of str to Check
    predictions : dict of str to Prediction

    Examples
    --------
    >>> book = Book("00", title="Counting", question="How many files?", minutes=5, archives=("world-v1",))
    >>> @book.check("00.1", asks="How many files has the small world?")
    ... def count() -> int:
    ...     return len(files("world-v1"))
    >>> book.checks["00.1"].truth
    238
    """

    def __init__(
        self,
        number: str,
        *,
        title: str,
        question: str,
        minutes: int,
        archives: Sequence[str] = (),
        objectives: Sequence[str] = (),
        prerequisites: Sequence[str] = (),
    ) -> None:
        self.number, self.title, self.question, self.minutes = number, title, question, minutes
        self.archives, self.objectives, self.prerequisites = tuple(archives), tuple(objectives), tuple(prerequisites)
        self.checks: dict[str, Check] = {}
        self.predictions: dict[str, Prediction] = {}

    def __repr__(self) -> str:
        return f"Book({self.number!r}, {self.title!r})"

    def check(
        self, id_: str, *, asks: str, unit: str = "", why: str = "", hint: str = ""
    ) -> Callable[[Callable[[], Any]], Check]:
        """A check, whose truth the decorated function works out.

        Parameters
        ----------
        id_ : str
            The lesson's number, a dot and a number: ``"01.1"``.
        asks : str
            The question.
        unit : str
            What the answer counts, such as ``"bytes"``.
        why : str
            Said beside a right answer.
        hint : str
            Said beside an answer that is wrong in a way nobody foresaw.
        """
        self._refuse(id_)

        def keep(answer: Callable[[], Any]) -> Check:
            return self.checks.setdefault(id_, Check(id_, asks, unit, answer, why, hint))

        return keep

    def prediction(self, id_: str, *, asks: str, unit: str = "") -> Callable[[Callable[[], Any]], Prediction]:
        """A prediction, whose truth the decorated function works out.

        Parameters
        ----------
        id_ : str
            The lesson's number, a dot and a letter: ``"01.a"``.
        asks, unit : str
            As for :meth:`check`.
        """
        self._refuse(id_)

        def keep(answer: Callable[[], Any]) -> Prediction:
            return self.predictions.setdefault(id_, Prediction(id_, asks, unit, answer))

        return keep

    def find(self, id_: str) -> Check | Prediction | None:
        """The check or prediction of that id, or None."""
        return self.checks.get(id_) or self.predictions.get(id_)

    def _refuse(self, id_: str) -> None:
        if not id_.startswith(f"{self.number}.") or self.find(id_):
            raise RegvizError(
                f"{id_} cannot stand in lesson {self.number}: ids begin with its number and are given once"
            )


def _name(answer: Callable[[], Any]) -> str:
    return getattr(answer, "__name__", "mistake")
