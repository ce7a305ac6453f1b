"""A walked folder and a listed archive of the same storage give the same tables, whatever lies in it."""

from __future__ import annotations

import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from regviz.read import read
from tests.helpers import Store, assert_same_tables, encode, image_config, image_manifest, sha256, sha512

LAYER = b"layer"
CONFIG = image_config([LAYER])
MANIFEST = encode(image_manifest(CONFIG, [LAYER]))
KNOWN = {sha256(data): data for data in (LAYER, CONFIG, MANIFEST)}
HEX = [digest[7:] for digest in KNOWN]

REPOSITORIES = st.sampled_from(
    ["a", "a", "a", "a/b", "a/b/c", "A", "b_", "c.tmp", "café", "x" * 200, "docker/registry/v2"]
)
DIGESTS = st.sampled_from(
    [
        *(f"sha256/{digits}" for digits in HEX * 3),
        f"sha512/{sha512(LAYER)[7:]}",
        f"sha256/{HEX[0].upper()}",
        f"sha256/{HEX[0][:20]}",
        f"sha512/{HEX[0]}",
        f"md5/{HEX[0][:32]}",
        f"SHA256/{HEX[0]}",
        f"tarsum/v1/sha256/{HEX[0]}",
        f"a/b/c/d/sha256/{HEX[0]}",
        "sha256/not-hex",
        "sha256",
    ]
)
LEAVES = st.sampled_from(
    ["/link", "/link", "/link", "/link", "", "/link.1.tmp", "/extra", "/link/link", "/data", "/sub/link"]
)
TAGS = st.sampled_from(["latest", "link", "current", "index", "_x", "V1", "v1", "x" * 129, "-bad", "caf é"])
PLACES = st.one_of(
    st.builds("repositories/{}/_layers/{}{}".format, REPOSITORIES, DIGESTS, LEAVES),
    st.builds("repositories/{}/_manifests/revisions/{}{}".format, REPOSITORIES, DIGESTS, LEAVES),
    st.builds("repositories/{}/_manifests/tags/{}/index/{}{}".format, REPOSITORIES, TAGS, DIGESTS, LEAVES),
    st.builds("repositories/{}/_manifests/tags/{}/current{}".format, REPOSITORIES, TAGS, LEAVES),
    st.builds("repositories/{}/_manifests/tags/{}{}".format, REPOSITORIES, TAGS, st.sampled_from(["", "/current", "/x"])),
    st.builds("repositories/{}/_uploads/{}".format, REPOSITORIES,
        st.sampled_from(["u", "u/data", "u/startedat", "u/hashstates/sha256/0", "v/data", "v/x", "v/data/x", "w"])),
    st.builds("repositories/{}{}".format, REPOSITORIES,
        st.sampled_from(["", "/_layers", "/_manifests", "/_uploads", "/_other", "/_other/x", "/_manifests/x", "/file",
            "/_referrers/subjects/sha256", "/_manifests/tags", "/_manifests/revisions", "/_manifests/revisions/x", "/x.tmp"])),
    st.builds("blobs/{}/{}/{}{}".format, st.sampled_from(["sha256", "sha256", "md5", "x"]), st.sampled_from([*(h[:2] for h in HEX), "zz"]),
        st.sampled_from([*HEX, "5bd0", HEX[0].upper()]), st.sampled_from(["/data", "/data", "", "/x", "/data/x"])),
    st.sampled_from(["blobs/file", "blobs/sha256/file", "blobs/sha256/ab/file", "blobs/sha256/zz", "blobs/x", "repositories/file",
        "repositories/_layers", "repositories/_manifests/tags/x/current/link", "other", "other/x"]),
)  # fmt: skip
CONTENTS = st.sampled_from(
    [
        *(digest.encode() for digest in [*KNOWN] * 4),
        sha512(LAYER).encode(),
        b"",
        sha256(LAYER).encode() + b"\n",
        sha256(LAYER).upper().encode(),
        sha256(b"nobody's").encode(),
        b"garbage",
        b"\xff\x00" * 50,
        b"sha256:" * 100,
        b"2014-05-13T15:51:48Z",
    ]
)
NODES = st.lists(st.tuples(PLACES, st.none() | CONTENTS, st.integers(0, 3)), max_size=14)


CONFIG_LINKED_AS_MANIFEST: list[tuple[str, bytes | None, int]] = [
    (f"repositories/a/_manifests/revisions/sha256/{sha256(data)[7:]}/link", sha256(data).encode(), 0)
    for data in (CONFIG, MANIFEST)
]


def lay(root: Path, nodes: list[tuple[str, bytes | None, int]]) -> None:
    store = Store(root)
    for data in KNOWN.values():
        store.blob(data)
    for place, content, _ in nodes:
        try:
            store.directory(place) if content is None else store.file(place, content)
        except OSError:  # a file stands where a directory should, or the other way round
            continue


@pytest.mark.parametrize("links", ["stat", "check", "open"])
@settings(max_examples=60)
@given(NODES, st.sampled_from(["", "./", "var/lib/registry/"]))
@example(CONFIG_LINKED_AS_MANIFEST, "")
def test_a_folder_and_its_archive(links: str, nodes: list[tuple[str, bytes | None, int]], prefix: str) -> None:
    with TemporaryDirectory() as name:
        root = Path(name) / "storage" / prefix
        lay(root, nodes)
        archive = Path(name) / "storage.tar"
        with tarfile.open(archive, "w") as opened:
            opened.add(Path(name) / "storage", prefix[:2] if prefix == "./" else "")
        assert_same_tables(read(Path(name) / "storage", links=links), read(archive, links=links))  # type: ignore[arg-type]
