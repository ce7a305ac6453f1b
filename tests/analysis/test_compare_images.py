"""Images on one grid: the alignment against a slow one, the verdicts on images made for them, the bytes by hand."""

from __future__ import annotations

import gzip
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regviz.analysis import compare_images
from regviz.analysis.comparison.align import SAME_BYTES, SAME_CONTENT, SAME_EMPTY, SAME_INSTRUCTION, Rows, align
from regviz.analysis.comparison.stacks import instruction
from regviz.analysis.comparison.verdict import VERDICTS
from regviz.errors import RegvizError
from regviz.read import read
from tests.analysis.lineage_oracle import woods_of
from tests.analysis.test_answers import index
from tests.conftest import ROOT
from tests.helpers import Store, V1Store, compressed, image_config, image_id, image_manifest, rows
from tests.random_registry import random_registry

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

WORLD = ROOT / "data" / "world-distribution.tar.gz"
Layer = tuple[int, int, int, bool]

layers = st.tuples(st.integers(0, 4), st.integers(-1, 3), st.integers(-1, 3), st.booleans())


def weight(one: Layer, other: Layer) -> int:
    """What two layers weigh, as the notes of `align` say it."""
    alike = one[2] == other[2] >= 0
    if one[3] != other[3]:
        content = 0
    elif one[3]:
        content = SAME_EMPTY if one[0] == other[0] or alike else 0
    else:
        content = SAME_BYTES if one[0] == other[0] else SAME_CONTENT if one[1] == other[1] >= 0 else 0
    return content + (SAME_INSTRUCTION if alike else 0)


def as_rows(stack: list[Layer]) -> Rows:
    digest, diff_id, said = (np.array([layer[at] for layer in stack], np.int64).reshape(-1, 1) for at in range(3))
    return Rows(digest, diff_id, said, np.array([layer[3] for layer in stack], np.bool_))


@given(st.lists(layers, max_size=9), st.lists(layers, max_size=9))
def test_no_alignment_weighs_more(one: list[Layer], other: list[Layer]) -> None:
    pairs = align(as_rows(one), as_rows(other))

    @cache
    def most(i: int, j: int) -> int:
        if i == len(one) or j == len(other):
            return 0
        return max(most(i + 1, j), most(i, j + 1), weight(one[i], other[j]) + most(i + 1, j + 1))

    assert sum(weight(one[i], other[j]) for i, j in pairs) == most(0, 0)
    assert all(weight(one[i], other[j]) > 0 for i, j in pairs)
    assert pairs == sorted(set(pairs))
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)


def test_long_stacks_are_aligned_in_little_memory() -> None:
    many = np.arange(3000).reshape(-1, 1)
    first = Rows(many, many, many, np.zeros(3000, np.bool_))
    second = Rows(many[500:], many[500:], many[500:], np.zeros(2500, np.bool_))
    assert align(first, second) == [(place + 500, place) for place in range(2500)]


def test_the_hash_of_what_was_copied_is_no_part_of_an_instruction() -> None:
    said = "/bin/sh -c #(nop) COPY multi:{} in /srv/ "
    assert instruction(said.format("ab" * 32)) == instruction(said.format("cd" * 32)) != instruction(said.format("ab"))
    assert instruction("RUN sha256sum file:x") == "RUN sha256sum file:x"
    assert instruction(None) is instruction("  ") is None


# --- verdicts

ROOTFS, TOOLS, APP, MORE = (name.encode() * 400 for name in ("root", "tool", "app1", "more"))


class Builder:
    """Images of which each layer has an instruction."""

    def __init__(self, root: Path) -> None:
        self.store = Store(root)

    def image(self, tag: str, *steps: tuple[str, bytes | None], level: int = 6, **more: Any) -> None:
        """Steps without content make no layer."""
        contents = [content for _, content in steps if content is not None]
        history = [
            {"created_by": said} | ({} if content is not None else {"empty_layer": True}) for said, content in steps
        ]
        config = image_config(contents, history=history, **more)
        blobs = [gzip.compress(content, level, mtime=0) for content in contents]
        for blob in (config, *blobs):
            self.store.linked_blob("app", blob)
        self.store.push("app", image_manifest(config, blobs), tag)

    def compare(self, *tags: str, **options: Any) -> pd.DataFrame:
        return compare_images(read(self.store.root), [f"app:{tag}" for tag in tags], **options)


BASE = ("ADD rootfs /", ROOTFS)
INSTALL = ("RUN install", TOOLS)
COPY = ("COPY app /", APP)


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    made = Builder(tmp_path)
    made.image("1", BASE, INSTALL, COPY)
    return made


CASES: dict[str, tuple[Any, ...]] = {
    "same": (BASE, INSTALL, COPY),
    "reconfigured": (BASE, ("ENV X=1", None), INSTALL, COPY),
    "rebuilt": (BASE, INSTALL, ("COPY app /", MORE)),
    "derived": (BASE, INSTALL, COPY, ("RUN more", MORE)),
    "base": (BASE, INSTALL),
    "squashed": (BASE, ("RUN install", None), ("COPY app /", None), ("CMD app", TOOLS + APP)),
    "rebased": (("ADD other /", MORE), ("RUN install", TOOLS + b"2"), ("COPY app /", APP + b"2")),
    "changed": (BASE, ("RUN install --all", MORE), ("COPY app /", APP + b"2")),
    "different": (("ADD other /", MORE), ("RUN other", MORE + b"2")),
}


@pytest.mark.parametrize("verdict", CASES)
def test_each_verdict(verdict: str, builder: Builder) -> None:
    builder.image("2", *CASES[verdict])
    assert builder.compare("1", "2").attrs["verdicts"] == [verdict]
    back = {"derived": "base", "base": "derived", "squashed": "unsquashed"}.get(verdict, verdict)
    assert builder.compare("2", "1").attrs["verdicts"] == [back]


def test_recompressed(builder: Builder) -> None:
    builder.image("2", BASE, INSTALL, COPY, level=1)
    table = builder.compare("1", "2")
    assert table.attrs["verdicts"] == ["recompressed"]
    assert table["match"].tolist() == ["diff_id"] * 3
    assert table.attrs["shared_bytes"] == 0


def test_every_verdict_is_explained_and_tried() -> None:
    assert {*CASES, "recompressed", "unsquashed"} == {*VERDICTS}


def test_layers_kept_on_another_base_are_rebased(builder: Builder) -> None:
    builder.image("2", ("ADD rootfs /", MORE), INSTALL, COPY)  # as `crane rebase` leaves it
    assert builder.compare("1", "2").attrs["verdicts"] == ["rebased"]


def test_all_built_again_from_nothing_is_rebuilt(builder: Builder) -> None:
    builder.image("2", *((said, content + b"2") for said, content in (BASE, INSTALL, COPY)))
    assert builder.compare("1", "2").attrs["verdicts"] == ["rebuilt"]


def test_tagged_bases_tell_a_rebase_where_instructions_cannot(builder: Builder) -> None:
    again = [(said, content + b"2") for said, content in (BASE, INSTALL, COPY)]
    builder.image("2", *again)
    builder.image("base-1", BASE)
    builder.image("base-2", again[0])
    assert builder.compare("1", "2").attrs["verdicts"] == ["rebased"]


def test_a_middle_base_tells_a_rebase_too(builder: Builder) -> None:
    builder.image("tools-1", BASE, INSTALL)
    builder.image("tools-2", BASE, ("RUN install --new", MORE))
    builder.image("2", BASE, ("RUN install --new", MORE), ("COPY app /", APP + b"2"))
    assert builder.compare("1", "2").attrs["verdicts"] == ["rebased"]


# --- the grid


def test_the_grid_of_a_rebuilt_image(builder: Builder) -> None:
    builder.image("2", BASE, INSTALL, ("COPY app /", MORE))
    table = builder.compare("1", "2")
    length = [len(compressed(content)) for content in (ROOTFS, TOOLS, APP, MORE)]
    assert rows(table, "match", "created_by", "position_1", "position_2", "bytes_1", "bytes_2") == [
        ("digest", "ADD rootfs /", 0, 0, length[0], length[0]),
        ("digest", "RUN install", 1, 1, length[1], length[1]),
        ("instruction", "COPY app /", 2, 2, length[2], length[3]),
    ]
    assert table.attrs["shared_bytes"] == length[0] + length[1]
    assert table.attrs["distinct_bytes"] == sum(length)
    first, second = table.attrs["images"]
    assert (first["layer_bytes"], second["layer_bytes"]) == (sum(length[:3]), sum([*length[:2], length[3]]))
    assert (first["verdict"], second["verdict"], second["reference"]) == (None, "rebuilt", "app:2")


def test_many_images_on_one_grid(builder: Builder) -> None:
    builder.image("2", BASE, ("RUN two", MORE), COPY)
    builder.image("3", BASE, ("RUN three", MORE + b"3"), COPY)
    table = builder.compare("1", "2", "3")
    assert rows(table, "match", "created_by", "position_1", "position_2", "position_3") == [
        ("digest", "ADD rootfs /", 0, 0, 0),
        ("none", "RUN install", 1, None, None),
        ("none", "RUN two", None, 1, None),
        ("none", "RUN three", None, None, 1),
        ("digest", "COPY app /", 2, 2, 2),
    ]
    assert table.attrs["verdicts"] == ["changed", "changed"]


@pytest.mark.parametrize("seed", range(12))
def test_a_grid_has_every_stack_in_its_order(seed: int, tmp_path: Path) -> None:
    random_registry(tmp_path, seed)
    reg, woods = read(tmp_path), woods_of(tmp_path)
    asked = sorted(each.manifest for each in woods.pictures.values() if each.keys)[:6]
    if len(asked) < 2:
        asked = asked * 2
    if not asked:
        pytest.fail("a registry without images: take another seed")
    table = compare_images(reg, asked)
    for number, manifest in enumerate(asked, 1):
        picture = woods.pictures[manifest]
        own = table[table[f"position_{number}"].notna()]
        lengths = [woods.stored.get(blob) for blob in picture.blobs]
        assert own[f"position_{number}"].tolist() == list(picture.positions)
        assert own[f"blob_{number}"].tolist() == list(picture.blobs)
        stored = own[f"bytes_{number}"].tolist()
        assert all(length in (None, said) for length, said in zip(lengths, stored, strict=True))
    for record in table.to_dict("records"):
        blobs = [record[f"blob_{number}"] for number in range(1, len(asked) + 1)]
        there = [blob for blob in blobs if isinstance(blob, str)]
        assert (record["match"] == "none") == (len(there) == 1)
        assert (record["match"] == "digest") == (len(there) > 1 and len(set(there)) == 1)


# --- what can be asked


def test_of_an_index_the_platform_that_all_have(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = {name: store.image("app", [name.encode()], architecture=name) for name in ("amd64", "arm64", "s390x")}
    content = {name: store.blob_path(digest).read_bytes() for name, digest in made.items()}
    store.push("app", index(content["arm64"], content["amd64"]), "two")
    store.push("app", index(content["s390x"], content["arm64"], content["amd64"]), "three")
    store.push("app", index(content["s390x"], content["arm64"]), "far")
    reg = read(tmp_path)

    def platforms(*images: str, **options: Any) -> list[str]:
        return [image["platform"] for image in compare_images(reg, images, **options).attrs["images"]]

    assert platforms("app:two", "app:three") == ["linux/amd64"] * 2
    assert platforms("app:two", "app:far") == ["linux/arm64"] * 2
    assert platforms(made["s390x"], "app:three") == ["linux/s390x"] * 2
    assert platforms(made["s390x"], "app:two") == ["linux/s390x", "linux/amd64"]
    assert platforms("app:two", "app:three", platform="linux/arm64") == ["linux/arm64"] * 2
    with pytest.raises(RegvizError, match="no image for linux/s390x; it has linux/amd64, linux/arm64"):
        platforms("app:two", "app:three", platform="linux/s390x")


def test_images_of_two_registries(tmp_path: Path) -> None:
    for name, content in (("one", b"1"), ("two", b"2")):
        (tmp_path / name).mkdir()
        Store(tmp_path / name).image("app", [b"base", content], "1")
    one, two = (read(tmp_path / name) for name in ("one", "two"))
    table = compare_images(one, ["app:1", (two, "app:1")])
    assert table["match"].tolist() == ["digest", "none", "none"]
    assert [image["source"] for image in table.attrs["images"]] == [str(tmp_path / "one"), str(tmp_path / "two")]


def test_what_cannot_be_compared_is_said() -> None:
    reg = read(WORLD)
    with pytest.raises(RegvizError, match="two images or more"):
        compare_images(reg, ["library/base:12"])
    with pytest.raises(RegvizError, match="is no image"):
        compare_images(reg, ["library/base:12", "charts/web:1.2.0"])
    with pytest.raises(RegvizError, match="near it are"):
        compare_images(reg, ["library/base:12", "library/base:13"])


def test_v1_images_need_no_tag(tmp_path: Path) -> None:
    store = V1Store(tmp_path)
    ids = [image_id(number) for number in range(4)]
    for number, name in enumerate(ids):
        command = {"container_config": {"Cmd": [f"step {number}"]}}
        store.image(name, ids[:number][::-1], layer=b"x" * 100 * (number + 1), **command)
    store.tag("library/app", "1", ids[3])
    table = compare_images(read(tmp_path), [ids[1], "app:1", ids[2]])
    assert rows(table, "match", "created_by", "position_1", "position_2", "position_3", "bytes_2") == [
        ("digest", "step 0", 0, 0, 0, 100),
        ("digest", "step 1", 1, 1, 1, 200),
        ("digest", "step 2", None, 2, 2, 300),
        ("none", "step 3", None, 3, None, 400),
    ]
    assert table.attrs["verdicts"] == ["derived", "base"]


def test_the_shipped_worlds_recompressed_image() -> None:
    table = compare_images(read(WORLD), ["team/web:2.0", "team/web:2.0-zstd"])
    assert table.attrs["verdicts"] == ["recompressed"]
    woods = woods_of(WORLD)
    for number, tag in ((1, "2.0"), (2, "2.0-zstd")):
        [manifest] = woods.tags["team/web", tag]
        assert table[f"bytes_{number}"].tolist() == [woods.stored[blob] for blob in woods.pictures[manifest].blobs]
