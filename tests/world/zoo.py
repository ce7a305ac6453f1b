"""A world of everything a Distribution registry can hold and the small world leaves out."""

from __future__ import annotations

import datetime as dt

from regviz.world import (
    AbortPush,
    Artifact,
    Blob,
    Child,
    DeleteManifest,
    Image,
    Index,
    Layer,
    Push,
    World,
    hardlink,
    index_of,
    program,
    symlink,
)

NOON = dt.datetime(2020, 2, 3, 12, 0, 0, 250_000, tzinfo=dt.UTC)
ONLY_DISTRIBUTION = frozenset({"distribution"})

BASE = Layer(
    "ADD rootfs / # buildkit",
    NOON,
    {"bin/sh": program(b"#!" * 900), "bin/bash": hardlink("bin/sh"), "lib64": symlink("lib"), "lib/x": b"x"},
)
NOTHING = Layer("CMD [sh]", NOON, config={"Cmd": ["sh"]})
EMPTY = Layer("RUN true", NOON, {})
APP = Layer("COPY app /app # buildkit", NOON, {"app": b"a" * 3000 + b"<&>"}, author="someone")

AMD64 = Image((BASE, NOTHING), format="oci")
ARM64 = Image((BASE, NOTHING, APP), "arm64", variant="v8", format="oci")
SHA512 = Image((BASE, APP), format="oci", algorithm="sha512")
UNTYPED = Image((BASE, APP, EMPTY), format="oci-untyped")
PLAIN = Image((BASE.recompressed("none"), APP.recompressed("stored")), format="schema2")
ZSTD = Image((BASE.recompressed("zstd"), APP), format="oci", annotations={"org.example.note": "zstd"})
REFERRER = Artifact((Blob("text/plain", b"hello"),), artifact_type="text/plain", subject=AMD64)
REFERRING_IMAGE = Image((APP,), format="oci", subject=AMD64)
NESTED = Index((Child(index_of(AMD64, ARM64), {"os": "linux", "architecture": "amd64"}), Child(UNTYPED)))
UNTYPED_INDEX = Index((Child(AMD64, AMD64.platform),), "oci-untyped", {"org.example.note": "no media type"})
REFERRING_INDEX = Index((Child(ARM64, ARM64.platform),), subject=AMD64)


def _push(repository: str, content: Image | Index | Artifact, *tags: str, mount_from: str = "", day: int = 0) -> Push:
    return Push(
        repository=repository,
        at=NOON + dt.timedelta(days=day),
        content=content,
        tags=tags,
        mount_from=mount_from,
        layouts=ONLY_DISTRIBUTION,
    )


ZOO = World(
    "zoo",
    (
        _push("a/b/c/deep", AMD64, "link", "current"),
        _push("a/b/c/deep", ARM64, "current", day=1),
        _push("a/b", NESTED, "nested", mount_from="a/b/c/deep", day=2),
        _push("untyped", UNTYPED, "1", day=2),
        _push("untyped", UNTYPED_INDEX, "index", day=2),
        _push("five", SHA512, "1", day=3),
        _push("five", PLAIN, "plain", day=3),
        _push("mounted", AMD64, "1", mount_from="a/b/c/deep", day=4),
        _push("zstd", ZSTD, "1", "2", day=4),
        _push("referrers", AMD64, "1", day=5),
        _push("referrers", REFERRER, day=5),
        _push("referrers", REFERRING_IMAGE, day=5),
        _push("referrers", REFERRING_INDEX, day=5),
        DeleteManifest(repository="zstd", content=ZSTD, at=NOON + dt.timedelta(days=6)),
        _push("zstd", PLAIN, "3", day=7),
        _push("gone", ARM64, "1", day=7),
        DeleteManifest(repository="gone", content=ARM64, at=NOON + dt.timedelta(days=8)),
        AbortPush(repository="aborted", image=ARM64, at=NOON, layers=1, layouts=ONLY_DISTRIBUTION),
        _push("a/b/c/deep", AMD64, "again", day=9),
    ),
)
