"""A small lesson that is as it should be; tests break it in every way, and see that this is noticed."""

from __future__ import annotations

from regviz.lesson.book import Book, files

book = Book(
    "77",
    title="How many files has the small world?",
    question="How many files are 2 servers' worth?",
    minutes=5,
    archives=("world-v1",),
    objectives=("Count files",),
    prerequisites=("None",),
)


@book.check("77.1", asks="How many tags are there?")
def tags() -> int:
    return sum("/tag_" in path for path in files("world-v1"))


@tags.mistake("You counted the JSON beside each tag too.")
def json_too() -> int:
    return tags() + sum(path.endswith("_json") for path in files("world-v1"))


@book.check("77.2", asks="Which repositories of library/ have a tag?")
def repositories() -> set[str]:
    return {path.split("/")[3] for path in files("world-v1") if "/library/" in path and "/tag_" in path}


@book.check("77.3", asks="How many bytes is the longest ancestry?", unit="bytes")
def longest() -> int:
    return max(len(content) for path, content in files("world-v1").items() if path.endswith("/ancestry"))


@longest.mistake("That is the shortest.")
def shortest() -> int:
    return min(len(content) for path, content in files("world-v1").items() if path.endswith("/ancestry"))


@book.prediction("77.a", asks="How many bytes are all files?", unit="bytes")
def stored() -> int:
    return sum(map(len, files("world-v1").values()))
