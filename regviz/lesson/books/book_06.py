"""Lesson 06: whose bytes are these, and why no two programs agree."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from regviz.lesson.book import Book, files, registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

SHOP, WORLD = "shop", "world-distribution"
_ROOT = "registry/docker/registry/v2"
_BLOCK = 4_096
_TOGETHER = ("team/api:0.2", "team/api:latest")

book = Book(
    "06",
    title="Whose bytes are these?",
    question="The sizes of 22 tags add up to several times what their blobs take. How many bytes come back when the "
    "largest of them is deleted?",
    minutes=45,
    archives=(SHOP,),
    objectives=(
        "tell logical, unique, exclusive, shared and amortised bytes apart, and work them out by hand",
        "account for every byte between the sum of all tags and what du says",
        "say what a number of another program counts, and why it differs from yours",
        "say what a deletion would free, before anything is deleted",
    ),
    prerequisites=("lesson 03: what links, manifests and blobs are",),
)


def _needed(repository: str) -> Mapping[str, int]:
    """The length of each blob that tag 1 of a repository of the shop needs."""
    content = files(SHOP)

    def blob(digest: str) -> bytes:
        hexadecimal = digest.partition(":")[2]
        return content[f"{_ROOT}/blobs/sha256/{hexadecimal[:2]}/{hexadecimal}/data"]

    digest = content[f"{_ROOT}/repositories/{repository}/_manifests/tags/1/current/link"].decode()
    manifest = json.loads(blob(digest))
    digests = (digest, manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"]))
    return {each: len(blob(each)) for each in digests}


def _stored() -> int:
    return sum(len(content) for path, content in files(SHOP).items() if path.startswith(f"{_ROOT}/blobs/"))


def _tags() -> pd.DataFrame:
    from regviz.analysis import sizes

    return sizes(registry(WORLD), by="tag")


def _of(tags: Iterable[str], column: str) -> int:
    """Sum of a column over tags of the small world."""
    table = _tags()
    names = table["repository"] + ":" + table["tag"]
    return int(table.loc[names.isin(list(tags)), column].sum())


def _freed(tags: Iterable[str]) -> int:
    from regviz.analysis import what_if

    return int(what_if(registry(WORLD), tags=list(tags)).attrs["freed_bytes"])


@book.prediction("06.a", asks="How many bytes do the blobs of the shop's registry take together?", unit="bytes")
def stored_once() -> int:
    return _stored()


@book.check(
    "06.1",
    asks="How many bytes come back when shop/cart:1 is deleted and the garbage is collected?",
    unit="bytes",
    why="These are its exclusive bytes: manifest, configuration and its own layer.",
)
def exclusive() -> int:
    return sum(length for digest, length in _needed("shop/cart").items() if digest not in _needed("shop/pay"))


@exclusive.mistake("That is all that the tag needs. The base stays, because shop/pay needs it too.")
def the_whole_tag() -> int:
    return sum(_needed("shop/cart").values())


@exclusive.mistake(
    "That is its layer alone. Its manifest and its configuration are blobs too, and nobody else needs them."
)
def the_layer_alone() -> int:
    return list(_needed("shop/cart").values())[-1]


@exclusive.mistake("That is what stays. Asked is what comes back.")
def what_stays() -> int:
    return sum(_needed("shop/pay").values())


@book.check(
    "06.2",
    asks="What are the amortised bytes of shop/pay:1: its own blobs, and its part of what it shares?",
    unit="bytes",
    why="The amortised bytes of both tags add up to what is stored.",
)
def fair_share() -> float:
    return sum(length / (1 + (digest in _needed("shop/cart"))) for digest, length in _needed("shop/pay").items())


@fair_share.mistake(
    "Half of everything would be a bill by heads. Only what both need is divided; their own blobs are not."
)
def half_of_everything() -> float:
    return _stored() / 2


@fair_share.mistake("That is half of all that it needs. Nobody else uses its own blobs, so it bears them alone.")
def half_of_its_own() -> float:
    return sum(_needed("shop/pay").values()) / 2


@fair_share.mistake("That is what it has alone. Its part of the base is missing.")
def without_the_base() -> float:
    return float(sum(length for digest, length in _needed("shop/pay").items() if digest not in _needed("shop/cart")))


@fair_share.mistake("That is all that it needs. The base has two owners, and each bears a part of it.")
def with_the_whole_base() -> float:
    return float(sum(_needed("shop/pay").values()))


@book.prediction("06.b", asks="How many bytes take the blobs that the 22 tags need, each once?", unit="bytes")
def tagged_bytes() -> int:
    return int(_tags().attrs["tagged_bytes"])


@book.check(
    "06.3",
    asks="How many bytes does the sum of the 22 tags count too often?",
    unit="bytes",
    why="What many tags share was counted for each of them.",
)
def counted_too_often() -> int:
    return int(_tags()["unique_bytes"].sum()) - int(tagged_bytes())


@counted_too_often.mistake(
    "You compared with all blobs that lie there. Some of them no tag needs, and those are not in the sum either."
)
def against_all_blobs() -> int:
    table = registry(WORLD).blobs
    return int(_tags()["unique_bytes"].sum()) - int(table.loc[table["present"], "blob_bytes"].sum())


@counted_too_often.mistake(
    "Between repositories only: blobs that several tags of one repository need are counted too often too."
)
def between_repositories() -> int:
    from regviz.analysis import sizes

    return int(sizes(registry(WORLD))["unique_bytes"].sum()) - int(tagged_bytes())


@counted_too_often.mistake(
    "The shared bytes of all tags, added up, include each shared blob once rightly: it has to lie there once."
)
def all_that_is_shared() -> int:
    return int(_tags()["shared_bytes"].sum())


@book.check(
    "06.4",
    asks="How many bytes of the disk do the files of the shop take, in whole blocks of 4,096 bytes?",
    unit="bytes",
    why="Each file is rounded up by itself.",
)
def in_blocks() -> int:
    return sum(-(-len(content) // _BLOCK) * _BLOCK for content in files(SHOP).values())


@in_blocks.mistake(
    "You rounded up the sum. Each file is rounded up by itself, and a link of 71 bytes takes a whole block."
)
def sum_rounded_up() -> int:
    return -(-sum(map(len, files(SHOP).values())) // _BLOCK) * _BLOCK


@in_blocks.mistake("That is one block for each file. Some files need more than one.")
def one_block_each() -> int:
    return len(files(SHOP)) * _BLOCK


@in_blocks.mistake("You left the links out, or rounded down: a link takes a block too.")
def blobs_alone() -> int:
    return sum(-(-len(content) // _BLOCK) * _BLOCK for path, content in files(SHOP).items() if "/blobs/" in path)


@book.prediction(
    "06.c", asks="How many bytes of your disk does the folder of the shop take, with its directories?", unit="bytes"
)
def on_disk() -> int:
    """Of a file system that does not say; by blocks of files and a block for each directory."""
    paths = [path.split("/") for path in files(SHOP)]
    directories = {tuple(parts[:depth]) for parts in paths for depth in range(1, len(parts))}
    return int(in_blocks()) + len(directories) * _BLOCK


def _owned(name: str) -> pd.DataFrame:
    from regviz.analysis import owner_sets

    table = owner_sets(registry(WORLD))
    return table[[name in owners for owners in table["owners"]]]


@book.check(
    "06.5",
    asks="How many bytes belong to library/nodejs and to no other repository?",
    unit="bytes",
    why="It is more than its tags have alone, as two of them name one image.",
)
def of_nodejs_alone() -> int:
    table = _owned("library/nodejs")
    return int(table.loc[table["owner_count"] == 1, "bytes"].sum())


@of_nodejs_alone.mistake(
    "You added up the exclusive bytes of its tags. What two tags of one repository share belongs to neither of them, "
    "and still to that repository alone."
)
def exclusive_of_its_tags() -> int:
    table = _tags()
    return int(table.loc[table["repository"] == "library/nodejs", "exclusive_bytes"].sum())


@of_nodejs_alone.mistake("Those are all sets in which it stands. Asked is the set in which it stands alone.")
def all_its_sets() -> int:
    return int(_owned("library/nodejs")["bytes"].sum())


@book.prediction(
    "06.d", asks="How many bytes come back when team/web:1.0 is deleted and the garbage is collected?", unit="bytes"
)
def largest_tag() -> int:
    return _freed(["team/web:1.0"])


@book.check(
    "06.6",
    asks="How many bytes come back when team/api:0.2 and team/api:latest are both deleted?",
    unit="bytes",
    why="What just these two share belongs to neither alone, and comes back with both.",
)
def both_gone() -> int:
    return _freed(_TOGETHER)


@both_gone.mistake("You added up their exclusive bytes. What just the two share is exclusive to the pair.")
def exclusive_added() -> int:
    return _of(_TOGETHER, "exclusive_bytes")


@both_gone.mistake("That is all that one of them needs. Most of it other images need too, and so it stays.")
def all_they_need() -> int:
    return _of(_TOGETHER[:1], "unique_bytes")


@both_gone.mistake("A fair part of the bill is not what comes back: what is shared with others stays where it is.")
def their_parts() -> int:
    return _of(_TOGETHER, "amortised_bytes")


@both_gone.mistake("That counts one manifest twice: the two tags name the same.")
def counted_twice() -> int:
    return 2 * _freed(_TOGETHER)
