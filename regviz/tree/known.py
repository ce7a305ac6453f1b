"""What a Registry knows of what lies at a path: whose it is, in words."""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.graph.layers import tag_names, tagged_manifests
from regviz.schema import NA, NA_INT, TABLES
from regviz.text import count_noun, format_bytes, short_digest
from regviz.tree.text import shorten_digests

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from regviz.registry import Registry

    Array = NDArray[Any]

_NAMED = 1
_LONGEST_INSTRUCTION = 50
NO_ROWS = np.empty(0, np.int64)


class Lookup:
    """Rows of a column by their value."""

    def __init__(self, values: Array) -> None:
        self._order = np.argsort(values, kind="stable")
        self._sorted = values[self._order]

    def rows(self, value: int) -> Array:
        """Numbers of the rows that have it; none for NA."""
        if value < 0:
            return self._order[:0]
        return self._order[np.searchsorted(self._sorted, value) : np.searchsorted(self._sorted, value, "right")]


class Known:
    """Questions that explanations ask of a Registry. Codes are those of its columns; -1 is what it does not name."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._columns: dict[tuple[str, str], Array] = {}
        self._lookups: dict[tuple[str, str], Lookup] = {}

    # --- cells

    def column(self, table: str, name: str) -> Array:
        """An array of a table."""
        if (table, name) not in self._columns:
            self._columns[table, name] = self.registry.columns(table)[name]
        return self._columns[table, name]

    def rows(self, table: str, name: str, value: int) -> Array:
        """Rows of a table where a column has a value."""
        if (table, name) not in self._lookups:
            self._lookups[table, name] = Lookup(self.column(table, name))
        return self._lookups[table, name].rows(value)

    def text(self, table: str, name: str, row: int) -> str:
        """A digest, name or text; empty for NA."""
        code = self.column(table, name)[row]
        kind = TABLES[table].column(name).kind
        return "" if code < 0 else self.registry.code_texts(kind, np.array([code], np.int32))[0]

    def number(self, table: str, name: str, row: int) -> int | None:
        """A count, a number of bytes or a flag; None for NA."""
        value = int(self.column(table, name)[row])
        return None if value == NA[TABLES[table].column(name).kind] else value

    def date(self, table: str, name: str, row: int) -> str:
        """A time as a date; empty for NA."""
        value = int(self.column(table, name)[row])
        return "" if value == NA_INT else str(np.datetime64(value, "us").astype("M8[D]"))

    def row(self, table: str, key: str) -> int:
        """Row of `manifests` or `blobs` with a key; -1 where there is none."""
        found = self.rows(table, "manifest" if table == "manifests" else "blob", self.registry.key_code(key))
        return int(found[0]) if len(found) else -1

    # --- repositories

    @cached_property
    def repositories(self) -> dict[str, int]:
        """Row of each repository by the path it has below ``repositories``."""
        rows = len(self.column("repositories", "repository"))
        return {self.text("repositories", "raw_name", row): row for row in range(rows)}

    def repository(self, path: str) -> str:
        """Name of the repository at a path; the path itself where the registry has none there."""
        row = self.repositories.get(path)
        return path if row is None else self.text("repositories", "repository", row)

    def of_repository(self, table: str, path: str) -> Array:
        """Rows of a table that belong to the repository at a path."""
        row = self.repositories.get(path)
        code = -1 if row is None else int(self.column("repositories", "repository")[row])
        return self.rows(table, "repository", code)

    def in_repository(self, table: str, path: str, column: str, code: int) -> int:
        """Row of a table that belongs to a repository and has a value; -1 where there is none."""
        rows = self.of_repository(table, path)
        found = rows[self.column(table, column)[rows] == code] if code >= 0 else rows[:0]
        return int(found[0]) if len(found) else -1

    # --- tags

    @cached_property
    def _tag_names(self) -> list[str]:
        return tag_names(self.registry)

    @cached_property
    def _tagged(self) -> tuple[Array, Lookup]:
        rows, manifests = tagged_manifests(self.registry)
        return rows, Lookup(manifests)

    def tags_on(self, manifests: Iterable[int]) -> list[str]:
        """``repository:tag`` of the tags that reach one of these manifests, through indexes too; sorted."""
        rows, lookup = self._tagged
        return sorted({self._tag_names[row] for code in manifests for row in rows[lookup.rows(code)].tolist()})

    @property
    def sees_every_reference(self) -> bool:
        """Whether what nothing here refers to is referred to by nothing."""
        return self.registry.source.knows_contents and self.registry.sees_every_reference

    # --- words

    def whose(self, manifests: list[int]) -> str:
        """The tags that reach these manifests, or who serves the first without one; in brackets."""
        tags = self.tags_on(manifests)
        if not tags:
            links = self.rows("repository_manifests", "manifest", manifests[0])
            if not len(links):
                return "(no tag, served by nobody)"
            no_tag = "no tag, " if self.registry.source.knows_contents else ""  # an index with one may list it
            return f"({no_tag}served by {self.text('repository_manifests', 'repository', int(links[0]))})"
        if len(tags) <= _NAMED + 1:
            return f"({', '.join(tags)})"
        return f"({', '.join(tags[:_NAMED])} and {count_noun(len(tags) - _NAMED, 'more tag')})"

    def manifest(self, code: int) -> str:
        """What a manifest is: ``image for linux/amd64``, ``index of 2 manifests``."""
        row = int(self.rows("manifests", "manifest", code)[0])
        kind = self.text("manifests", "kind", row)
        about = self._about(row, code)
        if about >= 0:
            return f"{kind or 'manifest'} for {self._short(about)}"
        if kind == "index":
            role = self.column("manifest_references", "role")[self.rows("manifest_references", "manifest", code)]
            children = int((role == self.registry.name_code("child")).sum())
            return f"index of {count_noun(children, 'image')}"
        if kind in ("image", "v1"):
            parts = (self.text("manifests", name, row) for name in ("os", "architecture", "variant"))
            platform = "/".join(filter(None, parts))
            return f"image for {platform}" if platform else "image"
        return {"": "manifest", "chart": "Helm chart", "cache": "build cache"}.get(kind, kind)

    def blob(self, key: str) -> str:
        """What a blob is, and whose."""
        code = self.registry.key_code(key)
        if len(row := self.rows("manifests", "manifest", code)):
            about = self._about(int(row[0]), code)
            return f"{self.manifest(code)} {self.whose([code] if about < 0 else [code, about])}"
        if len(rows := self.rows("manifests", "config", code)):
            return f"configuration of {self._manifests(self.column('manifests', 'manifest')[rows])}"
        if len(steps := self.rows("manifest_layers", "blob", code)):
            layer = int(self.column("manifest_layers", "layer")[steps[0]])
            what = "layer" if layer >= 0 else self._media_type(key)
            said = self._manifests(self.column("manifest_layers", "manifest")[steps])
            return f"{what} of {said}{self.instruction(layer)}"
        if self._listings(code):
            return f"{self._media_type(key)}, listed by an index"
        if not self.registry.source.knows_contents:
            return self._linked(code)
        return "nothing refers to it" if self.registry.sees_every_reference else "nothing that was read refers to it"

    def _linked(self, code: int) -> str:
        """What a listing tells of a blob: which repositories link it."""
        links = self.rows("repository_blobs", "blob", code)
        if not len(links):
            return "no repository links it"
        more = f" and {count_noun(len(links) - 1, 'more repository', 'more repositories')}" if len(links) > 1 else ""
        return f"linked by {self.text('repository_blobs', 'repository', int(links[0]))}{more}"

    def instruction(self, layer: int) -> str:
        """What made a layer, after a colon; empty where it is not known."""
        rows = self.rows("layers", "layer", layer)
        said = self.text("layers", "created_by", int(rows[0])) if len(rows) else ""
        for head in ("/bin/sh -c ", "#(nop) ", "RUN /bin/sh -c "):
            said = said.removeprefix(head).strip()
        said = shorten_digests(said.removesuffix("# buildkit").strip(), "…")
        if len(said) > _LONGEST_INSTRUCTION:
            said = said[: _LONGEST_INSTRUCTION - 1] + "…"
        return f": {said}" if said else ""

    def noun(self, key: str) -> str:
        """What a blob is, in one word or two."""
        row = self.row("blobs", key)
        kind = self.text("blobs", "kind", row) if row >= 0 else ""
        return {"": "blob", "config": "configuration", "other": "content"}.get(kind, kind)

    def namespace(self, path: str) -> str:
        """What a directory of names is."""
        count = sum(known.startswith(path + "/") for known in self.repositories)
        return count_noun(count, "repository", "repositories") if count else "no repository in it"

    def length(self, key: str) -> str:
        """Bytes of a blob, and whether they are here: ``52.1 KiB``."""
        row = self.row("blobs", key)
        return format_bytes(self.number("blobs", "blob_bytes", row)) if row >= 0 else format_bytes(None)

    def present(self, key: str) -> bool:
        """Whether a blob lies in the registry."""
        row = self.row("blobs", key)
        return row >= 0 and self.number("blobs", "present", row) == 1

    def _manifests(self, codes: Array) -> str:
        """Manifests that use a blob, and whose they are."""
        used = np.unique(codes).tolist()
        if len(used) > 1:
            return f"{len(used)} manifests {self.whose(used)}"
        noun = self.manifest(used[0])
        return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun} {self.whose(used)}"

    def _about(self, row: int, code: int) -> int:
        """What an attestation, or anything with a subject, speaks about; -1 for others."""
        attested = self.column("manifest_references", "attests")[self._listings(code)]
        spoken: list[int] = [int(self.column("manifests", "subject")[row]), *attested.tolist()]
        return max(spoken)

    def _listings(self, code: int) -> list[int]:
        """Rows of `manifest_references` that list it."""
        found: list[int] = self.rows("manifest_references", "child", code).tolist()
        return found

    def _short(self, code: int) -> str:
        return short_digest(self.registry.code_texts("digest", np.array([code], np.int32))[0])

    def _media_type(self, key: str) -> str:
        row = self.row("blobs", key)
        return (self.text("blobs", "media_type", row) if row >= 0 else "") or "content"

    # --- counts

    @cached_property
    def _algorithms(self) -> dict[str, slice]:
        """Rows of `blobs`, which are sorted by digest, of each algorithm."""
        found: dict[str, slice] = {}
        start, end = 0, len(self.column("blobs", "blob"))
        while start < end:
            algorithm = self.text("blobs", "blob", start).partition(":")[0]
            beyond = bisect_left(range(end), f"{algorithm};", start, key=lambda row: self.text("blobs", "blob", row))
            found[algorithm] = slice(start, beyond)
            start = beyond
        return found

    def blobs(self, algorithm: str) -> dict[str, Array]:
        """Rows of the blobs of an algorithm that lie in the registry, by kind; what nothing names has an empty one."""
        part = self._algorithms.get(algorithm, slice(0))
        rows = np.arange(part.start or 0, part.stop)[self.column("blobs", "present")[part] == 1]
        kinds = self.column("blobs", "kind")[rows]
        return {
            self.registry.code_texts("name", np.array([code], np.int32))[0] if code >= 0 else "": rows[kinds == code]
            for code in np.unique(kinds).tolist()
        }

    def bytes_of(self, rows: Array | list[int]) -> int:
        """Bytes of blobs, so far as they are known."""
        lengths = self.column("blobs", "blob_bytes")[rows]
        return int(lengths[lengths != NA_INT].sum())

    def count_and_bytes(self, noun: str, rows: Array | list[int]) -> str:
        """How many blobs, and their bytes where those of any are known."""
        any_known = bool((self.column("blobs", "blob_bytes")[rows] != NA_INT).any()) or not len(rows)
        return count_noun(len(rows), noun) + (f", {format_bytes(self.bytes_of(rows))}" if any_known else "")

    def concerned(self, rule: str, column: str) -> list[str]:
        """What the problems of a rule concern, sorted: a column of `problems` that holds digests or paths."""
        rows = self.rows("problems", "rule", self.registry.name_code(rule))
        return sorted({self.text("problems", column, row) for row in rows.tolist()} - {""})

    def unread(self) -> frozenset[bytes]:
        """What could not be read, by its path below the layout's root."""
        root = self.registry.source.root
        above = f"{root}/" if root else ""
        paths = self.concerned("unreadable", "path")
        return frozenset(path.removeprefix(above).encode() for path in paths if path.startswith(above))
