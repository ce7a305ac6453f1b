"""The pictures of the README: those that are committed are what the command draws."""

from __future__ import annotations

import html
import re
import runpy
import subprocess
import sys

from tests.conftest import ROOT

FOLDER = ROOT / "docs" / "pictures"
MOST = 60_000


def test_the_pictures_are_those_that_the_command_draws() -> None:
    check = subprocess.run(
        [sys.executable, ROOT / "docs" / "pictures.py", "--check"], check=False, capture_output=True, text=True
    )
    assert check.returncode == 0, check.stdout + check.stderr


def test_each_is_drawn_the_same_each_time() -> None:
    pictures = runpy.run_path(str(ROOT / "docs" / "pictures.py"))["pictures"]
    assert pictures() == pictures()


def test_the_readme_shows_each_and_says_what_it_finds() -> None:
    shown = dict(
        reversed(found)
        for found in re.findall(r"!\[(.+?)\]\(docs/pictures/(.+?)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    )
    assert set(shown) == {path.name for path in FOLDER.iterdir()}
    for name, words in shown.items():
        svg = (FOLDER / name).read_text(encoding="utf-8")
        title = re.search("<title[^>]*>(.+?)</title>", svg)
        assert title is not None
        assert words.startswith(f"{html.unescape(title[1])}: ")
        assert len(svg) < MOST
        assert "var(" not in svg  # a README is no page of ours
