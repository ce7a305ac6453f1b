"""The entries of OCI layouts, of zot's storage and of skopeo's directories: which a tree shows, and what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz.layouts.oci.grammar import BLOBS, INDEX, SAVED, SAVED_NAMES, UPLOADS, VERSION_FILE
from regviz.layouts.skopeo_dir import MANIFEST, parse_file
from regviz.layouts.skopeo_dir import VERSION_FILE as SKOPEO_VERSION
from regviz.storage.base import DIRECTORY, FILE
from regviz.text import count_noun, decode_name
from regviz.tree.gather import Kind, More, Total, Unit
from regviz.tree.known import NO_ROWS
from regviz.tree.layout import HIDDEN, KINDS, RootedLayout
from regviz.tree.listing import join

if TYPE_CHECKING:
    from collections.abc import Callable

    from regviz.tree.known import Known

_NOT_OF_THE_LAYOUT = "no part of the layout"
_NOUNS = {"configuration": "config", "blob": "unnamed"}
"""What `Known.noun` calls blobs that are called otherwise among the kinds below."""
_OF_ZOT = {
    b"cache.db": "zot's cache: which repositories have which blob",
    b"meta.db": "zot's database: what images are, and who pulled them",
    b"_trivy": "zot's vulnerability scanner",
    b"_restore_complete": "zot's mark of a finished restore",
    b".sync": "images on their way from another registry",
}


class Oci(RootedLayout):
    """One OCI layout at the root."""

    title = "OCI image layout: an index, and blobs"
    kinds = KINDS | {
        "manifest": Kind("manifest", "manifests"),
        "config": Kind("configuration", "configurations"),
        "layer": Kind("layer", "layers"),
        "content": Kind("content of an artifact", "contents of artifacts"),
        "unnamed": Kind("unreferenced blob", "unreferenced blobs"),
        "upload": Kind("upload", "uploads"),
    }

    # --- what is shown

    def units_inside(self, path: bytes, type: int) -> tuple[Unit, ...]:  # noqa: A002
        """See `RootedLayout`."""
        return self._units_of(b"", path, type)

    def _units_of(self, layout: bytes, path: bytes, type: int) -> tuple[Unit, ...]:  # noqa: A002
        """Units of a path in the layout at a path below the root."""
        parts = path.split(b"/")
        if parts[0] == BLOBS and len(parts) <= 2:
            return ()
        if parts[0] == BLOBS:
            directory = join(layout, b"/".join(parts[:2]))
            kind = "stray" if len(parts) > 3 or type != FILE else self._kind(parts[1], parts[2])
            return (self.unit(kind, directory, parts[2]),)
        if parts[0] == UPLOADS:
            return (self.unit("upload", join(layout, UPLOADS), parts[1]),) if len(parts) > 1 else ()
        if len(parts) == 1 and parts[0] in (VERSION_FILE, INDEX, SAVED, SAVED_NAMES):
            return ()
        return (self.stray(self.root + layout, path),)

    def _kind(self, algorithm: bytes, name: bytes) -> str:
        digest = f"{decode_name(algorithm)}:{decode_name(name)}"
        if self.known.row("blobs", digest) < 0:
            return "stray"
        noun = self.known.noun(digest)
        return _NOUNS.get(noun, noun)

    def total(self, kind: str, directory: bytes) -> Total | None:
        """See `regviz.tree.gather.Layout`."""
        head, _, algorithm = directory[len(self.root) :].rpartition(b"/")
        if head != BLOBS or kind not in self.kinds.keys() - KINDS.keys():
            return None
        name = {"content": "other", "unnamed": ""}.get(kind, kind)
        rows = self.known.blobs(decode_name(algorithm)).get(name, NO_ROWS)  # a Registry of another moment knows none
        return Total(len(rows), self.known.bytes_of(rows))

    def lines(self) -> list[bytes]:
        """See `regviz.tree.gather.Layout`; repositories have no directories of their own here."""
        return []

    def rest(self) -> list[tuple[bytes, More]]:
        """See `regviz.tree.gather.Layout`."""
        return []

    # --- what it is

    def explain_inside(self, path: bytes, type: int, *, empty: bool) -> tuple[str, str | None]:  # noqa: A002
        """See `RootedLayout`."""
        del type, empty
        return self._explain_in("", path), None

    def _explain_in(self, repository: str, path: bytes) -> str:
        """What a path in a layout is; `repository` is empty where a layout has several."""
        parts = path.split(b"/")
        if parts[0] == BLOBS and len(parts) == 1:
            return "every blob once, under its digest" if not repository else "its blobs, each under its digest"
        if parts[0] == BLOBS and len(parts) == 2:
            return "" if repository else self._algorithm(parts[1])
        if parts[0] == BLOBS and len(parts) == 3:
            digest = f"{decode_name(parts[1])}:{decode_name(parts[2])}"
            return self.known.blob(digest) if self.known.row("blobs", digest) >= 0 else _NOT_OF_THE_LAYOUT
        if parts[0] == UPLOADS:
            return "unfinished uploads" if len(parts) == 1 else "an upload that was not completed"
        return {
            VERSION_FILE: "the version of the layout",
            INDEX: self._index(repository),
            SAVED: "docker save's own list of the same images",
            SAVED_NAMES: "docker save's own list of their names",
        }.get(path, _NOT_OF_THE_LAYOUT)

    def _algorithm(self, algorithm: bytes) -> str:
        rows = [row for rows in self.known.blobs(decode_name(algorithm)).values() for row in rows.tolist()]
        return self.known.count_and_bytes("blob", rows)

    def _index(self, repository: str) -> str:
        manifests = self.known.column("repository_manifests", "manifest")
        if repository:
            manifests = manifests[self.known.of_repository("repository_manifests", repository)]
            tags = len(self.known.of_repository("tags", repository))
        else:
            tags = len(self.known.column("tags", "tag"))
        return f"what it names: {count_noun(tags, 'tag')} on {count_noun(len({*manifests.tolist()}), 'manifest')}"


class OciLayouts(Oci):
    """Several OCI layouts below a root, each the repository of its path."""

    title = "OCI image layouts"

    def __init__(self, root: bytes, known: Known, chosen: Callable[[str], bool] | None = None) -> None:
        super().__init__(root, known, chosen)
        self._chosen = chosen

    def units_inside(self, path: bytes, type: int) -> tuple[Unit, ...]:  # noqa: A002
        """See `RootedLayout`."""
        layout, inner = self._split(path)
        if self._chosen is not None and (layout is None or not self._chosen(decode_name(layout))):
            return () if decode_name(path) in self._on_the_way else (HIDDEN,)
        return self._units_of(layout, inner, type) if layout is not None and inner else ()

    def explain_inside(self, path: bytes, type: int, *, empty: bool) -> tuple[str, str | None]:  # noqa: A002
        """See `RootedLayout`."""
        del empty
        layout, inner = self._split(path)
        if layout is None:
            about = self.known.namespace(decode_name(path)) if type == DIRECTORY else _NOT_OF_THE_LAYOUT
            return _OF_ZOT.get(path.split(b"/")[0], about), None
        name = decode_name(layout)
        if not inner:
            return f"repository: {count_noun(len(self.known.of_repository('tags', name)), 'tag')}", name
        return self._explain_in(name, inner), name

    def total(self, kind: str, directory: bytes) -> Total | None:
        """See `regviz.tree.gather.Layout`; which blobs a repository has is counted by entries."""
        del kind, directory
        return None

    def _split(self, path: bytes) -> tuple[bytes | None, bytes]:
        """The layout that a path lies in, None where it lies in none, and the rest of the path.

        Layouts nest: ``team/api`` may hold ``team/api/deep`` beside its own files.
        """
        parts = path.split(b"/")
        for end in range(len(parts), 0, -1):
            layout = b"/".join(parts[:end])
            if decode_name(layout) in self.known.repositories:
                return layout, b"/".join(parts[end:])
        return None, path


class SkopeoDirectory(RootedLayout):
    """What skopeo copies to ``dir:``."""

    title = "one image, as skopeo copies it to a directory"
    kinds = Oci.kinds

    def units_inside(self, path: bytes, type: int) -> tuple[Unit, ...]:  # noqa: A002
        """See `RootedLayout`."""
        digest = "" if type == DIRECTORY else parse_file(path)
        if digest:
            noun = self.known.noun(digest)
            return (self.unit(_NOUNS.get(noun, noun), b"", path),)
        return () if path in (SKOPEO_VERSION, MANIFEST) or b"signature-" in path else (self.stray(self.root, path),)

    def explain_inside(self, path: bytes, type: int, *, empty: bool) -> tuple[str, str | None]:  # noqa: A002
        """See `RootedLayout`."""
        del type, empty
        digest = parse_file(path)
        if digest:
            return self.known.blob(digest), None
        if path == MANIFEST:
            roots = self.known.column("repository_manifests", "manifest").tolist()
            return f"its manifest: {self.known.manifest(roots[0])}" if roots else "its manifest, and unreadable", None
        if b"signature-" in path:
            return "a signature, as skopeo found it", None
        return "the version of the layout" if path == SKOPEO_VERSION else _NOT_OF_THE_LAYOUT, None

    def lines(self) -> list[bytes]:
        """See `regviz.tree.gather.Layout`."""
        return []

    def rest(self) -> list[tuple[bytes, More]]:
        """See `regviz.tree.gather.Layout`."""
        return []
