"""Manifests, references, stacks, history and labels: the tables that come from documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regviz.assemble.stacks import Stacks, build_stacks, is_empty_key, no_numbers
from regviz.schema import NA_INT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.assemble.draft import Draft
    from regviz.columns import Facts
    from regviz.schema import Columns

    Codes = NDArray[np.int32]
    Numbers = NDArray[np.int64]


def assemble_documents(draft: Draft) -> None:
    """Put the tables that come from manifests and configurations into the draft."""
    facts = draft.facts
    config_row = _config_rows(facts)
    created = draft.times[np.append(facts.configs["created"], np.int32(-1))[config_row]]
    blob = draft.resolve(np.asarray(facts.steps["digest"], np.int32))
    stacks = build_stacks(facts, config_row, blob)
    draft.tables["manifest_layers"] = _manifest_layers(facts, stacks, blob)
    step_of_history = _history(draft, config_row)
    _labels(draft, config_row)
    draft.tables["layers"] = _layers(draft, stacks, step_of_history, created)
    draft.tables["manifests"] = _manifests(draft, config_row, stacks, created)
    _references(draft)


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


def _manifest_layers(facts: Facts, stacks: Stacks, blob: Codes) -> Columns:
    empty = is_empty_key(facts)
    digest = np.asarray(facts.steps["digest"], np.int32)
    layer = np.append(stacks.key, np.int32(-1))[stacks.step_layer]
    throwaway = facts.steps["throwaway"] == 1
    return {
        "manifest": facts.manifests["manifest"][facts.steps["manifest"]],
        "position": facts.steps["position"],
        "layer": layer,
        "blob": blob,
        "digest": digest,
        "empty": (throwaway | (empty[digest] & (digest >= 0))).astype(np.int8),
        "foreign": np.asarray(facts.steps["foreign"], np.int8),
    }


def _history(draft: Draft, config_row: Numbers) -> Numbers:
    """History of every manifest, spread out from its configuration.

    Returns for each row of it the row of ``facts.steps`` that it made, -1 where it cannot be paired.
    """
    facts = draft.facts
    owner, row = _spread(config_row, np.asarray(facts.history["config"], np.int64), len(facts.configs["config"]))
    empty = np.asarray(facts.history["empty"], np.int8)[row]
    step = _rank(owner)
    own = np.asarray(facts.manifests["own_config"], np.int64)[owner] >= 0
    # schema 1 has one entry of history a layer; later configurations one a layer or an empty step
    makes = own | (empty == 0)
    made = np.bincount(owner[makes], minlength=len(config_row))
    manifest = np.asarray(facts.steps["manifest"], np.int64)
    on_list = np.bincount(manifest, minlength=len(config_row))
    paired = (made == on_list)[owner] & makes
    position = np.full(len(owner), -1, np.int32)
    position[paired] = _rank(owner[makes])[paired[makes]]
    draft.tables["history"] = {
        "manifest": facts.manifests["manifest"][owner],
        "step": step,
        "created_at": draft.times[facts.history["created"][row]],
        "created_by": facts.history["created_by"][row],
        "author": facts.history["author"][row],
        "comment": facts.history["comment"][row],
        "empty": empty,
        "position": position,
    }
    first = np.concatenate(([0], np.cumsum(on_list)))[:-1]
    return np.where(paired, first[owner] + np.where(paired, position, 0), -1)


def _labels(draft: Draft, config_row: Numbers) -> None:
    facts = draft.facts
    owner, row = _spread(config_row, np.asarray(facts.labels["config"], np.int64), len(facts.configs["config"]))
    draft.tables["labels"] = {
        "manifest": facts.manifests["manifest"][owner],
        "key": facts.labels["key"][row],
        "value": facts.labels["value"][row],
    }


def _layers(draft: Draft, stacks: Stacks, step_of_history: Numbers, image_created: Numbers) -> Columns:
    """The layers; where images disagree on who made one and when, the earliest image's word stands."""
    facts, history = draft.facts, draft.tables["history"]
    layer = np.append(stacks.step_layer, -1)[step_of_history]
    told = np.flatnonzero(layer >= 0)
    manifest_row = np.full(len(facts.keys), -1, np.int64)
    manifest_row[facts.manifests["manifest"]] = np.arange(len(facts.manifests["manifest"]))
    image = manifest_row[history["manifest"][told]]
    age = np.where(image_created == NA_INT, np.iinfo(np.int64).max, image_created)[image]
    rank = facts.keys.ranks()
    order = told[np.lexsort((rank[history["manifest"][told]], age, layer[told]))]
    chosen, first = np.unique(layer[order], return_index=True)
    created_at, created_by = no_numbers(len(stacks.key)), np.full(len(stacks.key), -1, np.int32)
    created_at[chosen] = history["created_at"][order[first]]
    created_by[chosen] = history["created_by"][order[first]]
    empty = is_empty_key(facts)
    is_empty = empty[stacks.diff_id] & (stacks.diff_id >= 0)
    is_empty[stacks.step_layer[(stacks.step_layer >= 0) & (draft.tables["manifest_layers"]["empty"] == 1)]] = True
    name = facts.names.code
    return {
        "layer": stacks.key,
        "basis": np.where(stacks.chain, name("chain"), name("digests")).astype(np.int32),
        "parent": np.append(stacks.key, np.int32(-1))[stacks.parent],
        "depth": stacks.depth,
        "diff_id": stacks.diff_id,
        "empty": is_empty.astype(np.int8),
        "uncompressed_bytes": no_numbers(len(stacks.key)),
        "created_at": created_at,
        "created_by": created_by,
    }


def _manifests(draft: Draft, config_row: Numbers, stacks: Stacks, created: Numbers) -> Columns:
    facts = draft.facts
    count = len(config_row)
    owner = np.asarray(facts.steps["manifest"], np.int64)
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


def _spread(config_row: Numbers, row_config: Numbers, configs: int) -> tuple[Numbers, Numbers]:
    """Rows of a configuration's table (grouped by configuration) once for each manifest that has it.

    Returns the manifest and the row of the table, for each row that results.
    """
    counts = np.append(np.bincount(row_config, minlength=configs), 0)
    first = np.concatenate(([0], np.cumsum(counts)))[:-1]
    per_manifest = counts[config_row]
    owner = np.repeat(np.arange(len(config_row)), per_manifest)
    return owner, first[config_row[owner]] + _rank(owner)


def _rank(owner: Numbers) -> Numbers:
    """0, 1, 2 … within each run of equal owners."""
    count = np.bincount(owner) if len(owner) else np.empty(0, np.int64)
    first = np.concatenate(([0], np.cumsum(count)))[:-1]
    return np.arange(len(owner)) - first[owner]
