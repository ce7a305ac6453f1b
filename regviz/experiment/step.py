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
_ROWS = ("before", "after")
_ROW_TYPES = frozenset(("directory", "file", "symlink", "other", "more"))
_MOST_ROWS = 200_000
_LARGEST = 1 << 62


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

    def counted(self) -> dict[str, Fact]:
        """The facts to show: those of the storage only where it is another after the step.

        Examples
        --------
        >>> Step("tag", "", "", (), (), (), (), (), {"names": 2, "files_before": 3, "files_after": 3}).counted()
        {'names': 2}
        """
        same = {
            key.removesuffix("_before")
            for key, value in self.facts.items()
            if key.endswith("_before") and self.facts.get(f"{key.removesuffix('_before')}_after") == value
        }
        hidden = {f"{name}_{when}" for name in same for when in ("before", "after")}
        return {key: value for key, value in self.facts.items() if key not in hidden}

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
        if data["name"] not in STEPS:
            raise ValueError("no step of that name")
        return cls(
            name=data["name"],
            title=_text(data["title"]),
            question=_text(data["question"]),
            then=_texts(data["then"]),
            now=_texts(data["now"]),
            said=_texts(data["said"]),
            before=tuple(map(_row, _list(data["before"], _MOST_ROWS))),
            after=tuple(map(_row, _list(data["after"], _MOST_ROWS))),
            facts={_text(key): _fact(value) for key, value in dict(data["facts"]).items()},
        )


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


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(_text, _list(value, _MOST_LINES)))


def _list(value: Any, most: int) -> list[Any]:
    if not isinstance(value, list | tuple) or len(value) > most:
        raise TypeError("no list, or too long a one")
    return list(value)


def _row(value: Any) -> Row:
    path, depth, type_, size, explanation, repository, last = _list(value, len(Row._fields))
    counts = [depth] if size is None else [depth, size]
    if not all(type(each) is int and 0 <= each < _LARGEST for each in counts) or type(last) is not bool:
        raise ValueError("no row of a tree")
    if type_ not in _ROW_TYPES:
        raise ValueError("no type of a tree's row")
    of = None if repository is None else _text(repository)
    return Row(_text(path), depth, type_, size, _text(explanation), of, last)


def _fact(value: Any) -> Fact:
    if not isinstance(value, int | str):
        raise TypeError(f"no fact: {type(value).__name__}")
    return value
