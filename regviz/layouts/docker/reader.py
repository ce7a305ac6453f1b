"""Archives of ``docker save`` and engines' stores, read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from regviz.assemble import assemble
from regviz.facts import Facts
from regviz.layouts.docker.archive import Archive, expected, is_blob, is_metadata
from regviz.layouts.docker.files import Files
from regviz.layouts.docker.old import OldImages
from regviz.layouts.docker.old_files import NAMES_OF_GRAPH, in_graph, read_graph, read_saved
from regviz.layouts.docker.store import NAMES, Store, in_store
from regviz.pool import V1_ID, V1_LAYER
from regviz.storage.base import MANIFEST_LIMIT

if TYPE_CHECKING:
    from regviz.layouts.common import Options
    from regviz.registry import Registry
    from regviz.source import Source
    from regviz.storage.base import Storage

_DEEPEST = 2  # blobs/sha256/<hex>


def category(path: bytes) -> str:
    """Category of a file, for the table ``storage``, by its path below the root of an archive or a store.

    Examples
    --------
    >>> category(b"ab" * 32 + b"/layer.tar"), category(b"graph/" + b"ab" * 32 + b"/json")
    ('blobs', 'metadata')
    """
    if is_blob(path) or path.startswith(b"imagedb/content/"):
        return "blobs"
    if path == NAMES or path.startswith(NAMES_OF_GRAPH):
        return "links"
    return "metadata" if is_metadata(path) or in_store(path) or in_graph(path) else "other"


def read_archive(storage: Storage, root: bytes, source: Source, options: Options) -> Registry:
    """Read the archive whose ``manifest.json``, or images' directories, lie in `root`."""
    with options.progress("entries", None) as tick:
        files = Files(storage, root, tick, lambda path: path.count(b"/") <= _DEEPEST, expected)
    source = replace(source, keeps_links=False)
    facts = Facts()
    archive = Archive(files, facts, options)
    if not archive.list_images():
        files.settle_links(expected=True)
        facts = Facts(V1_ID, V1_LAYER)
        old = OldImages(facts, *read_saved(files, facts, options))
        options.measure_storage(storage, root, source, facts)
        return assemble(facts, options.finish(storage, facts, source), old.put_tables)
    archive.read()
    files.settle_links(expected=True)
    options.measure_storage(storage, root, source, facts)
    return assemble(facts, options.finish(storage, facts, source))


def read_daemon(storage: Storage, root: bytes, source: Source, options: Options) -> Registry:
    """Read an engine's store: `root` holds ``imagedb`` and ``layerdb``, or (before 1.10) ``graph``."""
    with options.progress("entries", None) as tick:
        files = Files(
            storage, root, tick, lambda path: in_store(path) or in_graph(path), expected=lambda _: MANIFEST_LIMIT
        )
    files.settle_links(expected=False)
    source = replace(source, keeps_links=False)
    if any(path.startswith(b"graph/") for path in files.files):
        facts = Facts(V1_ID, V1_LAYER)
        old = OldImages(facts, *read_graph(files, facts, options))
        options.measure_storage(storage, root, source, facts)
        return assemble(facts, _without_disk(options.finish(storage, facts, source)), old.put_tables)
    facts = Facts()
    store = Store(files, facts, options)
    store.read()
    options.measure_storage(storage, root, source, facts)
    source = _without_disk(options.finish(storage, facts, source))
    store.set_times()
    return assemble(facts, source)


def _without_disk(source: Source) -> Source:
    """The source of a store, whose layers lie unpacked elsewhere."""
    return replace(source, knows_disk=False)
