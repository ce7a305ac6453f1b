"""Where readers put what they find; the only place that builds columns.

A reader appends facts to the tables of :class:`Facts`, in any order; :mod:`regviz.assemble` makes the tables of a
Registry from them. No Python object is kept for a blob, a link or a layer: keys are codes of one pool, names and texts
codes of two more, the rest are numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from regviz.pool import SHA256, KeyPool, is_digest, is_v1_id
from regviz.problems import RULES
from regviz.schema import NA_INT
from regviz.stamps import parse_stamps
from regviz.texts import NamePool, TextPool, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

FactKind = Literal["key", "digest", "id", "row", "name", "text", "value", "stamp", "int", "size", "flag"]

NO_TIME = NO_NUMBER = int(NA_INT)
_LARGEST_SIZE = 1 << 62
_NUMBERS: dict[str, type[np.generic]] = {"int": np.int64, "row": np.int32, "flag": np.int8}
_STAGED = 1 << 14


class Column:
    """A growing column: values are staged in a list, and become numbers many at a time.

    Attributes
    ----------
    staged : list
        Values to come, open to ``append`` and ``+=``; :meth:`flush` empties it.
    """

    def __init__(self, dtype: type[np.generic]) -> None:
        self.staged: list[Any] = []
        self.append = self.staged.append
        self._dtype = dtype
        self._chunks: list[NDArray[Any]] = []

    def extend_numbers(self, numbers: NDArray[Any]) -> None:
        """Add values that are numbers, or codes, already."""
        self.flush()
        self._chunks.append(numbers.astype(self._dtype, copy=False))

    def flush(self) -> None:
        """Turn what is staged into numbers."""
        if self.staged:
            self._chunks.append(self._numbers())
            self.staged.clear()

    def array(self) -> NDArray[Any]:
        """The column."""
        self.flush()
        if len(self._chunks) != 1:
            self._chunks = [np.concatenate(self._chunks) if self._chunks else np.empty(0, self._dtype)]
        return self._chunks[0]

    def set(self, row: int, value: int) -> None:
        """Change one number."""
        self.array()[row] = value

    def keep(self, rows: NDArray[Any]) -> None:
        """Forget the other rows; row numbers put those that stay in their order."""
        self._chunks = [self.array()[rows]]

    def _numbers(self) -> NDArray[Any]:
        return np.array(self.staged, self._dtype)


class SizeColumn(Column):
    """Numbers of bytes out of documents; what is none is NA."""

    def _numbers(self) -> NDArray[Any]:
        numbers = np.array(self.staged) if {*map(type, self.staged)} == {int} else None
        if numbers is None or numbers.dtype != np.int64 or int(numbers.min()) < 0:
            sizes = [value if type(value) is int and 0 <= value < _LARGEST_SIZE else NO_NUMBER for value in self.staged]
            return np.array(sizes, np.int64)
        return numbers


class TimeColumn(Column):
    """Times out of documents, in microseconds."""

    def _numbers(self) -> NDArray[Any]:
        distinct, places = encode(self.staged)
        return parse_stamps([text or "" for text in distinct])[places]


class TextColumn(Column):
    """Codes of texts."""

    def __init__(self, pool: NamePool | TextPool, *, keep_empty: bool = False) -> None:
        super().__init__(np.int32)
        self._pool, self._keep_empty = pool, keep_empty

    def repeat(self, text: str | None, count: int) -> None:
        """Add one text many times."""
        self.extend_numbers(np.full(count, self._pool.codes([text])[0], np.int32))

    def _numbers(self) -> NDArray[Any]:
        return self._pool.codes(self.staged, keep_empty=self._keep_empty)


class KeyColumn(Column):
    """Codes of keys; an empty text is NA, and so, in a column out of documents, is what is no digest.

    Attributes
    ----------
    malformed : list of (int, object)
        Row and value of each that is no digest.
    """

    def __init__(self, pool: KeyPool, prefix: bytes, accepts: Callable[[str], bool] | None) -> None:
        super().__init__(np.int32)
        self._pool, self._prefix, self._accepts = pool, prefix, accepts
        self.malformed: list[tuple[int, object]] = []

    def extend_names(self, names: Sequence[bytes], prefix: bytes | None = None) -> NDArray[np.int32]:
        """Add keys given as file names, the hex digits after the prefix; returns their codes."""
        codes = self._pool.intern_names(names, self._prefix if prefix is None else prefix)
        self.extend_numbers(codes)
        return codes

    def intern(self, texts: Sequence[str]) -> NDArray[np.int32]:
        """Codes of keys, without adding them."""
        return self._pool.intern(texts, self._prefix)

    def _numbers(self) -> NDArray[Any]:
        staged = self.staged
        said = [value for value in staged if value != ""] if "" in staged else staged
        try:
            codes = self._pool.intern_regular(said, self._prefix)
        except TypeError:  # something that is no text
            codes = None
        if codes is None:
            return self._irregular(staged)
        if len(said) == len(staged):
            return codes
        spread = np.full(len(staged), -1, np.int32)
        spread[[value != "" for value in staged]] = codes
        return spread

    def _irregular(self, staged: list[Any]) -> NDArray[np.int32]:
        first = sum(map(len, self._chunks))
        accepts = self._accepts
        good = [
            value if isinstance(value, str) and (not value or accepts is None or accepts(value)) else None
            for value in staged
        ]
        self.malformed += [(first + at, staged[at]) for at, value in enumerate(good) if value is None]
        return self._pool.intern([value or "" for value in good], self._prefix)


class Rows:
    """Facts of one kind: columns of equal length.

    ``rows.add(value, …)`` adds one row, a value a column; hot loops add to the columns' `staged` lists.

    Attributes
    ----------
    numbered : int
        Rows that :meth:`number` gave out; whoever refers to rows of a table takes all of its numbers there.
    """

    def __init__(self, facts: Facts, prefix: bytes = SHA256, /, **columns: FactKind) -> None:
        self._columns: dict[str, Column] = {}
        self._rows: list[tuple[object, ...]] = []
        self.numbered = 0
        for name, kind in columns.items():
            if kind in ("key", "digest", "id"):
                accepts = {"key": None, "digest": is_digest, "id": is_v1_id}[kind]
                self._columns[name] = KeyColumn(facts.keys, prefix, accepts)
            elif kind == "size":
                self._columns[name] = SizeColumn(np.int64)
            elif kind == "stamp":
                self._columns[name] = TimeColumn(np.int64)
            elif kind == "value":
                self._columns[name] = TextColumn(facts.texts, keep_empty=True)
            elif kind in ("name", "text"):
                self._columns[name] = TextColumn(facts.names if kind == "name" else facts.texts)
            else:
                self._columns[name] = Column(_NUMBERS[kind])

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.column(name).array()

    def __len__(self) -> int:
        return len(self[next(iter(self._columns))])

    def column(self, name: str) -> Column:
        """A column, to add to."""
        self._transpose()
        return self._columns[name]

    def key(self, name: str) -> KeyColumn:
        """A column of keys."""
        return cast("KeyColumn", self.column(name))

    def text(self, name: str) -> TextColumn:
        """A column of texts."""
        return cast("TextColumn", self.column(name))

    def add(self, *values: object) -> None:
        """Add one row, in the order of the columns."""
        self._rows.append(values)

    def number(self) -> int:
        """The number of the row that is added next."""
        self.numbered += 1
        return self.numbered - 1

    def keep(self, rows: NDArray[Any]) -> None:
        """Forget the other rows; row numbers put those that stay in their order."""
        self._transpose()
        for column in self._columns.values():
            column.keep(rows)

    def take(self, name: str) -> NDArray[Any]:
        """A column that nobody asks for again: it is forgotten here."""
        self._transpose()
        return self._columns.pop(name).array()

    def spill(self, most: int = 0) -> None:
        """Turn what is staged into numbers where more than `most` rows are."""
        self._transpose()
        for column in self._columns.values():
            if len(column.staged) > most:
                column.flush()

    def _transpose(self) -> None:
        if self._rows:
            for column, values in zip(self._columns.values(), zip(*self._rows, strict=True), strict=True):
                column.staged += values
            self._rows.clear()

    def free(self) -> None:
        """Forget everything: what it held was moved elsewhere."""
        self._columns, self._rows = {}, []


class Facts:
    """Everything a reader finds.

    ``key`` columns are taken as they are, ``digest`` and ``id`` columns come out of documents, and what is no digest
    (no id of a v1 image) there is set aside. ``row`` columns hold row numbers of another table (named in the comment
    beside it) or small counts, ``stamp`` columns times as text, ``value`` columns texts that may be empty. Numbers
    that are not known are `NA_INT`, flags -1, texts None, keys empty.
    """

    def __init__(self, manifest_prefix: bytes = SHA256, blob_prefix: bytes = SHA256) -> None:
        self.keys = KeyPool()
        self.manifests_are_blobs = (
            manifest_prefix == blob_prefix
        )  # v1 keeps documents beside its layers, not among them
        self.names, self.texts = NamePool(), TextPool()
        self.repositories = Rows(
            self, name="name", raw_name="name", private="flag", has_layers="flag", has_manifests="flag", complete="flag"
        )
        self.tags = Rows(
            self, manifest_prefix, repository="row", tag="name", manifest="key", pushed_at="int", state="name"
        )
        self.tag_history = Rows(
            self, manifest_prefix, repository="row", tag="name", manifest="key", last_pushed_at="int", current="flag"
        )
        self.revisions = Rows(
            self, manifest_prefix, repository="row", manifest="key", state="name", linked_at="int", is_root="flag"
        )
        self.links = Rows(self, repository="row", link="key", blob="key", state="name", linked_at="int")
        self.uploads = Rows(self, repository="row", upload="name", upload_bytes="int", started="stamp")
        self.stored = Rows(
            self,
            blob_prefix,
            blob="key",
            stored_bytes="int",
            allocated_bytes="int",
            stored_at="int",
            compression="name",
        )
        self.verified = Rows(self, blob="key", good="flag")
        self.manifests = Rows(
            self,
            manifest="key",
            kind="name",
            media_type="name",
            artifact_type="name",
            config="digest",
            config_bytes="size",
            config_media_type="name",
            subject="digest",
            image="flag",  # its configuration is to be read
            own_config="row",  # of configs: what schema 1 carries itself, else -1
            step_count="row",
        )
        self.references = Rows(
            self,
            manifest="row",  # of manifests
            position="row",
            child="digest",
            role="name",
            os="name",
            architecture="name",
            variant="name",
            media_type="name",
            attests="digest",
            declared_bytes="size",
        )
        self.descriptors = Rows(  # of layers; those that were long not met stand here again
            self,
            digest="digest",
            media_type="name",
            declared_bytes="size",
            foreign="flag",
            throwaway="flag",  # schema 1: it stands in the list, and makes no layer
        )
        self.steps = Rows(self, descriptor="row")  # of descriptors; grouped by manifest, from the base up
        self.configs = Rows(
            self,
            config="key",
            os="name",
            architecture="name",
            variant="name",
            os_version="name",
            created="stamp",
            author="text",
            diff_count="row",  # -1: no rootfs
            history_count="row",
        )
        self.diff_ids = Rows(self, diff_id="digest")
        self.diffs = Rows(self, diff_id="row")  # of diff_ids; grouped by configuration
        self.words = Rows(self, created="stamp", created_by="text", author="text", comment="text", empty="flag")
        self.history = Rows(self, word="row")  # of words; grouped by configuration
        self.nameless = Rows(self, blob="key", digest="key")  # blobs under no digest; what they had elsewhere
        self.layer_bytes = Rows(self, layer="key", uncompressed_bytes="int")
        self.labels = Rows(self, config="row", key="name", value="value")
        self.problems = Rows(
            self,
            rule="name",
            severity="name",
            repository="name",
            manifest="key",
            blob="key",
            path="text",
            detail="text",
        )
        self.storage = Rows(self, category="name", files="int", apparent_bytes="int", allocated_bytes="int")

    def spill(self, most: int = _STAGED) -> None:
        """Turn what is staged into numbers, where it is much; readers call it now and then."""
        for rows in vars(self).values():
            if isinstance(rows, Rows):
                rows.spill(most)

    def free(self) -> None:
        """Forget all rows; the pools stay."""
        for rows in vars(self).values():
            if isinstance(rows, Rows):
                rows.free()

    def problem(
        self,
        rule: str,
        *,
        repository: str | None = None,
        manifest: str = "",
        blob: str = "",
        path: str | None = None,
        detail: str | None = None,
    ) -> None:
        """Add a row of ``problems``; KeyError for a rule that is not in the catalogue."""
        self.problems.add(rule, RULES[rule].severity, repository, manifest, blob, path, detail)

    def repository(
        self, name: str, raw_name: str, *, private: int = -1, has_layers: int = -1, has_manifests: int = -1
    ) -> int:
        """Add a repository; returns its row."""
        self.repositories.add(name, raw_name, private, has_layers, has_manifests, 1)
        return self.repositories.number()
