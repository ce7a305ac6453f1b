"""No document and no name of a layout is beyond its parsers."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from regviz.columns import Facts
from regviz.layouts.oci.grammar import own_name, parse_reference
from regviz.layouts.oci.index import has_entries, inline_contents, read_index, read_saved, read_version
from regviz.manifests.schema1 import signed_payload
from regviz.pool import is_digest
from tests.layouts.oci_store import ABSENT, CONTAINERD, REF

TEXTS = st.sampled_from(
    ["latest", "a/b:1", "", ":", "/", "@", f"a@{ABSENT}", "\x00", "\ud800", ABSENT, "sha512:x"]
) | st.text(max_size=9)
VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 1 << 70) | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
ENTRIES = st.lists(
    VALUES
    | st.fixed_dictionaries(
        {},
        optional={
            "digest": VALUES | st.just(ABSENT),
            "mediaType": VALUES,
            "size": VALUES,
            "data": VALUES,
            "annotations": VALUES | st.dictionaries(st.sampled_from([REF, CONTAINERD]), VALUES),
            "Config": VALUES | st.just("blobs/sha256/" + "ab" * 32),
            "RepoTags": VALUES,
        },
    ),
    max_size=4,
)
DOCUMENTS = st.binary(max_size=40) | st.one_of(
    VALUES, ENTRIES, st.builds(lambda entries: {"schemaVersion": 2, "manifests": entries}, ENTRIES)
).map(lambda value: json.dumps(value).encode())


@given(DOCUMENTS)
def test_documents(content: bytes) -> None:
    facts = Facts()
    read_version(content, "oci-layout", facts)
    entries = read_index(content, "index.json", facts)
    problems = len(facts.problems)
    assert entries is not None or problems
    for entry in entries or []:
        assert is_digest(entry.digest)
        assert isinstance(entry.name.repository, str)
        assert isinstance(entry.name.tag, str)
    for digest, _ in inline_contents(entries or [], "index.json", facts):
        assert is_digest(digest)
    assert not entries or has_entries(content)
    assert all(map(is_digest, read_saved(content)))
    assert isinstance(signed_payload(content), bytes)


@given(DOCUMENTS)
def test_quick_and_lenient_reading_agree(content: bytes) -> None:
    """An entry that is no object makes the quick parser give up: what it reads besides must not depend on that."""
    try:
        document = json.loads(content)
    except ValueError:
        return
    if isinstance(document, dict) and isinstance(document.get("manifests"), list):
        alone = read_index(content, "index.json", Facts())
        spoiled = json.dumps({**document, "manifests": [*document["manifests"], "no object"]}).encode()
        assert read_index(spoiled, "index.json", Facts()) == alone


@given(TEXTS, TEXTS)
def test_names(text: str, uri: str) -> None:
    name = parse_reference(text)
    assert name.tag or name.repository or not text or text == ":" or "@" in text
    assert own_name(text, uri)
