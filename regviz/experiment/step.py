"""What one step of the experiment did: the commands, what was said, and the storage before and after."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from regviz.errors import RegvizError
from regviz.experiment.plan import STEPS
from regviz.text import escape_terminal
from regviz.tree import Row, Tree

if TYPE_CHECKING:
    from collections.abc import Iterable

    from regviz.tree import Changes

Fact = int | str | bool
_MOST_LINES, _LONGEST_LINE = 400, 1000
_TEXTS, _LISTS, _ROWS = ("name", "title", "question"), ("then", "now", "said"), ("before", "after")
_ROW_TYPES = frozenset(("directory", "file", "symlink", "other", "more"))
_MOST_ROWS = 200_000


@dataclass(frozen=True)
class Step:
    """One step that was done; a notebook shows it, ``print`` writes it.

    Attributes
    ----------
    name, title, question : str
    then : tuple of str
        What one typed in 2014.
    now : tuple of str
        What one types today: just what was done.
    said : tuple of str
        What the engine and the registry answered, without control characters, and not more than some hundred lines.
    before, after : tuple of Row
        The storage, as :func:`regviz.tree` explains it; empty where there was no volume.
    facts : dict
        Numbers and names of this reader's own run.
    """

    name: str
    title: str
    question: str
    then: tuple[str, ...]
    now: tuple[str, ...]
    said: tuple[str, ...]
    before: tuple[Row, ...]
    after: tuple[Row, ...]
    facts: dict[str, Fact]

    @property
    def changes(self) -> Changes:
        """What the step changed in the storage."""
        from regviz.tree import changes

        return changes(_tree(self.before), _tree(self.after))

    def text(self, width: int | None = None) -> str:
        """The step for a terminal, explanations wrapped to `width` columns if that is given."""
        from regviz.experiment.step_text import step_lines

        return "\n".join(step_lines(self, width))

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        from regviz.experiment.step_html import step_html

        return step_html(self)

    def to_json(self) -> dict[str, Any]:
        """The step as what JSON knows: objects, lists, texts and numbers.

        Examples
        --------
        >>> step = Step("look", "", "", (), (), ("a",), (), (), {"files": 1})
        >>> Step.from_json(step.to_json()) == step
        True
        """
        return asdict(self) | {name: [list(row) for row in getattr(self, name)] for name in _ROWS}

    @classmethod
    def from_json(cls, data: object) -> Step:
        """The step that :meth:`to_json` wrote; whatever else it is, is refused.

        Raises
        ------
        RegvizError
            It is no step.
        """
        try:
            return cls._checked(data)
        except (KeyError, TypeError, ValueError) as error:
            raise RegvizError(f"this is no step of an experiment as regviz writes them: {error!r}") from None

    @classmethod
    def _checked(cls, data: Any) -> Step:
        texts = {name: _text(data[name]) for name in _TEXTS}
        if texts["name"] not in STEPS:
            raise ValueError(texts["name"])
        lists = {name: tuple(map(_text, _list(data[name], _MOST_LINES))) for name in _LISTS}
        rows = {name: tuple(map(_row, _list(data[name], _MOST_ROWS))) for name in _ROWS}
        facts = {_text(key): _fact(value) for key, value in dict(data["facts"]).items()}
        return cls(**texts, **lists, **rows, facts=facts)


def bounded(lines: Iterable[str]) -> tuple[str, ...]:
    r"""Output as a person may see it: no control characters, not too long, and neither too many lines.

    Examples
    --------
    >>> bounded(["a\x1b[1m", "b" * 2000])[0]
    'a\\x1b[1m'
    """
    every = [escape_terminal(line) for line in lines]
    cut = [line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…" for line in every]
    if len(cut) <= _MOST_LINES:
        return tuple(cut)
    return (*cut[: _MOST_LINES - 1], f"… and {len(cut) - _MOST_LINES + 1:,} more lines")


def _tree(rows: tuple[Row, ...]) -> Tree | None:
    return Tree(rows) if rows else None


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_LINE * 4:
        raise TypeError(f"no text: {type(value).__name__}")
    return value


def _list(value: Any, most: int) -> list[Any]:
    if not isinstance(value, list | tuple) or len(value) > most:
        raise TypeError("no list, or too long a one")
    return list(value)


def _row(value: Any) -> Row:
    row = Row(*_list(value, len(Row._fields)))
    fits = (
        isinstance(row.path, str)
        and isinstance(row.depth, int)
        and row.depth >= 0
        and row.type in _ROW_TYPES
        and (row.bytes is None or (isinstance(row.bytes, int) and row.bytes >= 0))
        and isinstance(row.explanation, str)
        and (row.repository is None or isinstance(row.repository, str))
        and isinstance(row.last, bool)
    )
    if not fits:
        raise ValueError("no row of a tree")
    return row


def _fact(value: Any) -> Fact:
    if not isinstance(value, int | str):
        raise TypeError(f"no fact: {type(value).__name__}")
    return value
