"""What is said in the forest of layers, and which trees are chosen to be shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from matplotlib.figure import Figure

from regviz import plot
from regviz.graph import layer_graph
from regviz.plot.ages import cividis
from regviz.plot.ancestry import HEIGHT, describe_forest
from regviz.plot.branches import branches, choose
from regviz.plot.palette import CSS, INK, OTHERS, SEVERAL
from regviz.plot.spacing import LEAST_RADIUS
from regviz.plot.style import SMALL_SIZE
from tests.plot.drawn import text_boxes, texts_of
from tests.plot.made import random_forest
from tests.plot.registries import registry
from tests.plot.test_forest import forest_of

if TYPE_CHECKING:
    from regviz.plot.ancestry import Forest

NAMES = [f"group{number % 7}/app{number:05}" for number in range(200)]
MORE = re.compile(
    r"\+ [\d,]+(?: more (?:branch|branches|root|roots)"
    r"(?:, [\d.]+ \w+|: [\d,]+ layers?, [\d.]+ \w+(?:, [\d,]+ tags?)?)?)?"
)


def drawn_forests() -> list[Forest]:
    large = [describe_forest(random_forest(count, NAMES, count)) for count in (300, 3_000, 10_000)]
    return [*large, describe_forest(layer_graph(registry("200 repositories")))]


@pytest.fixture(scope="module", name="forests")
def _forests() -> list[Forest]:
    return drawn_forests()


def test_a_few_trunks_with_what_they_bear_come_before_many_bare_ones() -> None:
    parents: dict[str, str | None] = {}
    for root in range(50):
        parents[f"r{root:02}"] = None
        parents |= {f"r{root:02}-{branch}": f"r{root:02}" for branch in range(10)}
    found = branches(forest_of(parents, {}))  # every tree has 1,100 bytes, every branch 100
    shown = {found[at].key for at in choose(found, 20, 9)}
    # A second tree counts 550, a third 367, ..., a tenth 110; the first branch of each 100, the eleventh tree 100.
    assert {f"r{root:02}" for root in range(10)} <= shown
    assert {f"r{root:02}-0" for root in range(9)} <= shown
    assert sum("-" not in key for key in shown) <= 11


def test_a_forest_is_no_higher_than_a_person_overlooks(forests: list[Forest]) -> None:
    for told in forests:
        assert HEIGHT * 0.6 < told.height <= HEIGHT


def test_what_is_said_of_others_is_never_cut(forests: list[Forest]) -> None:
    said = [text.text for told in forests for text in told.texts if re.search(r"\+ \d", text.text)]
    assert len(said) > 40
    for text in said:
        assert MORE.fullmatch(text[text.rindex("+ ") :]), text
        head = text[: text.rindex("+ ")].strip()
        assert not head or re.match(r"(?:[\d,]+ layers?, |×[\d,]+  )?(?:[\d.]+ [KMGTPE]?i?B|not here)\b", head), text


def test_tags_on_a_line_keep_their_repository(forests: list[Forest]) -> None:
    said = [text.text for told in forests for text in told.texts if text.colour == INK and text.size == SMALL_SIZE]
    assert len(said) > 20
    repositories = set(NAMES) | {f"base{number:05}" for number in range(200)}
    for text in said:
        name = re.sub(r" (?:\+[\d,]+|and [\d,]+ others?)$", "", text).split(":")[0]
        assert name in repositories or any(each.endswith(name.lstrip("…")) for each in repositories), text
        assert len(name.lstrip("…")) >= 5, text


def test_of_many_tags_the_first_are_said_whole_and_the_others_counted() -> None:
    tags = tuple(f"team/service-{number:02}:{'v' * 6}{number}" for number in range(40))
    told = describe_forest(forest_of({"a": None, "b": "a", "c": "a"}, {"b": tags, "c": ("x:1",)}))
    (text,) = [text.text for text in told.texts if "team/service" in text.text]
    match = re.fullmatch(r"(.*) and (\d+) others", text)
    assert match is not None
    named = match[1].split("; ")
    assert tuple(named) == tags[: len(named)]
    assert len(named) + int(match[2]) == 40


def test_a_run_is_called_by_what_tells_something() -> None:
    graph = forest_of({"a": None, "b": "a", "c": "b", "d": "c"}, {"d": ("x:1",)}, a=90_000, b=500, c=700)
    for key, made in {
        "a": "/bin/bash",
        "b": "/bin/sh -c apt-get update",
        "c": "/bin/sh -c apt-get install git",
    }.items():
        graph.nodes[key]["created_by"] = made
    said = {text.text for text in describe_forest(graph).texts}
    assert {"RUN apt-get install git", "3 layers, 89.1 KiB, the largest 87.9 KiB"} <= said  # 91,200 and 90,000 bytes


def test_dots_that_look_alike_are_said_to(forests: list[Forest]) -> None:
    graph = forest_of({"a": None, "b": None, "c": None}, {}, a=1_000_000, b=1, c=9)
    told = describe_forest(graph)
    # The largest has a radius of 12, the smallest 1.8: 44.4 times the area, 22,500 bytes.
    assert "the largest has 977 KiB; those up to 22.0 KiB look alike." in told.explanation
    for each in [*forests, told]:
        small = [dot for dot in each.dots if dot.radius == LEAST_RADIUS]
        assert ("look alike" in each.explanation) == (len({dot.bytes for dot in small}) > 1)


def test_a_plus_is_explained_where_there_is_one(forests: list[Forest]) -> None:
    tags = ("team/service:1", *(f"team/other:{number}" for number in range(39)))
    graph = forest_of({"a": None, "b": "a", "c": "b", "d": "b", "e": "a"}, {"b": tags, "d": ("x:1",), "e": ("y:1",)})
    narrow = [describe_forest(graph, width=width) for width in (300, 340, 380, 420, 460)]
    short = [
        any(re.search(r" \+\d+$", text.text) for text in told.texts if text.colour == INK)
        for told in (*narrow, *forests)
    ]
    assert any(short)
    assert not all(short)
    for told, has_one in zip((*narrow, *forests), short, strict=True):
        assert ("+2 is two more tags." in told.explanation) == has_one


def test_a_cross_is_explained_where_there_is_one(forests: list[Forest]) -> None:
    crossed = [any("×" in text.text for text in told.texts) for told in forests]
    assert any(crossed)
    for told, has_one in zip(forests, crossed, strict=True):
        assert ("×6 is six layers in a row." in told.explanation) == has_one


def test_the_key_names_the_repositories_that_are_drawn() -> None:
    graph = random_forest(10_000, NAMES)
    told = describe_forest(graph)
    own = {dot.colour for dot in told.dots} - {"", OTHERS, SEVERAL}
    assert [colour for colour, _ in told.repositories] == [
        colour for colour in dict(told.repositories) if colour in own
    ]
    assert {colour for colour, _ in told.repositories} == own
    for colour, name in told.repositories:
        marks = [mark for dot, mark in zip(told.dots, told.marks, strict=True) if dot.colour == colour]
        assert {mark.repositories for mark in marks} == {(name,)}
    assert {name for _, name in told.repositories} <= set(texts_of(plot.forest(graph)))


def test_long_names_are_not_in_the_key() -> None:
    names = [f"{letter * 200}" for letter in "abcdef"]
    graph = forest_of(dict.fromkeys(names), {name: (f"{name}:1",) for name in names})
    said = texts_of(plot.forest(graph))
    assert "one repository each" in said


def test_the_key_keeps_to_a_narrow_axes() -> None:
    graph = layer_graph(registry("world-distribution.tar.gz"))
    for inches in (5.5, 6.0, 8.0, 12.0):
        given = Figure(figsize=(inches, 8)).add_axes((0.05, 0.05, 0.9, 0.8))
        assert plot.forest(graph, ax=given).get_legend() is not None
        assert max(right for _, (_, _, right, _) in text_boxes(given)) <= inches * 72, inches


def test_a_name_that_begins_like_what_matplotlib_hides_is_in_the_key() -> None:
    axes = plot.forest(forest_of({"a": None}, {"a": ("_base:1",)}))
    assert " _base" in texts_of(axes)


def test_no_age_has_a_colour_that_a_dark_page_changes() -> None:
    assert not {cividis(step / 1000) for step in range(1001)} & set(CSS)
