"""The report of two registries: what it says of any two, whatever their layouts and however broken they are."""

from __future__ import annotations

import runpy
import sys
from typing import TYPE_CHECKING

import pytest

import regviz as rv
from regviz.cli.app import main
from regviz.errors import RegvizError
from regviz.report import report, show
from regviz.report.pair import problems_between
from regviz.text import format_bytes
from tests.conftest import ROOT
from tests.helpers import Store
from tests.report.reading import parse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.report.reading import Element

PAIRS = [("world_v1", "world"), ("one_image", "hostile"), ("hostile", "empty"), ("empty", "empty")]


@pytest.fixture(scope="session")
def compared(source: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """The page of two of the storages that the reports' tests make."""
    folder = tmp_path_factory.mktemp("pairs")

    def compared(old: str, new: str) -> Path:
        file = folder / f"{old}-{new}.html"
        return file if file.exists() else report([source(old), source(new)], file)

    return compared


def opened(file: Path) -> Element:
    return parse(file.read_text(encoding="utf-8"))


def numbers(page: Element) -> dict[str, tuple[str, str]]:
    """The five numbers of the opening, and what stands beneath each."""
    found = page.one("div", class_="rv-opening").one("dl").all("div")
    return {each.one("dt").text: (each.all("dd")[0].text, each.all("dd")[1].text) for each in found}


def two(tmp_path: Path) -> tuple[Path, Path]:
    """June and July: a tag stays, one moved, one went, one appeared."""
    folders = []
    for name, tags in (("june", {"stays": 1, "moves": 2, "goes": 3}), ("july", {"stays": 1, "moves": 4, "comes": 5})):
        store = Store(tmp_path / name)
        for tag, layer in tags.items():
            store.image("app", [b"base", bytes([layer]) * 100 * layer], tag)
        folders.append(tmp_path / name)
    return folders[0], folders[1]


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_any_two_registries_have_a_whole_page(
    old: str, new: str, compared: Callable[[str, str], Path], source: Callable[[str], Path]
) -> None:
    page, readings = opened(compared(old, new)), [rv.read(source(name)) for name in (old, new)]
    stored = [int(reg.blobs.loc[reg.blobs["present"], "blob_bytes"].sum()) for reg in readings]
    made = numbers(page)
    assert made["Stored"][0] == format_bytes(stored[1])
    assert made["Tags"][0] == f"{len(readings[1].tags):,}"
    if stored[0] == stored[1]:
        assert made["Stored"][1] == "as before"
    else:
        assert made["Stored"][1].endswith(f"was {format_bytes(stored[0])}")
    said = page.one("div", class_="rv-opening").text
    assert str(source(old)) in said
    assert str(source(new)) in said
    assert len(page.all("figure") + page.all("p", class_="rv-nothing")) >= 2
    assert "None" not in said


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_no_page_of_two_loads_anything(
    old: str,
    new: str,
    compared: Callable[[str, str], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["loads_nothing.py", str(compared(old, new))])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / ".ci" / "loads_nothing.py"), run_name="__main__")
    assert ended.value.code == 0, capsys.readouterr().out


def test_what_appeared_moved_and_went_is_said(tmp_path: Path) -> None:
    old, new = (rv.read(folder) for folder in two(tmp_path))
    opening = show.pair.opening(old, new)
    assert str(opening).startswith("3 tags changed: 1 appeared, 1 moved and 1 went; what is stored grew from ")
    rows = parse(show.pair.changes(old, new).html).one("table").rows()
    assert {(row[1], row[2]) for row in rows} == {("comes", "appeared"), ("moves", "moved"), ("goes", "went")}
    # The mirror lacks what only "goes" and the old "moves" reach: 300 and 200 bytes, a configuration and a manifest each.
    missing = set(old.blobs["blob"]) - set(new.blobs["blob"])
    lengths = old.blobs.set_index("blob")["blob_bytes"]
    assert len(missing) == 6
    assert str(show.pair.sync(old, new)).startswith(
        f"A sync from the old one to the new one must transfer 6 blobs of {format_bytes(int(lengths[list(missing)].sum()))}."
    )


def test_the_other_way_round_is_the_reverse(tmp_path: Path) -> None:
    new, old = (rv.read(folder) for folder in two(tmp_path))
    assert "; what is stored shrank from " in str(show.pair.opening(old, new))
    assert str(show.pair.sync(old, old)) == "Nothing is missing in the new one. Nothing is in the new one alone."


def test_across_the_two_generations_names_are_compared_and_that_is_said(compared: Callable[[str, str], Path]) -> None:
    text = opened(compared("world_v1", "world")).one("main").text
    assert "Docker Registry v1 has no digests, so names alone are compared" in text
    assert "What is missing cannot be told." in text


def test_problems_that_are_new_and_those_that_are_gone(tmp_path: Path) -> None:
    whole, broken = Store(tmp_path / "whole"), Store(tmp_path / "broken")
    whole.image("app", [b"layer"], "1")
    broken.image("app", [b"layer"], "1")
    broken.push("app", b"no manifest", "2")
    old, new = rv.read(whole.root), rv.read(broken.root)
    found, back = problems_between(old, new), problems_between(new, old)
    assert len(found)
    expected = new.problems["rule"].value_counts()
    assert dict(zip(found["rule"], found["change"], strict=True)) == {
        rule: int(expected[rule]) for rule in found["rule"]
    }
    assert back["change"].tolist() == [-count for count in found["change"]]


def test_the_command_writes_the_page_of_two(
    tmp_path: Path, source: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "two.html"
    monkeypatch.setattr(
        sys, "argv", ["regviz", "report", str(source("empty")), str(source("one_image")), "-o", str(target)]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert capsys.readouterr().out == f"{target}\n"
    assert opened(target).one("h1").text == "empty → one_image"


def test_a_persons_own_notebook_reads_both(tmp_path: Path, source: Callable[[str], Path]) -> None:
    import nbformat

    cell = nbformat.v4.new_code_cell(
        "import regviz as rv\nold, new = rv.read_pair()\nprint(len(old.tags), len(new.tags))"
    )
    own = tmp_path / "own.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), own)
    made = report((source("one_image"), source("empty")), tmp_path / "own.html", notebook=own)
    assert "1 0" in opened(made).one("main").text


def test_three_sources_are_too_many(tmp_path: Path, source: Callable[[str], Path]) -> None:
    with pytest.raises(RegvizError, match="or of two that it compares; 3 were given"):
        report([source("empty")] * 3, tmp_path / "no.html")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_into_either_source(
    source: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    newer = source("one_image")
    monkeypatch.setattr(
        sys, "argv", ["regviz", "report", str(source("empty")), str(newer), "-o", str(newer / "r.html")]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "nothing is written to a source" in capsys.readouterr().err
    assert not (newer / "r.html").exists()
