"""Images of a v1 storage: what their json says of each."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.columns import NO_NUMBER, Rows
from regviz.layouts.v1.documents import instructions, labels_of, parse_image, parse_images
from regviz.layouts.v1.inventory import Documents
from regviz.pool import V1_ID, is_v1_id
from regviz.stamps import parse_stamps
from regviz.text import show_value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.columns import FactKind
    from regviz.facts import Facts
    from regviz.layouts.common import Tick
    from regviz.layouts.v1.documents import Image
    from regviz.layouts.v1.inventory import Inventory

    Codes = NDArray[np.int32]

_BATCH = 4096
_PLAIN: dict[str, FactKind] = {
    "os": "name",
    "architecture": "name",
    "variant": "name",
    "author": "text",
    "comment": "text",
    "size": "size",
}
_SAID: dict[str, FactKind] = {"parent": "id", "created_by": "text", **_PLAIN}


class Images:
    """The images that have a directory, in the order of their names, then those that are only named.

    Attributes
    ----------
    key : array of int
        Key of each image's id.
    present : int
        How many have a directory.
    was_read : array of bool
        Whether its json could be read, for each that has a directory.
    said : dict of str to array
        What the json says, for each that has a directory; NA where it says nothing.
    labels : Rows
        Row of the image, key and value.
    """

    def __init__(self, inventory: Inventory, facts: Facts) -> None:
        self._inventory, self._facts = inventory, facts
        self.present = count = len(inventory.names)
        self.key = inventory.keys
        self.was_read, self._unreadable = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
        self.said: dict[str, NDArray[Any]] = {name: np.full(count, -1, np.int32) for name in _SAID}
        self.said |= {name: np.full(count, NO_NUMBER, np.int64) for name in ("size", "created")}
        self.labels = Rows(facts, V1_ID, image="row", key="name", value="value")
        self._row_of_key: Codes = np.empty(0, np.int32)

    def __len__(self) -> int:
        return len(self.key)

    def name(self, row: int) -> str:
        """Id of an image."""
        return self._facts.keys.text(int(self.key[row]))

    def find(self, keys: Codes) -> Codes:
        """Rows of ids by their keys, none of them NA; -1 where there is none."""
        known = self._row_of_key
        if len(known) < len(self._facts.keys):
            self._row_of_key = np.full(max(len(self._facts.keys), len(known) * 3 // 2), -1, np.int32)
            self._row_of_key[: len(known)] = known
            if not len(known):
                self._row_of_key[self.key] = np.arange(len(self.key), dtype=np.int32)
        return self._row_of_key[keys]

    def rows_of(self, keys: Codes) -> Codes:
        """Rows of ids by their keys; what has none gets one."""
        new = np.unique(keys[self.find(keys) < 0])
        self._row_of_key[new] = np.arange(len(self.key), len(self.key) + len(new), dtype=np.int32)
        self.key = np.append(self.key, new) if len(new) else self.key
        return self._row_of_key[keys]

    def load(self, tick: Tick) -> None:
        """Read every json; where that cannot be, those that are not there are told all the same."""
        if not self._inventory.has_contents:
            lacking = np.flatnonzero(self._inventory.document_sizes == -1)
            for row in lacking.tolist() if self._inventory.has_all_names else ():
                self._facts.problem("v1-json-missing", manifest=self.name(row))
            self._inventory.forget_names()
            return
        rows: list[int] = []
        images: list[Image] = []
        for documents in self._inventory.documents():
            parsed = parse_images(documents.contents)
            readable, parsed = (documents, parsed) if parsed is not None else self._parse_each(documents)
            self._hold_ids(readable, parsed)
            rows += readable.rows
            images += parsed
            tick(len(documents.rows))
            if len(rows) >= _BATCH:
                self._take(rows, images)
                rows, images = [], []
        self._take(rows, images)
        self._inventory.forget_names()
        for row in np.flatnonzero(~self.was_read & ~self._unreadable).tolist():
            self._facts.problem("v1-json-missing", manifest=self.name(row))

    def _parse_each(self, documents: Documents) -> tuple[Documents, list[Image]]:
        """What could be read of some documents, and its images."""
        rows: list[int] = []
        names: list[bytes] = []
        contents: list[bytes | None] = []
        images: list[Image] = []
        for row, name, content in zip(*documents, strict=True):
            image = None if content is None else parse_image(content)
            if image is not None:
                rows.append(row)
                names.append(name)
                contents.append(content)
                images.append(image)
            elif content is not None:
                self._unreadable[row] = True
                self._facts.problem("v1-json-unreadable", manifest=self.name(row), detail=f"{len(content)} bytes")
        return Documents(rows, names, contents), images

    def _take(self, rows: list[int], images: list[Image]) -> None:
        """Turn what some images say of themselves into numbers."""
        place = np.array(rows, np.int32)
        self.was_read[place] = True
        said = Rows(self._facts, V1_ID, **_SAID)
        said.column("parent").staged += [image.parent or "" for image in images]
        said.column("created_by").staged += instructions(images)
        for name in _PLAIN:
            said.column(name).staged += map(attrgetter(name), images)
        for name in _SAID:
            self.said[name][place] = said[name]
        created = [image.created for image in images]
        self.said["created"][place] = parse_stamps([text if type(text) is str else "" for text in created])
        for row, image in zip(rows, images, strict=True):
            if image.config is not None:
                for key, value in labels_of(image).items():
                    self.labels.add(row, key, value)
        self.labels.spill()
        for at, value in said.key("parent").malformed:
            self._facts.problem("digest-malformed", manifest=self.name(rows[at]), detail=show_value(value))

    def _hold_ids(self, documents: Documents, images: list[Image]) -> None:
        """Each image must call itself by the name of its directory."""
        names, said = documents.names, [image.id for image in images]
        try:
            if "\n".join(said).encode() == b"\n".join(names):
                return
        except (TypeError, UnicodeEncodeError):  # something that is no id
            pass
        for row, name, own in zip(documents.rows, names, said, strict=True):
            if own != name.decode():
                other = own if isinstance(own, str) and is_v1_id(own) else "none"
                self._facts.problem("v1-id-mismatch", manifest=self.name(row), detail=other)
