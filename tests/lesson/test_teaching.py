"""The notes for who teaches: they name every lesson, and their minutes are those of the lessons."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from regviz.cli.app import main
from regviz.cli.learn import lesson as group
from regviz.lesson import books, paths
from regviz.lesson.notes import notes
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
LESSONS = [f"{number:02}" for number in range(11)]


def rows(after: str) -> list[list[str]]:
    """The rows of the first table after some words."""
    lines = PAGE.partition(after)[2].splitlines()
    first = next(at for at, line in enumerate(lines) if line.startswith("|"))
    found = []
    for line in lines[first:]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found[2:]


def test_the_notes_say_of_every_lesson_where_learners_stumble() -> None:
    section = PAGE.partition("## Where learners stumble")[2].partition("\n## ")[0]
    assert re.findall(r"(?m)^### Lesson (\d\d)$", section) == LESSONS
    said = re.split(r"(?m)^### Lesson \d\d$", section)[1:]
    assert all(len(text.split()) > 30 for text in said)


def test_the_table_of_lessons_has_their_minutes() -> None:
    told = {number: (title, minutes) for number, title, _, minutes in rows("<!-- lessons -->")}
    every = {number: books.find(number) for number in books.numbers()}
    assert told == {number: (book.title, str(book.minutes)) for number, book in every.items() if book}


@pytest.mark.parametrize("path", paths.PATHS)
def test_the_minutes_of_a_path_add_up_and_fit(path: str) -> None:
    *sections, total = rows(f"<!-- path {path} -->")
    minutes = [int(minutes) for _, _, minutes in sections]
    assert total[1:] == ["together", str(sum(minutes))]
    assert sum(minutes) <= int(path)
    taken = [(name[:2], one.heading, one.minutes) for name, some in paths.steps(path).items() for one in some]
    assert [(number, heading, int(minutes)) for number, heading, minutes in sections] == taken


def test_every_lesson_has_exercises_in_three_grades() -> None:
    told = rows("## Exercises")
    assert [row[0] for row in told] == LESSONS
    assert all(len(row) == 4 and all(row) for row in told)


def test_what_is_printed_is_the_page_without_its_marks() -> None:
    printed = notes()
    assert "<!--" not in printed
    assert printed == "".join(line for line in PAGE.splitlines(keepends=True) if not line.startswith("<!--"))


def test_the_commands_for_who_teaches(tmp_path: Path) -> None:
    asked = CliRunner()
    printed = asked.invoke(main, ["lesson", "notes"])
    assert (printed.exit_code, printed.output) == (0, notes())
    written = asked.invoke(main, ["lesson", "path", "45", "-o", str(tmp_path / "class")])
    assert written.exit_code == 0, written.output
    assert [Path(line).is_file() for line in written.output.splitlines()] == [True, True]
    again = asked.invoke(main, ["lesson", "path", "45", "-o", str(tmp_path / "class")])
    assert again.exit_code == 1
    assert again.output.startswith("regviz: ")


def test_pages_and_commands_that_the_notes_name_are_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / target).is_file(), target
    for name in re.findall(r"`lesson\.(\w+)\(", PAGE):
        from regviz import lesson

        assert callable(getattr(lesson, name))
    named = set(re.findall(r"`regviz lesson ([a-z]+)", PAGE)) | set(
        re.findall(r"(?m)^    regviz lesson ([a-z]+)", PAGE)
    )
    assert {"collect", "notes", "path"} < named <= set(group.commands)
