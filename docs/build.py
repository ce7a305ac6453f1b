"""Write ``sources.md`` from what regviz declares, or check that it is that.

``python docs/build.py`` writes it, ``python docs/build.py --check`` compares and says so by its exit code.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from regviz.knowledge import EVIDENT, Kind, answers, kinds
from regviz.schema import TABLES

TARGET = Path(__file__).parent / "sources.md"
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


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *(":-:" for _ in head[1:])], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where it differs")
    if not parser.parse_args().check:
        TARGET.write_text(page(), encoding="utf-8")
        return 0
    if TARGET.is_file() and TARGET.read_text(encoding="utf-8") == page():
        return 0
    print(f"{TARGET} is not what docs/build.py makes; run python docs/build.py")
    return 1


if __name__ == "__main__":
    sys.exit(main())
