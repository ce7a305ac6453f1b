"""Documents looked through natively: where the wanted values stand in each, and no Python object for any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regviz import native
from regviz.manifests.json import load_many
from regviz.schema import NA_INT
from regviz.stamps import parse_stamps, parse_stamps_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from regviz.columns import Key
    from regviz.native import Bounds, Members, Texts
    from regviz.texts import TextPool

    Flags = NDArray[np.bool_]


_WIDEST = 18  # decimal digits that fit in 64 bits


class Found:
    """Where the wanted values of some documents stand, in one text.

    Parameters
    ----------
    text : bytes
        The documents.
    bounds : dict of str to Bounds
        Of the values of each member; -1 where there is none.
    """

    def __init__(self, text: bytes, bounds: dict[str, Bounds]) -> None:
        self.text, self._bounds = text, bounds

    def bounds(self, *paths: str) -> Bounds:
        """Where the values of a member stand, or of several, one after the other; -1 where there is none."""
        starts, ends = zip(*(self._bounds[path] for path in paths), strict=True)
        return native.Bounds(np.concatenate(starts), np.concatenate(ends))

    def begins(self, path: str, *with_: bytes) -> Flags:
        """Whether the value of a member begins with one of these bytes; an empty one stands for no value at all."""
        starts = self._bounds[path].starts
        first = np.where(starts >= 0, np.frombuffer(self.text, np.uint8)[starts], 0)
        any_of_them: Flags = np.logical_or.reduce([first == ord(byte or b"\0") for byte in with_])
        return any_of_them

    def values(self, path: str) -> list[Any]:
        """The values of a member; None where there is none."""
        starts, ends = (numbers.tolist() for numbers in self._bounds[path])
        return load_many([self.text[start:end] or b"null" for start, end in zip(starts, ends, strict=True)])

    def letters(self, path: str, width: int) -> NDArray[np.uint8] | None:
        """The values of a member as rows of letters, where all are texts of this width."""
        return letters_of(self.text, self._bounds[path], width)

    def moments(self, path: str) -> NDArray[np.int64]:
        """The values of a member as times, in microseconds; NA for what is none."""
        starts, ends = self._bounds[path]
        times = np.full(len(starts), NA_INT)
        texts = np.flatnonzero(self.begins(path, b'"'))
        if len(texts):
            times[texts], usual = parse_stamps_in(self.text, starts[texts] + 1, ends[texts] - 1)
            if not usual.all():
                odd = np.zeros(len(starts), np.bool_)
                odd[texts[~usual]] = True
                times[odd] = parse_stamps(self.only(odd).values(path))
        return times

    def texts(self, path: str, pool: TextPool) -> NDArray[np.int32]:
        """The values of a member as codes of a pool's texts; -1 for what is none, or empty."""
        starts, ends = self._bounds[path]
        codes = np.full(len(starts), -1, np.int32)
        there = np.flatnonzero(starts >= 0)
        if not len(there):
            return codes
        starts, ends = starts[there], ends[there]
        plain = self.begins(path, b'"')[there] & (ends - starts > len('""'))
        plain &= ~native.escaped(self.text, native.Bounds(starts, ends))
        codes[there[plain]] = pool.codes_in(self.text, native.Bounds(starts[plain] + 1, ends[plain] - 1))
        if not plain.all():
            odd = np.zeros(len(codes), np.bool_)
            odd[there[~plain]] = True
            codes[odd] = pool.codes(self.only(odd).values(path))
        return codes

    def sizes(self, path: str) -> NDArray[np.int64] | None:
        """The values of a member where all are whole numbers of a usual length."""
        starts, ends = self._bounds[path]
        widths = ends - starts
        if not len(starts) or not (starts >= 0).all() or int(widths.max()) > _WIDEST:
            return None
        letters, numbers = np.frombuffer(self.text, np.uint8), np.zeros(len(starts), np.int64)
        for place in range(int(widths.max())):
            there = widths > place
            digit = letters[np.where(there, starts + place, 0)] - ord("0")  # of what is less than 0, more than 9
            if (digit[there] > 9).any():
                return None
            numbers = np.where(there, numbers * 10 + digit, numbers)
        return numbers

    def only(self, good: Flags) -> Found:
        """What stands in some of the documents."""
        if good.all():
            return self
        bounds = {path: native.Bounds(starts[good], ends[good]) for path, (starts, ends) in self._bounds.items()}
        return Found(self.text, bounds)


def letters_of(text: bytes, values: Bounds, width: int) -> NDArray[np.uint8] | None:
    """Values that stand in a text as rows of letters, where all are JSON texts of this width.

    Examples
    --------
    >>> from regviz.native import Bounds
    >>> letters_of(b'["ab", "cd"]', Bounds(np.array([1, 7]), np.array([5, 11])), 2).tobytes()
    b'abcd'
    """
    starts, ends = values
    if not len(starts) or not (starts >= 0).all() or not (ends - starts == width + 2).all():
        return None
    # rows of one width that begin at every byte: one is copied by one memcpy
    rows = np.ndarray((len(text) - width - 1,), f"V{width + 2}", text, 0, (1,))[starts].view(np.uint8)
    rows = rows.reshape(-1, width + 2)
    return None if (rows[:, [0, -1]] != ord('"')).any() else rows[:, 1:-1]


def look_through(documents: Texts, wanted: Members) -> tuple[Found, Flags]:
    """Where wanted values stand in documents, and which of them can be read so.

    Examples
    --------
    >>> from regviz.native import Members, Texts
    >>> if native.is_there():
    ...     found, good = look_through(Texts.of([b'{"os": "linux"}', b'{"os":']), Members("os"))
    ...     assert found.only(good).values("os") == ["linux"]
    """
    bounds, good = native.fields(documents, wanted)
    each = zip(wanted.paths, zip(*bounds, strict=True), strict=True)
    return Found(documents.data, {path: native.Bounds(*both) for path, both in each}), good


def sort_out(
    keys: Sequence[Key], documents: Texts, wanted: Members, is_plain: Callable[[Found], Flags]
) -> tuple[list[Key], Found, list[tuple[Key, bytes]]]:
    """Documents that are plain JSON of the usual shape, by their keys and what stands in them; and all others whole."""
    found, good = look_through(documents, wanted)
    good &= is_plain(found)
    others = np.flatnonzero(~good)
    left = zip([keys[at] for at in others.tolist()], documents.take(others), strict=True)
    return [keys[at] for at in np.flatnonzero(good).tolist()], found.only(good), [*left]
