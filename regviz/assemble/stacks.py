"""Stacks of layers from manifests and configurations: diff IDs, chain IDs, the ancestry forest.

Chain IDs are image-spec config.md's, section "Layer ChainID": ``C(1) = D(1)``,
``C(n) = sha256(C(n-1) + " " + D(n))``, over the texts of the digests. All images climb their stacks together, one layer
at a time, so each distinct chain is hashed once.
"""

from __future__ import annotations

from binascii import hexlify
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from typing import TYPE_CHECKING

import numpy as np

from regviz.assemble.steps import count_true, gathered, in_parts
from regviz.pool import SHA256
from regviz.schema import NA_INT
from regviz.sorting import stable_order, unlike_last
from regviz.spread import parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.assemble.draft import Draft
    from regviz.assemble.steps import Steps
    from regviz.facts import Facts

    Codes = NDArray[np.int32]
    Numbers = NDArray[np.int64]

EMPTY_BLOBS = (
    "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4",  # gzip of 1024 zero bytes (Docker)
    "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",  # 1024 zero bytes: an empty tar
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",  # nothing
    "sha256:1775fca35fb6a4d31c541746eaea63c5cb3c00280c8b5a351d4e944cdca7489d",  # gzip of nothing (Docker before 1.10)
)
"""Digests of layers that change nothing, compressed or not."""

_PART = 1 << 15  # chains that are hashed together: more only cost memory
_DIGEST = len(SHA256) + 64
_TEXTS = Struct(f"{2 * _DIGEST + 1}s")  # one text of two digests, to go through many that lie one after the other


@dataclass(slots=True)
class Stacks:
    """What :func:`build_stacks` finds; arrays of equal length within each group.

    ``step_layer`` has the layer (a row here) of each of the steps, -1 where there is none; the others
    describe the layers: key, row of the parent (-1 at the base), diff ID, depth, whether the key rests on diff IDs.
    """

    step_layer: Codes
    key: Codes
    parent: Codes
    diff_id: Codes
    depth: Codes
    chain: NDArray[np.bool_]


def build_stacks(draft: Draft, config_row: Numbers, steps: Steps) -> Stacks:
    """The ancestry forest of everything in the facts.

    Parameters
    ----------
    draft : Draft
        Of facts with manifests and configurations read.
    config_row : array of int
        For each manifest its row in ``facts.configs``, -1 for none.
    steps : Steps
        Of those manifests.
    """
    facts = draft.facts
    digest = draft.resolve(facts.descriptors["digest"])
    rows = slice(None) if steps.on_stack.all() else np.flatnonzero(steps.on_stack).astype(np.int32)
    height = steps.count if isinstance(rows, slice) else count_true(steps.on_stack, steps.count)
    blob = digest[steps.descriptor[rows]]
    diff_id = _written_diff_ids(facts, config_row, height)
    _learn_diff_ids(facts, blob, diff_id)
    known = count_true(diff_id < 0, height) == 0
    element = diff_id if known.all() else np.where(np.repeat(known, height), diff_id, blob)
    del blob
    whole = count_true(element < 0, height) == 0
    layers = _climb(facts, height, element, known & whole, whole)
    layers.diff_id = _diff_id_of_layers(layers, diff_id, element)
    if not isinstance(rows, slice):
        step_layer = np.full(len(steps.descriptor), -1, np.int32)
        step_layer[rows] = layers.step_layer
        layers.step_layer = step_layer
    return layers


def _written_diff_ids(facts: Facts, config_row: Numbers, height: Codes) -> Codes:
    """The diff ID of each layer where its image's configuration has as many as the manifest has layers."""
    counts = facts.configs["diff_count"]
    has_config = config_row >= 0
    fits = np.zeros(len(config_row), np.bool_)
    fits[has_config] = counts[config_row[has_config]] == height[has_config]
    distinct, listed = facts.diff_ids["diff_id"], facts.diffs.take("diff_id")
    written = gathered(listed, np.maximum(counts, 0), config_row[fits])
    result: Codes = np.full(int(height.sum(dtype=np.int64)), -1, np.int32)
    start = 0
    for groups, rows, owner in in_parts(height):
        here = np.flatnonzero(fits[groups][owner])
        result[rows][here] = distinct[written[start : start + len(here)]]
        start += len(here)
    differ = has_config & ~fits & (height > 0)
    differ[has_config] &= counts[config_row[has_config]] >= 0
    keys = np.asarray(facts.manifests["manifest"], np.int32)
    for row in np.flatnonzero(differ).tolist():
        detail = f"{counts[config_row[row]]} diff IDs, {height[row]} layers"
        facts.problem("layers-differ", manifest=facts.keys.text(int(keys[row])), detail=detail)
    return result


def _learn_diff_ids(facts: Facts, blob: Codes, diff_id: Codes) -> None:
    """Fill in, in place, the diff IDs that other images' configurations tell of the same blob."""
    of_blob = np.full(len(facts.keys), -1, np.int32)
    for part in parts(len(blob)):
        both = (blob[part] >= 0) & (diff_id[part] >= 0)
        of_blob[blob[part][both]] = diff_id[part][both]
    nothing = np.empty(0, np.int32)
    contradict = [
        blob[part][(blob[part] >= 0) & (diff_id[part] >= 0) & (of_blob[blob[part]] != diff_id[part])]
        for part in parts(len(blob))
    ]
    differ = np.unique(np.concatenate([nothing, *contradict]))
    if len(differ):
        _choose_diff_ids(facts, blob, diff_id, differ, of_blob)
    for part in parts(len(blob)):
        missing = (blob[part] >= 0) & (diff_id[part] < 0)
        diff_id[part][missing] = of_blob[blob[part][missing]]


def _choose_diff_ids(facts: Facts, blob: Codes, diff_id: Codes, differ: Codes, of_blob: Codes) -> None:
    """Of the diff IDs that are told of one blob, the first counts."""
    told = np.flatnonzero((blob >= 0) & (diff_id >= 0) & np.isin(blob, differ))
    pairs = np.unique(blob[told].astype(np.int64) << 32 | diff_id[told])
    several = np.split(pairs, np.searchsorted(pairs >> 32, differ))[1:]
    for code, said in zip(differ.tolist(), several, strict=True):
        texts = sorted(facts.keys.texts((said & 0xFFFFFFFF).astype(np.int32)))
        facts.problem("diff-ids-differ", blob=facts.keys.text(code), detail=", ".join(texts))
        of_blob[code] = facts.keys.code(texts[0])


def _climb(facts: Facts, height: Codes, element: Codes, chain: NDArray[np.bool_], whole: NDArray[np.bool_]) -> Stacks:
    """Give every step its layer, from the base up, and every layer its key.

    Steps of one owner, as many as its height, lie together; whether it is a chain, and whole, is one flag an owner.
    """
    base = np.cumsum(height, dtype=np.int64) - height
    going = whole & (height > 0)
    base, height, chain = base[going], height[going], chain[going]
    layer_of = np.full(len(element), -1, np.int32)
    here = np.zeros(len(base), np.int64)  # where each owner stands, among the layers made last
    keys: list[Codes] = []
    parents: list[Codes] = []
    chains: list[NDArray[np.bool_]] = []
    made = made_last = 0
    while len(base):
        steps = base + len(keys)
        place, first = _meeting(here, element[steps])
        below = here[first] + (made - made_last) if keys else np.full(len(first), -1)
        parents.append(below.astype(np.int32))
        keys.append(_keys(facts, keys[-1][here[first]] if keys else None, element[steps[first]]))
        on_diff_ids = np.zeros(len(first), np.bool_)
        on_diff_ids[place[chain]] = True
        chains.append(on_diff_ids)
        layer_of[steps] = made + place
        made_last = len(first)
        made += made_last
        higher = height > len(keys)
        base, height, chain, here = base[higher], height[higher], chain[higher], place[higher]
    depth = np.repeat(np.arange(1, len(keys) + 1, dtype=np.int32), [len(made) for made in keys])
    nothing = np.empty(0, np.int32)
    key, parent = np.concatenate([nothing, *keys]), np.concatenate([nothing, *parents])
    return _without_doubles(Stacks(layer_of, key, parent, key, depth, np.concatenate([np.empty(0, np.bool_), *chains])))


def _meeting(here: Numbers, element: Codes) -> tuple[Numbers, Numbers]:
    """The layer that each owner comes to, and of each layer the first owner that does.

    Owners that stand on one layer and put the same element on it meet again; who stands alone meets nobody.
    """
    together = np.bincount(here)[here] > 1
    crowd, alone = np.flatnonzero(together), np.flatnonzero(~together)
    order = crowd[stable_order([here[crowd], element[crowd]])]
    is_new = unlike_last([here[order], element[order]])
    first = order[is_new]
    place = np.empty(len(here), np.int64)
    place[order] = np.cumsum(is_new) - 1
    place[alone] = np.arange(len(first), len(first) + len(alone))
    return place, np.concatenate([first, alone])


def _keys(facts: Facts, below: Codes | None, element: Codes) -> Codes:
    """Keys of the layers that put each element on what has the key below; of a base it is the element itself."""
    if below is None:
        return element
    made = np.empty(len(element), np.int32)
    for start in range(0, len(element), _PART):
        part = slice(start, start + _PART)
        lower, lower_is_sha256 = facts.keys.raw(below[part])
        upper, upper_is_sha256 = facts.keys.raw(element[part])
        usual = lower_is_sha256 & upper_is_sha256
        hashed = _chained(lower, upper)
        for row in np.flatnonzero(~usual).tolist():
            text = f"{facts.keys.text(int(below[start + row]))} {facts.keys.text(int(element[start + row]))}"
            hashed[row] = np.frombuffer(sha256(text.encode()).digest(), np.uint8)
        made[part] = facts.keys.intern_raw(hashed, SHA256)
    return made


def _chained(lower: NDArray[np.uint8], upper: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Chain IDs of pairs of digests of sha256, all as rows of 32 bytes."""
    texts = np.empty((len(lower), _TEXTS.size), np.uint8)
    for start, digests in ((0, lower), (_DIGEST + 1, upper)):
        texts[:, start : start + len(SHA256)] = np.frombuffer(SHA256, np.uint8)
        texts[:, start + len(SHA256) : start + _DIGEST] = np.frombuffer(hexlify(digests.data), np.uint8).reshape(-1, 64)
    texts[:, _DIGEST] = ord(" ")
    hashed = bytearray().join([sha256(text).digest() for (text,) in _TEXTS.iter_unpack(texts.data)])
    return np.frombuffer(hashed, np.uint8).reshape(-1, 32)


def _without_doubles(layers: Stacks) -> Stacks:
    """One row a key: a configuration may name another chain's ID as its diff ID, to confuse us."""
    rows = np.arange(len(layers.key), dtype=np.int32)
    last = np.empty(int(layers.key.max(initial=-1)) + 1, np.int32)
    last[layers.key] = rows
    if (last[layers.key] == rows).all():
        return layers
    _, first, place = np.unique(layers.key, return_index=True, return_inverse=True)
    moved = np.append(place, -1).astype(np.int32)  # -1 stays -1
    parent = moved[layers.parent[first]]
    return Stacks(
        moved[layers.step_layer],
        layers.key[first],
        parent,
        layers.diff_id[first],
        layers.depth[first],
        layers.chain[first],
    )


def _diff_id_of_layers(layers: Stacks, diff_id: Codes, element: Codes) -> Codes:
    """The diff ID of each layer: its chain's element, or what is known of one of its blobs."""
    result = np.full(len(layers.key), -1, np.int32)
    for on_chain in (False, True):  # what a chain says counts more
        for part in reversed(parts(len(diff_id))):  # of several steps the first counts
            layer, told = layers.step_layer[part], diff_id[part]
            rows = np.flatnonzero((layer >= 0) & (told >= 0) & ((told == element[part]) == on_chain))[::-1]
            result[layer[rows]] = told[rows]
    return result


def is_empty_key(facts: Facts) -> NDArray[np.bool_]:
    """For each key whether it is the digest of a layer that changes nothing."""
    codes = [facts.keys.code(text) for text in EMPTY_BLOBS]
    empty = np.zeros(len(facts.keys), np.bool_)
    empty[codes] = True
    return empty


def no_numbers(count: int) -> Numbers:
    """A column of numbers that are not known."""
    return np.full(count, NA_INT, np.int64)
