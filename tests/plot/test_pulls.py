"""The matrix of pulls: squares, order and words equal the table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib import colormaps
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex

from regviz import plot
from regviz.analysis import transfer_matrix
from regviz.plot.palette import ON_BRIGHT, ON_DARK
from regviz.plot.pulling import MOST, clustered, describe_transfer_matrix
from regviz.read import read
from tests.conftest import ROOT
from tests.plot.drawn import hold_legible, hold_marks, texts_of

WORLD = ROOT / "data" / "world-distribution.tar.gz"
MIB = 1 << 20


def moved(whole: dict[str, int | None], pairs: dict[tuple[str, str], int] | None = None, **attrs: Any) -> pd.DataFrame:
    """A matrix as `transfer_matrix` gives it: what an empty host pulls, and what one that has an image does."""
    cannot = {name: "no image for this platform" for name, size in whole.items() if size is None}
    made: dict[str, Any] = {"having": pd.Series(["(nothing)", *whole], dtype="str")}
    for name, size in whole.items():
        column = [size]
        for having in whole:
            there = None if having in cannot else 0 if having == name else (pairs or {}).get((having, name), size)
            column.append(None if size is None else there)
        made[name] = pd.Series(column, dtype="Int64")
    table = pd.DataFrame(made)
    table.attrs |= {"client": "docker", "platform": "linux/amd64", "cannot": cannot, "basis": "compressed", **attrs}
    return table


THREE = moved({"a:1": 8 * MIB, "b:1": 4 * MIB, "a:2": 6 * MIB}, {("a:1", "a:2"): MIB, ("a:2", "a:1"): 3 * MIB})


def test_squares_are_the_cells_of_the_table() -> None:
    told = describe_transfer_matrix(THREE)
    by_name = THREE.set_index("having")
    assert len(told.squares) == 4 * 3
    for square in told.squares:
        assert square.bytes == by_name.loc[square.having or "(nothing)", square.pulled]
        assert square.colour == to_hex(colormaps["cividis"](square.bytes / (8 * MIB)))
    columns = sorted({square.pulled: square.x for square in told.squares}.items(), key=lambda item: item[1])
    rows = sorted({square.having: square.y for square in told.squares}.items(), key=lambda item: item[1])
    assert [name for name, _ in columns] == [*told.images]
    assert [name for name, _ in rows] == ["", *told.images]
    assert told.images.index("a:1") + told.images.index("a:2") in (1, 3)  # neighbours
    assert told.title == "Pulling 3 images moves 18.0 MiB onto empty hosts; with the nearest other there, 8.00 MiB"


def test_the_figure_paints_the_squares_in_their_order() -> None:
    axes = plot.transfer_matrix(THREE)
    series = next(each for each in axes.collections if each.get_gid() == "marks:pulls")
    assert isinstance(series, PathCollection)
    told = describe_transfer_matrix(THREE)
    assert [to_hex(colour) for colour in series.get_facecolor()] == [square.colour for square in told.squares]  # type: ignore[union-attr]
    hold_marks(axes)
    hold_legible(axes)
    assert {"an empty host", "8.00 MiB", "1.00 MiB", "0"} <= set(texts_of(axes))


def test_text_on_a_square_contrasts_with_it() -> None:
    told = describe_transfer_matrix(THREE)
    inks = {text.text: text.colour for text in told.texts if text.colour in (ON_BRIGHT, ON_DARK)}
    assert (inks["8.00 MiB"], inks["0"]) == (ON_BRIGHT, ON_DARK)

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return float(np.dot([0.2126, 0.7152, 0.0722], linear))

    table = moved({f"a:{n}": n * MIB for n in range(1, 14)})
    told = describe_transfer_matrix(table)
    place = {(round(square.x, 3), round(square.y, 3)): square.colour for square in told.squares}
    square = told.squares[0]
    checked = 0
    for text in told.texts:
        at = (round(text.x - square.width / 2, 3), round(text.y - square.height / 2, 3))
        if text.colour in (ON_BRIGHT, ON_DARK):
            one, other = sorted((luminance(text.colour), luminance(place[at])))
            assert (other + 0.05) / (one + 0.05) >= 4.1  # the middle of the scale has no more with black or white
            checked += 1
    assert checked == 14 * 13


def test_where_units_have_no_room_one_stands_in_the_explanation() -> None:
    told = describe_transfer_matrix(moved({f"app:{n}": n * MIB + 1000 for n in range(16)}))
    assert "in the cells in MiB" in told.explanation
    words = {text.text for text in told.texts}
    assert {"0", "<0.1", "1.0", "15"} <= words
    assert not any("MiB" in word for word in words)


def test_of_many_images_the_largest_are_drawn() -> None:
    told = describe_transfer_matrix(moved({f"app:{n:02}": n * MIB + 1 for n in range(50)}))
    assert sorted(told.images) == [f"app:{n:02}" for n in range(20, 50)]
    assert len(told.images) == MOST
    assert "Left out: 20 smaller images" in told.explanation
    hold_legible(plot.transfer_matrix(moved({f"app:{n:02}": n * MIB + 1 for n in range(50)})))


def test_what_cannot_be_pulled_is_left_out_and_said() -> None:
    told = describe_transfer_matrix(moved({"a:1": MIB, "win:1": None, "b:1": MIB}))
    assert sorted(told.images) == ["a:1", "b:1"]
    assert "Left out: 1 that cannot be pulled for this platform." in told.explanation
    assert told.title == "None of 2 images saves bytes where another is pulled: 2.00 MiB"


@pytest.mark.parametrize(
    ("table", "title"),
    [
        (moved({}), "There is no image to pull"),
        (moved({"win:1": None}), "There is no image to pull"),
        (moved({"a:1": 2048}), "Pulling the one image onto an empty host moves 2.00 KiB"),
        (moved({"a:1": 0, "b:1": 0}), "None of 2 images saves bytes where another is pulled: 0 B"),
    ],
)
def test_the_title_says_what_is_found(table: pd.DataFrame, title: str) -> None:
    assert describe_transfer_matrix(table).title == title
    hold_legible(plot.transfer_matrix(table))


def test_blocks_of_what_shares_are_found_in_any_order() -> None:
    count = 12
    group = np.arange(count) % 3
    draw = np.random.default_rng(0)
    for _ in range(5):
        order = draw.permutation(count)
        same = group[order][:, None] == group[order][None, :]
        cost = np.where(same, 1.0, 10.0) * (1 - np.eye(count))
        found = group[order][clustered(cost, np.full(count, 10.0))]
        assert (found[1:] != found[:-1]).sum() == 2


def test_the_explanation_names_the_client_and_what_bytes_are() -> None:
    assert "from the base up" in describe_transfer_matrix(THREE).explanation
    store = moved({"a:1": 1, "b:1": 2}, client="content-store", basis="uncompressed")
    assert "no digest twice" in describe_transfer_matrix(store).explanation
    assert "layers are uncompressed" in describe_transfer_matrix(store).explanation


def test_the_basis_of_an_archive_of_docker_save_is_uncompressed(tmp_path: Any) -> None:
    from regviz.world import small_world, write

    assert transfer_matrix(read(WORLD), ["team/web:1.0"]).attrs["basis"] == "compressed"
    write(small_world(), tmp_path, "docker-save")
    saved = read(tmp_path)
    names = [f"{repository}:{tag}" for repository, tag in zip(saved.tags["repository"], saved.tags["tag"], strict=True)]
    assert transfer_matrix(saved, names[:3]).attrs["basis"] == "uncompressed"


def test_a_mark_says_who_pulls_what() -> None:
    told = describe_transfer_matrix(THREE)
    said = dict(zip([(square.having, square.pulled) for square in told.squares], told.marks, strict=True))
    mark = said["a:1", "a:2"]
    assert mark.label == "a:2, pulled onto a host that has a:1, moves 1.00 MiB (1,048,576 bytes)"
    assert mark.repositories == ("a",)
    assert said["", "b:1"].label == "b:1, pulled onto an empty host, moves 4.00 MiB (4,194,304 bytes)"
    assert said["b:1", "b:1"].label.endswith("moves nothing")
