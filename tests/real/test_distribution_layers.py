"""Stacks of layers in Distribution's storage, against the API's manifests and chain IDs computed by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.real.distribution import EMPTY_LAYER, sha256
from tests.real.tables import mapping, moment, only, rows

if TYPE_CHECKING:
    from regviz.registry import Registry
    from tests.real.answers import Answers
    from tests.real.content import Content

pytestmark = pytest.mark.real


def chain_ids(diff_ids: list[str]) -> list[str]:
    """Chain IDs from the base up: C1 = D1, Cn = sha256(C(n-1) + " " + Dn) (image-spec config.md)."""
    chain = diff_ids[:1]
    for diff_id in diff_ids[1:]:
        chain.append(sha256(f"{chain[-1]} {diff_id}".encode()))
    return chain


def stack(registry: Registry, manifest: str, *columns: str) -> list[tuple[Any, ...]]:
    """Columns of the layers of a manifest, the base first."""
    table = registry.manifest_layers
    return rows(table[table["manifest"] == manifest], *columns)


def test_layers_are_those_the_manifest_lists(registry: Registry, answers: Answers, content: Content) -> None:
    for digest, served in answers.images().items():
        listed = [layer["digest"] for layer in served.document["layers"]]
        assert stack(registry, digest, "position", "blob", "digest", "empty", "foreign") == [
            (position, content.sha512.get(layer, layer), layer, False, layer == content.foreign)
            for position, layer in enumerate(listed)
        ]


def test_layers_of_schema_1_are_those_it_lists_from_the_base_up(registry: Registry, answers: Answers) -> None:
    assert answers.schema_1()
    for digest, served in answers.schema_1().items():
        listed = [layer["blobSum"] for layer in reversed(served.document["fsLayers"])]
        assert stack(registry, digest, "position", "blob", "digest", "empty", "foreign") == [
            (position, layer, layer, layer == EMPTY_LAYER, False) for position, layer in enumerate(listed)
        ]


def test_stacks_are_the_chain_ids_computed_by_hand(registry: Registry, answers: Answers) -> None:
    top, count = (mapping(registry.manifests, "manifest", name) for name in ("layer", "layer_count"))
    for digest, config in answers.filesystem_images():
        chain = chain_ids(config["rootfs"]["diff_ids"])
        assert (top[digest], count[digest]) == (chain[-1], len(chain))
        assert stack(registry, digest, "layer") == [(layer,) for layer in chain]


def test_layers_are_a_forest_of_chain_ids(registry: Registry, answers: Answers) -> None:
    expected = set()
    for _, config in answers.filesystem_images():
        diff_ids = config["rootfs"]["diff_ids"]
        chain = chain_ids(diff_ids)
        depths = range(1, len(chain) + 1)
        expected |= set(zip(chain, [None, *chain], depths, diff_ids, strict=False))
    assert set(rows(registry.layers, "layer", "parent", "depth", "diff_id")) == expected
    assert len(registry.layers) == len(expected)
    assert set(rows(registry.layers, "basis", "empty")) == {("chain", False)}


def test_layers_were_made_as_their_images_say(registry: Registry, answers: Answers) -> None:
    told: dict[str, set[tuple[Any, ...]]] = {}
    for _, config in answers.filesystem_images():
        steps = [step for step in config.get("history", []) if not step.get("empty_layer")]
        for layer, step in zip(chain_ids(config["rootfs"]["diff_ids"]), steps, strict=False):
            told.setdefault(layer, set()).add((moment(step["created"]), step["created_by"]))
    assert len(told) > 5
    for layer, *made in rows(registry.layers, "layer", "created_at", "created_by"):
        assert tuple(made) in told.get(layer, {(None, None)})


def test_the_same_layers_in_another_format_are_the_same_stack(
    registry: Registry, answers: Answers, content: Content
) -> None:
    """Schema 1 names no diff IDs: they are learnt from the images that share its blobs."""
    top, count = (mapping(registry.manifests, "manifest", name) for name in ("layer", "layer_count"))
    for places in content.same_stack:
        manifests = {answers.tags[place] for place in places}
        assert manifests & answers.schema_1().keys()
        configs = (answers.configs[manifest] for manifest in manifests if manifest in answers.configs)
        (diff_ids,) = {tuple(config["rootfs"]["diff_ids"]) for config in configs}
        chain = chain_ids(list(diff_ids))
        for manifest in manifests:
            assert (top[manifest], count[manifest]) == (chain[-1], len(chain))
            layers = stack(registry, manifest, "layer", "empty")
            assert [layer for layer, empty in layers if not empty] == chain
            assert {layer for layer, empty in layers if empty} <= {None}


def test_what_is_no_image_stands_on_no_layers(registry: Registry, answers: Answers) -> None:
    for digest, kind in answers.kinds.items():
        if kind != "image":
            row = only(registry.manifests, manifest=digest)
            assert (row["layer"], row["layer_count"]) == (None, None)
            assert {layer for (layer,) in stack(registry, digest, "layer")} <= {None}


def test_one_layer_may_have_several_blobs(registry: Registry, answers: Answers, content: Content) -> None:
    gzip, zstd = (answers.tags[place] for place in content.recompressed)
    assert stack(registry, gzip, "layer") == stack(registry, zstd, "layer")
    assert set(stack(registry, gzip, "blob")).isdisjoint(stack(registry, zstd, "blob"))


def test_one_blob_may_be_several_layers(registry: Registry, answers: Answers) -> None:
    twice = answers.tags["a/b/c", "schema2"]
    blobs = stack(registry, twice, "blob")
    assert blobs[0] == blobs[2]
    assert len(set(stack(registry, twice, "layer"))) == 3
