"""What an archive says does not hang on the order of its members, and of what stands twice the last counts."""

from __future__ import annotations

import io
import tarfile
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regviz.layouts.distribution import ledger
from regviz.layouts.distribution.grammar import Role, is_encoded, parse
from regviz.read import read
from tests.helpers import EPOCH, V2, Store, assert_same_tables, pack, rows, sha256
from tests.layouts.test_distribution_walk_and_list import CONTENTS, KNOWN
from tests.layouts.test_distribution_walk_and_list import PLACES as BOTH_PLACES
from tests.storage.archives import small_windows

if TYPE_CHECKING:
    from regviz.registry import Registry

Node = tuple[str, bytes | None, int]
NOBODYS = [f"blobs/sha256/{digits[:2]}/{digits}" for digits in ("0a" * 32, "0b" * 32)]
PLACES = BOTH_PLACES | st.sampled_from([*NOBODYS, *(f"{place}/data" for place in NOBODYS)])
NODES = st.lists(st.tuples(PLACES, st.none() | CONTENTS, st.integers(0, 200)), max_size=10)
STORED = [(f"blobs/sha256/{digest[7:9]}/{digest[7:]}/data", data, 0) for digest, data in KNOWN.items()]


def archive(path: Path, nodes: list[Node], form: int) -> Path:
    with tarfile.open(path, "w", format=form) as opened:
        for place, content, time in nodes:
            info = tarfile.TarInfo(f"{V2}/{place}")
            info.mtime = EPOCH + 60 * time
            info.type, info.size = (tarfile.DIRTYPE, 0) if content is None else (tarfile.REGTYPE, len(content))
            opened.addfile(info, io.BytesIO(content or b""))
    return path


def of_one_kind(nodes: list[Node]) -> list[Node]:
    """The nodes without those that are a file at a place where the first one is a directory, or the other way round."""
    first = {}
    for place, content, _ in nodes:
        first.setdefault(place, content is None)
    return [node for node in nodes if first[node[0]] == (node[1] is None)]


def said_again(nodes: list[Node]) -> Counter[str]:
    """How often each path must be said to stand twice: a link as often as it came again, a blob once."""
    files = Counter(place for place, content, _ in nodes if content is not None)
    said: Counter[str] = Counter()
    for path, count in files.items():
        place = parse(path.encode())
        if count > 1 and place.role in (Role.REVISION_LINK, Role.TAG_CURRENT):
            said[f"{V2}/{path}"] = count - 1
        elif count > 1 and place.role == Role.BLOB and is_encoded(place.algorithm, place.name):
            said[f"{V2}/{path}"] = 1
    return said


def problems(registry: Registry) -> set[tuple[object, ...]]:
    said = rows(registry.problems, "rule", "repository", "manifest", "blob", "path", "detail")
    return {problem for problem in said if problem[0] != "path-repeated"}


@pytest.mark.parametrize("links", ["stat", "check", "open"])
@settings(max_examples=120)
@given(NODES, st.data(), st.sampled_from([2, 3, 8, 1 << 12]), st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))
def test_order_and_what_stands_twice(
    links: str, nodes: list[Node], choice: st.DataObject, blocks: int, form: int
) -> None:
    again = choice.draw(st.lists(st.sampled_from(nodes), max_size=4)) if nodes else []
    others = [
        (place, choice.draw(CONTENTS), time + 1) if content is not None else (place, None, time)
        for place, content, time in again
    ]
    every = of_one_kind(choice.draw(st.permutations([*nodes, *others])))
    every = [*every, *(node for node in STORED if node[0] not in {place for place, *_ in every})]
    last = [*{node[0]: node for node in every}.values()]
    once = choice.draw(st.permutations(last))
    with TemporaryDirectory() as name:
        plain = read(archive(Path(name) / "once.tar", once, form), links=links)  # type: ignore[arg-type]
        twice = archive(Path(name) / "twice.tar", every, form)
        with small_windows(blocks), mock.patch.object(ledger, "_ENOUGH", 5):
            registry = read(twice, links=links)  # type: ignore[arg-type]
    assert_same_tables(plain, registry, "problems")
    assert problems(registry) == problems(plain)
    found = registry.problems[registry.problems["rule"] == "path-repeated"]["path"]
    assert Counter(found.tolist()) == said_again(every)


@pytest.mark.parametrize("order", [0, 1])
def test_a_directory_of_a_blob_waits_for_its_data(tmp_path: Path, order: int) -> None:
    """Data that come later, or came before, are data; a directory that has none is said."""
    with_data, without = NOBODYS
    nodes: list[Node] = [(with_data, None, 0), (without, None, 0), (f"{with_data}/data", b"x", 1)]
    registry = read(archive(tmp_path / "a.tar", [*nodes[:: 1 - 2 * order], *STORED], tarfile.GNU_FORMAT))
    digest = without.rpartition("/")[2]
    assert rows(registry.problems, "rule", "blob") == [("blob-truncated", f"sha256:{digest}")]


def test_names_whose_texts_are_alike_are_one_tag(tmp_path: Path) -> None:
    """A name that is no UTF-8, and one that is its escaped form: the table has one row for what reads alike."""
    digests = [sha256(data).encode() for data in KNOWN.values()]
    nodes = [*STORED]
    for number, tag in enumerate((b"caf\xe9", b"caf\\xe9")):
        path = f"repositories/a/_manifests/tags/{tag.decode('utf-8', 'surrogateescape')}/current/link"
        nodes.append((path, digests[number], number))
    registry = read(archive(tmp_path / "a.tar", nodes, tarfile.GNU_FORMAT))
    assert rows(registry.tags, "tag", "manifest") == [("caf\\xe9", digests[1].decode())]


@pytest.mark.parametrize("form", ["folder", "tar", "tar.gz"])
def test_what_is_current_was_pushed_last(tmp_path: Path, form: str) -> None:
    """One push writes a tag's current link and its index's (tagstore.go): the tag's own time is that of both."""
    store = Store(tmp_path / "storage")
    old = store.image("a", [b"1"], "latest", "once")
    new = store.image("a", [b"2"])
    store.tag("a", "latest", new)
    store.tag("a", "latest", old)  # back again: the index has both, and current is written last
    registry = read(pack(store.root, form, tmp_path))
    pushed = dict(zip(registry.tags["tag"], registry.tags["pushed_at"], strict=True))
    history = rows(registry.tag_history, "tag", "manifest", "current", "last_pushed_at")
    assert {(tag, manifest, time) for tag, manifest, current, time in history if current} == {
        (tag, old, time) for tag, time in pushed.items()
    }
    [other] = [row for row in history if not row[2]]
    assert other[:2] == ("latest", new)
    link = store.v2 / "repositories/a/_manifests/tags/latest/index" / new.replace(":", "/") / "link"
    assert other[3].timestamp() == link.stat().st_mtime


@pytest.mark.parametrize(
    ("root", "repository"),
    [
        ("docker/registry/v2/", "docker/registry/v2"),
        ("", "a/repositories/b"),
        ("x/", "blobs/sha256"),
        ("", "x/docker/registry"),
    ],
)
def test_a_repository_may_be_named_like_what_marks_a_registry(tmp_path: Path, root: str, repository: str) -> None:
    digest = [*KNOWN][0]
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as opened:
        opened.addfile(tarfile.TarInfo(f"{root}repositories/{repository}/_layers/sha256/{digest[7:]}/link"))
    registry = read(path)
    assert rows(registry.table("repository_blobs"), "repository", "link") == [(repository, digest)]
