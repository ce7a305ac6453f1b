"""Distribution's storage, read."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.assemble import assemble
from regviz.facts import Facts
from regviz.layouts.distribution.flat import Flat
from regviz.layouts.distribution.grammar import GITLAB_LOCKS, PROXY_MARK, blob_paths
from regviz.layouts.distribution.inventory import Inventory
from regviz.layouts.distribution.walk import Walk
from regviz.layouts.distribution.walk_blobs import BlobWalk
from regviz.layouts.documents import Documents
from regviz.storage.base import has_contents, is_searchable, is_walkable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.layouts.common import Options
    from regviz.registry import Registry
    from regviz.source import Source
    from regviz.storage.base import Searchable, Storage


def read(storage: Storage, root: bytes, source: Source, options: Options) -> Registry:
    """Read the storage whose ``v2`` directory lies at `root`."""
    facts = Facts()
    source = _find_facts(storage, root, source, options, facts)  # what only finding them needs is gone by then
    return assemble(facts, options.finish(storage, facts, source))


def _find_facts(storage: Storage, root: bytes, source: Source, options: Options, facts: Facts) -> Source:
    inventory = Inventory(facts, options.links)
    lead = root + b"/" if root else b""

    def documents() -> Documents:
        locators = np.concatenate(inventory.locators) if inventory.locators and not storage.by_path else None
        return Documents(storage, facts, options, locators=locators, paths=partial(blob_paths, facts.keys, lead))

    def named() -> tuple[NDArray[Any], ...]:
        return facts.revisions["manifest"], facts.tags["manifest"], facts.tag_history["manifest"]

    if is_walkable(storage):
        with options.progress("repositories", None) as tick:
            Walk(storage, root, inventory, tick).repositories()
        reading = documents()
        measured = reading.read_ahead(*named())
        with options.progress("directories", None) as tick:
            BlobWalk(storage, root, inventory, tick).blobs(measured)
        source = _marked(source, _marks_around(storage, root), root)
        reading.locate()
    else:
        with options.progress("entries", None) as tick:
            flat = Flat(storage, root, inventory, tick)
            flat.read()
        around = _marks_around(storage, root) if is_searchable(storage) else flat.outside
        source = _marked(source, around, root)
        reading = documents()
    inventory.count_inodes_once()
    if has_contents(storage):
        reading.manifests(*named())
        reading.configs()
    options.measure_storage(storage, root, source, facts)
    return source


def _above(root: bytes) -> bytes:
    """Where marks lie: the registry's root directory, that ``docker/registry/v2`` was made in."""
    above = root.removesuffix(b"docker/registry/v2")
    return above if above.endswith(b"/") or not above else above + b"/"


def _marks_around(storage: Searchable, root: bytes) -> set[bytes]:
    """Files that may be marks, where that can be looked up."""
    above = _above(root)
    locks = above + GITLAB_LOCKS
    found = {above + name for name in storage.children(above.rstrip(b"/")).files}
    return found | {locks + b"/" + name for name in storage.children(locks).files}


def _marked(source: Source, files: set[bytes], root: bytes) -> Source:
    """The source with what lies beside its storage, and changes what absence means."""
    above = _above(root)
    harbor = next((part for part in Path(source.uri).parts if "harbor" in part.lower()), "")
    return replace(
        source,
        proxy_cache=above + PROXY_MARK in files,
        names_in_database=above + GITLAB_LOCKS + b"/database-in-use" in files,
        tags_elsewhere=f"the path says {harbor}" if harbor else "",
    )
