"""The state of every blob: cases by hand, and what must hold of any storage."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest

from regviz.analysis import sizes, states
from regviz.analysis.collectors import collect
from regviz.analysis.states import STATES, blob_states
from regviz.read import read
from tests.analysis.oracle import files_of, truth_of
from tests.conftest import ROOT
from tests.helpers import (
    OCI_INDEX,
    OCI_MANIFEST,
    Store,
    V1Store,
    compressed,
    descriptor,
    encode,
    image_config,
    image_id,
    rows,
    sha256,
)
from tests.random_registry import random_registry

if TYPE_CHECKING:
    from pathlib import Path

    from regviz.registry import Registry


def states_of(reg: Registry, **options: dt.timedelta) -> dict[str, str]:
    codes = blob_states(reg, **options).tolist()
    return {blob: STATES[code] for (blob,), code in zip(rows(reg.blobs, "blob"), codes, strict=True) if code >= 0}


def parts(manifest: str, content: bytes) -> list[str]:
    """The blobs of an image of one layer."""
    return [manifest, sha256(image_config([content])), sha256(compressed(content))]


def test_tagged_untagged_unreferenced(tmp_path: Path) -> None:
    store = Store(tmp_path)
    tagged, untagged = store.image("app", [b"tagged"], "1"), store.image("app", [b"untagged"])
    linked, loose = store.linked_blob("app", b"linked"), store.blob(b"loose")
    assert states_of(read(tmp_path)) == {
        **dict.fromkeys(parts(tagged, b"tagged"), "tagged"),
        **dict.fromkeys(parts(untagged, b"untagged"), "untagged"),
        linked: "unreferenced",
        loose: "unreferenced",
    }


def test_an_index_leads_to_what_it_lists_however_deep(tmp_path: Path) -> None:
    store = Store(tmp_path)
    image = store.image("app", [b"image"])
    manifest = store.blob_path(image).read_bytes()
    inner = encode({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor(manifest, OCI_MANIFEST)]})
    outer = encode({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor(inner, OCI_INDEX)]})
    store.push("app", inner)
    store.push("app", outer, "1")
    assert set(states_of(read(tmp_path)).values()) == {"tagged"}


def test_a_subject_is_spoken_about_in_its_own_repository(tmp_path: Path) -> None:
    """A signature of a tagged image is referenced, and one of that signature; the same in another repository is not."""
    store = Store(tmp_path)
    tagged = store.image("app", [b"tagged"], "1")
    subject = descriptor(store.blob_path(tagged).read_bytes(), OCI_MANIFEST)
    signature = store.image("app", [b"signature"], subject=subject)
    about = descriptor(store.blob_path(signature).read_bytes(), OCI_MANIFEST)
    second = store.image("app", [b"second"], subject=about)
    elsewhere = store.image("other", [b"elsewhere"], subject=subject)
    found = states_of(read(tmp_path))
    assert {found[blob] for blob in parts(tagged, b"tagged")} == {"tagged"}
    assert {found[blob] for blob in (*parts(signature, b"signature"), *parts(second, b"second"))} == {"referenced"}
    assert {found[blob] for blob in parts(elsewhere, b"elsewhere")} == {"untagged"}


def _young(path: Path, hours: float) -> None:
    os.utime(path, (dt.datetime.now(dt.UTC).timestamp() - hours * 3600,) * 2)


def test_what_a_push_under_way_may_own(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.image("app", [b"tagged"], "1")
    young, old, mounted, beside = (store.blob(data) for data in (b"young", b"old", b"mounted", b"beside"))
    _young(store.blob_path(young), 23)
    _young(store.blob_path(old), 25)
    _young(store.layer_link("app", mounted), 1)
    store.layer_link("busy", beside)
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    store.file("repositories/busy/_uploads/one/startedat", now.encode())
    found = states_of(read(tmp_path, links="check"))
    assert [found[blob] for blob in (young, old, mounted, beside)] == ["recent", "unreferenced", "recent", "recent"]
    found = states_of(read(tmp_path, links="check"), min_age=dt.timedelta(hours=26))
    assert found[old] == "recent"
    found = states_of(read(tmp_path, links="check", times=False))
    assert {found[blob] for blob in (young, old, mounted, beside)} == {"unreferenced"}, "times are no evidence there"


def test_what_an_unread_manifest_may_lead_to(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.push("app", b"no JSON", "1")
    linked, elsewhere = store.linked_blob("app", b"linked"), store.linked_blob("other", b"elsewhere")
    found = states_of(read(tmp_path))
    assert (found[linked], found[elsewhere]) == ("unknown", "unreferenced")


def test_what_a_damaged_link_should_lead_to_is_kept(tmp_path: Path) -> None:
    """One repository's link of a configuration is damaged; another one has it whole, and so has the store."""
    store = Store(tmp_path)
    for name in ("damaged", "whole"):
        store.image(name, [b"image"], "1")
    config = sha256(image_config([b"image"]))
    store.layer_link("damaged", config, sha256(b"elsewhere").encode())
    reg = read(tmp_path, links="open")
    assert set(states_of(reg).values()) == {"tagged"}
    for name in ("distribution-2.8", "distribution-2.8-m", "distribution-3", "distribution-3-m"):
        assert not collect(reg, name).blobs.any()


def test_an_incomplete_source_knows_what_is_tagged_and_nothing_else(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.image("app", [b"tagged"], "1")
    store.image("app", [b"untagged"])
    store.blob(b"loose")
    archive = tmp_path / "storage.tar"
    subprocess.run(["tar", "-C", tmp_path, "--sort=name", "-cf", archive, "docker"], check=True)
    with archive.open("r+b") as file:
        file.truncate(archive.read_bytes().rindex(b"_manifests/tags") // 512 * 512 + 100)
    found = states_of(read(archive, partial=True))
    assert set(found.values()) <= {"tagged", "unknown"}
    assert "unknown" in found.values()


def test_harbor_may_have_tags_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "harbor-data").mkdir()
    store = Store(tmp_path / "harbor-data")
    store.image("app", [b"tagged"], "1")
    untagged, loose = store.image("app", [b"untagged"]), store.blob(b"loose")
    found = states_of(read(tmp_path / "harbor-data"))
    assert (found[untagged], found[loose]) == ("unknown", "unreferenced")


def test_v1_images(tmp_path: Path) -> None:
    """Tagged with its ancestors; listed by a repository; neither."""
    store = V1Store(tmp_path)
    ids = [image_id(number) for number in range(5)]
    store.chain(*ids[:3])
    store.image(ids[3], (ids[1], ids[0]))
    store.image(ids[4])
    store.tag("library/app", "1", ids[2])
    store.index("library/app", [{"id": name} for name in ids[:4]])
    found = states_of(read(tmp_path))
    expected = ["tagged", "tagged", "tagged", "untagged", "unreferenced"]
    assert [found[f"v1:{name}"] for name in ids] == expected


def test_a_broken_v1_chain_leaves_questions(tmp_path: Path) -> None:
    """The parent of a tagged image is gone: what that stood on is not known."""
    store = V1Store(tmp_path)
    top, gone, other = (image_id(number) for number in range(3))
    store.file(f"images/{top}/json", encode({"id": top, "parent": gone}))
    store.file(f"images/{top}/layer", b"layer")
    store.image(other)
    store.tag("library/app", "1", top)
    assert states_of(read(tmp_path)) == {f"v1:{top}": "tagged", f"v1:{other}": "unknown"}


# --- any storage


@pytest.mark.parametrize("seed", range(40))
def test_states_add_up_to_the_store(seed: int, tmp_path: Path) -> None:
    """Each blob that is there has one; together they are the store's files."""
    random_registry(tmp_path, seed, broken=seed % 2 == 1)
    reg = read(tmp_path, links="open")
    codes = blob_states(reg)
    lengths = reg.columns("blobs")["blob_bytes"]
    by_state = [int(lengths[codes == code].sum()) for code in range(len(STATES))]
    stored = {path: data for path, data in files_of(tmp_path).items() if "/blobs/" in path}
    misplaced = ("/5b/5bd0/data", f"/00/{'ab' * 32}/data")
    assert sum(by_state) == sum(len(data) for path, data in stored.items() if not path.endswith(misplaced))
    assert ((codes >= 0) == (reg.columns("blobs")["present"] == 1)).all()
    tagged = sizes(reg).attrs["tagged_bytes"]
    is_damaged = "layer-link-mismatch" in set(reg.problems["rule"])  # what such a link should lead to is kept too
    assert by_state[0] >= tagged if is_damaged else by_state[0] == tagged


def test_tagged_is_what_tags_lead_to(tmp_path: Path) -> None:
    held = 0
    for seed in range(60, 100):
        folder = tmp_path / str(seed)
        folder.mkdir()
        if "build cache" in random_registry(folder, seed).features:
            continue  # the oracle takes all that an index lists for manifests
        truth, held = truth_of(folder), held + 1
        tagged = {blob for blob, state in states_of(read(folder)).items() if state == "tagged"}
        assert tagged == set().union(*truth.tags.values()) & truth.stored.keys(), seed
    assert held > 20


@pytest.mark.parametrize("layout", ["distribution", "v1", "oci", "docker-save", "capture"])
def test_the_small_world(layout: str) -> None:
    [source] = (ROOT / "data").glob(f"world-{layout}.tar*")
    reg = read(source)
    codes = blob_states(reg)
    assert ((codes >= 0) == (reg.columns("blobs")["present"] == 1)).all()
    assert np.count_nonzero(codes == STATES.index("unknown")) == 0


def test_states_add_up_to_what_is_stored(tmp_path: Path) -> None:
    store = Store(tmp_path)
    tagged = parts(store.image("app", [b"tagged"], "1"), b"tagged")
    untagged = parts(store.image("app", [b"untagged"]), b"untagged")
    loose = [store.blob(b"x" * 700)]
    length = {digest: store.blob_path(digest).stat().st_size for digest in (*tagged, *untagged, *loose)}
    table = states(read(tmp_path))
    counted = {"tagged": tagged, "untagged": untagged, "unreferenced": loose}
    for state, blobs, size in table[["state", "blobs", "bytes"]].itertuples(index=False):
        found = counted.get(state, [])
        assert (blobs, size) == (len(found), sum(length[digest] for digest in found))
    assert table["state"].tolist() == list(STATES)
    assert table.attrs["stored_bytes"] == sum(length.values())
