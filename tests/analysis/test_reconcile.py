"""reconcile() ends at what du(1), tarfile and a count of the same files say; no step but by what lies there."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import regviz as rv
from regviz.analysis import reconcile, sizes
from regviz.errors import NotKnowableError
from tests.analysis.oracle import truth_of
from tests.cli.running import done, run
from tests.conftest import ROOT
from tests.helpers import (
    MANIFEST_LIST,
    OCI_MANIFEST,
    SCHEMA2,
    STORAGE_DUMPS,
    Store,
    V1Store,
    descriptor,
    encode,
    image_id,
)
from tests.layouts.docker_made import lay, saved
from tests.layouts.oci_store import OciStore
from tests.layouts.test_oci_walk_and_list import zot
from tests.layouts.test_skopeo_dir import image as skopeo_image
from tests.layouts.test_skopeo_dir import lay as skopeo_dir
from tests.random_registry import random_registry

if TYPE_CHECKING:
    from pathlib import Path

DUMPS = (
    *STORAGE_DUMPS,
    "docker-archive-skopeo-web.tar",
    "docker-save-0.9.0-nodejs.tar",
    "docker-save-20.10-small.tar",
    "docker-save-20.10-x.tar",
    "docker-save-28.5.2-containerd.tar",
    "docker-save-28.5.2-overlay2.tar",
    "oci-archive-zstd.tar",
    "oci-layout-small.tar",
)
WORLDS = ("distribution", "v1", "oci", "docker-save", "docker-save-old")


def du(folder: Path, *options: str) -> int:
    done = subprocess.run(["du", "-s", *options, str(folder)], check=True, capture_output=True, text=True)
    return int(done.stdout.split()[0])


def subtotals(table: pd.DataFrame) -> dict[str, int]:
    named = table.dropna(subset=["subtotal"])
    return dict(zip(named["subtotal"], named["running_bytes"], strict=True))


def steps(table: pd.DataFrame) -> dict[str, tuple[int, int]]:
    """Rows and bytes of each step that takes some."""
    return {
        step: (rows, held)
        for step, held, rows in table[["step", "bytes", "rows"]].astype(object).itertuples(index=False, name=None)
        if held is not pd.NA and held
    }


def hold_to_du(folder: Path) -> pd.DataFrame:
    """A folder's table, after it was held against du."""
    reg = rv.read(folder, measure=True)
    table = reconcile(reg)
    end = subtotals(table)
    nothing = folder.with_name("nothing")
    nothing.mkdir()
    counts_directories = du(nothing, "-b") > 0  # coreutils before 9.2 do
    assert end["files and directories" if counts_directories else "files"] == du(folder, "-b")
    everything = [*folder.rglob("*")]
    facts = {(f.st_dev, f.st_ino): f.st_size for path in everything if not path.is_dir() for f in [path.lstat()]}
    facts |= {(f.st_dev, f.st_ino): f.st_size for path in everything if path.is_symlink() for f in [path.lstat()]}
    assert end["files"] == sum(facts.values())
    assert end["disk"] == du(folder, "--block-size=1")
    assert table["bytes"].cumsum().tolist() == table["running_bytes"].tolist()
    assert end["tagged bytes"] == sizes(reg).attrs["tagged_bytes"]
    stored = reg.blobs[reg.blobs["present"]]["blob_bytes"]
    assert end["blobs, each once"] == stored.sum()
    return table


def unpack(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="tar")
    return folder


# --- whole storages


@pytest.mark.parametrize("name", DUMPS)
def test_real_dumps(shared_dumps: Path, name: str, tmp_path: Path) -> None:
    table = hold_to_du(unpack(shared_dumps / name, tmp_path / "dump"))
    strays = steps(table).get("files among blobs", (0, 0))
    # docker save of 25 and later writes a configuration for old engines beside each image's own: 1 for each layer
    assert (strays[0] > 0) == (name == "docker-save-28.5.2-overlay2.tar")
    if name in STORAGE_DUMPS:
        assert subtotals(table)["tagged bytes"] == truth_of(shared_dumps / name).tagged_bytes
    hold_to_tarfile(shared_dumps / name)


def hold_to_tarfile(archive: Path) -> None:
    with tarfile.open(archive) as opened:
        members = sum(member.size for member in opened if member.isreg())
    table = reconcile(rv.read(archive, measure=True))
    end = subtotals(table)
    assert end["files"] == members
    disk = table["step"].isin(["directories", "blocks of directories", "blocks of files", "holes"])
    assert table[disk]["bytes"].isna().all()
    assert disk.sum() == 4
    assert table[~disk]["bytes"].notna().all()


@pytest.mark.parametrize("world", WORLDS)
def test_the_shipped_worlds(world: str, tmp_path: Path) -> None:
    archive = ROOT / "data" / f"world-{world}.tar.gz"
    hold_to_du(unpack(archive, tmp_path / "world"))
    hold_to_tarfile(archive)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("broken", [False, True])
def test_random_storages(seed: int, broken: bool, tmp_path: Path) -> None:  # noqa: FBT001  # a parameter
    random_registry(tmp_path / "storage", seed, broken=broken)
    table = hold_to_du(tmp_path / "storage")
    if not broken:
        assert "files among blobs" not in steps(table)
        assert subtotals(table)["tagged bytes"] == truth_of(tmp_path / "storage").tagged_bytes


def test_a_directory_of_skopeo(tmp_path: Path) -> None:
    manifest, blobs = skopeo_image(b"1", b"22")
    table = hold_to_du(skopeo_dir(tmp_path / "storage", manifest, *blobs, notes=b"12345"))
    assert steps(table)["other"] == (1, 5)
    assert "files among blobs" not in steps(table)


# --- what a step is, by hand


def test_every_step_counted_by_hand(tmp_path: Path) -> None:
    store = Store(tmp_path / "storage")
    lengths = {name: len(data) for name, data in (("tag", b"sha256:" + b"0" * 64),)}
    digest = store.image("one", [b"base" * 50, b"1" * 99], "1", "same")
    store.image("two", [b"base" * 50], "1")
    loose = store.blob(b"l" * 1234)
    os.utime(store.blob_path(loose), (1, 1))
    store.file("repositories/one/_uploads/0a1b/startedat", b"2024-05-01T12:00:00Z")
    store.file("repositories/one/_uploads/0a1b/data", b"half")
    store.file("lost+found/x", b"1234567")
    reg = rv.read(tmp_path / "storage", measure=True, times=True)
    found = steps(reconcile(reg))
    held = {blob: path.stat().st_size for path in (tmp_path / "storage").rglob("data") for blob in [path.parent.name]}
    one = named_blobs(store, digest)
    image = sum(held[blob] for blob in one)
    other = sum(held.values()) - image - 1234 - 4 + held[base(one, held, store)]
    assert found["tags"] == (3, 2 * image + other)
    assert found["shared within repositories"] == (len(one), -image)
    assert found["shared across repositories"] == (1, -held[base(one, held, store)])
    assert found["unreferenced"] == (1, 1234)
    assert found["unfinished uploads"] == (1, 4)
    assert found["records of uploads"][1] == 20
    links = [*(tmp_path / "storage").rglob("link")]
    assert found["links"] == (len(links), lengths["tag"] * len(links))
    assert found["other"] == (1, 7)


def named_blobs(store: Store, digest: str) -> list[str]:
    """A manifest, and what it names."""
    document = json.loads(store.blob_path(digest).read_bytes())
    return [
        name.split(":")[1]
        for name in [digest, document["config"]["digest"], *(d["digest"] for d in document["layers"])]
    ]


def base(blobs: list[str], held: dict[str, int], store: Store) -> str:
    """The layer that both repositories have a link to."""
    del held
    [found] = [blob for blob in blobs if len([*store.root.rglob(f"_layers/sha256/{blob}/link")]) == 2]
    return found


def test_the_dump_of_three_repositories_has_nothing_that_is_not_used(tmp_path: Path) -> None:
    """Others say of such a registry that 4 of its 13 blobs are unused, and its platforms untagged."""
    store = Store(tmp_path / "storage")
    store.image("docker", [b"d"], "1")
    store.image("oci", [b"o"], "1")
    amd, arm = (store.image("many", [name], architecture=name.decode()) for name in (b"amd64", b"arm64"))
    children = [descriptor(store.blob_path(child).read_bytes(), SCHEMA2) for child in (amd, arm)]
    listing = {"schemaVersion": 2, "mediaType": MANIFEST_LIST, "manifests": children}
    store.push("many", encode(listing), "1")
    blobs = [*store.root.rglob("data")]
    assert len(blobs) == 13
    table = hold_to_du(store.root)
    found = steps(table)
    assert {"roots without a tag", "referenced", "untagged", "unreferenced", "recent", "unknown"}.isdisjoint(found)
    total = sum(path.stat().st_size for path in blobs)
    assert found["tags"] == (3, total)
    assert subtotals(table)["tagged bytes"] == subtotals(table)["blobs, each once"] == total


def test_what_no_tag_reaches_has_its_state(tmp_path: Path) -> None:
    """By hand: an untagged image, a signature of a tagged one, a blob of yesterday and one of now."""
    store = Store(tmp_path / "storage")
    tagged = store.image("app", [b"t"], "1")
    loose = store.image("app", [b"u" * 40])
    document = store.blob_path(tagged).read_bytes()
    for blob in (b"{}", b"signed!"):
        store.linked_blob("app", blob)
    signature = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": "text/plain",
        "config": descriptor(b"{}", "application/vnd.oci.empty.v1+json"),
        "layers": [descriptor(b"signed!", "text/plain")],
        "subject": descriptor(document, OCI_MANIFEST),
    }
    store.push("app", encode(signature))
    old, new = store.blob(b"o" * 1234), store.blob(b"n" * 777)
    os.utime(store.blob_path(old), (1_700_000_000,) * 2)
    now = dt.datetime.now(dt.UTC).timestamp()
    os.utime(store.blob_path(new), (now, now))
    table = reconcile(rv.read(store.root, measure=True, times=True))
    found = steps(table)
    assert found["referenced"] == (3, len(encode(signature)) + len(b"{}") + len(b"signed!"))
    lengths = [store.blob_path(f"sha256:{name}").stat().st_size for name in named_blobs(store, loose)]
    assert found["untagged"] == (3, sum(lengths))
    assert found["unreferenced"] == (1, 1234)
    assert found["recent"] == (1, 777)
    assert "unknown" not in found


def test_an_entry_without_a_name_is_a_root(tmp_path: Path) -> None:
    store = OciStore(tmp_path / "storage")
    store.add(store.image([b"named"]), "1")
    store.add(store.image([b"nameless" * 9]))
    table = hold_to_du(store.root)
    named = sizes(rv.read(store.root)).attrs["tagged_bytes"]
    blobs = sum(path.stat().st_size for path in (store.root / "blobs").rglob("*") if path.is_file())
    assert steps(table)["roots without a tag"] == (3, blobs - named)


# --- what only a disk has


def sparse(path: Path, length: int) -> None:
    with path.open("r+b") as file:
        file.truncate(length)


def test_holes(tmp_path: Path) -> None:
    store = Store(tmp_path / "storage")
    store.image("app", [b"1" * 100], "1")
    hole = store.blob(b"with a hole")
    sparse(store.blob_path(hole), 5_000_000)
    facts = store.blob_path(hole).stat()
    table = hold_to_du(store.root)
    expected = 5_000_000 - facts.st_blocks * 512
    assert expected > 4_000_000
    assert steps(table)["holes"] == (1, -expected)


def test_hard_links_between_the_repositories_of_zot(tmp_path: Path) -> None:
    root = tmp_path / "storage"
    stores = zot(root, "web", "api", "copy")
    (root / "cache.db").write_bytes(b"bolt")
    documents = {name: store.image([b"base" * 1000]) for name, store in stores.items()}
    for name, store in stores.items():
        store.add(documents[name], "1")
    first = {path.name: path for path in (root / "web" / "blobs").rglob("*") if path.is_file()}
    for path in (root / "api" / "blobs").rglob("*"):
        if path.is_file():
            path.unlink()
            path.hardlink_to(first[path.name])
    whole = sum(path.stat().st_size for path in first.values())
    table = hold_to_du(root)
    found = steps(table)
    assert found["copies"] == (2 * len(first), 2 * whole)
    assert found["hard links"] == (len(first), -whole)
    assert "files among blobs" not in found


def test_hard_links_and_holes_of_a_v1_storage(tmp_path: Path) -> None:
    store = V1Store(tmp_path / "storage")
    ids = [image_id(number) for number in range(2)]
    store.image(ids[0], [], layer=b"x" * 9000)
    store.image(ids[1], ids[:1], layer=b"y")
    store.tag("library/app", "1", ids[1])
    layers = [store.root / "images" / name / "layer" for name in ids]
    layers[1].unlink()
    layers[1].hardlink_to(layers[0])
    table = hold_to_du(store.root)
    assert steps(table)["hard links"] == (1, -9000)
    assert steps(table)["tags"] == (1, 18000)


def test_hard_links_of_what_has_holes(tmp_path: Path) -> None:
    store = V1Store(tmp_path / "storage")
    ids = [image_id(number) for number in range(2)]
    store.image(ids[0], [], layer=b"x" * 9000)
    store.image(ids[1], ids[:1], layer=b"y")
    store.tag("library/app", "1", ids[1])
    first, second = (store.root / "images" / name / "layer" for name in ids)
    sparse(first, 3_000_000)
    second.unlink()
    second.hardlink_to(first)
    hole = 3_000_000 - first.stat().st_blocks * 512
    assert steps(hold_to_du(store.root))["holes"] == (1, -hole)


def test_hard_links_of_links_are_files_once(tmp_path: Path) -> None:
    """What a program that looks for equal files makes of a storage."""
    store = Store(tmp_path / "storage")
    store.image("app", [b"base" * 50], "1")
    store.image("other", [b"base" * 50], "1")
    before = steps(hold_to_du(store.root))
    first: dict[bytes, Path] = {}
    for path in sorted(store.root.rglob("link")):
        other = first.setdefault(path.read_bytes(), path)
        if other is not path:
            path.unlink()
            path.hardlink_to(other)
    (store.root.parent / "nothing").rmdir()
    after = steps(hold_to_du(store.root))
    assert after["links"] == (len(first), 71 * len(first)) < before["links"]
    assert {"hard links", "files among blobs"}.isdisjoint(after)


def test_a_hard_link_that_docker_save_writes(tmp_path: Path) -> None:
    files = saved(([b"base" * 100], ("a:1",)))
    folder = lay(files, "folder", tmp_path)
    [layer] = folder.rglob("layer.tar")
    (layer.parent / "again.tar").hardlink_to(layer)
    table = hold_to_du(folder)
    assert steps(table)["hard links"] == (1, -layer.stat().st_size)


def test_symbolic_links_have_the_length_of_what_they_say(tmp_path: Path) -> None:
    store = Store(tmp_path / "storage")
    store.image("app", [b"1"], "1")
    (store.v2 / "blobs" / "pointer").symlink_to("/nowhere/at/all")
    table = hold_to_du(store.root)
    assert steps(table)["other"] == (1, 15)


# --- archives of other kinds, captures, refusals


def test_a_zip_has_the_lengths_of_its_members(tmp_path: Path) -> None:
    folder = unpack(ROOT / "data" / "world-oci.tar.gz", tmp_path / "world")
    with zipfile.ZipFile(tmp_path / "world.zip", "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    with zipfile.ZipFile(tmp_path / "world.zip") as archive:
        total = sum(member.file_size for member in archive.infolist())
    assert subtotals(reconcile(rv.read(tmp_path / "world.zip", measure=True)))["files"] == total


def test_a_tar_counts_what_a_hard_link_names_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "storage")
    store.image("app", [b"1" * 500], "1")
    large = max(store.root.rglob("data"), key=lambda path: path.stat().st_size)
    other = store.blob_path("sha256:" + "aa" * 32)
    other.parent.mkdir(parents=True)
    other.hardlink_to(large)
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(store.root, "storage")
    with tarfile.open(tmp_path / "a.tar") as archive:
        assert sum(member.islnk() for member in archive) == 1
    hold_to_tarfile(tmp_path / "a.tar")
    found = steps(reconcile(rv.read(tmp_path / "a.tar", measure=True)))
    assert found["hard links"] == (1, -large.stat().st_size)


def test_a_capture_is_reconciled_as_its_source_was(tmp_path: Path) -> None:
    folder = unpack(ROOT / "data" / "world-distribution.tar.gz", tmp_path / "world")
    done("capture", folder, "--measure", "-o", tmp_path / "world.regviz")
    own, captured = (reconcile(rv.read(place, measure=True)) for place in (folder, tmp_path / "world.regviz"))
    assert captured.equals(own)


def test_what_was_not_measured_is_not_known() -> None:
    with pytest.raises(NotKnowableError, match=r"not measured: read it with measure=True"):
        reconcile(rv.read(ROOT / "data" / "world-v1.tar.gz"))


def test_an_engine_has_no_files_of_layers(shared_dumps: Path) -> None:
    with pytest.raises(NotKnowableError, match=r"keeps layers unpacked.*give the storage"):
        reconcile(rv.read(shared_dumps / "docker-root-0.9.0-graph.tar", measure=True))


def test_an_empty_storage_comes_to_its_directories(tmp_path: Path) -> None:
    Store(tmp_path / "storage")
    table = hold_to_du(tmp_path / "storage")
    assert subtotals(table)["files"] == 0
    shipped = reconcile(rv.read(ROOT / "data" / "world-v1.tar.gz", measure=True))
    assert table.dtypes.to_dict() == shipped.dtypes.to_dict()
    assert table["step"].tolist() == shipped["step"].tolist()
    assert (table["meaning"].str.len() > 0).all()


# --- the command line


def test_the_command_prints_what_the_function_gives(tmp_path: Path) -> None:
    folder = unpack(ROOT / "data" / "world-distribution.tar.gz", tmp_path / "world")
    table = reconcile(rv.read(folder, measure=True))
    lines = done("reconcile", folder, "--format", "csv").splitlines()
    assert lines[0] == ",".join(table.columns)
    assert [line.split(",")[:2] for line in lines[1:]] == [
        [step, str(held)] for step, held in zip(table["step"], table["bytes"], strict=True)
    ]
    assert run("reconcile", folder, "--repository", "x").exit_code == 2
