"""What the garbage collector of Distribution 2.8 does to a storage.

Notes
-----
distribution v2.8.3, registry/storage/garbagecollect.go and vacuum.go: what each revision names is marked, one level
deep; every blob without a mark is deleted with its own directory. Links in ``_layers`` stay, and so do the directories
above what was deleted.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from regviz.world.filetree import FileTree


def collect(tree: FileTree, root: str, at: dt.datetime, *, delete_untagged: bool = False) -> None:
    """Collect the garbage of a storage that a writer left.

    Parameters
    ----------
    tree : FileTree
    root : str
        The directory of ``blobs`` and ``repositories``.
    at : datetime
    delete_untagged : bool
        As the option ``-m``: a revision that is no tag's current one is deleted too. A child of an index is none.
    """
    marked: set[str] = set()
    untagged: list[tuple[str, str]] = []
    for repository in [path for path in tree.directories if path.endswith("/_layers")]:
        manifests = f"{repository.removesuffix('/_layers')}/_manifests"
        tags = [f"{manifests}/tags/{tag}" for tag in tree.children(f"{manifests}/tags")]
        current = {tree[f"{tag}/current/link"].decode() for tag in tags}
        for digest in _linked(tree, f"{manifests}/revisions"):
            if delete_untagged and digest not in current:
                untagged += [(manifests, digest)]
            else:
                marked |= {digest, *_named(json.loads(tree[f"{_blob(root, digest)}/data"]))}
    for manifests, digest in untagged:
        encoded = digest.replace(":", "/", 1)
        for tag in tree.children(f"{manifests}/tags"):
            tree.remove(f"{manifests}/tags/{tag}/index/{encoded}", at)
        tree.remove(f"{manifests}/revisions/{encoded}", at)
    for path in [path for path in tree if path.startswith(f"{root}/blobs/") and path.endswith("/data")]:
        algorithm, _, encoded = path.removeprefix(f"{root}/blobs/").removesuffix("/data").split("/")
        if f"{algorithm}:{encoded}" not in marked:
            tree.remove(path.removesuffix("/data"), at)


def _linked(tree: FileTree, revisions: str) -> Iterator[str]:
    """The digests whose link is still there; a deleted manifest left its directory."""
    for path in tree:
        if path.startswith(f"{revisions}/") and path.endswith("/link"):
            yield tree[path].decode()


def _named(manifest: dict[str, Any]) -> Iterator[str]:
    """The digests a manifest names: its configuration and layers, or its children."""
    for descriptor in [manifest.get("config"), *manifest.get("layers", ()), *manifest.get("manifests", ())]:
        if descriptor:
            yield descriptor["digest"]
    for layer in manifest.get("fsLayers", ()):
        yield layer["blobSum"]


def _blob(root: str, digest: str) -> str:
    algorithm, encoded = digest.split(":")
    return f"{root}/blobs/{algorithm}/{encoded[:2]}/{encoded}"
