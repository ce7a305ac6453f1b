"""Where each step of an image lies: held against the files themselves, read with the standard library alone."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path

import pytest

import regviz as rv
from regviz.errors import RegvizError
from tests.conftest import ROOT
from tests.helpers import Store, compressed, image_config, image_manifest, sha256

Files = dict[str, bytes]


def files_of(world: str) -> Files:
    with tarfile.open(ROOT / "data" / f"world-{world}.tar.gz") as archive:
        return {
            member.name.removeprefix("./"): handle.read()
            for member in archive
            if (handle := archive.extractfile(member)) is not None
        }


def read(world: str) -> rv.Registry:
    return rv.read(ROOT / "data" / f"world-{world}.tar.gz")


@pytest.mark.parametrize("tag", ["library/nodejs:latest", "team/web:1.1", "library/base:latest"])
def test_v1_by_its_ancestry(tag: str) -> None:
    files, table = files_of("v1"), rv.steps_on_disk(read("v1"), tag)
    repository, _, name = tag.partition(":")
    named = files[f"registry/repositories/{repository}/tag_{name}"].decode()
    chain = json.loads(files[f"registry/images/{named}/ancestry"])[::-1]
    assert table["layer"].tolist() == chain
    assert table["path"].tolist() == [f"registry/images/{each}/layer" for each in chain]
    assert table["bytes"].tolist() == [len(files[path]) for path in table["path"]]
    said = [json.loads(files[f"registry/images/{each}/json"]) for each in chain]
    commands = [" ".join(each["container_config"].get("Cmd") or []) for each in said]
    assert table["created_by"].fillna("").tolist() == commands
    # what changes nothing is a gzip of no bytes, which is 23 bytes long
    assert table["empty"].tolist() == [len(files[path]) == 23 for path in table["path"]]
    assert table["link"].isna().all()
    assert table.attrs["layer_bytes"] == table["bytes"].sum()
    assert table.attrs["documents"] == [
        {"what": "tag", "key": named, "path": f"registry/repositories/{repository}/tag_{name}", "bytes": None}
    ]
    chains = {path.split("/")[2]: json.loads(content) for path, content in files.items() if path.endswith("/ancestry")}
    tagged = {content.decode() for path, content in files.items() if Path(path).name.startswith("tag_")}
    leaves = chains.keys() - {below for chain in chains.values() for below in chain[1:]}
    others = (tagged | leaves) - {named}
    assert table["shared_with"].tolist() == [sum(layer in chains[other] for other in others) for layer in chain]


def test_distribution_by_its_manifest() -> None:
    files, table = files_of("distribution"), rv.steps_on_disk(read("distribution"), "nodejs")
    root = "registry/docker/registry/v2"
    tag = f"{root}/repositories/library/nodejs/_manifests/tags/latest/current/link"
    digest = files[tag].decode()

    def place(digest: str) -> str:
        encoded = digest.removeprefix("sha256:")
        return f"{root}/blobs/sha256/{encoded[:2]}/{encoded}/data"

    manifest = json.loads(files[place(digest)])
    config = json.loads(files[place(manifest["config"]["digest"])])
    assert table["created_by"].fillna("").tolist() == [step.get("created_by", "") for step in config["history"]]
    made = [step for step, each in enumerate(config["history"]) if not each.get("empty_layer")]
    assert table.loc[table["blob"].notna(), "step"].tolist() == made
    held = table.dropna(subset="blob")
    assert held["blob"].tolist() == [layer["digest"] for layer in manifest["layers"]]
    for row in held.itertuples():
        assert hashlib.sha256(files[row.path]).hexdigest() == str(row.blob).removeprefix("sha256:")
        assert (len(files[row.path]), files[row.link].decode()) == (row.bytes, row.blob)
    assert table.loc[table["blob"].isna(), ["layer", "bytes", "path", "link", "shared_with"]].isna().all(axis=None)
    assert table.loc[table["blob"].isna(), "empty"].all()
    assert table.attrs["documents"] == [
        {"what": "tag", "key": digest, "path": tag, "bytes": None},
        {"what": "manifest", "key": digest, "path": place(digest), "bytes": len(files[place(digest)])},
        {
            "what": "configuration",
            "key": manifest["config"]["digest"],
            "path": place(manifest["config"]["digest"]),
            "bytes": len(files[place(manifest["config"]["digest"])]),
        },
    ]
    base = rv.steps_on_disk(read("distribution"), "base")
    assert (table.attrs["base"], table.attrs["base_steps"]) == ("library/base:latest", len(base))


def test_an_oci_layout_holds_the_same_under_other_paths() -> None:
    files, table = files_of("oci"), rv.steps_on_disk(read("oci"), "nodejs")
    of_distribution = rv.steps_on_disk(read("distribution"), "nodejs")
    for row in table.dropna(subset="blob").itertuples():
        assert row.path == f"registry/blobs/sha256/{str(row.blob)[7:]}"
        assert len(files[row.path]) == row.bytes
    assert table["blob"].dropna().tolist() == of_distribution["blob"].dropna().tolist()
    assert table.attrs["documents"][0]["path"] == "registry/index.json"


def test_the_same_image_in_both_layouts() -> None:
    """What a step added is the same bytes in 2014's storage and in today's; what adds nothing is stored no more."""
    old, new = rv.steps_on_disk(read("v1"), "nodejs"), rv.steps_on_disk(read("distribution"), "nodejs")
    assert old["created_by"].fillna("").tolist() == new["created_by"].fillna("").tolist()
    assert old.loc[~old["empty"], "bytes"].tolist() == new.loc[~new["empty"], "bytes"].tolist()
    assert old["empty"].tolist() == new["empty"].tolist()


def test_who_else_has_a_layer(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.image("one", [b"base", b"only one"], "1")
    store.image("two", [b"base", b"only two", b"last"], "1")
    table = rv.steps_on_disk(rv.read(tmp_path), "one:1")
    assert table["shared_with"].tolist() == [1, 0]
    lengths = [len(compressed(content)) for content in (b"base", b"only one")]
    assert table["bytes"].tolist() == lengths
    assert (table.attrs["layer_bytes"], table.attrs["shared_bytes"]) == (sum(lengths), lengths[0])
    assert rv.steps_on_disk(rv.read(tmp_path)).attrs["reference"] == "two:1"  # the largest


def test_an_index_is_asked_for_a_platform() -> None:
    reg = read("distribution")
    usual, arm = (rv.steps_on_disk(reg, "base:12", platform=name) for name in (None, "linux/arm64"))
    assert (usual.attrs["platform"], arm.attrs["platform"]) == ("linux/amd64", "linux/arm64")
    assert [lead["what"] for lead in arm.attrs["documents"]] == ["tag", "index", "manifest", "configuration"]
    assert usual["blob"].dropna().tolist() != arm["blob"].dropna().tolist()
    with pytest.raises(RegvizError, match=r"no image for plan9/mips; it has linux/amd64, linux/arm64"):
        rv.steps_on_disk(reg, "base:12", platform="plan9/mips")
    with pytest.raises(RegvizError, match="is no image"):
        rv.steps_on_disk(reg, "charts/web:1.2.0")


def test_a_digest_names_no_tag() -> None:
    reg = read("distribution")
    by_tag = rv.steps_on_disk(reg, "nodejs")
    by_digest = rv.steps_on_disk(reg, by_tag.attrs["manifest"])
    assert [lead["what"] for lead in by_digest.attrs["documents"]] == ["manifest", "configuration"]
    assert by_digest["path"].dropna().tolist() == by_tag["path"].dropna().tolist()
    assert by_digest["link"].isna().all()
    within = rv.steps_on_disk(reg, f"library/nodejs@{by_tag.attrs['manifest']}")
    assert within["link"].dropna().tolist() == by_tag["link"].dropna().tolist()


def test_what_has_no_files_has_no_paths() -> None:
    table = rv.steps_on_disk(read("docker-save-old"), "nodejs")
    assert table["path"].isna().all()
    assert table["bytes"].notna().all()


def test_an_empty_registry_has_no_steps(tmp_path: Path) -> None:
    Store(tmp_path)
    table = rv.steps_on_disk(rv.read(tmp_path))
    assert table.empty
    assert list(table.columns) == list(rv.steps_on_disk(read("v1"), "nodejs").columns)


def test_a_history_that_does_not_fit_is_left_out(tmp_path: Path) -> None:
    """Three steps with a file said, and two layers: nobody can tell which made which."""
    store = Store(tmp_path)
    contents = [b"one", b"two"]
    config = image_config(contents, history=[{"created_by": f"RUN {number}"} for number in range(3)])
    store.linked_blob("app", config)
    layers = [compressed(content) for content in contents]
    for layer in layers:
        store.linked_blob("app", layer)
    store.push("app", image_manifest(config, layers), "1")
    table = rv.steps_on_disk(rv.read(tmp_path), "app:1")
    assert table["step"].tolist() == [0, 1]
    assert table["blob"].tolist() == [sha256(layer) for layer in layers]
