"""The live widgets, driven by their traits; what they show is compared with what their code gives."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any

import ipywidgets
import pandas as pd
import pytest

import regviz as rv
from regviz import share
from regviz.explore import explore
from regviz.explore.questions import QUESTIONS, WHAT_IF
from regviz.report.display import PAGE_VARIABLE
from tests.helpers import Store
from tests.plot.registries import KINDS, registry
from tests.report.reading import parse

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from regviz.explore import Explorer

WORLDS = ["world-distribution.tar.gz", "world-v1.tar.gz"]
CHOICES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "repositories": {"search": "team/*, nodejs"},
    "tags": {"tag": "^(1|latest)"},
    "dates": {"pushed_from": dt.date(2014, 2, 1), "pushed_before": dt.date(2030, 1, 1)},
    "what-if": {"search": "lib", "keep_last": "1", "older_than": "30", "keep": "^12$"},
    "by tag": {"tag": "^1", "delete_by": "tag", "collector": "reachability"},
}


def ask(live: Explorer, question: str, **choices: Any) -> None:
    live.controls.question.value = question
    for name, value in choices.items():
        getattr(live.controls, name).value = value


def run(code: str) -> tuple[pd.DataFrame, Axes]:
    """The table that code gives, and what its last line draws."""
    names: dict[str, Any] = {}
    lines = code.splitlines()
    exec("\n".join(lines[:-1]), names)  # noqa: S102  # what a person would do with it
    return names["table"], eval(lines[-1], names)  # noqa: S307


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("world", WORLDS)
def test_the_code_gives_what_is_shown(world: str, question: str, choice: str) -> None:
    live = explore(share.folder("data") / world)
    ask(live, question, **CHOICES[choice])
    picture = parse(live._shown[1].value)
    if not live.code:
        assert live.said
        return
    table, drawn = run(live.code)
    pd.testing.assert_frame_equal(table, live.table)
    if len(table):
        assert picture.one("figcaption").text == drawn.get_title(loc="left").replace("\n", " ")
    assert parse(live._shown[2].value).one("pre").text.strip() == live.code


@pytest.mark.parametrize("world", WORLDS)
def test_every_choice_is_answered_of_a_world_that_knows_its_times(world: str) -> None:
    live = explore(share.folder("data") / world)
    for question in QUESTIONS:
        ask(live, question)
        assert live.code
        assert len(live.table)


def test_a_choice_leaves_rows_out_and_their_bytes_as_they_are() -> None:
    reg = registry(WORLDS[0])
    live = explore(reg)
    live.controls.search.value = "team/*"
    every = rv.sizes(reg).set_index("repository")
    shown = live.table.set_index("repository")
    assert sorted(shown.index) == sorted(
        {name for name in reg.tags["repository"].astype(str) if name.startswith("team/")}
    )
    assert shown["exclusive_bytes"].to_dict() == every.loc[shown.index, "exclusive_bytes"].to_dict()


def test_the_list_follows_the_search_and_chooses_within_it() -> None:
    live = explore(registry(WORLDS[0]))
    live.controls.search.value = "team"
    assert all("team" in name for name in live.controls.repositories.options)
    live.controls.repositories.value = ("team/web",)
    assert live.table["repository"].tolist() == ["team/web"]
    assert "repositories=['team/web']" in live.code
    live.controls.search.value = "nodejs"
    assert live.controls.repositories.value == ()
    assert live.table["repository"].tolist() == ["library/nodejs"]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "10,000 layers"])  # tests/plot draws those
def test_every_kind_of_registry_is_shown(kind: str) -> None:
    reg = registry(kind)
    live = explore(reg)
    for question in QUESTIONS:
        ask(live, question)
        assert live.code, live.said
        parse("".join(part.value for part in live._shown))
    assert live.said.startswith(f"{len(reg.tags):,} of {len(reg.tags):,} tag")


def test_what_a_deletion_does_is_said(tmp_path: Path) -> None:
    for tags in ("1", "12"):
        store = Store(tmp_path / tags)
        for tag in tags:
            store.image("app", [b"base" * 100, f"layer {tag}".encode()], tag)
    without, both = (
        sum(file.stat().st_size for file in (tmp_path / tags).rglob("blobs/**/data")) for tags in ("1", "12")
    )
    live = explore(tmp_path / "12")
    ask(live, WHAT_IF, tag="^2$")
    assert live.table["bytes"].sum() == both - without
    assert live.said == (
        f"1 of 2 tags, in 1 repository. Deleting 1 tag frees {both - without} B. 1 image can be pulled no more. "
        "No index breaks."
    )
    ask(live, WHAT_IF, keep="^2$")
    assert live.said == (
        "1 of 2 tags, in 1 repository. Deleting no tag frees nothing. Every image can still be pulled. "
        "No index breaks. 1 tag is to be kept."
    )


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"tag": "("}, "is no regular expression"),
        ({"keep_last": "many"}, "'many' is no number"),
        ({"keep": "["}, "is no regular expression"),
        ({"collector": "v1"}, "v1"),
    ],
)
def test_what_cannot_be_is_one_line_and_the_next_choice_is_answered(choices: dict[str, str], said: str) -> None:
    live = explore(registry(WORLDS[0]))
    ask(live, WHAT_IF, **choices)
    assert said in live.said
    assert parse(live._shown[0].value).one("p", role="alert").text == live.said
    assert live.code == live._shown[1].value == live._shown[2].value == ""
    assert not len(live.table)
    for name in choices:
        getattr(live.controls, name).value = None if name == "collector" else ""
    assert live.code
    assert len(live.table)


def test_dates_of_a_source_without_times_are_refused() -> None:
    live = explore(share.folder("data") / "world-oci.tar.gz")
    live.controls.pushed_from.value = dt.date(2014, 1, 1)
    assert "does not tell when its tags were pushed" in live.said
    live.controls.pushed_from.value = None
    assert len(live.table)


def test_where_no_tag_fits_that_is_said() -> None:
    live = explore(registry(WORLDS[0]))
    live.controls.tag.value = "no tag has this"
    assert live.said.startswith("0 of 22 tags")
    assert "No tag fits" in parse(live._shown[1].value).text


def test_names_of_a_registry_are_text(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.image("<script>alert(1)<|script>", [b"its layer"], "<b>x")
    live = explore(tmp_path)
    live.controls.search.value = "<script>*"
    shown = parse("".join(part.value for part in live._shown))
    assert shown.all("script") == []
    assert "<script>" in shown.text


def test_changes_that_come_together_are_answered_once() -> None:
    live = explore(registry(WORLDS[0]))
    answered = []
    update = live.update

    async def change() -> None:
        for text in ("^1", "^2", "^latest$"):
            live.controls.tag.value = text
        assert not answered  # whoever types does not wait
        assert "Working" in live._shown[0].value
        await asyncio.sleep(0.5)

    def counted() -> None:
        answered.append(live.controls.tag.value)
        update()

    live.update = counted  # type: ignore[method-assign]
    asyncio.run(change())
    assert answered == ["^latest$"]
    assert "Working" not in live._shown[0].value
    assert set(live.table["repository"]) == {"team/web", "team/api", "library/nodejs", "library/base"}


def test_every_control_has_a_label() -> None:
    kinds = (ipywidgets.Text, ipywidgets.Dropdown, ipywidgets.SelectMultiple, ipywidgets.DatePicker)
    live = explore(registry(WORLDS[0]))
    controls = [each for each in vars(live.controls).values() if isinstance(each, kinds)]
    assert len(controls) == 11
    assert len({each.description for each in controls}) == 11
    assert all(each.description for each in controls)
    assert live.controls._deletion.layout.display == "none"
    live.controls.question.value = WHAT_IF
    assert live.controls._deletion.layout.display == ""


def test_it_reads_what_a_notebook_reads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    Store(tmp_path).image("only", [b"its layer"], "latest")
    monkeypatch.setenv("REGVIZ_SOURCE", str(tmp_path))
    live = rv.explore()
    assert "reg = rv.read()" in live.code
    assert live.table["repository"].tolist() == ["only"]


def test_a_notebook_gets_a_widget_and_a_page_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    live = explore(registry(WORLDS[0]))
    assert "application/vnd.jupyter.widget-view+json" in live._repr_mimebundle_()
    monkeypatch.setenv(PAGE_VARIABLE, "1")
    shown = live._repr_mimebundle_()
    assert set(shown) == {"text/html", "text/plain"}
    page = parse(shown["text/html"])
    assert len(page.all("svg")) == 1
    assert live.code in page.text


def test_links_that_were_looked_into_are_looked_into_again(tmp_path: Path) -> None:
    Store(tmp_path).image("only", [b"its layer"], "latest")
    assert f"reg = rv.read({str(tmp_path)!r}, links='check')" in explore(rv.read(tmp_path, links="check")).code
