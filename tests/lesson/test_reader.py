"""The reader that lesson 10 ends with: it is short, and says what regviz says of other registries too."""

from __future__ import annotations

import tarfile
from functools import cache
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

import regviz as rv
from regviz.lesson import forms
from regviz.lesson.book import archive
from regviz.lesson.books import book_10
from regviz.world import small_world, storage_tree, synthetic_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from regviz.world import World

MOST = 60
WORLDS = {"small": small_world(), "synthetic": synthetic_world(repositories=4, tags=12, layers=30, seed=10)}


def parts() -> Iterator[str]:
    """The source of each piece of the reader, with its solution."""
    for cell in nbformat.read(forms.path_of("10"), as_version=4).cells:
        own = cell.metadata.get("regviz", {})
        if own.get("reader"):
            yield own.get("solution", cell.source)


@cache
def reader() -> dict[str, Any]:
    """What the pieces define, run as they stand."""
    names: dict[str, Any] = {}
    exec("\n".join(parts()), names)  # noqa: S102  # the notebook's own code is what is tested
    return names


def test_it_has_at_most_sixty_lines_and_the_lesson_says_how_many() -> None:
    lines = [line for part in parts() for line in part.splitlines() if line.strip()]
    assert 40 < len(lines) <= MOST
    assert max(map(len, lines)) <= 120
    assert book_10.book.predictions["10.a"].truth == len(lines)


@pytest.mark.parametrize("written", ["reach", "sizes"])
def test_who_skips_a_function_is_lent_it_where_another_needs_it(written: str) -> None:
    names: dict[str, Any] = {}
    cells = [cell for cell in nbformat.read(forms.path_of("10"), as_version=4).cells if cell.metadata.get("regviz")]
    for cell in cells:
        own = cell.metadata["regviz"]
        if own.get("reader"):
            source = own["solution"] if f"def {written}(" in cell.source else cell.source
            exec(source, names)  # noqa: S102  # the notebook's own code is what is tested
    files = names["load"](archive("shop"))
    others = [names[name] for name in ("blobs", "tags", "manifests", "layers", "reach") if name != written]
    with book_10.lending(*others):
        documents = names["manifests"](files)
        asked = (files,) if written == "sizes" else (next(iter(documents)), documents)
        answer = names[written](*asked)
    assert len(answer) == (2 if written == "sizes" else 4)  # two tags; manifest, configuration and two layers
    assert names["blobs"](files) is ...


def stored(world: World, folder: Path) -> Path:
    """A world in Distribution's storage, as an archive."""
    path = folder / "storage.tar"
    path.write_bytes(storage_tree(world, "distribution").archive("registry"))
    return path


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_its_tables_are_those_of_regviz(world: World, tmp_path: Path) -> None:
    agree(stored(world, tmp_path))


@pytest.mark.parametrize("step", ["1-pushed", "2-shared", "3-overwritten", "4-untagged", "5-collected"])
def test_its_tables_are_those_of_regviz_after_each_step_of_the_article(step: str, tmp_path: Path) -> None:
    path = tmp_path / "step.tar"
    with tarfile.open(archive("unfolding-distribution")) as series, tarfile.open(path, "w") as one:
        for member in series:
            if member.name.startswith(f"{step}/"):
                one.addfile(member, series.extractfile(member) if member.isfile() else None)
    agree(path)


def test_it_reads_what_a_real_server_left(shared_dumps: Path) -> None:
    agree(shared_dumps / "v2-small-filesystem.tar", blobs_and_tags_alone=True)


def agree(path: Path, *, blobs_and_tags_alone: bool = False) -> None:
    """Every table of the reader says what regviz's says."""
    ours, reg = reader(), rv.read(path)
    files = ours["load"](path)
    here = reg.blobs[reg.blobs["present"]].astype({"blob": str})
    assert ours["blobs"](files) == dict(zip(here["blob"], here["blob_bytes"], strict=True))
    tags = reg.tags.astype(str)
    assert ours["tags"](files) == {(row.repository, row.tag): row.manifest for row in tags.itertuples()}
    if blobs_and_tags_alone:
        return
    linked = reg.repository_manifests.query("link_state == 'ok'")
    documents = ours["manifests"](files)
    assert set(documents) == set(linked["manifest"].astype(str))
    layers = reg.manifest_layers.astype({"manifest": str, "digest": str})
    rows = {(row.manifest, row.position, row.digest) for row in layers.itertuples() if row.manifest in documents}
    assert {
        (digest, at, layer) for digest in documents for at, layer in enumerate(ours["layers"](documents[digest]))
    } == rows
    keys = ["repository", "tag"]
    theirs, table = rv.sizes(reg, by="tag").set_index(keys).sort_index(), ours["sizes"](files)
    mine = table.set_index(keys).sort_index()
    assert list(mine.index) == list(theirs.index)
    for column in ("unique_bytes", "exclusive_bytes"):
        assert list(mine[column]) == list(theirs[column])
    assert all(
        abs(one - other) < 1 for one, other in zip(mine["amortised_bytes"], theirs["amortised_bytes"], strict=True)
    )
    assert mine["amortised_bytes"].sum() == pytest.approx(rv.sizes(reg, by="tag").attrs["tagged_bytes"])
