"""transfer() against counts by hand, and against sets of Python over a storage's own files.

What engines and content stores really fetch is held in tests/real/test_transfer.py.
"""

from __future__ import annotations

import gzip
import itertools
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

import regviz as rv
from regviz.analysis import bundle_script, transfer, transfer_matrix
from regviz.analysis.platforms import Platform
from regviz.errors import NotKnowableError, RegvizError
from regviz.graph.layers import tag_names
from regviz.read import read
from regviz.world import synthetic_world, write
from tests.analysis.oracle import truth_of
from tests.cli.running import WORLD, WORLD_V1, done, run
from tests.conftest import ROOT
from tests.every_source import SOURCES
from tests.helpers import (
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    STORAGE_DUMPS,
    Store,
    V1Store,
    compressed,
    descriptor,
    encode,
    image_config,
    image_id,
    sha256,
)
from tests.random_registry import random_registry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from regviz.registry import Registry


def pushed(store: Store, repository: str, layers: Sequence[bytes], tag: str = "", **said: Any) -> bytes:
    """An image; `said` goes into its configuration, which makes it another image."""
    config = image_config(layers, said.pop("architecture", "amd64"), **said)
    blobs = [compressed(layer) for layer in layers]
    for blob in (config, *blobs):
        store.linked_blob(repository, blob)
    document = encode(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptor(config, OCI_CONFIG),
            "layers": [descriptor(blob, OCI_LAYER) for blob in blobs],
        }
    )
    store.push(repository, document, *([tag] if tag else []))
    return document


def reasons(table: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(table["kind"], table["reason"], strict=True))


class TestByHand:
    def test_an_engine_reuses_an_unbroken_prefix_and_a_content_store_any_digest(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        a, b, c = b"aa" * 9, b"bb" * 99, b"cc" * 999
        pushed(store, "one", [a, b], "1")
        document = pushed(store, "two", [a, c, b], "1")
        reg, config = read(tmp_path), image_config([a, c, b])
        engine = transfer(reg, "two:1", having="one:1")
        assert reasons(engine) == [
            ("manifest", "needed"),
            ("config", "needed"),
            ("layer", "present"),
            ("layer", "needed"),
            ("layer", "broken-chain"),
        ]
        assert engine["position"].tolist()[2:] == [0, 1, 2]
        documents = len(document) + len(config)
        assert engine.attrs["moved_bytes"] == documents + len(compressed(c)) + len(compressed(b))
        assert engine.attrs["reused_bytes"] == len(compressed(a))
        store_ = transfer(reg, "two:1", having=["one:1"], client="content-store")
        assert store_.attrs["moved_bytes"] == documents + len(compressed(c))
        assert store_["moved_bytes"].sum() == documents + len(compressed(c))
        assert transfer(reg, "two:1").attrs["moved_bytes"] == store_["bytes"].sum()

    def test_a_digest_is_fetched_once_a_pull(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        document = pushed(store, "one", [b"a", b"b", b"a"], "1")
        config = image_config([b"a", b"b", b"a"])
        for client in ("docker", "content-store"):
            table = transfer(read(tmp_path), "one:1", client=client)  # type: ignore[arg-type]
            assert [reason for _, reason in reasons(table)] == ["needed"] * 4 + ["repeated"]
            layers = len(compressed(b"a")) + len(compressed(b"b"))
            assert table.attrs["moved_bytes"] == len(document) + len(config) + layers

    def test_what_lies_elsewhere_is_counted_apart(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        config, here, gone = image_config([b"h", b"g"]), compressed(b"h"), b"g" * 1000
        store.linked_blob("one", config)
        store.linked_blob("one", here)
        kinds = (OCI_LAYER, OCI_LAYER.replace("layer.v1", "layer.nondistributable.v1"))
        layers = [descriptor(blob, kind) for blob, kind in zip((here, gone), kinds, strict=True)]
        document = encode({"schemaVersion": 2, "config": descriptor(config, OCI_CONFIG), "layers": layers})
        store.push("one", document, "1")
        table = transfer(read(tmp_path), "one:1")
        assert reasons(table)[-1] == ("layer", "absent")
        assert table["bytes"].tolist()[-1] == table.attrs["absent_bytes"] == 1000
        assert table["moved_bytes"].tolist()[-1] == 0
        assert table.attrs["moved_bytes"] == len(document) + len(config) + len(here)

    def test_v1_moves_the_layers_of_the_ancestry(self, tmp_path: Path) -> None:
        store = V1Store(tmp_path)
        base, middle, left, right, lonely = (image_id(n) for n in range(1, 6))
        for name, parents, length in (
            (base, (), 1000),
            (middle, (base,), 100),
            (left, (middle, base), 10),
            (right, (middle, base), 1),
        ):
            store.image(name, parents, b"x" * length)
        store.chain(lonely)
        store.tag("library/left", "latest", left)
        store.tag("library/right", "latest", right)
        reg = read(tmp_path)
        for client in ("docker", "content-store"):
            assert transfer(reg, "left", client=client).attrs["moved_bytes"] == 1110  # type: ignore[arg-type]
            pull = transfer(reg, "right", having="left", client=client)  # type: ignore[arg-type]
            assert pull.attrs["moved_bytes"] == 1
            assert pull["blob"].tolist() == [f"v1:{name}" for name in (base, middle, right)]
        # an image that has no tag and descendants: its stack is the walk up its parents
        assert transfer(reg, middle)["bytes"].tolist() == [1000, 100]
        assert transfer(reg, "left", having=middle).attrs["moved_bytes"] == 10

    def test_a_forged_index_that_lists_itself_ends(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        image = pushed(store, "one", [b"a"])
        inner = encode({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor(image, OCI_MANIFEST)]})
        store.push("one", inner)
        entries = [descriptor(inner, OCI_INDEX), descriptor(image, OCI_MANIFEST)]
        index = encode({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})
        store.push("one", index, "1")
        everything = transfer(read(tmp_path), "one:1", platform="all", client="content-store")
        whole = len(index) + len(inner) + len(image) + len(image_config([b"a"])) + len(compressed(b"a"))
        assert everything.attrs["moved_bytes"] == whole
        # an entry without a platform fits every platform, and the first is taken
        assert transfer(read(tmp_path), "one:1").attrs["moved_bytes"] == whole

    def test_indexes_as_deep_as_you_like(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        document, kind, whole = pushed(store, "one", [b"a"]), OCI_MANIFEST, 0
        whole = len(document) + len(image_config([b"a"])) + len(compressed(b"a"))
        for _ in range(1500):
            entries = [descriptor(document, kind)]
            document, kind = encode({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}), OCI_INDEX
            store.push("one", document)
            whole += len(document)
        store.tag("one", "deep", sha256(document))
        reg = read(tmp_path)
        assert transfer(reg, "one:deep", client="content-store").attrs["moved_bytes"] == whole

    def test_nothing_moves_nothing(self) -> None:
        for client in ("docker", "content-store"):
            assert transfer(read(WORLD), [], client=client).attrs["moved_bytes"] == 0  # type: ignore[arg-type]
            assert transfer_matrix(read(WORLD), [], client=client)["having"].tolist() == ["(nothing)"]  # type: ignore[arg-type]

    @pytest.mark.parametrize("age", ["", "-old"])
    def test_an_archive_of_docker_save(self, age: str) -> None:
        reg = read(ROOT / "data" / f"world-docker-save{age}.tar.gz")
        table = transfer(reg, "team/web:1.1", having="team/web:1.0")
        assert "manifest" not in set(table["kind"])
        present = reg.blobs.set_index("blob")["blob_bytes"]
        assert table["bytes"].tolist() == [present[blob] for blob in table["blob"]]
        assert table.attrs["moved_bytes"] == present[table[table["reason"] == "needed"]["blob"]].sum() > 0
        known = set(transfer(reg, "team/web:1.0")["blob"])
        assert [reason == "present" for reason in table["reason"]] == [blob in known for blob in table["blob"]]

    def test_what_cannot_be_pulled_is_said(self, tmp_path: Path) -> None:
        reg = read(WORLD)
        with pytest.raises(RegvizError, match=r"is no image but of kind chart, .*content-store"):
            transfer(reg, "charts/web:1.2.0")
        assert transfer(reg, "charts/web:1.2.0", client="content-store").attrs["moved_bytes"] > 0
        with pytest.raises(RegvizError, match=r"not there for windows/amd64; it is for linux/amd64, linux/arm64"):
            transfer(reg, "library/nodejs:20", platform="windows/amd64")
        with pytest.raises(RegvizError, match="pulls one platform"):
            transfer(reg, "library/nodejs:20", platform="all")
        with pytest.raises(RegvizError, match="no tag, digest or id"):
            transfer(reg, "no/such:1")
        with pytest.raises(RegvizError, match="there is no client 'podman'"):
            transfer(reg, "library/nodejs:20", client="podman")  # type: ignore[arg-type]
        matrix = transfer_matrix(reg)
        assert {name.rpartition(":")[0] for name in matrix.attrs["cannot"]} == {"charts/web", "team/web"}
        assert matrix[[*matrix.attrs["cannot"]]].isna().all(axis=None)
        listing = tmp_path / "listing"
        listing.write_text("f 3 1700000000 docker/registry/v2/repositories/a/_manifests/tags/1/current/link\n")
        with pytest.raises(NotKnowableError):
            transfer(read(listing), "a:1")


# --- platforms: what containerd's own tests of its package `platforms` hold (platforms_test.go, compare_test.go)

NORMALISED = [
    ("linux/arm64/v8", "linux/arm64"),
    ("linux/aarch64", "linux/arm64"),
    ("linux/arm", "linux/arm/v7"),
    ("linux/armhf", "linux/arm/v7"),
    ("linux/armel", "linux/arm/v6"),
    ("linux/arm/7", "linux/arm/v7"),
    ("Linux/x86_64", "linux/amd64"),
    ("linux/amd64/v1", "linux/amd64"),
    ("linux/amd64/v2", "linux/amd64/v2"),
    ("linux/i386", "linux/386"),
    ("macOS/arm64", "darwin/arm64"),
    ("windows/amd64", "windows/amd64"),
]
ONLY = [
    ("linux/amd64", ["linux/amd64", "linux/386"]),
    ("linux/amd64/v3", ["linux/amd64/v3", "linux/amd64/v2", "linux/amd64", "linux/386"]),
    ("linux/386", ["linux/386"]),
    ("linux/arm/v8", ["linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]),
    ("linux/arm/v5", ["linux/arm/v5"]),
    ("linux/arm64", ["linux/arm64", "linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]),
    ("linux/s390x", ["linux/s390x"]),
]


@pytest.mark.parametrize(("written", "normal"), NORMALISED)
def test_names_of_platforms(written: str, normal: str) -> None:
    assert str(Platform.parse(written)) == normal


@pytest.mark.parametrize(("platform", "accepted"), ONLY)
def test_what_a_platform_can_run(platform: str, accepted: list[str]) -> None:
    assert [str(each) for each in Platform.parse(platform).accepted()] == accepted


@pytest.mark.parametrize("wrong", ["", "linux/", "a/b/c/d", "linux/amd64;rm", "/amd64"])
def test_what_is_no_platform(wrong: str) -> None:
    with pytest.raises(RegvizError, match="is no platform"):
        Platform.parse(wrong)


# --- a second count, by sets of Python


def hold_to_sets(reg: Registry, source: Path) -> None:
    """A content store that takes all platforms moves what one tag reaches and the other does not."""
    truth = truth_of(source)
    unused = set(reg.manifest_layers.loc[reg.manifest_layers["layer"].isna() & reg.manifest_layers["empty"], "blob"])
    named = [name for name, known in zip(tag_names(reg), reg.tags["manifest"].notna(), strict=True) if known]
    matrix = transfer_matrix(reg, named, platform="all", client="content-store").set_index("having")
    # nobody fetches the throwaway steps of schema 1 (and in these sources nothing else is in their blob)
    reached = {f"{repository}:{tag}": blobs - unused for (repository, tag), blobs in truth.tags.items()}
    for name in named:
        assert matrix.loc["(nothing)", name] == truth.bytes_of(reached[name])
    for having, of in itertools.product(named, named):
        assert matrix.loc[having, of] == truth.bytes_of(reached[of] - reached[having]), (having, of)


@pytest.mark.parametrize("source", [WORLD, WORLD_V1], ids=["distribution", "v1"])
def test_a_content_store_on_the_world(source: Path) -> None:
    hold_to_sets(read(source), source)


@pytest.mark.parametrize("name", STORAGE_DUMPS)
def test_a_content_store_on_real_dumps(name: str, shared_dumps: Path) -> None:
    source = shared_dumps / name
    reg = read(source)
    if len(reg.tags):
        hold_to_sets(reg, source)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_content_store_on_synthetic_registries(seed: int, tmp_path: Path) -> None:
    write(synthetic_world(6, 15, 40, seed), tmp_path / "made")
    hold_to_sets(read(tmp_path / "made"), tmp_path / "made")


@pytest.mark.parametrize("client", ["docker", "content-store"])
def test_every_pair_of_a_matrix_is_that_transfer(client: Any) -> None:
    reg = read(WORLD)
    names = ["library/nodejs:20", "library/base:12", "team/web:2.0", "team/web:2.0-zstd", "team/cron:1", "team/web:1.1"]
    names = [name for name in names if name in tag_names(reg)]
    assert len(names) >= 5
    matrix = transfer_matrix(reg, names, platform="linux/amd64", client=client).set_index("having")
    for having, of in itertools.product(["(nothing)", *names], names):
        known = () if having == "(nothing)" else having
        told = transfer(reg, of, having=known, platform="linux/amd64", client=client)
        assert matrix.loc[having, of] == told.attrs["moved_bytes"] == told["moved_bytes"].sum()


@pytest.mark.parametrize("client", ["docker", "content-store"])
@pytest.mark.parametrize("seed", range(10))
def test_pairs_of_random_registries(seed: int, client: Any, tmp_path: Path) -> None:
    """Whole and broken ones: a matrix is its transfers, what is moved and reused and absent is all there is."""
    random_registry(tmp_path, seed, broken=seed % 2 == 1)
    reg = read(tmp_path)
    matrix = transfer_matrix(reg, platform="linux/amd64", client=client)
    cannot = matrix.attrs["cannot"]
    names = [name for name in matrix["having"][1:] if name not in cannot]
    matrix = matrix.set_index("having")
    stored = reg.blobs[reg.blobs["present"]].set_index("blob")["blob_bytes"]
    for having, of in itertools.product(["(nothing)", *names], names):
        known = () if having == "(nothing)" else having
        told = transfer(reg, of, having=known, platform="linux/amd64", client=client)
        assert matrix.loc[having, of] == told["moved_bytes"].sum() == told.attrs["moved_bytes"]
        here = set(told["blob"]) & set(stored.index)
        fetched = set(told.loc[told["moved_bytes"] > 0, "blob"])
        assert told.attrs["moved_bytes"] == stored[[*fetched]].sum()
        assert told.attrs["reused_bytes"] == stored[[*(here - fetched)]].sum()
        if not known:
            assert fetched == {blob for blob in here if stored[blob]}
    for name in cannot:
        with pytest.raises(RegvizError):
            transfer(reg, name, platform="linux/amd64", client=client)


def test_an_engine_does_not_know_what_a_registry_sends(tmp_path: Path) -> None:
    for reg in SOURCES["docker-daemon"](tmp_path):
        with pytest.raises(NotKnowableError, match="Read the registry that it pulls from"):
            transfer_matrix(reg)


def test_recompressed_layers_are_fetched_again_by_an_engine(tmp_path: Path) -> None:
    store = Store(tmp_path)
    pushed(store, "one", [b"a", b"b"], "1")
    config, contents = image_config([b"a", b"b"], author="again"), [b"a", b"b"]
    blobs = [compressed(contents[0]), gzip.compress(contents[1], 1, mtime=7)]
    for blob in (config, *blobs):
        store.linked_blob("two", blob)
    layers = [descriptor(blob, OCI_LAYER) for blob in blobs]
    store.push("two", {"schemaVersion": 2, "config": descriptor(config, OCI_CONFIG), "layers": layers}, "1")
    pull = transfer(read(tmp_path), "two:1", having="one:1")
    assert reasons(pull)[2:] == [("layer", "present"), ("layer", "recompressed")]
    assert pull["moved_bytes"].tolist()[-1] == len(blobs[1])


def test_an_image_that_an_engine_has_is_not_fetched_in_another_compression() -> None:
    """The world's 2.0-zstd is 2.0 under other digests: one configuration, so one image ID."""
    pull = transfer(read(WORLD), "team/web:2.0-zstd", having="team/web:2.0", platform="linux/amd64")
    assert set(pull[pull["reason"] != "present"]["kind"]) == {"manifest"}


# --- bundles


def test_a_bundle_can_be_read_by_a_shell_whatever_names_say(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    pushed(store, "one", [b"a"], "$(touch x)'\"; touch y #", architecture="$(touch w)'")
    reg = read(tmp_path / "store")
    [name] = tag_names(reg)
    script = bundle_script(reg, name, registry="h:1; touch z", platform="linux/amd64")
    (tmp_path / "ctr").write_text('#!/bin/sh\nfor word; do printf "%s\\n" "$word"; done >>"$LOG"\necho . >>"$LOG"\n')
    (tmp_path / "tar").write_text("#!/bin/sh\ncat >/dev/null\n")
    for tool in ("ctr", "tar"):
        (tmp_path / tool).chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "LOG": str(tmp_path / "log")}
    done_ = subprocess.run(["sh", "-c", script], check=True, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done_.stdout.startswith("On the host: ctr images import --platform ")
    calls = [call.strip("\n").split("\n") for call in (tmp_path / "log").read_text().split("\n.\n")]
    assert calls[0] == ["content", "fetch", "--platform", "linux/$(touch w)'", f"h:1; touch z/one@{reg.resolve(name)}"]
    assert calls[1][-1] == calls[2][-1] == f"h:1; touch z/{name}"
    assert {path.name for path in tmp_path.iterdir()} == {"store", "ctr", "tar", "log"}


def test_a_bundle_asks_for_the_registry_it_does_not_know(tmp_path: Path) -> None:
    script = bundle_script(read(WORLD), ["team/web:1.1"], having="team/web:1.0")
    env = {"PATH": "/usr/bin:/bin"}
    done_ = subprocess.run(["sh", "-c", script], check=False, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done_.returncode != 0
    assert "host and port of the registry to fetch from" in done_.stderr
    for source in (WORLD_V1, ROOT / "data" / "world-docker-save.tar.gz"):
        with pytest.raises(RegvizError, match="has no manifests"):
            bundle_script(read(source), "team/web:1.1")


# --- the command


def test_the_command_prints_what_the_functions_give(tmp_path: Path) -> None:
    reg = rv.read(WORLD)
    said = done("transfer", WORLD, "team/web:1.1", "--having", "team/web:1.0", "--format", "json")
    table = transfer(reg, ["team/web:1.1"], having=["team/web:1.0"])
    assert [row["blob"] for row in json.loads(said)] == table["blob"].tolist()
    assert sum(row["moved_bytes"] for row in json.loads(said)) == 8508  # by hand: in the docstring of transfer
    platform = ("--platform", "linux/arm64", "--client", "content-store")
    said = done("transfer", WORLD, "library/nodejs:20", *platform, "--format", "json")
    told = transfer(reg, "library/nodejs:20", platform="linux/arm64", client="content-store")
    assert [row["blob"] for row in json.loads(said)] == told["blob"].tolist()
    chosen = ("--matrix", "--repository", "team/web", "--tag", "^1[.]")
    records = json.loads(done("transfer", WORLD, *chosen, "--format", "json"))
    assert [record["having"] for record in records] == ["(nothing)", "team/web:1.0", "team/web:1.1"]
    assert records[1]["team/web:1.1"] == 8508
    assert "8.31 KiB" in done("transfer", WORLD, *chosen)
    shown = done("transfer", WORLD, "team/web:1.1", "--having", "team/web:1.0", "--platform", "linux/amd64")
    assert shown.splitlines()[-1] == "8.31 KiB moved, 120 KiB reused, 0 B absent (docker, linux/amd64)"
    unnamed = done("transfer", WORLD, "--matrix", "--repository", "charts/*", "--repository", "team/cron")
    assert "charts" not in unnamed
    assert "is no image but of kind chart" in done("transfer", WORLD, "--matrix", "charts/web:1.2.0", "team/cron:1")
    assert len(done("transfer", WORLD, *chosen, "--top", "1", "--format", "csv").splitlines()) == 2
    done("transfer", WORLD, "team/web:1.1", "--script", "--registry", "h:1", "-o", tmp_path / "bundle.sh")
    assert (tmp_path / "bundle.sh").read_text() == bundle_script(reg, "team/web:1.1", registry="h:1")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ((), 2, "Say what is pulled"),
        (("--matrix", "--having", "a:1"), 2, "leave --having and --script out"),
        (("team/web:1.1", "--platform", "all"), 1, "regviz: an engine with graph drivers pulls one platform"),
        (("nothing:1",), 1, "regviz: 'nothing:1' is no tag"),
    ],
)
def test_the_command_says_what_is_wrong(words: tuple[str, ...], code: int, message: str) -> None:
    result = run("transfer", WORLD, *words)
    assert result.exit_code == code
    assert message in result.stderr
    assert "Traceback" not in result.stderr
