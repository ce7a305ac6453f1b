"""Docker Registry v1's storage (2013 to 2015): the one that the article of 2014 looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regviz.assemble import assemble
from regviz.columns import NO_TIME
from regviz.facts import Facts
from regviz.layouts.v1.chains import Chains
from regviz.layouts.v1.flat import Listed
from regviz.layouts.v1.images import Images
from regviz.layouts.v1.tables import put_tables
from regviz.layouts.v1.tags import Tags
from regviz.layouts.v1.verify import read_indexes, verify_images, verify_indexes
from regviz.layouts.v1.walk import Walked
from regviz.pool import V1_ID, V1_LAYER
from regviz.storage.base import is_walkable
from regviz.text import decode_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.layouts.common import Options
    from regviz.layouts.v1.inventory import Inventory
    from regviz.registry import Registry
    from regviz.source import Source
    from regviz.storage.base import Storage

    Codes = NDArray[np.int32]


def read(storage: Storage, root: bytes, source: Source, options: Options) -> Registry:
    """Read the storage whose ``images`` and ``repositories`` lie in `root`."""
    facts = Facts(V1_ID, V1_LAYER)
    check = options.links != "stat"
    inventory: Inventory
    if is_walkable(storage):
        inventory = Walked(storage, root, facts, check=check)
    else:
        with options.progress("entries", None) as tick:
            inventory = Listed(storage, root, facts, tick)
    images = Images(inventory, facts)
    with options.progress("images", images.present) as tick:
        images.load(tick)
    tags = Tags(facts, images, decode_name(root))
    with options.progress("repositories", None) as tick:
        for path, repository in inventory.repositories(tick):
            tags.take(path, repository)
    tags.finish()
    listed = read_indexes(storage, tags, images, facts) if inventory.has_contents else {}
    chains = Chains(inventory, images, facts)
    verify_indexes(listed, tags, images, chains, facts)
    tagged = tags.all_targets()
    verify_images(inventory, images, chains, tagged, facts, check=check)
    _put_listed(facts, listed, images)
    blobs = facts.keys.with_prefix(images.key, V1_LAYER)
    _put_stored(facts, inventory, blobs)
    options.measure_storage(storage, root, source, facts)
    source = options.finish(storage, facts, source)
    tags.set_times()
    return assemble(facts, source, lambda draft: put_tables(draft, inventory, images, chains, blobs, tagged))


def _put_listed(facts: Facts, listed: dict[int, Codes], images: Images) -> None:
    """What the repositories' indexes list, as their manifests."""
    nothing = np.empty(0, np.int32)
    rows = np.concatenate([nothing, *listed.values()])
    count, revisions = len(rows), facts.revisions
    lengths = [len(part) for part in listed.values()]
    revisions.column("repository").extend_numbers(np.repeat(np.array([*listed], np.int32), lengths))
    revisions.key("manifest").extend_numbers(images.key[rows])
    revisions.text("state").repeat("ok", count)
    revisions.column("linked_at").extend_numbers(np.full(count, NO_TIME, np.int64))
    revisions.column("is_root").extend_numbers(np.zeros(count, np.int8))


def _put_stored(facts: Facts, inventory: Inventory, blobs: Codes) -> None:
    """The layer files, as blobs."""
    here = np.flatnonzero(inventory.layer_sizes != -1)
    stored = facts.stored
    stored.key("blob").extend_numbers(blobs[here])
    stored.column("stored_bytes").extend_numbers(inventory.layer_sizes[here])
    stored.column("allocated_bytes").extend_numbers(inventory.allocated[here])
    stored.column("stored_at").extend_numbers(inventory.layer_times[here])
    stored.text("compression").repeat(None, len(here))
