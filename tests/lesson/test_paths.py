"""The two shorter ways through the lessons: what they take, how long, and that they can be walked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from regviz.errors import RegvizError
from regviz.lesson import books, forms, paths
from tests.conftest import ROOT

LESSONS = {"45": ["01", "05"], "90": ["00", "01", "03", "05"]}


@pytest.mark.parametrize("path", paths.PATHS)
def test_a_path_takes_these_lessons_and_no_more_minutes_than_it_says(path: str) -> None:
    taken = paths.steps(path)
    assert [name[:2] for name in taken] == LESSONS[path]
    minutes = [section.minutes for sections in taken.values() for section in sections]
    assert None not in minutes
    assert int(path) * 3 // 4 <= sum(minutes) <= int(path)


@pytest.mark.parametrize("name", forms.names())
def test_the_sections_of_a_lesson_take_no_more_than_the_lesson(name: str) -> None:
    book = books.find(name[:2])
    assert book is not None
    found = paths.sections(nbformat.read(forms.path_of(name), as_version=4))
    minutes = sum(section.minutes or 0 for section in found)
    assert book.minutes * 2 // 3 <= minutes <= book.minutes
    assert set().union(*(section.paths for section in found)) <= set(paths.PATHS)
    assert all(section.minutes for section in found if section.paths)


@pytest.mark.parametrize("path", paths.PATHS)
def test_a_path_can_be_walked_and_its_checks_answered(path: str, tmp_path: Path) -> None:
    """Exactly the cells of its sections run, in order: none needs what a section that is left out would have made."""
    script = Path(__file__).with_name("walking.py")
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    environment.pop("REGVIZ_SOURCE", None)
    command = [sys.executable, str(script), path, str(tmp_path)]
    ran = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, encoding="utf-8")
    assert ran.returncode == 0, ran.stderr[-3000:]
    said = json.loads(ran.stdout.splitlines()[-1])
    assert list(said) == list(paths.steps(path))
    for name, one in said.items():
        state = {row["id"]: row["state"] for row in one["results"]}
        asked = {id_: state[id_] for id_ in one["asked"]}
        assert set(asked.values()) <= {"right", "guessed"}, name
        assert {"right", "guessed"} <= set(asked.values()), name
        assert {row["state"] for row in one["results"] if row["id"] not in asked} <= {"unanswered"}


def test_a_path_that_there_is_not_is_said() -> None:
    with pytest.raises(RegvizError, match="no path of 30 minutes: there are those of 45 and 90"):
        paths.steps("30")


def test_notebooks_of_a_path_are_written_once(tmp_path: Path) -> None:
    made = paths.write("45", tmp_path / "class")
    assert [path.name[:2] + path.stem[-3:] for path in made] == [f"{number}-45" for number in LESSONS["45"]]
    for path, (name, taken) in zip(made, paths.steps("45").items(), strict=True):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        headings = [one.heading for one in paths.sections(notebook) if one.minutes and one.paths]
        assert headings == [one.heading for one in taken]
        assert len(notebook.cells) < len(nbformat.read(forms.path_of(name), as_version=4).cells)
        assert notebook.cells[0].source.startswith("# ")
    with pytest.raises(RegvizError, match="is there already, perhaps with answers; give another folder"):
        paths.write("45", tmp_path / "class")
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    with pytest.raises(RegvizError, match=r"cannot be written: .*; give another folder"):
        paths.write("90", blocked)
