"""Numbers, digests and names as text; escaping against what it protects from."""

from __future__ import annotations

import csv
import html
import html.parser
import io
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regviz import text

ANYTHING = st.text(
    st.characters(categories=None) | st.sampled_from("\x00\x1b\x7f\x9b\u202e\u2066\u200b\ufeff\ud800<>&\"'\\=-+@\t\r\n")
)


@given(st.integers(-(2**63), 2**63))
def test_bytes_have_three_digits_and_the_right_magnitude(count: int) -> None:
    said = text.format_bytes(count)
    number, unit = said.split(" ")
    power = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"].index(unit)
    value = float(number)
    assert abs(value * 1024**power - count) <= abs(count) * 0.005
    if power:
        digits = re.sub(r"\D", "", number)
        assert len(digits) == 3 or (len(digits) == 4 and "." not in number)
        assert 1 <= abs(value) < 1024 or unit == "EiB"


@pytest.mark.parametrize(
    ("count", "said"),
    [(1, "1 B"), (1024, "1.00 KiB"), (10_239, "10.0 KiB"), (102_399, "100 KiB"), (1_048_575, "1.00 MiB"), (1_048_064, "1.00 MiB"),
     (5_515_444, "5.26 MiB"), (1 << 70, "1024 EiB"), (-1, "-1 B")],
)  # fmt: skip
def test_bytes_at_the_borders(count: int, said: str) -> None:
    assert text.format_bytes(count) == said


@pytest.mark.parametrize(
    ("written", "count"),
    [
        ("0", 0),
        ("10GB", 10**10),
        ("10 GiB", 10 * 2**30),
        ("1.5kb", 1500),
        ("1.5 kIb", 1536),
        ("7b", 7),
        ("2E", 2 * 10**18),
    ],
)
def test_bytes_as_people_write_them(written: str, count: int) -> None:
    assert text.parse_byte_count(written) == count


@pytest.mark.parametrize("written", ["", "GB", "1 2", "-5", "1e9", "0x10", "10GBB", "1,5MB", "ten", "10 iB x"])
def test_bytes_that_are_none(written: str) -> None:
    with pytest.raises(ValueError, match="is no number of bytes; write for example 10GB"):
        text.parse_byte_count(written)


@given(st.binary())
def test_any_file_name_is_text_that_utf8_takes(raw: bytes) -> None:
    name = text.decode_name(raw)
    name.encode()
    try:
        assert name == raw.decode()
    except UnicodeDecodeError:
        assert re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes.fromhex(m[1].decode()), name.encode()) == re.sub(
            rb"\\x([0-9a-f]{2})", lambda m: bytes.fromhex(m[1].decode()), raw
        )


@given(ANYTHING)
def test_clean_text_is_what_arrow_takes(said: str) -> None:
    cleaned = text.clean(said)
    cleaned.encode()
    assert "\x00" not in cleaned
    assert text.clean(cleaned) == cleaned
    if "\x00" not in said and not any("\ud800" <= c <= "\udfff" for c in said):
        assert cleaned == said


@given(ANYTHING)
def test_a_terminal_sees_no_controls(said: str) -> None:
    shown = text.escape_terminal(said)
    assert not any(
        unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(c) in BIDI for c in shown
    )
    if said.isprintable() and said.isascii():
        assert shown == said


# Explicit formatting characters of the Unicode Bidirectional Algorithm (UAX 9, section 2)
BIDI = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


class _Parser(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.data = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.data += data


@given(ANYTHING)
def test_html_holds_it_as_text_and_as_attribute(said: str) -> None:
    escaped, parser = text.escape_html(said), _Parser()
    parser.feed(f'<p title="{escaped}">{escaped}</p>')
    parser.close()
    shown = text.escape_terminal(said)
    assert parser.tags == [("p", [("title", shown)])]
    assert parser.data == shown
    assert "'" not in escaped


@given(ANYTHING)
def test_a_spreadsheet_sees_no_formula(said: str) -> None:
    cell = text.escape_csv(said)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert cell.removeprefix("'") == said or cell == said
    stream = io.StringIO(newline="")
    csv.writer(stream).writerow([cell, "next"])
    assert next(csv.reader(io.StringIO(stream.getvalue(), newline=""))) == [cell, "next"]


@given(ANYTHING)
def test_a_dot_string_is_one_string(said: str) -> None:
    quoted = text.escape_dot(said)
    assert quoted[0] == quoted[-1] == '"'
    inner = quoted[1:-1]
    assert re.fullmatch(r'(?:[^"\\]|\\\\|\\")*', inner)  # Graphviz: the only escape for a quote is \"
    assert inner.replace('\\"', '"').replace("\\\\", "\\") == text.escape_terminal(said) or "\\" in said


@pytest.mark.parametrize(
    ("key", "short"),
    [("sha256:" + "a" * 64, "sha256:" + "a" * 12), ("sha512:" + "b" * 128, "sha512:" + "b" * 12), ("c" * 64, "c" * 12),
     ("v1:" + "d" * 64, "v1:" + "d" * 12), ("", ""), ("latest", "latest")],
)  # fmt: skip
def test_short_digests_keep_their_algorithm(key: str, short: str) -> None:
    assert text.short_digest(key) == short


def test_a_label_does_not_end_its_string() -> None:
    assert text.escape_dot('x"]; evil [label="') == '"x\\"]; evil [label=\\""'
