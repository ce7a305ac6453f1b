"""A class's files: what is counted is counted by hand here, and no file can do harm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from regviz import lesson, plot
from regviz.errors import RegvizError
from regviz.lesson import books, calls
from regviz.plot.guesses import describe_guesses, rows_of
from tests.cli.running import done, run
from tests.lesson import example
from tests.lesson.loading import loads
from tests.plot.drawn import hold_legible, hold_marks, texts_of
from tests.report.reading import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from regviz.lesson.book import Book


@pytest.fixture(autouse=True)
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty folder, and the example among the lessons that ship."""
    monkeypatch.chdir(tmp_path)
    find, numbers = books.find, books.numbers

    def found(number: str) -> Book | None:
        return example.book if number == "77" else find(number)

    monkeypatch.setattr(books, "find", found)
    monkeypatch.setattr(books, "numbers", lambda: [*numbers(), "77"])
    calls._sessions.clear()
    calls._current.clear()
    yield
    calls._sessions.clear()
    calls._current.clear()


def learner(name: str, guess: float | None, *answers: int) -> Path:
    """A learner works through the example, and exports."""
    calls._sessions.clear()
    lesson.begin(example.book, fresh=True)
    lesson.predict("77.a", ... if guess is None else guess)
    lesson.reveal("77.a")
    for answer in answers:
        lesson.check("77.1", answer)
    return lesson.export(name)


@pytest.fixture
def class_() -> list[Path]:
    json_too = example.json_too()
    return [
        learner("Ada", 300_000, 11),  # within a factor of two of 335,018
        learner("Bob", 700_000, json_too, 11),  # not within: 2.09 times
        learner("Cleo", 1_000, json_too, json_too),
        learner("dora", None, 5),
        learner("Émile Ⅱ", 170_000),  # within: 1.97 times
    ]


def test_an_export_is_small_and_has_no_answer_and_no_path(class_: list[Path]) -> None:
    assert [path.name for path in class_] == [
        f"lesson-77-{name}.json" for name in ("ada", "bob", "cleo", "dora", "émile-ⅱ")
    ]
    text = class_[1].read_text(encoding="utf-8")
    said = json.loads(text)
    assert said.pop("minutes") >= 0
    assert said.pop("regviz")
    for part in (*said["checks"], *said["predictions"]):
        part.pop("minutes")
    nothing = {"state": "unanswered", "first": "", "attempts": 0, "mistake": ""}
    assert said == {
        "format": "regviz-lesson-results",
        "version": 1,
        "lesson": "77",
        "name": "bob",
        "checks": [
            {"id": "77.1", "state": "right", "first": "wrong", "attempts": 2, "mistake": "json_too"},
            {"id": "77.2"} | nothing,
            {"id": "77.3"} | nothing,
        ],
        "predictions": [{"id": "77.a", "state": "guessed", "guess": 700_000, "truth": None}],
    }
    assert str(Path.cwd()) not in text
    assert len(text) < 2_000


@pytest.mark.parametrize(
    ("name", "file"), [("../../x", "x"), ("a/b\\c:d", "a-b-c-d"), ("x" * 99, "x" * 40), (" A. B ", "a.-b")]
)
def test_a_name_is_no_path(name: str, file: str) -> None:
    assert learner(name, 1) == Path(f"lesson-77-{file}.json")


def test_a_name_without_a_letter_is_refused() -> None:
    with pytest.raises(RegvizError, match=r"is no name for a file: give one with letters or digits"):
        learner("///", 1)
    calls._current.clear()
    with pytest.raises(RegvizError, match="no lesson was begun"):
        lesson.export("ada")


def test_a_class_is_counted(class_: list[Path]) -> None:
    table = lesson.collect(class_)
    assert table["id"].tolist() == ["77.a", "77.1", "77.2", "77.3"]
    guessed, first = table.iloc[0], table.iloc[1]
    # 1,000, 170,000, 300,000 and 700,000: two of them within 167,509 and 670,036
    wanted = {"learners": 5, "guesses": 4, "median_guess": 235_000, "lower_guess": 127_750, "upper_guess": 400_000}
    assert guessed[[*wanted, "truth", "near"]].to_dict() == wanted | {"truth": 335_018, "near": 0.5}
    wanted = {"learners": 5, "right_first": 1, "right_later": 1, "wrong": 2, "unanswered": 1, "had_it": 2}
    assert first[[*wanted, "mistake"]].to_dict() == wanted | {"mistake": "json_too"}
    assert table.iloc[2]["unanswered"] == 5
    pd.testing.assert_frame_equal(lesson.collect(lesson.answers(class_)), table)


def test_each_learner_is_a_row(class_: list[Path]) -> None:
    rows = lesson.answers(["lesson-77-*.json"])  # as the shell of Windows leaves it
    assert len(rows) == 5 * 4
    assert rows.attrs == {"files": 5, "refused": []}
    mine = rows[rows["name"] == "cleo"].set_index("id")
    assert (mine.loc["77.1", "state"], mine.loc["77.1", "mistake"], mine.loc["77.1", "attempts"]) == (
        "wrong",
        "json_too",
        1,
    )
    assert (mine.loc["77.a", "guess"], mine.loc["77.a", "truth"]) == (1_000, 335_018)
    assert len(lesson.answers([*class_, "lesson-77-*.json"])) == 5 * 4


def test_each_their_own_truth(class_: list[Path]) -> None:
    said = json.loads(class_[0].read_text(encoding="utf-8"))
    said["predictions"][0]["truth"] = 100_000
    class_[0].write_text(json.dumps(said), encoding="utf-8")
    guessed = lesson.collect(class_).iloc[0]
    assert pd.isna(guessed["truth"])
    assert guessed["near"] == 0.25  # of 300,000 for 100,000 no more


def exported(**changes: Any) -> dict[str, Any]:
    said = {
        "format": "regviz-lesson-results",
        "version": 1,
        "lesson": "77",
        "name": "eve",
        "checks": [],
        "predictions": [],
    }
    return said | changes


WRONG = [
    b"", b"[]", b"{}", b"\x00", b"[" * 100_000, b"x" * (1 << 21),
    json.dumps(exported(format="other")).encode(),
    json.dumps(exported(name="x" * 101)).encode(),
    json.dumps(exported(checks=[{"id": "77.1"}] * 101)).encode(),
    json.dumps(exported(checks=[{"id": "77.1", "state": "won"}])).encode(),
    json.dumps(exported(checks=[{"id": "77.1", "attempts": -1}])).encode(),
    json.dumps(exported(predictions=[{"id": "77.a", "guess": "many"}])).encode(),
    json.dumps(exported(predictions=[{"id": "77.a", "guess": 10**400}])).encode(),
    b'{"format": "regviz-lesson-results", "version": 1, "lesson": "77", "predictions": [{"id": "77.a", "guess": 1e999}]}',
    b'{"format": "regviz-lesson-results", "version": 1, "lesson": "77", "predictions": [{"id": "77.a", "guess": NaN}]}',
]  # fmt: skip


@pytest.mark.parametrize("content", WRONG)
def test_a_file_that_is_none_is_left_out_and_named(content: bytes, class_: list[Path]) -> None:
    Path("bad.json").write_bytes(content)
    rows = lesson.answers([*class_, "bad.json"])
    assert rows.attrs == {"files": 5, "refused": [("bad.json", "bad.json is no file that lesson.export wrote")]}
    with pytest.raises(RegvizError, match=r"bad\.json is no file that lesson\.export wrote; give the files that"):
        lesson.answers(["bad.json"])


def test_files_of_another_lesson_or_version_are_named() -> None:
    Path("a.json").write_text(json.dumps(exported(version=9)), encoding="utf-8")
    Path("b.json").write_text(json.dumps(exported(lesson="66")), encoding="utf-8")
    Path("c.json").write_text(json.dumps(exported(checks=[{"id": "66.1", "state": "right"}])), encoding="utf-8")
    rows = lesson.answers(["a.json", "b.json", "c.json", "d.json"])
    assert len(rows) == 0
    assert [why for _, why in rows.attrs["refused"]] == [
        "a.json was written by another regviz, in version 9 of its format, not 1",
        "there is no lesson '66': those that ship are " + ", ".join(books.numbers()),
        "d.json cannot be read: No such file or directory",
    ]
    assert len(lesson.collect(rows)) == 0
    with pytest.raises(RegvizError, match="no file was named"):
        lesson.answers([])


def guesses_table(
    *guesses: tuple[str, str, float | None, float | None], asks: str = "How many?", unit: str = "bytes"
) -> pd.DataFrame:
    rows = [
        {"id": id_, "asks": asks, "unit": unit, "name": name, "guess": guess, "truth": truth}
        for id_, name, guess, truth in guesses
    ]
    return pd.DataFrame(rows, columns=["id", "asks", "unit", "name", "guess", "truth"])


def test_guesses_are_drawn_where_they_stand_beside_the_truth() -> None:
    table = guesses_table(
        ("1.a", "a", 100, 100), ("1.a", "b", 1_000, 100), ("1.a", "c", 10, 100), ("1.b", "d", 50, 100)
    )
    sheet = describe_guesses(table)
    assert sheet.title == "2 of 4 guesses are within a factor of two"
    near, far = sheet.bars("near"), sheet.bars("far")
    assert (len(near), len(far)) == (2, 2)
    centre = {box.x + box.width / 2 for box in near + far}
    truth, high, low, half = near[0], far[1], far[0], near[1]
    middle = truth.x + truth.width / 2
    assert high.x - truth.x == pytest.approx(truth.x - low.x)  # ten times to both sides
    [line] = [stroke for stroke in sheet.under if stroke.points[0][0] == pytest.approx(middle) and stroke.width == 1.2]
    assert line.points[0][1] < truth.y < half.y < line.points[1][1]
    assert len(centre) == 4
    assert "The truth: 100 B; 3 guesses, the middle one right." in sheet.description
    assert [mark.label.split("\n")[0] for mark in sheet.series[1].marks] == [
        "c: 10 B, the truth divided by 10",
        "b: 1000 B, 10 times the truth",
    ]


def test_equal_guesses_do_not_cover_each_other() -> None:
    table = guesses_table(*(("1.a", f"n{number}", 150 + number % 3, 100) for number in range(60)))
    boxes = describe_guesses(table).bars("near")
    places = [(box.x, box.y, box.x + box.width, box.y + box.height) for box in boxes]
    for at, one in enumerate(places):
        for other in places[at + 1 :]:
            assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] + 1e-9 or other[3] <= one[1] + 1e-9


@pytest.mark.parametrize(
    ("guess", "truth", "factor"), [(0, 10, 1e-4), (-3, 10, 1e-4), (5, 0, 1e4), (0, 0, 1), (1e30, 1, 1e4), (5, 10, 0.5)]
)
def test_what_has_no_factor_stands_at_an_end(guess: float, truth: float, factor: float) -> None:
    [row] = rows_of(guesses_table(("1.a", "a", guess, truth)))
    assert row.guesses[0].factor == factor


def test_nobody_guessed() -> None:
    axes = plot.guesses(guesses_table(("1.a", "a", None, 5), ("1.a", "b", 5, None)))
    assert axes.get_title(loc="left") == "Nobody has guessed yet"
    hold_legible(axes)


def test_thousands_of_guesses_are_thinned_and_it_says_so() -> None:
    table = guesses_table(*(("1.a", "n", 1 + number, 5_000) for number in range(10_000)))
    sheet = describe_guesses(table)
    drawn = len(sheet.bars("near")) + len(sheet.bars("far"))
    assert drawn == 2_500
    assert "Left out: 7,500 of the guesses, evenly." in sheet.explanation
    assert sheet.title.startswith("7,501 of 10,000 guesses")  # 2,500 to 10,000, both counted


@pytest.mark.parametrize("asks", ["How many?", "x" * 500, "<b>日本\u202e \x1b[31m & more" + " words" * 40, ""])
@pytest.mark.parametrize("rows", [1, 12])
def test_any_words_are_legible(asks: str, rows: int) -> None:
    table = guesses_table(
        *((f"{n:02}.a", "n\n<i>", 10**n, 5_000) for n in range(rows)), asks=asks, unit="files" if rows > 1 else "bytes"
    )
    axes = plot.guesses(table)
    hold_legible(axes)
    hold_marks(axes)
    assert "truth" in texts_of(axes)


def test_the_command_prints_guesses_and_answers(class_: list[Path]) -> None:
    lines = done("lesson", "collect", *class_).splitlines()
    assert lines[0].split() == ["id", "asks", "guesses", "lower_guess", "median_guess", "upper_guess", "truth", "near"]
    assert lines[1].split()[-1] == "0.5"
    assert any(line.startswith("77.1") and line.endswith("json_too") for line in lines)


def test_the_command_writes_tables(class_: list[Path], tmp_path: Path) -> None:
    records = json.loads(done("lesson", "collect", *class_, "--format", "json"))
    assert [record["id"] for record in records] == ["77.a", "77.1", "77.2", "77.3"]
    assert done("lesson", "collect", *class_, "-o", tmp_path / "class.csv") == ""
    assert (tmp_path / "class.csv").read_text(encoding="utf-8").startswith("lesson,id,kind,asks,learners,guesses")
    each = done("lesson", "collect", "lesson-77-*.json", "--each", "--format", "csv").splitlines()
    assert len(each) == 1 + 20


def test_the_command_draws(class_: list[Path], tmp_path: Path) -> None:
    assert done("lesson", "collect", *class_, "-o", tmp_path / "class.svg") == ""
    assert "2 of 4 guesses are within a factor of two" in (tmp_path / "class.svg").read_text(encoding="utf-8")
    assert done("lesson", "collect", *class_, "-o", tmp_path / "class.html") == ""
    html = (tmp_path / "class.html").read_text(encoding="utf-8")
    page = parse(html)
    assert loads(html) == []
    assert page.one("header").text.strip().startswith("Lessons")
    assert "From 5 files of lesson.export." in page.text
    assert [head.text for head in page.all("h2")] == ["Guesses", "Answers"]
    assert len(page.all("svg", class_="regviz")) == 1
    assert len(page.all("table")) == 2


def test_the_command_names_what_it_leaves_out(class_: list[Path]) -> None:
    Path("bad\x1b.json").write_text("{}", encoding="utf-8")
    result = run("lesson", "collect", *class_, "bad\x1b.json")
    assert result.exit_code == 0
    assert result.stderr == "regviz: left out: bad\\x1b.json is no file that lesson.export wrote\n"
    result = run("lesson", "collect", "nothing.json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "regviz: nothing.json cannot be read: No such file or directory; give the files that lesson.export wrote, such as "
        "lesson-01-ada.json\n"
    )
