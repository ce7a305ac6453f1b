"""lesson 04: an OCI layout and ``docker save``, beside the two registries' storages."""

from __future__ import annotations

import hashlib
import json
import zlib
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from regviz.lesson.book import Book, files
from regviz.world import first_push_world, storage_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

book = Book(
    "04",
    title="One image, four ways to keep it",
    question="One image in four layouts: how many of its digests can no one work out from what docker save wrote?",
    minutes=35,
    archives=("first-push-distribution", "first-push"),
    objectives=(
        "turn a registry's blobs into an OCI image layout, by hand",
        "read what docker save writes, and say what it leaves out",
        "say for each layout which digests it has, and which can be computed from it",
    ),
    prerequisites=("lesson 01: what a push leaves on disk", "lesson 03: links, manifests, blobs"),
)

_REGISTRY = "registry/docker/registry/v2/"


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@cache
def _layouts() -> dict[str, dict[str, bytes]]:
    """The files of the image in each layout."""
    written = {name: storage_tree(first_push_world(), name) for name in ("oci", "docker-save")}
    return {
        "v1": dict(files("first-push")),
        "Distribution": dict(files("first-push-distribution")),
        "OCI layout": {path: written["oci"][path] for path in written["oci"]},
        "docker save": {path: written["docker-save"][path] for path in written["docker-save"]},
    }


@cache
def _blobs() -> dict[str, bytes]:
    stored = _layouts()["Distribution"]
    return {_digest(data): data for path, data in stored.items() if path.endswith("/data")}


@cache
def _manifest() -> tuple[str, Any]:
    link = _layouts()["Distribution"][f"{_REGISTRY}repositories/hello/_manifests/tags/latest/current/link"].decode()
    return link, json.loads(_blobs()[link])


@cache
def _names() -> dict[str, list[str]]:
    """All digests of the image, by kind."""
    digest, manifest = _manifest()
    layers = [layer["digest"] for layer in manifest["layers"]]
    diff_ids = json.loads(_blobs()[manifest["config"]["digest"]])["rootfs"]["diff_ids"]
    chains = accumulate(diff_ids, lambda below, diff_id: _digest(f"{below} {diff_id}".encode()))
    return {
        "manifest digest": [digest],
        "image ID": [manifest["config"]["digest"]],
        "layer digest": layers,
        "diff ID": diff_ids,
        "chain ID": [chain for chain in chains if chain not in diff_ids],
    }


def _tellable(content: Mapping[str, bytes]) -> set[str]:
    """The image's digests that can be worked out from these files."""
    hashed = {_digest(data) for data in content.values()} | {_digest(_plain(data)) for data in content.values()}
    if hashed >= set(_names()["diff ID"]):
        hashed |= set(_names()["chain ID"])
    return hashed & {name for names in _names().values() for name in names}


def _plain(data: bytes) -> bytes:
    """Without gzip around it."""
    return zlib.decompress(data, wbits=31) if data.startswith(b"\x1f\x8b") else data


def _all_names() -> set[str]:
    return {name for names in _names().values() for name in names}


@book.prediction("04.a", asks="How many files has the image as an OCI layout?", unit="files")
def oci_files() -> int:
    """The files of the OCI layout."""
    return len(_layouts()["OCI layout"])


@book.check(
    "04.1",
    asks="Which files of the OCI layout have contents that lie nowhere in the registry's storage?",
    why="All else are the same blobs, byte for byte, under the same digests.",
    hint="Compare contents: a file counts if no file of the registry has the same bytes.",
)
def new_files() -> set[str]:
    """Paths of the files whose bytes are new."""
    return _unlike(_layouts()["OCI layout"], _layouts()["Distribution"].values())


def _unlike(content: Mapping[str, bytes], others: Iterable[bytes]) -> set[str]:
    known = set(others)
    return {path for path, data in content.items() if data not in known}


@new_files.mistake("The version of the layout stands in a file of its own too, and no registry has that.")
def index_alone() -> set[str]:
    """Only the index."""
    return {path for path in new_files.truth if "index" in path}


@new_files.mistake("Paths were compared: none is the same. Compare the bytes.")
def by_path() -> set[str]:
    """All of them, as no path is the same."""
    return set(_layouts()["OCI layout"])


def _kind(digest: str) -> str:
    return next(kind for kind, names in _names().items() if digest in names)


@book.check(
    "04.2",
    asks='Which of the image\'s digests is the SHA-256 of a layer.tar? Give its kind, such as "layer digest".',
    why="The tar lies there uncompressed, and that is what a diff ID is taken of.",
    hint="Hash one, and look for it in the table of names.",
)
def of_a_tar() -> str:
    """The kind of name that a layer's tar hashes to."""
    saved = _layouts()["docker save"]
    return _kind(next(_digest(data) for path, data in saved.items() if path.endswith("layer.tar")))


@of_a_tar.mistake("A layer digest is of the bytes as a registry stores them, compressed. These are not.")
def as_stored() -> str:
    """The name of what a registry stores."""
    return _kind(_manifest()[1]["layers"][0]["digest"])


@of_a_tar.mistake(
    "A chain ID is the hash of a text of digests; no file has it. (For the base both are equal; ask for all.)"
)
def of_the_stack() -> str:
    """The name of the stack."""
    return _kind(_names()["chain ID"][-1])


def _layer_bytes(content: Mapping[str, bytes], end: str) -> int:
    return sum(len(data) for path, data in content.items() if path.endswith(end))


@book.check(
    "04.3",
    asks="By how many bytes are the layers of docker save larger than those of the registry?",
    unit="bytes",
    why="Blocks of 512 bytes, zeros at the end, and nothing compressed.",
    hint="Sum the lengths of the layer.tar files, and of the blobs that the manifest lists as layers.",
)
def larger() -> int:
    """Uncompressed minus compressed."""
    stored = sum(int(layer["size"]) for layer in _manifest()[1]["layers"])
    return _layer_bytes(_layouts()["docker save"], "/layer.tar") - stored


@larger.mistake("This is the difference of all files. The question is about the layers.")
def all_files() -> int:
    """Everything in the archive minus everything in the blobs."""
    return sum(map(len, _layouts()["docker save"].values())) - sum(map(len, _blobs().values()))


@larger.mistake("This is how large they are, not how much larger.")
def not_the_difference() -> int:
    """The layers' bytes alone."""
    return _layer_bytes(_layouts()["docker save"], "/layer.tar")


@book.prediction("04.b", asks="How many of the image's digests can be worked out from the v1 storage?", unit="digests")
def from_v1() -> int:
    """Digests that v1's files lead to, though none is written there."""
    return len(_tellable(_layouts()["v1"]))


@book.check(
    "04.4",
    asks="How many of the image's digests can no one work out from what docker save wrote?",
    why="The manifest's, and one for each layer: nobody knows how it had been compressed.",
    hint='Subtract the column "docker save" from all names.',
)
def lost() -> int:
    """Digests that are lost in an archive of docker save."""
    return len(_all_names() - _tellable(_layouts()["docker save"]))


@lost.mistake("The manifest is not there either, so its digest is lost with those of the layers.")
def layers_alone() -> int:
    """Only the layers' digests."""
    return len(_names()["layer digest"])


@lost.mistake("These can be worked out. How many can not?")
def the_others() -> int:
    """Those that can be told."""
    return len(_tellable(_layouts()["docker save"]))


_EXAMPLE = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
"""What image-layout.md gives as an example of a sha256 digest."""


@book.check(
    "04.5",
    asks='By which hash function does nothing at all (b"") become the example\'s digits? Give its name.',
    why="So the example is no sha256 digest, and no blob can lie there.",
    hint='Try the functions of hashlib on b"".',
)
def function() -> str:
    """The function that makes the example of nothing."""
    return next(name for name in ("md5", "sha1", "sha256", "sha512") if hashlib.new(name, b"").hexdigest() == _EXAMPLE)


@function.mistake("That is what the example says. Count its digits: a SHA-256 has more.")
def as_it_says() -> str:
    """The algorithm that stands before the colon."""
    return next(name for name in ("sha256",) if hashlib.new(name, b"").hexdigest() != _EXAMPLE)
