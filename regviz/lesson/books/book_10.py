"""Lesson 10: a reader of Distribution's storage, whose tables must equal those of regviz."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from regviz.lesson.book import Book, files, registry
from regviz.share import folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FunctionType

    import pandas as pd

    from regviz.registry import Registry

WORLD = "world-distribution"
NOTEBOOK = "10-reader.ipynb"

book = Book(
    "10",
    title="A registry reader in sixty lines",
    question="340 files are the storage of a registry with 22 tags. How many lines of Python make the tables of them?",
    minutes=50,
    archives=("shop",),
    objectives=(
        "read tags, manifests, layers and blobs from the files of a registry",
        "find all that a tag needs, across the three shapes of manifests",
        "hold a program of your own to another one that answers the same question",
    ),
    prerequisites=("lesson 03 or 05: what links and manifests are", "Python: dictionaries, functions, recursion"),
)


def _world() -> Registry:
    return registry(WORLD)


def _parts() -> list[str]:
    """The pieces of the reader, solved, from the notebook that ships."""
    with (folder("notebooks") / NOTEBOOK).open(encoding="utf-8") as file:
        cells = json.load(file)["cells"]
    known = [(cell, cell["metadata"].get("regviz", {})) for cell in cells]
    return [own.get("solution", "".join(cell["source"])) for cell, own in known if own.get("reader")]


@cache
def _solved() -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec("\n".join(_parts()), names)  # noqa: S102  # code that ships beside this module
    return names


@contextmanager
def lending(*functions: FunctionType) -> Iterator[None]:
    """For a while, functions that a learner has not written are those of the solution: who skips one goes on.

    Examples
    --------
    >>> def layers(manifest):
    ...     return ...
    >>> with lending(layers):
    ...     layers({"layers": [{"digest": "sha256:0"}]})
    ['sha256:0']
    >>> layers({}) is ...
    True
    """
    unwritten = [function for function in functions if ... in function.__code__.co_consts]
    for function in unwritten:
        function.__globals__[function.__name__] = _solved()[function.__name__]
    try:
        yield
    finally:
        for function in unwritten:
            function.__globals__[function.__name__] = function


@book.prediction("10.a", asks="How many lines of Python does the whole reader take?", unit="lines")
def lines() -> int:
    """Counted in the solutions of the notebook that ships."""
    return sum(bool(line.strip()) for source in _parts() for line in source.splitlines())


@book.check("10.1", asks="Which blobs lie there, and how long is each?", why="Every blob that lies there, to the byte.")
def blobs() -> dict[str, int]:
    """A blob that is named and not there is no part of it."""
    table = _world().blobs
    here = table[table["present"]]
    return dict(zip(here["blob"].astype(str), here["blob_bytes"].astype(int), strict=True))


@blobs.mistake("A digest has its algorithm before it: sha256, a colon, and the hexadecimal digits.")
def without_algorithm() -> dict[str, int]:
    return {digest.partition(":")[2]: length for digest, length in blobs().items()}


@blobs.mistake("These are the lengths that manifests declare, and one of the layers that they name does not lie here.")
def as_declared() -> dict[str, int]:
    table = _world().blobs
    return dict(zip(table["blob"].astype(str), table["blob_bytes"].astype(int), strict=True))


@blobs.mistake("Directories of two characters stand above the digests; the digest is the directory right above data.")
def of_the_directory() -> dict[str, int]:
    return {f"sha256:{digest.partition(':')[2][:2]}": length for digest, length in blobs().items()}


@book.check("10.2", asks="Which digest does each tag point to? The key is a pair of repository and tag.")
def tags() -> dict[tuple[str, str], str]:
    """As the table of tags has it."""
    return _pairs(_world().tags)


def _pairs(table: pd.DataFrame) -> dict[tuple[str, str], str]:
    names = zip(table["repository"].astype(str), table["tag"].astype(str), strict=True)
    return dict(zip(names, table["manifest"].astype(str), strict=True))


@tags.mistake("Two repositories have a tag of the same name, and one took the place of the other: the key is a pair.")
def by_tag_alone() -> dict[str, str]:
    return {tag: digest for (_, tag), digest in tags().items()}


@tags.mistake(
    "That is from index, which remembers what a tag pointed to at some time; current has what it points to now."
)
def from_the_index() -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    pattern = re.compile(r".*/repositories/(.+)/_manifests/tags/([^/]+)/index/\w+/\w+/link")
    for path, content in sorted(files(WORLD).items()):
        if match := pattern.fullmatch(path):
            found.setdefault((match[1], match[2]), content.decode())
    return found


@tags.mistake("A key is the pair of repository and tag, (repository, tag), not one text.")
def as_one_text() -> dict[str, str]:
    return {f"{repository}:{tag}": digest for (repository, tag), digest in tags().items()}


@book.check(
    "10.3", asks="Which digests are manifests?", why="Those of tags, of indexes and those that no tag reaches any more."
)
def manifests() -> set[str]:
    """As the table of manifests has it."""
    return set(_world().manifests["manifest"].astype(str))


@manifests.mistake("These are the manifests of tags. Those that an index lists, and those without a tag, are missing.")
def tagged_alone() -> set[str]:
    return set(tags().values())


@manifests.mistake("Configurations and attestations are JSON too: ask the revisions which digests are manifests.")
def all_documents() -> set[str]:
    return {digest for digest in blobs() if _document(digest) is not None}


def _document(digest: str) -> Any:
    hexadecimal = digest.partition(":")[2]
    data = files(WORLD)[f"registry/docker/registry/v2/blobs/sha256/{hexadecimal[:2]}/{hexadecimal}/data"]
    try:
        return json.loads(data)
    except ValueError:
        return None


@book.check(
    "10.4",
    asks="Which layers has each manifest, the base first?",
    why="Indexes have none, and schema 1 was turned round.",
)
def layers() -> dict[str, list[str]]:
    """As the table of manifests' layers has it."""
    table = _world().manifest_layers.sort_values(["manifest", "position"])
    found: dict[str, list[str]] = {digest: [] for digest in manifests()}
    for digest, blob in zip(table["manifest"].astype(str), table["digest"].astype(str), strict=True):
        found[digest].append(blob)
    return found


@layers.mistake("Schema 1 lists the topmost layer first: its fsLayers have to be turned round.")
def from_the_top() -> dict[str, list[str]]:
    return {digest: found[::-1] if "fsLayers" in _document(digest) else found for digest, found in layers().items()}


@layers.mistake("One manifest is of schema 1 and has no layers, but fsLayers, each with a blobSum.")
def without_schema_1() -> dict[str, list[str]]:
    return {digest: [] if "fsLayers" in _document(digest) else found for digest, found in layers().items()}


@layers.mistake("The configuration is no layer: it says how to run the image, and holds none of its files.")
def with_configuration() -> dict[str, list[str]]:
    return {digest: [*_config(digest), *found] for digest, found in layers().items()}


def _config(digest: str) -> list[str]:
    manifest = _document(digest)
    return [manifest["config"]["digest"]] if "config" in manifest else []


@book.check("10.5", asks="What does each tag need: its manifest and all that it leads to?")
def reached() -> dict[tuple[str, str], set[str]]:
    """What the graph of objects has below each tag; a subject is no part of what speaks about it."""
    import networkx as nx

    from regviz.graph import object_graph
    from regviz.graph.objects import tag_key

    graph = object_graph(_world())
    needs = nx.MultiDiGraph((one, other) for one, other, role in graph.edges(data="role") if role != "subject")
    return {tag: set(nx.descendants(needs, tag_key(*tag))) for tag in tags()}


@reached.mistake("An index needs all that the manifests in it need, not only those manifests.")
def one_level() -> dict[tuple[str, str], set[str]]:
    return {tag: {digest, *_config(digest), *layers()[digest], *_children(digest)} for tag, digest in tags().items()}


def _children(digest: str) -> list[str]:
    return [child["digest"] for child in _document(digest).get("manifests", ())]


@reached.mistake("The configuration of an image is needed too: it is a blob of its own, beside the layers.")
def without_configuration() -> dict[tuple[str, str], set[str]]:
    configs = {config for digest in manifests() for config in _config(digest)}
    return {tag: found - configs for tag, found in reached().items()}


@reached.mistake("A subject is what a manifest speaks about. It is not needed: who pulls a signature gets no image.")
def with_subjects() -> dict[tuple[str, str], set[str]]:
    found = reached()
    of_image = {digest: found[tag] for tag, digest in tags().items()}
    subjects = {each: (_document(each).get("subject") or {}).get("digest", "") for each in manifests()}
    return {
        tag: needs.union(*(of_image.get(subjects.get(each, ""), ()) for each in needs)) for tag, needs in found.items()
    }


@reached.mistake("The manifest itself is a blob that the tag needs.")
def without_itself() -> dict[tuple[str, str], set[str]]:
    return {tag: found - {tags()[tag]} for tag, found in reached().items()}


_SIZES = ["repository", "tag", "unique_bytes", "exclusive_bytes", "amortised_bytes"]


@book.check(
    "10.6", asks="How many bytes has each tag?", unit="bytes", why="Your reader and regviz say the same of every tag."
)
def sizes() -> pd.DataFrame:
    """As rv.sizes has it; its shares are in whole bytes, which is less than a thousandth away from yours."""
    from regviz.analysis import sizes as all_sizes

    return all_sizes(_world(), by="tag")[_SIZES].astype({"amortised_bytes": float})


@sizes.mistake("A tag names a layer that does not lie here, and its declared length was counted: count what is stored.")
def with_absent() -> pd.DataFrame:
    from regviz.analysis import sizes as all_sizes

    table = all_sizes(_world(), by="tag")
    for column in ("unique_bytes", "exclusive_bytes", "amortised_bytes"):
        table[column] += table["absent_bytes"]
    return table[_SIZES].astype({"amortised_bytes": float})


@sizes.mistake("Exclusive bytes are those that no other tag needs, also none of the same repository.")
def exclusive_to_the_repository() -> pd.DataFrame:
    owners: dict[str, set[str]] = {}
    for (repository, _), found in reached().items():
        for blob in found:
            owners.setdefault(blob, set()).add(repository)
    stored = blobs()
    table: pd.DataFrame = sizes().copy()
    table["exclusive_bytes"] = [
        sum(stored.get(blob, 0) for blob in reached()[row.repository, row.tag] if len(owners[blob]) == 1)
        for row in table.itertuples()
    ]
    return table
