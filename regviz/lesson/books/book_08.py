"""Lesson 08: when registries break, and how each failure looks on the disk."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from regviz.lesson.book import Book, files
from regviz.lesson.museum import catalogue

book = Book(
    "08",
    title="When registries break",
    question="A registry has one broken file, and the image is at hand. How often does it help to push it again?",
    minutes=40,
    archives=("museum",),
    objectives=(
        "find a missing, a short and a changed blob by hand",
        "say of a failure who notices it: server, client, collector, or nobody",
        "choose between pushing again, deleting first and leaving alone",
    ),
    prerequisites=(
        "lessons 03 and 05: link, manifest, blob; what a collector does",
        "a little Python: hashlib, pathlib",
    ),
)
_V2 = "docker/registry/v2"


def _room(name: str) -> dict[str, bytes]:
    """The files of a room, by their path in it."""
    head = f"museum/{name}/"
    return {path.removeprefix(head): data for path, data in files("museum").items() if path.startswith(head)}


def _blobs(name: str) -> dict[str, bytes]:
    """The blobs of a room by the digest they lie under."""
    found = {}
    for path, data in _room(name).items():
        parts = path.removeprefix(f"{_V2}/blobs/").split("/")
        if path.startswith(f"{_V2}/blobs/") and len(parts) == 4:
            found[f"{parts[0]}:{parts[2]}"] = data
    return found


def _tagged(name: str) -> str:
    return _room(name)[f"{_V2}/repositories/app/_manifests/tags/latest/current/link"].decode()


def _manifest(name: str, digest: str = "") -> dict[str, Any]:
    return dict(json.loads(_blobs(name)[digest or _tagged(name)]))


def _descriptors(name: str, digest: str = "") -> list[dict[str, Any]]:
    told = _manifest(name, digest)
    return [told["config"], *told["layers"]]


@book.prediction("08.a", asks="In how many of the rooms can app:latest be pulled?", unit="rooms")
def pulled() -> int:
    """Where a pull works."""
    return int((catalogue()["pull"] == "works").sum())


@book.check(
    "08.1",
    asks="Which digest does the manifest in layer-missing name, and nothing lies under it?",
    why="The link is there and the blob is not: a dangling link.",
    hint="Take the config and each layer of the manifest, and look whether its data lies below blobs.",
)
def missing() -> str:
    """The one without a file."""
    return next(
        str(each["digest"]) for each in _descriptors("layer-missing") if each["digest"] not in _blobs("layer-missing")
    )


@missing.mistake("That layer is there. Look at the path of its data: blobs/sha256, two digits, all digits, data.")
def the_base() -> str:
    """The other layer."""
    return str(_manifest("layer-missing")["layers"][0]["digest"])


@missing.mistake("That is the configuration, and it is there.")
def the_config() -> str:
    """What is no layer."""
    return str(_manifest("layer-missing")["config"]["digest"])


@missing.mistake("That is the manifest itself: you have just read it, so it is there.")
def the_manifest() -> str:
    """What the tag names."""
    return _tagged("layer-missing")


@book.check(
    "08.2",
    asks="How many bytes of the layer are lost in layer-cut-short?",
    unit="bytes",
    why="What the descriptor declares, less what lies there.",
    hint="The descriptor in the manifest says how long it ought to be.",
)
def lost() -> int:
    """Declared less stored."""
    return sum(
        each["size"] - len(_blobs("layer-cut-short")[each["digest"]]) for each in _descriptors("layer-cut-short")
    )


@lost.mistake("So many are left. The descriptor in the manifest says how many there were.")
def left() -> int:
    """What is stored."""
    return len(_blobs("layer-cut-short")[_manifest("layer-cut-short")["layers"][1]["digest"]])


@lost.mistake("That is how long it ought to be. Some of it is still there.")
def declared() -> int:
    """What is declared."""
    return int(_manifest("layer-cut-short")["layers"][1]["size"])


@book.check(
    "08.3",
    asks="In byte-flipped one blob is not what its path says. Under which digest does it lie?",
    why="Its length is right and it is JSON: only the hash tells.",
    hint="Work out the SHA-256 of every data file, and compare it with the name of its directory.",
)
def flipped() -> str:
    """The name that its content does not have."""
    return next(digest for digest, data in _blobs("byte-flipped").items() if digest != _sha256(data))


def _sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@flipped.mistake(
    "That is the hash of what lies there now. Asked is the digest under which it lies, and which it ought to have."
)
def of_the_content() -> str:
    """What it hashes to."""
    return _sha256(_blobs("byte-flipped")[flipped.truth])


@flipped.mistake("That is the manifest, and it is sound: what it names is not.")
def what_names_it() -> str:
    """What the tag names."""
    return _tagged("byte-flipped")


@book.prediction(
    "08.b", asks="In how many of the rooms of Distribution does it help to push the same image again?", unit="rooms"
)
def mended() -> int:
    """Where a second push mends."""
    return int((catalogue()["again"] == "mends it").sum())


@book.check(
    "08.4",
    asks="How many blobs that the index in index-collected needs are gone? Each is counted once.",
    unit="blobs",
    why="Two configurations, a layer of each image, and the base that both have.",
    hint="The children's manifests are still there. Collect what they name in a set, and take away what lies there.",
)
def gone() -> int:
    """Named by the children, and not there."""
    return len(_named_by_children() - _blobs("index-collected").keys())


def _children() -> list[str]:
    return [str(entry["digest"]) for entry in _manifest("index-collected")["manifests"]]


def _named_by_children() -> set[str]:
    return {str(each["digest"]) for child in _children() for each in _descriptors("index-collected", child)}


@gone.mistake("You counted the base twice. Both images name it, and it is one blob: use a set.")
def counted_twice() -> int:
    """Every descriptor."""
    return sum(len(_descriptors("index-collected", child)) for child in _children())


@gone.mistake("The children's manifests are still there, though no longer linked. What they name is gone.")
def the_children() -> int:
    """The manifests."""
    return len(_children())


@gone.mistake("Those are the layers. The configurations are gone as well.")
def the_layers() -> int:
    """Without configurations."""
    return len({layer["digest"] for child in _children() for layer in _manifest("index-collected", child)["layers"]})


@book.check(
    "08.5",
    asks="How many bytes of layers in v1-images-of-nobody does no tag reach any more?",
    unit="bytes",
    why="One image, and the base below it is another's base as well.",
    hint="The ancestry of what the tag names says which images are reached. Add up layer of the others.",
)
def of_nobody() -> int:
    """Layers outside of the ancestry."""
    return sum(len(layer) for image, layer in _v1_layers().items() if image not in _reached())


def _v1_layers() -> dict[str, bytes]:
    room = _room("v1-images-of-nobody")
    return {path.split("/")[1]: data for path, data in room.items() if path.endswith("/layer")}


def _reached() -> list[str]:
    room = _room("v1-images-of-nobody")
    top = room["repositories/library/app/tag_latest"].decode()
    return [str(image) for image in json.loads(room[f"images/{top}/ancestry"])]


@of_nobody.mistake("You counted the base too. The tag that is left stands on it.")
def with_the_base() -> int:
    """All but what the tag names itself."""
    return sum(len(layer) for image, layer in _v1_layers().items() if image != _reached()[0])


@of_nobody.mistake("Those are all layers. Some are reached by the tag that is left.")
def every_layer() -> int:
    """Everything."""
    return sum(map(len, _v1_layers().values()))


@of_nobody.mistake(
    "_index_images lists all of them, because it only ever grows. Go by the ancestry of what the tag names."
)
def by_the_list() -> int:
    """As the list has it."""
    room = _room("v1-images-of-nobody")
    listed = {row["id"] for row in json.loads(room["repositories/library/app/_index_images"])}
    return sum(len(layer) for image, layer in _v1_layers().items() if image not in listed)
