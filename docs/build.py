"""Write ``sources.md``, and the tables of ``teaching.md``, from what regviz declares, or check that they are that.

What ships of ``teaching.md``, in ``data/``, is made of it.

``python docs/build.py`` writes them, ``python docs/build.py --check`` compares and says so by its exit code.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from regviz.knowledge import EVIDENT, Kind, answers, kinds
from regviz.lesson import books, paths
from regviz.schema import TABLES

if TYPE_CHECKING:
    from regviz.lesson.book import Book

TARGET = Path(__file__).parent / "sources.md"
TEACHING = Path(__file__).parent / "teaching.md"
SHIPPED = Path(__file__).parents[1] / "data" / "teaching.md"
HEAD = """\
# What each kind of source can know

Every source ends in the same tables, and none knows everything. Made by `docs/build.py` from `regviz/knowledge.toml`,
which `tests/test_knowledge.py` holds readers to.

- ● it can be known; it is NA still where a registry has nothing of the kind
- ◐ a folder tells it, an archive does not
- – it is never known: NA

A capture knows what the source it was made from knew. `problems` every source can have. An archive of `docker save` of
25 and later is an OCI layout too, and is read as one.
"""
ANSWERS = """\
## Answers

- ● it is answered
- – it raises `NotKnowableError`, which names a kind of source that could

What an answer needs and its source does not know, as the tables above have it, is NA in it, and never 0. The table
`storage` of a capture is what it was made with: one that was made with `--measure` is reconciled too.
"""


def mark(kind: Kind, column: str) -> str:
    """How it stands with a column."""
    if column in kind.unknown:
        return "–"
    return "◐" if column in kind.only_folders else "●"


def page() -> str:
    """The whole document."""
    shown = [kind for kind in kinds().values() if not kind.as_its_source]
    parts = [HEAD]
    for name, table in TABLES.items():
        if name not in EVIDENT:
            rows = [[f"`{c.name}`", *(mark(kind, f"{name}.{c.name}") for kind in shown)] for c in table.columns]
            parts.append(f"## {name}\n\n{_table(['', *(kind.what for kind in shown)], rows)}")
    every = [*kinds().values()]
    rows = [
        [", ".join(f"`{way}`" for way in ways.split(", ")), *("–" if name in kind.refuses else "●" for kind in every)]
        for ways, name in answers().items()
    ]
    parts.append(f"{ANSWERS}\n{_table(['', *(kind.what for kind in every)], rows)}")
    return "\n".join(parts)


def teaching(text: str) -> str:
    """The notes for who teaches, with the tables of what the lessons say of themselves."""
    found = [_book(number) for number in books.numbers()]
    rows = [[book.number, book.title, book.question, str(book.minutes)] for book in found]
    tables = {"lessons": _table(["lesson", "title", "question", "minutes"], rows, "---")}
    tables |= {f"path {path}": _path(path) for path in paths.PATHS}
    for name, table in tables.items():
        before, mark, rest = text.partition(f"<!-- {name} -->\n")
        text = f"{before}{mark}{table}{rest[rest.index('<!-- end -->') :]}"
    return text


def printed(notes: str) -> str:
    """The notes without the marks around their tables."""
    return "".join(line for line in notes.splitlines(keepends=True) if not line.startswith("<!-- "))


def _path(path: str) -> str:
    """The sections of a path, in order, and their minutes together."""
    taken = [(name[:2], one) for name, sections in paths.steps(path).items() for one in sections]
    rows = [[number, one.heading, str(one.minutes)] for number, one in taken]
    total = sum(one.minutes or 0 for _, one in taken)
    return _table(["lesson", "section", "minutes"], [*rows, ["", "together", str(total)]], "---")


def _book(number: str) -> Book:
    book = books.find(number)
    if book is None:
        raise SystemExit(f"lesson {number} has no book")
    return book


def _table(head: list[str], rows: list[list[str]], align: str = ":-:") -> str:
    lines = [head, ["---", *(align for _ in head[1:])], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where it differs")
    check = parser.parse_args().check
    stale = 0
    notes = teaching(TEACHING.read_text(encoding="utf-8"))
    for path, made in ((TARGET, page()), (TEACHING, notes), (SHIPPED, printed(notes))):
        if not check:
            path.write_text(made, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != made:
            stale = 1
            print(f"{path} is not what docs/build.py makes; run python docs/build.py")
    return stale


if __name__ == "__main__":
    sys.exit(main())
