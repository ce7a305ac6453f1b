"""The entries of Docker's archives and stores: which of them a tree shows, and what they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from regviz.layouts.docker.reader import category
from regviz.storage.base import DIRECTORY, SYMLINK
from regviz.text import decode_name
from regviz.tree.gather import Kind, Unit
from regviz.tree.layout import KINDS, RootedLayout

if TYPE_CHECKING:
    from regviz.tree.gather import More

_ID = rb"[0-9a-f]{64}|[0-9a-f]{16}"
_REPEATED = re.compile(
    rb"(?P<old>(?P<above>graph/)?(?P<id>" + _ID + rb"))(?:/.*)?"
    rb"|(?P<many>blobs/[^/]+|imagedb/(?:content|metadata)/[^/]+|layerdb/[^/]+|distribution/[^/]+/[^/]+)/"
    rb"(?P<name>[0-9a-f]{64,128})(?:/.*)?"
    rb"|(?P<top>(?:sha256:)?[0-9a-f]{64}(?:\.[a-z.]+)?)"
)
_ON_THE_WAY = re.compile(rb"(?:blobs|layerdb)/[a-z0-9]+|(?:imagedb|distribution)/[a-z0-9-]+(?:/[a-z0-9]+)?")
_FILES = {
    b"manifest.json": "which images are here: configuration, names and layers of each",
    b"repositories": "the names once more, for engines before 1.10",
    b"index.json": "the same as an OCI index",
    b"oci-layout": "marks an OCI layout",
    b"repositories.json": "tags and digests of images, by repository",
    b"imagedb": "images: their configurations, and what they were built on",
    b"layerdb": "layers: diff ID, parent and size of each; they lie unpacked elsewhere",
    b"distribution": "digests that layers were pulled and pushed under",
    b"graph": "images: the document and the size of each; their layers lie elsewhere",
    b"blobs": "configurations and layers by digest",
}
_INNER = {
    b"VERSION": "version of this layout",
    b"json": "what it is, for engines before 1.10",
    b"layer.tar": "its files, as a tar",
    b"layersize": "bytes of its files",
    b"diff": "its diff ID",
    b"parent": "what it stands on",
    b"size": "bytes of its files",
    b"cache-id": "name of its unpacked layer in the driver's folder",
    b"tar-split.json.gz": "how to make the same tar from its files again",
    b"lastUpdated": "when it was last named",
    b"init-id": "name of the layer under it that the engine fills",
    b"mount-id": "name of its own layer",
}
_OF_IMAGES = (b"blobs/", b"imagedb/content/", b"layerdb/sha256/")
_OTHERS = (
    (b"layerdb/mounts/", "a container: its own layer, and what it stands on"),
    (b"imagedb/metadata/", "how an image came to be"),
    (b"distribution/diffid-by-digest/", "the diff ID of what has this digest"),
    (b"distribution/v2metadata-by-diffid/", "digests of this diff ID, and where they lie"),
    (b"blobs/", "kept for engines before 1.10, or by nobody"),
    (b"", "a layer on those below it, as engines before 1.10 know it"),
)


class Docker(RootedLayout):
    """An archive of ``docker save``, or an engine's store."""

    title = "images of a Docker Engine"
    kinds = KINDS | {
        "image": Kind("image or layer", "images and layers", main=b"/json"),
        "layer": Kind("layer", "layers", main=b"/diff"),
        "blob": Kind("entry named by a digest", "entries named by digests"),
    }

    def units_inside(self, path: bytes, type: int) -> tuple[Unit, ...]:  # noqa: A002
        """See `RootedLayout`."""
        del type
        match = _REPEATED.fullmatch(path)
        if match is None:
            known = path in _FILES or category(path) == "links" or _ON_THE_WAY.fullmatch(path) is not None
            return () if known else (self.stray(self.root, path),)
        if match["id"]:
            return (self.unit("image", (match["above"] or b"").rstrip(b"/"), match["id"]),)
        if match["top"]:
            return (self.unit("blob", b"", match["top"]),)
        kind = "layer" if match["many"] == b"layerdb/sha256" else "blob"
        return (self.unit(kind, match["many"], match["name"]),)

    def lines(self) -> list[bytes]:
        """See `regviz.tree.gather.Layout`."""
        return []

    def rest(self) -> list[tuple[bytes, More]]:
        """See `regviz.tree.gather.Layout`."""
        return []

    def explain(self, path: bytes, type: int, *, empty: bool) -> tuple[str, str | None]:  # noqa: A002
        """See `RootedLayout`; links belong here."""
        if type == SYMLINK and path.startswith(self.root) and path.endswith(b"layer.tar"):
            return "a link to a layer that lies here once", None
        return super().explain(path, type, empty=empty)

    def explain_inside(self, path: bytes, type: int, *, empty: bool) -> tuple[str, str | None]:  # noqa: A002
        """See `RootedLayout`."""
        del empty
        if path in _FILES:
            return _FILES[path], None
        if category(path) == "links":
            return "tags of images, by repository", None
        match = _REPEATED.fullmatch(path)
        if match is None:
            return ("" if type == DIRECTORY else "no part of the layout"), None
        name = match["id"] or match["name"] or match["top"]
        inside = path.rpartition(name)[2]
        if inside.startswith(b"/"):
            return _INNER.get(inside[1:], "no part of the layout"), None
        others = [said for head, said in _OTHERS if path.startswith(head)]
        if not path.startswith(_OF_IMAGES) and len(others) > 1:
            return others[0], None
        return self._named(decode_name(name).removeprefix("sha256:").partition(".")[0]) or others[0], None

    def _named(self, name: str) -> str:
        """What a directory or a file is that an id or a digest names; empty where nothing here is called so."""
        row = self.known.row("manifests", name)
        if row >= 0:
            code = int(self.known.column("manifests", "manifest")[row])
            tags = self.known.tags_on([code])
            return f"image{' ' + self.known.whose([code]) if tags else ''}{self.known.instruction(code)}"
        for key in (f"sha256:{name}", f"chain:sha256:{name}", f"v1:{name}"):
            if self.known.present(key):
                return self.known.blob(key)
        return ""
