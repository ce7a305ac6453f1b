"""Reports of the registries that the tests look at; each is written once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from regviz import share
from regviz.report import report
from regviz.world import storage_tree, synthetic_world
from tests.helpers import Store
from tests.report.reading import parse
from tests.together import common_folder, once

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.report.reading import Element

HOSTILE = (
    "<script>alert(1)</script>",
    "\"' onload='alert(1)",
    "&lt;img src=x onerror=alert(1)&gt;",
    "right\u202eleft",
    "日本語-עברית",
    "$x^2$",
    "a" * 255,
)


def hostile(root: Path) -> Path:
    """A storage whose repositories, tags, commands and labels are what nobody should have called them."""
    store = Store(root)
    for number, name in enumerate(HOSTILE):
        store.image(name.replace("/", "%2F"), [f"layer {number}".encode()], name[:120].replace("/", "|"))
    store.push("<b>broken</b>", b"<html>no json</html>", "<i>tag</i>")
    return root


def empty(root: Path) -> Path:
    Store(root)
    return root


def one_image(root: Path) -> Path:
    Store(root).image("only", [b"its layer"], "latest")
    return root


def many_tags(root: Path) -> Path:
    """As an archive, for these are a hundred thousand files."""
    archive = root.with_suffix(".tar")
    archive.write_bytes(
        storage_tree(synthetic_world(repositories=60, tags=12_000, layers=3_000), "distribution").archive()
    )
    return archive


def world(root: Path) -> Path:
    del root
    return share.folder("data") / "world-distribution.tar.gz"


def world_v1(root: Path) -> Path:
    del root
    return share.folder("data") / "world-v1.tar.gz"


SOURCES = {make.__name__: make for make in (world, world_v1, hostile, empty, one_image, many_tags)}


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A storage by the name of the function that makes it."""
    folder = common_folder(tmp_path_factory, "storages")

    def source(name: str) -> Path:
        said = folder / f"{name}.place"
        with once(said) as wanted:
            if wanted:
                said.write_text(str(SOURCES[name](folder / name)))
        return Path(said.read_text())

    return source


@pytest.fixture(scope="session")
def reported(source: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The file of a storage's report."""
    folder = common_folder(tmp_path_factory, "reports")

    def reported(name: str) -> Path:
        file = folder / f"{name}.html"
        with once(file) as wanted:
            return report(source(name), file) if wanted else file

    return reported


@pytest.fixture(scope="session")
def page(reported: Callable[[str], Path]) -> Callable[[str], Element]:
    """A storage's report, read back."""

    def page(name: str) -> Element:
        return parse(reported(name).read_text(encoding="utf-8"))

    return page
