"""Digests, JSON, times, tar, gzip and zstd against the programs and standards they follow."""

from __future__ import annotations

import datetime as dt
import gzip as standard_gzip
import hashlib
import io
import json
import re
import tarfile
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from regviz.world import chain_ids, digest
from regviz.world.compress import GZIP_OF_EMPTY_TAR, GZIP_OF_NOTHING, gzip, zstd
from regviz.world.contents import noise, prose
from regviz.world.encode import EMPTY_TAR, go_json, go_time, tar

if TYPE_CHECKING:
    from pathlib import Path

# Runs, repeated pieces and incompressible bytes: what match lengths, distances and zero blocks are tried on.
PIECES = st.one_of(
    st.binary(max_size=40),
    st.builds(lambda piece, times: piece * times, st.binary(min_size=1, max_size=5), st.integers(1, 400)),
    st.builds(bytes, st.integers(0, 2000)),
)
DATA = st.lists(PIECES, max_size=12).map(b"".join)
LONG = [
    noise("long", 70_000),
    prose("long", 70_000),
    bytes(140_000),
    noise("far", 40_000) * 2 + bytes(200_000) + b"end",
]


@given(DATA)
def test_gzip_is_read_by_zlib(data: bytes) -> None:
    assert standard_gzip.decompress(gzip(data)) == data
    assert standard_gzip.decompress(gzip(data, compress=False)) == data


@given(DATA)
def test_zstd_is_read_by_libzstd(data: bytes) -> None:
    assert zstandard.ZstdDecompressor().decompressobj().decompress(zstd(data)) == data


@pytest.mark.parametrize("data", LONG, ids=["noise", "prose", "zeros", "mixed"])
def test_inputs_longer_than_a_window_or_a_block(data: bytes) -> None:
    assert standard_gzip.decompress(gzip(data)) == data
    assert standard_gzip.decompress(gzip(data, compress=False)) == data
    frame = zstd(data)
    assert zstandard.ZstdDecompressor().decompressobj().decompress(frame) == data
    assert zstandard.frame_content_size(frame) == len(data)


def test_gzip_compresses_text_and_never_blows_up_noise() -> None:
    assert len(gzip(prose("text", 20_000))) < 12_000
    # RFC 1951: a stored block adds 5 bytes to at most 65,535; RFC 1952: header and trailer are 18.
    assert len(gzip(noise("noise", 20_000))) == 20_000 + 5 + 18


def test_the_empty_layers_have_the_digests_everybody_knows() -> None:
    assert standard_gzip.decompress(GZIP_OF_NOTHING) == b""
    assert standard_gzip.decompress(GZIP_OF_EMPTY_TAR) == EMPTY_TAR
    assert digest(GZIP_OF_EMPTY_TAR) == "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4"
    assert len(GZIP_OF_NOTHING) == 23
    assert digest(GZIP_OF_NOTHING).startswith("sha256:1775fca3")
    assert digest(EMPTY_TAR) == "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
    assert gzip(EMPTY_TAR) == GZIP_OF_EMPTY_TAR


NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0"),
    min_size=1,
    max_size=70,
)
PATHS = st.lists(NAMES.filter(lambda name: name not in {".", ".."}), min_size=1, max_size=4).map("/".join)


@given(st.dictionaries(PATHS, st.binary(max_size=1200), max_size=6))
def test_tar_is_read_by_tarfile(files: dict[str, bytes]) -> None:
    data = tar((tarfile.TarInfo(path), content) for path, content in files.items())
    assert len(data) % 512 == 0
    with tarfile.open(fileobj=io.BytesIO(data)) as opened:
        read = {member.name: opened.extractfile(member) for member in opened.getmembers()}
        assert {name: file.read() for name, file in read.items() if file} == files


@given(st.datetimes(timezones=st.just(dt.UTC)))
def test_times_are_rfc_3339_without_trailing_zeros(moment: dt.datetime) -> None:
    text = go_time(moment)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,5}[1-9])?Z", text)
    assert dt.datetime.fromisoformat(text) == moment


def test_json_is_what_docker_wrote(shared_dumps: Path) -> None:
    """Every image JSON of a real push, parsed and written again, is the same bytes."""
    written = _members(shared_dumps / "v1-article-0.6.6.tar", r".*/images/[^/]+/json")
    assert len(written) == 16
    assert [go_json(json.loads(content)) for content in written.values()] == list(written.values())


def test_schema_2_is_indented_as_docker_did(shared_dumps: Path) -> None:
    manifests = [
        content
        for content in _members(shared_dumps / "v2-small-filesystem.tar", r".*/data").values()
        if content.startswith(b'{\n   "schemaVersion": 2')
    ]
    assert manifests
    assert [go_json(json.loads(content), indent=3) for content in manifests] == manifests


def test_chain_ids_by_the_formula() -> None:
    diff_ids = [digest(bytes([number])) for number in range(3)]
    second = "sha256:" + hashlib.sha256(f"{diff_ids[0]} {diff_ids[1]}".encode()).hexdigest()
    third = "sha256:" + hashlib.sha256(f"{second} {diff_ids[2]}".encode()).hexdigest()
    assert chain_ids(diff_ids) == [diff_ids[0], second, third]
    assert chain_ids([]) == []


def test_chain_ids_are_docker_s(shared_dumps: Path) -> None:
    """An engine names a layer's folder by its chain ID, and keeps the parent's and the diff ID in it."""
    found = _members(shared_dumps / "dockerd-20.10-image-meta.tar", r".*/layerdb/sha256/[0-9a-f]{64}/(diff|parent)")
    layers: dict[str, dict[str, str]] = {}
    for path, content in found.items():
        _, chain, kind = path.rsplit("/", 2)
        layers.setdefault(f"sha256:{chain}", {})[kind] = content.decode()

    def stack(chain: str) -> list[str]:
        layer = layers[chain]
        return [*(stack(layer["parent"]) if "parent" in layer else []), layer["diff"]]

    assert len(layers) > 10
    assert [chain_ids(stack(chain))[-1] for chain in layers] == list(layers)


def _members(archive: Path, pattern: str) -> dict[str, bytes]:
    found = {}
    with tarfile.open(archive) as opened:
        for member in opened:
            if re.fullmatch(pattern, member.name):
                file = opened.extractfile(member)
                assert file is not None
                found[member.name] = file.read()
    return found
