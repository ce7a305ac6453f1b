"""What a learner meets: guesses, answers, hints; nothing that they write raises, and nothing shows a truth too early."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from regviz import lesson
from regviz.errors import RegvizError
from regviz.lesson import calls
from regviz.lesson.book import Book
from regviz.lesson.shipped import archive, files, unpacked
from tests.lesson import example

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A learner's folder and a kernel that just began."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REGVIZ_PAGE", raising=False)
    calls._sessions.clear()
    calls._current.clear()
    yield
    calls._sessions.clear()
    calls._current.clear()


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    """Calls something, and gives what it showed."""

    def call(function: Any, *arguments: Any, **options: Any) -> str:
        capsys.readouterr()
        assert function(*arguments, **options) is None
        return capsys.readouterr().out.strip()

    return call


def own_book(truth: Any, *wrong: Any) -> Book:
    book = Book("88", title="One", question="How many?", minutes=1)

    @book.check("88.1", asks="What is it?")
    def asked() -> Any:
        return truth

    for number, other in enumerate(wrong):

        @asked.mistake(f"Hint {number}.")
        def mistaken(other: Any = other) -> Any:
            return other

    @book.prediction("88.a", asks="What will it be?", unit="bytes")
    def guessed() -> Any:
        return truth

    return book


def row(id_: str) -> dict[str, Any]:
    table = lesson.results()
    found: Any = table[table["id"] == id_].astype(object).to_dict("records")[0]
    return dict(found)


def test_a_lesson_begins_with_what_it_is(said: Any) -> None:
    shown = said(lesson.begin, example.book)
    assert shown.splitlines() == [
        "Lesson 77 · 5 minutes: How many files has the small world?",
        "How many files are 2 servers' worth?",
        "Afterwards you can:",
        "- Count files",
        "You should know:",
        "- None",
    ]


def test_a_lesson_that_is_not_there_is_said() -> None:
    with pytest.raises(RegvizError, match=r"there is no lesson 99: those that ship are"):
        lesson.begin("99")
    with pytest.raises(RegvizError, match=r"no lesson was begun"):
        lesson.results()


def test_a_guess_is_kept_then_shown_against_the_truth(said: Any) -> None:
    said(lesson.begin, example.book)
    assert said(lesson.predict, "77.a", ...).startswith("No guess yet. How many bytes are all files?")
    assert said(lesson.predict, "77.a", 100_000) == "Kept: 100,000 bytes (97.7 KiB). Run on to see."
    assert said(lesson.predict, "77.a", ...) == "Kept: 100,000 bytes (97.7 KiB). Run on to see."
    assert row("77.a")["truth"] is None
    # find registry -type f -printf '%s\n' | paste -sd+ | bc, of the unpacked archive
    assert said(lesson.reveal, "77.a").splitlines() == [
        "How many bytes are all files?",
        "Your guess: 100,000 bytes (97.7 KiB)",
        "The truth: 335,018 bytes (327 KiB)",
        "Off by: 235,018 bytes (230 KiB): the truth is 3.35 times the guess",
    ]
    assert said(lesson.predict, "77.a", 335_018).startswith("Shown already: your guess of before, 100,000 bytes")
    assert {name: row("77.a")[name] for name in ("state", "answer", "truth", "attempts")} == {
        "state": "guessed",
        "answer": 100_000,
        "truth": 335_018,
        "attempts": 1,
    }


@pytest.mark.parametrize(
    ("guess", "off"),
    [
        (2000, "nothing"),
        (1990, "10 bytes, 0.005 of the truth"),
        (4000, "2,000 bytes (1.95 KiB): the guess is 2 times the truth"),
        (0, "2,000 bytes (1.95 KiB)"),
        (-5, "2,005 bytes (1.96 KiB)"),
    ],
)
def test_how_far_a_guess_is_off(said: Any, guess: int, off: str) -> None:
    said(lesson.begin, own_book(2000))
    said(lesson.predict, "88.a", guess)
    assert said(lesson.reveal, "88.a").splitlines()[-1] == f"Off by: {off}"


def test_a_guess_that_was_not_made_is_no_fault(said: Any) -> None:
    said(lesson.begin, example.book)
    shown = said(lesson.reveal, "77.a")
    assert shown.splitlines()[1:] == ["The truth: 335,018 bytes (327 KiB)", "Your guess: none this time"]
    assert row("77.a")["state"] == "skipped"
    assert said(lesson.predict, "77.a", 5) == "Shown already: a guess does not count any more."
    assert row("77.a")["state"] == "skipped"


def test_the_truth_of_ones_own_registry(said: Any) -> None:
    said(lesson.begin, example.book)
    said(lesson.predict, "77.a", 10)
    assert "The truth: 20 bytes" in said(lesson.reveal, "77.a", truth=20)
    assert row("77.a")["truth"] == 20
    assert said(lesson.check, "77.1", 7, truth=7) == "Right."
    assert row("77.1")["truth"] == 7


def test_checks_say_right_or_wrong_with_the_hint_and_record(said: Any) -> None:
    said(lesson.begin, example.book)
    assert said(lesson.check, "77.1", ...) == "Not answered yet. How many tags are there?"
    assert said(lesson.check, "77.1", 21) == "Not yet. How many tags are there?"  # nobody foresaw it
    json_too = example.json_too()
    assert said(lesson.check, "77.1", json_too) == "Not yet. You counted the JSON beside each tag too."
    said(lesson.check, "77.1", json_too)
    assert row("77.1") | {"minutes": 0} == {
        "id": "77.1",
        "kind": "check",
        "asks": "How many tags are there?",
        "answer": json_too,
        "truth": None,
        "state": "wrong",
        "attempts": 2,
        "minutes": 0,
    }
    assert said(lesson.check, "77.1", 11) == "Right."
    assert (row("77.1")["state"], row("77.1")["truth"], row("77.1")["attempts"]) == ("right", 11, 3)
    assert said(lesson.check, "77.3", 1) == "Not yet. How many bytes is the longest ancestry? The answer counts bytes."


def test_ids_that_are_not_there_are_said(said: Any) -> None:
    assert said(lesson.check, "99.1", 1).startswith("Unknown: no lesson has '99.1'")
    said(lesson.begin, example.book)
    assert said(lesson.check, "77.9", 1) == "Unknown: lesson 77 has no check '77.9'; it has 77.1, 77.2, 77.3."
    assert said(lesson.predict, "77.1", 1) == "Unknown: lesson 77 has no prediction '77.1'; it has 77.a."
    assert said(lesson.reveal, None).startswith("Unknown: lesson 77 has no prediction None")
    assert said(lesson.check, ["77.1"], 1).startswith("Unknown:")


class Trap:
    """Raises whatever is done with it."""

    def __eq__(self, other: object) -> bool:
        raise ValueError("no comparison")

    def __repr__(self) -> str:
        raise RuntimeError("no words")

    __hash__ = None  # type: ignore[assignment]

    @property
    def columns(self) -> Any:
        raise KeyError("no columns")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("11", "a number is asked, and this is text."),
        ([11], "a number is asked, and this is a list."),
        (True, "a number is asked, and this is True or False."),
        (print, "a number is asked, and this is something of type builtin_function_or_method."),
        (pd.DataFrame({"a": [1]}), "a number is asked, and this is a table."),
        (np.array([1, 2]), "a number is asked, and this is a list."),
        (dt.date(2014, 3, 27), "a number is asked, and this is something of type date."),
        (Trap(), "77.1 met KeyError: 'no columns'."),
    ],
)
def test_an_answer_of_another_kind_is_not_comparable(said: Any, answer: object, why: str) -> None:
    said(lesson.begin, example.book)
    assert said(lesson.check, "77.1", answer) == f"Not comparable: {why}"
    assert row("77.1")["state"] == "not comparable"
    assert said(lesson.predict, "77.a", answer).startswith("Not comparable: ")
    assert row("77.a")["state"] == "unanswered"


def test_a_truth_that_cannot_be_worked_out_does_not_stop_the_lesson(said: Any) -> None:
    book = Book("88", title="One", question="How many?", minutes=1)
    book.check("88.1", asks="What?")(lambda: len(files("nothing-of-this-name")))
    book.prediction("88.a", asks="What?")(lambda: 1 / 0)
    said(lesson.begin, book)
    assert said(lesson.check, "88.1", 3).startswith("Not comparable: no archive that ships is called nothing-of")
    assert said(lesson.reveal, "88.a") == "Not comparable: 88.a met ZeroDivisionError: division by zero."


@pytest.mark.parametrize(
    ("truth", "equal", "other"),
    [
        (12, [12, 12.0, np.int64(12), pd.Series([12]).sum()], [13, 12.01, -12]),
        (0.1, [0.1, 0.10009, np.float64(0.1)], [0.1002, 1]),
        ("latest", ["latest", " latest\n", np.str_("latest")], ["Latest", ""]),
        (b"x", [b"x"], [b"y"]),
        (
            {"a", "b"},
            [{"b", "a"}, ["b", "a"], ("a", "b"), pd.Index(["a", "b"]), {"a": 1, "b": 2}.keys()],
            [{"a"}, ["a", "b", "b"]],
        ),
        ([1, 2], [[1, 2], (1, 2), np.array([1, 2]), pd.Series([1, 2]), range(1, 3)], [[2, 1], [1], [1, "2"]]),
        ({"a": 1}, [{"a": 1.0}], [{"a": 2}, {"b": 1}]),
        (True, [True], [False]),
        (Path("a/b"), ["a/b", Path("a/b")], ["a"]),
        (
            pd.DataFrame({"a": [1, 2], "b": [0.5, None]}),
            [pd.DataFrame({"b": [None, 0.5001], "a": [2, 1]}, index=[7, 8])],
            [
                pd.DataFrame({"a": [1, 2]}),
                pd.DataFrame({"a": [1, 2], "b": [0.5, 0.6]}),
                pd.DataFrame({"a": [1], "b": [0.5]}),
            ],
        ),
    ],
)
def test_answers_are_compared_by_what_they_say(said: Any, truth: Any, equal: list[Any], other: list[Any]) -> None:
    said(lesson.begin, own_book(truth))
    for answer in equal:
        assert said(lesson.check, "88.1", answer) == "Right.", answer
    for answer in other:
        assert said(lesson.check, "88.1", answer).startswith("Not yet."), answer


def test_the_first_mistake_that_fits_gives_its_hint(said: Any) -> None:
    said(lesson.begin, own_book(5, "five", [5], 6))
    assert said(lesson.check, "88.1", 6) == "Not yet. Hint 2."


def test_a_new_kernel_goes_on(said: Any) -> None:
    said(lesson.begin, example.book)
    said(lesson.predict, "77.a", 100)
    said(lesson.check, "77.1", 11)
    calls._sessions.clear()
    assert "Your answers of before are kept" in said(lesson.begin, example.book)
    assert [row(id_)["state"] for id_ in ("77.1", "77.2", "77.a")] == ["right", "unanswered", "guessed"]
    said(lesson.begin, example.book, fresh=True)
    assert {row(id_)["state"] for id_ in ("77.1", "77.2", "77.a")} == {"unanswered"}


def test_the_clock_goes_on_in_a_new_kernel(monkeypatch: pytest.MonkeyPatch, said: Any) -> None:
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    said(lesson.begin, example.book)
    now[0] += 90
    said(lesson.check, "77.1", 11)
    assert row("77.1")["minutes"] == 1.5
    calls._sessions.clear()
    now[0] = 5.0  # another boot
    said(lesson.begin, example.book)
    now[0] += 30
    said(lesson.check, "77.3", 1)
    assert row("77.3")["minutes"] == 2.0


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b"{", b"\xff\xfe", b'{"seconds": 1}', b'{"seconds": "x", "records": {}}', b'{"seconds": 1, "records": []}',
        b'{"seconds": 1, "records": {"77.1": {"state": "won", "attempts": 1}}}', b'{"seconds": 1, "records": {"77.1": 3}}',
        b'{"seconds": 1, "records": {"77.1": {"state": "right", "attempts": "x"}}}', b"[" * 100_000, b" " * (1 << 21),
        b'{"seconds": NaN, "records": {"77.1": {"state": "unanswered", "minutes": "x", "answer": {"a": []}}}}',
    ],
)  # fmt: skip
def test_a_broken_file_of_results_is_as_if_it_were_not_there(content: bytes, said: Any) -> None:
    Path("lesson-data").mkdir()
    Path("lesson-data/results-77.json").write_bytes(content)
    said(lesson.begin, example.book)
    assert {row(id_)["state"] for id_ in ("77.1", "77.2", "77.3", "77.a")} == {"unanswered"}
    assert json.loads(Path("lesson-data/results-77.json").read_text(encoding="utf-8"))["lesson"] == "77"


def test_where_nothing_can_be_written_answers_stay_in_memory(said: Any) -> None:
    Path("lesson-data").write_text("a file is in the way", encoding="utf-8")
    shown = said(lesson.begin, example.book)
    assert "results-77.json cannot be written: your answers are kept until this kernel ends." in shown
    said(lesson.check, "77.1", 11)
    said(lesson.begin, example.book)
    assert row("77.1")["state"] == "right"
    Path("lesson-data").unlink()
    said(lesson.check, "77.3", 1)
    assert [path.name for path in Path("lesson-data").iterdir()] == ["results-77.json"]


def test_results_are_a_table_with_a_summary(capsys: pytest.CaptureFixture[str]) -> None:
    lesson.begin(example.book)
    lesson.predict("77.a", 200_000)
    lesson.reveal("77.a")
    lesson.check("77.1", 11)
    lesson.check("77.2", {"x"})
    capsys.readouterr()
    table = lesson.results()
    assert capsys.readouterr().out.startswith(
        "1 of 3 checks is right, 1 is open. 1 of 1 guess was made, 1 within a factor of two. 0.0 minutes"
    )
    assert list(table.columns) == ["id", "kind", "asks", "answer", "truth", "state", "attempts", "minutes"]
    assert table["state"].tolist() == ["right", "wrong", "unanswered", "guessed"]


def test_an_answer_is_written_down_in_a_few_words(said: Any) -> None:
    said(lesson.begin, own_book(pd.DataFrame({"a": [1, 2]})))
    said(lesson.check, "88.1", pd.DataFrame({"a": [2, 1]}))
    assert (row("88.1")["answer"], row("88.1")["truth"]) == ("a table of 2 rows",) * 2
    said(lesson.begin, own_book({"x" * 300: 1}), fresh=True)
    said(lesson.check, "88.1", {"x" * 300: 1})
    assert len(row("88.1")["answer"]) == 200


def test_what_is_shown_is_escaped() -> None:
    from regviz.lesson import display
    from regviz.lesson.state import Session

    book = Book("88", title="<b>", question="<i>?", minutes=1, objectives=("<u>",), prerequisites=("&",))
    html = display.opening(Session(book), again=False).html
    assert "<b>" not in html
    assert "&lt;b&gt;" in html
    assert "<i>" not in html
    assert "<u>" not in html
    assert "<script>" not in display.line("wrong", "<script>", "<script>").html


def test_an_archive_is_laid_out_as_it_is() -> None:
    folder = lesson.lay_out("world-docker-save")
    assert folder == Path("lesson-data/world-docker-save")
    laid = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert laid == files("world-docker-save")
    assert not any(path.is_symlink() for path in folder.rglob("*"))
    (folder / "own.txt").write_text("mine", encoding="utf-8")
    (folder / "manifest.json").unlink()
    assert lesson.lay_out("world-docker-save") == folder
    assert not (folder / "own.txt").exists()
    assert (folder / "manifest.json").is_file()


def test_files_laid_out_have_the_times_of_the_pushes() -> None:
    import tarfile

    folder = lesson.lay_out("world-v1")
    with tarfile.open(archive("world-v1")) as tar:
        times = {member.name: member.mtime for member in tar if member.isfile()}
        folders = {member.name: member.mtime for member in tar if member.isdir()}
    assert {
        path.relative_to(folder).as_posix(): path.stat().st_mtime for path in folder.rglob("*") if path.is_file()
    } == times
    assert {name: (folder / name).stat().st_mtime for name in folders} == folders


def test_what_is_in_the_way_of_laying_out_is_said() -> None:
    Path("lesson-data").write_text("a file is in the way", encoding="utf-8")
    with pytest.raises(
        RegvizError, match=r"world-v1 cannot be laid out in lesson-data.world-v1: .*close what has a file"
    ):
        lesson.lay_out("world-v1")
    with pytest.raises(RegvizError, match=r"no archive that ships is called \.\./x: there are .*world-v1"):
        lesson.lay_out("../x")


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no links here")
def test_a_link_in_the_way_is_removed_and_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x", encoding="utf-8")
    Path("lesson-data").mkdir()
    Path("lesson-data/world-v1").symlink_to(outside)
    lesson.lay_out("world-v1")
    assert [path.name for path in outside.iterdir()] == ["precious"]


def test_an_archive_is_unpacked_once() -> None:
    assert unpacked("world-v1") == unpacked("world-v1")
    assert not unpacked("world-v1").is_relative_to(Path.cwd())
