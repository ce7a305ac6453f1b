"""Repositories, tags, links, uploads and blobs: the tables that come from names and sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.memory import give_back
from regviz.schema import NA, NA_INT, TABLES
from regviz.spread import parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.assemble.draft import Draft
    from regviz.schema import Columns

    Codes = NDArray[np.int32]
    Numbers = NDArray[np.int64]


def assemble_inventory(draft: Draft) -> None:
    """Put the tables that come from names, links and sizes into the draft; documents come first."""
    facts, tables = draft.facts, draft.tables
    name = facts.repositories["name"]
    for table, rows, columns in (
        ("tags", facts.tags, {"tag": "tag", "manifest": "manifest", "pushed_at": "pushed_at", "link_state": "state"}),
        (
            "tag_history",
            facts.tag_history,
            {"tag": "tag", "manifest": "manifest", "last_pushed_at": "last_pushed_at", "current": "current"},
        ),
        (
            "repository_manifests",
            facts.revisions,
            {"manifest": "manifest", "link_state": "state", "linked_at": "linked_at", "is_root": "is_root"},
        ),
        (
            "repository_blobs",
            facts.links,
            {"link": "link", "blob": "blob", "link_state": "state", "linked_at": "linked_at"},
        ),
    ):
        tables[table] = {
            "repository": name[rows["repository"]],
            **{new: rows.thin(old) for new, old in columns.items()},
        }
    tables["uploads"] = {
        "repository": name[facts.uploads["repository"]],
        "upload": facts.uploads["upload"],
        "upload_bytes": facts.uploads["upload_bytes"],
        "started_at": facts.uploads["started"],
    }
    tables["repositories"] = _repositories(draft)
    _complete_manifests(draft)
    give_back()
    tables["blobs"] = _blobs(draft)
    give_back()
    present = np.zeros(len(facts.keys) + 1, np.bool_)
    present[facts.stored["blob"]] = True
    manifests = tables["manifests"]
    manifests["present"] = np.maximum(present[manifests["manifest"]], manifests["present"] == 1).astype(np.int8)


def _repositories(draft: Draft) -> Columns:
    facts = draft.facts
    rows = facts.repositories
    texts = facts.names.texts()
    namespaces = [
        facts.names.code(head if slash else None)
        for head, slash, _ in (texts[code].partition("/") for code in rows["name"].tolist())
    ]
    tagged = np.zeros(len(rows["name"]), np.int8)
    tagged[facts.tags["repository"]] = 1
    return {
        "repository": rows["name"],
        "namespace": np.array(namespaces, np.int32),
        "raw_name": rows["raw_name"],
        "private": rows["private"],
        "has_layers": rows["has_layers"],
        "has_manifests": rows["has_manifests"],
        "has_tags": tagged,
        "complete": rows["complete"],
    }


def _complete_manifests(draft: Draft) -> None:
    """Add a row for each manifest that is named somewhere, and was not read."""
    facts, tables = draft.facts, draft.tables
    manifests = tables["manifests"]
    references = tables["manifest_references"]
    is_manifest = references["role"] != facts.names.code("blob")
    is_named = np.zeros(len(facts.keys) + 1, np.bool_)  # the last for NA
    for codes in (
        facts.tags["manifest"],
        facts.tag_history["manifest"],
        facts.revisions["manifest"],
        references["child"][is_manifest],
        references["attests"],
        manifests["subject"],
    ):
        is_named[codes] = True
    is_named[manifests["manifest"]] = is_named[-1] = False
    more = np.flatnonzero(is_named).astype(np.int32)
    if not len(more):
        return
    for column, values in manifests.items():
        if column == "manifest":
            added: NDArray[Any] = more
        elif column == "present":
            added = np.zeros(len(more), values.dtype)
        else:
            added = np.full(len(more), NA[TABLES["manifests"].column(column).kind], values.dtype)
        manifests[column] = np.concatenate([values, added.astype(values.dtype)])


def _blobs(draft: Draft) -> Columns:
    facts, tables = draft.facts, draft.tables
    stored = facts.stored
    manifests, references = tables["manifests"], tables["manifest_references"]
    # an image that is known by its configuration's digest has no manifest's bytes
    own_blob = facts.manifests_are_blobs & (manifests["manifest"] != manifests["config"])
    stack_blobs, other_blobs = _blobs_in_stacks(draft)
    is_blob = references["role"] == facts.names.code("blob")
    pure_links = facts.links["link"] == draft.resolve(facts.links["link"])
    named = [
        stored["blob"],
        other_blobs,
        stack_blobs,
        references["child"],
        manifests["config"],
        manifests["manifest"][own_blob],
        facts.links["blob"],
        facts.links["link"][pure_links],
    ]
    is_named = np.zeros(len(facts.keys) + 1, np.bool_)  # the last for NA
    for codes in named:
        is_named[codes] = True
    keys = np.flatnonzero(is_named[:-1]).astype(np.int32)
    del named, codes, is_named  # a tenth of all that is held here
    count, row = len(keys), np.full(len(facts.keys) + 1, -1, np.int32)
    row[keys] = np.arange(count, dtype=np.int32)

    def column(values: NDArray[Any], at: Codes, fill: int) -> NDArray[Any]:
        if values.strides == (0,) and values[:1].tolist() in ([], [fill]):
            return np.broadcast_to(np.asarray(fill, values.dtype), count)
        made = np.full(count, fill, values.dtype)
        made[row[at]] = values
        return made

    places = np.zeros(count, np.int32)
    np.add.at(places, row[stored["blob"]], np.int32(1))
    order = slice(None) if places.max(initial=0) <= 1 else np.argsort(stored["stored_bytes"], kind="stable")
    # of several copies the largest is the whole one
    stored_bytes = column(stored.take("stored_bytes")[order], stored["blob"][order], int(NA_INT))
    allocated = column(stored.take("allocated_bytes"), stored["blob"], int(NA_INT))
    declared, media_type = _declared(draft, row, count)
    give_back()
    kind = np.full(count, -1, np.int32)
    for word, blobs in (
        ("other", other_blobs),
        ("other", references["child"][is_blob]),
        ("layer", stack_blobs),
        ("layer", draft.layer_blobs[row[draft.layer_blobs] >= 0]),
        ("config", manifests["config"]),
        ("manifest", manifests["manifest"][own_blob]),
    ):
        kind[row[blobs[blobs >= 0]]] = facts.names.code(word)
    media_type_of_manifest = np.flatnonzero(own_blob & (manifests["media_type"] >= 0))
    media_type[row[manifests["manifest"][media_type_of_manifest]]] = manifests["media_type"][media_type_of_manifest]
    differs = np.flatnonzero((places > 0) & (declared != NA_INT) & (stored_bytes != declared))
    for at in differs.tolist():
        detail = f"{stored_bytes[at]} bytes stored, {declared[at]} declared"
        facts.problem("sizes-differ", blob=facts.keys.text(int(keys[at])), detail=detail)
    blob_bytes = np.where(places > 0, stored_bytes, declared)
    del stored_bytes
    return {
        "blob": keys,
        "kind": kind,
        "media_type": media_type,
        "compression": column(stored.thin("compression"), stored["blob"], -1),
        "blob_bytes": blob_bytes,
        "declared_bytes": declared,
        "allocated_bytes": allocated,
        "copies": places,
        "present": (places > 0).astype(np.int8),
        "verified": column(facts.verified["good"], draft.resolve(facts.verified["blob"]), -1),
        "stored_at": column(stored.take("stored_at"), stored["blob"], int(NA_INT)),
    }


def _blobs_in_stacks(draft: Draft) -> tuple[Codes, Codes]:
    """The blobs that manifests list and that are layers, and those that are none."""
    layers = draft.layers()
    on_stacks, others = (np.zeros(len(draft.facts.keys) + 1, np.bool_) for _ in range(2))  # the last for NA
    for rows in layers.parts():
        blob, layer, empty = (layers.part(name, rows) for name in ("blob", "layer", "empty"))
        on_stack = (layer >= 0) | (empty == 1)  # a throwaway step of schema 1 is an (empty) layer too
        on_stacks[blob[on_stack]] = True
        others[blob[~on_stack]] = True
    found, rest = (np.flatnonzero(flags[:-1]).astype(np.int32) for flags in (on_stacks, others))
    return found, rest


def _declared(draft: Draft, row: Codes, count: int) -> tuple[Numbers, Codes]:
    """Largest length and (smallest) media type that descriptors say of each blob."""
    facts = draft.facts
    declared, media_type = np.full(count, NA_INT, np.int64), np.full(count, np.iinfo(np.int32).max, np.int32)
    rank = _name_ranks(facts.names.texts())
    for rows, *names in (  # each is the last that is asked of these
        (facts.descriptors, "digest", "declared_bytes", "media_type"),
        (facts.manifests, "config", "config_bytes", "config_media_type"),
        (facts.references, "child", "declared_bytes", "media_type"),
    ):
        blobs, sizes, kinds = map(rows.take, names)
        if rows is not facts.references:
            blobs = draft.resolve(blobs)
        for part in parts(len(blobs)):
            blob, size, kind = blobs[part], sizes[part], kinds[part]
            known = (blob >= 0) & (size != NA_INT)
            np.maximum.at(declared, row[blob[known]], size[known])
            known = (blob >= 0) & (kind >= 0)
            np.minimum.at(media_type, row[blob[known]], rank[kind[known]])
    of_rank = np.append(np.argsort(rank).astype(np.int32), np.int32(-1))
    media_type[media_type == np.iinfo(np.int32).max] = len(rank)
    return declared, of_rank[media_type]


def _name_ranks(texts: list[str]) -> Codes:
    ranks = np.empty(len(texts), np.int32)
    ranks[sorted(range(len(texts)), key=texts.__getitem__)] = np.arange(len(texts), dtype=np.int32)
    return ranks
