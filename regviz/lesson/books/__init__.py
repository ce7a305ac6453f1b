"""The books of the lessons that ship, one module a lesson, loaded when a lesson is asked for."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from regviz.lesson.book import Book

_PREFIX = "book_"


def numbers() -> list[str]:
    """Numbers of the lessons that ship, in order.

    Examples
    --------
    >>> all(len(number) == 2 for number in numbers())
    True
    """
    found = Path(__file__).parent.glob(f"{_PREFIX}[0-9][0-9].py*")  # .pyc, where only that was installed
    return sorted({path.stem.removeprefix(_PREFIX) for path in found})


def find(number: str) -> Book | None:
    """The book of a lesson, or None where no lesson that ships has this number."""
    if number not in numbers():
        return None
    book = import_module(f"{__name__}.{_PREFIX}{number}").book
    return book if isinstance(book, Book) else None
