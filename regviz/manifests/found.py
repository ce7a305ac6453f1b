"""Documents looked through natively: where the wanted values stand in each, and no Python object for any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.manifests.json import load_many
from regviz.native import Bounds, documents
from regviz.stamps import parse_stamps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from regviz.columns import Key
    from regviz.native import Texts
    from regviz.native.documents import Listed, Members
    from regviz.texts import TextPool

    Flags = NDArray[np.bool_]


class Found:
    """Where the wanted values of some documents stand, in one text.

    Parameters
    ----------
    text : bytes
        The documents.
    bounds : dict of str to Bounds
        Of the values of each member; -1 where there is none.
    listed : dict of str to Listed
        The elements of arrays.
    """

    def __init__(self, text: bytes, bounds: dict[str, Bounds], listed: dict[str, Listed]) -> None:
        self.text, self._bounds, self.listed = text, bounds, listed

    def bounds(self, *paths: str) -> Bounds:
        """Where the values of a member stand, or of several, one after the other; -1 where there is none."""
        starts, ends = zip(*(self._bounds[path] for path in paths), strict=True)
        return Bounds(np.concatenate(starts), np.concatenate(ends))

    def begins(self, path: str, with_: bytes) -> Flags:
        """Whether the value of a member begins with this byte."""
        starts = self._bounds[path].starts
        begins: Flags = (np.frombuffer(self.text, np.uint8)[starts] == ord(with_)) & (starts >= 0)
        return begins

    def values(self, path: str) -> list[Any]:
        """The values of a member; None where there is none."""
        return values_of(self.text, self._bounds[path])

    def digests(self, path: str) -> tuple[NDArray[np.uint8], Flags]:
        """The values of a member as rows of 32 bytes, and which of them are digests of sha256."""
        return documents.digests(self.text, self._bounds[path])

    def sizes(self, path: str) -> NDArray[np.int64]:
        """The values of a member as numbers of bytes; NA for what is none."""
        return documents.sizes(self.text, self._bounds[path])

    def moments(self, path: str) -> NDArray[np.int64]:
        """The values of a member as times, in microseconds; NA for what is none."""
        times, unusual = documents.moments(self.text, self._bounds[path])
        if unusual.any():
            times[unusual] = parse_stamps(self.only(unusual).values(path))
        return times

    def texts(self, path: str, pool: TextPool) -> NDArray[np.int32]:
        """The values of a member as codes of a pool's texts; -1 for what is none, or empty."""
        return texts_of(self.text, self._bounds[path], pool)

    def only(self, good: Flags) -> Found:
        """What stands in some of the documents."""
        if good.all():
            return self
        bounds = {path: Bounds(starts[good], ends[good]) for path, (starts, ends) in self._bounds.items()}
        return Found(self.text, bounds, {path: listed.only(good) for path, listed in self.listed.items()})


def values_of(text: bytes, values: Bounds) -> list[Any]:
    """Values that stand in a text; None where there is none."""
    starts, ends = (numbers.tolist() for numbers in values)
    return load_many([text[start:end] or b"null" for start, end in zip(starts, ends, strict=True)])


def texts_of(text: bytes, values: Bounds, pool: TextPool, *, keep_empty: bool = False) -> NDArray[np.int32]:
    """Values that stand in a text as codes of a pool's texts; -1 for what is none, or empty and not kept."""
    starts, ends = values
    codes = np.full(len(starts), -1, np.int32)
    plain = documents.are_plain(text, values)
    odd = ~plain & (starts >= 0)
    codes[plain] = pool.codes_in(text, Bounds(starts[plain] + 1, ends[plain] - 1))
    if odd.any():
        codes[odd] = pool.codes(values_of(text, Bounds(starts[odd], ends[odd])), keep_empty=keep_empty)
    return codes


def look_through(texts: Texts, wanted: Members) -> tuple[Found, Flags]:
    """Where wanted values stand in documents, and which of them can be read so.

    Examples
    --------
    >>> from regviz.native import Texts, is_there
    >>> from regviz.native.documents import Members
    >>> if is_there():
    ...     found, good = look_through(Texts.of([b'{"os": "linux"}', b'{"os":']), Members({"os": ""}))
    ...     assert found.only(good).values("os") == ["linux"]
    """
    bounds, good, listed = documents.fields(texts, wanted)
    each = zip(wanted.paths, zip(*bounds, strict=True), strict=True)
    of_paths = {path: Bounds(*both) for path, both in each}
    return Found(texts.data, of_paths, dict(zip(wanted.listed, listed, strict=True))), good


def left_out(keys: Sequence[Key], texts: Texts, good: Flags) -> list[tuple[Key, bytes]]:
    """Documents that are not among those that are good, with their keys."""
    others = np.flatnonzero(~good)
    return [*zip([keys[at] for at in others.tolist()], texts.take(others), strict=True)]
