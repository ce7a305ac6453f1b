"""What manifests of a live registry say of layers and other blobs, and what must be asked because none says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regviz.columns import NO_NUMBER, NO_TIME
from regviz.live import fetch
from regviz.live.pairs import join, pack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.columns import Facts
    from regviz.live.documents import Documents
    from regviz.live.fetch import Fetched
    from regviz.live.pairs import Codes, Pairs

    Numbers = NDArray[np.int64]


def add_blobs(facts: Facts, documents: Documents) -> None:
    """Put blobs into `stored`, and into `links` which repository may serve them.

    A blob that a manifest lists is taken as present: servers take no manifest without. One whose length is not said,
    or whose digest is of another algorithm than sha256 (it may lie under another digest), is asked for.
    """
    facts.spill(0)
    absent = documents.gone
    pairs, lengths = _named(facts)
    pairs = pairs[~np.isin(pairs, np.fromiter(absent, np.int64, len(absent)))]
    known = np.zeros(len(facts.keys), np.bool_)
    known[facts.stored["blob"]] = True
    key = pairs >> 32
    odd = np.zeros(len(facts.keys), np.bool_)
    odd[facts.keys.odd()] = True
    doubtful = ~known & (odd | (lengths == NO_NUMBER))
    alias = np.arange(len(facts.keys), dtype=np.int64)
    for pair, found in documents.ask_each(pairs[doubtful[key]], fetch.blob_size, "lengths of blobs"):
        if found.gone:
            absent.add(pair)
        elif found.rule:
            documents.fail(pair & 0xFFFFFFFF, found)
        else:
            alias = _take_answer(facts, pair >> 32, found, lengths, alias)
    pairs = pairs[~np.isin(pairs, np.fromiter(absent, np.int64, len(absent)))]
    _link(facts, pairs, alias)
    _store(facts, np.unique(alias[pairs >> 32]), lengths)
    unread = documents.unread()
    _store(facts, unread, lengths)


def _take_answer(facts: Facts, code: int, found: Fetched, lengths: Numbers, alias: Numbers) -> Numbers:
    target = facts.keys.code(found.digest)
    if target >= len(alias):
        alias = np.append(alias, np.arange(len(alias), target + 1, dtype=np.int64))
    alias[code] = target
    if found.size >= 0:
        lengths.resize(len(alias), refcheck=False)
        lengths[target] = found.size
    return alias


def _named(facts: Facts) -> tuple[Pairs, Numbers]:
    """Every blob with every repository that serves a manifest naming it; and, by key, the lengths that are declared."""
    manifests, references, descriptors = facts.manifests, facts.references, facts.descriptors
    steps = facts.steps["descriptor"]
    owner = np.repeat(manifests["manifest"], manifests["step_count"])
    here = (descriptors["digest"][steps] >= 0) & (descriptors["foreign"][steps] != 1)
    listed = (references["role"] == facts.names.code("blob")) & (references["child"] >= 0)
    named = (
        (owner[here], descriptors["digest"][steps][here]),
        (manifests["manifest"], manifests["config"]),
        (manifests["manifest"][references["manifest"][listed]], references["child"][listed]),
    )
    owners = np.concatenate([owner for owner, _ in named])
    blobs = np.concatenate([blob for _, blob in named])
    at, row = join(owners, facts.revisions["manifest"], facts.revisions["repository"])
    good = blobs[at] >= 0
    lengths = np.full(len(facts.keys), NO_NUMBER, np.int64)
    for keys, declared in (
        (descriptors["digest"], descriptors["declared_bytes"]),
        (manifests["config"], manifests["config_bytes"]),
        (references["child"], references["declared_bytes"]),
    ):
        said = keys >= 0
        np.maximum.at(lengths, keys[said], declared[said])
    return np.unique(pack(row[good], blobs[at][good])), lengths


def _link(facts: Facts, pairs: Pairs, alias: Numbers) -> None:
    links, key = facts.links, pairs >> 32
    links.column("repository").extend_numbers(pairs & 0xFFFFFFFF)
    links.column("link").extend_numbers(key)
    links.column("blob").extend_numbers(alias[key])
    links.text("state").repeat("unchecked", len(pairs))
    links.column("linked_at").extend_numbers(np.full(len(pairs), NO_TIME, np.int64))


def _store(facts: Facts, keys: NDArray[np.int64] | Codes, lengths: Numbers) -> None:
    """Put blobs into `stored` that are not there yet."""
    stored = facts.stored
    keys = np.setdiff1d(keys, stored["blob"])
    stored.column("blob").extend_numbers(keys)
    stored.column("stored_bytes").extend_numbers(lengths[keys])
    for column in ("allocated_bytes", "stored_at"):
        stored.column(column).extend_numbers(np.full(len(keys), NO_NUMBER, np.int64))
    stored.text("compression").repeat(None, len(keys))
