"""Stacks of layers from manifests and configurations: diff IDs, chain IDs, the ancestry forest.

Chain IDs are image-spec config.md's, section "Layer ChainID": ``C(1) = D(1)``,
``C(n) = sha256(C(n-1) + " " + D(n))``, over the texts of the digests. All images climb their stacks together, one layer
at a time, so each distinct chain is hashed once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from regviz.assemble.steps import spread
from regviz.pool import SHA256
from regviz.schema import NA_INT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.assemble.steps import Steps
    from regviz.columns import Facts

    Codes = NDArray[np.int32]
    Numbers = NDArray[np.int64]

EMPTY_BLOBS = (
    "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4",  # gzip of 1024 zero bytes (Docker)
    "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",  # 1024 zero bytes: an empty tar
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",  # nothing
    "sha256:1775fca35fb6a4d31c541746eaea63c5cb3c00280c8b5a351d4e944cdca7489d",  # gzip of nothing (Docker before 1.10)
)
"""Digests of layers that change nothing, compressed or not."""


@dataclass(slots=True)
class Stacks:
    """What :func:`build_stacks` finds; arrays of equal length within each group.

    ``step_layer`` has the layer (a row here) of each of the steps, -1 where there is none; the others
    describe the layers: key, row of the parent (-1 at the base), diff ID, depth, whether the key rests on diff IDs.
    """

    step_layer: Codes
    key: Codes
    parent: Numbers
    diff_id: Codes
    depth: Numbers
    chain: NDArray[np.bool_]


def build_stacks(facts: Facts, config_row: Numbers, steps: Steps) -> Stacks:
    """The ancestry forest of everything in `facts`.

    Parameters
    ----------
    facts : Facts
        With manifests and configurations read.
    config_row : array of int
        For each manifest its row in ``facts.configs``, -1 for none.
    steps : Steps
        Of those manifests.
    """
    rows = np.flatnonzero(steps.on_stack).astype(np.int32)
    owner, blob = steps.manifest[rows], steps.blob[rows]
    height = np.bincount(owner, minlength=len(config_row))
    level = spread(height)[1]
    diff_id = _written_diff_ids(facts, config_row, height, owner, level)
    _learn_diff_ids(facts, blob, diff_id)
    known = np.bincount(owner, diff_id >= 0, len(config_row)) == height
    element = np.where(known[owner], diff_id, blob)
    broken = np.bincount(owner, element < 0, len(config_row)) > 0
    layers = _climb(facts, owner, level, element, known[owner] & ~broken[owner], ~broken[owner])
    layers.diff_id = _diff_id_of_layers(layers, diff_id, element)
    step_layer = np.full(len(steps.manifest), -1, np.int32)
    step_layer[rows] = layers.step_layer
    layers.step_layer = step_layer
    return layers


def _written_diff_ids(facts: Facts, config_row: Numbers, height: Numbers, owner: Codes, level: Codes) -> Codes:
    """The diff ID of each layer where its image's configuration has as many as the manifest has layers."""
    counts = np.asarray(facts.configs["diff_count"], np.int64)
    first = np.concatenate(([0], np.cumsum(np.maximum(counts, 0))))[:-1]
    codes = np.asarray(facts.diff_ids["diff_id"], np.int32)[facts.diffs["diff_id"]]
    has_config = config_row >= 0
    fits = np.zeros(len(config_row), np.bool_)
    fits[has_config] = counts[config_row[has_config]] == height[has_config]
    result = np.full(len(owner), -1, np.int32)
    taken = fits[owner]
    result[taken] = codes[first[config_row[owner[taken]]] + level[taken]]
    differ = has_config & ~fits & (height > 0)
    differ[has_config] &= counts[config_row[has_config]] >= 0
    keys = np.asarray(facts.manifests["manifest"], np.int32)
    for row in np.flatnonzero(differ).tolist():
        detail = f"{counts[config_row[row]]} diff IDs, {height[row]} layers"
        facts.problem("layers-differ", manifest=facts.keys.text(int(keys[row])), detail=detail)
    return result


def _learn_diff_ids(facts: Facts, blob: Codes, diff_id: Codes) -> None:
    """Fill in, in place, the diff IDs that other images' configurations tell of the same blob."""
    both = (blob >= 0) & (diff_id >= 0)
    of_blob = np.full(len(facts.keys), -1, np.int32)
    of_blob[blob[both]] = diff_id[both]
    differ = np.unique(blob[both & (of_blob[blob] != diff_id)])
    told = np.flatnonzero(both & np.isin(blob, differ))
    pairs = np.unique(blob[told].astype(np.int64) << 32 | diff_id[told])
    several = np.split(pairs, np.searchsorted(pairs >> 32, differ))[1:]
    for code, said in zip(differ.tolist(), several, strict=True):
        texts = sorted(facts.keys.texts((said & 0xFFFFFFFF).astype(np.int32)))
        facts.problem("diff-ids-differ", blob=facts.keys.text(code), detail=", ".join(texts))
        of_blob[code] = facts.keys.code(texts[0])
    missing = (blob >= 0) & (diff_id < 0)
    diff_id[missing] = of_blob[blob[missing]]


def _climb(
    facts: Facts, owner: Codes, level: Codes, element: Codes, chain: NDArray[np.bool_], whole: NDArray[np.bool_]
) -> Stacks:
    """Give every step its layer, from the base up, and every layer its key."""
    order = np.argsort(level, kind="stable").astype(np.int32)
    order = order[whole[order]]
    bounds = np.searchsorted(level[order], np.arange(int(level.max(initial=-1)) + 2))
    layer_of = np.full(len(owner), -1, np.int32)
    below = np.full(int(owner.max(initial=-1)) + 1, -1, np.int32)
    texts = _Texts(facts)
    keys: list[Codes] = []
    parents: list[Numbers] = []
    chains: list[NDArray[np.bool_]] = []
    total = 0
    for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        steps = order[start:stop]
        pair = (below[owner[steps]].astype(np.int64) + 1) << 32 | element[steps]
        distinct, place = np.unique(pair, return_inverse=True)
        parent = (distinct >> 32) - 1
        key = texts.chain(parent, (distinct & 0xFFFFFFFF).astype(np.int32), total)
        on_diff_ids = np.zeros(len(distinct), np.bool_)
        on_diff_ids[place[chain[steps]]] = True
        keys.append(key)
        parents.append(parent)
        chains.append(on_diff_ids)
        layer_of[steps] = below[owner[steps]] = total + place
        total += len(distinct)
    depth = np.repeat(np.arange(1, len(keys) + 1), [len(k) for k in keys]) if keys else np.empty(0, np.int64)
    key = np.concatenate(keys) if keys else np.empty(0, np.int32)
    parent = np.concatenate(parents) if keys else np.empty(0, np.int64)
    on_diff_ids = np.concatenate(chains) if keys else np.empty(0, np.bool_)
    return _without_doubles(Stacks(layer_of, key, parent, key, depth, on_diff_ids))


def _without_doubles(layers: Stacks) -> Stacks:
    """One row a key: a configuration may name another chain's ID as its diff ID, to confuse us."""
    _, first, place = np.unique(layers.key, return_index=True, return_inverse=True)
    if len(first) == len(layers.key):
        return layers
    moved = np.append(place, -1)  # -1 stays -1
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
    used = np.flatnonzero((layers.step_layer >= 0) & (diff_id >= 0))
    result[layers.step_layer[used][::-1]] = diff_id[used][::-1]
    on_chain = np.flatnonzero((layers.step_layer >= 0) & (diff_id == element))
    result[layers.step_layer[on_chain][::-1]] = diff_id[on_chain][::-1]
    return result


class _Texts:
    """Keys of growing stacks; keeps the texts of the level made last, on which the next one stands."""

    def __init__(self, facts: Facts) -> None:
        self._keys = facts.keys
        self._below: NDArray[np.bytes_] = np.empty(0, "S1")
        self._first = 0

    def chain(self, parent: Numbers, element: Codes, first: int) -> Codes:
        """Keys of the layers that put `element` on `parent` (a row; -1: a base); `first` is the row of the first."""
        base = parent < 0
        result = np.empty(len(parent), np.int32)
        result[base] = element[base]
        above = np.flatnonzero(~base)
        if len(above):
            texts = self._keys.ascii(element[above]).tolist()
            below = self._below[parent[above] - self._first].tolist()
            sha256 = hashlib.sha256
            hashed = b"".join([sha256(c + b" " + d).digest() for c, d in zip(below, texts, strict=True)])
            result[above] = self._keys.intern_raw(np.frombuffer(hashed, np.uint8).reshape(-1, 32), SHA256)
        self._below, self._first = self._keys.ascii(result), first
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
