"""What a tree says of the entries of the shipped worlds, of the article, and of what is broken."""

from __future__ import annotations

import re
import tarfile
from typing import TYPE_CHECKING

import pytest

from regviz.errors import RegvizError
from regviz.read import read
from regviz.tree import Row, tree, tree_lines
from tests.conftest import ROOT
from tests.helpers import STORAGE_DUMPS, Store, V1Store, image_id, pack, sha256, sha512
from tests.listed import FORMS
from tests.plain_reading import plain_distribution, plain_v1

if TYPE_CHECKING:
    from pathlib import Path

V2 = "docker/registry/v2/"


def _said(source: Path, *, full: bool = True) -> dict[str, str]:
    """Explanations by path, below the layout's root."""
    rows = tree(source, full=full).rows
    root = read(source).source.root
    head = f"{root}/" if root else ""
    return {row.path.removeprefix(head): row.explanation for row in rows if row.type != "more"}


@pytest.fixture(scope="module")
def distribution() -> dict[str, str]:
    return _said(ROOT / "data" / "world-distribution.tar.gz")


@pytest.fixture(scope="module")
def v1() -> dict[str, str]:
    return _said(ROOT / "data" / "world-v1.tar.gz")


def test_every_entry_that_is_no_mere_step_is_explained(distribution: dict[str, str], v1: dict[str, str]) -> None:
    for said in (distribution, v1):
        unexplained = {path for path, words in said.items() if not words and "." not in path}
        # directories of an algorithm or of one blob, whose only entry is explained
        assert all(
            re.search(r"sha256(/[0-9a-f]{64})?$|/[0-9a-f]{2}/[0-9a-f]{64}$|current$|^registry", path)
            for path in unexplained
        )


def test_tags_of_a_distribution_storage(distribution: dict[str, str]) -> None:
    plain = plain_distribution(ROOT / "data" / "world-distribution.tar.gz")
    nodejs = plain.tags["library/nodejs:latest"]
    tag = "repositories/library/nodejs/_manifests/tags/latest"
    assert distribution[tag] == "tag, pushed 2016-04-24"
    assert distribution[f"{tag}/current/link"] == (
        f'→ {nodejs[:19]} the image for linux/amd64 that tag "latest" of library/nodejs points to'
    )
    links = {path: words for path, words in distribution.items() if path.startswith(f"{tag}/index/sha256/") and words}
    assert links.pop(f"{tag}/index/sha256/{nodejs[7:]}/link") == "points to it now"
    assert list(links.values()) == ["pointed to it before"]


def test_links_of_a_distribution_storage(distribution: dict[str, str]) -> None:
    plain = plain_distribution(ROOT / "data" / "world-distribution.tar.gz")
    web = "repositories/team/web"
    manifest = plain.tags["team/web:1.1"]
    assert distribution[f"{web}/_manifests/revisions/sha256/{manifest[7:]}/link"] == (
        "revision link: team/web serves this image for linux/amd64"
    )
    config = plain.manifest(manifest)["config"]["digest"]
    assert len(plain.blobs[config]) == 3856  # 3.77 KiB
    assert distribution[f"{web}/_layers/sha256/{config[7:]}/link"] == (
        "layer link: team/web may serve this configuration (3.77 KiB)"
    )
    index = plain.tags["library/base:12"]
    attestation = next(c for c in plain.manifest(index)["manifests"] if plain.is_attestation(c))
    about = attestation["annotations"]["vnd.docker.reference.digest"]
    revision = f"repositories/library/base/_manifests/revisions/sha256/{attestation['digest'][7:]}/link"
    assert distribution[revision].startswith(f"revision link: library/base serves this attestation for {about[:19]}")


def test_a_deleted_manifest_leaves_a_directory(distribution: dict[str, str]) -> None:
    deleted = [path for path, words in distribution.items() if words == "no link: this manifest was deleted"]
    assert len(deleted) == 1
    assert deleted[0].startswith("repositories/team/api/_manifests/revisions/sha256/")


def test_blobs_of_a_distribution_storage(distribution: dict[str, str]) -> None:
    plain = plain_distribution(ROOT / "data" / "world-distribution.tar.gz")

    def said(digest: str) -> str:
        return distribution[f"blobs/sha256/{digest[7:9]}/{digest[7:]}/data"]

    assert distribution["blobs/sha256"] == "113 blobs, 429 KiB"  # data/README.md: 113 and 439,126
    assert said(plain.tags["team/api:1.0"]) == "index of 2 images (team/api:1.0)"
    assert said(plain.tags["charts/web:1.2.0"]) == "Helm chart (charts/web:1.2.0)"
    tiny = plain.manifest(plain.tags["library/tiny:2"])
    assert said(tiny["config"]["digest"]) == "configuration of an image for linux/amd64 (library/tiny:2)"
    assert said(tiny["layers"][0]["digest"]) == (
        "layer of an image for linux/amd64 (library/tiny:2): COPY hello /hello"
    )
    named = {
        digest
        for revision in set().union(*plain.revisions.values())
        for document in [plain.manifest(revision)]
        for digest in [
            revision,
            (document.get("config") or {}).get("digest"),
            *(
                layer.get("digest") or layer.get("blobSum")
                for layer in document.get("layers") or document.get("fsLayers") or []
            ),
        ]
    }
    nobody = {digest for digest in plain.blobs if said(digest) == "nothing refers to it"}
    assert nobody == set(plain.blobs) - named


def test_uploads_of_a_distribution_storage(distribution: dict[str, str]) -> None:
    """The push of team/worker died on 2 June, 4,096 bytes into a layer."""
    [upload] = [path for path in distribution if re.fullmatch(r"repositories/team/worker/_uploads/[^/]+", path)]
    assert distribution[upload] == "upload begun 2016-06-02, not completed: 4.00 KiB arrived"
    assert distribution["repositories/team/web/_uploads"] == "no upload is under way"
    assert distribution["repositories/team/worker"] == "repository: 0 tags, 0 manifests, 9 other blobs"


def test_images_of_a_v1_storage(v1: dict[str, str]) -> None:
    plain = plain_v1(ROOT / "data" / "world-v1.tar.gz")
    image = plain.tags["library/nodejs:latest"]
    assert v1[f"images/{image}"].startswith("image (library/nodejs:0.10, library/nodejs:latest): echo")
    assert v1[f"images/{image}/ancestry"] == f"{len(plain.ancestry(image))} ids: its own first, the base last"
    parent = plain.json(image)["parent"]
    assert v1[f"images/{image}/json"] == f"what it is: made 2014-04-24, on {parent[:12]}"
    base = plain.ancestry(image)[-1]
    assert v1[f"images/{base}/json"] == "what it is: made 2013-03-24, without a parent: a base"
    empty = next(
        each
        for each in plain.images
        if plain.images[each].get("layer", b"")[:3] == b"\x1f\x8b\x08" and plain.json(each).get("Size") == 0
    )
    assert v1[f"images/{empty}/layer"] == "an empty layer: it changes no file"


def test_an_unfinished_image_of_a_v1_storage(v1: dict[str, str]) -> None:
    plain = plain_v1(ROOT / "data" / "world-v1.tar.gz")
    [image] = [each for each, files in plain.images.items() if "_inprogress" in files]
    assert v1[f"images/{image}"] == "unfinished image: pip install worker"
    assert v1[f"images/{image}/_inprogress"] == "its upload was not completed: the server refuses to serve it"


def test_repositories_of_a_v1_storage(v1: dict[str, str]) -> None:
    plain = plain_v1(ROOT / "data" / "world-v1.tar.gz")
    nodejs, lint = "repositories/library/nodejs", "repositories/team/tools%2Flint"
    image = plain.tags["library/nodejs:0.10"]
    assert v1[nodejs] == "repository: 2 tags"
    assert v1[f"{nodejs}/tag_0.10"] == (
        f'→ {image[:12]} the image that tag "0.10" of library/nodejs points to, pushed 2014-04-24'
    )
    assert v1[f"{nodejs}/tag0.10_json"] == 'who pushed tag "0.10", and when'
    assert v1[f"{nodejs}/_index_images"] == "every image ever pushed here: 19 ids"
    assert v1["repositories/team/api"] == "private repository: 2 tags"
    assert v1[f"{lint}/tag_1"].endswith('that tag "1" of team/tools/lint points to, pushed 2014-05-22')


def test_the_article_is_told_as_find_told_it(shared_dumps: Path) -> None:
    said = tree(shared_dumps / "v1-article-0.6.6.tar").text()
    lines = [line.strip(" │├└─") for line in said.splitlines()]
    for name in ("layer", "_checksum", "json", "ancestry", "_files", "_index_images", "taglatest_json", "tag_latest"):
        assert any(line.startswith(f"{name} ") for line in lines), name
    assert any(line.startswith("… and 14 more images like these") for line in lines)
    assert "16 layers" in said


def _broken(tmp_path: Path) -> Store:
    store = Store(tmp_path / "registry")
    digest = store.image("team/web", [b"one"], "latest")
    gone, absent = sha256(b"gone"), sha256(b"absent")
    store.directory(f"repositories/team/web/_layers/sha256/{gone[7:]}")
    store.layer_link("team/web", absent)
    store.layer_link("team/web", sha512(b"one"), store.blob(b"one").encode())
    store.tag("team/web", "empty", digest, b"")
    store.tag("team/web", "odd", digest, b"not a digest")
    store.directory(f"blobs/sha256/{gone[7:9]}/{gone[7:]}")
    store.directory("repositories/deserted/nobody")
    store.file("repositories/team/web/_manifests/tags/latest/current/link.1a2b.tmp", b"")
    store.file("repositories/README", b"hello")
    (store.root / "scheduler-state.json").write_text("{}")
    (store.root / "lost+found").mkdir()
    return store


@pytest.mark.parametrize("form", ["folder", "tar", "zip"])
def test_what_is_broken_or_foreign_is_said(tmp_path: Path, form: str) -> None:
    store = _broken(tmp_path)
    said = _said(pack(store.root, form, tmp_path))
    gone, absent, long = sha256(b"gone")[7:], sha256(b"absent")[7:], sha512(b"one")[7:]
    layers, tags = "repositories/team/web/_layers", "repositories/team/web/_manifests/tags"
    assert said[f"{layers}/sha256/{gone}"] == "no link: this blob was unlinked"
    assert said[f"{layers}/sha256/{absent}/link"] == "layer link: the blob is not here"
    assert said[f"{layers}/sha512/{long}/link"].startswith(f"→ {sha256(b'one')[:19]} layer link: team/web may serve")
    assert said[f"{tags}/empty/current/link"] == "an empty link: its write was interrupted"
    assert said[f"{tags}/odd/current/link"] == "a link that holds no digest"
    assert said[f"{tags}/latest/current/link.1a2b.tmp"] == "temporary file of an interrupted write (3.x)"
    assert said[f"blobs/sha256/{gone[:2]}/{gone}"] == "no data: it was collected, or never completed"
    assert said["repositories/deserted"] == "no repository in it"
    assert said["repositories/README"] == "no part of the layout"
    assert said["scheduler-state.json"] == "what a pull-through cache will throw away, and when"
    assert said["lost+found"] == "beside the registry, no part of it"


def test_what_is_broken_is_shown_collapsed_too(tmp_path: Path) -> None:
    store = _broken(tmp_path)
    for number in range(20):
        store.directory(f"repositories/team/web/_layers/sha256/{number:064x}")
    for form in ("folder", "tar"):
        rows = tree(pack(store.root, form, tmp_path)).rows
        more = [row.explanation for row in rows if row.type == "more"]
        # 20 directories without a link and the one of _broken; a configuration, a layer, an absent one
        assert "and 22 more layer links like these, 19 of them without a link" in more
        gone = sha256(b"gone")[7:]
        assert any(row.path.endswith(f"/{gone}") and row.explanation.startswith("no data") for row in rows)


def test_deleted_manifests_of_a_collected_registry(shared_dumps: Path) -> None:
    """Their directories have no link any more."""
    source = shared_dumps / "v2-small-after-gc-m-broken-index.tar"
    with tarfile.open(source) as archive:
        names = {member.name.rstrip("/"): member for member in archive}
    revision = re.compile(r".*/_manifests/revisions/sha256/[0-9a-f]{64}")
    deleted = {name for name in names if revision.fullmatch(name) and f"{name}/link" not in names}
    assert deleted
    said = {row.path for row in tree(source, full=True).rows if row.explanation == "no link: this manifest was deleted"}
    assert said == deleted


@pytest.mark.parametrize("dump", STORAGE_DUMPS)
def test_every_dump_has_a_tree(shared_dumps: Path, dump: str) -> None:
    full, short = tree(shared_dumps / dump, full=True), tree(shared_dumps / dump)
    with tarfile.open(shared_dumps / dump) as archive:
        names = {re.sub(r"^\./|/$", "", name) for name in archive.getnames()} - {"", "."}
    implied = {name[:at] for name in names for at, sign in enumerate(name) if sign == "/"}
    assert {row.path for row in full.rows[1:]} == names | implied
    assert {row.path for row in short.rows} <= {row.path for row in full.rows}
    assert len(short.rows) < 120
    foreign = [row.path for row in full.rows if "no part of" in row.explanation]
    assert foreign == []


def test_names_cannot_move_a_cursor(tmp_path: Path) -> None:
    store = V1Store(tmp_path)
    store.image(image_id(1), container_config={"Cmd": ["/bin/sh", "-c", "echo \x1b[2J\u202e"]})
    store.tag("library/\x1b[31mred", "\x07bell", image_id(1))
    store.file("repositories/library/\x1b[31mred/\n\rx", b"")
    for full in (True, False):
        lines = list(tree_lines(tree(tmp_path, full=full).rows, 100, full=full))
        assert all(line.isprintable() for line in lines)
        assert any("\\x1b[31mred" in line for line in lines)


def test_text_keeps_to_its_width() -> None:
    made = tree(ROOT / "data" / "world-distribution.tar.gz")
    for width in (100, 120, 160):
        assert max(map(len, made.text(width).splitlines())) <= width
    joined = {line.rstrip() for line in made.text().splitlines()}
    assert len(joined) < len(made.text(100).splitlines())


def test_guides_lead_from_each_directory_to_its_entries() -> None:
    rows = (
        Row("here", 0, "directory", None, "", None, last=True),
        Row("a", 1, "directory", None, "", None, last=False),
        Row("a/b", 2, "directory", None, "holds c", None, last=True),
        Row("a/b/c", 3, "file", 12, "a file", None, last=False),
        Row("a/b", 3, "more", 5, "and 2 more files like these", None, last=True),
        Row("z", 1, "file", 2048, "the end", None, last=True),
    )
    assert list(tree_lines(rows)) == [
        "here/",
        "├── a/b/              holds c",
        "│   ├── c       12 B  a file",
        "│   └── … and 2 more files like these",
        "└── z       2.00 KiB  the end",
    ]


def test_the_table_has_a_row_an_entry() -> None:
    made = tree(ROOT / "data" / "world-v1.tar.gz", full=True)
    table = made.table()
    assert list(table) == ["path", "depth", "type", "bytes", "explanation", "repository"]
    assert len(table) == len(made.rows)
    assert set(table["repository"].dropna()) == set(read(ROOT / "data" / "world-v1.tar.gz").repositories["repository"])


def test_a_capture_has_no_tree(tmp_path: Path) -> None:
    read(ROOT / "data" / "world-v1.tar.gz").save(tmp_path / "world.regviz")
    with pytest.raises(RegvizError, match="no storage to look at"):
        tree(tmp_path / "world.regviz")


def test_a_broken_archive_is_told_as_far_as_it_goes(tmp_path: Path) -> None:
    store = V1Store(tmp_path / "registry")
    store.chain(*map(image_id, range(5)))
    whole = pack(store.root, "tar", tmp_path).read_bytes()
    cut = tmp_path / "cut.tar"
    cut.write_bytes(whole[: whole.index(image_id(4).encode()) + 200])
    with pytest.raises(RegvizError, match="--partial"):
        tree(cut)
    assert len(tree(cut, partial=True, full=True).rows) > 10


@pytest.mark.parametrize("form", ["printf-nul", "find"])
def test_a_tree_of_a_listing_claims_nothing_that_contents_would_tell(form: str, tmp_path: Path) -> None:
    store = Store(tmp_path / "r")
    manifest = store.image("a", [b"layer"], "1.0")
    store.blob(b"nobody links it")
    store.push("a", {"untagged": 1})
    text = tree(FORMS[form].write(store.root, tmp_path / "listing")).text()
    assert f'→ {manifest[:19]} the manifest that tag "1.0" of a points to' in text
    assert "linked by a" in text
    assert "no repository links it" in text
    for claim in ("nothing refers", "unreferenced", "no tag", "EiB", "0 B"):
        assert claim not in text
    assert ("5 blobs, " in text) == FORMS[form].sizes


def test_a_tree_of_a_listing_of_v1(tmp_path: Path) -> None:
    store = V1Store(tmp_path / "r")
    store.chain(image_id(1), image_id(2))
    store.tag("library/a", "latest", image_id(2))
    store.index("library/a", [{"id": image_id(1)}])
    text = tree(FORMS["find"].write(store.root, tmp_path / "listing")).text()
    assert 'the id that tag "latest" of library/a points to' in text
    assert "what it is, and its parent" in text
    assert "every image ever pushed here\n" in text + "\n"
    for claim in ("no tag", "a base", "EiB", "0 B", "0 ids"):
        assert claim not in text


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_an_unknown_directory_of_a_repository(form: str, tmp_path: Path) -> None:
    store = Store(tmp_path / "registry")
    store.image("a", [b"1"], "latest")
    store.directory("repositories/a/_x")
    assert _said(pack(store.root, form, tmp_path))["repositories/a/_x"] == "no part of the layout"
