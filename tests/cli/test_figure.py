"""Every figure as a file, by its name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from matplotlib.image import imread

import regviz as rv
from regviz import plot
from regviz.cli.figures import garbage_by_collector, meaning, names
from regviz.errors import NotKnowableError
from regviz.plot.palette import CSS
from regviz.plot.saving import figure_file
from regviz.read import read
from tests.cli.running import WORLD, WORLD_V1, done, run

if TYPE_CHECKING:
    from pathlib import Path

LISTED = [
    f"docker/registry/v2/{path}"
    for path in (
        f"blobs/sha256/ab/{'ab' * 32}/data",
        f"repositories/app/_manifests/tags/1/index/sha256/{'ab' * 32}/link",
        "repositories/app/_manifests/tags/1/current/link",
        f"repositories/app/_manifests/revisions/sha256/{'ab' * 32}/link",
    )
]
WORDS: dict[str, list[str | Path]] = {
    "compare-images": ["team/web:1.0", "team/web:1.1"],
    "compare-registries": [WORLD_V1],
    "growth": [WORLD_V1],
}
"""What the figures take that are not of a source alone."""


def test_every_figure_can_be_asked_for() -> None:
    of_registries = [name for name in plot.__all__ if name != "guesses"]  # that one is of a class
    assert names() == [name.replace("_", "-") for name in of_registries]
    listed = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in done("figure").splitlines())
    assert listed == {name: meaning(name) for name in names()}
    assert all(said.endswith(".") for said in listed.values())


@pytest.mark.parametrize("name", names())
def test_a_figure_is_a_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "made.svg"
    assert done("figure", name, WORLD, *WORDS.get(name, []), "-o", file) == ""
    root = ET.fromstring(file.read_text(encoding="utf-8"))  # noqa: S314  # written a moment ago
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    title = root.find("{http://www.w3.org/2000/svg}title")
    assert title is not None
    assert title.text


def test_it_is_the_figure_of_the_answer() -> None:
    reg = read(WORLD)
    expected = {
        ("sizes", WORLD, "--by", "tag", "--repository", "team/*", "--top", "3"): plot.sizes(
            (by_tag := rv.sizes(reg, by="tag"))[by_tag["repository"].str.startswith("team/")].head(3)
        ),
        ("grid", WORLD): plot.grid(rv.compare_images(reg)),
        ("grid", WORLD, "team/web:1.0", "team/web:2.0", "team/api:1.0"): plot.grid(
            rv.compare_images(reg, ["team/web:1.0", "team/web:2.0", "team/api:1.0"])
        ),
        ("forest", WORLD): plot.forest(reg.layer_graph()),
        ("compare-registries", WORLD, WORLD_V1): plot.compare_registries(rv.compare_registries(reg, read(WORLD_V1))),
        ("churn", WORLD, "--by", "repository"): plot.churn(rv.churn(reg, by="repository")),
    }
    for words, axes in expected.items():
        assert done("figure", *words).encode() == figure_file(axes, "svg"), words


def test_a_file_of_its_own_needs_no_page() -> None:
    svg = done("figure", "grid", WORLD)
    assert "var(" not in svg
    assert "currentColor" not in svg
    assert 'fill="#ffffff"/>' in svg
    assert any(colour in svg for colour in CSS)


def test_a_png_is_as_large_as_asked(tmp_path: Path) -> None:
    for dpi in (72, 144):
        file = tmp_path / f"{dpi}.png"
        assert done("figure", "churn", WORLD, "--dpi", str(dpi), "-o", file) == ""
        picture = imread(file)
        assert picture.shape[1] == 740 * dpi // 72
        assert picture[1, 1].tolist() == [1, 1, 1, 1]


def test_a_pdf_is_one_and_never_varies(tmp_path: Path) -> None:
    files = [tmp_path / "one.pdf", tmp_path / "two.pdf"]
    for file in files:
        done("figure", "sizes", WORLD, "-o", file)
    assert files[0].read_bytes().startswith(b"%PDF-")
    assert files[0].read_bytes() == files[1].read_bytes()


def test_of_each_source_the_collectors_there_are_for_it(tmp_path: Path) -> None:
    def asked(source: Path) -> list[str]:
        return [table.attrs["collector"] for table in garbage_by_collector(read(source, links="check"))]

    assert asked(WORLD_V1) == ["reachability", "v1"]
    every = {"reachability", *(f"distribution-{version}" for version in ("2.8", "2.8-m", "3", "3-m"))}
    assert set(asked(WORLD)) == every
    listing = tmp_path / "listing.txt"
    listing.write_text("".join(f"{name}\n" for name in LISTED))
    with pytest.raises(NotKnowableError):
        garbage_by_collector(read(listing))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nope"], 2, "There is no figure nope; there are bases, churn, "),
        (["grid", WORLD, "--by", "tag"], 2, "--by is not for this figure"),
        (["layer-sizes", WORLD, "--by", "tag"], 2, "--by is not for this figure"),
        (["sizes", WORLD, "--by", "colour"], 1, "colour"),
        (["sizes", WORLD, "team/web:1.0"], 2, "takes a SOURCE alone, and no team/web:1.0"),
        (["forest", WORLD, "x"], 2, "takes a SOURCE alone"),
        (["compare-images", WORLD, "team/web:1.0"], 1, "two images or more"),
        (["compare-images", WORLD, "team/web:1.0", "team/web:1.1", "team/web:2.0"], 1, "draw plot.grid of all"),
        (["compare-registries", WORLD], 2, "give OLD and NEW"),
        (["grid", WORLD, "--repository", "team/*"], 2, "give references instead"),
        (["forest", WORLD, "--top", "3"], 2, "give references instead"),
        (["sizes", WORLD, "-o", "made.gif"], 2, "does not say what to write"),
        (["sizes", "/nothing/there"], 1, "nothing lies at"),
    ],
)
def test_what_is_wrong_is_said(words: list[str], code: int, said: str) -> None:
    result = run("figure", *words)
    assert result.exit_code == code, result.output
    assert said in result.stderr.replace("\n", " ")
    assert "Traceback" not in result.output
    assert result.stdout == ""
