"""The v1 storage as files alone, by the age of its server, and against what real servers left."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import io
import json
import re
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from regviz.errors import RegvizError
from regviz.world import (
    AbortPush,
    DeleteManifest,
    DeleteTag,
    FileTree,
    Image,
    MakePrivate,
    Push,
    World,
    index_of,
    small_world,
    storage_tree,
    synthetic_world,
)
from regviz.world.v1_upload import tarsum
from tests.world.zoo import AMD64, APP, BASE, NOON, NOTHING

if TYPE_CHECKING:
    from pathlib import Path

    from regviz.world.events import Event

AGES = ("0.6.5", "0.6.6", "0.9.1")
by_age = pytest.mark.parametrize("age", AGES)
EMPTY_LAYERS = {"0.6.5": 23, "0.6.6": 23, "0.9.1": 32}


def _tree(*events: Event, age: str = "0.6.6") -> FileTree:
    return storage_tree(World("test", events), "v1", server=age)


def _push(content: Image, *tags: str, repository: str = "team/app", day: int = 0) -> Push:
    return Push(repository=repository, at=NOON + dt.timedelta(days=day), content=content, tags=tags)


@pytest.fixture(scope="module")
def trees() -> dict[str, FileTree]:
    return {age: storage_tree(small_world(), "v1", server=age) for age in AGES}


def _json(tree: FileTree, path: str) -> Any:
    return json.loads(tree[path])


@by_age
def test_ancestry_is_the_walk_up_the_parents(trees: dict[str, FileTree], age: str) -> None:
    tree = trees[age]
    images = {name: _json(tree, f"images/{name}/json") for name in tree.children("images")}
    for name, image in images.items():
        walk, above = [name], image.get("parent")
        while above:
            walk.append(above)
            above = images[above].get("parent")
        assert image["id"] == name
        assert _json(tree, f"images/{name}/ancestry") == walk


def test_the_article_s_image_is_sixteen_steps_on_a_short_id(trees: dict[str, FileTree]) -> None:
    """The counts are those of the article's own push: 16 images, five of them the Dockerfile's."""
    tree = trees["0.6.6"]
    before = storage_tree(small_world().first(3), "v1")
    top = before["repositories/library/nodejs/tag_latest"].decode()
    assert top != tree["repositories/library/nodejs/tag_latest"].decode()
    ancestry = _json(tree, f"images/{top}/ancestry")
    assert len(ancestry) == 16
    assert re.fullmatch("[0-9a-f]{16}", ancestry[-1])
    assert all(re.fullmatch("[0-9a-f]{64}", name) for name in ancestry[:-1])
    commands = [_json(tree, f"images/{name}/json")["container_config"]["Cmd"][2] for name in ancestry[4::-1]]
    assert commands == [
        "apt-get install -y software-properties-common",
        "add-apt-repository -y ppa:chris-lea/node.js",
        "apt-get update",
        "apt-get install -y nodejs",
        "echo '\\n# Node.js\\nexport PATH=\"node_modules/.bin:$PATH\"' >> /root/.bash_profile",
    ]


@by_age
def test_layers_and_sizes(trees: dict[str, FileTree], age: str) -> None:
    tree = trees[age]
    for name in tree.children("images"):
        directory = f"images/{name}"
        if f"{directory}/_inprogress" in tree:
            continue
        archive = gzip.decompress(tree[f"{directory}/layer"])
        members = _members(archive)
        assert _json(tree, f"{directory}/json")["Size"] == sum(member.size for member, _ in members)
        if not members:
            assert len(tree[f"{directory}/layer"]) == EMPTY_LAYERS[age]


@by_age
def test_checksums(trees: dict[str, FileTree], age: str) -> None:
    tree = trees[age]
    complete = [name for name in tree.children("images") if f"images/{name}/_inprogress" not in tree]
    assert len(complete) == len(tree.children("images")) - 1
    for name in complete:
        description, layer = tree[f"images/{name}/json"], tree[f"images/{name}/layer"]
        if age == "0.9.1":
            expected = hashlib.sha256(description + b"\n" + layer).hexdigest()
            assert _json(tree, f"images/{name}/_checksum") == [f"sha256:{expected}"]
        else:
            expected = tarsum(description, _members(gzip.decompress(layer)))
            assert tree[f"images/{name}/_checksum"] == expected.encode()


def _members(archive: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
    if not archive:
        return []
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return [
            (member, archive[member.offset_data : member.offset_data + member.size]) for member in opened.getmembers()
        ]


def test_the_listing_of_a_layer_is_its_tar_s(trees: dict[str, FileTree]) -> None:
    tree, listed = trees["0.6.6"], 0
    for name in tree.children("images"):
        directory = f"images/{name}"
        if f"{directory}/_files" in tree:
            listed += 1
            members = [member for member, _ in _members(gzip.decompress(tree[f"{directory}/layer"]))]
            kinds = {tarfile.REGTYPE: "f", tarfile.DIRTYPE: "d", tarfile.SYMTYPE: "s", tarfile.LNKTYPE: "l"}
            assert _json(tree, f"{directory}/_files") == [
                [member.name, kinds[member.type], False, member.size, member.mtime, member.mode, 0, 0]
                for member in members
            ]
        elif f"{directory}/_inprogress" not in tree:
            assert len(tree[f"{directory}/layer"]) == 23
    assert listed > 20
    assert not [path for path in trees["0.9.1"] if path.endswith("/_files")]


def test_names_by_the_age_of_the_server(trees: dict[str, FileTree]) -> None:
    """Quoted once, from 0.8.1 twice; a tag has metadata of its own from 0.6.6."""
    nested = {
        age: [name for name in tree.children("repositories/team") if "lint" in name] for age, tree in trees.items()
    }
    assert nested == {"0.6.5": ["tools%2Flint"], "0.6.6": ["tools%2Flint"], "0.9.1": ["tools%252Flint"]}
    nodejs = {age: tree.children("repositories/library/nodejs") for age, tree in trees.items()}
    without = ["_index_images", "json", "tag_0.10", "tag_latest"]
    assert nodejs["0.6.5"] == without
    assert nodejs["0.6.6"] == nodejs["0.9.1"] == sorted([*without, "tag0.10_json", "taglatest_json"])
    odd = _push(AMD64, "1.0+x", repository="app")
    assert "repositories/library/app/tag_1.0+x" in _tree(odd, age="0.6.6")
    assert "repositories/library/app/tag_1.0%2Bx" in _tree(odd, age="0.9.1")


def test_a_repository_remembers_every_image_it_ever_had(trees: dict[str, FileTree]) -> None:
    tree = trees["0.6.6"]
    listed = [row["id"] for row in _json(tree, "repositories/library/nodejs/_index_images")]
    reached = set(_json(tree, f"images/{tree['repositories/library/nodejs/tag_latest'].decode()}/ancestry"))
    # Sixteen of each push; thirteen are the same.
    assert (len(listed), len(reached), len(set(listed) - reached)) == (19, 16, 3)
    assert {tuple(row) for row in _json(tree, "repositories/library/nodejs/_index_images")} == {("id",)}


def test_images_without_a_tag_stay(trees: dict[str, FileTree]) -> None:
    """Overwritten: 3 of nodejs. Deleted: 4 of the api. Died: 1 of the worker, and 1 in progress."""
    tree = trees["0.6.6"]
    reached: set[str] = set()
    for path in tree:
        if re.fullmatch(r"repositories/.*/tag_[^/]*", path):
            reached |= set(_json(tree, f"images/{tree[path].decode()}/ancestry"))
    orphans = set(tree.children("images")) - reached
    assert len(orphans) == 3 + 4 + 2
    in_progress = [name for name in orphans if f"images/{name}/_inprogress" in tree]
    assert len(in_progress) == 1
    assert tree.children(f"images/{in_progress[0]}") == ["_inprogress", "ancestry", "json", "layer"]
    assert len(tree[f"images/{in_progress[0]}/layer"]) == 4096


def test_a_push_that_died_at_once_has_no_layer_and_a_list_as_the_client_sent_it() -> None:
    tree = _tree(AbortPush(repository="team/app", image=Image((BASE, NOTHING, APP)), tag="x", layers=1, at=NOON))
    names = {name: tree.children(f"images/{name}") for name in tree.children("images")}
    assert sorted(map(len, names.values())) == [3, 4, 5]
    raw = tree["repositories/team/app/_index_images"]
    assert re.fullmatch(rb'\[{"id":"\w{64}"},{"id":"\w{64}"},{"id":"\w{64}","Tag":"x"}\]', raw)
    assert {row["id"] for row in json.loads(raw)} == set(names)


def test_a_retried_push_completes_the_image() -> None:
    image = Image((BASE, NOTHING, APP))
    died = AbortPush(repository="team/app", image=image, layers=1, sent=9, at=NOON)
    retried, pushed = _tree(died, _push(image, "1")), _tree(_push(image, "1"))
    assert {path: retried[path] for path in retried} == {path: pushed[path] for path in pushed}


def test_deleted_tags() -> None:
    pushed, delete = _push(AMD64, "1", "latest"), DeleteTag(repository="team/app", tag="latest", at=NOON)
    path = "repositories/team/app"
    assert _tree(pushed, delete).children(path) == ["_index_images", "tag1_json", "tag_1"]
    assert _tree(pushed, delete, age="0.6.5").children(path) == ["_index_images", "json", "tag_1"]
    with pytest.raises(RegvizError, match="no tag 2"):
        _tree(pushed, DeleteTag(repository="team/app", tag="2", at=NOON))


def test_a_private_repository_has_an_empty_mark() -> None:
    tree = _tree(_push(AMD64, "1"), MakePrivate(repository="team/app", at=NOON))
    assert tree["repositories/team/app/_private"] == b""


def test_what_v1_cannot_hold() -> None:
    index = Push(repository="app", at=NOON, content=index_of(AMD64))
    with pytest.raises(RegvizError, match="app gets an Index: push one platform's image"):
        _tree(index)
    with pytest.raises(RegvizError, match="delete a tag"):
        _tree(DeleteManifest(repository="app", content=AMD64, at=NOON, layouts=frozenset({"v1"})))
    with pytest.raises(RegvizError, match=r"'0\.7'.*0\.6\.5, 0\.6\.6, 0\.9\.1"):
        _tree(age="0.7")
    with pytest.raises(RegvizError, match="cannot arrive in part"):
        _tree(AbortPush(repository="app", image=AMD64, sent=1_000_000, at=NOON))


def test_images_share_the_ids_of_the_steps_they_share() -> None:
    base, app = Image((BASE, NOTHING)), Image((BASE, NOTHING, APP))
    assert len(_tree(_push(base, "1"), _push(app, "2")).children("images")) == 3
    assert len(_tree(_push(Image((BASE, BASE, BASE)), "1")).children("images")) == 3
    world = synthetic_world(repositories=4, tags=11, layers=40, seed=5)
    assert len(storage_tree(world, "v1").children("images")) == 40


# ------------------------------------------------------------------------------- what real servers left


def _dump(path: Path) -> dict[str, bytes]:
    """The files of a dump, below the folder that has images/ and repositories/."""
    found = {}
    with tarfile.open(path) as opened:
        for member in opened:
            if member.isfile():
                file = opened.extractfile(member)
                assert file is not None
                found[member.name.removeprefix("registry/")] = file.read()
    return found


def _images(files: dict[str, bytes]) -> dict[str, dict[str, bytes]]:
    images: dict[str, dict[str, bytes]] = {}
    for path, content in files.items():
        if path.startswith("images/"):
            _, name, file = path.split("/")
            images.setdefault(name, {})[file] = content
    return images


REAL = {
    "0.6.6": ("v1-article-0.6.6.tar", "v1-family-0.6.6.tar"),
    "0.9.1": ("v1-docker-1.3.3-registry-0.9.1.tar",),
}


@pytest.mark.parametrize("dump", REAL["0.6.6"])
def test_tarsum_is_what_docker_0_9_computed(shared_dumps: Path, dump: str) -> None:
    images = _images(_dump(shared_dumps / dump))
    assert len(images) >= 16
    for files in images.values():
        members = _members(gzip.decompress(files["layer"]))
        assert tarsum(files["json"], members) == files["_checksum"].decode()


@pytest.mark.parametrize("age", REAL)
def test_the_files_are_those_real_servers_left(shared_dumps: Path, trees: dict[str, FileTree], age: str) -> None:
    ours = {path: trees[age][path] for path in trees[age]}
    real: dict[str, bytes] = {}
    for dump in REAL[age]:
        real |= _dump(shared_dumps / dump)
    assert _file_names(ours) <= _file_names(real)
    assert _json_fields(ours) <= _json_fields(real)
    assert _kinds_of_repository_files(ours) <= _kinds_of_repository_files(real) | {"_private"}
    for pattern in (r"repositories/.*/tag.*_json", r"images/.*/ancestry", r"images/.*/_checksum"):
        assert _shapes(ours, pattern) == _shapes(real, pattern)


def _file_names(files: dict[str, bytes]) -> set[tuple[bool, tuple[str, ...]]]:
    """The names of a complete image's files, by whether it changes any file."""
    kinds = set()
    for image in _images(files).values():
        if "_inprogress" not in image:
            # Server 0.9.1 lists files only when somebody asks; in the dump a script did, for some.
            lists_on_request = image["_checksum"].startswith(b"[")
            names = sorted(image.keys() - {"_files"} if lists_on_request else image)
            kinds.add((len(image["layer"]) in EMPTY_LAYERS.values(), tuple(names)))
    return kinds


def _json_fields(files: dict[str, bytes]) -> set[tuple[str, tuple[str, ...]]]:
    """The fields of an image's JSON and of its two containers, in their order."""
    kinds = set()
    for image in _images(files).values():
        description = json.loads(image["json"])
        # One dump has an image with an author; where it stands does not depend on the age.
        kinds.add(("image", tuple(field for field in description if field != "author")))
        for part in ("container_config", "config"):
            if part in description:
                kinds.add((part, tuple(description[part])))
    return kinds


def test_the_author_stands_where_docker_put_it(shared_dumps: Path, trees: dict[str, FileTree]) -> None:
    def orders(files: dict[str, bytes]) -> set[tuple[str, ...]]:
        parsed = [tuple(json.loads(image["json"])) for image in _images(files).values()]
        return {fields for fields in parsed if "author" in fields}

    real = orders(_dump(shared_dumps / "v1-family-0.6.6.tar"))
    assert len(real) == 1
    assert orders({path: trees["0.6.6"][path] for path in trees["0.6.6"]}) == real


def _kinds_of_repository_files(files: dict[str, bytes]) -> set[str]:
    names = [path.split("/", 3)[3] for path in files if path.startswith("repositories/")]
    return {re.sub(r"^tag_.*", "tag_T", re.sub(r"^tag[^_].*_json$", "tagT_json", name)) for name in names}


def _shapes(files: dict[str, bytes], pattern: str) -> set[str]:
    """Contents with their letters and digits blurred: separators, order of keys, line ends."""
    shapes = set()
    for path, content in files.items():
        if re.fullmatch(pattern, path):
            text = re.sub(r"\b[0-9a-f]{16,64}\b", "ID", content.decode())
            text = re.sub(r'(": )("[^"]*"|\d+)', r"\1VALUE", text)
            shapes.add(re.sub(r'("ID", )+', '"ID", ', text))
    return shapes
