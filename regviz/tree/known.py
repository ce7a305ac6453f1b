"""What a Registry knows of what lies at a path: whose it is, in words."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.graph.layers import tag_names, tagged_manifests
from regviz.schema import NA, NA_INT, TABLES
from regviz.text import count_noun, format_bytes, short_digest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from regviz.registry import Registry

    Array = NDArray[Any]

_NAMED = 2
_LONGEST_INSTRUCTION = 60


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
        self._columns: dict[str, dict[str, Array]] = {}
        self._lookups: dict[tuple[str, str], Lookup] = {}

    # --- cells

    def column(self, table: str, name: str) -> Array:
        """An array of a table."""
        if table not in self._columns:
            self._columns[table] = self.registry.columns(table)
        return self._columns[table][name]

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

    # --- words

    def names(self, names: list[str]) -> str:
        """A few names, and how many more there are."""
        if len(names) <= _NAMED + 1:
            return ", ".join(names)
        return f"{', '.join(names[:_NAMED])} and {count_noun(len(names) - _NAMED, 'more tag', 'more tags')}"

    def manifest(self, row: int) -> str:
        """What a manifest is: ``image for linux/amd64``, ``index of 2 images``."""
        kind = self.text("manifests", "kind", row)
        if kind == "index":
            code = int(self.column("manifests", "manifest")[row])
            listed = self.rows("manifest_references", "manifest", code)
            role = self.column("manifest_references", "role")[listed]
            children = int((role == self.registry.name_code("child")).sum())
            return f"index of {count_noun(children, 'manifest')}"
        about = self._about(row)
        if about:
            return f"{kind or 'manifest'} for {short_digest(about)}"
        parts = (self.text("manifests", name, row) for name in ("os", "architecture", "variant"))
        platform = "/".join(filter(None, parts))
        if kind in ("image", "v1"):
            return f"image for {platform}" if platform else "image"
        return {"": "manifest", "chart": "Helm chart", "cache": "build cache"}.get(kind, kind)

    def _about(self, row: int) -> str:
        """What an attestation, or anything with a subject, speaks about; empty for others."""
        code = int(self.column("manifests", "manifest")[row])
        attested = (self.text("manifest_references", "attests", at) for at in self._listings(code))
        return self.text("manifests", "subject", row) or next(filter(None, attested), "")

    def _listings(self, code: int) -> list[int]:
        return self.rows("manifest_references", "child", code).tolist()

    def blob(self, key: str) -> str:
        """What a blob is, and whose."""
        row = self.row("manifests", key)
        if row >= 0:
            tags = self.tags_on([int(self.column("manifests", "manifest")[row])])
            return f"{self.manifest(row)}; {self.whose(tags, self._served(row))}"
        code = self.registry.key_code(key)
        images = self.column("manifests", "manifest")[self.rows("manifests", "config", code)]
        if len(images):
            return f"configuration of {self._images(images)}"
        steps = self.rows("manifest_layers", "blob", code)
        if len(steps):
            images = np.unique(self.column("manifest_layers", "manifest")[steps])
            layer = int(self.column("manifest_layers", "layer")[steps[0]])
            what = "layer" if layer >= 0 else self._media_type(key)
            return f"{what} of {self._images(images)}{self.instruction(layer)}"
        if self._listings(code):
            return f"{self._media_type(key)}, listed by an index"
        return "nothing refers to it"

    def whose(self, tags: list[str], otherwise: str) -> str:
        """The tags, or what is to say where there are none."""
        return f"tagged {self.names(tags)}" if tags else otherwise

    def instruction(self, layer: int) -> str:
        """What made a layer, after a colon; empty where it is not known."""
        rows = self.rows("layers", "layer", layer)
        said = self.text("layers", "created_by", int(rows[0])) if len(rows) else ""
        said = said.removeprefix("/bin/sh -c ").removeprefix("#(nop) ").removesuffix(" # buildkit").strip()
        if len(said) > _LONGEST_INSTRUCTION:
            said = said[: _LONGEST_INSTRUCTION - 1] + "…"
        return f": {said}" if said else ""

    def length(self, key: str) -> str:
        """Bytes of a blob, and whether they are here: ``52.1 KiB``."""
        row = self.row("blobs", key)
        return format_bytes(self.number("blobs", "blob_bytes", row)) if row >= 0 else format_bytes(None)

    def present(self, key: str) -> bool:
        """Whether a blob lies in the registry."""
        row = self.row("blobs", key)
        return row >= 0 and self.number("blobs", "present", row) == 1

    def _images(self, images: Array) -> str:
        tags = self.tags_on(images.tolist())
        if len(images) == 1:
            row = int(self.rows("manifests", "manifest", int(images[0]))[0])
            return f"{self._article(self.manifest(row))}; {self.whose(tags, self._served(row))}"
        return f"{len(images)} manifests; {self.whose(tags, 'none of them tagged')}"

    @staticmethod
    def _article(noun: str) -> str:
        return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"

    def _served(self, row: int) -> str:
        """Who serves a manifest without a tag."""
        code = int(self.column("manifests", "manifest")[row])
        links = self.rows("repository_manifests", "manifest", code)
        if not len(links):
            return "no tag, and no repository serves it"
        return f"no tag; {self.text('repository_manifests', 'repository', int(links[0]))} serves it by its digest"

    def _media_type(self, key: str) -> str:
        row = self.row("blobs", key)
        return (self.text("blobs", "media_type", row) if row >= 0 else "") or "content"
