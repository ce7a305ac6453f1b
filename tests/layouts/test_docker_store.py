"""A Docker Engine's own store, today's and that before 1.10, written by hand: what it says, and what can be wrong."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from regviz.analysis.accounting import sizes
from regviz.card import summarise
from regviz.errors import NotRecognisedError
from regviz.read import read
from tests.helpers import assert_same_tables, encode, found, rows, rules_of, sha256
from tests.layouts.docker_made import ARCHIVE_FORMS, Files, Link, config, image_of, lay, v1_id

if TYPE_CHECKING:
    from pathlib import Path

BASE, WEB, API = b"base", b"web", b"api"
NONE = "<none>"
ROOT = "image/overlay2/"
forms = pytest.mark.parametrize("form", ARCHIVE_FORMS)


def chain(*layers: bytes) -> str:
    made = sha256(layers[0])
    for layer in layers[1:]:
        made = "sha256:" + hashlib.sha256(f"{made} {sha256(layer)}".encode()).hexdigest()
    return made


def encoded(digest: str) -> str:
    return digest.removeprefix("sha256:")


def layer_files(*layers: bytes, size: bytes = b"7") -> Files:
    """The top layer of a stack, as layerdb keeps it."""
    place = f"layerdb/sha256/{encoded(chain(*layers))}"
    parent: Files = {f"{place}/parent": chain(*layers[:-1]).encode()} if layers[1:] else {}
    facts: Files = {f"{place}/diff": sha256(layers[-1]).encode(), f"{place}/size": size, f"{place}/cache-id": b"x"}
    return facts | parent


def store(*images: list[bytes], names: object = None, root: str = ROOT) -> Files:
    """A store that holds these images, by their layers' contents, with all their layers."""
    files: Files = {"repositories.json": encode({"Repositories": names or {}})}
    for layers in images:
        files[f"imagedb/content/sha256/{encoded(image_of(layers))}"] = config(layers)
        for height in range(1, len(layers) + 1):
            files |= layer_files(*layers[:height])
    return {root + path: content for path, content in files.items()}


@forms
@pytest.mark.parametrize("prefix", ["", "var/lib/docker/", "backup/var/lib/docker/"])
def test_a_store(form: str, prefix: str, tmp_path: Path) -> None:
    web, api = image_of([BASE, WEB]), image_of([BASE, API])
    digest, compressed = sha256(b"manifest"), sha256(b"compressed")
    names = {
        "localhost:5000/web": {"localhost:5000/web:1": web, f"localhost:5000/web@{digest}": web},
        "debian": {"debian:12": api},
    }
    files = store([BASE, WEB], [BASE, API], names=names)
    sources = [
        {"Digest": sha256(b"older"), "SourceRepository": "localhost:5000/web", "HMAC": ""},
        {"Digest": compressed, "SourceRepository": "docker.io/library/debian", "HMAC": ""},
    ]
    files |= {
        f"{ROOT}imagedb/metadata/sha256/{encoded(web)}/lastUpdated": b"2026-11-23T07:53:46.279549594Z",
        f"{ROOT}distribution/v2metadata-by-diffid/sha256/{encoded(sha256(BASE))}": encode(sources),
        f"{ROOT}distribution/diffid-by-digest/sha256/{encoded(sha256(b'other'))}": sha256(WEB).encode(),
        f"{ROOT}layerdb/mounts/{v1_id('c')}/parent": chain(BASE, WEB).encode(),
        "overlay2/abc/diff/layer.tar": b"content of a layer",
        "containers/x/config.v2.json": b"{}",
    }
    registry = read(lay(files, form, tmp_path, prefix=prefix))
    assert registry.source.layouts == ("docker-daemon",)
    assert (registry.source.knows_disk, registry.source.knows_all_blobs) == (False, True)
    assert set(rows(registry.tags, "repository", "tag", "manifest")) == {
        ("localhost:5000/web", "1", web),
        ("debian", "12", api),
    }
    assert set(rows(registry.repository_manifests, "repository", "manifest", "link_state", "is_root")) == {
        ("localhost:5000/web", web, "ok", True),
        ("localhost:5000/web", digest, "unchecked", False),
        ("debian", api, "ok", True),
    }
    linked = dict(rows(registry.repository_manifests, "manifest", "linked_at"))
    assert linked == {web: pd.Timestamp("2026-11-23T07:53:46.279549Z"), digest: None, api: None}
    assert set(rows(registry.layers, "layer", "parent", "diff_id", "uncompressed_bytes")) == {
        (chain(BASE), None, sha256(BASE), 7),
        (chain(BASE, WEB), chain(BASE), sha256(WEB), 7),
        (chain(BASE, API), chain(BASE), sha256(API), 7),
    }
    assert set(rows(registry.manifest_layers, "manifest", "blob", "digest")) == {
        (web, f"chain:{chain(BASE)}", compressed),
        (web, f"chain:{chain(BASE, WEB)}", sha256(b"other")),
        (api, f"chain:{chain(BASE)}", compressed),
        (api, f"chain:{chain(BASE, API)}", None),
    }
    assert set(rows(registry.repository_blobs, "repository", "link", "link_state")) == {
        ("localhost:5000/web", sha256(b"older"), "unchecked"),
        ("debian", compressed, "unchecked"),
    }
    blobs = registry.blobs.set_index("blob")
    assert blobs.loc[f"chain:{chain(BASE)}", ["present", "copies", "kind"]].tolist() == [True, 1, "layer"]
    assert blobs.loc[web, ["present", "kind", "blob_bytes"]].tolist() == [True, "config", len(config([BASE, WEB]))]
    assert not blobs.loc[digest, "present"]
    assert found(registry) == []


def test_sizes_are_those_of_the_unpacked_layers(tmp_path: Path) -> None:
    web, api = image_of([BASE, WEB]), image_of([BASE, API])
    files = store([BASE, WEB], [BASE, API], names={"web": {"web:1": web}, "api": {"api:1": api}})
    files[f"{ROOT}layerdb/sha256/{encoded(chain(BASE))}/size"] = b"1000"
    files[f"{ROOT}layerdb/sha256/{encoded(chain(BASE, WEB))}/size"] = b"20"
    files[f"{ROOT}layerdb/sha256/{encoded(chain(BASE, API))}/size"] = b"3"
    registry = read(lay(files, "tar", tmp_path))
    table = sizes(registry, by="repository").set_index("repository")
    assert table["layer_bytes"].to_dict() == {"web": 1020, "api": 1003}
    assert table.loc["web", "exclusive_bytes"] == 20 + len(config([BASE, WEB]))
    assert set(table["basis"]) == {"uncompressed"}
    whole = 1023 + len(config([BASE, WEB])) + len(config([BASE, API]))
    assert (table.attrs["tagged_bytes"], summarise(registry).stored_bytes) == (whole, whole)


@forms
def test_images_without_a_name(form: str, tmp_path: Path) -> None:
    """One on which another was built here is no root; one on which nothing was built is."""
    files = store([BASE], [BASE, WEB], [BASE, API], names={"web": {"web:1": image_of([BASE, WEB])}})
    place = f"{ROOT}imagedb/metadata/sha256/{encoded(image_of([BASE, WEB]))}/parent"
    registry = read(lay(files | {place: image_of([BASE]).encode()}, form, tmp_path))
    assert set(rows(registry.repository_manifests, "repository", "manifest", "is_root")) == {
        ("web", image_of([BASE, WEB]), True),
        (NONE, image_of([BASE, API]), True),
    }
    assert len(registry.images) == 3


@pytest.mark.parametrize("at", ["image/overlay2", "image", ""])
def test_a_folder_within_the_store(at: str, tmp_path: Path) -> None:
    whole = lay(store([BASE], names={"a": {"a:1": image_of([BASE])}}), "folder", tmp_path)
    assert_same_tables(read(whole / at), read(whole))


@forms
def test_two_drivers(form: str, tmp_path: Path) -> None:
    files = store([BASE]) | store([WEB], root="image/btrfs/")
    registry = read(lay(files, form, tmp_path))
    assert registry.source.root == "image/btrfs"
    assert [problem[0::4] for problem in found(registry)] == [("several-registries", "image/overlay2")]


@forms
def test_what_is_wrong(form: str, tmp_path: Path) -> None:
    web, gone = image_of([BASE, WEB]), sha256(b"gone")
    names = {
        "web": {"web:1": web, "web": web, "web:2": "latest", "web:3": gone, "web@sha256:12": web},
        "bad": ["x"],
    }
    files = store([BASE, WEB], [API], names=names)
    for layer in ("diff", "size", "cache-id"):
        del files[f"{ROOT}layerdb/sha256/{encoded(chain(API))}/{layer}"]
    files |= {
        f"{ROOT}layerdb/sha256/{encoded(chain(BASE))}/diff": sha256(WEB).encode(),
        f"{ROOT}layerdb/sha256/{encoded(chain(BASE))}/size": b"many",
        f"{ROOT}imagedb/content/sha256/{v1_id('broken')}": b"{",
        f"{ROOT}imagedb/content/sha256/{v1_id('nothing')}": b"",
        f"{ROOT}imagedb/content/sha256/{v1_id('odd')}": encode({"rootfs": {"diff_ids": ["x", 7]}}),
        f"{ROOT}imagedb/metadata/sha256/{v1_id('odd')}/parent": Link("../elsewhere"),
    }
    registry = read(lay(files, form, tmp_path))
    assert set(found(registry)) == {
        ("docker-name-malformed", "web", None, None, None, "web"),
        ("docker-name-malformed", "web", None, None, None, "web:2"),
        ("docker-name-malformed", "web", None, None, None, "web@sha256:12"),
        ("manifest-missing", "web", gone, None, None, None),
        ("layer-missing", None, image_of([API]), f"chain:{chain(API)}", None, None),
        (
            "docker-layer-differs",
            None,
            None,
            f"chain:{chain(BASE)}",
            None,
            f"by its parent and its diff ID it is {sha256(WEB)}",
        ),
        ("config-unreadable", None, None, f"sha256:{v1_id('broken')}", None, "1 bytes"),
        ("blob-empty", None, None, f"sha256:{v1_id('nothing')}", None, None),
        ("digest-malformed", None, f"sha256:{v1_id('odd')}", None, None, "a diff ID"),
        (
            "symbolic-link",
            None,
            None,
            None,
            f"{ROOT}imagedb/metadata/sha256/{v1_id('odd')}/parent",
            "not followed",
        ),
    }
    sizes_known = dict(rows(registry.layers, "layer", "uncompressed_bytes"))
    assert sizes_known == {chain(BASE): None, chain(BASE, WEB): 7, chain(API): None}


@forms
@pytest.mark.parametrize("content", [b"", b"[", b"[]"])
def test_names_that_cannot_be_read(form: str, content: bytes, tmp_path: Path) -> None:
    registry = read(lay(store([BASE]) | {f"{ROOT}repositories.json": content}, form, tmp_path))
    assert found(registry) == [("docker-names-unreadable", None, None, None, f"{ROOT}repositories.json", None)]
    assert rows(registry.repository_manifests, "repository", "manifest") == [(NONE, image_of([BASE]))]


def test_a_configuration_that_is_too_long_or_another(tmp_path: Path) -> None:
    files = store([BASE], [WEB])
    files[f"{ROOT}imagedb/content/sha256/{encoded(image_of([BASE]))}"] = config([BASE], padding="x" * (4 << 20))
    files[f"{ROOT}imagedb/content/sha256/{encoded(image_of([WEB]))}"] = config([WEB], author="x")
    registry = read(lay(files, "tar", tmp_path), verify=True)
    assert rules_of(registry) == ["digest-mismatch", "manifest-oversized"]


# --- before 1.10


def graph(*chains: tuple[str, ...], names: object = None) -> Files:
    """Images on each other, each chain from its base up."""
    files: Files = {"repositories-aufs": encode({"Repositories": names or {}}), "linkgraph.db": b""}
    for ids in chains:
        for number, name in enumerate(ids):
            parent = {"parent": ids[number - 1]} if number else {}
            document = {"id": name, "created": "2014-03-27T10:00:00Z", **parent}
            files |= {f"graph/{name}/json": encode(document), f"graph/{name}/layersize": b"%d" % (number + 1)}
    return files


@forms
@pytest.mark.parametrize("prefix", ["", "var/lib/docker/"])
def test_a_graph(form: str, prefix: str, tmp_path: Path) -> None:
    one, two, three, short = v1_id("1"), v1_id("2"), v1_id("3"), "27cf784147099545"
    files = graph((short, one, two), (three,), names={"localhost:5003/team/web": {"0.1": one}})
    files |= {"graph/_tmp/x/json": b"{}", "volumes/" + v1_id("v") + "/json": b"{}"}
    registry = read(lay(files, form, tmp_path, prefix=prefix))
    assert registry.source.layouts == ("docker-daemon",)
    assert rows(registry.tags, "repository", "tag", "manifest") == [("localhost:5003/team/web", "0.1", one)]
    assert set(rows(registry.layers, "layer", "parent", "depth", "uncompressed_bytes")) == {
        (short, None, 1, 1),
        (one, short, 2, 2),
        (two, one, 3, 3),
        (three, None, 1, 1),
    }
    assert set(rows(registry.repository_manifests, "repository", "manifest")) == {
        ("localhost:5003/team/web", one),
        (NONE, two),
        (NONE, three),
    }
    blobs = registry.blobs
    assert set(blobs["blob"]) == {f"v1:{name}" for name in (one, two, three, short)}
    assert blobs["present"].all()
    assert blobs["blob_bytes"].isna().all()
    assert found(registry) == []
    assert sizes(registry)["layer_bytes"].tolist() == [3, 0]


@forms
def test_two_files_of_names(form: str, tmp_path: Path) -> None:
    one, two = v1_id("1"), v1_id("2")
    files = graph((one,), (two,), names={"a": {"1": one}})
    files["repositories-btrfs"] = encode({"Repositories": {"a": {"1": two}, "b": {"1": two}}})
    registry = read(lay(files, form, tmp_path))
    assert set(rows(registry.tags, "repository", "tag", "manifest")) == {("a", "1", one), ("b", "1", two)}
    assert found(registry) == [("docker-name-twice", None, None, None, "repositories-btrfs", "a:1")]


def test_a_graph_of_nothing_is_none(tmp_path: Path) -> None:
    with pytest.raises(NotRecognisedError):
        read(lay({"graph/readme": b"", "other": b""}, "folder", tmp_path))
