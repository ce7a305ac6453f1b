"""lesson 03: the same image in Distribution's storage, and the digests in it."""

from __future__ import annotations

import gzip
import hashlib
import json
from functools import cache
from itertools import accumulate
from typing import Any

from regviz.lesson.book import Book, files

book = Book(
    "03",
    title="Links, manifests, blobs",
    question="One image of three layers: how many different SHA-256 digests name it and its parts?",
    minutes=35,
    archives=("first-push-distribution", "first-push"),
    objectives=(
        "follow a pull through Distribution's storage with nothing but a file browser",
        "compute manifest digest, image ID, layer digest, diff ID and chain ID, and keep them apart",
        "say who notices when a byte of a blob is broken",
    ),
    prerequisites=("lesson 01: what a push leaves on disk",),
)

_FIRST = "first-push-distribution"
_ROOT = "registry/docker/registry/v2/"
_REPOSITORY = "repositories/hello/"


@cache
def _storage() -> dict[str, bytes]:
    """The files of the storage, by their paths below its root."""
    return {path.removeprefix(_ROOT): data for path, data in files(_FIRST).items()}


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _path(digest: str) -> str:
    algorithm, digits = digest.split(":")
    return f"blobs/{algorithm}/{digits[:2]}/{digits}/data"


def _link(below: str, digest: str) -> str:
    return f"{_REPOSITORY}{below}/{digest.replace(':', '/')}/link"


@cache
def _tag() -> str:
    """The manifest that the tag names."""
    return _storage()[f"{_REPOSITORY}_manifests/tags/latest/current/link"].decode()


@cache
def _manifest() -> Any:
    return json.loads(_storage()[_path(_tag())])


def _layers() -> list[str]:
    """Digests of the layers' blobs, base first."""
    return [layer["digest"] for layer in _manifest()["layers"]]


def _diff_ids() -> list[str]:
    return [_digest(gzip.decompress(_storage()[_path(layer)])) for layer in _layers()]


def _chain_ids() -> list[str]:
    return list(accumulate(_diff_ids(), lambda below, diff_id: _digest(f"{below} {diff_id}".encode())))


def _opened() -> set[str]:
    """The files that a server opens for one pull."""
    config = _manifest()["config"]["digest"]
    opened = {f"{_REPOSITORY}_manifests/tags/latest/current/link", _link("_manifests/revisions", _tag()), _path(_tag())}
    for digest in (config, *_layers()):
        opened |= {_link("_layers", digest), _path(digest)}
    return opened


@book.prediction("03.a", asks="How many of the files does a server open for one pull?", unit="files")
def opened() -> int:
    """Files that one pull needs."""
    return len(_opened())


@book.check(
    "03.1",
    asks="Which file did no step of the pull open? Give its path below v2/.",
    why="The tag's memory: it matters when the tag moves, which is lesson 05.",
    hint="Take the paths of all files, without those in opened.",
)
def unopened() -> str:
    """The one file that no pull needs."""
    [path] = _storage().keys() - _opened()
    return path


@unopened.mistake(
    "This link is opened: without it the repository would not serve the manifest, though the blob lies there."
)
def the_revision() -> str:
    """The revision's link."""
    return _link("_manifests/revisions", _tag())


@unopened.mistake("This is a path from the top of the archive. Give it as it is below v2/, as in opened.")
def from_the_top() -> str:
    """The right file, by its whole path."""
    return f"{_ROOT}{unopened.truth}"


@book.check(
    "03.2",
    asks="What is the image ID?",
    why="The digest of the config's bytes; the manifest says it too.",
    hint="It is the SHA-256 of the configuration, with sha256: in front.",
)
def image_id() -> str:
    """The digest of the configuration."""
    return _digest(_storage()[_path(_manifest()["config"]["digest"])])


@image_id.mistake("This is the manifest digest: what a pull by digest names. The image ID is the digest of the config.")
def manifest_digest() -> str:
    """The digest of the manifest."""
    return _tag()


@image_id.mistake(
    "This is the digest of the top layer. In Docker Registry v1 an image and its top layer had one id; not here."
)
def top_layer() -> str:
    """The digest of the last layer."""
    return _layers()[-1]


@book.check(
    "03.3",
    asks="What is the diff ID of the base layer, the first one?",
    why="The digest of the uncompressed tar, as rootfs.diff_ids has it.",
    hint="Decompress the blob of the first layer, and hash what comes out.",
)
def diff_id() -> str:
    """The diff ID of the base."""
    return _diff_ids()[0]


@diff_id.mistake(
    "This is the layer digest, of the blob as it is stored. The diff ID is taken of the tar, uncompressed."
)
def compressed() -> str:
    """The digest of the blob."""
    return _layers()[0]


@diff_id.mistake("This is the top layer's. A manifest lists the base first (in schema 1 it was last).")
def wrong_end() -> str:
    """The diff ID of the top layer."""
    return _diff_ids()[-1]


@book.check(
    "03.4",
    asks="What is the chain ID of the whole stack?",
    why="It names all layers in their order: an engine unpacks a layer once for each chain ID.",
    hint="Begin with the first diff ID; hash “chain ID, space, next diff ID” for each further layer.",
)
def chain_id() -> str:
    """The chain ID of the top layer."""
    return _chain_ids()[-1]


@chain_id.mistake("This is the top layer's diff ID: it names one change, and not what lies below it.")
def only_the_top() -> str:
    """The diff ID of the top layer."""
    return _diff_ids()[-1]


@chain_id.mistake("Here all diff IDs were joined and hashed at once. A chain is hashed link by link.")
def at_once() -> str:
    """One hash of all diff IDs."""
    return _digest(" ".join(_diff_ids()).encode())


@chain_id.mistake("The sha256: of each part belongs to what is hashed.")
def bare_digits() -> str:
    """The same without the algorithm's name."""
    digits = [diff_id.removeprefix("sha256:") for diff_id in _diff_ids()]
    return _digest_of_bare(digits)


def _digest_of_bare(digits: list[str]) -> str:
    [*_, last] = accumulate(digits, lambda below, each: hashlib.sha256(f"{below} {each}".encode()).hexdigest())
    return f"sha256:{last}"


@chain_id.mistake(
    "This chain is made of layer digests. It is made of diff IDs, so that it does not depend on compression."
)
def of_digests() -> str:
    """A chain of the compressed blobs."""
    [*_, last] = accumulate(_layers(), lambda below, each: _digest(f"{below} {each}".encode()))
    return last


def _names() -> list[str]:
    config = _manifest()["config"]["digest"]
    return [_tag(), config, *_layers(), *_diff_ids(), *_chain_ids()]


@book.check(
    "03.5",
    asks="How many different digests name the image and its parts?",
    why="The base's chain ID is its diff ID, so it counts once.",
    hint="One manifest digest, one image ID, and for each layer a digest, a diff ID and a chain ID.",
)
def different() -> int:
    """All names, each once."""
    return len(set(_names()))


@different.mistake("One of them was counted twice: the chain ID of the first layer is its diff ID.")
def counted_twice() -> int:
    """Without looking for equal ones."""
    return len(_names())


@different.mistake("These are the digests that a file is named by. Diff IDs and chain IDs name no file here.")
def stored_alone() -> int:
    """The blobs alone."""
    return sum(path.startswith("blobs/") for path in _storage())


@book.prediction(
    "03.b", asks="How many of the three broken copies look healthy until contents are hashed?", unit="copies"
)
def unnoticed() -> int:
    """Breaks that no name and no length shows: of the layer and of the manifest, and not of the link."""
    broken = [_path(_layers()[0]), _path(_tag()), f"{_REPOSITORY}_manifests/tags/latest/current/link"]
    return sum(path.startswith("blobs/") for path in broken)


@book.check(
    "03.6",
    asks="How many directories can blobs/sha256/ have at most?",
    why="Two hexadecimal characters: one byte.",
    hint="The directory's name is digits[:2]: how many such names are there?",
)
def directories() -> int:
    """What two hexadecimal digits can say."""
    return len({f"{number:064x}"[-2:] for number in range(2**16)})


@directories.mistake(
    "That would be two bytes, as the comment has it. The code takes two characters, and they are one byte."
)
def two_bytes() -> int:
    """What two bytes can say."""
    return len({f"{number:064x}"[-4:] for number in range(2**16)})


@directories.mistake("These are the directories of this registry. It has few blobs; how many names are possible?")
def here() -> int:
    """The directories there are."""
    return len({path.split("/")[2] for path in _storage() if path.startswith("blobs/")})
