"""Manifests, references, stacks, history and labels: the tables that come from documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.assemble.stacks import Stacks, build_stacks, is_empty_key, no_numbers
from regviz.schema import NA_INT

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from regviz.assemble.draft import Draft
    from regviz.columns import Facts
    from regviz.schema import Columns

    Codes = NDArray[np.int32]
    Numbers = NDArray[np.int64]
    Spread = Callable[[NDArray[Any]], NDArray[Any]]


def assemble_documents(draft: Draft) -> None:
    """Put the tables that come from manifests and configurations into the draft."""
    facts = draft.facts
    config_row = _config_rows(facts)
    created = np.append(facts.configs["created"], NA_INT)[config_row]
    blob = draft.resolve(np.asarray(facts.steps["digest"], np.int32))
    stacks = build_stacks(facts, config_row, blob)
    facts.diffs.free()
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
    digest = facts.steps["digest"]
    layer = np.append(stacks.key, np.int32(-1))[stacks.step_layer]
    throwaway = facts.steps.take("throwaway") == 1
    facts.steps.take("filesystem")
    return {
        "manifest": facts.manifests["manifest"][facts.steps["manifest"]],
        "position": facts.steps.take("position"),
        "layer": layer,
        "blob": blob,
        "digest": digest,
        "empty": (throwaway | (empty[digest] & (digest >= 0))).astype(np.int8),
        "foreign": facts.steps.take("foreign"),
    }


def _history(draft: Draft, config_row: Numbers) -> Codes:
    """History of every manifest, spread out from its configuration.

    Returns for each row of it the row of ``facts.steps`` that it made, -1 where it cannot be paired.
    """
    facts = draft.facts
    owner, spread = _spread(config_row, facts.history.take("config"), len(facts.configs))
    empty = spread(facts.history.take("empty"))
    own = facts.manifests["own_config"][owner] >= 0
    # schema 1 has one entry of history a layer; later configurations one a layer or an empty step
    makes = own | (empty == 0)
    made = np.bincount(owner[makes], minlength=len(config_row))
    on_list = np.bincount(facts.steps["manifest"], minlength=len(config_row))
    paired = (made == on_list)[owner] & makes
    position = np.full(len(owner), -1, np.int32)
    position[paired] = _rank(owner[makes])[paired[makes]]
    draft.tables["history"] = {
        "manifest": facts.manifests["manifest"][owner],
        "step": _rank(owner),
        "created_at": spread(facts.history.take("created")),
        "created_by": spread(facts.history.take("created_by")),
        "author": spread(facts.history.take("author")),
        "comment": spread(facts.history.take("comment")),
        "empty": empty,
        "position": position,
    }
    first = np.concatenate(([0], np.cumsum(on_list)))[:-1].astype(np.int32)
    return np.where(paired, first[owner] + position, np.int32(-1))


def _labels(draft: Draft, config_row: Numbers) -> None:
    facts = draft.facts
    owner, spread = _spread(config_row, facts.labels.take("config"), len(facts.configs))
    draft.tables["labels"] = {
        "manifest": facts.manifests["manifest"][owner],
        "key": spread(facts.labels.take("key")),
        "value": spread(facts.labels.take("value")),
    }


def _layers(draft: Draft, stacks: Stacks, step_of_history: Codes, image_created: Numbers) -> Columns:
    """The layers; where images disagree on who made one and when, the earliest image's word stands."""
    facts, history = draft.facts, draft.tables["history"]
    layer = np.append(stacks.step_layer, np.int32(-1))[step_of_history]
    told = np.flatnonzero(layer >= 0).astype(np.int32)
    layer = layer[told]
    age = np.where(image_created == NA_INT, np.iinfo(np.int64).max, image_created)
    order = np.lexsort((facts.keys.ranks()[facts.manifests["manifest"]], age))
    seniority = np.empty(len(order), np.int32)
    seniority[order] = np.arange(len(order), dtype=np.int32)
    told_by = seniority[facts.steps["manifest"][step_of_history[told]]]

    def eldest_word(words: NDArray[Any], nothing: int) -> NDArray[Any]:
        said = words[told] != nothing
        eldest = np.full(len(stacks.key), len(order), np.int32)
        np.minimum.at(eldest, layer[said], told_by[said])
        chosen = np.flatnonzero(said & (told_by == eldest[layer]))[::-1]  # of several steps the first stays
        made = np.full(len(stacks.key), nothing, words.dtype)
        made[layer[chosen]] = words[told[chosen]]
        return made

    created_at, created_by = eldest_word(history["created_at"], int(NA_INT)), eldest_word(history["created_by"], -1)
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


def _spread(config_row: Numbers, row_config: Codes, configs: int) -> tuple[Codes, Spread]:
    """Rows of a configuration's table (grouped by configuration) once for each manifest that has it.

    Returns the manifest of each row that results, and a function that spreads a column.
    """
    counts = np.append(np.bincount(row_config, minlength=configs), 0)
    first = np.concatenate(([0], np.cumsum(counts)))[:-1].astype(np.int32)
    owner = np.repeat(np.arange(len(config_row), dtype=np.int32), counts[config_row])
    row = first[config_row[owner]] + _rank(owner)
    if len(row) == len(row_config) and bool((row == np.arange(len(row), dtype=np.int32)).all()):
        return owner, lambda values: values  # every configuration has one manifest, in the same order
    return owner, lambda values: values[row]


def _rank(owner: Codes) -> Codes:
    """0, 1, 2 … within each run of equal owners."""
    count = np.bincount(owner) if len(owner) else np.empty(0, np.int64)
    first = np.concatenate(([0], np.cumsum(count)))[:-1].astype(np.int32)
    return np.arange(len(owner), dtype=np.int32) - first[owner]
