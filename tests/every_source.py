"""One registry, or more, of each kind of source, between them with a value in every column that the kind can know."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regviz.read import read
from tests.conftest import ROOT
from tests.helpers import (
    OCI_MANIFEST,
    Store,
    V1Store,
    compressed,
    descriptor,
    encode,
    image_config,
    image_id,
    image_manifest,
    sha256,
    write_file,
)
from tests.layouts.docker_made import Files, config, entry, lay, v1_id
from tests.layouts.test_docker_store import ROOT as ENGINE
from tests.layouts.test_docker_store import graph, store
from tests.layouts.test_skopeo_dir import lay as skopeo_dir
from tests.live.servers import Shop, serving
from tests.live.test_v1 import V1

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from regviz.registry import Registry

DATA = ROOT / "data"
SAID: dict[str, Any] = {
    "created": "2024-05-01T12:00:00Z",
    "author": "ops@example.org",
    "variant": "v8",
    "os.version": "10.0",
    "config": {"Labels": {"version": "1"}},
    "history": [
        {
            "created": "2024-05-01T12:00:00Z",
            "created_by": "COPY . /",
            "author": "ops",
            "comment": "buildkit.dockerfile.v0",
        }
    ],
}
"""All that a configuration may say."""


def world(layout: str, **options: Any) -> Registry:
    return read(DATA / f"world-{layout}.tar.gz", verify=True, links="open", measure=True, **options)


def distribution(root: Path) -> Iterator[Registry]:
    yield world("distribution")
    made = Store(root / "distribution")
    made.image("a", [b"1"], "latest")
    made.directory("repositories/a/_uploads/0a1b")
    made.file("repositories/a/_uploads/0a1b/startedat", b"2024-05-01T12:00:00Z")
    made.file("repositories/a/_uploads/0a1b/data", b"half")
    yield read(made.root, measure=True)


def v1(root: Path) -> Iterator[Registry]:
    yield world("v1")
    made = V1Store(root / "v1")
    said = {"os": "linux", "architecture": "arm", "variant": "v7", "author": "ops", "comment": "by hand"}
    made.image(image_id(1), created="2014-03-21T00:00:00Z", config={"Labels": {"a": "1"}}, **said)
    made.tag("library/x", "latest", image_id(1))
    yield read(made.root, measure=True)


def oci(root: Path) -> Iterator[Registry]:
    yield world("oci")
    place = root / "oci"
    place.mkdir()
    with tarfile.open(DATA / "world-oci.tar.gz") as archive:
        archive.extractall(place, filter="data")
    yield read(place, measure=True, verify=True)


def zot(root: Path) -> Iterator[Registry]:
    place = root / "zot" / "team" / "web"
    place.mkdir(parents=True)
    with tarfile.open(DATA / "world-oci.tar.gz") as archive:
        for number, member in enumerate(archive):
            if member.isfile():
                content = archive.extractfile(member)
                assert content is not None
                write_file(place / member.name.removeprefix("registry/"), content.read(), number)
    write_file(root / "zot" / "cache.db", b"bolt", 0)
    write_file(place / ".uploads" / "0a1b", b"half", 0)
    yield read(root / "zot", measure=True, verify=True)


def skopeo(root: Path) -> Iterator[Registry]:
    """An image with all that may be said of one; and an index with an attestation, and with a subject."""
    said = SAID | {"history": SAID["history"] * 2}
    made, blobs = image_config([b"1", b"2"], **said), [compressed(b"1"), compressed(b"2")]
    manifest = image_manifest(made, blobs)
    yield read(skopeo_dir(root / "dir", manifest, made, *blobs), measure=True, verify=True)
    image, vouching = encode(manifest), encode(image_manifest(image_config([b"3"]), [compressed(b"3")]))
    platform = {"os": "linux", "architecture": "arm", "variant": "v7"}
    annotations = {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": sha256(image),
    }
    index = {
        "schemaVersion": 2,
        "artifactType": "application/vnd.example",
        "subject": descriptor(b"elsewhere", OCI_MANIFEST),
        "manifests": [
            descriptor(image, OCI_MANIFEST) | {"platform": platform},
            descriptor(vouching, OCI_MANIFEST) | {"annotations": annotations},
        ],
    }
    more = {f"{sha256(document)[7:]}_manifest_json": document for document in (image, vouching)}
    yield read(skopeo_dir(root / "index", index, made, *blobs, **more), measure=True, verify=True)


def docker_archive(root: Path) -> Iterator[Registry]:
    for layout in ("docker-save", "docker-save-old"):
        yield world(layout)
    document = config([b"1"], **SAID)
    files: Files = {"c.json": document, "l/layer.tar": compressed(b"1"), "l/VERSION": b"1.0"}
    files["manifest.json"] = encode([entry("c.json", ["l/layer.tar"], "a:1")])
    for form in ("folder", "tar"):
        (root / form).mkdir()
        yield read(lay(files, form, root / form), measure=True, verify=True)


def docker_daemon(root: Path) -> Iterator[Registry]:
    files = store([b"1"], [b"1", b"2"], names={"team/a": {"team/a:1": sha256(config([b"1"]))}})
    document = config([b"1"], **SAID)
    files[f"{ENGINE}imagedb/content/sha256/{sha256(document)[7:]}"] = document
    files[f"{ENGINE}imagedb/metadata/sha256/{sha256(document)[7:]}/lastUpdated"] = b"2024-05-01T12:00:00Z"
    files[f"{ENGINE}distribution/v2metadata-by-diffid/sha256/{sha256(b'1')[7:]}"] = encode(
        [{"Digest": sha256(compressed(b"1")), "SourceRepository": "docker.io/library/a"}]
    )
    for name, made in (
        ("store", files),
        ("graph", graph((v1_id("1"), v1_id("2")), names={"team/a": {"1": v1_id("2")}})),
    ):
        for form in ("folder", "tar"):
            (root / f"{name}-{form}").mkdir()
            yield read(lay(made, form, root / f"{name}-{form}"), measure=True, verify=True)


def registry_v2(root: Path) -> Iterator[Registry]:
    """The small world's blobs and tags, served."""
    del root
    shop = Shop()
    with tarfile.open(DATA / "world-distribution.tar.gz") as archive:
        content = {m.name: archive.extractfile(m) or io.BytesIO() for m in archive if m.isfile()}
        files = {name.removeprefix("registry/docker/registry/v2/"): file.read() for name, file in content.items()}
    for path, data in files.items():
        parts = path.split("/")
        if parts[0] == "blobs":
            shop.blobs[f"sha256:{parts[3]}"] = data
    for path, data in files.items():
        if "/_manifests/revisions/" in path:
            repository, digest = path.split("/_manifests/")[0].removeprefix("repositories/"), data.decode()
            shop.served.setdefault(repository, set()).add(digest)
            document = shop.blobs[digest]
            shop.manifests[digest] = _media_type(document), document
        elif path.endswith("/current/link"):
            repository, _, rest = path.removeprefix("repositories/").partition("/_manifests/tags/")
            shop.tags.setdefault(repository, {})[rest.split("/")[0]] = data.decode()
    with serving(shop) as server:
        yield read(server.url, cache=False, verify=True)


def _media_type(document: bytes) -> str:
    import json

    said = json.loads(document)
    signed = "application/vnd.docker.distribution.manifest.v1+prettyjws"
    return str(said.get("mediaType", signed if said["schemaVersion"] == 1 else OCI_MANIFEST))


def registry_v1(root: Path) -> Iterator[Registry]:
    del root

    class Telling(V1):
        """Its documents say all that one may."""

        def _image(self, image: str, what: str) -> Any:
            reply = super()._image(image, what)
            if what == "json":
                more = {**SAID, "architecture": "arm", "comment": "by hand"}
                more["container_config"] = {"Cmd": ["/bin/sh", "-c", "make"]}
                reply.body = reply.body.removesuffix(b"}") + b"," + encode(more).removeprefix(b"{")
            return reply

    with serving(Telling()) as server:
        yield read(server.url, cache=False)


def listing(folder: Path, to: Path) -> Path:
    """What GNU find prints of a folder, in the form that is recommended."""
    to.write_bytes(subprocess.check_output(["find", str(folder), "-printf", r"%y %s %T@ %p\0"]))
    return to


def listing_of_world(layout: str, root: Path) -> Path:
    place = root / "world"
    with tarfile.open(DATA / f"world-{layout}.tar.gz") as archive:
        archive.extractall(place, filter="data")
    return listing(place, root / "world.list")


def listings(layout: str, more: Callable[[Path], Iterator[Registry]]) -> Callable[[Path], Iterator[Registry]]:
    """Listings of the small world, and of every other folder of that layout."""

    def read_listings(root: Path) -> Iterator[Registry]:
        yield read(listing_of_world(layout, root), measure=True)
        for number, registry in enumerate(more(root)):
            folder = Path(registry.source.uri)
            if folder.is_dir():
                yield read(listing(folder, root / f"{number}.list"), measure=True)

    return read_listings


SOURCES: dict[str, Callable[[Path], Iterator[Registry]]] = {
    "distribution": distribution,
    "v1": v1,
    "oci": oci,
    "zot": zot,
    "skopeo-dir": skopeo,
    "docker-archive": docker_archive,
    "docker-daemon": docker_daemon,
    "registry-v2": registry_v2,
    "registry-v1": registry_v1,
    "listing-distribution": listings("distribution", distribution),
    "listing-v1": listings("v1", v1),
    "listing-oci": listings("oci", oci),
}
"""By kind; a running engine's is in tests/real."""
