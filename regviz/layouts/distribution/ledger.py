"""What a flat listing tells of links, as numbers, until all of it is known: of equal ones the last counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from regviz.layouts.distribution.grammar import LINK_LENGTH, TAG
from regviz.layouts.distribution.guess import halves, pair, told_by_index
from regviz.layouts.distribution.shapes import linked
from regviz.storage.base import NO_SIZE, UNREAD
from regviz.text import decode_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from regviz.layouts.distribution.inventory import Inventory
    from regviz.layouts.distribution.shapes import Digests
    from regviz.pool import KeyPool
    from regviz.storage.base import Columns

    Codes = NDArray[np.int32]
    Flags = NDArray[np.bool_]
    Numbers = NDArray[np.int64]
    Raw = NDArray[np.uint8]

Number = TypeVar("Number", bound=np.integer)
_ENOUGH = 1 << 14


def distinct(numbers: NDArray[Number]) -> NDArray[Number]:
    """Each number once, sorted (numpy's own way through a hash table is several times slower)."""
    ordered = np.sort(numbers)
    kept = np.ones(len(ordered), np.bool_)
    kept[1:] = ordered[1:] != ordered[:-1]
    return ordered[kept]


class Ledger:
    """Entries in the order of a listing: what each is of, as one number, and numbers that it says.

    Examples
    --------
    >>> ledger = Ledger(1)
    >>> first = ledger.add(np.array([7, 5]), np.array([1, 2]))
    >>> second = ledger.add(np.array([7]), np.array([3]))
    >>> keys, (said,), numbers, repeated = ledger.settle()
    >>> keys.tolist(), said.tolist(), numbers.tolist(), repeated.tolist()
    ([5, 7], [2, 3], [1, 2], [7])
    """

    def __init__(self, columns: int) -> None:
        self._keys: list[Numbers] = [np.empty(0, np.int64)]
        self._columns: list[list[Numbers]] = [[np.empty(0, np.int64)] for _ in range(columns)]
        self._count = 0

    def add(self, keys: Numbers, *columns: Numbers) -> int:
        """Enter some; returns the number of the first."""
        self._keys.append(keys)
        for column, values in zip(self._columns, columns, strict=True):
            column.append(values)
        self._count += len(keys)
        return self._count - len(keys)

    def settle(self) -> tuple[Numbers, list[Numbers], Numbers, Numbers]:
        """Of each the last: what it is of (sorted), what it says, its number; and what came again, once for each time.

        Nothing is kept.
        """
        keys = np.concatenate(self._keys)
        self._keys.clear()
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        is_last = np.append(keys[1:] != keys[:-1], np.ones(min(len(keys), 1), np.bool_))
        numbers = order[is_last]
        columns = [np.concatenate(self._columns.pop(0))[numbers] for _ in range(len(self._columns))]
        return keys[is_last], columns, numbers, keys[~is_last]


class Settled(NamedTuple):
    """Links of which nothing is said twice."""

    pairs: Numbers
    times: Numbers
    contents: dict[int, bytes]
    """By their places, of those that are not as they should be."""
    again: Numbers
    """The pair of each that came before another one."""

    def plain(self) -> tuple[Codes, Codes, Numbers]:
        """Rows, keys and times of those that are as they should be."""
        chosen = np.ones(len(self.pairs), np.bool_)
        chosen[list(self.contents)] = False
        return *halves(self.pairs[chosen]), self.times[chosen]

    def others(self, keys: KeyPool) -> Iterator[tuple[int, bytes, bytes, int]]:
        """Row, hex digits, content and time of the others."""
        for at, content in self.contents.items():
            [(row, name)] = _named(self.pairs[[at]], keys)
            yield row, name, content, int(self.times[at])

    def repeated(self, keys: KeyPool) -> Iterator[tuple[int, bytes]]:
        """Row and hex digits of each that came again, once for each time."""
        return _named(self.again, keys)


class Keys:
    """Codes of digests, asked for many at a time: for a few, the pool takes several times as long for each.

    Parameters
    ----------
    pool : KeyPool
    """

    def __init__(self, pool: KeyPool) -> None:
        self._pool = pool
        self._raw: list[Raw] = []
        self._uses: list[Callable[[Codes], None]] = []
        self._count = 0

    def then(self, raw: Raw, use: Callable[[Codes], None]) -> None:
        """Have a function called with the codes of sha256 digests, now or before :meth:`flush` returns."""
        self._raw.append(raw)
        self._uses.append(use)
        self._count += len(raw)
        if self._count >= _ENOUGH:
            self.flush()

    def flush(self) -> None:
        """Have all functions called."""
        if self._raw:
            parts = np.split(self._pool.intern_raw(np.concatenate(self._raw)), np.cumsum([*map(len, self._raw)])[:-1])
            for codes, use in zip(parts, self._uses, strict=True):
                use(codes)
        self._raw, self._uses, self._count = [], [], 0


class Links:
    """Links of layers or of revisions to sha256 digests: each is the pair of its repository's row and its key.

    Parameters
    ----------
    open_all : bool
        A link is as it should be if it holds its own digest; otherwise its length tells.
    """

    def __init__(self, *, open_all: bool) -> None:
        self._open_all = open_all
        self._ledger = Ledger(1)
        self._contents: dict[int, bytes] = {}

    def contents(self, links: Digests, columns: Columns) -> dict[int, bytes]:
        """What those links hold that are not as they should be, by their places."""
        good = (columns.sizes[links.rows] == LINK_LENGTH) | (columns.sizes[links.rows] == NO_SIZE)
        if self._open_all:
            raw, is_link = linked(columns, links.rows)
            good &= is_link & (raw == links.raw).all(axis=1)
        return {at: columns.small(links.rows[at]) for at in np.flatnonzero(~good).tolist()}

    def add(self, pairs: Numbers, times: Numbers, contents: dict[int, bytes]) -> None:
        """Enter links."""
        first = self._ledger.add(pairs, times)
        self._contents.update({first + at: content for at, content in contents.items()})

    def settle(self) -> Settled:
        """What holds in the end; nothing is kept."""
        pairs, (times,), numbers, again = self._ledger.settle()
        odd = np.flatnonzero(np.isin(numbers, list(self._contents))) if self._contents else numbers[:0]
        contents = {at: self._contents[number] for at, number in zip(odd.tolist(), numbers[odd].tolist(), strict=True)}
        return Settled(pairs, times, contents, again)


def _named(pairs: Numbers, keys: KeyPool) -> Iterator[tuple[int, bytes]]:
    """Rows, and hex digits of keys."""
    rows, codes = halves(pairs)
    for row, digest in zip(rows.tolist(), keys.texts(codes), strict=True):
        yield row, digest.partition(":")[2].encode()


class Tags:
    """Tags, their links and their histories: each tag is the pair of its repository's row and its name's code."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._names = inventory.facts.names
        self._seen: list[Numbers] = []
        self._current = Ledger(2)
        self._contents: dict[int, bytes] = {}
        self._index: list[tuple[Numbers, Codes, Numbers]] = []

    def number(self, repository: int, tag: bytes) -> int:
        """The pair that stands for a tag."""
        return repository << 32 | self._names.code(decode_name(tag))

    def see(self, tags: Numbers) -> None:
        """There are these tags, whether they have links or not."""
        self._seen.append(tags)

    def current(self, tags: Numbers, targets: Codes, mtimes: Numbers, contents: dict[int, bytes]) -> None:
        """Current links: the keys they hold (-1: something else, in `contents` by its place here), and their times."""
        first = self._current.add(tags, targets.astype(np.int64), mtimes)
        self._contents.update({first + at: content for at, content in contents.items()})

    def index(self, tags: Numbers, keys: Codes, mtimes: Numbers) -> None:
        """Links of indexes."""
        self._index.append((tags, keys, mtimes))
        self.see(tags)

    def hand_over(self) -> Iterator[tuple[int, bytes]]:
        """Put everything into the inventory; gives the tags whose current link came again, once for each time."""
        tags, (targets, pushed), numbers, repeated = self._current.settle()
        every = distinct(np.concatenate([*self._seen, tags]))
        self._seen.clear()
        place = np.searchsorted(every, tags)
        target, time, number = np.full((3, len(every)), -1, np.int64)
        target[place], time[place], number[place] = targets, pushed, numbers
        unread = (target < 0) & (number >= 0) & ~np.isin(number, list(self._contents))
        index = Ledger(1)
        for of, keys, mtimes in self._index:
            index.add(pair(np.searchsorted(every, of), keys), mtimes)
        self._index.clear()
        links, (linked,), _, _ = index.settle()
        states = np.full(len(every), self._names.code("ok"), np.int32)
        if unread.any():
            target, inferred = told_by_index(unread, time, links, linked)
            words = np.where(target < 0, self._names.code("unread"), self._names.code("unchecked"))
            states[unread] = np.where(inferred, self._names.code("inferred"), words)[unread]
        plain = ((target >= 0) | unread) & self._are_valid(halves(every)[1])
        self._hand_plain(every, plain, target, time, states, (links, linked))
        self._contents |= dict.fromkeys(number[unread & ~plain].tolist(), UNREAD)
        target[unread & ~plain] = -1
        self._hand_others(every, np.flatnonzero(~plain), target, time, number, (links, linked))
        for row, name in zip(*(half.tolist() for half in halves(repeated)), strict=True):
            yield row, self._names.text(name).encode()

    def _are_valid(self, codes: Codes) -> Flags:
        """Which of the codes are those of valid names."""
        names = distinct(codes)
        valid = [TAG.fullmatch(self._names.text(code)) is not None for code in names.tolist()]
        return np.array(valid, np.bool_)[np.searchsorted(names, codes)]

    def _hand_plain(
        self, every: Numbers, plain: Flags, target: Numbers, time: Numbers, states: Codes,
        index: tuple[Numbers, Numbers],
    ) -> None:  # fmt: skip
        """Tags whose names are valid and whose current links hold digests, or cannot be read."""
        chosen = plain[index[0] >> 32]
        links, linked = index[0][chosen], index[1][chosen]
        leading = plain & (target >= 0)
        own = pair(np.flatnonzero(leading), target[leading])
        place = np.searchsorted(links, own)
        lacking = own[np.append(links, -1)[place] != own]  # current without a link in the index
        of, keys = halves(np.append(links, lacking))
        is_current = (keys == target[of]).astype(np.int8)
        is_current[target[of] < 0] = -1
        times = np.where(is_current == 1, time[of], np.append(linked, np.zeros(len(lacking), np.int64)))
        rows, names = halves(every)
        manifests = target[plain].astype(np.int32)
        self._inventory.listed_tags(rows[plain], names[plain], manifests, time[plain], states[plain])
        self._inventory.listed_history(rows[of], names[of], keys, times, is_current)

    def _hand_others(
        self, every: Numbers, chosen: Numbers, target: Numbers, time: Numbers, number: Numbers,
        index: tuple[Numbers, Numbers],
    ) -> None:  # fmt: skip
        """Tags that are not as they should be, one by one."""
        keys = self._inventory.facts.keys
        rows, names = halves(every)
        for at in chosen.tolist():
            content = keys.text(target[at]).encode() if target[at] >= 0 else self._contents.get(int(number[at]))
            first, behind = np.searchsorted(index[0], (pair(at, 0), pair(at + 1, 0)))
            history = zip(keys.texts(halves(index[0][first:behind])[1]), index[1][first:behind].tolist(), strict=True)
            tag = self._names.text(int(names[at])).encode()
            self._inventory.tags(int(rows[at]), (tag,), (content,), (int(time[at]),), (list(history),))
