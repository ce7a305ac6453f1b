"""One OCI image layout, as skopeo leaves it when every push of a registry is copied into it.

Notes
-----
Paths: image-spec image-layout.md. References are written whole (``repository:tag``), as ``skopeo copy …
oci:DIR:repository:tag`` writes them. A name that moves on leaves its old entry without one (containers/image,
oci/layout/oci_dest.go, addManifest); a deleted manifest goes from the index, as with ``umoci rm``, and its blobs stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regviz.errors import RegvizError
from regviz.world.documents import document
from regviz.world.encode import go_json
from regviz.world.events import AbortPush, DeleteManifest, DeleteTag, Push

if TYPE_CHECKING:
    import datetime as dt

    from regviz.world.documents import Document, Upload
    from regviz.world.events import Event
    from regviz.world.filetree import FileTree

_REFERENCE = "org.opencontainers.image.ref.name"
_VERSIONS = ("1.0.0",)


class OciWriter:
    """Replays events into one layout.

    Parameters
    ----------
    tree : FileTree
    version : {"1.0.0"}
        Of the layout.

    Raises
    ------
    RegvizError
        If the version is none of these.
    """

    def __init__(self, tree: FileTree, version: str) -> None:
        if version not in _VERSIONS:
            message = f"no OCI layout of version {version!r} can be written; there is {', '.join(_VERSIONS)}"
            raise RegvizError(message)
        self._tree = tree
        self._version = version
        self._entries: list[tuple[str, dict[str, Any]]] = []

    def apply(self, event: Event) -> None:
        """Change the layout as the tools do when this happens.

        Raises
        ------
        RegvizError
            If there is no such thing in a layout.
        """
        if isinstance(event, Push):
            for tag in event.tags or ("",):
                pushed = document(event.content, event.repository, tag)
                self._store(pushed, event.at)
                self._list(pushed, event.repository, f"{event.repository}:{tag}" if tag else "")
        elif isinstance(event, AbortPush):
            arrived = [upload for upload in document(event.image, event.repository, event.tag).uploads if upload.data]
            for upload in arrived[: event.layers]:
                self._blob(upload, event.at)
        elif isinstance(event, DeleteTag):
            self._unlist(event.repository, reference=f"{event.repository}:{event.tag}")
        elif isinstance(event, DeleteManifest):
            self._unlist(event.repository, digest=document(event.content, event.repository, event.tag).digest)
        else:
            message = f"an OCI layout knows no {type(event).__name__}; give the event layouts={{'v1'}}"
            raise RegvizError(message)
        if "oci-layout" not in self._tree:
            self._tree.write("oci-layout", go_json({"imageLayoutVersion": self._version}), event.at)
        index = {"schemaVersion": 2, "manifests": [entry for _, entry in self._entries]}
        self._tree.write("index.json", go_json(index), event.at)

    def _store(self, pushed: Document, at: dt.datetime) -> None:
        for child in pushed.children:
            self._store(child, at)
        for upload in pushed.uploads:
            self._blob(upload, at)
        self._write(pushed.digest, pushed.data, at)

    def _blob(self, upload: Upload, at: dt.datetime) -> None:
        if upload.data is not None:
            self._write(upload.digest, upload.data, at)

    def _write(self, digest: str, data: bytes, at: dt.datetime) -> None:
        path = f"blobs/{digest.replace(':', '/', 1)}"
        if path not in self._tree:
            self._tree.write(path, data, at)

    def _list(self, pushed: Document, repository: str, reference: str) -> None:
        """Add an entry; its name goes from another, and an entry of the same manifest without a name becomes it."""
        entry = pushed.descriptor()
        if reference:
            entry["annotations"] = {_REFERENCE: reference}
            for _, other in self._entries:
                if other.get("annotations") == entry["annotations"]:
                    del other["annotations"]
        for at, (_, other) in enumerate(self._entries):
            if other["digest"] == entry["digest"] and "annotations" not in other:
                self._entries[at] = repository, entry
                return
        self._entries.append((repository, entry))

    def _unlist(self, repository: str, *, digest: str = "", reference: str = "") -> None:
        """Take out what one repository has under a digest or a name."""
        kept = [
            (owner, entry)
            for owner, entry in self._entries
            if owner != repository
            or (entry["digest"] != digest and entry.get("annotations") != {_REFERENCE: reference})
        ]
        if len(kept) == len(self._entries):
            message = f"the layout lists no {digest or reference} of {repository} that could be deleted"
            raise RegvizError(message)
        self._entries = kept
