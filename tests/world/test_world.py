"""Worlds: written the same each time, into an empty folder alone, with the times of their events."""

from __future__ import annotations

import datetime as dt
import io
import re
import tarfile
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regviz.errors import RegvizError, TargetExistsError
from regviz.world import (
    FileTree,
    Image,
    Index,
    Push,
    World,
    small_world,
    storage_tree,
    synthetic_world,
    write,
)
from tests.world.zoo import AMD64, APP, ARM64, NOON

if TYPE_CHECKING:
    from pathlib import Path

LAYOUTS = ("v1", "distribution")
by_layout = pytest.mark.parametrize("layout", LAYOUTS)


@by_layout
def test_a_folder_holds_the_tree_with_its_times(tmp_path: Path, layout: str) -> None:
    tree = storage_tree(small_world(), layout)
    root = write(small_world(), tmp_path / "made" / "here", layout)
    assert root == tmp_path / "made" / "here"
    files = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    assert sorted(files) == list(tree)
    assert all(path.read_bytes() == tree[name] for name, path in files.items())
    for name in [*tree, *tree.directories]:
        assert (root / name).stat().st_mtime == tree.changed_at(name)


@by_layout
def test_two_writes_are_equal(layout: str) -> None:
    first, second = (storage_tree(small_world(), layout).archive() for _ in range(2))
    assert first == second


def test_an_empty_folder_is_fine_and_nothing_is_overwritten(tmp_path: Path) -> None:
    write(small_world(), tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(TargetExistsError, match=re.escape(f"{tmp_path} is not empty")):
        write(small_world(), tmp_path, "distribution")
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    (tmp_path / "file").write_text("")
    with pytest.raises(TargetExistsError, match="is a file"):
        write(small_world(), tmp_path / "file")


def test_layouts_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(RegvizError, match=r"'zot'.*v1, distribution, oci and docker-save"):
        write(small_world(), tmp_path, "zot")
    assert not list(tmp_path.iterdir())


@by_layout
def test_the_storage_unfolds_event_by_event(layout: str) -> None:
    """Nothing is ever taken back but by a deletion, and the last step is the whole."""
    world = World("one layout", small_world().events_in(layout))
    steps = [storage_tree(world.first(count), layout) for count in range(len(world.events) + 1)]
    assert list(steps[0]) == []
    for event, before, after in zip(world.events, steps, steps[1:], strict=False):
        if not type(event).__name__.startswith("Delete"):
            assert set(before) <= set(after), event
    assert steps[-1].archive() == storage_tree(small_world(), layout).archive()


@by_layout
def test_steps_follow_each_other_and_a_push_follows_its_build(layout: str) -> None:
    events = small_world().events_in(layout)
    assert [event.at for event in events] == sorted(event.at for event in events)
    for event in events:
        content = getattr(event, "content", None) or getattr(event, "image", None)
        children = content.children if isinstance(content, Index) else ()
        for image in [content, *(child.content for child in children)]:
            if isinstance(image, Image):
                times = [layer.created for layer in image.layers]
                assert times == sorted(times)
                assert times[-1] < event.at


def test_the_same_images_in_both_layouts() -> None:
    """What 2014 left tagged is tagged in both; only the Distribution registry lived on."""
    in_v1, in_distribution = (small_world().tags(layout) for layout in LAYOUTS)
    for repository, tags in in_v1.items():
        for tag, content in tags.items():
            if tag != "latest" or repository != "team/web":
                assert in_distribution[repository][tag] is content
    assert in_distribution["team/web"]["latest"] is in_distribution["team/web"]["2.0"]
    assert set(in_distribution) - set(in_v1) == {"charts/web", "team/cron", "team/desktop"}


def test_blobs_of_every_size() -> None:
    tree = storage_tree(small_world(), "distribution")
    sizes = Counter(len(str(len(tree[path]))) for path in tree if path.endswith("/data"))
    assert {3, 4, 5} <= set(sizes)


@given(st.integers(1, 6), st.integers(0, 10), st.integers(1, 40), st.integers(0, 99))
def test_a_synthetic_world_has_what_was_asked_for(repositories: int, more: int, layers: int, seed: int) -> None:
    tags = repositories + more
    world = synthetic_world(repositories, tags, layers, seed)
    tree = storage_tree(world, "v1")
    assert sum(path.count("/tag_") for path in tree) == tags
    assert sum(name.endswith("_index_images") for name in tree) == repositories
    assert len(tree.children("images")) == layers
    assert tree.archive() == storage_tree(synthetic_world(repositories, tags, layers, seed), "v1").archive()


def test_synthetic_worlds_differ_by_seed_and_refuse_the_impossible() -> None:
    worlds = [storage_tree(synthetic_world(2, 4, 9, seed), "distribution").archive() for seed in (1, 2)]
    assert worlds[0] != worlds[1]
    for counts in ((0, 1, 1), (3, 2, 9), (1, 1, 0)):
        with pytest.raises(RegvizError, match="each repository needs a tag"):
            synthetic_world(*counts)


def test_an_archive_of_a_tree_has_its_folders_and_times() -> None:
    later = NOON + dt.timedelta(hours=1)
    tree = FileTree()
    tree.write("a/b/file", b"12", NOON)
    tree.write("a/c", b"", later)
    tree.write("a/c", b"3", later)
    with tarfile.open(fileobj=io.BytesIO(tree.archive("top"))) as opened:
        members = [(member.name, member.isdir(), member.size, member.mtime) for member in opened]
    noon, one = int(NOON.timestamp()), int(later.timestamp())
    assert members == [
        ("top", True, 0, noon),
        ("top/a", True, 0, one),
        ("top/a/b", True, 0, noon),
        ("top/a/b/file", False, 2, noon),
        ("top/a/c", False, 1, one),
    ]


def test_a_folder_s_time_is_when_an_entry_came_or_went() -> None:
    hours = [NOON + dt.timedelta(hours=number) for number in range(4)]
    tree = FileTree()
    tree.write("a/x", b"1", hours[0])
    tree.write("a/x", b"2", hours[1])
    assert [tree.changed_at(path) for path in ("a", "a/x")] == [int(hour.timestamp()) for hour in hours[:2]]
    tree.remove("a/x", hours[2])
    tree.remove("a/x", hours[3])
    assert tree.changed_at("a") == int(hours[2].timestamp())
    assert tree.children("a") == []


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/x", "a//x", ".", ""])
def test_no_name_leads_out_of_the_tree(path: str) -> None:
    with pytest.raises(RegvizError, match="cannot write"):
        FileTree().write(path, b"", NOON)


def test_a_file_is_no_folder() -> None:
    tree = FileTree()
    tree.write("a", b"", NOON)
    with pytest.raises(RegvizError, match="cannot write 'a/b'"):
        tree.write("a/b", b"", NOON)
    tree.write("c/d", b"", NOON)
    with pytest.raises(RegvizError, match="cannot write 'c'"):
        tree.write("c", b"", NOON)


@by_layout
def test_a_repository_s_name_cannot_leave_the_storage(layout: str) -> None:
    push = Push(repository="../../../../x", at=NOON, content=AMD64)
    with pytest.raises(RegvizError, match="cannot write"):
        storage_tree(World("hostile", (push,)), layout)


def test_tags_fold_the_events() -> None:
    def push(content: object, *tags: str) -> Push:
        return Push(repository="app", at=NOON, content=content, tags=tags)  # type: ignore[arg-type]

    world = World("fold", (push(AMD64, "1", "2"), push(ARM64, "2", "3"), push(AMD64)))
    assert world.tags("v1") == {"app": {"1": AMD64, "2": ARM64, "3": ARM64}}
    assert world.first(1).tags("v1") == {"app": {"1": AMD64, "2": AMD64}}
    assert APP in ARM64.layers


@pytest.mark.parametrize("engine", ["20.10", "0.9"])
def test_an_archive_of_docker_save(engine: str, tmp_path: Path) -> None:
    """In a folder and as a tar: the same files, times and links; links lead to files beside them."""
    tree = storage_tree(small_world(), "docker-save", server=engine)
    folder = tree.save(tmp_path / "unpacked")
    with tarfile.open(fileobj=io.BytesIO(tree.archive())) as opened:
        members = {member.name: member for member in opened}
    assert {str(path.relative_to(folder)) for path in folder.rglob("*")} == set(members)
    links = {name: member for name, member in members.items() if member.issym()}
    assert bool(links) == (engine == "20.10")
    for name, member in links.items():
        assert tree.target(name) == member.linkname == str((folder / name).readlink())
        assert (folder / name).read_bytes()
    for name, member in members.items():
        assert (folder / name).lstat().st_mtime == member.mtime
    with pytest.raises(RegvizError, match="no engine"):
        storage_tree(small_world(), "docker-save", server="1.0")


def test_a_tree_with_links() -> None:
    at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    tree = FileTree()
    tree.write("a/b", b"x", at)
    tree.link("a/c", "b", at)
    assert (list(tree), tree.target("a/c"), tree.target("a/b")) == (["a/b", "a/c"], "b", "")
    with pytest.raises(RegvizError):
        tree.write("a/c/d", b"", at)
    tree.write("a/c", b"y", at)
    assert (tree["a/c"], tree.target("a/c")) == (b"y", "")
    tree.link("a/b", "c", at)
    tree.remove("a/b", at)
    assert "a/b" not in tree
