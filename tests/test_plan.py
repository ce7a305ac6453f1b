"""What a plan counts, against counting by other means; and that it is quick and bounded."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING

import fsspec
import pytest

import regviz as rv
from regviz.errors import NotRecognisedError, SourceNotFoundError, UnreachableError
from regviz.plan import Plan, cost, sample, stored
from regviz.storage import base, tar
from regviz.storage.objects import store as store_module
from regviz.storage.zip import Zip
from tests.cli.running import WORLD, WORLD_V1, done, run
from tests.conftest import ROOT
from tests.helpers import V2, Store, V1Store, image_id, pack
from tests.listed import FORMS, files_of
from tests.live.servers import Reply, serving, small_shop

if TYPE_CHECKING:
    from pathlib import Path


def counts(plan: Plan) -> dict[str, tuple[int | None, bool]]:
    return {count.noun: (count.number, count.exact) for count in plan.counts}


def _many(root: Path, repositories: int, tags: int) -> Store:
    """Repositories of so many tags each; blobs lie evenly below their first digits."""
    store = Store(root)
    for number in range(repositories):
        for tag in range(tags):
            digest = f"sha256:{number * tags + tag:02x}" + hashlib.sha256(b"%d %d" % (number, tag)).hexdigest()[2:]
            store.file(f"blobs/sha256/{digest[7:9]}/{digest[7:]}/data", b"{}")
            store.revision(f"team{number}/app", digest)
            store.tag(f"team{number}/app", f"{tag}", digest)
    return store


def test_what_breaks_off_is_planned_to_be_read_so(tmp_path: Path) -> None:
    archive = tmp_path / "cut.tar"
    archive.write_bytes(gzip.decompress(WORLD.read_bytes())[:100_100])
    assert rv.plan(archive).next_command == f"regviz report {archive} -o report.html --partial"
    assert run("detect", archive).exit_code == 1
    records = json.loads(done("detect", archive, "--partial", "--format", "json"))
    assert [record["layout"] for record in records] == ["distribution"]


# --- folders


def test_a_small_folder_is_counted(tmp_path: Path) -> None:
    store = _many(tmp_path / "r", 5, 3)
    store.layer_link("team0/app", "sha256:" + "ab" * 32)
    plan = rv.plan(store.root)
    assert counts(plan) == {"blobs": (15, True), "repositories": (5, True), "tags": (15, True), "links": (16, True)}
    assert (plan.kind, plan.layout, plan.requests, plan.marks) == ("folder", "distribution", 0, "")
    assert plan.why == f"it has {V2}"
    assert plan.next_command == f"regviz report {store.root} -o report.html"


def test_a_large_folder_is_estimated_from_some_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = _many(tmp_path / "r", 32, 8)
    monkeypatch.setattr(sample, "_PREFIXES", 4)
    monkeypatch.setattr(sample, "_FEW", 0)
    monkeypatch.setattr(sample, "_BRANCHES", 8)
    monkeypatch.setattr(sample, "_REPOSITORIES", 4)
    plan = rv.plan(store.root)
    every = {"blobs": (256, False), "repositories": (32, False), "tags": (256, False), "links": (256, False)}
    assert counts(plan) == every, "each directory has as much as any other"
    assert "4 of 256 directories below sha256" in plan.text()
    assert "about 256" in plan.text()


def test_counting_ends_where_names_are_very_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = V1Store(tmp_path / "r")
    for number in range(20):
        store.image(image_id(number))
    store.tag("library/a", "latest", image_id(0))
    assert counts(rv.plan(store.root)) == {"images": (20, True), "repositories": (1, True)}
    monkeypatch.setattr(sample, "_MOST_NAMES", 10)
    assert counts(rv.plan(store.root))["images"] == (10, False)
    assert "10 or more" in rv.plan(store.root).text()
    monkeypatch.setattr(sample, "_MOST_DIRECTORIES", 3)
    assert counts(rv.plan(_many(tmp_path / "d", 9, 1).root))["repositories"][1] is False


def test_an_oci_layout_is_counted(tmp_path: Path) -> None:
    subprocess.run(["tar", "-xf", ROOT / "data" / "world-oci.tar.gz", "-C", tmp_path], check=True)
    blobs = sum("/blobs/sha256/" in f"/{file.key}" for file in files_of(tmp_path))
    assert counts(rv.plan(tmp_path)) == {"blobs": (blobs, True)}


# --- archives


@pytest.mark.parametrize("world", [WORLD, WORLD_V1])
def test_members_are_counted(world: Path) -> None:
    with tarfile.open(world) as archive:
        members = len(archive.getmembers())
    assert counts(rv.plan(world)) == {"members": (members, True)}


def test_members_of_a_zip(tmp_path: Path) -> None:
    archive = pack(_many(tmp_path / "r", 2, 2).root, "zip", tmp_path)
    with zipfile.ZipFile(archive) as opened:
        assert counts(rv.plan(archive)) == {"members": (len(opened.infolist()), True)}


def test_members_of_a_large_archive_are_estimated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = pack(_many(tmp_path / "r", 32, 8).root, "tar", tmp_path)
    with tarfile.open(archive) as opened:
        members = len(opened.getmembers())
    monkeypatch.setattr(tar, "_WINDOW", 1 << 14)
    number, exact = counts(rv.plan(archive))["members"]
    assert not exact
    assert number == pytest.approx(members, rel=0.15)


def test_an_archive_that_breaks_off_is_counted_as_far_as_it_goes(tmp_path: Path) -> None:
    archive = pack(_many(tmp_path / "r", 32, 8).root, "tar", tmp_path)
    (tmp_path / "cut.tar").write_bytes(archive.read_bytes()[:-20_000])
    [count] = rv.plan(tmp_path / "cut.tar").counts
    assert (count.number or 0) > 0
    assert not count.exact
    assert "breaks off" in count.how


def test_a_storage_that_cannot_tell_is_listed_for_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = pack(_many(tmp_path / "r", 2, 2).root, "zip", tmp_path)
    expected = counts(rv.plan(archive))
    monkeypatch.delattr(Zip, "count_objects")
    assert counts(rv.plan(archive)) == expected
    monkeypatch.setattr(stored, "_MOMENT", -1.0)
    assert "or more" in rv.plan(archive).text()


def test_recognising_ends_after_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = pack(_many(tmp_path / "r", 2, 2).root, "tar", tmp_path)
    lines = [f"f 5 1.0 blobs/sha256/{n:064x}" for n in range(100_000)] + ["f 1 1.0 oci-layout", "f 1 1.0 index.json"]
    (tmp_path / "listing").write_text("\n".join(lines), encoding="utf-8")
    assert rv.plan(tmp_path / "listing").layout == "oci"
    monkeypatch.setattr(stored, "_MOMENT", -1.0)
    cut = rv.plan(tmp_path / "listing")
    assert cut.layout == "not told yet"
    assert cut.why.startswith("as far as its first ")
    assert rv.plan(archive).layout == "distribution"


# --- listings


@pytest.mark.parametrize("form", ["printf-nul", "printf-lines", "find", "tar-tv", "s3-api", "inventory"])
def test_records_are_counted(form: str, tmp_path: Path) -> None:
    store = _many(tmp_path / "r", 3, 3)
    listing = FORMS[form].write(store.root, tmp_path / "listing")
    directories = sum(1 for _ in os.walk(store.root))
    files = sum(1 for _ in files_of(store.root))
    expected = files + (directories if FORMS[form].directories else 0)
    if form == "inventory":
        folder = listing.parent / "data"
        expected = sum(gzip.decompress(file.read_bytes()).count(b"\n") for file in folder.iterdir())
    plan = rv.plan(listing)
    assert (plan.kind, plan.requests, counts(plan)) == ("listing", 0, {"records": (expected, True)})
    assert plan.next_command == f"regviz table {listing} tags"
    assert any("names alone" in note for note in plan.notes)


def test_a_compressed_listing_without_a_last_line_end(tmp_path: Path) -> None:
    text = "\n".join(["f 71 1.0 docker/registry/v2/blobs/sha256/ab"] * 3 + ["f 71 1.0 x"])
    (tmp_path / "l").write_bytes(gzip.compress(text.encode()))
    assert counts(rv.plan(tmp_path / "l")) == {"records": (4, True)}


def test_a_listing_whose_compression_is_broken(tmp_path: Path) -> None:
    lines = b"".join(b"f 71 1.0 docker/registry/v2/blobs/sha256/%064x\n" % number for number in range(20_000))
    (tmp_path / "l").write_bytes(gzip.compress(lines)[:-1000])
    [count] = rv.plan(tmp_path / "l").counts
    assert (count.exact, count.how[:10]) == (False, "at least: ")


def test_what_cannot_be_read_has_no_next_command(tmp_path: Path) -> None:
    store = tmp_path / "io.containerd.content.v1.content" / "blobs" / "sha256"
    store.mkdir(parents=True)
    (store / ("ab" * 32)).write_bytes(b"x")
    plan = rv.plan(tmp_path)
    assert (plan.layout, plan.next_command, plan.seconds) == ("containerd", "", None)
    assert "it cannot be read: save the images" in plan.text()


PEAK = """
import resource, sys
import pandas, pyarrow
import regviz as rv
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
[count] = rv.plan(sys.argv[1]).counts
print(count.number, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_ten_million_records_take_little_memory(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "l", "wb", 1) as file:
        block = b"".join(
            b"f 71 1400000000.0000000000 ./docker/registry/v2/blobs/sha256/%02x/%064x/data\n" % (n % 256, n)
            for n in range(10_000)
        )
        for _ in range(1000):
            file.write(block)
    command = [sys.executable, "-c", PEAK, str(tmp_path / "l")]
    said = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True, capture_output=True
    )
    number, megabytes = map(int, said.stdout.split())
    assert number == 10_000_000
    assert megabytes < 100


# --- captures, registries, engines


def test_a_capture_says_its_rows(tmp_path: Path) -> None:
    registry = rv.read(WORLD)
    registry.save(tmp_path / "c.regviz")
    found = counts(rv.plan(tmp_path / "c.regviz"))
    assert found["tags"] == (len(registry.tags), True)
    assert found["blobs"] == (len(registry.blobs), True)


def test_a_registry_is_asked_for_its_catalog_and_some_lists() -> None:
    with serving(small_shop()) as server:
        plan = rv.plan(server.url)
        asked = [request.path for request in server.asked]
        named = rv.plan(server.url, repositories=["team/app"])
    assert counts(plan) == {"repositories": (4, True), "tags": (4, True)}
    assert plan.requests == 1 + 4 + 2 * 4  # a page, four lists, manifest and configuration of each tag
    assert plan.permissions == ("registry:catalog:*", "repository:NAME:pull for each repository")
    assert named.permissions == ("repository:NAME:pull for each repository",)
    assert counts(named) == {"repositories": (1, True), "tags": (2, True)}
    assert not any("/blobs/" in path for path in asked)
    assert [path for path in asked if "/manifests/" in path] == [f"/v2/emptied/manifests/sha256:{'0' * 64}"]


def test_a_large_registry_is_estimated() -> None:
    shop = small_shop()
    shop.tags = {f"team/app{number:03d}": {"1": "x", "2": "x"} for number in range(100)}
    shop.served = {}
    with serving(shop) as server:
        plan = rv.plan(server.url)
        lists = [request.path for request in server.asked if request.path.endswith("/tags/list")]
    assert counts(plan) == {"repositories": (100, True), "tags": (200, False)}
    assert len(lists) == 8


def test_marks_are_told_before_anything_is_read() -> None:
    shop = small_shop()
    shop.before("^/v2/$", Reply(200, b"{}", {"X-JFrog-Version": "Artifactory/7.1"}))
    with serving(shop) as server:
        plan = rv.plan(server.url)
    assert plan.marks == "Artifactory keeps when something was last downloaded"
    assert plan.next_command.endswith("--allow-pull-marks")


def test_no_engine(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="no Docker Engine answers"):
        rv.plan(f"docker-daemon:unix://{tmp_path / 'nothing.sock'}")


# --- what it says


def test_an_object_store_of_many_is_told_by_some_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """256 blobs, one below each pair of digits: any eight of them tell all."""
    store = _many(tmp_path / "registry", 2, 128)
    memory = fsspec.filesystem("memory")
    memory.put(str(store.root), "/planned/registry", recursive=True)
    monkeypatch.setattr(stored, "_MOMENT", 0)
    monkeypatch.setattr(base, "BATCH", 16)
    monkeypatch.setattr(store_module, "BATCH", 16)
    monkeypatch.setattr(sample, "_FEW", 0)
    plan = rv.plan("memory://planned/registry")
    assert plan.kind == "objects"
    memory.rm("/planned", recursive=True)
    assert counts(plan) == {"blobs": (256, False), "branches of repositories": (2, True)}
    assert plan.requests == 256


def test_object_stores_name_their_permissions() -> None:
    assert stored._permissions("objects", "s3://bucket/registry") == (
        "s3:ListBucket on arn:aws:s3:::bucket",
        "s3:GetObject on arn:aws:s3:::bucket/registry/*",
    )


def test_more_takes_longer_and_more_memory() -> None:
    for about in (cost.FOLDER, cost.MEMBER, cost.RECORD, cost.IMAGE, cost.REQUEST):
        few, many = cost.work(1000, about), cost.work(10_000_000, about)
        assert (few[0] or 0) < (many[0] or 0)
        assert (few[1] or 0) < (many[1] or 0)


def test_a_plan_is_frozen_and_shows_itself() -> None:
    plan = rv.plan(WORLD)
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.source = "x"  # type: ignore[misc]
    assert repr(plan) == str(plan) == plan.text()
    assert plan.table().loc[plan.table()["fact"] == "members", "number"].item() == plan.counts[0].number


def test_what_is_no_registry_is_said_as_reading_says_it(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError):
        rv.plan(tmp_path / "nothing")
    with pytest.raises(NotRecognisedError, match="empty folder"):
        rv.plan(tmp_path)


# --- the command


def test_the_command_prints_it() -> None:
    assert done("plan", WORLD) == rv.plan(WORLD).text() + "\n"
    records = json.loads(done("plan", WORLD, "--format", "json"))
    assert [record for record in records if record["fact"] == "members"][0]["exact"] is True
    assert done("plan", WORLD, "--format", "csv").startswith("fact,value,number,exact,how\n")


def test_the_command_writes_a_file(tmp_path: Path) -> None:
    done("plan", WORLD, "-o", tmp_path / "plan.txt")
    assert (tmp_path / "plan.txt").read_text(encoding="utf-8") == rv.plan(WORLD).text() + "\n"
    done("plan", WORLD, "-o", tmp_path / "plan.csv")
    assert (tmp_path / "plan.csv").read_text(encoding="utf-8").startswith("fact,")


@pytest.mark.parametrize("source", ["nothing", "."])
def test_the_command_fails_in_one_line(source: str, tmp_path: Path) -> None:
    result = run("plan", tmp_path / source)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert result.stderr.startswith("regviz: ")


def test_a_hostile_name_does_not_reach_the_terminal(tmp_path: Path) -> None:
    store = _many(tmp_path / "a\x1b[31mb", 1, 1)
    assert "\x1b" not in done("plan", store.root)
