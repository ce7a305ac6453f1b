"""Two registries, against sets of Python over their own files, and counted by hand."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING, Any

import pytest

import regviz as rv
from regviz.analysis import compare_registries
from regviz.analysis.comparison.sides import normalised, paired_names
from regviz.errors import NotKnowableError
from regviz.read import read
from tests.analysis.lineage_oracle import Woods, woods_of
from tests.conftest import ROOT
from tests.every_source import listing_of_world
from tests.helpers import Store, V1Store, compressed, image_config, image_id, pack, rows
from tests.random_registry import random_registry

if TYPE_CHECKING:
    from pathlib import Path

    from regviz.registry import Registry

DATA = ROOT / "data"
Row = tuple[Any, ...]


def tag_blobs(woods: Woods, tag: tuple[str, str]) -> set[str]:
    return set().union(*(woods.owned.get(manifest, {manifest}) for manifest in woods.reached[tag]))


def expected_rows(old: Woods, new: Woods, repositories: tuple[set[str], set[str]]) -> list[Row]:
    """What must be in the table, of registries whose repositories have equal names."""

    def measured(mine: set[str] | None, theirs: set[str] | None) -> Row:
        def lacking(blobs: set[str], has: Woods, lacks: Woods) -> int:
            return has.bytes_of({blob for blob in blobs if blob not in lacks.stored})

        return (
            None if theirs is None else new.bytes_of(theirs),
            None if mine is None else old.bytes_of(mine),
            None if mine is None else lacking(mine, old, new),
            None if theirs is None else lacking(theirs, new, old),
        )

    def one_sided(here: bool, there: bool) -> str | None:  # noqa: FBT001  # two facts
        return "went" if here and not there else "appeared" if there and not here else None

    found: list[Row] = []
    changed: set[str] = set()
    for tag in sorted({*old.targets, *new.targets}):
        mine, theirs = old.targets.get(tag), new.targets.get(tag)
        change = one_sided(mine is not None, theirs is not None) or ("same" if mine == theirs else "moved")
        changed |= set() if change == "same" else {tag[0]}
        sizes = measured(*(tag_blobs(woods, tag) if tag in woods.targets else None for woods in (old, new)))
        found.append(("tag", *tag, theirs, mine, change, *sizes))
    for name in sorted(repositories[0] | repositories[1]):
        side = one_sided(name in repositories[0], name in repositories[1])
        blobs = [
            set().union(*(tag_blobs(woods, tag) for tag in woods.targets if tag[0] == name)) if name in known else None
            for woods, known in ((old, repositories[0]), (new, repositories[1]))
        ]
        change = side or ("moved" if name in changed else "same")
        found.append(("repository", name, None, None, None, change, *measured(*blobs)))
    for name in repositories[0] | repositories[1]:
        kept = [{m for m in woods.served.get(name, set()) if m in woods.stored} for woods in (old, new)]
        for manifest in kept[0] | kept[1]:
            mine, theirs = (manifest if manifest in each else None for each in kept)
            change = one_sided(mine is not None, theirs is not None) or "same"
            sizes = measured(
                *(
                    woods.owned[manifest] if manifest in each else None
                    for woods, each in zip((old, new), kept, strict=True)
                )
            )
            found.append(("manifest", name, None, theirs, mine, change, *sizes))
    return found


def hold_to_oracle(old: Registry, new: Registry, woods: tuple[Woods, Woods]) -> None:
    names = {*old.repositories["repository"]}, {*new.repositories["repository"]}
    table = compare_registries(old, new)
    columns = ["what", "repository", "tag", "manifest", "old_manifest", "change", "bytes", "old_bytes"]
    found = rows(table, *columns, "missing_bytes", "added_bytes")
    assert sorted(found, key=str) == sorted(expected_rows(*woods, names), key=str)
    assert table.attrs["basis"] == "manifest"
    for name, has, lacks in (("missing", *woods), ("added", *woods[::-1])):
        reached = set().union(*(tag_blobs(has, tag) for tag in has.targets)) if has.targets else set()
        blobs = {blob for blob in reached if blob in has.stored and blob not in lacks.stored}
        assert table.attrs[f"{name}_bytes"] == has.bytes_of(blobs)
        assert table.attrs[f"{name}_blobs"] == len(blobs)
    counted = table[table["what"] == "tag"]["change"].value_counts().to_dict()
    assert {change: count for change, count in table.attrs["tag"].items() if count} == counted


def changed_copy(source: Path, target: Path, seed: int) -> None:
    """A registry some time later: tags went, moved and came, blobs were collected, a repository was made."""
    dice = random.Random(seed)
    shutil.copytree(source, target)
    repositories = target / "docker/registry/v2/repositories"
    links = sorted(repositories.rglob("current/link"))
    for link in links:
        if dice.random() < 0.25:
            shutil.rmtree(link.parents[1])
        elif dice.random() < 0.25:
            tags = link.parents[2]
            others = [other.read_bytes() for other in sorted(tags.rglob("current/link"))]
            link.write_bytes(dice.choice(others))
    for revision in sorted(repositories.rglob("_manifests/revisions/*/*/link")):
        if dice.random() < 0.1:
            revision.unlink()
    store = Store(target.parent / f"more-{seed}")
    for number in range(dice.randrange(3)):
        store.image(dice.choice(["new/one", "app"]), [dice.randbytes(60), b"shared" * 9], f"new-{number}")
    shutil.copytree(store.root, target, dirs_exist_ok=True)


@pytest.mark.parametrize("seed", range(30))
def test_random_registries_are_as_their_files_say(seed: int, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    random_registry(tmp_path / "old", seed)
    changed_copy(tmp_path / "old", tmp_path / "new", seed)
    old, new = read(tmp_path / "old"), read(tmp_path / "new")
    woods = woods_of(tmp_path / "old"), woods_of(tmp_path / "new")
    hold_to_oracle(old, new, woods)
    hold_to_oracle(new, old, woods[::-1])


def test_strangers_are_as_their_files_say(tmp_path: Path) -> None:
    for name, seed in (("old", 5), ("new", 6)):
        (tmp_path / name).mkdir()
        random_registry(tmp_path / name, seed)
    old, new = tmp_path / "old", tmp_path / "new"
    hold_to_oracle(read(old), read(new), (woods_of(old), woods_of(new)))


def test_before_and_after_a_real_collection(shared_dumps: Path) -> None:
    before, after = (shared_dumps / f"v2-small-{name}.tar" for name in ("filesystem", "after-gc-m-broken-index"))
    old, new, woods = read(before), read(after), (woods_of(before), woods_of(after))
    hold_to_oracle(old, new, woods)
    hold_to_oracle(new, old, woods[::-1])


@pytest.mark.parametrize("seed", range(8))
def test_what_is_broken_never_raises(seed: int, tmp_path: Path) -> None:
    for name, broken in (("old", False), ("new", True)):
        (tmp_path / name).mkdir()
        random_registry(tmp_path / name, seed, broken=broken)
    old, new = read(tmp_path / "old"), read(tmp_path / "new")
    assert set(compare_registries(old, new)["change"].dropna()) <= {"appeared", "moved", "went", "same"}
    assert set(compare_registries(new, new)["change"].dropna()) <= {"same"}


def changes(table: Any) -> list[Row]:
    return rows(table[table["what"] == "tag"], "repository", "tag", "change")


def test_the_example(tmp_path: Path) -> None:
    old, new = Store(tmp_path / "old"), Store(tmp_path / "mirror")
    base, one, two = b"base" * 30, b"one" * 9, b"two" * 10
    for store in (old, new):
        store.image("app", [base, one], "1")
    manifest = old.image("app", [base, two], "2")
    table = compare_registries(read(old.root), read(new.root))
    assert changes(table) == [("app", "1", "same"), ("app", "2", "went")]
    # the base lies there: its layer, its manifest and its configuration are missing
    document = old.blob_path(manifest).read_bytes()
    config = len(image_config([base, two]))
    assert table.attrs["missing_bytes"] == len(compressed(two)) + len(document) + config
    assert table.attrs["missing_blobs"] == 3
    assert table.attrs["added_bytes"] == 0


def test_what_lies_anywhere_in_the_mirror_needs_no_transfer(tmp_path: Path) -> None:
    old, new = Store(tmp_path / "old"), Store(tmp_path / "mirror")
    old.image("app", [b"one"], "1")
    new.image("elsewhere", [b"one"], "1")
    table = compare_registries(read(old.root), read(new.root))
    assert changes(table) == [("app", "1", "went"), ("elsewhere", "1", "appeared")]
    assert table.attrs["missing_bytes"] == 0


def test_what_was_not_read_completely_may_be_there(tmp_path: Path) -> None:
    """An archive that breaks off: nothing is said to have gone that may only not have been read."""
    store = Store(tmp_path / "old")
    for number in range(20):
        store.image(f"app-{number}", [bytes([number]) * 700], "1")
    whole = pack(store.root, "tar", tmp_path)
    broken = tmp_path / "broken.tar"
    broken.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    old, new = read(whole), read(broken, partial=True)
    table = compare_registries(old, new)
    assert 0 < len(new.tags) + len(new.blobs) < len(old.tags) + len(old.blobs)
    assert set(table["change"].dropna()) <= {"same"}
    assert table["change"].isna().any()
    assert not table.attrs["complete"]
    back = compare_registries(new, old)
    assert set(back["change"].dropna()) <= {"same"}
    assert compare_registries(old, old).attrs["complete"]


class TestNames:
    def test_hosts_and_library_are_stripped(self) -> None:
        assert normalised("registry.example:5000/library/app") == "app"
        assert normalised("team/library/app") == "team/library/app"
        assert normalised("library/library/app") == "library/app"

    def test_equal_names_go_first(self) -> None:
        assert paired_names(["library/x", "x"], ["x", "docker.io/x"]) == (["docker.io/x", "x"], ["x", "docker.io/x"])

    def test_several_of_one_side_stay(self) -> None:
        assert paired_names(["library/x", "docker.io/x"], ["x"]) == (["library/x", "docker.io/x"], ["x"])

    def test_a_mirror_without_library(self, tmp_path: Path) -> None:
        old, new = Store(tmp_path / "old"), Store(tmp_path / "new")
        old.image("library/app", [b"one"], "1")
        new.image("app", [b"one"], "1")
        assert changes(compare_registries(read(old.root), read(new.root))) == [("app", "1", "same")]


class TestAcrossLayouts:
    """The shipped worlds: one made-up registry in every layout."""

    def test_distribution_and_oci(self) -> None:
        table = compare_registries(read(DATA / "world-distribution.tar.gz"), read(DATA / "world-oci.tar.gz"))
        tags = table[table["what"] == "tag"]
        assert set(tags["change"]) == {"same"}
        assert len(tags) == 22  # data/README.md
        assert (table.attrs["missing_bytes"], table.attrs["added_bytes"]) == (0, 0)

    def test_a_capture_is_what_it_was_made_of(self) -> None:
        table = compare_registries(read(DATA / "world-capture.tar"), read(DATA / "world-distribution.tar.gz"))
        assert set(table["change"]) == {"same"}
        assert set(table["missing_bytes"]) == {0}

    def test_v1_and_distribution_by_name(self) -> None:
        table = compare_registries(read(DATA / "world-v1.tar.gz"), read(DATA / "world-distribution.tar.gz"))
        assert table.attrs["basis"] == "name"
        assert table.attrs["missing_bytes"] is None
        assert table[["missing_bytes", "added_bytes"]].isna().all(axis=None)
        by_change = {change: set() for change in ("appeared", "went", None)} | {}
        for repository, tag, change in changes(table):
            by_change[change].add((repository, tag))
        old, new = (woods_of(DATA / f"world-{name}.tar.gz").targets for name in ("v1", "distribution"))
        assert by_change == {
            "appeared": new.keys() - old.keys(),
            "went": old.keys() - new.keys(),
            None: old.keys() & new.keys(),
        }
        assert set(table["what"]) == {"repository", "tag"}

    def test_v1_and_v1(self, tmp_path: Path) -> None:
        old, new = V1Store(tmp_path / "old"), V1Store(tmp_path / "new")
        for store, names in ((old, [0, 1, 2]), (new, [0, 1])):
            for number in names:
                store.image(image_id(number), [image_id(0)] if number else [], layer=b"x" * (number + 1) * 10)
        old.tag("library/app", "1", image_id(1))
        old.tag("library/app", "2", image_id(2))
        new.tag("library/app", "1", image_id(1))
        table = compare_registries(read(old.root), read(new.root))
        assert changes(table) == [("library/app", "1", "same"), ("library/app", "2", "went")]
        assert table.attrs["missing_bytes"] == 30

    def test_docker_save_by_image_id(self) -> None:
        table = compare_registries(read(DATA / "world-docker-save.tar.gz"), read(DATA / "world-distribution.tar.gz"))
        assert table.attrs["basis"] == "image ID"
        found = {(repository, tag): change for repository, tag, change in changes(table)}
        assert found["library/base", "12"] == found["team/web", "2.0-zstd"] == "same"  # an index, and other bytes
        assert found["library/tiny", "1"] is None  # schema 1 has no image ID
        assert found["charts/web", "1.2.0"] == "appeared"

    def test_a_listing_cannot_be_compared(self, tmp_path: Path) -> None:
        listing = read(str(listing_of_world("distribution", tmp_path)))
        with pytest.raises(NotKnowableError, match="listing"):
            compare_registries(listing, rv.read())


def test_empty_registries_have_the_columns(tmp_path: Path) -> None:
    Store(tmp_path)
    empty, shipped = read(tmp_path), read(DATA / "world-v1.tar.gz")
    assert compare_registries(empty, empty).dtypes.to_dict() == compare_registries(shipped, shipped).dtypes.to_dict()
    gone = compare_registries(shipped, empty)
    assert set(gone["change"]) == {"went"}
