"""Lesson 00: where a volume lies."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from regviz.lesson.book import Book, unpacked
from regviz.lesson.mounts import Engine

book = Book(
    "00",
    title="Where a volume lies",
    question="A registry stored twelve files. Its container is removed, and the container that holds the volume has "
    "ended. How many of the files are left?",
    minutes=25,
    archives=("first-push-distribution",),
    objectives=(
        "say where the files of a registry lie while its container runs, has ended, and is removed",
        "give two containers the same tree, and find a file by its path in each",
        "say which command deletes the data, and which does not",
    ),
    prerequisites=("you have started a container with docker run",),
)
_ARCHIVE, _PATH = "first-push-distribution", "/tmp/registry"  # noqa: S108  # the article's path, inside containers
_LINK = "docker/registry/v2/repositories/hello/_manifests/tags/latest/current/link"


def _article(folder: str) -> Engine:
    """The article's containers, and what its registry wrote."""
    engine = Engine(folder)
    engine.run("DATA", volume=_PATH, ends=True)
    engine.run("registry", volumes_from="DATA")
    engine.copy(unpacked(_ARCHIVE) / "registry", "registry", _PATH)
    engine.run("look", volumes_from="DATA")
    return engine


@cache
def _left(*, volumes: bool) -> tuple[int, ...]:
    """Files after each of the three containers is removed."""
    with tempfile.TemporaryDirectory() as folder:
        engine = _article(folder)
        counts = []
        for name in ("registry", "look", "DATA"):
            engine.remove(name, volumes=volumes)
            counts.append(engine.files())
        return tuple(counts)


def _written() -> int:
    return sum(path.is_file() for path in (unpacked(_ARCHIVE) / "registry").rglob("*"))


@book.prediction("00.a", asks="How many of the registry's files does the container look find?", unit="files")
def seen_by_look() -> int:
    """All of them."""
    with tempfile.TemporaryDirectory() as folder:
        return len(_article(folder).find("look"))


@book.check(
    "00.1",
    asks="In how many places on the engine's disk does the tag's file lie?",
    unit="places",
    why="Three containers, one tree.",
    hint="Look for files called link in a folder called current, in all folders below engine.folder.",
)
def places() -> int:
    """Folders with the tag's file."""
    with tempfile.TemporaryDirectory() as folder:
        engine = _article(folder)
        return sum(path.parent.name == "current" for path in Path(engine.folder).rglob("link"))


@places.mistake("Each container sees it, but a mount is no copy: all of them look into one folder.")
def one_a_container() -> int:
    """A copy in each container."""
    return 3


@places.mistake("DATA handed its volume on, and did not copy it: the registry writes into the same folder.")
def source_and_copy() -> int:
    """One in DATA, and one in the registry."""
    return 2


@places.mistake("Those are all files called link. Asked is the tag's, which lies in a folder called current.")
def every_link() -> int:
    """All links."""
    return sum(1 for _ in unpacked(_ARCHIVE).rglob("link"))


@book.check(
    "00.2",
    asks="What is the path of the tag's file in the container look?",
    why="The mount's path, and below it the path in the volume.",
    hint="A container that takes volumes from DATA has them at the same path as DATA.",
)
def path_in_look() -> str:
    """Where DATA has the volume."""
    return f"{_PATH}/{_LINK}"


@path_in_look.mistake("That is the path in the volume. In the container it stands below the path of the mount.")
def path_in_volume() -> str:
    """Without the mount."""
    return _LINK


@path_in_look.mistake("So it would be in the volume, with a slash before it: the path of the mount is missing.")
def from_the_root() -> str:
    """As if the volume were the whole file system."""
    return f"/{_LINK}"


@path_in_look.mistake(
    "That is where a registry's image stores by default. Here it was told to store in the volume of DATA, which is "
    "mounted elsewhere."
)
def by_default() -> str:
    """The path that the registry's image has for its storage."""
    return f"/var/lib/registry/{_LINK}"


@book.prediction("00.b", asks="How many files are left when the registry's container is removed?", unit="files")
def left_without_the_registry() -> int:
    """All of them."""
    return _left(volumes=False)[0]


@book.check(
    "00.3",
    asks="All three containers are removed, with docker rm -f. How many files are left in volumes?",
    unit="files",
    why="Nobody has the volume any more, and nobody deleted it.",
    hint="Remove DATA too, and call engine.files().",
)
def left_without_containers() -> int:
    """Removing containers deletes nothing."""
    return _left(volumes=False)[-1]


@left_without_containers.mistake(
    "A volume does not go with its last container. It goes when somebody says so: docker rm -v, or docker volume rm."
)
def gone_with_the_last() -> int:
    """As if the last one took the volume along."""
    return 0


@book.check(
    "00.4",
    asks="Each is removed with docker rm -f -v: registry, then look, then DATA. How many files are left after each?",
    why="-v spares a volume that another container has, running or not.",
    hint="A list of three numbers: files after registry, after look, after DATA.",
)
def left_one_by_one() -> list[int]:
    """The last one takes the volume along."""
    return list(_left(volumes=True))


@left_one_by_one.mistake(
    "-v takes a volume along only if no other container has it. DATA had ended, and counts all the same."
)
def gone_with_the_first() -> list[int]:
    """As if the first took it along."""
    return [0, 0, 0]


@left_one_by_one.mistake("Without -v it would be so. With it, the last container that has the volume takes it along.")
def never_gone() -> list[int]:
    """As if -v did nothing."""
    return list(_left(volumes=False))


@left_one_by_one.mistake("A container that has ended has its volume all the same: DATA still holds it when look goes.")
def gone_with_the_last_that_runs() -> list[int]:
    """As if only what runs counted."""
    return [_written(), 0, 0]
