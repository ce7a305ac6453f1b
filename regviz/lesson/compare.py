"""Whether an answer is the truth: numbers, texts, sets, lists and tables by what they say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import PurePath
from typing import Any

SHARE = 1e-3
"""How far a float may be off, as a share of the truth."""


class NotComparableError(Exception):
    """The answer is of a kind that cannot be the truth; the message says what is asked."""


def is_unanswered(answer: object) -> bool:
    """Whether nothing was written: ``...`` stands for an answer to come, and so does None.

    Examples
    --------
    >>> is_unanswered(...), is_unanswered(0)
    (True, False)
    """
    return answer is Ellipsis or answer is None


def same(answer: Any, truth: Any) -> bool:
    r"""Whether an answer says what the truth says.

    Integers are compared exactly, floats to a thousandth, texts without blanks at their ends; sets, lists and
    tables by what is in them, whatever type holds it.

    Raises
    ------
    NotComparableError
        It is something of another kind.

    Examples
    --------
    >>> same(12.0, 12), same(3.3333, 10 / 3), same(" latest\n", "latest"), same(["a", "b"], {"b", "a"})
    (True, True, True, True)
    >>> same("12", 12)
    Traceback (most recent call last):
    regviz.lesson.compare.NotComparableError: a number is asked, and this is text
    """
    answer, truth = plain(answer), plain(truth)
    if isinstance(truth, bool):
        return _of_kind(answer, truth, bool) and answer is truth
    if isinstance(truth, int | float):
        return _of_kind(answer, truth, int, float) and _numbers(answer, truth)
    if isinstance(truth, AbstractSet):
        _of_kind(answer, truth, AbstractSet, list)
        return {_hashable(each) for each in answer} == {_hashable(each) for each in truth} and len(answer) == len(truth)
    if isinstance(truth, list):
        _of_kind(answer, truth, list)
        return len(answer) == len(truth) and all(_inner(one, other) for one, other in zip(answer, truth, strict=True))
    if isinstance(truth, Mapping):
        _of_kind(answer, truth, Mapping)
        return answer.keys() == truth.keys() and all(_inner(answer[key], truth[key]) for key in truth)
    if isinstance(truth, Table):
        _of_kind(answer, truth, Table)
        return bool(answer.same(truth))
    _of_kind(answer, truth, type(truth))
    return bool(answer == truth)


class Table:
    """A table by what it says: columns by name, rows in any order."""

    def __init__(self, frame: Any) -> None:
        self.columns = sorted(map(str, frame.columns))
        columns = {str(name): [plain(value) for value in frame[name]] for name in frame.columns}
        self.rows = sorted(zip(*(columns[name] for name in self.columns), strict=True), key=_row_key)

    def same(self, other: Table) -> bool:
        """Whether another one has the same columns and rows."""
        if self.columns != other.columns or len(self.rows) != len(other.rows):
            return False
        return all(same(list(one), list(two)) for one, two in zip(self.rows, other.rows, strict=True))


def _row_key(row: tuple[Any, ...]) -> tuple[list[str], list[float]]:
    """Rows are put in order by all that is exact, and then by floats."""
    exact = [repr(_hashable(value)) for value in row if not isinstance(value, float)]
    return exact, [value for value in row if isinstance(value, float)]


def plain(value: Any) -> Any:
    """A value without the type that numpy, pandas or pathlib gave it; text without blanks at its ends.

    Examples
    --------
    >>> import numpy as np
    >>> plain(np.int64(3)), plain((1, 2)), plain(b"x"), plain("a ")
    (3, [1, 2], b'x', 'a')
    """
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool | int | float | bytes | AbstractSet | list | Mapping) or value is None:
        return value
    if isinstance(value, tuple | range):
        return list(value)
    if isinstance(value, PurePath):
        return value.as_posix()
    if hasattr(value, "columns") and hasattr(value, "itertuples"):
        return Table(value)
    if hasattr(value, "tolist"):  # numpy's numbers and arrays, pandas' Series and Index
        return plain(value.tolist())
    if type(value).__name__ in {"NAType", "NaTType"}:
        return None
    return value


def refuse_kind(answer: Any, truth: Any) -> None:
    """Say so where an answer can be no guess of a truth: one is a number, and the other is none.

    Raises
    ------
    NotComparableError
        One is a number, and the other is none.

    Examples
    --------
    >>> refuse_kind("12 KiB", 12288)
    Traceback (most recent call last):
    regviz.lesson.compare.NotComparableError: a number is asked, and this is text
    """
    if kind(answer) != kind(truth):
        raise NotComparableError(f"{kind(truth)} is asked, and this is {kind(answer)}")


def _inner(answer: Any, truth: Any) -> bool:
    """One of many: of another kind, it is another."""
    try:
        return same(answer, truth)
    except NotComparableError:
        return False


def _numbers(answer: float, truth: float) -> bool:
    if isinstance(truth, int):
        return answer == truth
    return math.isclose(answer, truth, rel_tol=SHARE) or (math.isnan(answer) and math.isnan(truth))


def _hashable(value: Any) -> Any:
    value = plain(value)
    if isinstance(value, list):
        return tuple(map(_hashable, value))
    if isinstance(value, AbstractSet):
        return frozenset(map(_hashable, value))
    if isinstance(value, Mapping):
        return frozenset((key, _hashable(each)) for key, each in value.items())
    if isinstance(value, float) and math.isnan(value):
        return None  # NaN stands for nothing in a table, and equals nothing
    return value


_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "True or False"),
    ((int, float), "a number"),
    (str, "text"),
    (bytes, "bytes"),
    (AbstractSet, "a set"),
    (list, "a list"),
    (Mapping, "a dictionary"),
    (Table, "a table"),
)


def kind(value: Any) -> str:
    """What a value is, in a word or two.

    Examples
    --------
    >>> kind(3), kind(["a"]), kind({"a"}), kind(print)
    ('a number', 'a list', 'a set', 'something of type builtin_function_or_method')
    """
    value = plain(value)
    return next(
        (word for type_, word in _KINDS if isinstance(value, type_)), f"something of type {type(value).__name__}"
    )


def _of_kind(answer: Any, truth: Any, *kinds: Any) -> bool:
    if not isinstance(answer, kinds) or (isinstance(answer, bool) and bool not in kinds):
        raise NotComparableError(f"{kind(truth)} is asked, and this is {kind(answer)}")
    return True
