"""The quick way of reading a document finds what the lenient one finds, whatever the document is."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regviz import native
from regviz.columns import Rows
from regviz.facts import Facts
from regviz.manifests import batches
from regviz.manifests import media_types as mt
from regviz.manifests.config import ConfigReader
from regviz.manifests.manifest import ManifestReader
from regviz.manifests.memo import Memo, decoding
from regviz.native import documents

DIGESTS = [f"sha256:{number:064x}" for number in range(4)]
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, 1, -1, 1 << 70, 1.5, "", "x", "é\u0000", "\ud800", [], {}, [[]], [None], {"digest": 7}, {"a": {}}]
)


def mostly(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The usual, and now and then anything."""
    return st.one_of(usual, usual, usual, usual, ODD)


def objects(keys: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """Objects in which each key may be missing or hold something odd."""
    return st.fixed_dictionaries({}, optional={key: mostly(value) for key, value in keys.items()})


TYPES = st.sampled_from(
    [
        "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        *sorted(mt.IMAGE_CONFIGS),
        mt.IN_TOTO,
        mt.HELM_CONFIG,
        mt.EMPTY,
    ]
)
DESCRIPTOR = objects(
    {
        "digest": st.sampled_from([*DIGESTS, "sha512:" + "ab" * 64, "latest"]),
        "size": st.integers(0, 9),
        "mediaType": TYPES,
        "urls": st.just(["https://example.org/layer"]),
    }
)
MANIFEST = objects(
    {
        "schemaVersion": st.sampled_from([2, 2, 2, 1]),
        "mediaType": st.sampled_from(sorted(mt.MANIFESTS)),
        "config": DESCRIPTOR,
        "layers": st.lists(mostly(DESCRIPTOR), max_size=4),
        "artifactType": st.sampled_from(["", "application/x"]),
        "subject": DESCRIPTOR,
        "fsLayers": st.lists(st.fixed_dictionaries({"blobSum": st.sampled_from(DIGESTS)}), max_size=2),
        "manifests": st.lists(DESCRIPTOR, max_size=2),
        "blobs": st.lists(DESCRIPTOR, max_size=2),
        "annotations": ODD,
    }
)
TIMES = st.sampled_from(["2024-05-01T12:00:00Z", "0001-01-01T00:00:00Z", "soon"])
CONFIG = objects(
    {
        "os": st.sampled_from(["linux", "windows"]),
        "architecture": st.just("arm64"),
        "variant": st.just("v8"),
        "os.version": st.just("10.0"),
        "created": TIMES,
        "author": st.just("someone"),
        "rootfs": objects(
            {"type": st.just("layers"), "diff_ids": st.lists(mostly(st.sampled_from(DIGESTS)), max_size=4)}
        ),
        "history": st.lists(
            mostly(
                objects(
                    {
                        "created": TIMES,
                        "created_by": st.text(max_size=4),
                        "author": st.just("a"),
                        "comment": st.just("c"),
                        "empty_layer": st.booleans(),
                    }
                )
            ),
            max_size=4,
        ),
        "config": objects({"Labels": st.dictionaries(st.text(max_size=3), mostly(st.text(max_size=3)), max_size=3)}),
    }
)


@st.composite
def written(draw: st.DrawFn, kinds: st.SearchStrategy[Any]) -> bytes:
    """A document, compact or spread out, perhaps with a key twice, with constants or bytes that JSON does not have."""
    value = draw(kinds)
    text = json.dumps(value, indent=draw(st.sampled_from([None, 3])), ensure_ascii=draw(st.booleans()))
    data = text.encode("utf-8", "surrogatepass")
    if isinstance(value, dict) and draw(st.integers(0, 3)) == 0:
        key = draw(st.sampled_from(["layers", "config", "history", "rootfs", "mediaType", "os", "other"]))
        again = json.dumps({key: draw(mostly(st.sampled_from([[], {}, "x", [{"created_by": "twice"}]])))})
        data = data.rstrip()[:-1] + (b"," if value else b"") + again.encode()[1:]
    spoil = draw(
        st.sampled_from([None] * 8 + [b"NaN", b"\xff", b"\xef\xbb\xbf", b"}", b"[" * 3000, b"\\ud800", b"1e999", b"\0"])
    )
    if spoil is not None:
        at = draw(st.integers(0, len(data)))
        data = data[:at] + spoil + data[at:]
    return data


def found(facts: Facts) -> dict[str, object]:
    """Everything in facts, with words for codes and without what only one of the two ways shares."""
    facts.spill(0)
    tables: dict[str, Any] = {}
    for name, rows in vars(facts).items():
        if isinstance(rows, Rows):
            tables[name] = [
                list(row) for row in zip(*(worded(facts, rows, column) for column in rows._columns), strict=True)
            ]
    for table, column, distinct in (("steps", 0, "descriptors"), ("diffs", 0, "diff_ids"), ("history", 0, "words")):
        tables[table] = [tables[distinct][row[column]] for row in tables[table]]
    for distinct in ("descriptors", "diff_ids", "words"):
        del tables[distinct]
    return tables


def by_document(facts: Facts) -> dict[str, object]:
    """The same, what belongs to a document under its key: the order in which documents are taken does not matter."""
    tables: Any = found(facts)
    keys = {name: [row[0] for row in tables[name]] for name in ("manifests", "configs")}
    groups: dict[str, object] = {}
    for owners, column, members in (("manifests", -1, "steps"), ("configs", -2, "diffs"), ("configs", -1, "history")):
        left = iter(tables.pop(members))
        groups[members] = {row[0]: [*islice(left, max(row[column], 0))] for row in tables[owners]}
        assert not [*left]
    for members, owners in (("references", "manifests"), ("labels", "configs")):
        groups[members] = sorted(([keys[owners][row[0]], *row[1:]] for row in tables.pop(members)), key=repr)
    return groups | {name: sorted(rows, key=repr) for name, rows in tables.items()}


def worded(facts: Facts, rows: Rows, name: str) -> list[object]:
    column = rows.column(name)
    codes = rows[name].tolist()
    pool = getattr(column, "_pool", None)
    if pool is facts.keys:
        return [facts.keys.text(code) if code >= 0 else None for code in codes]
    if pool is facts.names:
        return [facts.names.text(code) if code >= 0 else None for code in codes]
    if pool is facts.texts:
        return [facts.texts.texts(rows[name][at : at + 1])[0] if code >= 0 else None for at, code in enumerate(codes)]
    return codes


def refuse(data: bytes) -> None:
    """What a decoder does that takes nothing."""
    del data
    raise msgspec.ValidationError


@pytest.mark.parametrize("reader", [ManifestReader, ConfigReader], ids=["manifests", "configurations"])
@settings(max_examples=400)
@given(data=st.data())
def test_both_find_the_same(reader: type[ManifestReader | ConfigReader], data: st.DataObject) -> None:
    given_documents = data.draw(
        st.lists(written(MANIFEST if reader is ManifestReader else CONFIG), min_size=1, max_size=5)
    )
    results = []
    for quick in (True, False):
        facts = Facts()
        taken = reader(facts)
        if not quick:
            taken._decode = refuse  # type: ignore[assignment]
        for number, document in enumerate(given_documents):
            taken.read(f"sha256:{number + 100:064x}", document)
        if isinstance(taken, ManifestReader):
            taken.finish()
        results.append(found(facts))
    assert results[0] == results[1]


@pytest.mark.parametrize("reader", [ManifestReader, ConfigReader], ids=["manifests", "configurations"])
@settings(max_examples=400)
@given(data=st.data())
def test_those_looked_through_together_say_the_same(
    reader: type[ManifestReader | ConfigReader], data: st.DataObject
) -> None:
    kind = MANIFEST if reader is ManifestReader else CONFIG
    given_documents = data.draw(st.lists(written(kind), min_size=1, max_size=5))
    results = []
    for together in (True, False):
        facts = Facts()
        taken = reader(facts)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(batches, "FEW", 0 if together else len(given_documents))
            taken.read_many([(f"sha256:{number + 100:064x}", each) for number, each in enumerate(given_documents)])
        if isinstance(taken, ManifestReader):
            taken.finish()
        results.append(by_document(facts))
    assert results[0] == results[1]


def test_the_quick_way_is_taken() -> None:
    """Else the test above would compare the lenient way with itself."""
    facts = Facts()
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": DIGESTS[0], "size": 2}
    manifest = {
        "schemaVersion": 2,
        "mediaType": mt.OCI_MANIFEST,
        "config": config,
        "layers": [{"digest": DIGESTS[1]}] * 2,
    }
    manifests, configs = ManifestReader(facts), ConfigReader(facts)
    manifests._read_document = None  # type: ignore[assignment]
    configs._read_leniently = None  # type: ignore[assignment]
    manifests.read(DIGESTS[2], json.dumps(manifest).encode())
    configs.read(DIGESTS[0], json.dumps({"os": "linux", "history": [{"created_by": "x"}] * 3}).encode())
    facts.spill(0)
    assert (len(facts.descriptors), facts.steps["descriptor"].tolist()) == (1, [0, 0])
    assert (len(facts.words), facts.history["word"].tolist()) == (1, [0, 0, 0])


KEYS = st.text(st.characters(max_codepoint=0xD7FF), max_size=2)  # without pairs of surrogates, which are left to Python
JSON: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.integers(-9, 9), st.text('ab,[]{}"\\ \n', max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=2)),
    max_leaves=4,
)


@pytest.mark.parametrize("natively", [False, True][: 1 + native.is_there()], ids=lambda way: ("plain", "native")[way])
@given(
    st.lists(st.lists(st.tuples(st.lists(JSON, max_size=4), st.sampled_from([None, 2]), st.booleans()), max_size=4)),
    st.integers(1, 4),
)
def test_a_memo_forgets_and_never_mistakes(
    natively: bool,  # noqa: FBT001
    many: list[list[tuple[list[Any], int | None, bool]]],
    most: int,
) -> None:
    added: list[Any] = []

    def add(items: list[Any]) -> range:
        added.extend(items)
        return range(len(added) - len(items), len(added))

    memo = Memo(most)
    for batch in many:
        arrays = [
            b"" if not array and left_out else json.dumps(array, indent=indent).encode()
            for array, indent, left_out in batch
        ]
        if natively:
            texts = native.Texts.of([b'{"a": %s}' % array if array else b"{}" for array in arrays])
            _, good, [elements] = documents.fields(texts, documents.Members({"a": documents.ANYTHING}, ("a",)))
            assert good.all()
            numbers, counts = memo.numbers_in(texts.data, elements, decoding(add))
        else:
            numbers, counts = memo.numbers(arrays, add)
        assert [added[number] for number in numbers] == [item for array, _, _ in batch for item in array]
        assert counts.tolist() == [len(array) for array, _, _ in batch]
        assert len(memo._known) + len(memo._hashed) <= most + numbers.size


@pytest.mark.parametrize("natively", [False, True][: 1 + native.is_there()], ids=lambda way: ("plain", "native")[way])
@pytest.mark.parametrize("beside", [0, batches.FEW])
def test_each_manifest_says_its_malformed_digests(
    beside: int,
    natively: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A layer that two manifests list is kept once, and is a fault of both."""
    if not natively:
        monkeypatch.setattr(native, "library", lambda: None)
    listed = [["latest", DIGESTS[0]], [DIGESTS[1], "../x", DIGESTS[0]], ["../x", "latest"], [DIGESTS[1]]]
    listed += [[DIGESTS[2]]] * beside
    manifest = {"schemaVersion": 2, "mediaType": mt.OCI_MANIFEST, "config": {"digest": DIGESTS[3], "size": 2}}
    contents = [json.dumps(manifest | {"layers": [{"digest": each} for each in layers]}) for layers in listed]
    facts = Facts()
    reader = ManifestReader(facts)
    reader.read_many([(f"sha256:{number + 100:064x}", each.encode()) for number, each in enumerate(contents)])
    reader.finish()
    problems: Any = found(facts)["problems"]
    assert sorted((int(manifest[7:], 16), detail) for _, _, _, manifest, _, _, detail in problems) == [
        (100, "'latest'"),
        (101, "'../x'"),
        (102, "'../x'"),
        (102, "'latest'"),
    ]
