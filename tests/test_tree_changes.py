"""What differs between two storages: counted by hand, and by properties that any comparison must have."""

from __future__ import annotations

import json
import shutil
import tarfile
from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import regviz as rv
from regviz.errors import NotKnowableError, NotRecognisedError, RegvizError
from regviz.tree import Changes, changes, snapshot, tree
from regviz.world import FileTree, Push, World, small_world, storage_tree, unfolding, write
from tests.cli.running import done, run
from tests.conftest import ROOT
from tests.random_registry import random_registry
from tests.world.zoo import AMD64, ARM64, NOON

if TYPE_CHECKING:
    from pathlib import Path

V2 = "docker/registry/v2"
ENTRIES = ("path", "type", "bytes", "meaning", "repository")


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """The states of the article's registry, in folders."""
    folder = tmp_path_factory.mktemp("unfolding")
    return {
        layout: [tree.save(folder / layout / name) for name, tree in unfolding(layout)]
        for layout in ("v1", "distribution")
    }


def counts(found: Changes) -> dict[str, tuple[int, int]]:
    """Files and directories of each change."""
    table = found.table
    return {
        change: (int((rows["type"] == "file").sum()), int((rows["type"] == "directory").sum()))
        for change, rows in table.groupby("change")
    }


def meaning(found: Changes, end: str) -> str:
    """What is said of the one entry whose path ends so."""
    [said] = [entry.meaning for entry in found.entries if entry.path.endswith(end)]
    return said


# ------------------------------------------------------------------------------- the article, counted by hand


@pytest.mark.parametrize(
    ("layout", "number", "counted"),
    [
        # Sixteen images of five files, four of which change no file and so have no _files; four files of names. In
        # directories: images and one for each; repositories, library, nodejs.
        ("v1", 1, {"came": (16 * 5 - 4 + 4, 17 + 3)}),
        # Three images, two of which change no file; python has no tag named latest, and so no json.
        ("v1", 2, {"came": (3 * 5 - 2 + 3, 3 + 1)}),
        ("v1", 3, {"came": (3 * 5, 3), "changed": (4, 0)}),
        ("v1", 4, {"went": (2, 0)}),
        # Twelve layers, a configuration and a manifest in fourteen buckets; thirteen layer links, a revision, a tag and
        # what it pointed to. In directories: docker to sha256; repositories, nodejs, _uploads; _layers, sha256;
        # _manifests, revisions, sha256 and one; tags, latest, current, index, sha256 and one.
        ("distribution", 1, {"came": (14 + 13 + 3, 5 + 14 + 14 + 3 + 2 + 13 + 4 + 6)}),
        # A layer, a configuration, a manifest, one of them in a bucket that was there; nine links.
        ("distribution", 2, {"came": (3 + 9 + 3, 2 + 3 + 2 + 2 + 9 + 4 + 6)}),
        # Three layers, a configuration, a manifest in four buckets; four links, a revision, what the tag points to.
        ("distribution", 3, {"came": (5 + 4 + 2, 4 + 5 + 4 + 2), "changed": (1, 0)}),
        # The revision's link; the tag: 2.7, current, index, sha256 and one. The revision's directory stays.
        ("distribution", 4, {"went": (3, 5)}),
        # The same three blobs, without the buckets.
        ("distribution", 5, {"went": (3, 3)}),
    ],
)
def test_how_much_each_step_changed(
    laid_out: dict[str, list[Path]], layout: str, number: int, counted: dict[str, tuple[int, int]]
) -> None:
    before, after = laid_out[layout][number - 1 : number + 1]
    assert counts(changes(before, after)) == counted


@pytest.mark.parametrize("layout", ["v1", "distribution"])
def test_what_changed_is_what_a_person_finds_with_other_means(laid_out: dict[str, list[Path]], layout: str) -> None:
    """By the folders themselves, every pair of steps in both directions."""

    def entries(root: Path) -> dict[str, bytes | None]:
        return {
            path.relative_to(root).as_posix(): None if path.is_dir() else path.read_bytes() for path in root.rglob("*")
        }

    for before, after in combinations(laid_out[layout], 2):
        for sides in ((before, after), (after, before)):
            old, new = map(entries, sides)
            expected = {(path, "came") for path in new.keys() - old.keys()}
            expected |= {(path, "went") for path in old.keys() - new.keys()}
            expected |= {(path, "changed") for path in old.keys() & new.keys() if old[path] != new[path]}
            table = changes(*sides).table
            assert set(zip(table["path"], table["change"], strict=True)) == expected
            assert len(table) == len(expected)


def test_what_is_said_of_what_changed(laid_out: dict[str, list[Path]]) -> None:
    states = laid_out["v1"]
    found = changes(states[2], states[3])
    ids = [(state / "repositories/library/nodejs/tag_latest").read_text() for state in (states[2], states[3])]
    assert meaning(found, "/tag_latest") == (
        f'{ids[0][:12]} → {ids[1][:12]} the image that tag "latest" of library/nodejs points to, pushed 2014-04-24'
    )
    assert meaning(found, "/_index_images") == "3 entries more; every image ever pushed here: 19 ids"
    said = json.loads((states[2] / "repositories/library/nodejs/json").read_text())["last_update"]
    assert meaning(found, "nodejs/json").startswith(f"last_update {said} → ")
    distribution = laid_out["distribution"]
    link = f"{V2}/repositories/nodejs/_manifests/tags/latest/current/link"
    digests = [(state / link).read_text() for state in (distribution[2], distribution[3])]
    assert meaning(changes(distribution[2], distribution[3]), "latest/current/link") == (
        f'{digests[0][:19]} → {digests[1][:19]} the image for linux/amd64 that tag "latest" of nodejs points to'
    )
    gone = changes(distribution[3], distribution[4])
    assert meaning(gone, "2.7/current/link").startswith("→ sha256:")
    assert {entry.repository for entry in gone.entries} == {"python"}


def test_the_text_folds_what_is_as_before_and_counts_what_repeats(laid_out: dict[str, list[Path]]) -> None:
    first, *others = changes(laid_out["v1"][2], laid_out["v1"][3]).text().splitlines()
    assert first.endswith("15 files came, 36.8 KiB; 4 changed, 228 B more")
    assert first.split("  ")[1] == f"{laid_out['v1'][2]} → {laid_out['v1'][3]}"
    # Of nineteen images before, none is shown; python's directory is the one entry beside nodejs'.
    assert "  │   └── … 19 entries as before" in others
    assert others[-1] == "      └── … python as before"
    signs = [line[0] for line in others]
    assert signs.count("~") == 4
    # Three images of five files: as many as are shown where that is all.
    assert signs.count("+") == 3 * 6
    started = changes(laid_out["v1"][0], laid_out["v1"][1]).text()
    assert started.splitlines()[0].startswith(f"  nothing → {laid_out['v1'][1]}")
    assert "+ │   └── … and 14 more images like these, " in started
    layers = [path.stat().st_size for path in laid_out["v1"][1].glob("images/*/layer")]
    shown = [line for line in started.splitlines() if line.rstrip().endswith("unpacked")]
    assert len(shown) == 2
    assert f"{sum(layers) / 1024:.0f} KiB: each is an image" in started


def test_the_whole_text_has_each_entry_on_a_line_of_its_own(laid_out: dict[str, list[Path]]) -> None:
    found = changes(laid_out["distribution"][3], laid_out["distribution"][4])
    first, *others = found.text(full=True).splitlines()
    assert first == found.summary == "3 files went, 213 B"
    assert [line.split()[1].rstrip("/") for line in others] == found.table["path"].tolist()
    assert {line[0] for line in others} == {"-"}


def test_empty_places_are_nothing(laid_out: dict[str, list[Path]], tmp_path: Path) -> None:
    started, pushed = laid_out["v1"][:2]
    expected = changes(None, pushed).table
    assert len(expected) == 100
    for nothing in (started, str(started), snapshot(started)):
        assert changes(nothing, pushed).table.equals(expected)
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert changes(tmp_path, pushed).table.equals(expected)
    with tarfile.open(tmp_path / "empty.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    with pytest.raises(NotRecognisedError):  # it holds a file, and no registry
        changes(tmp_path / "empty.tar", pushed)
    assert changes(None, None).summary == changes(started, started).summary == "nothing differs"
    assert changes(None, started).text().split() == ["nothing", "nothing", "differs"]
    assert not changes(None, started)


# ---------------------------------------------------------------------------------------------- properties


def both_ways(found: Changes, change: str) -> list[tuple[object, ...]]:
    return [tuple(getattr(entry, name) for name in ENTRIES) for entry in found.entries if entry.change == change]


@pytest.mark.parametrize("layout", ["v1", "distribution"])
def test_what_came_went_the_other_way(laid_out: dict[str, list[Path]], layout: str) -> None:
    for before, after in combinations([snapshot(state) for state in laid_out[layout]], 2):
        there, back = changes(before, after), changes(after, before)
        assert both_ways(there, "came") == both_ways(back, "went")
        assert both_ways(there, "went") == both_ways(back, "came")
        changed = {
            (entry.path, entry.bytes, entry.bytes_before) for entry in there.entries if entry.change == "changed"
        }
        assert changed == {
            (entry.path, entry.bytes_before, entry.bytes) for entry in back.entries if entry.change == "changed"
        }
        assert len(changes(before, before)) == len(changes(after, after)) == 0


PATHS = ["a", "a/b", "a/b/c", "d", "docker/registry/v2/repositories/x/_uploads", "images", "images/json"]
TREES = st.dictionaries(st.sampled_from(PATHS), st.binary(max_size=3), max_size=5)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("places")


@given(old=TREES, new=TREES)
def test_any_two_storages(places: Path, old: dict[str, bytes], new: dict[str, bytes]) -> None:
    """Files where the other has a directory, odd names, empty files: beside a registry, which explains nothing."""
    sides, expected = [], []
    for name, files in (("old", old), ("new", new)):
        shutil.rmtree(places / name, ignore_errors=True)
        made = FileTree()
        made.write(f"{V2}/repositories/app/_layers/sha256/{'0' * 64}/link", b"sha256:" + b"0" * 64, NOON)
        for path, content in sorted(files.items()):
            if not any(path.startswith(f"{other}/") for other in files):
                made.write(path, content, NOON)
        sides.append(made.save(places / name))
        expected.append(
            {
                path: (path in made.directories, b"" if path in made.directories else made[path])
                for path in [*made, *made.directories]
            }
        )
    found = changes(*sides)
    table = {(entry.path, entry.change) for entry in found.entries}
    before, after = expected
    kinds = {path for path in before.keys() & after.keys() if before[path][0] != after[path][0]}
    assert table == {
        *((path, "came") for path in (after.keys() - before.keys()) | kinds),
        *((path, "went") for path in (before.keys() - after.keys()) | kinds),
        *((path, "changed") for path in before.keys() & after.keys() - kinds if before[path] != after[path]),
    }
    assert found.text().splitlines()
    assert found._repr_html_().count("<div") == found._repr_html_().count("</div>")


def test_random_registries_with_all_that_breaks_them(tmp_path: Path) -> None:
    """Whatever lies there: nothing raises, and every line is text that a terminal takes."""
    for seed in range(6):
        for name in ("one", "other"):
            (tmp_path / f"{name}{seed}").mkdir()
        one = random_registry(tmp_path / f"one{seed}", seed, broken=True).store.root
        other = random_registry(tmp_path / f"other{seed}", seed + 50, broken=True).store.root
        there, back = changes(one, other), changes(other, one)
        assert both_ways(there, "came") == both_ways(back, "went")
        assert len(changes(one, one)) == 0
        assert all(line.isprintable() for line in there.text(80).split("\n"))


# ---------------------------------------------------------------------------------------- what is compared


def test_any_two_kinds_of_sources(laid_out: dict[str, list[Path]], tmp_path: Path) -> None:
    """An archive of the storage and the storage differ in nothing."""
    for layout in ("v1", "distribution"):
        archive = tmp_path / f"{layout}.tar"
        archive.write_bytes(dict(unfolding(layout))["3-overwritten"].archive())
        assert len(changes(archive, laid_out[layout][3])) == 0
        expected = changes(laid_out[layout][2], laid_out[layout][3]).table
        assert changes(laid_out[layout][2], archive).table.equals(expected)
    with pytest.raises(NotKnowableError, match="live registry"):
        changes("http://127.0.0.1:5000", laid_out["v1"][1])


@pytest.mark.parametrize("layout", ["v1", "distribution"])
def test_a_storage_is_compared_wherever_it_lies(laid_out: dict[str, list[Path]], tmp_path: Path, layout: str) -> None:
    """Two backups often have it below other directories: what lies at the same place of the registry is compared."""
    before, after = laid_out[layout][1:3]
    for depth, state in (("backup/monday", before), ("srv", after)):
        shutil.copytree(state, tmp_path / depth / "registry")
    expected = changes(before, after)
    for found, lead in (
        (changes(tmp_path / "backup", tmp_path / "srv"), "registry/"),
        (changes(tmp_path / "backup", after), ""),
        (changes(before, tmp_path / "srv"), "registry/"),
    ):
        assert found.summary == expected.summary
        own = [(entry.path.removeprefix(lead), entry.change, entry.meaning) for entry in found.entries]
        assert own == [(entry.path, entry.change, entry.meaning) for entry in expected.entries]
    assert changes(tmp_path / "backup", before).summary == "nothing differs"


def test_a_snapshot_is_of_its_moment(tmp_path: Path) -> None:
    root = write(small_world(), tmp_path / "registry")
    tag = root / "repositories/library/nodejs/tag_latest"
    before = snapshot(root)
    tag.write_text("27cf784147099545")
    found = changes(before, snapshot(root))
    assert [(entry.path, entry.change) for entry in found.entries] == [
        ("repositories/library/nodejs/tag_latest", "changed")
    ]
    assert "→ 27cf78414709 the image that tag" in found.entries[0].meaning
    assert repr(before).endswith("238 files>")


def test_whole_trees_can_be_compared(laid_out: dict[str, list[Path]]) -> None:
    """Of a tree the names, lengths and tags' targets are known, and nothing else."""
    old, new = (tree(state, full=True) for state in laid_out["distribution"][2:4])
    found = changes(old, new)
    assert found.table[["path", "change"]].equals(changes(*laid_out["distribution"][2:4]).table[["path", "change"]])
    assert not changes(old, old)
    with pytest.raises(RegvizError, match="full=True"):
        changes(tree(laid_out["v1"][1]), new)


def test_long_files_are_measured_and_not_read(tmp_path: Path) -> None:
    """4 KiB are read, and not a byte more; another length is seen of any."""
    roots = []
    for name, content, rest in (("old", b"a", b""), ("new", b"b", b"more")):
        made = storage_tree(World("w", (Push(repository="app", at=NOON, content=AMD64),)), "v1")
        made.write("images/small", content * 4096, NOON)
        made.write("images/large", content * 4097, NOON)
        made.write("images/longer", b"c" * 5000 + rest, NOON)
        roots.append(made.save(tmp_path / name))
    found = {entry.path: entry.meaning for entry in changes(*roots).entries}
    assert set(found) == {"images/small", "images/longer"}
    assert found["images/small"].startswith("other content, as long as before")
    assert found["images/longer"].startswith("4.88 KiB → 4.89 KiB")


def test_many_repositories_are_counted(tmp_path: Path) -> None:
    pushes = [Push(repository=f"team/app{number:02}", at=NOON, content=AMD64) for number in range(9)]
    old = write(World("one", tuple(pushes[:1])), tmp_path / "old", "distribution")
    new = write(World("nine", tuple(pushes)), tmp_path / "new", "distribution")
    said = changes(old, new).text()
    assert "… and 6 more repositories like these" in said
    assert "app00 as before" in said
    assert said.count("repository: 1 tag") == 2


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    roots = []
    for name, secret in (("old", "hunter2"), ("new", "hunter3")):
        made = storage_tree(World("w", (Push(repository="app", at=NOON, content=ARM64),)), "v1")
        made.write("images/json", json.dumps({"password": secret, "url": f"https://u:{secret}@host/"}).encode(), NOON)
        roots.append(made.save(tmp_path / name))
    found = changes(*roots)
    assert "hunter" not in found.text()
    assert "hunter" not in found._repr_html_()
    assert "password changed" in found.text()


def test_names_cannot_break_out(tmp_path: Path) -> None:
    root = write(World("w", (Push(repository="app", at=NOON, content=AMD64),)), tmp_path / "registry")
    (root / "images" / "<script>alert(1)").write_bytes(b"\x1b[31m")
    (root / "images" / "\x1b[31m").write_bytes(b"")
    found = changes(None, root)
    assert "\x1b" not in found.text()
    page = found._repr_html_()
    assert "<script" not in page
    assert "\x1b" not in page
    assert "&lt;script&gt;alert(1)" in page


# ---------------------------------------------------------------------------------------------- the command


def test_the_command(laid_out: dict[str, list[Path]], tmp_path: Path) -> None:
    before, after = laid_out["distribution"][2:4]
    found = rv.tree_changes(before, after)
    assert done("tree-changes", before, after) == f"{found}\n"
    assert done("tree-changes", before, after, COLUMNS="90") == f"{found.text(90)}\n"
    assert max(map(len, found.text(90).splitlines()[1:])) <= 90
    assert done("tree-changes", before, after, "--full") == f"{found.text(full=True)}\n"
    records = json.loads(done("tree-changes", before, after, "--format", "json"))
    assert [record["path"] for record in records] == found.table["path"].tolist()
    done("tree-changes", before, after, "-o", tmp_path / "changes.csv")
    assert (tmp_path / "changes.csv").read_text().startswith("path,change,type,bytes,bytes_before,meaning,repository")
    for words in ((tmp_path / "nowhere", after), (before, tmp_path / "nowhere"), (before, ROOT / "tests")):
        failed = run("tree-changes", *words)
        assert failed.exit_code == 1
        assert failed.stderr.startswith("regviz: ")
        assert len(failed.stderr.splitlines()) == 1
    refused = run("tree-changes", before, after, "-o", after / "changes.txt")
    assert refused.exit_code == 1
    assert "nothing is written to a source" in refused.stderr


@pytest.mark.parametrize("layout", ["v1", "distribution"])
def test_trees_show_the_same_as_storages(laid_out: dict[str, list[Path]], layout: str) -> None:
    """What repeats is counted, and what changed is said, by a tree's rows alone; but for files of one length."""
    states = laid_out[layout]
    trees = [None, *(tree(state, full=True) for state in states[1:])]
    for number in range(1, len(states)):
        stored, told = changes(*states[number - 1 : number + 1]), changes(*trees[number - 1 : number + 1])
        lines = [line for line in stored.text().splitlines()[1:] if "last_update" not in line]
        if layout == "v1" and number == 3:  # of the metadata neither length nor target changed
            assert stored.summary.endswith("4 changed, 228 B more")
            assert told.summary.endswith("2 changed, 228 B more")
            moved = next(line for line in told.text().splitlines() if "tag_latest" in line)
            assert moved.split() in [line.split() for line in lines]
            assert "every image ever pushed here: 19 ids" in told.text()
        else:
            assert told.text().splitlines()[1:] == lines
