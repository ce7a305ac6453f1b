"""lesson 05: pushing, overwriting, deleting, collecting."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from regviz.lesson.book import Book, files, registry, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

book = Book(
    "05",
    title="Pushing, overwriting, deleting, collecting",
    question=(
        "One tag was pushed again, another was deleted: two images have lost their tags. "
        "How many of their bytes does the registry give back?"
    ),
    minutes=40,
    archives=("first-push-distribution", "unfolding-distribution", "unfolding-v1"),
    objectives=(
        "say which files a push, an overwritten tag and a deletion write, change and remove",
        "work out what can be reached from a tag, by hand and with networkx",
        "say before a collector runs what it will free, and what it would break",
    ),
    prerequisites=("lesson 01: what a push leaves on disk",),
)

_FIRST = "first-push-distribution"
_SERIES = "unfolding-distribution"
_V1 = "unfolding-v1"
_PUSHED, _SHARED, _OVERWRITTEN, _UNTAGGED, _COLLECTED = (
    "1-pushed",
    "2-shared",
    "3-overwritten",
    "4-untagged",
    "5-collected",
)


def _state(archive: str, folder: str) -> dict[str, bytes]:
    """The files of one state of a series, by their paths in it."""
    start = f"{folder}/"
    return {path.removeprefix(start): data for path, data in files(archive).items() if path.startswith(start)}


def _blobs(content: Mapping[str, bytes]) -> dict[str, bytes]:
    """The blobs of a Distribution storage, by digest."""
    return {f"sha256:{path.split('/')[-2]}": data for path, data in content.items() if path.endswith("/data")}


def _stored(folder: str) -> int:
    return _sum(_blobs(_state(_SERIES, folder)).values())


def _sum(contents: Iterable[bytes]) -> int:
    return sum(map(len, contents))


def _link(content: Mapping[str, bytes], end: str) -> str:
    """The digest in the one link whose path ends so."""
    [link] = [data.decode() for path, data in content.items() if path.endswith(end)]
    return link


def _reached(blobs: Mapping[str, bytes], manifest: str) -> set[str]:
    """A manifest, its configuration and its layers."""
    said = json.loads(blobs[manifest])
    return {manifest, said["config"]["digest"], *(layer["digest"] for layer in said["layers"])}


@book.check(
    "05.1",
    asks="Which digests can be reached from the tag?",
    why="The manifest, its config and its layers: all that lies in this registry.",
    hint="Begin with the digest that the tag's link holds, and add what its manifest names.",
)
def reached() -> set[str]:
    """All digests that the tag of the first push leads to."""
    content = files(_FIRST)
    return _reached(_blobs(content), _link(content, "tags/latest/current/link"))


@reached.mistake("A manifest is a blob like the others: a collector that does not mark it deletes it.")
def without_manifest() -> set[str]:
    """What the manifest names, without itself."""
    return set(reached.truth) - {_link(files(_FIRST), "tags/latest/current/link")}


@reached.mistake("These are the layers alone. The tag leads to a manifest, and that names a config too.")
def layers_alone() -> set[str]:
    """Only the layers."""
    content = files(_FIRST)
    manifest = json.loads(_blobs(content)[_link(content, "tags/latest/current/link")])
    return {layer["digest"] for layer in manifest["layers"]}


@book.prediction("05.a", asks="By how many bytes do the blobs grow when python is pushed?", unit="bytes")
def second_push() -> int:
    """What the second push added to the blobs."""
    return _stored(_SHARED) - _stored(_PUSHED)


@book.prediction("05.b", asks="How many of the files that were there change their content?", unit="files")
def changed() -> int:
    """Files that the tag's move rewrote."""
    before, after = _state(_SERIES, _SHARED), _state(_SERIES, _OVERWRITTEN)
    return sum(after[path] != data for path, data in before.items() if path in after)


def _manifests_of_nodejs() -> tuple[str, str]:
    """The overwritten manifest of nodejs, and the one that replaced it."""
    old = _link(_state(_SERIES, _SHARED), "nodejs/_manifests/tags/latest/current/link")
    return old, _link(_state(_SERIES, _OVERWRITTEN), "nodejs/_manifests/tags/latest/current/link")


@book.check(
    "05.2",
    asks="How many bytes lie in blobs that only the overwritten manifest of nodejs leads to?",
    unit="bytes",
    why="The tag's move made these untagged, and freed none of them.",
    hint="Take the digests that the old manifest reaches, without those that the new one reaches as well.",
)
def only_old() -> int:
    """Bytes of blobs that no tag leads to any more."""
    blobs = _blobs(_state(_SERIES, _OVERWRITTEN))
    old, new = _manifests_of_nodejs()
    return _sum(blobs[digest] for digest in _reached(blobs, old) - _reached(blobs, new))


@only_old.mistake("This is all that the old manifest reaches. The layers of the base are the new image's too.")
def shared_too() -> int:
    """Everything the old manifest leads to."""
    blobs = _blobs(_state(_SERIES, _OVERWRITTEN))
    return _sum(blobs[digest] for digest in _reached(blobs, _manifests_of_nodejs()[0]))


@only_old.mistake("These are the layers alone: the old manifest and its config lie there too, and nobody else's.")
def layers_only() -> int:
    """Without the manifest and its configuration."""
    blobs = _blobs(_state(_SERIES, _OVERWRITTEN))
    old, new = _manifests_of_nodejs()
    listed = {layer["digest"] for layer in json.loads(blobs[old])["layers"]}
    return _sum(blobs[digest] for digest in listed - _reached(blobs, new))


@book.prediction("05.c", asks="How many bytes of blobs does the deletion of python:2.7 free?", unit="bytes")
def freed_by_deletion() -> int:
    """What the deletion took from the blobs."""
    return _stored(_OVERWRITTEN) - _stored(_UNTAGGED)


@book.check(
    "05.3",
    asks="How many files did the deletion remove?",
    unit="files",
    why="Links, all of them: the revision, the tag, and the tag's memory of it. No blob.",
    hint="Compare the paths of the files in the two folders; directories are no files.",
)
def files_went() -> int:
    """Files that were there before the deletion, and not after."""
    return len(_state(_SERIES, _OVERWRITTEN).keys() - _state(_SERIES, _UNTAGGED).keys())


@files_went.mistake("Directories were counted too; they hold nothing. Take path.is_file() alone.")
def directories_too() -> int:
    """With the directories that went."""
    before, after = (unpacked(_SERIES) / name for name in (_OVERWRITTEN, _UNTAGGED))
    return len(_paths(before) - _paths(after))


def _paths(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@files_went.mistake("Not one blob went; but links did, and they are files.")
def no_file() -> int:
    """Nothing at all."""
    return 0


@book.check(
    "05.4",
    asks="How many bytes may a collector take that begins at the revisions, as Distribution's does?",
    unit="bytes",
    why="It is what the real collector took: the deleted image, and not the overwritten one.",
    hint="Begin at the manifests that a repository still links below _manifests/revisions/.",
)
def collected() -> int:
    """What the collector took from the blobs."""
    return _stored(_UNTAGGED) - _stored(_COLLECTED)


@collected.mistake(
    "This begins at the tags. The overwritten manifest has lost its tag, and not its revision link: "
    "without -m the collector keeps what it leads to."
)
def from_tags() -> int:
    """Everything that no tag leads to."""
    content = _state(_SERIES, _UNTAGGED)
    blobs = _blobs(content)
    return _sum(blobs[digest] for digest in blobs.keys() - _reached(blobs, _manifests_of_nodejs()[1]))


@collected.mistake("This is what the overwritten tag left behind. Its revision is still linked, so it stays.")
def what_was_overwritten() -> int:
    """The overwritten image instead of the deleted one."""
    return int(only_old.truth)


@book.check(
    "05.5",
    asks="How many tagged indexes would Distribution 2.8 break with -m?",
    why="Every index of this registry whose children have no tag of their own.",
    hint="garbage(...) says so in attrs['breaks'], one entry for each manifest that stays and loses something.",
)
def broken() -> int:
    """Indexes that stay, and whose children go."""
    from regviz.analysis import garbage

    breaks = garbage(registry("world-distribution"), collector="distribution-2.8-m").attrs["breaks"]
    return sum(lost["kind"] == "index" or lost["kind"] == "list" for lost in breaks)


@broken.mistake("These are all the manifests that it deletes. Some of them nobody will miss.")
def manifests_deleted() -> int:
    """Every manifest that goes."""
    from regviz.analysis import garbage

    return int(garbage(registry("world-distribution"), collector="distribution-2.8-m").attrs["manifests"])


@broken.mistake("Without -m it breaks nothing. Ask what it does with it.")
def without_the_option() -> int:
    """What breaks without ``-m``."""
    from regviz.analysis import garbage

    return len(garbage(registry("world-distribution"), collector="distribution-2.8").attrs["breaks"])


def _ancestors(content: Mapping[str, bytes]) -> set[str]:
    """The images of a v1 storage that a tag leads to."""
    tops = {data.decode() for path, data in content.items() if "/tag_" in path}
    return {found for top in tops for found in json.loads(content[f"images/{top}/ancestry"])}


def _images(content: Mapping[str, bytes]) -> set[str]:
    return {path.split("/")[1] for path in content if path.startswith("images/")}


@book.check(
    "05.6",
    asks="How many images of the v1 registry does no tag lead to in the end?",
    why="What was overwritten and what was deleted, and no server of v1 ever removes them.",
    hint="Take the ids below images/, without those that the ancestry of a tagged image lists.",
)
def orphans() -> int:
    """Images that are in no tag's ancestry."""
    content = _state(_V1, _UNTAGGED)
    return len(_images(content) - _ancestors(content))


@orphans.mistake("Every image but the tagged one was counted. Those in its ancestry are needed too.")
def all_but_the_tagged() -> int:
    """Without asking for ancestors."""
    content = _state(_V1, _UNTAGGED)
    return len(_images(content)) - sum("/tag_" in path for path in content)


@orphans.mistake("These are the images that the deleted tag left. The overwritten tag left some as well.")
def of_the_deleted_tag() -> int:
    """Only what the last event left behind."""
    before = _state(_V1, _OVERWRITTEN)
    return int(orphans.truth) - len(_images(before) - _ancestors(before))
