"""OCI layouts, read: one in a folder or an archive, many below a zot root."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from regviz.assemble import assemble
from regviz.facts import Facts
from regviz.layouts.common import look_like_pushes
from regviz.layouts.documents import Documents
from regviz.layouts.oci.find import Flat, walk
from regviz.layouts.oci.grammar import own_name
from regviz.layouts.oci.legacy import drop_legacy
from regviz.layouts.oci.names import Names
from regviz.layouts.oci.pools import Pools
from regviz.storage.base import has_contents, is_walkable
from regviz.text import decode_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from regviz.layouts.common import Options
    from regviz.layouts.oci.pools import Layout
    from regviz.registry import Registry
    from regviz.source import Source
    from regviz.storage.base import Storage


def read(storage: Storage, root: bytes, source: Source, options: Options) -> Registry:
    """Read the one layout at `root`."""
    return _read(storage, root, source, options, nested=False)


def read_many_layouts(storage: Storage, root: bytes, source: Source, options: Options) -> Registry:
    """Read every layout below `root`: a zot storage, or a folder of layouts; each is the repository of its path."""
    return _read(storage, root, source, options, nested=True)


def _read(storage: Storage, root: bytes, source: Source, options: Options, *, nested: bool) -> Registry:
    facts = Facts()
    pools = Pools(facts)
    with options.progress("directories" if is_walkable(storage) else "entries", None) as tick:
        if is_walkable(storage):
            walk(storage, root, pools, tick, nested=nested)
        else:
            Flat(storage, root, pools, tick, nested=nested).read()
    pools.settle()
    if not has_contents(storage):
        return _blobs_alone(storage, root, source, options, facts)
    names = Names(facts, _repository_of(root, source.uri, nested=nested))
    names.read(storage, pools.layouts, alone=not nested)
    locators = None if storage.by_path else pools.locators()
    documents = Documents(storage, facts, options, paths=pools.paths(), locators=locators, inline=names.inline)
    documents.manifests(names.manifests())
    documents.configs()
    names.settle()
    if names.saved_by_docker:
        drop_legacy(storage, facts, pools)
    options.measure_storage(storage, root, source, facts)
    if options.times is None:
        options = replace(options, times=look_like_pushes(facts.stored["stored_at"]))
    source = replace(source, keeps_links=False, may_be_sparse=True, complete=names.complete)
    return assemble(facts, options.finish(storage, facts, source))


def _blobs_alone(storage: Storage, root: bytes, source: Source, options: Options, facts: Facts) -> Registry:
    """What a listing has of layouts: blobs, whose names would be in documents."""
    options.measure_storage(storage, root, source, facts)
    source = replace(source, keeps_links=False, may_be_sparse=True, knows_untagged=False)
    return assemble(facts, options.finish(storage, facts, source))


def _repository_of(root: bytes, uri: str, *, nested: bool) -> Callable[[Layout], str]:
    """Tells the repository of those entries of a layout that do not name theirs."""
    uri = uri if "://" in uri else str(Path(uri).absolute())  # "." has a name too
    if not nested:
        alone = own_name(decode_name(root), uri)
        return lambda _: alone
    lead = len(root) + 1 if root else 0
    return lambda layout: decode_name(layout.root[lead:]) or own_name(decode_name(root), uri)
