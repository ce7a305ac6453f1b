"""What a tree says of OCI layouts, of zot's storage and of skopeo's directories."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from regviz.tree import Row, tree
from regviz.world import small_world, storage_tree
from tests.conftest import ROOT
from tests.helpers import compressed, encode, image_config, pack, sha256
from tests.layouts.oci_store import OciStore
from tests.layouts.test_skopeo_dir import image, lay

if TYPE_CHECKING:
    from pathlib import Path

WORLD = ROOT / "data" / "world-oci.tar.gz"


def said(rows: tuple[Row, ...]) -> dict[str, str]:
    return {row.path: row.explanation for row in rows if row.type != "more"}


def test_every_entry_of_the_shipped_layout_is_explained() -> None:
    rows = tree(WORLD, full=True).rows[1:]
    files = storage_tree(small_world(), "oci")
    assert {row.path for row in rows if row.type == "file"} == {f"registry/{path}" for path in files}
    assert [row.path for row in rows if not row.explanation] == []
    words = said(rows)
    index = json.loads(files["index.json"])["manifests"]
    named = [entry for entry in index if "annotations" in entry]
    assert (
        words["registry/index.json"]
        == f"what it names: {len(named)} tags on {len({e['digest'] for e in index})} manifests"
    )
    [chart] = [e for e in named if e["annotations"]["org.opencontainers.image.ref.name"] == "charts/web:1.2.0"]
    assert words[f"registry/blobs/{chart['digest'].replace(':', '/')}"] == "Helm chart (charts/web:1.2.0)"


def test_what_repeats_is_shown_twice_and_counted() -> None:
    rows = tree(WORLD).rows
    files = storage_tree(small_world(), "oci")
    blobs = [path for path in files if path.startswith("blobs/")]
    shown = [row for row in rows if row.path.startswith("registry/blobs/sha256/")]
    more = [row for row in rows if row.type == "more"]
    assert len(shown) == 2 * len(more) == 10
    counted = sum(int(row.explanation.removeprefix("and ").split()[0]) for row in more)
    assert counted + len(shown) == len(blobs)
    assert sum(row.bytes or 0 for row in [*shown, *more]) == sum(len(files[path]) for path in blobs)


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_zot(tmp_path: Path, form: str) -> None:
    root = tmp_path / "storage"
    for name in ("team/api", "team/api/deep", "web"):
        store = OciStore(root / name)
        store.add(store.image([name.encode()]), "1", "2")
        (store.root / ".uploads").mkdir()
    store.file(".uploads/0a", b"half")
    store.file("odd/file", b"x")
    (root / "cache.db").write_bytes(b"bolt")
    source = pack(root, form, tmp_path)
    words = said(tree(source, full=True).rows)
    layer = f"web/blobs/sha256/{sha256(compressed(b'web'))[7:]}"
    config = f"team/api/deep/blobs/sha256/{sha256(image_config([b'team/api/deep']))[7:]}"
    expected = {
        "cache.db": "zot's cache: which repositories have which blob",
        "team": "2 repositories",
        "team/api": "repository: 2 tags",
        "team/api/deep": "repository: 2 tags",
        "team/api/deep/index.json": "what it names: 2 tags on 1 manifest",
        "web/oci-layout": "the version of the layout",
        "web/.uploads": "unfinished uploads",
        "web/.uploads/0a": "an upload that was not completed",
        "web/blobs": "its blobs, each under its digest",
        "web/odd/file": "no part of the layout",
        layer: "layer of an image for linux/amd64 (web:1, web:2)",
        config: "configuration of an image for linux/amd64 (team/api/deep:1, team/api/deep:2)",
    }
    assert {path: words[path] for path in expected} == expected
    assert {row.repository for row in tree(source, full=True).rows if row.path.startswith("team/api/deep")} == {
        "team/api/deep"
    }
    for one in ("web", "team/api/deep"):
        shown = {row.path for row in tree(source, chosen=one.__eq__).rows[1:] if not row.path.startswith(one)}
        assert shown == ({"team", "team/api"} if one != "web" else set())


def test_a_directory_of_skopeo(tmp_path: Path) -> None:
    manifest, blobs = image(b"1")
    root = lay(tmp_path / "storage", manifest, *blobs, NOTES=b"x")
    (root / "signature-1").write_bytes(b"x")
    words = said(tree(root, full=True).rows)
    digits = sha256(encode(manifest))[7:19]
    assert {words[path] for path in ("NOTES", "version", "signature-1", "manifest.json")} == {
        "no part of the layout", "the version of the layout", "a signature, as skopeo found it",
        "its manifest: image for linux/amd64",
    }  # fmt: skip
    assert words[sha256(blobs[1])[7:]].startswith("layer of an image for linux/amd64")
    assert digits not in "".join(words)
    assert len(tree(root).rows) == len(words)


@pytest.mark.skipif(os.name != "posix", reason="FIFOs are POSIX's")
def test_what_is_no_file_where_a_blob_should_be(tmp_path: Path) -> None:
    store = OciStore(tmp_path / "storage")
    for number in range(3):
        content = b"%d" % number
        store.add(store.image([content]), f"t{number}")
        layer, config = (store.blob_path(sha256(data)) for data in (compressed(content), image_config([content])))
        layer.unlink()
        os.mkfifo(layer)
        config.unlink()
        config.symlink_to("/etc/passwd")
    kinds = [row.type for row in tree(store.root, full=True).rows if row.path.startswith("blobs/sha256/")]
    assert sorted(kinds) == ["file"] * 3 + ["other"] * 3 + ["symlink"] * 3
    assert [row.explanation for row in tree(store.root).rows if row.type == "more"] == [
        "and 2 more foreign entries like these"
    ]
