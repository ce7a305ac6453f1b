"""Manifests, references, stacks, history and labels: the tables that come from documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.assemble.stacks import Stacks, build_stacks, is_empty_key, no_numbers
from regviz.assemble.steps import Steps, grouped, sort_manifests, spread, spread_steps
from regviz.memory import give_back
from regviz.schema import NA_INT
from regviz.spread import Picked, Places, Repeated, SpreadColumns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.assemble.draft import Draft
    from regviz.facts import Facts
    from regviz.schema import Columns

    Codes = NDArray[np.int32]
    Numbers = NDArray[np.int64]


def assemble_documents(draft: Draft) -> None:
    """Put the tables that come from manifests and configurations into the draft."""
    facts = draft.facts
    sort_manifests(facts)
    config_row = _config_rows(facts)
    created = np.append(facts.configs["created"], NA_INT)[config_row]
    is_empty = is_empty_key(facts)
    steps = spread_steps(draft)
    stacks = build_stacks(facts, config_row, steps)
    facts.diff_ids.free()
    facts.keys.rest()
    give_back()
    draft.spread["manifest_layers"] = _manifest_layers(draft, stacks, steps, is_empty)
    step_of_history = _history(draft, config_row)
    give_back()
    _labels(draft, config_row)
    draft.tables["layers"] = _layers(draft, stacks, steps, step_of_history, created, is_empty)
    draft.tables["manifests"] = _manifests(draft, config_row, stacks, steps, created)
    _references(draft)
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


def _history(draft: Draft, config_row: Numbers) -> Codes:
    """History of every manifest, spread out from its configuration.

    Returns for each row of it the step that it made, -1 where it cannot be paired.
    """
    facts, words = draft.facts, draft.facts.words
    count = np.append(facts.configs["history_count"], np.int32(0))
    word = facts.history["word"][grouped(count, config_row)]
    of_manifest = count[config_row]
    owner = np.repeat(np.arange(len(config_row), dtype=np.int32), of_manifest)
    own = facts.manifests["own_config"][owner] >= 0
    # schema 1 has one entry of history a layer; later configurations one a layer or an empty step
    makes = own | (words["empty"] == 0)[word]
    made = np.bincount(owner[makes], minlength=len(config_row))
    on_list = facts.manifests["step_count"]
    paired = (made == on_list)[owner] & makes
    position = np.full(len(owner), -1, np.int32)
    position[paired] = spread(made)[1][paired[makes]]
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
    facts.history.free()
    words.free()
    first = np.cumsum(on_list, dtype=np.int32) - on_list
    return np.where(paired, first[owner] + position, np.int32(-1))


def _labels(draft: Draft, config_row: Numbers) -> None:
    facts = draft.facts
    count = np.append(np.bincount(facts.labels["config"], minlength=len(facts.configs)), 0)
    row = grouped(count, config_row)
    draft.tables["labels"] = {
        "manifest": facts.manifests["manifest"][spread(count[config_row])[0]],
        "key": facts.labels.take("key")[row],
        "value": facts.labels.take("value")[row],
    }


def _layers(
    draft: Draft,
    stacks: Stacks,
    steps: Steps,
    step_of_history: Codes,
    image_created: Numbers,
    is_empty_key: NDArray[np.bool_],
) -> Columns:
    """The layers; where images disagree on who made one and when, the earliest image's word stands."""
    facts, history = draft.facts, draft.spread["history"]
    layer = np.append(stacks.step_layer, np.int32(-1))[step_of_history]
    told = np.flatnonzero(layer >= 0).astype(np.int32)
    layer = layer[told]
    age = np.where(image_created == NA_INT, np.iinfo(np.int64).max, image_created)
    order = np.argsort(age, kind="stable")  # of one age the first by key, as manifests stand
    seniority = np.empty(len(order), np.int32)
    seniority[order] = np.arange(len(order), dtype=np.int32)
    told_by = seniority[steps.manifest[step_of_history[told]]]

    def eldest_word(words: NDArray[Any], nothing: int) -> NDArray[Any]:
        said = words[told] != nothing
        eldest = np.full(len(stacks.key), len(order), np.int32)
        np.minimum.at(eldest, layer[said], told_by[said])
        chosen = np.flatnonzero(said & (told_by == eldest[layer]))[::-1]  # of several steps the first stays
        made = np.full(len(stacks.key), nothing, words.dtype)
        made[layer[chosen]] = words[told[chosen]]
        return made

    created_at, created_by = eldest_word(history["created_at"], int(NA_INT)), eldest_word(history["created_by"], -1)
    is_empty = is_empty_key[stacks.diff_id] & (stacks.diff_id >= 0)
    is_empty[stacks.step_layer[(stacks.step_layer >= 0) & (draft.spread["manifest_layers"]["empty"] == 1)]] = True
    name = facts.names.code
    return {
        "layer": stacks.key,
        "basis": np.where(stacks.chain, name("chain"), name("digests")).astype(np.int32),
        "parent": np.append(stacks.key, np.int32(-1))[stacks.parent],
        "depth": stacks.depth,
        "diff_id": stacks.diff_id,
        "empty": is_empty.astype(np.int8),
        "uncompressed_bytes": _uncompressed(facts, stacks.key),
        "created_at": created_at,
        "created_by": created_by,
    }


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
    owner = steps.manifest
    on_stack = stacks.step_layer >= 0
    top = np.full(count, -1, np.int64)
    top[owner[on_stack]] = stacks.step_layer[on_stack]  # the last one stays: steps stand from the base up
    height = np.bincount(owner[on_stack], minlength=count).astype(np.int64)
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
