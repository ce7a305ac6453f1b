"""Where readers put what they find; the only place that builds columns.

A reader appends facts to the tables of :class:`Facts`, in any order; :mod:`regviz.assemble` makes the tables of a
Registry from them. No Python object is kept for a blob, a link or a layer: keys are codes of one pool, names and texts
codes of two more, the rest are numbers.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Literal

import numpy as np

from regviz.pool import SHA256, KeyPool
from regviz.problems import RULES
from regviz.schema import NA_INT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

FactKind = Literal["digest", "row", "name", "text", "stamp", "int", "flag"]

_STAGED = 1 << 15


class TextPool:
    """Codes for texts, in the order they are met."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._texts: list[str] = []

    def __len__(self) -> int:
        return len(self._codes)

    def code(self, text: str | None) -> int:
        """Code of a text; -1 for None."""
        if text is None:
            return -1
        return self._codes.setdefault(text, len(self._codes))

    def text(self, code: int) -> str:
        """The text of a code."""
        if len(self._texts) != len(self._codes):
            self._texts = list(self._codes)
        return self._texts[code]

    def texts(self) -> list[str]:
        """Every text, by code."""
        return list(self._codes)

    def freeze(self) -> tuple[list[str], NDArray[np.int32]]:
        """The texts sorted, and the new code of each old one, NA's -1 at the end."""
        texts = list(self._codes)
        order = sorted(range(len(texts)), key=texts.__getitem__)
        new = np.full(len(texts) + 1, -1, np.int32)
        new[order] = np.arange(len(texts), dtype=np.int32)
        return [texts[i] for i in order], new


class KeyColumn:
    """A growing column of keys; texts are staged, and interned many at a time."""

    def __init__(self, pool: KeyPool, prefix: bytes) -> None:
        self._pool, self._prefix = pool, prefix
        self._staged: list[str] = []
        self._chunks: list[NDArray[np.int32]] = []

    def append(self, text: str) -> None:
        """Add a key; an empty text is NA."""
        self._staged.append(text)
        if len(self._staged) >= _STAGED:
            self._flush()

    def extend(self, texts: Sequence[str]) -> None:
        """Add keys."""
        self._staged += texts

    def last(self) -> NDArray[np.int32]:
        """Codes of what was added last by `extend_names` or `extend`."""
        self._flush()
        return self._chunks[-1]

    def extend_names(self, names: Sequence[bytes], prefix: bytes | None = None) -> None:
        """Add keys given as file names, the hex digits after the prefix."""
        self._flush()
        self._chunks.append(self._pool.intern_names(names, self._prefix if prefix is None else prefix))

    def extend_codes(self, codes: NDArray[np.int32]) -> None:
        """Add keys that have codes."""
        self._flush()
        self._chunks.append(codes.astype(np.int32, copy=False))

    def array(self) -> NDArray[np.int32]:
        """The column."""
        self._flush()
        if len(self._chunks) != 1:
            self._chunks = [np.concatenate(self._chunks) if self._chunks else np.empty(0, np.int32)]
        return self._chunks[0]

    def _flush(self) -> None:
        if self._staged:
            self._chunks.append(self._pool.intern(self._staged, self._prefix))
            self._staged.clear()


class NumberColumn:
    """A growing column of numbers of one type."""

    def __init__(self, typecode: Literal["b", "i", "q"]) -> None:
        self._values = array(typecode)
        self.append = self._values.append

    def __len__(self) -> int:
        return len(self._values)

    def extend(self, values: Iterable[int] | NDArray[np.generic]) -> None:
        """Add numbers."""
        if isinstance(values, np.ndarray):
            self._values.frombytes(values.astype(f"i{self._values.itemsize}", copy=False).tobytes())
        else:
            self._values.extend(values)

    def set(self, row: int, value: int) -> None:
        """Change one number."""
        self._values[row] = value

    def array(self) -> NDArray[np.generic]:
        """The column, a view."""
        return np.frombuffer(self._values, f"i{self._values.itemsize}")


class Rows:
    """Facts of one kind: columns of equal length.

    ``rows.add(value, …)`` adds one row, a value a column; hot loops append to the columns themselves.
    """

    def __init__(self, facts: Facts, prefix: bytes = SHA256, /, **columns: FactKind) -> None:
        self._columns: dict[str, KeyColumn | NumberColumn] = {}
        for name, kind in columns.items():
            column: KeyColumn | NumberColumn
            if kind == "digest":
                column = KeyColumn(facts.keys, prefix)
            else:
                column = NumberColumn("q" if kind == "int" else "b" if kind == "flag" else "i")
            self._columns[name] = column

    def __getitem__(self, name: str) -> NDArray[np.generic]:
        return self._columns[name].array()

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())).array())

    def key(self, name: str) -> KeyColumn:
        """A column of keys, to append to."""
        column = self._columns[name]
        assert isinstance(column, KeyColumn)
        return column

    def number(self, name: str) -> NumberColumn:
        """A column of codes or numbers, to append to."""
        column = self._columns[name]
        assert isinstance(column, NumberColumn)
        return column

    def add(self, *values: int | str) -> None:
        """Add one row: texts for keys, codes or numbers for the others, in the order of the columns."""
        for column, value in zip(self._columns.values(), values, strict=True):
            column.append(value)  # type: ignore[arg-type]

    def flush(self) -> None:
        """Give every key its code."""
        for column in self._columns.values():
            column.array()

    def free(self) -> None:
        """Forget everything: what it held was moved elsewhere."""
        self._columns = {}


class Facts:
    """Everything a reader finds.

    ``row`` columns hold row numbers of another table (named in the comment beside it), ``stamp`` columns codes of
    `stamps`, times as text. Numbers that are not known are `NA_INT`, flags and codes -1, keys empty.
    """

    def __init__(self, manifest_prefix: bytes = SHA256, blob_prefix: bytes = SHA256) -> None:
        self.keys = KeyPool()
        self.names, self.texts, self.stamps = TextPool(), TextPool(), TextPool()
        self.repositories = Rows(
            self, name="name", raw_name="name", private="flag", has_layers="flag", has_manifests="flag", complete="flag"
        )
        self.tags = Rows(self, manifest_prefix, repository="row", tag="name", manifest="digest", pushed_at="int", state="name")
        self.tag_history = Rows(
            self, manifest_prefix, repository="row", tag="name", manifest="digest", last_pushed_at="int", current="flag"
        )
        self.revisions = Rows(
            self, manifest_prefix, repository="row", manifest="digest", state="name", linked_at="int", is_root="flag"
        )
        self.links = Rows(self, repository="row", link="digest", blob="digest", state="name", linked_at="int")
        self.uploads = Rows(self, repository="row", upload="name", upload_bytes="int", started="stamp")
        self.stored = Rows(
            self, blob_prefix, blob="digest", stored_bytes="int", allocated_bytes="int", stored_at="int", compression="name"
        )
        self.manifests = Rows(
            self,
            manifest="digest",
            kind="name",
            media_type="name",
            artifact_type="name",
            config="digest",
            config_bytes="int",
            config_media_type="name",
            subject="digest",
            image="flag",  # its configuration is to be read
            own_config="row",  # of configs: what schema 1 carries itself, else -1
        )
        self.references = Rows(
            self,
            manifest="row",  # of manifests
            position="int",
            child="digest",
            role="name",
            os="name",
            architecture="name",
            variant="name",
            media_type="name",
            attests="digest",
            declared_bytes="int",
        )
        self.steps = Rows(
            self,
            manifest="row",  # of manifests
            position="int",
            digest="digest",
            media_type="name",
            declared_bytes="int",
            filesystem="flag",  # an entry of a stack of filesystem layers
            throwaway="flag",  # schema 1: it stands in the list, and makes no layer
            foreign="flag",
        )
        self.configs = Rows(
            self,
            config="digest",
            os="name",
            architecture="name",
            variant="name",
            os_version="name",
            created="stamp",
            author="text",
            diff_count="int",  # -1: no rootfs
        )
        self.diffs = Rows(self, config="row", diff_id="digest")
        self.history = Rows(
            self, config="row", created="stamp", created_by="text", author="text", comment="text", empty="flag"
        )
        self.labels = Rows(self, config="row", key="name", value="text")
        self.problems = Rows(
            self, rule="name", severity="name", repository="name", manifest="digest", blob="digest", path="text", detail="text"
        )
        self.storage = Rows(self, category="name", files="int", apparent_bytes="int", allocated_bytes="int")

    def flush(self) -> None:
        """Give every key its code; after this only assembling adds keys."""
        for rows in vars(self).values():
            if isinstance(rows, Rows):
                rows.flush()

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
        name, text = self.names.code, self.texts.code
        severity = RULES[rule].severity
        self.problems.add(name(rule), name(severity), name(repository), manifest, blob, text(path), text(detail))

    def repository(self, name: str, raw_name: str, *, private: int = -1, has_layers: int = -1, has_manifests: int = -1) -> int:
        """Add a repository; returns its row."""
        code = self.names.code
        self.repositories.add(code(name), code(raw_name), private, has_layers, has_manifests, 1)
        return len(self.repositories.number("name")) - 1


NO_TIME = NO_NUMBER = int(NA_INT)
