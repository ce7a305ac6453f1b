"""The parts of a report that are neither a figure nor a plain table."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from regviz.analysis import doctor
from regviz.problems import RULES
from regviz.read import read
from regviz.report import show
from regviz.schema import SEVERITIES
from tests.helpers import Store, read_store
from tests.report.reading import parse

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def broken(root: Path) -> Store:
    """Two kinds of problem: an image without its configuration and layer, and a tag that points nowhere."""
    store = Store(root)
    digest = store.image("good", [b"its layer"], "1")
    store.tag("good", "2", digest, b"")
    store.push("bad", b"no json", "1")
    store.push("worse", b"neither", "1")
    return store


def test_problems_are_grouped_by_rule_the_worst_and_most_frequent_first(tmp_path: Path) -> None:
    registry = read_store(broken(tmp_path))
    counts = Counter(map(str, registry.problems["rule"]))
    sections = parse(show.problems(registry).html).all("section")
    told = [section.one("p", class_="source").one("code").text for section in sections]
    assert sorted(told) == sorted(counts)
    assert len(counts) > 1
    rank = [(SEVERITIES.index(RULES[rule].severity), -counts[rule]) for rule in told]
    assert rank == sorted(rank)
    for section, rule in zip(sections, told, strict=True):
        assert section.attributes["class"] == RULES[rule].severity
        assert RULES[rule].meaning in section.one("h3").text
        assert RULES[rule].action in section.text


def test_problems_are_counted_by_how_bad_they_are(tmp_path: Path) -> None:
    """By hand: manifests that are no JSON twice, a tag without a link; a layer link that leads nowhere."""
    store = broken(tmp_path)
    store.layer_link("good", "sha256:" + "1" * 64)
    registry = read_store(store)
    counts = registry.problems["severity"].astype(str).value_counts()
    assert dict(counts) == {"error": 3, "info": 1}
    assert str(show.problems(registry)) == "3 errors, 1 note"


def test_a_rule_of_a_newer_version_is_shown_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = read_store(broken(tmp_path))
    rule = registry.problems["rule"].iloc[0]
    monkeypatch.delitem(RULES, rule)
    assert "does not know" in show.problems(registry).html
    assert rule in show.problems(registry).html
    assert "does not know" in doctor(registry).set_index("rule").loc[rule, "meaning"]


def test_collectors_that_stop_are_named(tmp_path: Path) -> None:
    store = broken(tmp_path)
    assert "Garbage collection stops at it: Distribution 2.8" in show.problems(read_store(store)).html


def test_no_problem_is_said(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.image("good", [b"its layer"], "1")
    assert str(show.problems(read_store(store))) == "No problem was found."


def test_live_outputs_carry_their_style_and_those_of_a_page_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = show.limits(read())
    monkeypatch.delenv("REGVIZ_PAGE", raising=False)
    live = parse(shown._repr_html_())
    assert ".rv-table" in live.one("style").text
    monkeypatch.setenv("REGVIZ_PAGE", "1")
    assert parse(shown._repr_html_()).all("style") == []


def test_a_figure_and_a_table_say_in_text_what_they_are() -> None:
    from matplotlib.figure import Figure

    drawing = Figure()
    drawing.add_subplot().set_title("Half of it <here>", loc="left")
    shown = show.figure(drawing, table=read().tags, limit=1)
    assert str(shown) == "Figure: Half of it <here>"
    figure = parse(shown.html).one("figure")
    assert figure.one("figcaption").text == "Half of it <here>"
    assert figure.one("svg").one("title").text == "Half of it <here>"
    assert len(figure.one("details").one("table").rows()) == 1


def test_the_colophon_names_the_versions() -> None:
    import matplotlib as mpl
    import pandas as pd

    import regviz

    text = str(show.colophon())
    for version in (f"regviz {regviz.__version__}", f"pandas {pd.__version__}", f"matplotlib {mpl.__version__}"):
        assert version in text
