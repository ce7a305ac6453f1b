"""A capture is the same wherever it lies: a folder, an archive, a web server; and one of an older regviz is read too."""

from __future__ import annotations

import shutil
import tarfile
from functools import partial
from typing import TYPE_CHECKING

import pytest

from regviz.errors import DamagedCaptureError, NotKnowableError, NotRecognisedError, RegvizError, UnreachableError
from regviz.read import read
from regviz.tree import tree
from tests.cli.running import done
from tests.conftest import ROOT
from tests.helpers import pack, plain_tables
from tests.live.conftest import home, hurry  # noqa: F401  # fixtures
from tests.live.servers import Reply, Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.live.servers import Asked

WORLD = ROOT / "data" / "world-distribution.tar.gz"
FORMS = ("folder", "tar", "tar.gz", "tar.zst", "zip")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("capture") / "in" / "prod.regviz"
    read(WORLD, measure=True).save(target)
    return target


@pytest.mark.parametrize("prefix", ["", "./", "deep/er/"])
@pytest.mark.parametrize("form", FORMS)
def test_archives_and_folders_are_read_alike(form: str, prefix: str, whole: Path, tmp_path: Path) -> None:
    """As ``tar cf x.tar prod.regviz`` makes it, from above, and from within."""
    expected = read(whole)
    for root in (whole, whole.parent):
        place = pack(root, form, tmp_path, prefix=prefix)
        registry = read(place)
        assert plain_tables(registry) == plain_tables(expected) == plain_tables(read(WORLD, measure=True))
        assert registry.source == expected.source
        assert "capture" in done("detect", place)


def test_a_path_to_the_folder_may_be_a_link(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(whole)
    assert plain_tables(read(tmp_path / "link")) == plain_tables(read(whole))


@pytest.mark.parametrize("form", FORMS)
def test_of_several_one_must_be_named(form: str, whole: Path, tmp_path: Path) -> None:
    both = tmp_path / "both"
    for name in ("june.regviz", "july.regviz"):
        shutil.copytree(whole, both / name)
    with pytest.raises(NotRecognisedError, match=r"holds 2 captures \(ju(ly|ne)\.regviz, ju(ly|ne)\.regviz\)"):
        read(pack(both, form, tmp_path))
    assert len(read(both / "june.regviz").tags) == len(read(whole).tags)


@pytest.mark.parametrize("form", FORMS)
def test_it_shows_no_storage(form: str, whole: Path, tmp_path: Path) -> None:
    with pytest.raises(NotKnowableError, match="is a capture: it holds tables, and no storage to look at"):
        tree(pack(whole, form, tmp_path))


def test_one_that_broke_off_is_damage(whole: Path, tmp_path: Path) -> None:
    """Also where --partial would go on: half of a capture is none."""
    archive = pack(whole, "tar", tmp_path)
    archive.write_bytes(archive.read_bytes()[:40_000])
    with pytest.raises(RegvizError, match="breaks off after 40000 bytes"):
        read(archive)
    with pytest.raises(DamagedCaptureError, match=r"\.parquet (is missing|cannot be read)"):
        read(archive, partial=True)


# --- another time


def test_every_later_regviz_reads_version_1() -> None:
    """What the first regviz that wrote captures made of ``data/world-v1.tar.gz``; its numbers are data/README.md's."""
    registry = read(ROOT / "tests" / "captures" / "version-1.tar.gz")
    registry.check()
    assert registry.source.uri == "data/world-v1.tar.gz"
    counted = {name: len(registry.table(name)) for name in ("repositories", "tags", "images")}
    assert counted == {"repositories": 8, "tags": 11, "images": 44}
    assert int(registry.blobs["blob_bytes"].sum()) == 202_460
    again = plain_tables(read(ROOT / "data" / "world-v1.tar.gz"), "problems")
    assert plain_tables(registry, "problems") == again


# --- a web server


@pytest.fixture
def served(whole: Path, tmp_path: Path) -> Iterator[tuple[Server, Path]]:
    """A capture in a folder of a web server, which lists nothing."""
    root = tmp_path / "www"
    shutil.copytree(whole, root / "team" / "prod.regviz")

    def answer(asked: Asked) -> Reply:
        file = root / asked.path.lstrip("/")
        return Reply(200, file.read_bytes()) if file.is_file() else Reply(404, b"nothing here")

    server = Server(answer)
    yield server, root / "team" / "prod.regviz"
    server.close()


@pytest.mark.parametrize("end", ["", "/"])
def test_its_url_is_read(end: str, served: tuple[Server, Path], whole: Path) -> None:
    server, _ = served
    url = f"{server.url}/team/prod.regviz{end}"
    assert plain_tables(read(url)) == plain_tables(read(whole))
    asked = [request.path for request in server.asked]
    assert asked[0] == "/team/prod.regviz/capture.json"
    assert sorted(asked[1:]) == sorted(f"/team/prod.regviz/{path.name}" for path in whole.glob("*.parquet"))
    server.asked.clear()
    assert "capture" in done("detect", url)
    assert len(server.asked) == 1
    assert done("table", url, "tags", "--format", "csv") == done("table", whole, "tags", "--format", "csv")


def test_what_a_server_gives_is_not_trusted(served: tuple[Server, Path]) -> None:
    server, folder = served
    url = f"{server.url}/team/prod.regviz"
    tags = (folder / "tags.parquet").read_bytes()
    (folder / "tags.parquet").write_bytes(tags[:-1] + b"!")
    with pytest.raises(DamagedCaptureError, match=r"tags\.parquet is not as it was written"):
        read(url)
    (folder / "tags.parquet").unlink()
    with pytest.raises(DamagedCaptureError, match=r"tags\.parquet cannot be read"):
        read(url)
    (folder / "capture.json").write_bytes(b" " * (2 << 20))
    with pytest.raises(UnreachableError, match=r"capture\.json cannot be fetched: more than 1,048,577 bytes"):
        read(url)
    (folder / "capture.json").unlink()
    with pytest.raises(NotRecognisedError, match=r"is no capture: there is no capture\.json in it"):
        read(url)
    server.answer = lambda _: Reply(403)
    with pytest.raises(UnreachableError, match="the server answered 403"):
        read(url)
    with pytest.raises(RegvizError, match="repositories is for a live registry"):
        read(url, repositories=["a"])


def test_plain_http_to_others_must_be_allowed() -> None:
    with pytest.raises(RegvizError, match="plain HTTP can be read and changed by anyone"):
        read("http://registry.example.org/prod.regviz")


def test_a_member_that_leads_out_is_not_looked_at(whole: Path, tmp_path: Path) -> None:
    archive = tmp_path / "hostile.tar"
    with tarfile.open(archive, "w") as opened:
        opened.add(whole, "prod.regviz", filter=partial(_renamed, "prod.regviz/tags.parquet", "../tags.parquet"))
    with pytest.raises(DamagedCaptureError, match=r"tags\.parquet is missing"):
        read(archive)


def _renamed(one: str, other: str, member: tarfile.TarInfo) -> tarfile.TarInfo:
    if member.name == one:
        member.name = other
    return member
