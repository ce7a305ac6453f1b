"""Images of today in a v1 storage: their ids as docker gave them, the files as servers left them, and what is refused."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import zstandard
from click.testing import CliRunner

import regviz as rv
from regviz.cli.app import main
from regviz.errors import RegvizError
from regviz.experiment.v1 import v1_push
from regviz.world import small_world, storage_tree
from regviz.world.v1_today import v1_steps
from tests.experiment.saved import EMPTY_TAR, before_1_10, config, gzipped, hex_of, layer, modern, pack, podman

if TYPE_CHECKING:
    from collections.abc import Callable

BASE, PACKAGES, SERVER = layer({"bin/sh": "#!\n" * 300}), layer({"bin/node": "node " * 999}), layer({"server.js": "80"})
IMAGE = (config([BASE, PACKAGES, SERVER]), [BASE, PACKAGES, SERVER])
WORKER = (config([BASE, PACKAGES, EMPTY_TAR]), [BASE, PACKAGES, EMPTY_TAR])
ID = "0123456789abcdef" * 4


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], Path]:
    def written(data: bytes) -> Path:
        path = tmp_path / f"{hex_of(data)[:8]}.tar"
        path.write_bytes(data)
        return path

    return written


def files_in(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


# ------------------------------------------------------------------------------------ against real programs


def unpacked(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        read = {member.name: archive.extractfile(member) for member in archive if member.isfile()}
        return {name: file.read() for name, file in read.items() if file is not None}


def test_ids_and_json_are_those_that_docker_20_10_saved(shared_dumps: Path) -> None:
    files = unpacked(shared_dumps / "docker-save-20.10-small.tar")
    seen = set()
    for entry in json.loads(files["manifest.json"]):
        document = json.loads(files[entry["Config"]])
        for step, path in zip(v1_steps(document, document["rootfs"]["diff_ids"]), entry["Layers"], strict=True):
            assert path == f"{step.id}/layer.tar"
            assert step.json == files[f"{step.id}/json"]
            seen.add(step.id)
    assert len(seen) == 25


def test_json_is_that_which_docker_28_saved(shared_dumps: Path) -> None:
    """It has no folders of ids any more, and still writes the documents, under their digests."""
    files = unpacked(shared_dumps / "docker-save-28.5.2-overlay2.tar")
    old = {data for data in files.values() if data.startswith(b'{"id":"')}
    made = set()
    for entry in json.loads(files["manifest.json"]):
        document = json.loads(files[entry["Config"]])
        made |= {step.json for step in v1_steps(document, document["rootfs"]["diff_ids"])}
    assert made == old
    assert len(old) == 9


def test_the_storage_is_that_of_the_article_s_server(shared_dumps: Path, tmp_path: Path) -> None:
    """Docker 0.9.0 saved what it had pushed to a server 0.6.6; only what it compressed, and when, differs."""
    root = tmp_path / "registry"
    v1_push(shared_dumps / "docker-save-0.9.0-nodejs.tar", root, repository="nodejs", server="0.6.6")
    ours = files_in(root)
    theirs = {
        name.removeprefix("registry/"): data for name, data in unpacked(shared_dumps / "v1-article-0.6.6.tar").items()
    }
    # This base was imported by docker 0.1.4; 0.9.0 wrote its JSON anew when it saved it.
    renewed = {f"images/27cf784147099545/{name}" for name in ("json", "_checksum")}
    assert ours.keys() == theirs.keys()
    for path in ours.keys() - renewed:
        assert _comparable(path, ours[path]) == _comparable(path, theirs[path]), path


def members_of(tar: bytes) -> object:
    """The members of a layer in the order of their names: docker of that time made a tar anew for each push."""
    if not tar.strip(b"\0"):
        return []
    with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
        found = [(member.get_info(), opened.extractfile(member) if member.isreg() else None) for member in opened]
        return sorted((str(info), file.read() if file is not None else b"") for info, file in found)


def _comparable(path: str, data: bytes) -> object:
    """A file's content without what a push leaves to chance: compression, order of listings, and the time."""
    name = path.rpartition("/")[2]
    if name == "layer":
        return members_of(gzip.decompress(data))
    if name == "_files":
        return sorted(json.loads(data))
    if name == "_index_images":
        return sorted(row["id"] for row in json.loads(data))
    if path.startswith("repositories/") and name.endswith("json"):
        # The kernel is that of the machine that pushed.
        return json.loads(data).keys(), {**json.loads(data), "last_update": 0, "kernel": "", "docker_go_version": ""}
    return data


ARTICLE = """
repositories/library/nodejs/_index_images
repositories/library/nodejs/taglatest_json
repositories/library/nodejs/json
repositories/library/nodejs/tag_latest
images/ID/layer
images/ID/_checksum
images/ID/json
images/ID/ancestry
images/ID/_files
"""


def test_the_files_are_those_of_the_article_s_listing(tmp_path: Path) -> None:
    """The listing names files for its first image only; layers without files have no _files."""
    path = tmp_path / "saved.tar"
    path.write_bytes(storage_tree(small_world(), "docker-save", server="0.9").archive())
    pushed = v1_push(path, tmp_path / "registry", repository="nodejs", tags=["latest"], server="0.6.6")
    names = {
        name.replace(name.split("/")[1], "ID", 1) if name.startswith("images") else name
        for name in files_in(tmp_path / "registry")
    }
    assert names == set(ARTICLE.split())
    assert sorted({len(image) for image in pushed["image"]}) == [16, 64]


def test_the_same_image_has_the_same_ids_whoever_saved_it(shared_dumps: Path, tmp_path: Path) -> None:
    """Layers lie uncompressed with the graph drivers, as they were pulled with containerd's store."""
    pushed = [
        v1_push(shared_dumps / f"docker-save-28.5.2-{store}.tar", tmp_path / store, repository="team/web", tags=["1.1"])
        for store in ("overlay2", "containerd")
    ]
    assert pushed[0]["image"].tolist() == pushed[1]["image"].tolist()
    assert len(pushed[0]) == 7
    top = json.loads(files_in(tmp_path / "containerd")[f"images/{pushed[1]['image'].iloc[-1]}/ancestry"])
    assert top == pushed[0]["image"].tolist()[::-1]


# -------------------------------------------------------------------------------------------- what is written


def test_every_way_to_save_an_image_leaves_the_same_storage(write: Callable[[bytes], Path], tmp_path: Path) -> None:
    plain = modern({"localhost:5000/nodejs:latest": IMAGE})
    forms = {
        "plain": write(plain),
        "gzip": write(gzip.compress(plain)),
        "zstd": write(zstandard.compress(plain)),
        "podman": write(podman("localhost:5000/nodejs:latest", *IMAGE)),
    }
    left = {}
    for form, path in forms.items():
        v1_push(path, tmp_path / form)
        left[form] = {name: _comparable(name, data) for name, data in files_in(tmp_path / form).items()}
    assert left["plain"] == left["gzip"] == left["zstd"] == left["podman"]
    assert sorted(name for name in left["plain"] if name.startswith("repositories")) == [
        f"repositories/library/nodejs/{name}" for name in ("_index_images", "json", "tag_latest", "taglatest_json")
    ]


def test_a_layer_that_is_compressed_is_stored_as_it_is(write: Callable[[bytes], Path], tmp_path: Path) -> None:
    pushed = v1_push(write(modern({"nodejs:1": IMAGE}, compress=gzipped)), tmp_path / "registry")
    stored = [data for name, data in files_in(tmp_path / "registry").items() if name.endswith("/layer")]
    assert sorted(stored) == sorted(map(gzipped, IMAGE[1]))
    assert pushed["layer_bytes"].sum() == sum(map(len, stored))


def test_a_layer_that_no_v1_client_could_read_is_compressed_anew(
    write: Callable[[bytes], Path], tmp_path: Path
) -> None:
    v1_push(write(modern({"nodejs:1": IMAGE}, compress=zstandard.compress)), tmp_path / "registry")
    stored = [data for name, data in files_in(tmp_path / "registry").items() if name.endswith("/layer")]
    assert sorted(map(gzip.decompress, stored)) == sorted(IMAGE[1])


def test_regviz_reads_what_it_wrote(write: Callable[[bytes], Path], tmp_path: Path) -> None:
    path = write(modern({"nodejs:1": IMAGE, "nodejs:latest": IMAGE, "team/worker:2": WORKER}))
    pushed = v1_push(path, tmp_path / "registry")
    registry = rv.read(tmp_path / "registry")
    named = {(row.repository, row.tag): row.manifest for row in registry.tags.itertuples()}
    tops = pushed.groupby("repository")["image"].last()
    assert named == {
        ("library/nodejs", "1"): tops["nodejs"],
        ("library/nodejs", "latest"): tops["nodejs"],
        ("team/worker", "2"): tops["team/worker"],
    }
    assert registry.problems.empty
    assert len(registry.layers) == 4  # two are shared
    assert pushed["sent"].tolist() == [True, True, True, False, False, True]


def test_what_is_there_is_not_written_again(write: Callable[[bytes], Path], tmp_path: Path) -> None:
    root, path = tmp_path / "registry", write(modern({"nodejs:latest": IMAGE}))
    v1_push(path, root)
    before = files_in(root)
    said: list[str] = []
    again = v1_push(path, root, say=said.append)
    assert not again["sent"].any()
    assert again["layer_bytes"].isna().all()
    assert not [line for line in said if line.startswith("images/")]
    volatile = {name for name in before if name.startswith("repositories/") and name.endswith("json")}
    assert {name: data for name, data in files_in(root).items() if name not in volatile} == {
        name: data for name, data in before.items() if name not in volatile
    }


def test_a_push_that_died_is_completed(write: Callable[[bytes], Path], tmp_path: Path) -> None:
    root, path = tmp_path / "registry", write(modern({"nodejs:1": IMAGE}))

    class DiedError(Exception):
        pass

    def die(line: str) -> None:
        if line.count("/layer  ") and len(list(root.glob("images/*/layer"))) == 2:
            raise DiedError

    with pytest.raises(DiedError):
        v1_push(path, root, say=die)
    [half] = root.glob("images/*/_inprogress")
    assert not (half.parent / "_checksum").exists()
    pushed = v1_push(path, root)
    assert pushed["sent"].tolist() == [False, True, True]
    assert not list(root.glob("images/*/_inprogress"))
    whole = tmp_path / "whole"
    v1_push(path, whole)
    assert files_in(root).keys() == files_in(whole).keys()


def test_one_of_several_repositories_and_tags(write: Callable[[bytes], Path], tmp_path: Path) -> None:
    path = write(modern({"h.example/nodejs:1": IMAGE, "h.example/nodejs:2": WORKER, "worker:2": WORKER}))
    pushed = v1_push(path, tmp_path / "one", repository="nodejs", tags=["1"])
    assert set(pushed["repository"]) == {"nodejs"}
    assert [file.name for file in (tmp_path / "one").glob("repositories/*/*/tag_*")] == ["tag_1"]
    with pytest.raises(RegvizError, match=r"no repository other: it has nodejs, worker"):
        v1_push(path, tmp_path / "two", repository="other")
    with pytest.raises(RegvizError, match=r"worker has no tag 1 in the archive: it has 2"):
        v1_push(path, tmp_path / "two", tags=["1"])
    alone = write(modern({"nodejs:1": IMAGE}))
    v1_push(alone, tmp_path / "three", repository="class/web", tags=["a", "latest"])
    assert (tmp_path / "three/repositories/class/web/tag_a").is_file()


def test_an_image_without_a_name(write: Callable[[bytes], Path], tmp_path: Path) -> None:
    path = write(modern({"": IMAGE}))
    with pytest.raises(RegvizError, match=r"no names: say repository="):
        v1_push(path, tmp_path / "registry")
    v1_push(path, tmp_path / "registry", repository="nodejs")
    assert (tmp_path / "registry/repositories/library/nodejs/tag_latest").is_file()


def test_steps_that_change_no_file_have_the_layer_of_their_time(write: Callable[[bytes], Path], tmp_path: Path) -> None:
    path = write(before_1_10([(ID, "", BASE), ("f" * 64, ID, EMPTY_TAR)], {"old": {"latest": "f" * 64}}))
    for server, length in (("0.9.1", 32), ("0.6.6", 23)):
        pushed = v1_push(path, tmp_path / server, server=server)
        assert pushed["layer_bytes"].tolist()[1] == length
        assert (tmp_path / server / f"images/{'f' * 64}/_files").exists() is False
    assert (tmp_path / "0.6.6" / f"images/{ID}/_files").is_file()


# --------------------------------------------------------------------------------------------- what is refused

TWISTED: dict[str, tuple[bytes, str]] = {
    "another diff ID": (modern({"a:1": (config([BASE]), [SERVER])}), "another"),
    "fewer layers": (modern({"a:1": (config([BASE, SERVER]), [BASE])}), "lists 1 layers, its configuration 2"),
    "no layers": (modern({"a:1": (config([]), [])}), "at least one"),
    "diff IDs are numbers": (modern({"a:1": (config([BASE], rootfs={"diff_ids": [7]}), [BASE])}), "does not list"),
    "a layer elsewhere": (podman("a:1", config([BASE]), [BASE]).replace(b"../", b"/.."), "is not in the archive"),
    "upper case": (modern({"Team/App:1": IMAGE}), "no name of a repository"),
    "a way out": (modern({"../../etc:1": IMAGE}), "no name of a repository"),
    "a tag with a slash": (before_1_10([(ID, "", BASE)], {"a": {"../x": ID}}), "is no tag"),
    "parents in a ring": (before_1_10([(ID, "e" * 64, BASE), ("e" * 64, ID, BASE)], {"a": {"1": ID}}), "leads back"),
    "no parent": (before_1_10([(ID, "e" * 64, BASE)], {"a": {"1": ID}}), "is missing"),
    "another id": (before_1_10([(ID, "", BASE)], {"a": {"1": ID}}, id="e" * 64), "another id"),
    "an id that leads out": (before_1_10([(ID, "../../x", BASE)], {"a": {"1": ID}}), "is missing"),
    "a tag on nothing": (before_1_10([(ID, "", BASE)], {"a": {"1": "e" * 64}}), "is missing"),
    "no image": (pack({"etc/passwd": b"root"}), "no image that docker save wrote"),
    "names that are no names": (pack({"repositories": b"[1]", "manifest.json": b"{}"}), "no image"),
    "broken off": (modern({"a:1": IMAGE})[:5000], "breaks off|ends|save the image again"),
    "no archive": (b"FROM scratch\n" * 50, "no archive of docker save"),
    "nothing": (b"", "no archive of docker save"),
}


@pytest.mark.parametrize("case", TWISTED)
def test_an_archive_that_does_not_fit_together(case: str, write: Callable[[bytes], Path], tmp_path: Path) -> None:
    data, complaint = TWISTED[case]
    with pytest.raises(RegvizError, match=complaint):
        v1_push(write(data), tmp_path / "registry", server="0.6.6")
    assert not list(tmp_path.rglob("tag_*"))
    assert not list(tmp_path.rglob("layer"))


def test_no_layer_is_written_that_is_no_tar(write: Callable[[bytes], Path], tmp_path: Path) -> None:
    """A server 0.9.1 takes what comes; before 0.7 the client had to look inside to make its sum."""
    path = write(before_1_10([(ID, "", b"no tar" * 999)], {"a": {"1": ID}}))
    v1_push(path, tmp_path / "new")
    with pytest.raises(RegvizError, match="no tar that can be read"):
        v1_push(path, tmp_path / "old", server="0.6.6")
    assert not list((tmp_path / "old").rglob("tag_1"))


def test_damaged_compression(write: Callable[[bytes], Path], tmp_path: Path) -> None:
    archive = modern({"a:1": IMAGE}, compress=gzipped)
    stored = gzipped(PACKAGES)
    assert stored in archive
    for broken in (stored[:20] + bytes(len(stored) - 20), b"BZh9" + stored[4:]):
        with pytest.raises(RegvizError, match="compress"):
            v1_push(write(archive.replace(stored, broken)), tmp_path / "registry")


def test_only_a_v1_storage_grows(write: Callable[[bytes], Path], tmp_path: Path) -> None:
    path = write(modern({"a:1": IMAGE}))
    with pytest.raises(RegvizError, match=r"no v1 storage, as '.*\.tar' lies in it"):
        v1_push(path, tmp_path)
    pictures = tmp_path / "home"
    (pictures / "images").mkdir(parents=True)
    (pictures / "images" / "cat.jpg").write_bytes(b"cat")
    with pytest.raises(RegvizError, match=r"as 'images/cat\.jpg' lies in it"):
        v1_push(path, pictures)
    with pytest.raises(RegvizError, match="is no folder"):
        v1_push(path, path)
    root = tmp_path / "volume" / "registry"
    v1_push(path, root)
    (tmp_path / "volume" / "notes").write_text("", encoding="utf-8")
    with pytest.raises(RegvizError, match=r"registry looks like one"):
        v1_push(path, tmp_path / "volume")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert v1_push(path, empty)["sent"].all()


def test_nothing_is_written_through_a_link(write: Callable[[bytes], Path], tmp_path: Path) -> None:
    root, path, outside = tmp_path / "registry", write(modern({"a:1": IMAGE})), tmp_path / "outside"
    outside.mkdir()
    v1_push(path, root)
    repository = root / "repositories" / "library" / "a"
    (repository / "tag_1").unlink()
    (repository / "tag_1").symlink_to(outside / "tag_1")
    with pytest.raises(RegvizError, match="not followed"):
        v1_push(path, root)
    for file in repository.iterdir():
        file.unlink()
    repository.rmdir()
    repository.symlink_to(outside)
    with pytest.raises(RegvizError, match="is no folder"):
        v1_push(path, root)
    assert not list(outside.iterdir())


@pytest.mark.parametrize("name", ["_index_images", "ancestry"])
def test_a_damaged_storage(name: str, write: Callable[[bytes], Path], tmp_path: Path) -> None:
    root = tmp_path / "registry"
    v1_push(write(modern({"a:1": IMAGE})), root)
    for file in root.rglob(name):
        file.write_bytes(b"[[[")
    with pytest.raises(RegvizError, match="damaged"):
        v1_push(write(modern({"a:2": WORKER})), root)


def test_names_that_a_disk_takes_for_one(
    write: Callable[[bytes], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows: what lies there under another case answers too."""
    root, path = tmp_path / "registry", write(modern({"a:V1": IMAGE}))
    v1_push(path, root)
    there = Path(root, "repositories/library/a/tag_V1")

    def lexists(place: Any) -> bool:
        return any(str(place).lower() == str(file).lower() for file in root.rglob("*")) or Path(place) == root

    monkeypatch.setattr("regviz.experiment.v1_folder.os.path.lexists", lexists)
    with pytest.raises(RegvizError, match="differ by case alone"):
        v1_push(path, root, tags=["v1"])
    assert there.read_text(encoding="ascii") == json.loads(files_in(root)[f"images/{there.read_text()}/ancestry"])[0]


def test_what_cannot_be_asked_for(tmp_path: Path) -> None:
    for image, complaint in (
        (str(tmp_path), "is a folder"),
        (str(tmp_path / "none.tar"), "nothing lies at"),
        ("docker-daemon:", "which image"),
    ):
        with pytest.raises(RegvizError, match=complaint):
            v1_push(image, tmp_path / "registry")
    with pytest.raises(RegvizError, match=r"0\.7.*0\.6\.5, 0\.6\.6, 0\.9\.1"):
        v1_push("x.tar", tmp_path, server="0.7")


def test_the_command(write: Callable[[bytes], Path], tmp_path: Path) -> None:
    path, root = write(modern({"nodejs:latest": IMAGE})), tmp_path / "registry"
    run = CliRunner().invoke
    done = run(main, ["experiment", "v1-push", str(path), str(root), "--server", "0.6.6", "--pause", "0.001"])
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0].startswith("repositories/library/nodejs/_index_images  ")
    assert (
        "images/{}/_inprogress  removed".format((root / "repositories/library/nodejs/tag_latest").read_text()) in lines
    )
    size = sum(file.stat().st_size for file in root.rglob("layer"))
    assert f"3 images with {size:,} bytes of layers sent, 0 were there." in lines
    assert lines[-1].split() == ["regviz", "tree", str(root)]
    again = run(main, ["experiment", "v1-push", str(path), str(root), "--tag", "2"])
    assert "0 images with 0 bytes of layers sent, 3 were there." in again.output
    refused = run(main, ["experiment", "v1-push", str(tmp_path / "none"), str(root)])
    assert refused.exit_code == 1
    assert refused.output.startswith("regviz: nothing lies at")
