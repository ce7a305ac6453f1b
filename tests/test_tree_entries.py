"""A tree shows the entries that find shows, from any kind of storage; and counts those it leaves out."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regviz.layouts.recognise import recognise
from regviz.read import read
from regviz.storage import open_storage
from regviz.tree import Row, tree
from regviz.tree.distribution import Distribution
from regviz.tree.gather import Gatherer, Node
from regviz.tree.known import Known
from tests.conftest import ROOT
from tests.helpers import FORMS, Store, V1Store, image_id, pack

if TYPE_CHECKING:
    from pathlib import Path

LAYOUTS = ["v1", "distribution"]
_TYPES = {"d": "directory", "f": "file", "l": "symlink"}


@pytest.fixture(scope="session", params=LAYOUTS)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped world in a folder."""
    folder = tmp_path_factory.mktemp(request.param)
    archive = ROOT / "data" / f"world-{request.param}.tar.gz"
    subprocess.run(["tar", "-xzf", archive, "-C", folder], check=True)
    return folder


def _found(folder: Path) -> dict[str, tuple[str, int | None]]:
    """Path → type and, of a file, length of everything below a folder, as find tells it."""
    listing = subprocess.run(
        ["find", folder, "-mindepth", "1", "-printf", "%P\\t%y\\t%s\\n"], check=True, capture_output=True, text=True
    ).stdout
    rows = (line.split("\t") for line in listing.splitlines())
    return {path: (_TYPES[kind], int(size) if kind == "f" else None) for path, kind, size in rows}


@pytest.mark.parametrize("form", FORMS)
def test_in_full_it_is_what_find_prints(world: Path, form: str, tmp_path: Path) -> None:
    rows = tree(pack(world, form, tmp_path), full=True).rows
    root, *below = rows
    assert root.depth == 0
    assert {row.path: (row.type, row.bytes) for row in below} == _found(world)
    assert len(below) == len({row.path for row in below})
    assert all(row.depth == row.path.count("/") + 1 for row in below)


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_storage_gives_the_same_tree(world: Path, form: str, tmp_path: Path, full: bool) -> None:  # noqa: FBT001
    expected = tree(world, full=full).rows
    assert tree(pack(world, form, tmp_path, prefix="./"), full=full).rows[1:] == expected[1:]


@pytest.mark.parametrize("full", [True, False])
def test_directories_stand_before_what_is_in_them_by_name(world: Path, full: bool) -> None:  # noqa: FBT001
    rows = tree(world, full=full).rows
    paths = [row.path for row in rows[1:] if row.type != "more"]
    assert paths == sorted(paths, key=lambda path: path.split("/"))
    above: list[Row] = []
    for row in rows:
        del above[row.depth :]
        assert len(above) == row.depth
        if row.depth > 1:
            parent = above[-1].path
            assert (row.path if row.type == "more" else os.path.dirname(row.path)) == parent  # noqa: PTH120
        above.append(row)


@pytest.mark.parametrize("full", [True, False])
def test_the_last_entry_of_each_directory_is_marked(world: Path, full: bool) -> None:  # noqa: FBT001
    lasts: dict[str, list[bool]] = {}
    for row in tree(world, full=full).rows[1:]:
        lasts.setdefault(row.path if row.type == "more" else os.path.dirname(row.path), []).append(row.last)  # noqa: PTH120
    assert all(marks == [False] * (len(marks) - 1) + [True] for marks in lasts.values())


def _hidden(rows: tuple[Row, ...], noun: str) -> int:
    """How many of a kind a tree says it leaves out."""
    return sum(int(row.explanation.split()[1].replace(",", "")) for row in rows if f" more {noun}" in row.explanation)


def test_what_is_shown_and_what_is_counted_are_all_there_is(world: Path) -> None:
    rows, found = tree(world).rows, _found(world)
    shown = {row.path for row in rows}
    if any("/images/" in path for path in found):
        images = {path for path in found if path.rpartition("/")[0].endswith("/images")}
        assert len(images & shown) + _hidden(rows, "images") == len(images)
    else:
        blobs = {path for path in found if path.endswith("/data") and "/blobs/" in path}
        kinds = ("manifests", "configurations", "layers", "contents", "unreferenced")
        assert len(blobs & shown) + sum(_hidden(rows, kind) for kind in kinds) == len(blobs)


def test_bytes_of_what_is_counted(world: Path) -> None:
    """Of layers (v1), of blobs (Distribution): shown and not shown, they are all."""
    rows, found = tree(world).rows, _found(world)
    weighed = "/layer" if any("/images/" in path for path in found) else "/data"
    section = "/images/" if weighed == "/layer" else "/blobs/"
    total = sum(size or 0 for path, (_, size) in found.items() if path.endswith(weighed) and section in path)
    shown = sum(row.bytes or 0 for row in rows if row.path.endswith(weighed) and section in row.path)
    assert shown + sum(row.bytes or 0 for row in rows if row.type == "more") == total


def test_a_depth_cuts_the_tree(world: Path) -> None:
    for depth in (1, 2, 4):
        cut = tree(world, full=True, depth=depth).rows
        assert {row.path for row in cut[1:]} == {path for path in _found(world) if path.count("/") < depth}
        assert all(row.depth <= depth for row in tree(world, depth=depth).rows)


@settings(max_examples=12)
@given(seed=st.randoms(use_true_random=False), layout=st.sampled_from(LAYOUTS), directories=st.booleans())
def test_the_order_of_an_archive_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory,
    seed: object,
    layout: str,
    directories: bool,  # noqa: FBT001
) -> None:
    """Nor whether it tells its directories, but for those that are empty."""
    source = ROOT / "data" / f"world-{layout}.tar.gz"
    shuffled = tmp_path_factory.mktemp("shuffled") / "storage.tar"
    with tarfile.open(source) as archive, tarfile.open(shuffled, "w") as target:
        members = [member for member in archive if directories or not member.isdir()]
        seed.shuffle(members)  # type: ignore[attr-defined]
        for member in members:
            target.addfile(member, archive.extractfile(member) if member.isfile() else None)
    for full in (True, False):
        found, expected = tree(shuffled, full=full).rows[1:], tree(source, full=full).rows[1:]
        if directories:
            assert found == expected
        else:
            files = [(row.path, row.explanation) for row in expected if row.type == "file"]
            assert [(row.path, row.explanation) for row in found if row.type == "file"] == files


def _count(node: Node) -> int:
    return 1 + sum(_count(child) for child in node.children.values())


def test_memory_does_not_grow_with_the_storage(tmp_path: Path) -> None:
    """However many links, tags, uploads and foreign files there are, in whatever order, the same few are kept."""
    store = Store(tmp_path)
    store.image("team/web", [b"one"], "latest")
    storage = open_storage(str(tmp_path))
    known = Known(read(tmp_path))
    sizes = []
    for count in (50, 1_000):
        gatherer = Gatherer(Distribution(recognise(storage)[0].root, known))
        for number in sorted(range(count), key=lambda n: n * 7_919 % 10_007):
            repository, name = b"docker/registry/v2/repositories/team/web", b"%064x" % number
            gatherer.take(repository + b"/_layers/sha256/" + name + b"/link", 0, 71)
            gatherer.take(repository + b"/_manifests/revisions/sha256/" + name + b"/link", 0, 71)
            gatherer.take(repository + b"/_manifests/tags/" + name + b"/current/link", 0, 71)
            gatherer.take(repository + b"/_uploads/" + name + b"/data", 0, 71)
            gatherer.take(b"docker/registry/v2/blobs/sha256/00/" + name + b"/data", 0, 71)
            gatherer.take(b"etc/" + name + b"/x/y/z", 0, 71)
            gatherer.take(b"docker/registry/v2/repositories/" + name, 1, 0)
        sizes.append(_count(gatherer.finish()))
    assert sizes[0] == sizes[1]


def test_repositories_beyond_the_first_are_one_line_each_then_counted(tmp_path: Path) -> None:
    store = V1Store(tmp_path)
    store.image(image_id(1))
    for number in range(60):
        store.tag(f"library/r{number:02}", "latest", image_id(1))
    rows = tree(tmp_path).rows
    opened = {row.path.rpartition("/")[0] for row in rows if row.path.endswith("/tag_latest")}
    assert opened == {"repositories/library/r00", "repositories/library/r01"}
    named = [row.path for row in rows if row.path.startswith("repositories/library/r") and row.type == "directory"]
    assert named == [f"repositories/library/r{number:02}" for number in range(40)]
    assert _hidden(rows, "repositories") == 20


def test_one_more_than_fits_is_shown_and_not_counted(tmp_path: Path) -> None:
    store = V1Store(tmp_path)
    store.chain(*map(image_id, range(3)))
    rows = tree(tmp_path).rows
    assert {row.path for row in rows if row.path.count("/") == 1} == {f"images/{image_id(n)}" for n in range(3)}
    assert not any(row.type == "more" for row in rows)


def test_chosen_repositories_are_all_that_is_shown(world: Path) -> None:
    rows = tree(world, chosen=lambda name: name == "team/web").rows
    found = _found(world)
    inside = [path for path in found if "/repositories/team/web" in path]
    top = min(inside)
    shown = {row.path for row in rows[1:]}
    assert {path for path in shown if not path.startswith(top)} == {top[:at] for at, s in enumerate(top) if s == "/"}
    assert f"{top}/" in "".join(f"{path}/\n" for path in shown)
    assert {row.repository for row in rows if row.path.startswith(top)} == {"team/web"}


def test_no_link_is_followed(tmp_path: Path) -> None:
    store = Store(tmp_path / "registry")
    store.image("a", [b"one"], "1")
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "passwd").write_text("root")
    (tmp_path / "registry" / "out").symlink_to(secret)
    (store.v2 / "repositories" / "b").symlink_to(secret)
    for full in (True, False):
        rows = {row.path: row for row in tree(tmp_path / "registry", full=full).rows}
        assert rows["out"].type == rows["docker/registry/v2/repositories/b"].type == "symlink"
        assert not any("passwd" in path for path in rows)


def test_a_path_of_a_hundred_thousand_levels_does_no_harm(tmp_path: Path) -> None:
    store = Store(tmp_path / "registry")
    store.image("a", [b"one"], "1")
    archive = pack(tmp_path / "registry", "tar", tmp_path)
    with tarfile.open(archive, "a", format=tarfile.PAX_FORMAT) as target:
        for head in ("x", "docker/registry/v2/repositories/a/_layers"):
            target.addfile(tarfile.TarInfo(head + "/y" * 100_000), io.BytesIO())
    for full in (True, False):
        assert max(row.depth for row in tree(archive, full=full).rows) <= 256
