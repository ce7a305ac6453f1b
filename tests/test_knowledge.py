"""What sources can know is what is declared, and what the documentation says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import regviz as rv
from regviz.errors import NotKnowableError
from regviz.graph import layer_graph
from regviz.knowledge import EVIDENT, answers, kinds
from regviz.read import LISTABLE
from regviz.report.words import _APIS, _LAYOUTS
from regviz.schema import NA, TABLES
from regviz.tree import tree
from tests.conftest import ROOT
from tests.every_source import SOURCES, listing_of_world
from tests.helpers import plain_tables
from tests.live.conftest import home, hurry  # noqa: F401  # fixtures
from tests.live.servers import serving, small_shop
from tests.live.test_v1 import V1

if TYPE_CHECKING:
    from collections.abc import Callable

    from regviz.registry import Registry

EVERY = {f"{name}.{c.name}" for name, table in TABLES.items() if name not in EVIDENT for c in table.columns}


def known(registry: Registry) -> set[str]:
    """Columns that have a value in some row."""
    return {
        f"{name}.{column.name}"
        for name, table in TABLES.items()
        if name not in EVIDENT
        for column in table.columns
        if (registry.columns(name)[column.name] != NA[column.kind]).any()
    }


def test_the_document_is_up_to_date() -> None:
    command = [sys.executable, str(ROOT / "docs" / "build.py"), "--check"]
    checked = subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, check=False, capture_output=True, text=True)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_every_kind_is_declared() -> None:
    layouts = {name for name, kind in kinds().items() if name == kind.layout}
    assert layouts - {"capture"} == {*_LAYOUTS, *_APIS, "zot"} - {"oci-layouts"}
    assert {*kinds()} - layouts == {f"listing-{layout}" for layout in LISTABLE if layout not in ("oci-layouts", "zot")}
    assert {*SOURCES} == {*kinds()} - {"capture", "docker-engine"}  # of which tests/real has one
    for kind in kinds().values():
        assert kind.unknown < EVERY
        assert {*kind.refuses} <= {*answers().values()}


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_knows_what_is_declared_and_nothing_else(name: str, tmp_path: Path) -> None:
    kind, found, in_archives = kinds()[name], set[str](), set[str]()
    for registry in SOURCES[name](tmp_path):
        assert registry.source.layouts == (kind.layout,)
        found |= known(registry)
        in_archives |= set() if Path(registry.source.uri).is_dir() else known(registry)
        registry.save(tmp_path / "made.regviz")  # a capture knows what its source knew
        assert plain_tables(rv.read(tmp_path / "made.regviz")) == plain_tables(registry)
    assert EVERY - found == kind.unknown
    assert in_archives.isdisjoint(kind.only_folders)


# --- answers

WHAT_IF = (rv.what_if, rv.delete_together, rv.what_if_curve)
ASKED: dict[str, Callable[[str], object]] = {
    "sizes": lambda source: [ask(rv.read(source)) for ask in (rv.sizes, rv.composition)],
    "garbage": lambda source: [ask(rv.read(source)) for ask in (rv.garbage, rv.states)],
    "layer_sizes": lambda source: rv.layer_sizes(rv.read(source)),
    "layer_counts": lambda source: rv.layer_counts(rv.read(source)),
    "tag_images": lambda source: rv.tag_images(rv.read(source)),
    "transfer": lambda source: rv.transfer_matrix(rv.read(source)),
    "history": lambda source: rv.history(rv.read(source)),
    "tag_history": lambda source: rv.tag_history(rv.read(source)),
    "stale_tags": lambda source: rv.stale_tags(rv.read(source)),
    "growth": lambda source: rv.growth([rv.read(source), rv.read(ROOT / "data" / "world-v1.tar.gz", times=False)]),
    "check": lambda source: rv.check(rv.read(source), max_unreferenced=0),
    "doctor": lambda source: rv.doctor(rv.read(source)),
    "graph": lambda source: layer_graph(rv.read(source)),
    "who_uses": lambda source: rv.who_uses(rv.read(source), _any_digest(rv.read(source))),
    "bases": lambda source: rv.bases(rv.read(source)),
    "nearest_base": lambda source: rv.nearest_base(rv.read(source)),
    "ancestors": lambda source: rv.ancestors(rv.read(source), _any_digest(rv.read(source))),
    "descendants": lambda source: rv.descendants(rv.read(source), _any_digest(rv.read(source))),
    "steps_on_disk": lambda source: rv.steps_on_disk(rv.read(source), _any_digest(rv.read(source))),
    "compare_images": lambda source: rv.compare_images(rv.read(source), [_any_digest(rv.read(source))] * 2),
    "compare_registries": lambda source: rv.compare_registries(rv.read(source), rv.read(source)),
    "churn": lambda source: rv.churn(rv.read(source)),
    "reconcile": lambda source: rv.reconcile(rv.read(source, measure=True)),
    "sharing": lambda source: rv.sharing(rv.read(source)),
    "owner_sets": lambda source: rv.owner_sets(rv.read(source)),
    "clusters": lambda source: rv.clusters(rv.read(source)),
    "what_if": lambda source: [ask(rv.read(source), repositories="*") for ask in WHAT_IF],
    "deletion_plan": lambda source: rv.deletion_plan(rv.read(source), repositories="*"),
    "tree": tree,
    "storage": lambda source: rv.read(source, measure=True).storage,
}


def _any_digest(registry: Registry) -> str:
    """An image that can be asked about, where there is one."""
    return next(iter(registry.images["manifest"].astype("str")), "nothing")


def _held_to(name: str, source: str) -> None:
    for answer, ask in ASKED.items():
        if answer in kinds()[name].refuses:
            with pytest.raises(NotKnowableError, match=r"[Gg]ive|[Rr]ead"):
                ask(source)
        else:
            ask(source)


def test_every_answer_is_asked() -> None:
    assert {*ASKED} | {"report"} == {*answers().values()}  # tests/report writes reports of every kind


@pytest.mark.parametrize("layout", ["distribution", "v1", "oci", "docker-save", "capture"])
def test_answers_of_what_lies_in_files(layout: str) -> None:
    [source] = (ROOT / "data").glob(f"world-{layout}.tar*")
    _held_to(layout.replace("save", "archive"), str(source))


@pytest.mark.parametrize("layout", ["distribution", "v1", "oci"])
def test_answers_of_listings(layout: str, tmp_path: Path) -> None:
    _held_to(f"listing-{layout}", str(listing_of_world(layout, tmp_path)))


@pytest.mark.parametrize(("layout", "made"), [("registry-v2", small_shop), ("registry-v1", V1)])
def test_answers_of_what_answers(layout: str, made: Callable[[], Callable[..., object]]) -> None:
    with serving(made()) as server:
        _held_to(layout, server.url)
