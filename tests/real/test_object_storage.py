"""Registries in an S3 server: Distribution that keeps its storage there, and v1 and OCI layouts that were uploaded.

The oracles: boto3, which downloads the same objects as a folder, and the registry's own API.
"""

from __future__ import annotations

import subprocess
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

import regviz as rv
from regviz.errors import AccessDeniedError, NotRecognisedError, RegvizError, SourceNotFoundError, UnreachableError
from regviz.schema import TABLES
from regviz.share import folder as shared
from regviz.storage.objects import s3
from tests.cli.running import START
from tests.helpers import Store, assert_same_tables, found, rows
from tests.real.answers import ask_everything
from tests.real.content import push_content
from tests.real.object_storage import KEY, LOGIN, SECRET, distribution_on_s3, s3_server
from tests.real.service import require_program
from tests.real.tables import mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from regviz.registry import Registry
    from tests.real.answers import Answers
    from tests.real.content import Content
    from tests.real.distribution import DistributionServer
    from tests.real.object_storage import S3Server
    from tests.real.tools import Buildah, Skopeo

pytestmark = pytest.mark.real

BUCKET, PREFIX = "registry", "team/prod"
SOURCE = f"s3://{BUCKET}/{PREFIX}"


@pytest.fixture(scope="module", autouse=True)
def login(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Credentials as a person has them, and none of this machine's own."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_CA_BUNDLE", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
            patch.delenv(name, raising=False)
        patch.setenv("HOME", str(home))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        for name, value in LOGIN.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture(scope="module")
def pushed_to(server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DistributionServer]:
    program = require_program("docker-registry", "docker-registry")
    with distribution_on_s3(program, server, BUCKET, PREFIX, tmp_path_factory.mktemp("on-s3")) as running:
        yield running


@pytest.fixture(scope="module")
def pushed(
    pushed_to: DistributionServer, skopeo: Skopeo, buildah: Buildah, tmp_path_factory: pytest.TempPathFactory
) -> Content:
    """Every shape of content, some of it overwritten, deleted and abandoned."""
    return push_content(pushed_to, skopeo, buildah, tmp_path_factory.mktemp("content-on-s3"))


@pytest.fixture(scope="module")
def said(pushed_to: DistributionServer, skopeo: Skopeo, pushed: Content) -> Answers:
    return ask_everything(pushed_to, skopeo, pushed)


@pytest.fixture(scope="module")
def in_bucket(server: S3Server, said: Answers) -> Registry:
    assert said.catalog
    return rv.read(SOURCE, times=True, storage_options=server.options)


@pytest.mark.parametrize("links", ["stat", "check", "open"])
def test_all_tables_are_those_of_the_same_objects_as_a_folder(
    links: str, server: S3Server, said: Answers, tmp_path: Path
) -> None:
    assert said.catalog
    options = {"links": links, "times": True, "verify": True}
    folder = server.download(BUCKET, PREFIX + "/", tmp_path / "registry")
    in_bucket = rv.read(SOURCE, storage_options=server.options, **options)  # type: ignore[arg-type]
    assert_same_tables(in_bucket, rv.read(folder, **options))  # type: ignore[arg-type]
    assert in_bucket.blobs["allocated_bytes"].isna().all()


def test_what_the_source_says_of_itself(in_bucket: Registry) -> None:
    source = in_bucket.source
    assert (source.uri, source.root, source.layouts) == (SOURCE, "docker/registry/v2", ("distribution",))
    assert (source.knows_disk, source.knows_all_blobs, source.knows_untagged) == (False, True, True)
    assert SECRET not in repr(source)
    assert KEY not in repr(source)


def test_the_api_names_the_same_repositories_and_tags(in_bucket: Registry, said: Answers) -> None:
    has_layers = mapping(in_bucket.repositories, "repository", "has_layers")
    assert {name for name, has in has_layers.items() if has} == set(said.catalog)
    tags = {
        (repository, tag): manifest
        for repository, tag, manifest in rows(in_bucket.tags, "repository", "tag", "manifest")
    }
    assert tags == said.tags


def test_the_api_serves_the_same_manifests_and_blobs(in_bucket: Registry, said: Answers) -> None:
    kinds = mapping(in_bucket.manifests, "manifest", "media_type")
    assert {digest for _, digest in said.manifests} <= kinds.keys()
    lengths = mapping(in_bucket.blobs, "blob", "blob_bytes")
    served = {digest: size for digest, size in said.blob_bytes.items() if digest.startswith("sha256:")}
    assert {digest: lengths[digest] for digest in served} == served


def test_objects_were_stored_when_the_server_says(in_bucket: Registry, server: S3Server) -> None:
    pages = (
        server.client()
        .get_paginator("list_objects_v2")
        .paginate(Bucket=BUCKET, Prefix=f"{PREFIX}/docker/registry/v2/blobs/")
    )
    expected = {
        f"sha256:{found['Key'].split('/')[-2]}": (found["Size"], found["LastModified"])
        for page in pages
        for found in page["Contents"]
        if "/sha256/" in found["Key"]
    }  # fmt: skip
    present = in_bucket.blobs[
        in_bucket.blobs["present"] & in_bucket.blobs["blob"].astype(str).str.startswith("sha256:")
    ]
    stored = {blob: (size, time) for blob, size, time in rows(present, "blob", "blob_bytes", "stored_at")}
    assert stored == expected


@pytest.mark.parametrize(("world", "layout"), [("v1", "v1"), ("oci", "oci"), ("docker-save", "docker-archive")])
def test_other_layouts_that_were_uploaded(world: str, layout: str, server: S3Server, tmp_path: Path) -> None:
    with tarfile.open(shared("data") / f"world-{world}.tar.gz") as archive:
        archive.extractall(tmp_path / "world", filter="data")
    server.upload(tmp_path / "world", f"world-{world}", "some/where/")
    uploaded = rv.read(f"s3://world-{world}/some/where/", times=False, storage_options=server.options)
    folder = rv.read(tmp_path / "world", times=False)
    assert uploaded.source.layouts == folder.source.layouts == (layout,)
    # what a link names twice was uploaded twice
    assert_same_tables(uploaded, folder, *(["blobs.copies"] if world == "docker-save" else []))


def test_more_than_a_page_and_what_is_empty(server: S3Server, tmp_path: Path) -> None:
    store = Store(tmp_path / "storage")
    digest = store.image("team/app", [b"base"], "1.0")
    store.tag("team/app", "empty", digest, b"")
    store.tag("team/app", "café &<+%41>", digest)
    for number in range(550):
        store.linked_blob("team/app", b"%d" % number)  # an object for the blob, and one for the link
    server.upload(store.root, "many", "")
    read = rv.read("s3://many", times=False, storage_options=server.options)
    assert_same_tables(read, rv.read(store.root, times=False))
    assert found(read, "tag-link-empty")


def test_no_page_is_made_into_dictionaries(
    server: S3Server, in_bucket: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(contents: Sequence[Any]) -> Any:
        raise AssertionError(contents)

    monkeypatch.setattr(s3, "_objects", refuse)
    assert len(rv.read(SOURCE, times=True, storage_options=server.options).tags) == len(in_bucket.tags)


# --- what goes wrong


def test_no_such_bucket(server: S3Server) -> None:
    with pytest.raises(SourceNotFoundError, match="there is no bucket nowhere"):
        rv.read("s3://nowhere/prefix", storage_options=server.options)


def test_nothing_below_the_prefix(server: S3Server, said: Answers) -> None:
    assert said.catalog
    with pytest.raises(NotRecognisedError, match="no object lies below s3://registry/nothing"):
        rv.read(f"s3://{BUCKET}/nothing", storage_options=server.options)


def test_nobody_answers(server: S3Server) -> None:
    del server
    with pytest.raises(UnreachableError, match=r"does not answer.*--endpoint-url"):
        rv.read(SOURCE, storage_options={"endpoint_url": "http://127.0.0.1:1"})


def test_no_credentials(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in LOGIN:
        monkeypatch.delenv(name)
    with pytest.raises(AccessDeniedError, match=r"there are no credentials.*AWS_PROFILE.*--anonymous"):
        rv.read(SOURCE, storage_options=server.options)


def test_what_is_public_needs_none(server: S3Server, in_bucket: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in LOGIN:
        monkeypatch.delenv(name)
    server.client().put_bucket_acl(Bucket=BUCKET, ACL="public-read")
    public = rv.read(SOURCE, times=True, storage_options={"anon": True, **server.options})
    assert len(public.tags) == len(in_bucket.tags)


def test_no_such_profile(server: S3Server) -> None:
    with pytest.raises(AccessDeniedError, match="ProfileNotFound"):
        rv.read(SOURCE, storage_options={"profile": "nobody", **server.options})


def test_an_option_that_there_is_not(server: S3Server) -> None:
    with pytest.raises(RegvizError, match="was given one that it does not take"):
        rv.read(SOURCE, storage_options={"colour": "red", **server.options})


# --- the command line


def regviz(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*START, *arguments], capture_output=True, text=True, check=False)


def test_the_command_line(server: S3Server, in_bucket: Registry) -> None:
    detected = regviz("detect", SOURCE, "--anonymous", "--endpoint-url", server.url, "--format", "csv")
    assert detected.stdout.splitlines()[1].startswith("distribution,docker/registry/v2,"), detected.stderr
    table = regviz("table", SOURCE, "tags", "--endpoint-url", server.url, "--format", "csv")
    assert len(table.stdout.splitlines()) == 1 + len(in_bucket.tags), table.stderr
    counts = regviz("table", SOURCE, "--endpoint-url", server.url, "--format", "csv")
    assert len(counts.stdout.splitlines()) == 1 + len({*TABLES, "images"}), counts.stderr
    tree = regviz("tree", SOURCE, "--endpoint-url", server.url, "--depth", "3")
    assert "docker" in tree.stdout, tree.stderr


def test_the_command_line_says_what_is_wrong_in_a_line(server: S3Server) -> None:
    done = regviz("detect", "s3://nowhere", "--endpoint-url", server.url)
    assert done.returncode == 1
    assert done.stderr == (
        "regviz: nothing lies at s3://nowhere: there is no bucket nowhere. Look at its name, and at the endpoint "
        "(--endpoint-url)\n"
    )
