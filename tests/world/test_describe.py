"""Descriptions: what a layer's tar holds, what steps add up to."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import tarfile

import pytest
import zstandard

from regviz.world import (
    Build,
    File,
    Image,
    Layer,
    digest,
    directory,
    hardlink,
    opaque_whiteout,
    program,
    symlink,
    whiteout,
)

NOON = dt.datetime(2014, 3, 27, 12, 0, 1, 500_000, tzinfo=dt.UTC)


def _read(tar: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
        return opened.getmembers()


def test_a_layer_s_tar_holds_what_was_described_and_the_folders_above_it() -> None:
    files: dict[str, bytes | File] = {
        "usr/bin/node": program(b"node"),
        "etc/hosts": b"127.0.0.1\n",
        "aaa": hardlink("usr/bin/node"),
        "bin": symlink("usr/bin"),
        "srv/empty": directory(0o700),
    }
    members = _read(Layer("ADD", NOON, files).tar)
    assert [(member.name, member.type, oct(member.mode), member.size) for member in members] == [
        ("bin", tarfile.SYMTYPE, "0o777", 0),
        ("etc", tarfile.DIRTYPE, "0o755", 0),
        ("etc/hosts", tarfile.REGTYPE, "0o644", 10),
        ("srv", tarfile.DIRTYPE, "0o755", 0),
        ("srv/empty", tarfile.DIRTYPE, "0o700", 0),
        ("usr", tarfile.DIRTYPE, "0o755", 0),
        ("usr/bin", tarfile.DIRTYPE, "0o755", 0),
        ("usr/bin/node", tarfile.REGTYPE, "0o755", 4),
        ("aaa", tarfile.LNKTYPE, "0o644", 0),
    ]
    assert members[-1].linkname == "usr/bin/node"
    assert {(member.uid, member.gid, member.uname, member.mtime) for member in members} == {(0, 0, "root", 1395921601)}


def test_file_bytes_are_those_of_the_files_alone() -> None:
    assert Layer("ADD", NOON, {"a/b": b"12345", "c": b"678", "d": symlink("c")}).file_bytes == 8


@pytest.mark.parametrize("compression", ["gzip", "stored", "zstd", "none"])
def test_a_recompressed_layer_is_the_same_change(compression: str) -> None:
    original = Layer("ADD", NOON, {"a": b"text " * 100})
    layer = original.recompressed(compression)  # type: ignore[arg-type]
    blob = layer.blob
    if compression in {"gzip", "stored"}:
        blob = gzip.decompress(blob)
    elif compression == "zstd":
        blob = zstandard.ZstdDecompressor().decompress(blob)
    assert blob == original.tar
    assert layer.diff_id == original.diff_id == digest(blob)


def test_whiteouts_are_named_as_the_specification_says() -> None:
    """OCI image specification, layer.md: its own examples."""
    assert whiteout("bin/my-app-tools") == "bin/.wh.my-app-tools"
    assert whiteout("etc") == ".wh.etc"
    assert opaque_whiteout("bin") == "bin/.wh..wh..opq"


def test_an_image_adds_up_its_steps() -> None:
    build = Build(NOON)
    build.set("ENV A 1", Env=["A=1"])
    build.set("LABEL x=1", Labels={"x": "1", "y": "1"}, author="first")
    build.run("touch /a", {"a": b""})
    build.set("LABEL y=2", Labels={"y": "2"})
    build.set("CMD [a]", Cmd=["a"], Env=["B=2"], author="second")
    build.set("CMD [b]", Cmd=["b"])
    image = Image(tuple(build.layers))
    assert image.config == {"Env": ["A=1", "B=2"], "Labels": {"x": "1", "y": "2"}, "Cmd": ["b"]}
    assert image.author == "second"
    assert image.created == build.layers[-1].created
    assert [layer.created_by for layer in image.filesystem_layers] == ["/bin/sh -c touch /a"]


def test_an_extended_image_keeps_the_very_layers_below() -> None:
    base = Image((Layer("ADD", NOON, {"a": b"a"}),), "arm64", variant="v8", format="oci")
    child = base.extended(Layer("RUN", NOON, {"b": b"b"}), format="schema2")
    assert child.layers[0] is base.layers[0]
    assert (child.architecture, child.variant, child.format, base.format) == ("arm64", "v8", "schema2", "oci")
    assert child.platform == {"architecture": "arm64", "os": "linux", "variant": "v8"}


def test_a_build_words_its_history_as_the_builder_of_the_time() -> None:
    worded = []
    for buildkit in (False, True):
        build = Build(NOON, buildkit=buildkit)
        build.run("true")
        build.copy("srv/app", b"app")
        build.set("WORKDIR /srv")
        worded += [(layer.created_by, layer.comment) for layer in build.layers]
        times = [layer.created for layer in build.layers]
        assert NOON < times[0] < times[1] < times[2]
    sha256_of_app = "a172cedcae47474b615c54d510a5d84a8dea3032e958587430b413538be3f333"
    assert worded == [
        ("/bin/sh -c true", ""),
        (f"/bin/sh -c #(nop) ADD file:{sha256_of_app} in /srv/app", ""),
        ("/bin/sh -c #(nop) WORKDIR /srv", ""),
        ("RUN /bin/sh -c true # buildkit", "buildkit.dockerfile.v0"),
        ("COPY app /srv/app # buildkit", "buildkit.dockerfile.v0"),
        ("WORKDIR /srv", "buildkit.dockerfile.v0"),
    ]
