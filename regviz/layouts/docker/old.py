"""Images as Docker kept and saved them before 1.10: each an id, a JSON document, and one layer on its parent's.

They are the images of Docker Registry v1, and make the same tables; here they are few, and lie in one place. Sources:
moby v1.9.1 image/image.go, graph/graph.go, graph/export.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.columns import NO_NUMBER, NO_TIME
from regviz.layouts.docker.names import NO_NAME
from regviz.manifests.json import length, load_object, mapping, text
from regviz.manifests.schema1 import v1_instruction
from regviz.pool import V1_ID, V1_LAYER, is_v1_id
from regviz.stamps import parse_stamps
from regviz.text import clean, show_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from regviz.assemble.draft import Draft
    from regviz.facts import Facts
    from regviz.manifests.json import Document

    Codes = NDArray[np.int32]

_EMPTY_TAR = 1024
_SAID = ("os", "architecture", "variant")


@dataclass(slots=True)
class OldImage:
    """An image's files.

    Attributes
    ----------
    document : bytes or None
        Its ``json``; None where that is not there, or cannot be read.
    has_layer : bool
    layer_bytes : int
        Length of its layer's file; `NO_NUMBER` where it lies in no file.
    allocated_bytes : int
    compression : str or None
        None where the layer lies in no file.
    uncompressed_bytes : int
        ``layersize``; -1 where nothing beside the document says so.
    """

    document: bytes | None = None
    has_layer: bool = False
    layer_bytes: int = NO_NUMBER
    allocated_bytes: int = NO_NUMBER
    compression: str | None = None
    uncompressed_bytes: int = -1


class OldImages:
    """Images by their ids, and the tables they make.

    Parameters
    ----------
    facts : Facts
        Made for v1 ids.
    images : mapping of str to OldImage
    names : mapping
        Tags and their ids, by repository, as they are written.
    """

    def __init__(self, facts: Facts, images: Mapping[str, OldImage], names: Mapping[str, object]) -> None:
        self._facts, self._images = facts, images
        self.ids = sorted(images)
        self._documents = [self._document(name, images[name]) for name in self.ids]
        parents = [self._parent(name, document) for name, document in zip(self.ids, self._documents, strict=True)]
        tags = list(self._tags(names))
        self._here = len(self.ids)
        self._add_absent(parents, [target for _, _, target in tags if target])
        row_of = {name: row for row, name in enumerate(self.ids)}
        self._parent_row = [row_of.get(parent, -1) for parent in parents] + [-1] * (len(self.ids) - self._here)
        self._depth = self._measure()
        self._tagged = {row_of[target] for _, _, target in tags if target}
        self._put_names(tags)
        self._put_stored()

    def _document(self, name: str, image: OldImage) -> Document:
        document = load_object(image.document) if image.document is not None else None
        if document is None:
            rule = "v1-json-missing" if image.document is None else "v1-json-unreadable"
            detail = None if image.document is None else f"{len(image.document)} bytes"
            self._facts.problem(rule, manifest=name, detail=detail)
        elif document.get("id") != name:
            other = text(document.get("id"))
            self._facts.problem("v1-id-mismatch", manifest=name, detail=other if is_v1_id(other) else "none")
        return document or {}

    def _parent(self, name: str, document: Document) -> str:
        parent = document.get("parent") or ""
        if parent and not (isinstance(parent, str) and is_v1_id(parent)):
            self._facts.problem("digest-malformed", manifest=name, detail=show_value(parent))
            return ""
        if parent and parent not in self._images:
            self._facts.problem("v1-parent-missing", manifest=name, detail=parent)
        return parent

    def _tags(self, names: Mapping[str, object]) -> list[tuple[str, str, str]]:
        """Repository, tag and id of each tag; the id is empty where it is none."""
        tags: dict[tuple[str, str], str] = {}
        for name, ids in sorted(names.items()):
            for tag, target in sorted(mapping(ids).items()):
                repository = clean(name)
                good = isinstance(target, str) and is_v1_id(target)
                if not name or not tag or not good:
                    self._facts.problem(
                        "docker-name-malformed", detail=clean(f"{name}:{tag}: {show_value(target)}"[:200])
                    )
                if name and tag:
                    tags[repository, clean(tag)] = str(target) if good else ""
                if good and target not in self._images:
                    self._facts.problem("v1-image-missing", repository=repository, manifest=str(target))
        return [(*place, target) for place, target in tags.items()]

    def _add_absent(self, parents: list[str], targets: list[str]) -> None:
        absent = {name for name in (*parents, *targets) if name and name not in self._images}
        self.ids += sorted(absent)
        self._documents += [{}] * len(absent)

    def _measure(self) -> list[int]:
        """Depth of every image; a chain that comes back to itself is cut at its smallest id."""
        depth, parents = [0] * len(self.ids), self._parent_row
        for start in range(len(depth)):
            path: dict[int, None] = {}
            row = start
            while row >= 0 and not depth[row]:
                if row in path:
                    cycle = [*path][[*path].index(row) :]
                    cut = min(cycle, key=self.ids.__getitem__)
                    self._facts.problem("v1-parent-cycle", manifest=self.ids[cut], detail=f"{len(cycle)} images")
                    parents[cut] = -1
                    path, row = {}, start
                    continue
                path[row] = None
                row = parents[row]
            height = depth[row] if row >= 0 else 0
            for image in reversed(path):
                height += 1
                depth[image] = height
        return depth

    def _put_names(self, tags: list[tuple[str, str, str]]) -> None:
        """Repositories, tags and roots: an image on which nothing stands, and that has no name, is one too."""
        facts = self._facts
        rows: dict[str, int] = {}
        roots: set[tuple[int, str]] = set()
        for repository, tag, target in tags:
            if repository not in rows:
                rows[repository] = facts.repository(repository, repository)
            row = rows[repository]
            facts.tags.add(row, tag, target, NO_TIME, "ok" if target else "malformed")
            if target:
                facts.tag_history.add(row, tag, target, NO_TIME, 1)
                roots.add((row, target))
        parents = {*self._parent_row}
        nameless = [row for row in range(self._here) if row not in parents and row not in self._tagged]
        if nameless:
            row = facts.repository(NO_NAME, NO_NAME)
            roots |= {(row, self.ids[image]) for image in nameless}
        for row, target in roots:
            facts.revisions.add(row, target, "ok", NO_TIME, 1)

    def _put_stored(self) -> None:
        for name, image in self._images.items():
            if image.has_layer:
                self._facts.stored.add(
                    f"v1:{name}", image.layer_bytes, image.allocated_bytes, NO_TIME, image.compression
                )
            else:
                self._facts.problem("v1-layer-missing", manifest=name, blob=f"v1:{name}")

    # --- tables

    def put_tables(self, draft: Draft) -> None:
        """Put the tables that come from documents into the draft."""
        facts, count = self._facts, len(self.ids)
        key = facts.keys.intern(self.ids, V1_ID)
        parent_row = np.array(self._parent_row, np.int64)
        present = (np.arange(count) < self._here).astype(np.int8)
        here = [self._images.get(name, OldImage()) for name in self.ids]
        codes = {name: facts.names.codes([document.get(name) for document in self._documents]) for name in _SAID}
        said: dict[str, NDArray[Any]] = {
            "created_at": parse_stamps([text(document.get("created")) for document in self._documents]),
            "created_by": facts.texts.codes([v1_instruction(document) for document in self._documents]),
            "author": facts.texts.codes([document.get("author") for document in self._documents]),
            "comment": facts.texts.codes([document.get("comment") for document in self._documents]),
        }
        empty = np.array([image.layer_bytes == _EMPTY_TAR for image in here], np.int8)
        sizes = [
            image.uncompressed_bytes if image.uncompressed_bytes >= 0 else length(document.get("Size"))
            for image, document in zip(here, self._documents, strict=True)
        ]
        unsaid = np.full(count, -1, np.int32)
        depth = np.array(self._depth, np.int32)
        draft.tables["layers"] = {
            "layer": key,
            "basis": np.full(count, facts.names.code("v1"), np.int32),
            "parent": np.append(key, np.int32(-1))[parent_row],
            "depth": depth,
            "diff_id": unsaid,
            "empty": empty,
            "uncompressed_bytes": np.array([size if size >= 0 else NO_NUMBER for size in sizes], np.int64),
            "created_at": said["created_at"],
            "created_by": said["created_by"],
        }
        draft.tables["manifests"] = {
            "manifest": key,
            "kind": np.where(present == 1, facts.names.code("v1"), -1).astype(np.int32),
            **dict.fromkeys(("media_type", "artifact_type"), unsaid),
            "present": present,
            "in_progress": np.full(count, -1, np.int8),
            "config": unsaid,
            "layer": key,
            "layer_count": depth,
            **codes,
            "os_version": unsaid,
            "created_at": said["created_at"],
            "author": said["author"],
            "subject": unsaid,
        }
        self._put_stacks(draft, key, empty, said)
        self._put_labels(draft, key)
        names = ("manifest", "position", "child", "role", *_SAID, "media_type", "attests")
        draft.tables["manifest_references"] = {name: np.empty(0, np.int32) for name in names}

    def _put_stacks(self, draft: Draft, key: Codes, empty: NDArray[np.int8], said: dict[str, NDArray[Any]]) -> None:
        parents = {*self._parent_row}
        stacks = [(row, self._stack(row)) for row in range(len(self.ids)) if row in self._tagged or row not in parents]
        owner = np.array([row for row, stack in stacks for _ in stack], np.int64)
        member = np.array([row for _, stack in stacks for row in stack], np.int64)
        position = np.array([at for _, stack in stacks for at in range(len(stack))], np.int32)
        nothing = np.zeros(len(member), np.int8)
        draft.tables["manifest_layers"] = {
            "manifest": key[owner],
            "position": position,
            "layer": key[member],
            "blob": self._facts.keys.with_prefix(key, V1_LAYER)[member],
            "digest": np.full(len(member), -1, np.int32),
            "empty": empty[member],
            "foreign": nothing,
        }
        draft.tables["history"] = {
            "manifest": key[owner],
            "step": position,
            **{name: values[member] for name, values in said.items()},
            "empty": nothing,
            "position": position,
        }

    def _stack(self, row: int) -> list[int]:
        stack = []
        while row >= 0:
            stack.append(row)
            row = self._parent_row[row]
        return stack[::-1]

    def _put_labels(self, draft: Draft, key: Codes) -> None:
        labels = [
            (row, label, value)
            for row, document in enumerate(self._documents)
            for label, value in mapping(mapping(document.get("config")).get("Labels")).items()
            if label
        ]
        facts = self._facts
        draft.tables["labels"] = {
            "manifest": key[np.array([row for row, _, _ in labels], np.int64)],
            "key": facts.names.codes([label for _, label, _ in labels]),
            "value": facts.texts.codes([value for _, _, value in labels], keep_empty=True),
        }
