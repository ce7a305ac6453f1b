"""Documents some at a time: what is done once for many costs a third of what is done for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz import native

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from regviz.columns import Key
    from regviz.native import Texts

_MOST, _MOST_BYTES = 512, 2 << 20
"""A document has about 3,000 bytes: fewer cost calls, more memory."""


FEW = 8
"""Documents, which are sooner decoded than looked through."""


def batches(documents: Iterable[tuple[Key, bytes]]) -> Iterator[list[tuple[Key, bytes]]]:
    """Keys and documents, in lists that are neither long nor heavy.

    Examples
    --------
    >>> [len(some) for some in batches([(0, b"{}"), (1, b" " * (1 << 22)), (2, b"{}")])]
    [2, 1]
    """
    some, size = [], 0
    for document in documents:
        some.append(document)
        size += len(document[1])
        if size >= _MOST_BYTES or len(some) == _MOST:
            yield some
            some, size = [], 0
    if some:
        yield some


def together(documents: list[tuple[Key, bytes]]) -> tuple[list[Key], Texts] | None:
    """Keys, and documents in one text, to be looked through natively; None where they are few, or that cannot be."""
    if len(documents) <= FEW or not native.is_there():
        return None
    keys, contents = zip(*documents, strict=True)
    return [*keys], native.Texts.of(contents)
