"""Where readers put what they find; the only place that builds columns.

A reader appends facts to the tables of :class:`Facts`, in any order; :mod:`regviz.assemble` makes the tables of a
Registry from them. No Python object is kept for a blob, a link or a layer: keys are codes of one pool, names and texts
codes of two more, the rest are numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from regviz.column import Column, KeyColumn, SizeColumn, TextColumn, TimeColumn
from regviz.pool import SHA256, KeyPool, is_digest, is_v1_id
from regviz.problems import RULES
from regviz.schema import NA_INT
from regviz.texts import NamePool, TextPool

if TYPE_CHECKING:
    from numpy.typing import NDArray

FactKind = Literal["key", "digest", "id", "row", "name", "text", "value", "stamp", "int", "size", "flag"]

Key = str | int
"""A digest or the like, or its code in the pool of keys."""
NO_TIME = NO_NUMBER = int(NA_INT)
_NUMBERS: dict[str, type[np.generic]] = {"int": np.int64, "row": np.int32, "flag": np.int8}
_STAGED = 1 << 11


class Rows:
    """Facts of one kind: columns of equal length.

    ``rows.add(value, …)`` adds one row, a value a column; hot loops add to the columns' `staged` lists.

    Attributes
    ----------
    stage : callable
        Adds one row, given as a tuple; the quickest way.
    numbered : int
        Rows that :meth:`numbers` gave out; whoever refers to rows of a table takes all of its numbers there.
    """

    def __init__(self, facts: Facts, prefix: bytes = SHA256, /, **columns: FactKind) -> None:
        self._columns: dict[str, Column] = {}
        self._rows: list[tuple[object, ...]] = []
        self.stage = self._rows.append
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

    def numbers(self, count: int) -> range:
        """The numbers of the rows that are added next."""
        self.numbered += count
        return range(self.numbered - count, self.numbered)

    def keep(self, rows: NDArray[Any]) -> None:
        """Forget the other rows; row numbers put those that stay in their order."""
        self._transpose()
        for column in self._columns.values():
            column.keep(rows)

    def take(self, name: str) -> NDArray[Any]:
        """A column that nobody asks for again: it is forgotten here."""
        self._transpose()
        return self._columns.pop(name).array()

    def thin(self, name: str) -> NDArray[Any]:
        """A column, to read; where it says the same in every row it takes the room of one."""
        return self.column(name).thin()

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
        manifest: Key = "",
        blob: Key = "",
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
        return self.repositories.numbers(1)[0]
