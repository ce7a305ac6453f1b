"""The entries of Docker Registry v1's storage: which of them a tree shows, and what they are."""

from __future__ import annotations

from functools import cached_property

from regviz.layouts.v1.grammar import ID, IMAGES, Place, Role, parse, tag_name
from regviz.storage.base import DIRECTORY
from regviz.text import count_noun, decode_name, format_bytes, short_digest
from regviz.tree.gather import Kind, Total, Unit
from regviz.tree.layout import HIDDEN, KINDS, REPOSITORIES, RootedLayout
from regviz.tree.listing import join

_UNFINISHED = ("v1-in-progress", "v1-json-missing", "v1-layer-missing")
_NOT_OF_THE_LAYOUT = "no part of the layout"


class V1(RootedLayout):
    """The layout of Docker Registry v1; its root holds ``images`` and ``repositories``."""

    title = "Docker Registry v1: images and names"
    names_are_paths = True
    kinds = KINDS | {
        "image": Kind("image", "images", main=b"/json", weight=b"/layer"),
        "unfinished": Kind("unfinished image", "unfinished images"),
        "tag": Kind("tag", "tags", 6),
    }

    # --- what is shown

    def units_inside(self, path: bytes, type: int) -> tuple[Unit, ...]:  # noqa: A002
        """See `RootedLayout`."""
        parts = path.split(b"/")
        if parts[0] == IMAGES:
            return (HIDDEN,) if self.only_repositories else self._image_units(parts)
        if parts[0] != REPOSITORIES:
            return (self.stray(self.root, path),)
        name = b"/".join(parts[1:3])
        if len(parts) <= 3:
            return self.on_the_way(name, type) if name else ()
        return self._file_units(parts) if decode_name(name) in self.opened else (HIDDEN,)

    def _image_units(self, parts: list[bytes]) -> tuple[Unit, ...]:
        if len(parts) == 1:
            return ()
        if not ID.fullmatch(parts[1]):
            return (self.unit("stray", IMAGES, parts[1]),)
        kind = "unfinished" if parts[1] in self._unfinished else "image"
        unit = self.unit(kind, IMAGES, parts[1])
        odd = len(parts) > 2 and parse(b"/".join(parts[:3])).role == Role.FOREIGN
        return (unit, self.stray(self.root + IMAGES + b"/" + parts[1], b"/".join(parts[2:]))) if odd else (unit,)

    def _file_units(self, parts: list[bytes]) -> tuple[Unit, ...]:
        directory = self.root + b"/".join(parts[:3])
        place = parse(b"/".join(parts[:4]))
        if place.role == Role.FOREIGN:
            return (self.stray(directory, b"/".join(parts[3:])),)
        if place.tag:  # a tag and its metadata stay together
            return (Unit("tag", directory, place.tag, join(directory, parts[3])),)
        return ()

    @cached_property
    def _unfinished(self) -> set[bytes]:
        return {image.encode() for rule in _UNFINISHED for image in self.known.concerned(rule, "manifest")}

    @cached_property
    def _layer_rows(self) -> list[int]:
        """Rows of the layer files in `blobs`, without those of unfinished images."""
        rows = [row for rows in self.known.blobs("v1").values() for row in rows.tolist()]
        broken = (self.known.row("blobs", f"v1:{image.decode()}") for image in self._unfinished)
        return list(set(rows).difference(broken))

    def total(self, kind: str, directory: bytes) -> Total | None:
        """See `regviz.tree.gather.Layout`."""
        if kind == "tag":
            path = directory[len(self.root) + len(REPOSITORIES) + 1 :]
            return Total(len(self.known.of_repository("tags", decode_name(path))))
        return Total(None, self.known.bytes_of(self._layer_rows)) if kind == "image" else None

    # --- what it is

    def explain_inside(self, path: bytes, type: int, *, empty: bool) -> tuple[str, str | None]:  # noqa: A002
        """See `RootedLayout`."""
        del empty
        place = parse(path)
        if path.startswith(IMAGES):
            image = decode_name(place.image)
            return (self._images_directory() if path == IMAGES else self._image(place, image, type)), None
        repository = decode_name(place.repository)
        if type == DIRECTORY:
            return self._directory(repository), self._name(repository)
        return self._file(place, repository), self._name(repository)

    def _name(self, repository: str) -> str | None:
        return self.known.repository(repository) if repository in self.known.repositories else None

    def _images_directory(self) -> str:
        return f"{self.known.count_and_bytes('layer', self._layer_rows)}: each is an image"

    def _image(self, place: Place, image: str, type: int) -> str:  # noqa: A002
        row = self.known.row("manifests", image)
        if row < 0 or place.role == Role.FOREIGN:
            return _NOT_OF_THE_LAYOUT
        code = int(self.known.column("manifests", "manifest")[row])
        if type == DIRECTORY:
            tags = self.known.tags_on([code])
            whose = f" {self.known.whose([code])}" if tags else ""
            state = "unfinished image" if place.image in self._unfinished else "image"
            return f"{state}{whose}{self.known.instruction(code)}"
        if place.role == Role.JSON:
            return self._json(row, code)
        if place.role == Role.LAYER:
            return self._layer(code)
        return {
            Role.ANCESTRY: self._ancestry(image, code),
            Role.CHECKSUM: "checksum of json and layer",
            Role.IN_PROGRESS: "its upload was not completed: the server refuses to serve it",
            Role.CACHE: "list of its files, kept by the server",
        }.get(place.role, _NOT_OF_THE_LAYOUT)

    def _json(self, row: int, code: int) -> str:
        layer = self.known.rows("layers", "layer", code)
        if not self.known.registry.source.knows_contents:
            return "what it is, and its parent"
        parent = self.known.text("layers", "parent", int(layer[0])) if len(layer) else ""
        made = self.known.date("manifests", "created_at", row)
        said = f"on {short_digest(parent)}" if parent else "without a parent: a base"
        return f"what it is: made {made or 'at an unknown time'}, {said}"

    def _layer(self, code: int) -> str:
        layer = self.known.rows("layers", "layer", code)
        if not len(layer):
            return "its files, as a tar"
        if self.known.number("layers", "empty", int(layer[0])):
            return "an empty layer: it changes no file"
        unpacked = self.known.number("layers", "uncompressed_bytes", int(layer[0]))
        return "its files, as a tar" + (f", {format_bytes(unpacked)} unpacked" if unpacked else "")

    def _ancestry(self, image: str, code: int) -> str:
        rules = ("v1-ancestry-differs", "v1-ancestry-unreadable")
        if any(image in self.known.concerned(rule, "manifest") for rule in rules):
            return "ids, and not those of its parents"
        layer = self.known.rows("layers", "layer", code)
        depth = self.known.number("layers", "depth", int(layer[0])) if len(layer) else None
        return (
            f"{count_noun(depth, 'id')}: its own first, the base last" if depth else "its own id first, the base last"
        )

    def _directory(self, repository: str) -> str:
        if not repository:
            count = count_noun(len(self.known.repositories), "repository", "repositories")
            return f"{count}: tags are files that hold an id"
        if repository not in self.known.repositories:
            return self.known.namespace(repository)
        tags = self.known.of_repository("tags", repository)
        private = self.known.number("repositories", "private", self.known.repositories[repository])
        return f"{'private ' if private else ''}repository: {count_noun(len(tags), 'tag')}"

    def _file(self, place: Place, repository: str) -> str:
        tag = tag_name(place.tag)
        if place.role == Role.TAG:
            return self._tag(repository, tag)
        listed = f": {count_noun(len(self.known.of_repository('repository_manifests', repository)), 'id')}"
        return {
            Role.TAG_METADATA: f'who pushed tag "{tag}", and when',
            Role.REPOSITORY_METADATA: 'who pushed tag "latest", and when',
            Role.INDEX: f"every image ever pushed here{listed if self.known.registry.source.knows_contents else ''}",
            Role.IMAGES_LIST: "the same, where the server asks for tokens",
            Role.PRIVATE: "makes the repository private",
        }.get(place.role, _NOT_OF_THE_LAYOUT)

    def _tag(self, repository: str, tag: str) -> str:
        row = self.known.in_repository("tags", repository, "tag", self.known.registry.name_code(tag))
        image = self.known.text("tags", "manifest", row) if row >= 0 else ""
        if row >= 0 and self.known.text("tags", "link_state", row) == "unread":
            return f'the id that tag "{tag}" of {self.known.repository(repository)} points to'
        if not image:
            return "no tag: it holds no image id"
        pushed = self.known.date("tags", "pushed_at", row)
        what = "image" if self.known.row("manifests", image) >= 0 else "image, which is not here,"
        when = f", pushed {pushed}" if pushed else ""
        name = self.known.repository(repository)
        return f'→ {short_digest(image)} the {what} that tag "{tag}" of {name} points to{when}'
