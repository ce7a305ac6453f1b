"""Manifests, references, stacks, history and labels: the tables that come from documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from regviz.assemble.stacks import Stacks, build_stacks, is_empty_key, no_numbers
from regviz.assemble.steps import Steps, gathered, in_parts, sort_manifests, spread_steps
from regviz.memory import give_back
from regviz.schema import NA_INT
from regviz.sorting import stable_order
from regviz.spread import Picked, Places, Repeated, SpreadColumns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.assemble.draft import Draft
    from regviz.facts import Facts
    from regviz.schema import Columns

    Codes = NDArray[np.int32]
    Numbers = NDArray[np.int64]


_NOTHING = (int(NA_INT), -1)
"""What a history's entry has that does not say when, or by what, a layer was made."""

_NOBODY = np.iinfo(np.int64).max


def assemble_documents(draft: Draft) -> None:
    """Put the tables that come from manifests and configurations into the draft."""
    facts = draft.facts
    sort_manifests(facts)
    config_row = _config_rows(facts)
    created = np.append(facts.configs["created"], NA_INT)[config_row]
    is_empty = is_empty_key(facts)
    steps = spread_steps(draft)
    stacks = build_stacks(draft, config_row, steps)
    facts.diff_ids.free()
    facts.keys.rest()
    give_back()
    draft.spread["manifest_layers"] = _manifest_layers(draft, stacks, steps, is_empty)
    _history(draft, config_row)
    give_back()
    _labels(draft, config_row)
    draft.tables["layers"] = _layers(draft, stacks, steps, created, is_empty)
    draft.tables["manifests"] = _manifests(draft, config_row, stacks, steps, created)
    _references(draft)
    for rows in (facts.configs, facts.labels, facts.diff_ids, facts.steps):
        rows.free()
    give_back()


def _config_rows(facts: Facts) -> Numbers:
    """For each manifest its row in ``facts.configs``; -1 for none."""
    row = np.asarray(facts.manifests["own_config"], np.int64).copy()
    of_key = np.full(len(facts.keys) + 1, -1, np.int64)
    keys = facts.configs["config"]
    of_key[keys] = np.arange(len(keys))
    of_key[-1] = -1
    wanted = facts.manifests["image"] == 1
    row[wanted] = of_key[facts.manifests["config"][wanted]]
    return row


def _manifest_layers(draft: Draft, stacks: Stacks, steps: Steps, is_empty: NDArray[np.bool_]) -> SpreadColumns:
    facts = draft.facts
    descriptors = facts.descriptors
    digest, count = descriptors["digest"], facts.manifests["step_count"]
    empty = (descriptors["throwaway"] == 1) | (is_empty[digest] & (digest >= 0))
    return SpreadColumns(
        {
            "manifest": Repeated(facts.manifests["manifest"], count),
            "position": Places(count),
            "layer": np.append(stacks.key, np.int32(-1))[stacks.step_layer],
            "blob": Picked(draft.resolve(digest), steps.descriptor),
            "digest": Picked(_written(facts, digest), steps.descriptor),
            "empty": Picked(empty.astype(np.int8), steps.descriptor),
            "foreign": Picked(descriptors["foreign"], steps.descriptor),
        }
    )


def _written(facts: Facts, digest: Codes) -> Codes:
    """Digests as they are written: what lies under none has, at most, one that it had elsewhere."""
    blobs = facts.nameless["blob"]
    if not len(blobs):
        return digest
    written = np.arange(-1, len(facts.keys), dtype=np.int32)
    written[blobs + 1] = facts.nameless["digest"]
    return written[digest + 1]


def _history(draft: Draft, config_row: Numbers) -> None:
    """History of every manifest, spread out from its configuration."""
    facts, words = draft.facts, draft.facts.words
    count = np.append(facts.configs["history_count"], np.int32(0))
    word = gathered(facts.history["word"], count, config_row)
    facts.history.free()
    of_manifest = count[config_row]
    is_schema1, is_layer = facts.manifests["own_config"] >= 0, words["empty"] == 0
    position = np.full(len(word), -1, np.int32)
    for groups, rows, owner in in_parts(of_manifest):
        # schema 1 has one entry of history a layer; later configurations one a layer or an empty step
        makes = is_schema1[groups][owner] | is_layer[word[rows]]
        made = np.bincount(owner[makes], minlength=groups.stop - groups.start)
        paired = (made == facts.manifests["step_count"][groups])[owner] & makes
        position[rows][paired] = Places(made.astype(np.int32)).made()[paired[makes]]
    draft.spread["history"] = SpreadColumns(
        {
            "manifest": Repeated(facts.manifests["manifest"], of_manifest),
            "step": Places(of_manifest),
            "created_at": Picked(words["created"], word),
            "created_by": Picked(words["created_by"], word),
            "author": Picked(words["author"], word),
            "comment": Picked(words["comment"], word),
            "empty": Picked(words["empty"], word),
            "position": position,
        }
    )
    words.free()


def _labels(draft: Draft, config_row: Numbers) -> None:
    facts = draft.facts
    count = np.append(np.bincount(facts.labels.take("config"), minlength=len(facts.configs)), 0)
    draft.tables["labels"] = {
        "manifest": np.repeat(facts.manifests["manifest"], count[config_row]),
        "key": gathered(facts.labels.take("key"), count, config_row),
        "value": gathered(facts.labels.take("value"), count, config_row),
    }


def _layers(
    draft: Draft, stacks: Stacks, steps: Steps, image_created: Numbers, is_empty_key: NDArray[np.bool_]
) -> Columns:
    """The layers; where images disagree on who made one and when, the earliest image's word stands."""
    facts = draft.facts
    created_at, created_by = _eldest_words(draft, stacks, steps, image_created)
    is_empty = is_empty_key[stacks.diff_id] & (stacks.diff_id >= 0)
    listed = draft.spread["manifest_layers"]
    for part in listed.parts():
        layer = stacks.step_layer[part]
        is_empty[layer[(layer >= 0) & (listed.part("empty", part) == 1)]] = True
    name = facts.names.code
    return {
        "layer": stacks.key,
        "basis": np.where(stacks.chain, np.int32(name("chain")), np.int32(name("digests"))),
        "parent": np.append(stacks.key, np.int32(-1))[stacks.parent],
        "depth": stacks.depth,
        "diff_id": stacks.diff_id,
        "empty": is_empty.astype(np.int8),
        "uncompressed_bytes": _uncompressed(facts, stacks.key),
        "created_at": created_at,
        "created_by": created_by,
    }


def _eldest_words(draft: Draft, stacks: Stacks, steps: Steps, image_created: Numbers) -> list[NDArray[Any]]:
    """When each layer was made, and by what: as the earliest image says that says it."""
    history = draft.spread["history"].kept
    columns = [cast("Picked", history[name]) for name in ("created_at", "created_by")]
    position, count = cast("Codes", history["position"]), cast("Places", history["step"]).counts
    age = np.where(image_created == NA_INT, np.iinfo(np.int64).max, image_created)
    order = stable_order([age])  # of one age the first by key, as manifests stand
    seniority = np.empty(len(order), np.int64)
    seniority[order] = np.arange(len(order))
    first = np.cumsum(steps.count, dtype=np.int32) - steps.count

    eldest = [np.full(len(stacks.key), _NOBODY, np.int64) for _ in columns]  # the image's seniority, and its entry
    for groups, rows, owner in in_parts(count):
        here = np.flatnonzero(position[rows] >= 0)
        layer = stacks.step_layer[first[groups][owner[here]] + position[rows][here]]
        here, layer = here[layer >= 0], layer[layer >= 0]
        told_by = seniority[groups][owner[here]] << 32 | (here + rows.start)
        for column, eldest_yet, nothing in zip(columns, eldest, _NOTHING, strict=True):
            said = column.values[column.rows[rows][here]] != nothing
            np.minimum.at(eldest_yet, layer[said], told_by[said])
    made = [np.full(len(stacks.key), no, said.values.dtype) for said, no in zip(columns, _NOTHING, strict=True)]
    for column, words, entry in zip(columns, made, eldest, strict=True):
        told = np.flatnonzero(entry != _NOBODY)
        words[told] = column.values[column.rows[entry[told] & 0xFFFFFFFF]]
    return made


def _uncompressed(facts: Facts, layers: Codes) -> Numbers:
    """What a source says of layers, beside its documents."""
    if not len(facts.layer_bytes):
        return no_numbers(len(layers))
    of_key = no_numbers(len(facts.keys))
    of_key[facts.layer_bytes["layer"]] = facts.layer_bytes["uncompressed_bytes"]
    return of_key[layers]


def _manifests(draft: Draft, config_row: Numbers, stacks: Stacks, steps: Steps, created: Numbers) -> Columns:
    facts = draft.facts
    count = len(config_row)
    top, height = np.full(count, -1, np.int32), np.zeros(count, np.int32)
    for groups, rows, owner in in_parts(steps.count):
        layer = stacks.step_layer[rows]
        on_stack = layer >= 0
        top[groups][owner[on_stack]] = layer[on_stack]  # the last one stays: steps stand from the base up
        height[groups] = np.bincount(owner[on_stack], minlength=groups.stop - groups.start)
    is_image = facts.manifests["kind"] == facts.names.code("image")
    platform = {
        name: np.append(facts.configs[name], np.int32(-1))[config_row]
        for name in ("os", "architecture", "variant", "os_version")
    }
    return {
        "manifest": facts.manifests["manifest"],
        "kind": facts.manifests["kind"],
        "media_type": facts.manifests["media_type"],
        "artifact_type": facts.manifests["artifact_type"],
        "present": np.ones(count, np.int8),
        "in_progress": np.full(count, -1, np.int8),
        "config": draft.resolve(np.asarray(facts.manifests["config"], np.int32)),
        "layer": np.append(stacks.key, np.int32(-1))[top],
        "layer_count": np.where(is_image, height, -1),
        **platform,
        "created_at": created,
        "author": np.append(facts.configs["author"], np.int32(-1))[config_row],
        "subject": facts.manifests["subject"],
    }


def _references(draft: Draft) -> None:
    facts = draft.facts
    references = facts.references
    good = references["child"] >= 0  # a malformed digest is a problem already
    names = ("position", "child", "role", "os", "architecture", "variant", "media_type", "attests")
    draft.tables["manifest_references"] = {
        "manifest": facts.manifests["manifest"][references["manifest"][good]],
        **{name: references[name][good] for name in names},
    }
