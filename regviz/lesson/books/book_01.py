"""Lesson 01: what a push leaves on disk."""

from __future__ import annotations

import gzip
import hashlib
import json

from regviz.lesson.book import Book, files, registry

book = Book(
    "01",
    title="What a push leaves on disk",
    question="You push an image of three steps to an empty registry. How many files does it write?",
    minutes=45,
    archives=("first-push", "first-push-distribution", "unfolding-v1", "unfolding-distribution"),
    objectives=(
        "follow a tag to the bytes of its layers by hand, in the storage of 2014 and in today's",
        "say of each file that a push leaves what it is for",
        "tell an id, a digest and a diff ID apart, and work out each that can be worked out",
    ),
    prerequisites=("you have built, tagged and pushed an image", "a little Python: paths, json, a for loop"),
)
_PUSH, _TODAY = "first-push", "first-push-distribution"
_IMAGES = "registry/images"


def _ancestry() -> list[str]:
    """The ids of the image that the tag names, itself first."""
    ids = json.loads(files(_PUSH)[f"{_IMAGES}/{_top()}/ancestry"])
    return [str(each) for each in ids]


def _top() -> str:
    return files(_PUSH)["registry/repositories/library/hello/tag_latest"].decode()


def _layer(image: str) -> bytes:
    return files(_PUSH)[f"{_IMAGES}/{image}/layer"]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _pushed(layout: str) -> dict[str, bytes]:
    """The files of the article's registry after its first push."""
    return {path: content for path, content in files(f"unfolding-{layout}").items() if path.startswith("1-pushed/")}


def _chain() -> list[str]:
    """The ids of the article's image, the lowest first."""
    pushed = _pushed("v1")
    top = pushed["1-pushed/repositories/library/nodejs/tag_latest"].decode()
    ids = json.loads(pushed[f"1-pushed/images/{top}/ancestry"])
    return [str(each) for each in reversed(ids)]


def _instructions() -> list[str]:
    told = [json.loads(_pushed("v1")[f"1-pushed/images/{image}/json"]) for image in _chain()]
    return [" ".join(each["container_config"].get("Cmd") or []) for each in told]


@book.prediction("01.a", asks="How many files does the push of hello write, three steps and one tag?", unit="files")
def files_written() -> int:
    """All that lie there."""
    return len(files(_PUSH))


@book.check(
    "01.1",
    asks="How many bytes did the push write, over all its files?",
    unit="bytes",
    why="The layers are most of it.",
    hint="Add up path.stat().st_size for each path in files.",
)
def bytes_written() -> int:
    """The lengths of all files."""
    return sum(map(len, files(_PUSH).values()))


@bytes_written.mistake(
    "Those are the bytes of the layers. The push wrote other files too: json, ancestry, sums, and the repository's."
)
def layers_alone() -> int:
    """Only the layers."""
    return sum(len(_layer(image)) for image in _ancestry())


@bytes_written.mistake(
    "That is the sum of Size in the json files: bytes of the files that are in the layers, before they were packed and "
    "compressed. Asked is what lies on the server's disk."
)
def sizes_of_json() -> int:
    """What the engine says that the files in the layers take."""
    return sum(json.loads(files(_PUSH)[f"{_IMAGES}/{image}/json"])["Size"] for image in _ancestry())


@bytes_written.mistake("That is how many files there are, and their bytes are asked.")
def counted_files() -> int:
    """The number of files."""
    return len(files(_PUSH))


@book.check(
    "01.2",
    asks="Which image is the base of hello, the one that stands on nothing? Its id, in full.",
    why="Its json has no parent, and its ancestry is itself alone.",
    hint="It is the last id of the ancestry: the one whose json has no parent.",
)
def base() -> str:
    """The end of the ancestry."""
    return _ancestry()[-1]


@base.mistake("That is the image that the tag names. The ancestry begins with the image itself; the base ends it.")
def top_of_the_chain() -> str:
    """The beginning of the ancestry."""
    return _top()


@base.mistake("That is how Docker shows it. The folder is called by all of its digits: give the id in full.")
def first_digits() -> str:
    """The id as docker images shows it."""
    return _ancestry()[-1][:12]


@base.mistake("That one stands on the base. Look once more at what stands on nothing.")
def one_above() -> str:
    """The image above the base."""
    return _ancestry()[-2]


@book.check(
    "01.3",
    asks="What is the SHA-256 of the file layer of the image that the tag names? Its 64 hexadecimal digits.",
    why="Of the bytes as they lie on the disk: that is the digest.",
    hint="hashlib.sha256(top_layer).hexdigest(): of the bytes of the file as they are.",
)
def digest() -> str:
    """Of the compressed bytes."""
    return _sha256(_layer(_top()))


@digest.mistake(
    "That is the hash of the tar within: the diff ID. It was unpacked before it was hashed; the file on the disk is "
    "compressed, and has other bytes."
)
def diff_id() -> str:
    """Of the tar."""
    return _sha256(gzip.decompress(_layer(_top())))


@digest.mistake(
    "That stands in _checksum: the engine's sum over the json and the entries of the tar, and no hash of a file. A "
    "cell further down makes it again."
)
def checksum() -> str:
    """What _checksum says."""
    return files(_PUSH)[f"{_IMAGES}/{_top()}/_checksum"].decode().rpartition(":")[2]


@digest.mistake("That is the id of the image. It looks like a hash, and was drawn at random: no content leads to it.")
def random_id() -> str:
    """The image's id."""
    return _top()


@digest.mistake("That is the hash of the layer of the base. Asked is that of the image that the tag names.")
def of_the_base() -> str:
    """Of another layer."""
    return _sha256(_layer(_ancestry()[-1]))


@book.prediction("01.b", asks="How many images lie in the folder images after the push of nodejs?", unit="images")
def images_pushed() -> int:
    """The whole ancestry."""
    return len(_chain())


@book.check(
    "01.4",
    asks="Which steps of nodejs changed no file? Their numbers, as a set.",
    why="Their layer is a gzip of nothing.",
    hint="The column empty says it: a layer that holds no entry. Give the numbers in the column step as a set.",
)
def changed_nothing() -> set[int]:
    """Those whose layer holds nothing."""
    pushed = _pushed("v1")
    layers = [gzip.decompress(pushed[f"1-pushed/images/{image}/layer"]) for image in _chain()]
    return {step for step, tar in enumerate(layers) if not tar.strip(b"\0")}


@changed_nothing.mistake(
    "Those are the steps that are noted with #(nop): they ran no command. But ADD ran none, and brought a file all the "
    "same; and apt-get -y upgrade ran, and found nothing to upgrade."
)
def no_command_ran() -> set[int]:
    """Steps that are noted with #(nop)."""
    return {step for step, said in enumerate(_instructions()) if "#(nop)" in said}


@changed_nothing.mistake(
    "Some of these are only small: a file of one line takes some two hundred bytes when it is packed. Look at the "
    "column empty."
)
def small() -> set[int]:
    """Steps of less than a kilobyte."""
    pushed = _pushed("v1")
    return {step for step, image in enumerate(_chain()) if len(pushed[f"1-pushed/images/{image}/layer"]) < 1_000}


@changed_nothing.mistake("No layer file is missing, that is true; but what does it hold? Look at the column empty.")
def none() -> set[int]:
    """Every step has a layer."""
    return set()


@book.prediction("01.c", asks="How many files does the same push of hello write in today's storage?", unit="files")
def files_today() -> int:
    """All that lie there."""
    return len(files(_TODAY))


@book.check(
    "01.5",
    asks="Where does the layer of the base of hello lie in today's storage, as a path below v2?",
    why="The name follows from the content.",
    hint='f"blobs/sha256/{name[:2]}/{name}/data", where name is the SHA-256 of the bytes of the old layer file.',
)
def place() -> str:
    """By the digest of the layer's bytes."""
    return _place(_sha256(_layer(_ancestry()[-1])))


def _place(name: str, digits: int = 2) -> str:
    return f"blobs/sha256/{name[:digits]}/{name}/data"


@place.mistake("That path is made of the image's id. An id of 2014 names nothing in today's storage: hash the bytes.")
def by_its_id() -> str:
    """The id in the place of the digest."""
    return _place(_ancestry()[-1])


@place.mistake(
    "The tar was hashed after it was unpacked: that is the diff ID. A blob lies under the hash of its bytes, "
    "compressed."
)
def by_its_diff_id() -> str:
    """The diff ID in the place of the digest."""
    return _place(_sha256(gzip.decompress(_layer(_ancestry()[-1]))))


@place.mistake("Nearly: the folder between has two hexadecimal digits, which are one byte, and not four.")
def two_bytes() -> str:
    """Two bytes instead of two digits."""
    return _place(_sha256(_layer(_ancestry()[-1])), 4)


@place.mistake("That is the layer of the image that the tag names. The base is the last one of the ancestry.")
def place_of_the_top() -> str:
    """Another layer."""
    return _place(_sha256(_layer(_top())))


@book.check(
    "01.6",
    asks="How many blobs does the image nodejs take in today's storage?",
    unit="blobs",
    why="Layers that hold something, one configuration, one manifest.",
    hint="Count what lies in a file below blobs: the layers, and the two documents above them.",
)
def blobs() -> int:
    """All that lie there."""
    return sum("/v2/blobs/" in path for path in _pushed("distribution"))


@blobs.mistake("Those are the steps. A step that changed no file has no blob; and two blobs are no layers.")
def steps() -> int:
    """One blob a step."""
    return len(_chain())


@blobs.mistake("Those are the layers. The manifest and the configuration are blobs too, each under its own digest.")
def layers() -> int:
    """Without the documents."""
    stack = registry("unfolding-distribution", "1-pushed").manifest_layers
    return int(stack["blob"].nunique())


@blobs.mistake("The documents are counted, and so are the steps that changed no file: those have no blob.")
def steps_and_documents() -> int:
    """One blob a step, and the documents."""
    return len(_chain()) + 2
