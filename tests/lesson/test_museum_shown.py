"""The museum as lesson 08 shows it: its table, its cards, and its figure, which draws what the catalogue says."""

from __future__ import annotations

import tomllib

import pytest

from regviz.errors import RegvizError
from regviz.lesson import museum
from tests.conftest import ROOT

SAID = tomllib.loads((ROOT / "data" / "museum.toml").read_text(encoding="utf-8"))


def test_the_table_is_the_catalogue() -> None:
    table = museum.catalogue()
    assert table["room"].tolist() == [*SAID]
    for row in table.itertuples():
        said = SAID[row.room]
        assert (row.title, row.layout, row.pull) == (said["title"], said["layout"], said["pull"])
        assert row.rules == ", ".join(said["rules"])
        if said["layout"] == "v1":
            assert row.again != row.again  # NA: no collector, and nothing that finds a blob by its name
        elif said["pull"] == "fails":
            assert row.again == ("mends it" if said["again"] else "does not")
        else:
            assert row.again == "nothing to mend"


def test_a_card_says_what_the_catalogue_says() -> None:
    for room, said in SAID.items():
        card = museum.about(room)
        for part in ("title", "broken", "life", "sees", "do", "source"):
            assert said[part] in card.text
    assert "amd64 has become `md64" in museum.about("byte-flipped").html
    assert "&quot;Verification&quot;" in museum.about("byte-flipped").html


def test_there_is_no_other_room() -> None:
    with pytest.raises(RegvizError, match="no room basement; it has layer-missing, "):
        museum.about("basement")


def test_the_figure_has_a_box_for_each_answer() -> None:
    table = museum.catalogue()
    rooms = table[table["layout"] == "distribution"]
    sheet = museum.describe_outcomes(rooms)
    boxes = {series.name: len(series.boxes) for series in sheet.series}
    good = sum(said["pull"] in ("works", "elsewhere") for said in SAID.values() if said["layout"] == "distribution")
    good += sum(bool(said.get("again")) for said in SAID.values())
    good += sum(said.get("collector") == "runs" for said in SAID.values())
    assert boxes == {"good": good, "bad": 3 * len(rooms) - good}
    marks = {mark.words: mark.label for series in sheet.series for mark in series.marks}
    assert set(marks) == {(room,) for room in rooms["room"]}
    assert all(title in sheet.description for title in rooms["title"])
    words = [text.text for text in sheet.texts]
    assert words.count("does not") == sum(said.get("again") is False for said in SAID.values())
    assert sheet.title == "In 6 of 18 rooms pushing the image again does not help"


def test_the_figure_of_v1_and_on_axes_that_are_small() -> None:
    from matplotlib import pyplot as plt

    table = museum.catalogue()
    _, axes = plt.subplots(figsize=(4, 2))
    assert museum.outcomes(table[table["layout"] == "v1"], ax=axes) is axes
    assert axes.get_title(loc="left").startswith("In 0 of 5 rooms")
    plt.close("all")
