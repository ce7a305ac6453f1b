"""What is compiled finds what Python finds; what is odd it leaves to Python."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regviz import native
from regviz.facts import Facts
from regviz.interning import RawRows
from regviz.manifests import media_types as mt
from regviz.manifests.config import ConfigReader
from regviz.manifests.manifest import ManifestReader
from regviz.native import directories, documents
from regviz.read import read
from regviz.storage.folder import Folder
from tests.helpers import Store, assert_same_tables, image_config, image_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

MASK = (1 << 64) - 1


@pytest.fixture(autouse=True)
def _needs_the_library() -> None:
    if not native.is_there():
        message = (
            "no compiled library: with a C compiler (Debian: apt-get install gcc libc6-dev), run `make clean test`"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def siphash(data: bytes, key: bytes) -> tuple[int, int]:
    """SipHash-1-3 with 128 bits, written down from the paper's pictures (figure 2.1, section 2; the 128-bit variant's marks)."""
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D ^ 0xEE, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def left(word: int, by: int) -> int:
        return (word << by | word >> (64 - by)) & MASK

    def sip_round() -> None:
        v[0] = (v[0] + v[1]) & MASK
        v[1] = left(v[1], 13) ^ v[0]
        v[0] = left(v[0], 32)
        v[2] = (v[2] + v[3]) & MASK
        v[3] = left(v[3], 16) ^ v[2]
        v[0] = (v[0] + v[3]) & MASK
        v[3] = left(v[3], 21) ^ v[0]
        v[2] = (v[2] + v[1]) & MASK
        v[1] = left(v[1], 17) ^ v[2]
        v[2] = left(v[2], 32)

    padded = data + bytes(-(len(data) + 1) % 8) + bytes([len(data) % 256])
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at : at + 8], "little")
        v[3] ^= word
        sip_round()
        v[0] ^= word
    v[2] ^= 0xEE
    words = []
    for mark in (0, 0xDD):
        v[1] ^= mark
        for _ in range(3):
            sip_round()
        words.append(v[0] ^ v[1] ^ v[2] ^ v[3])
    return words[0], words[1]


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5), st.binary(min_size=16, max_size=16))
def test_parts_of_a_text_are_hashed(parts: list[bytes], key: bytes) -> None:
    ends = np.cumsum([*map(len, parts)])
    words = native.hashes(b"".join(parts), native.Bounds(np.append(0, ends[:-1]), ends), key)
    assert [*map(tuple, words.tolist())] == [siphash(part, key) for part in parts]


WANTED = documents.Members(dict.fromkeys(("a", "b", "b/c", "b/a", "d.e"), documents.ANYTHING))
NAMES = st.sampled_from(["a", "b", "c", "d.e", "aa", "", "\u00e9", '"', "\\"])
JSON: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        *(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
        *(st.text(max_size=4), st.text('a"\\\n', max_size=4)),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=12,
)


def expected(document: Any) -> list[Any]:
    inner = document.get("b")
    inner = inner if isinstance(inner, dict) else {}
    every = (document, "a"), (document, "b"), (inner, "c"), (inner, "a"), (document, "d.e")
    return [of.get(name, "nothing") for of, name in every]


def looked_up(data: list[bytes]) -> list[list[Any] | None]:
    texts = native.Texts.of(data)
    (starts, ends), good, _ = documents.fields(texts, WANTED)
    return [
        [
            "nothing" if start < 0 else json.loads(texts.data[start:end])
            for start, end in zip(starts[:, at].tolist(), ends[:, at].tolist(), strict=True)
        ]
        if good[at]
        else None
        for at in range(len(data))
    ]


@given(st.lists(st.tuples(st.dictionaries(NAMES, JSON, max_size=5), st.sampled_from([None, 2])), max_size=5))
def test_members_are_where_a_parser_finds_them(given_documents: list[tuple[dict[str, Any], int | None]]) -> None:
    data = [json.dumps(document, indent=indent).encode() for document, indent in given_documents]
    for text, (document, _), found in zip(data, given_documents, looked_up(data), strict=True):
        if found is None:  # left to Python: a name that is written with an escape, half of a surrogate pair
            assert b"\\" in text
        else:
            assert found == expected(document)


SPOILS = st.sampled_from(
    [
        b"",
        b"\0",
        b"\xff",
        b'"',
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"0",
        b"-",
        b".",
        b"e",
        b"nul",
        b"NaN",
        b"\t",
        b"\x01",
    ]
)


@settings(max_examples=500)
@given(st.dictionaries(NAMES, JSON, max_size=5), st.data())
def test_what_is_no_json_is_left_to_python(document: dict[str, Any], data: st.DataObject) -> None:
    text = json.dumps(document, ensure_ascii=data.draw(st.booleans())).encode("utf-8", "surrogatepass")
    at, to = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    to = min(to, at + 3)
    text = text[:at] + data.draw(SPOILS) + text[to:]
    [found] = looked_up([text])
    if found is not None:
        names = [name for name, _ in json.loads(text, object_pairs_hook=list, parse_constant=int)]
        assert len({*names} & {"a", "b", "d.e"}) == sum(name in ("a", "b", "d.e") for name in names)
        assert found == expected(json.loads(text))


@pytest.mark.parametrize(
    "text",
    [
        *(
            b"",
            b"{",
            b"[]",
            b"null",
            b'{"a": 1}}',
            b'{"a": 1} x',
            b'{"a": 01}',
            b'{"a": 1.}',
            b'{"a": -}',
            b'{"a": 1e}',
        ),
        *(
            b'{"a": .5}',
            b'{"a": +1}',
            b'{"a": tru}',
            b'{"a" 1}',
            b'{"a": 1,}',
            b"{a: 1}",
            b'{"a": [1,]}',
            b'{"a": "\t"}',
        ),
        *(
            rb'{"a": "\x"}',
            rb'{"a": "\u12"}',
            rb'{"a": "\ud800"}',
            rb'{"a": "\udfff"}',
            rb'{"\u0061": 1}',
            b'{"a": 1, "a": 2}',
        ),
        *(
            b'{"b": {"c": 1, "c": 1}}',
            b'{"a": "\xc3\xa9"}',
            b"\xef\xbb\xbf{}",
            b'{"a": ' + b"[" * 70 + b"]" * 70 + b"}",
        ),
    ],
)
def test_odd_json_is_left_to_python(text: bytes) -> None:
    assert looked_up([b'{"a": 1}', text, b"{}"]) == [[1, *["nothing"] * 4], None, ["nothing"] * 5]


@given(st.lists(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([0, MASK])), max_size=6), max_size=8))
def test_rows_get_the_same_codes(batches: list[list[tuple[int, int]]]) -> None:
    one, other = RawRows(2), RawRows(2)
    pairs = set()
    for number, batch in enumerate(batches):
        rows = np.array(batch, np.uint64).reshape(-1, 2)
        natively = one.intern(rows, number % 3)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(native, "library", lambda: None)
            pairs |= {*zip(natively.tolist(), other.intern(rows, number % 3).tolist(), strict=True)}
        assert one.words[natively].tolist() == rows.tolist()
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(one) == len(other)


def odd_directory(root: Path) -> list[bytes]:
    """One of each thing that a name can be."""
    (root / "file").write_bytes(b"12345")
    (root / "empty").write_bytes(b"")
    (root / "directory").mkdir()
    (root / "link").symlink_to("file")
    (root / "dangling").symlink_to("nowhere")
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "socket"))
    os.utime(root / "file", ns=(0, -1_500))
    return [os.fsencode(name) for name in sorted(path.name for path in root.iterdir())] + [
        b"nothing",
        b"x" * 300,
        b"y" * 5000,
    ]


def test_facts_are_those_of_lstat(tmp_path: Path, place: int) -> None:
    names = odd_directory(tmp_path)
    found = native.look(place, names, b"")
    assert found is not None
    for at, name in enumerate(names):
        try:
            facts = os.lstat(tmp_path / os.fsdecode(name))
        except OSError:
            assert found.modes[at] == 0
            continue
        expected = facts.st_mode, facts.st_size, facts.st_mtime_ns // 1000, facts.st_blocks * 512, facts.st_ino
        assert tuple(column[at] for column in found) == expected


def test_only_whole_regular_files_are_read(tmp_path: Path, place: int) -> None:
    names = odd_directory(tmp_path)
    exactly, measured = native.read(place, names, [5] * len(names)), native.read_whole(place, names, 9)
    assert exactly is not None
    assert measured is not None
    texts, good, facts = measured
    is_file = [name == b"file" for name in names]
    assert [content == b"12345" for content in exactly] == good.tolist() == is_file
    assert [content is not None for content in exactly] == is_file
    assert texts.take(np.arange(len(texts))) == [b"12345"]
    assert facts.sizes[names.index(b"file")] == 5
    too_long = native.read_whole(place, [b"file"], 4)
    assert too_long is not None
    assert (len(too_long[0]), too_long[1].tolist()) == (0, [False])


def test_what_finds_no_room_is_left_to_python(tmp_path: Path, place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [b"%d" % number for number in range(5)]
    for name in names:
        (tmp_path / os.fsdecode(name)).write_bytes(name * 9)
    monkeypatch.setattr(native, "_AT_ONCE", 32)
    found = native.read_whole(place, names, 9)
    assert found is not None
    assert found[1].tolist() == [True] * 3 + [False] * 2
    assert found[0].take(np.arange(3)) == [name * 9 for name in names[:3]]
    assert native.read(place, names, [9] * 5) == [name * 9 for name in names]


def test_nothing_that_a_link_leads_to_is_read(tmp_path: Path, place: int) -> None:
    outside = tmp_path / "outside/x/current"
    outside.mkdir(parents=True)
    (outside / "link").write_bytes(b"secret")
    (tmp_path / "tag").symlink_to("outside/x")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/current").symlink_to("../outside/x/current")
    found = native.read_links(place, [b"tag", b"other", b"outside/x"], b"/current", b"/link", 512)
    assert found is not None
    assert found[0] == [None, None, b"secret"]
    read_at_once = native.read_whole(place, [b"tag/current/link", b"outside/x/current/link"], 9)
    assert read_at_once is not None
    assert (read_at_once[0].take(np.arange(1)), read_at_once[1].tolist()) == ([b"secret"], [False, True])


def test_names_with_a_zero_byte_are_left_to_python(place: int) -> None:
    assert native.look(place, [b"a\0b"], b"") is None
    assert native.lone(place, [(b"a\0b", b"")]) is None


def test_a_listing(tmp_path: Path) -> None:
    names = {f"directory-{number}" for number in range(3000)} | {"\udcff"}
    for name in names:
        (tmp_path / name).mkdir()
    found = directories.list_names(os.fsencode(tmp_path))
    assert found is not None
    assert (sorted(found[0]), found[1]) == (sorted(map(os.fsencode, names)), [])
    (tmp_path / "file").touch()
    found = directories.list_names(os.fsencode(tmp_path))
    assert found is not None
    assert (len(found[0]), found[1]) == (len(names), [b"file"])
    assert directories.list_names(os.fsencode(tmp_path / "file")) is None
    (tmp_path / "link").symlink_to("file")
    assert directories.list_names(os.fsencode(tmp_path)) is None
    listing = Folder(str(tmp_path)).children(b"")
    assert (len(listing.directories), listing.files, listing.links) == (len(names), [b"file"], [b"link"])


def test_documents_that_are_not_where_they_should_be() -> None:
    """A directory of the store of blobs that is a link leads nowhere, by either way of reading."""
    config = image_config([b"layer"])
    manifest = json.dumps(image_manifest(config, [b"layer"])).encode()
    with TemporaryDirectory() as name:
        root = Path(name) / "storage"
        store = Store(root)
        digests = [store.blob(data) for data in (b"layer", config, manifest)]
        store.tag("library/app", "latest", digests[2])
        prefix = next(path for path in root.rglob(digests[2][7:9]) if path.is_dir())
        prefix.rename(Path(name) / "outside")
        prefix.symlink_to(Path(name) / "outside")
        natively = read(root)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(native, "library", lambda: None)
            plainly = read(root)
    assert not natively.manifests["present"].any()
    assert_same_tables(natively, plainly)


def test_a_library_of_another_version_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "native.c"
    other.write_bytes(native.SOURCES[-1].read_bytes() + b"\n")
    native.library.cache_clear()
    monkeypatch.setattr(native, "SOURCES", (*native.SOURCES[:-1], other))
    assert native.library() is None
    native.library.cache_clear()
    monkeypatch.undo()
    assert native.library() is not None


def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    native.library.cache_clear()
    monkeypatch.setenv(native.SWITCH, "0")
    assert not native.is_there()
    monkeypatch.undo()
    native.library.cache_clear()
    assert native.is_there()


def test_usual_documents_are_looked_through_natively() -> None:
    """Else tests of both ways (tests/manifests) would compare the plain one with itself."""
    facts, digests = Facts(), [f"sha256:{number:064x}" for number in range(2)]
    manifests, configs = ManifestReader(facts), ConfigReader(facts)
    manifests._plain = None  # type: ignore[assignment, method-assign]
    configs._decode = None  # type: ignore[assignment]
    layer = {"digest": digests[1], "size": 3, "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip"}
    config = {"digest": digests[0], "size": 2, "mediaType": "application/vnd.oci.image.config.v1+json"}
    manifest = {"schemaVersion": 2, "mediaType": mt.OCI_MANIFEST, "config": config, "layers": [layer] * 2}
    many = [json.dumps(manifest | {"annotations": {"number": str(number)}}).encode() for number in range(9)]
    manifests._layers._read = None  # type: ignore[assignment, method-assign]
    manifests.read_many(enumerate(many))
    configs.read_many([(number, b'{"os": "linux", "history": [{"created_by": "x"}]}') for number in range(9)])
    facts.spill(0)
    assert (len(facts.descriptors), facts.steps["descriptor"].tolist()) == (1, [0] * 18)
    assert (len(facts.words), facts.history["word"].tolist()) == (1, [0] * 9)
