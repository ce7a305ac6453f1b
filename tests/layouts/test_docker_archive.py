"""Archives of ``docker save`` and of those who write like it: every shape, and what can be wrong."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
import zstandard

from regviz.errors import NotRecognisedError
from regviz.read import read
from tests.helpers import assert_same_tables, encode, found, rows, rules_of, sha256
from tests.layouts.cases import DEEP
from tests.layouts.docker_made import (
    ARCHIVE_FORMS,
    Files,
    HardLink,
    Link,
    config,
    entry,
    image_of,
    lay,
    saved,
    v1_id,
)

if TYPE_CHECKING:
    from pathlib import Path

    from regviz.registry import Registry

BASE, WEB, API = b"base layer " * 60, b"web layer " * 70, b"api layer " * 80
NONE = "<none>"
forms = pytest.mark.parametrize("form", ARCHIVE_FORMS)


def hexadecimal(data: bytes) -> str:
    return sha256(data).removeprefix("sha256:")


def stacks(registry: Registry) -> dict[str, list[str]]:
    """Blobs of each image, from the base up."""
    made: dict[str, list[str]] = {}
    for manifest, blob in rows(registry.manifest_layers, "manifest", "blob"):
        made.setdefault(manifest, []).append(blob)
    return made


def tags(registry: Registry) -> set[tuple[str, ...]]:
    return set(rows(registry.tags, "repository", "tag", "manifest"))


def only_manifest(image: list[bytes], *names: str, layers: list[str], **more: object) -> Files:
    """``manifest.json`` and one configuration under its usual name."""
    document = config(image)
    path = f"{hexadecimal(document)}.json"
    return {path: document, "manifest.json": encode([entry(path, layers, *names, **more)])}


# --- shapes


@forms
@pytest.mark.parametrize("prefix", ["", "backup/monday/"])
def test_1_10_to_24(form: str, prefix: str, tmp_path: Path) -> None:
    """Two images on one base; the second has the port's colon in its name."""
    files = saved(([BASE, WEB], ("web:1", "team/web:latest")), ([BASE, API], ("127.0.0.1:5055/api:0.1",)))
    registry = read(lay(files, form, tmp_path, prefix=prefix))
    web, api = image_of([BASE, WEB]), image_of([BASE, API])
    assert tags(registry) == {("web", "1", web), ("team/web", "latest", web), ("127.0.0.1:5055/api", "0.1", api)}
    assert stacks(registry) == {web: [sha256(BASE), sha256(WEB)], api: [sha256(BASE), sha256(API)]}
    assert set(registry.blobs["blob"]) == {web, api, sha256(BASE), sha256(WEB), sha256(API)}
    assert dict(rows(registry.blobs, "blob", "kind"))[web] == "config"
    assert set(registry.layers["basis"]) == {"chain"}
    assert found(registry) == []


@forms
@pytest.mark.parametrize("kind", [Link, HardLink])
def test_a_layer_that_images_share_is_a_link(form: str, kind: type[Link | HardLink], tmp_path: Path) -> None:
    """docker 20.10 makes symbolic links across images, older ones hard links."""
    files = saved(([BASE, WEB], ("web:1",)), ([API, WEB], ("api:1",)))
    first, second = (f"{v1_id(sha256(below) + sha256(WEB))}/layer.tar" for below in (BASE, API))
    files[second] = kind(f"../{first}" if kind is Link else first)
    registry = read(lay(files, form, tmp_path))
    assert stacks(registry)[image_of([API, WEB])] == [sha256(API), sha256(WEB)]
    blob = registry.blobs.set_index("blob").loc[sha256(WEB)]
    copies = 2 if kind is HardLink and form == "zip" else 1  # a zip has no hard links
    assert (blob["blob_bytes"], blob["copies"], blob["present"]) == (len(WEB), copies, True)
    assert found(registry) == []


@forms
def test_kaniko_and_crane(form: str, tmp_path: Path) -> None:
    """A colon in the configuration's name; compressed layers under their own digests."""
    document, base, web = config([BASE, WEB]), gzip.compress(BASE, mtime=0), zstandard.compress(WEB)
    layers = [f"{hexadecimal(base)}.tar.gz", f"{hexadecimal(web)}.tar.gz"]
    files: Files = {
        sha256(document): document,
        layers[0]: base,
        layers[1]: web,
        "manifest.json": encode([entry(sha256(document), layers, "registry.example:5000/x:1")]),
    }
    registry = read(lay(files, form, tmp_path))
    assert stacks(registry) == {sha256(document): [sha256(base), sha256(web)]}
    assert rows(registry.layers.sort_values("depth"), "diff_id", "basis") == [
        (sha256(BASE), "chain"),
        (sha256(WEB), "chain"),
    ]
    blobs = registry.blobs.set_index("blob")
    assert blobs.loc[[sha256(base), sha256(web)], "compression"].tolist() == ["gzip", "zstd"]
    assert blobs.loc[sha256(web), "blob_bytes"] == len(web)
    assert found(registry) == []


@forms
def test_podman(form: str, tmp_path: Path) -> None:
    """Layers at the top under their diff IDs; what old engines look for are links to them."""
    layers = [f"{hexadecimal(layer)}.tar" for layer in (BASE, WEB)]
    files = only_manifest([BASE, WEB], "docker.io/team/web:1", layers=layers)
    for path, content, name in zip(layers, (BASE, WEB), "ab", strict=True):
        files |= {
            path: content,
            f"{v1_id(name)}/layer.tar": Link(f"../{path}"),
            f"{v1_id(name)}/VERSION": b"1.0",
            f"{v1_id(name)}/json": b"{}",
        }
    registry = read(lay(files, form, tmp_path))
    assert stacks(registry) == {image_of([BASE, WEB]): [sha256(BASE), sha256(WEB)]}
    assert tags(registry) == {("docker.io/team/web", "1", image_of([BASE, WEB]))}
    assert found(registry) == []


@forms
def test_25_that_lists_nothing(form: str, tmp_path: Path) -> None:
    """docker 25.0 saves an image by its id: its manifest is there, ``index.json`` lists none; its digest wins."""
    document = config([BASE])
    manifest = encode(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": sha256(document),
                "size": len(document),
            },
            "layers": [
                {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": sha256(BASE), "size": len(BASE)}
            ],
        }
    )
    old = encode({"id": v1_id("a"), "created": "1970-01-01T00:00:00Z", "os": "linux"})
    stray = encode({"kept": "by nobody"})
    files: Files = {f"blobs/sha256/{hexadecimal(data)}": data for data in (document, manifest, BASE, old, stray)}
    files |= {
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        "index.json": b'{"schemaVersion":2,"manifests":null}',
        "manifest.json": encode(
            [entry(f"blobs/sha256/{hexadecimal(document)}", [f"blobs/sha256/{hexadecimal(BASE)}"])]
        ),
    }
    registry = read(lay(files, form, tmp_path))
    assert rows(registry.repository_manifests, "repository", "manifest", "is_root") == [(NONE, sha256(manifest), True)]
    assert rows(registry.images, "manifest", "config") == [(sha256(manifest), sha256(document))]
    assert stacks(registry) == {sha256(manifest): [sha256(BASE)]}
    # the layer's v1 configuration is kept for old engines, and is nobody's blob
    assert dict(rows(registry.blobs, "blob", "kind")) == {
        sha256(manifest): "manifest",
        sha256(document): "config",
        sha256(BASE): "layer",
        sha256(stray): None,
    }
    assert found(registry) == []


@forms
def test_without_a_name(form: str, tmp_path: Path) -> None:
    registry = read(lay(saved(([BASE], ()), ([WEB], ("web:1",))), form, tmp_path))
    assert tags(registry) == {("web", "1", image_of([WEB]))}
    assert set(rows(registry.repository_manifests, "repository", "manifest", "is_root")) == {
        (NONE, image_of([BASE]), True),
        ("web", image_of([WEB]), True),
    }


@forms
def test_an_image_saved_by_two_names(form: str, tmp_path: Path) -> None:
    registry = read(lay(saved(([BASE], ("a:1",)), ([BASE], ("b:1", "a:1"))), form, tmp_path))
    assert tags(registry) == {("a", "1", image_of([BASE])), ("b", "1", image_of([BASE]))}
    assert found(registry) == []


@forms
def test_a_layer_twice_and_none_at_all(form: str, tmp_path: Path) -> None:
    files = only_manifest([BASE, BASE], "twice:1", layers=[])
    files[f"{v1_id('a')}/layer.tar"] = BASE
    empty = config([])
    files["empty.json"] = empty
    files["manifest.json"] = encode(
        [
            entry(f"{hexadecimal(config([BASE, BASE]))}.json", [f"{v1_id('a')}/layer.tar"] * 2, "twice:1"),
            {"Config": "empty.json", "RepoTags": ["empty:1"], "Layers": None},
        ]
    )
    registry = read(lay(files, form, tmp_path))
    assert stacks(registry) == {image_of([BASE, BASE]): [sha256(BASE)] * 2}
    assert dict(rows(registry.images, "manifest", "layer_count")) == {image_of([BASE, BASE]): 2, sha256(empty): 0}
    assert len(registry.layers) == 2
    assert found(registry) == []


def old_files(*, names: object = None) -> Files:
    """Before 1.10: three images, the third on no parent."""
    one, two, three = v1_id("1"), v1_id("2"), v1_id("3")
    files: Files = {}
    for name, parent, layer in ((one, "", BASE), (two, one, WEB), (three, "", bytes(1024))):
        document = {"id": name, "created": "2014-03-27T10:00:00Z", "os": "linux", "Size": len(layer)}
        if parent:
            document |= {"parent": parent, "container_config": {"Cmd": ["/bin/sh", "-c", "make"]}}
        if name == two:
            document["config"] = {"Labels": {"k": "v", "": "x"}}
        files |= {f"{name}/VERSION": b"1.0", f"{name}/json": encode(document), f"{name}/layer.tar": layer}
    return files if names is None else files | {"repositories": encode(names)}


@forms
@pytest.mark.parametrize("beside", [{}, {"manifest.json": b"null"}])
def test_before_1_10(form: str, beside: Files, tmp_path: Path) -> None:
    one, two, three = v1_id("1"), v1_id("2"), v1_id("3")
    names = {"localhost:5000/web": {"1": two, "latest": two}}
    registry = read(lay(old_files(names=names) | beside, form, tmp_path))
    assert registry.source.layouts == ("docker-archive",)
    assert tags(registry) == {("localhost:5000/web", "1", two), ("localhost:5000/web", "latest", two)}
    assert set(rows(registry.images, "manifest", "kind", "layer_count")) == {
        (one, "v1", 1),
        (two, "v1", 2),
        (three, "v1", 1),
    }
    assert set(rows(registry.repository_manifests, "repository", "manifest", "is_root")) == {
        ("localhost:5000/web", two, True),
        (NONE, three, True),
    }
    assert set(rows(registry.blobs, "blob", "blob_bytes", "compression")) == {
        (f"v1:{one}", len(BASE), "none"),
        (f"v1:{two}", len(WEB), "none"),
        (f"v1:{three}", 1024, "none"),
    }
    assert set(rows(registry.layers, "layer", "parent", "empty", "uncompressed_bytes", "created_by")) == {
        (one, None, False, len(BASE), None),
        (two, one, False, len(WEB), "/bin/sh -c make"),
        (three, None, True, 1024, None),
    }
    assert rows(registry.labels, "manifest", "key", "value") == [(two, "k", "v")]
    assert found(registry) == []


@forms
def test_before_1_10_by_ids_alone(form: str, tmp_path: Path) -> None:
    registry = read(lay(old_files(), form, tmp_path))
    assert registry.tags.empty
    assert set(rows(registry.repository_manifests, "repository", "manifest")) == {
        (NONE, v1_id("2")),
        (NONE, v1_id("3")),
    }
    assert found(registry) == []


@forms
def test_a_layer_of_unknown_digest(form: str, tmp_path: Path) -> None:
    """Compressed, under a name that is no digest: ``docker load`` takes it, and so is it here, by its place."""
    squeezed = gzip.compress(BASE, mtime=0)
    other = f"{hexadecimal(WEB)}.tar"  # its diff ID, which says nothing of the compressed bytes
    files = only_manifest([BASE, WEB, API], "x:1", layers=[f"{v1_id('a')}/layer.tar", other, "some/layer"])
    files |= {f"{v1_id('a')}/layer.tar": squeezed, other: gzip.compress(WEB, mtime=0), "some/layer": API}
    registry = read(lay(files, form, tmp_path))
    first, second, third = stacks(registry)[image_of([BASE, WEB, API])]
    assert first == f"v1:{v1_id('a')}"
    assert second.startswith("file:")
    assert third == sha256(API)
    assert dict(rows(registry.manifest_layers, "blob", "digest")) == {first: None, second: None, third: third}
    assert set(registry.layers["basis"]) == {"chain"}
    blobs = dict(rows(registry.blobs, "blob", "blob_bytes"))
    assert blobs[first] == len(squeezed)
    assert found(registry) == []


def test_a_source_says_more_of_a_layer(tmp_path: Path) -> None:
    """``LayerSources`` describes foreign layers, which need not be there."""
    foreign = gzip.compress(BASE, mtime=0)
    source = {
        "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "digest": sha256(foreign),
        "size": len(foreign),
        "urls": ["https://example.org/base"],
    }
    place = f"{v1_id('a')}/layer.tar"
    files = only_manifest([BASE], "x:1", layers=[place], LayerSources={sha256(BASE): source})
    registry = read(lay(files | {place: foreign}, "tar", tmp_path))
    assert rows(registry.manifest_layers, "blob", "foreign") == [(sha256(foreign), True)]
    assert rows(registry.blobs[registry.blobs["kind"] == "layer"], "media_type", "declared_bytes") == [
        (source["mediaType"], len(foreign))
    ]


# --- what is wrong


@forms
@pytest.mark.parametrize(
    "target", ["/etc/passwd", "../../../../../../etc/passwd", "../gone/layer.tar", "layer.tar", "."]
)
def test_no_link_leads_out(form: str, target: str, tmp_path: Path) -> None:
    """The layer is not there then, whatever lies at that place on this machine."""
    files = saved(([BASE], ("a:1",)))
    place = f"{v1_id(sha256(BASE))}/layer.tar"
    files[place] = Link(target)
    registry = read(lay(files, form, tmp_path))
    image = image_of([BASE])
    assert found(registry) == [
        ("docker-link-broken", None, None, None, place, f"it says {target}"),
        ("layer-missing", None, image, sha256(BASE), None, None),
    ]
    assert not registry.blobs.set_index("blob").loc[sha256(BASE), "present"]


@forms
def test_a_directory_that_is_a_link(form: str, tmp_path: Path) -> None:
    files = saved(([BASE], ("a:1",)))
    place = f"{v1_id(sha256(BASE))}/layer.tar"
    content = files.pop(place)
    files |= {"elsewhere/layer.tar": content, "linked": Link("elsewhere")}
    document = config([BASE])
    files["manifest.json"] = encode([entry(f"{hexadecimal(document)}.json", ["linked/layer.tar"], "a:1")])
    registry = read(lay(files, form, tmp_path))
    assert rules_of(registry) == ["docker-link-broken", "foreign-file", "layer-missing"]


@forms
def test_a_name_on_two_images(form: str, tmp_path: Path) -> None:
    """The first keeps the tag, the other stays a root."""
    registry = read(lay(saved(([BASE], ("a:1",)), ([WEB], ("a:1",))), form, tmp_path))
    assert tags(registry) == {("a", "1", image_of([BASE]))}
    assert set(rows(registry.repository_manifests, "repository", "manifest", "is_root")) == {
        ("a", image_of([BASE]), True),
        ("a", image_of([WEB]), True),
    }
    assert found(registry) == [("docker-name-twice", "a", image_of([WEB]), None, None, "tag 1")]


@forms
def test_names_that_only_old_engines_find(form: str, tmp_path: Path) -> None:
    files = saved(([BASE], ("a:1",))) | {"repositories": encode({"a": {"1": v1_id("a"), "2": v1_id("a")}, "b": None})}
    assert found(read(lay(files, form, tmp_path))) == [("docker-names-differ", None, None, None, None, "a:2")]


@forms
def test_names_that_are_none(form: str, tmp_path: Path) -> None:
    names = ["a", ":1", "localhost:5000/a", "b:1\x00", 7]
    document = config([BASE])
    place = f"{v1_id('a')}/layer.tar"
    files: Files = {
        f"{hexadecimal(document)}.json": document,
        place: BASE,
        "manifest.json": encode([{"Config": f"{hexadecimal(document)}.json", "RepoTags": names, "Layers": [place]}]),
    }
    registry = read(lay(files, form, tmp_path))
    assert [problem[5] for problem in found(registry, "docker-name-malformed")] == [":1", "a", "localhost:5000/a"]
    assert tags(registry) == {("b", "1\\x00", image_of([BASE]))}
    assert set(rules_of(registry)) == {"docker-name-malformed"}


@forms
@pytest.mark.parametrize("content", [b"{", b"\xff", b"[1", b"NaN"])
def test_names_that_cannot_be_read(form: str, content: bytes, tmp_path: Path) -> None:
    files = saved(([BASE], ("a:1",))) | {"repositories": content}
    registry = read(lay(files, form, tmp_path))
    assert found(registry) == [("docker-names-unreadable", None, None, None, "repositories", None)]
    assert tags(registry) == {("a", "1", image_of([BASE]))}


@forms
def test_a_broken_manifest_leaves_what_old_engines_read(form: str, tmp_path: Path) -> None:
    files = old_files(names={"web": {"1": v1_id("2")}}) | {"manifest.json": b"[{"}
    registry = read(lay(files, form, tmp_path))
    assert tags(registry) == {("web", "1", v1_id("2"))}
    assert found(registry) == [("docker-names-unreadable", None, None, None, "manifest.json", None)]


@forms
def test_entries_that_are_no_image(form: str, tmp_path: Path) -> None:
    files = saved(([BASE], ("a:1",)))
    good = entry(f"{hexadecimal(config([BASE]))}.json", [f"{v1_id(sha256(BASE))}/layer.tar"], "a:1")
    files["manifest.json"] = encode([7, {"Config": None, "Layers": []}, good])
    assert found(read(lay(files, form, tmp_path))) == [
        ("docker-image-malformed", None, None, None, "manifest.json", "entry 0 names no configuration"),
        ("docker-image-malformed", None, None, None, "manifest.json", "entry 1 names no configuration"),
    ]


@forms
def test_a_configuration_that_is_gone(form: str, tmp_path: Path) -> None:
    files = saved(([BASE], ("a:1",)), ([BASE, WEB], ("b:1",)))
    image = image_of([BASE])
    del files[f"{image.removeprefix('sha256:')}.json"]
    registry = read(lay(files, form, tmp_path))
    assert dict(rows(registry.manifests, "manifest", "present")) == {image: False, image_of([BASE, WEB]): True}
    assert set(rules_of(registry)) == {"config-missing", "manifest-missing"}
    assert tags(registry) == {("a", "1", image), ("b", "1", image_of([BASE, WEB]))}


@forms
@pytest.mark.parametrize(
    ("content", "rule"), [(b"{", "config-unreadable"), (b"", "blob-empty"), (b"[]", "config-unreadable")]
)
def test_a_configuration_that_cannot_be_read(form: str, content: bytes, rule: str, tmp_path: Path) -> None:
    files = saved(([BASE], ("a:1",)))
    path = f"{image_of([BASE]).removeprefix('sha256:')}.json"
    registry = read(lay(files | {path: content}, form, tmp_path))
    assert rules_of(registry) == [rule]
    (blob,) = stacks(registry)[image_of([BASE])]
    assert blob == f"v1:{v1_id(sha256(BASE))}"  # nothing says what digest it would have


def test_a_configuration_that_is_too_long(tmp_path: Path) -> None:
    document = config([BASE], padding="x" * (4 << 20))
    place = f"{v1_id('a')}/layer.tar"
    files: Files = {
        f"{hexadecimal(document)}.json": document,
        place: BASE,
        "manifest.json": encode([entry(f"{hexadecimal(document)}.json", [place], "a:1")]),
    }
    assert found(read(lay(files, "tar", tmp_path))) == [
        ("manifest-oversized", None, None, sha256(document), None, f"{len(document)} bytes")
    ]


def test_a_configuration_of_another_digest(tmp_path: Path) -> None:
    files = saved(([BASE], ("a:1",)))
    image = image_of([BASE])
    path = f"{image.removeprefix('sha256:')}.json"
    forged = config([BASE], author="someone")
    archive = lay(files | {path: forged}, "tar", tmp_path)
    assert found(read(archive)) == []
    assert found(read(archive, verify=True)) == [
        ("digest-mismatch", None, None, image, None, f"its content has {sha256(forged)}")
    ]


@forms
def test_layers_that_do_not_fit(form: str, tmp_path: Path) -> None:
    """Fewer layers than diff IDs: nothing can be paired, and keys rest on the files' names."""
    files = only_manifest([BASE, WEB], "x:1", layers=[f"{hexadecimal(BASE)}.tar"])
    registry = read(lay(files | {f"{hexadecimal(BASE)}.tar": BASE}, form, tmp_path))
    assert stacks(registry) == {image_of([BASE, WEB]): [sha256(BASE)]}
    assert rules_of(registry) == ["layers-differ"]
    assert set(registry.layers["basis"]) == {"digests"}


@forms
def test_images_that_disagree_on_a_layer(form: str, tmp_path: Path) -> None:
    """One file under two diff IDs: it is one blob, and one of the two lies."""
    place = f"{v1_id('a')}/layer.tar"
    one, other = config([BASE]), config([WEB])
    files: Files = {
        f"{hexadecimal(one)}.json": one,
        f"{hexadecimal(other)}.json": other,
        place: BASE,
        "manifest.json": encode([entry(f"{hexadecimal(c)}.json", [place]) for c in (one, other)]),
    }
    registry = read(lay(files, form, tmp_path))
    assert stacks(registry) == {sha256(one): [sha256(BASE)], sha256(other): [sha256(BASE)]}
    assert rules_of(registry) == ["diff-ids-differ"]


@forms
def test_what_nobody_uses(form: str, tmp_path: Path) -> None:
    files = saved(([BASE], ("a:1",))) | {
        "README.md": b"not docker's",
        f"{hexadecimal(WEB)}.tar": WEB,
        f"{v1_id('lost')}/layer.tar": API,
    }
    registry = read(lay(files, form, tmp_path))
    assert set(registry.blobs["blob"]) == {
        image_of([BASE]),
        sha256(BASE),
        sha256(WEB),
        f"v1:{v1_id('lost')}",
    }
    assert found(registry) == [("foreign-file", None, None, None, "README.md", None)]


@forms
def test_before_1_10_what_is_wrong(form: str, tmp_path: Path) -> None:
    one, two, three = v1_id("1"), v1_id("2"), v1_id("3")
    files = old_files(names={"web": {"1": two, "gone": v1_id("9"), "bad": "x", "": two}, "none": []})
    files[f"{one}/json"] = encode({"id": two, "parent": three})
    files[f"{three}/json"] = encode({"id": three, "parent": two})
    files |= {f"{v1_id('4')}/json": b"{", f"{v1_id('5')}/layer.tar": API, "x.txt": b""}
    files[f"{v1_id('6')}/json"] = encode({"id": v1_id("6"), "parent": v1_id("7")})
    files[f"{v1_id('8')}/json"] = encode({"id": v1_id("8"), "parent": "what"})
    files[f"{v1_id('6')}/layer.tar"] = files[f"{v1_id('8')}/layer.tar"] = BASE
    registry = read(lay(files, form, tmp_path))
    assert set(found(registry)) == {
        ("docker-name-malformed", None, None, None, None, "web:bad: 'x'"),
        ("docker-name-malformed", None, None, None, None, f"web:: '{two}'"),
        ("foreign-file", None, None, None, "x.txt", None),
        ("v1-id-mismatch", None, one, None, None, two),
        ("v1-image-missing", "web", v1_id("9"), None, None, None),
        ("v1-json-missing", None, v1_id("5"), None, None, None),
        ("v1-json-unreadable", None, v1_id("4"), None, None, "1 bytes"),
        ("v1-layer-missing", None, v1_id("4"), f"v1:{v1_id('4')}", None, None),
        ("v1-parent-cycle", None, min(one, two, three), None, None, "3 images"),
        ("v1-parent-missing", None, v1_id("6"), None, None, v1_id("7")),
        ("digest-malformed", None, v1_id("8"), None, None, "'what'"),
    }
    assert dict(rows(registry.tags, "tag", "link_state")) == {"1": "ok", "gone": "ok", "bad": "malformed"}


def test_before_1_10_values_that_are_nested_too_deeply_to_be_shown(tmp_path: Path) -> None:
    one, two = v1_id("1"), v1_id("2")
    files = old_files(names={"web": {"1": two}})
    files[f"{one}/json"] = b'{"id": "%s", "parent": %s}' % (one.encode(), DEEP)
    files["repositories"] = b'{"web": {"1": "%s", "2": %s}}' % (two.encode(), DEEP)
    registry = read(lay(files, "folder", tmp_path))
    assert [(rule, manifest) for rule, _, manifest, *_ in found(registry)] == [
        ("digest-malformed", one),
        ("docker-name-malformed", None),
    ]


@forms
def test_paths_that_are_no_unicode(form: str, tmp_path: Path) -> None:
    """Half of a pair of surrogates stands in JSON, and in the name of no file."""
    files = saved(([BASE], ("a:1",)))
    path = f"{hexadecimal(config([BASE]))}.json"
    lone = entry("\ud800", [f"{v1_id(sha256(BASE))}/layer.tar"], "b:1")
    files["manifest.json"] = encode([lone, entry(path, ["\ud800"], "a:1")])
    registry = read(lay(files, form, tmp_path))
    gone, here = sha256(b"\\ud800"), image_of([BASE])
    assert [problem[:3] for problem in found(registry)] == [
        ("config-missing", None, gone),
        ("layer-missing", None, here),
        ("manifest-missing", "b", gone),
    ]


# --- what is none of it


@pytest.mark.parametrize("content", [b'{"schemaVersion": 2, "layers": []}', b'{"name": "app"}', b"[]", b"[1, 2]"])
@forms
def test_another_manifest_json(form: str, content: bytes, tmp_path: Path) -> None:
    """skopeo's ``dir:`` and web applications have a file of that name too."""
    with pytest.raises(NotRecognisedError):
        read(lay({"manifest.json": content, "index.html": b""}, form, tmp_path))


def test_both_forms_are_equal_whatever_is_wrong(tmp_path: Path) -> None:
    files = saved(([BASE, WEB], ("a:1", "b")), ([WEB], ("a:1",)))
    files |= {"x": Link("y"), "stray/deep": b"", f"{v1_id('x')}/layer.tar": Link("/etc/passwd")}
    one, two = (read(lay(files, form, tmp_path)) for form in ("folder", "tar"))
    assert_same_tables(one, two)
    assert_same_tables(one, read(lay(files, "zip", tmp_path)))
