"""What text can be drawn, how it is cut, and ticks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from matplotlib.font_manager import FontProperties, findfont, get_font

from regviz.plot.labels import (
    FAMILY,
    byte_ticks,
    drawable,
    fit,
    fit_all,
    format_tick,
    instruction,
    percent,
    text_width,
    wrap,
)

NAME = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=300)


@given(st.text())
def test_whatever_is_drawable_has_glyphs_and_is_one_line(text: str) -> None:
    line = drawable(text)
    font = get_font(findfont(FontProperties(family=FAMILY)))
    assert all(font.get_char_index(ord(character)) for character in line)
    assert len(line.splitlines()) <= 1
    assert drawable(line) == line


def test_what_cannot_be_drawn_is_named_by_its_code() -> None:
    assert drawable("日本 🚀") == "\\u65e5\\u672c \\U0001f680"
    assert drawable("a\x1b[31m\u202eb") == "a\\x1b[31m\\u202eb"
    assert drawable("עברית größe") == "עברית größe"


@given(NAME, st.floats(0, 400), st.booleans())
def test_a_cut_line_fits_and_keeps_its_end(text: str, width: float, end: bool) -> None:  # noqa: FBT001
    short = fit(text, width, 9, end=end)
    assert text_width(short, 9) <= max(width, 0) or short == ""
    if short != text:
        assert text_width(text, 9) > width
    if "…" in short and short != text:
        head, _, tail = short.partition("…")
        assert text.startswith(head)
        assert text.endswith(tail)


@given(st.lists(NAME, min_size=1, max_size=12), st.floats(90, 250))
def test_names_that_differ_still_do(names: list[str], width: float) -> None:
    made = fit_all(names, width, 9)
    assert all(text_width(short, 9) <= width for short in made)
    assert len(set(made)) == len(set(names))
    assert all(short == name for short, name in zip(made, names, strict=True) if "…" not in short and "(" not in short)


@given(
    st.lists(st.integers(0, 10_000), min_size=2, max_size=8, unique=True), st.integers(20, 120), st.integers(20, 120)
)
def test_long_names_that_differ_in_the_middle_show_where(numbers: list[int], before: int, after: int) -> None:
    names = ["team/" + "x" * before + f"{number:05}" + "y" * after for number in numbers]
    made = fit_all(names, 120, 9)
    assert len(set(made)) == len(names)
    assert all("(" not in short for short in made)


def test_a_title_is_broken_between_words() -> None:
    broken = wrap("one two three four five six", 60, 12)
    assert broken.replace("\n", " ") == "one two three four five six"
    assert all(text_width(line, 12) <= 60 for line in broken.split("\n"))
    assert wrap("x" * 500, 100, 12).count("…") == 1


@given(st.integers(0, 2**62))
def test_ticks_are_round_and_within(largest: int) -> None:
    ticks = byte_ticks(largest)
    assert ticks[0] == 0
    assert ticks[-1] <= largest
    assert len(ticks) <= 6
    assert largest < 1 or len(ticks) >= 2
    assert len({format_tick(tick) for tick in ticks}) == len(ticks)
    assert all((after - before).bit_count() == 1 for before, after in zip(ticks, ticks[1:], strict=False))


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_a_share_is_never_rounded_to_nothing_or_all(part: int, more: int) -> None:
    whole = part + more
    text = percent(part, whole)
    assert (text == "0 %") == (part == 0)
    assert text != "100 %"
    assert percent(whole, whole) == "100 %"


def test_instructions_lose_what_builders_add() -> None:
    assert instruction("/bin/sh -c #(nop) ADD file:ab in /") == "ADD file:ab in /"
    assert instruction("|2 A=b C=d /bin/sh -c make && make install") == "RUN make && make install"
    assert instruction("COPY a b # buildkit") == "COPY a b"
    assert instruction("/bin/bash") == "/bin/bash"
