"""Chain IDs and the forest, against hashlib image by image."""

from __future__ import annotations

import hashlib

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from regviz.assemble import stacks
from regviz.facts import Facts


def sha256(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


A, B, C = (sha256(letter) for letter in "abc")
ELEMENTS = st.sampled_from(
    [
        A,
        B,
        C,
        sha256(f"{A} {B}"),  # as a diff ID: the chain ID of another stack
        sha256(f"{sha256(f'{A} {B}')} {C}"),
        "sha512:" + "0f" * 64,
        "tarsum.v1+sha256:" + "1" * 64,
        "",
    ]
)
IMAGES = st.lists(st.tuples(st.lists(ELEMENTS, min_size=1, max_size=6), st.booleans()), max_size=12)


def chain_of(elements: list[str]) -> list[str]:
    """The key of each layer of one image, from the base up."""
    keys: list[str] = []
    for element in elements:
        keys.append(sha256(f"{keys[-1]} {element}") if keys else element)
    return keys


def climb(images: list[tuple[list[str], bool]]) -> tuple[Facts, stacks.Stacks]:
    facts = Facts()
    heights = [len(elements) for elements, _ in images]
    element = facts.keys.intern([element for elements, _ in images for element in elements])
    chain = np.array([on_diff_ids for _, on_diff_ids in images], np.bool_)
    whole = np.array([all(elements) for elements, _ in images], np.bool_)
    return facts, stacks._climb(facts, np.array(heights, np.int32), element, chain & whole, whole)


@given(IMAGES)
@example([])
@example([([A, B, C], True), ([sha256(f"{A} {B}"), C], True), ([A, B, C], False)])
@example([([A] * 6, True), ([A, "", B], True), ([A, A], False)])
def test_each_step_has_the_layer_that_its_image_alone_would_have(images: list[tuple[list[str], bool]]) -> None:
    facts, layers = climb(images)
    keys = facts.keys.texts(layers.key)
    expected = [key if all(elements) else None for elements, _ in images for key in chain_of(elements)]
    assert [None if at < 0 else keys[at] for at in layers.step_layer.tolist()] == expected
    assert len(keys) == len({*keys})
    assert {*keys} == {key for key in expected if key is not None}


@given(IMAGES)
def test_each_layer_lies_where_some_image_has_it(images: list[tuple[list[str], bool]]) -> None:
    facts, layers = climb(images)
    keys = facts.keys.texts(layers.key)
    places: dict[str, dict[tuple[str | None, int], bool]] = {}
    for elements, on_diff_ids in images:
        chain = chain_of(elements) if all(elements) else []
        for depth, (key, parent) in enumerate(zip(chain, [None, *chain], strict=False), 1):
            known = places.setdefault(key, {})
            known[parent, depth] = known.get((parent, depth), False) or on_diff_ids
    for row, key in enumerate(keys):
        below, depth = int(layers.parent[row]), int(layers.depth[row])
        place = (None if below < 0 else keys[below], depth)
        assert place in places[key]
        assert bool(layers.chain[row]) == places[key][place]


def test_many_images_are_hashed_in_parts() -> None:
    """More at one level than are hashed together, some of them on what has another algorithm, or of it."""
    count = stacks._PART + 300
    images = []
    for number in range(count):
        other = f"sha512:{number:0128x}"
        base, second = (sha256(f"{number}") if number % 100 else other), (A if number % 150 else other)
        images.append(([base, second, B], True))
    facts, layers = climb(images)
    found = facts.keys.texts(layers.key[layers.step_layer[2::3]])
    assert found == [chain_of(elements)[-1] for elements, _ in images]
    assert len(layers.key) == 3 * count
