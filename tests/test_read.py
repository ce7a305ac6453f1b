"""read(): which storage, which root, what it is told by, and what raises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import regviz as rv
from regviz.errors import DamagedArchiveError, NotRecognisedError, ProblemError, RegvizError, SourceNotFoundError
from regviz.read import read
from tests.conftest import ROOT
from tests.helpers import FORMS, V2, Store, V1Store, assert_same_tables, image_id, pack, rows

if TYPE_CHECKING:
    from regviz.registry import Registry

WORLD_V1 = ROOT / "data" / "world-v1.tar.gz"


def distribution(root: Path) -> Store:
    store = Store(root)
    store.image("team/app", [b"1"], "latest")
    return store


def v1(root: Path) -> V1Store:
    store = V1Store(root)
    store.tag("library/app", "latest", store.chain("27cf784147099545", image_id(1)))
    return store


def tags(registry: Registry) -> list[tuple[object, ...]]:
    return rows(registry.tags, "repository", "tag")


@pytest.mark.parametrize("links", ["opne", None, True])
def test_links_are_looked_into_in_one_of_three_ways(links: Any) -> None:
    with pytest.raises(RegvizError, match="give one of stat, check, open"):
        read(links=links)


# --- where the root may lie

LEADING = ["", "registry", "var/lib/registry", "a/b/c/registry"]


@pytest.mark.parametrize("leading", LEADING)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("make", [distribution, v1], ids=lambda make: make.__name__)
def test_the_root_may_lie_a_few_levels_down(make, form: str, leading: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    store = make(tmp_path / "storage" / leading)
    alone = read(store.root)
    registry = read(pack(tmp_path / "storage", form, tmp_path))
    assert registry.source.layouts == (make.__name__,)
    inner = V2 if make is distribution else ""
    assert registry.source.root == "/".join(filter(None, [leading, inner]))
    assert_same_tables(alone, registry)


@pytest.mark.parametrize("given", ["", "docker", "docker/registry", V2])
@pytest.mark.parametrize("above", ["", "docker", "docker/registry"])
def test_any_directory_on_the_way_will_do(given: str, above: str, tmp_path: Path) -> None:
    """Also where the storage itself lies in directories of the same names; marks beside it are seen."""
    store = distribution(tmp_path / above / "storage")
    (store.root / "scheduler-state.json").write_text("{}")
    registry = read(store.root / given)
    assert tags(registry) == [("team/app", "latest")]
    assert registry.source.proxy_cache


def test_a_v2_directory_that_was_moved_alone(tmp_path: Path) -> None:
    store = distribution(tmp_path / "a")
    store.v2.rename(tmp_path / "moved")
    for form in FORMS:
        assert tags(read(pack(tmp_path / "moved", form, tmp_path))) == [("team/app", "latest")]


def test_a_directory_within_the_storage_is_not_taken_for_it(tmp_path: Path) -> None:
    store = distribution(tmp_path / "one")
    for path in (store.v2 / "blobs" / "sha256", store.v2 / "repositories" / "team" / "app" / "_manifests"):
        with pytest.raises(NotRecognisedError, match=f"lies within the registry storage at {store.v2}: read that"):
            read(path)
    other = v1(tmp_path / "two")
    with pytest.raises(NotRecognisedError, match=f"lies within the registry storage at {other.root}: read that"):
        read(other.root / "images" / image_id(1))


def test_nothing_is_found_by_following_links(tmp_path: Path) -> None:
    store = distribution(tmp_path / "real")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "docker").symlink_to(store.root / "docker")
    with pytest.raises(NotRecognisedError, match=r"no registry was found in .* \(it holds docker\)"):
        read(tmp_path / "linked")
    (tmp_path / "itself").symlink_to(store.root)  # what a person names is followed
    assert tags(read(tmp_path / "itself")) == [("team/app", "latest")]


def test_two_registries_in_one_place(tmp_path: Path) -> None:
    """Distribution is read, and the other named; below one root nothing further is looked for."""
    distribution(tmp_path)
    v1(tmp_path)
    registry = read(tmp_path)
    assert registry.source.layouts == ("distribution",)
    assert "several-registries" in set(registry.problems["rule"])


# --- what is read where nothing is named


def test_without_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REGVIZ_SOURCE", raising=False)
    assert Path(read().source.uri).name == "world-distribution.tar.gz"
    monkeypatch.setenv("REGVIZ_SOURCE", str(WORLD_V1))
    assert read().source.uri == str(WORLD_V1)
    assert read(distribution(tmp_path).root).source.uri == str(tmp_path)
    monkeypatch.setenv("REGVIZ_SOURCE", "")
    assert Path(read().source.uri).name == "world-distribution.tar.gz"


@pytest.mark.parametrize("path", ["missing", "a\x00b", "x" * 5000, "", "missing/\udcff"])
def test_what_is_not_there(path: str) -> None:
    with pytest.raises(SourceNotFoundError, match=r"^nothing lies at "):
        read(path)


# --- what is wrong inside


def test_strict_raises_all_errors_and_warnings_in_one_group() -> None:
    problems = read(WORLD_V1).problems
    bad = problems[problems["severity"] != "info"]
    assert 0 < len(bad) < len(problems)
    with pytest.raises(ExceptionGroup) as raised:
        read(WORLD_V1, strict=True)
    assert raised.value.message == f"{WORLD_V1} has {len(bad)} problems"
    errors = raised.value.exceptions
    assert [error.rule for error in errors if isinstance(error, ProblemError)] == bad["rule"].tolist()
    for error, row in zip(errors, bad.to_dict("records"), strict=True):
        said = str(error)
        assert said.startswith(f"{row['rule']}: ")
        for key in ("repository", "manifest", "blob", "path", "detail"):
            assert not isinstance(row[key], str) or f"{key} {row[key]}" in said


def test_strict_lets_notes_pass(tmp_path: Path) -> None:
    store = distribution(tmp_path)
    store.layer_link("team/app", "sha256:" + "0" * 64)
    registry = read(tmp_path, strict=True)
    assert set(registry.problems["severity"]) == {"info"}


def test_an_archive_that_breaks_off_raises_unless_a_part_is_wanted(tmp_path: Path) -> None:
    archive = pack(distribution(tmp_path / "storage").root, "tar", tmp_path)
    archive.write_bytes(archive.read_bytes()[:-11_000])
    with pytest.raises(DamagedArchiveError, match=r"breaks off after .*partial=True"):
        read(archive)
    registry = read(archive, partial=True)
    assert not registry.repositories["complete"].any()
    with pytest.raises(ExceptionGroup):
        read(archive, partial=True, strict=True)


# --- what it leaves


def test_reading_leaves_no_mark(tmp_path: Path) -> None:
    for make in (distribution, v1):
        root = make(tmp_path / make.__name__).root
        before = {path: (path.lstat().st_mtime_ns, path.lstat().st_size) for path in [root, *root.rglob("*")]}
        read(root, links="open", verify=True, measure=True)
        rv.tree(root, full=True)
        assert {path: (path.lstat().st_mtime_ns, path.lstat().st_size) for path in [root, *root.rglob("*")]} == before


def test_functions_are_functions_whatever_was_imported() -> None:
    """`regviz.read`, `regviz.report` and `regviz.tree` are modules too."""
    code = (
        "import regviz.read, regviz.report, regviz.tree, regviz.report.show\nimport regviz as rv\n"
        "print(callable(rv.read), callable(rv.report), callable(rv.tree), str(rv.tree(depth=1)).count('\\n'))"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert said == "True True True 1\n"
