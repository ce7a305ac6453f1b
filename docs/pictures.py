"""Draw the pictures of README.md, of the small registry that ships, or check that they are those.

``python docs/pictures.py`` writes them, ``python docs/pictures.py --check`` compares and says so by its exit code.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import regviz as rv
from regviz import share
from regviz.plot.saving import figure_file

FOLDER = Path(__file__).parent / "pictures"


def pictures() -> dict[str, bytes]:
    """Each file with its content."""
    reg = rv.read(share.shipped_world(), measure=True)
    drawn = {
        "sizes": rv.plot.sizes(rv.sizes(reg)),
        "reconcile": rv.plot.reconcile(rv.reconcile(reg)),
        "forest": rv.plot.forest(reg.layer_graph()),
        "grid": rv.plot.grid(rv.compare_images(reg)),
        "what-if-curve": rv.plot.what_if_curve(rv.what_if_curve(reg)),
    }
    return {f"{name}.svg": figure_file(axes, "svg") for name, axes in drawn.items()}


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where one differs")
    is_check, made = parser.parse_args().check, pictures()
    there = {path.name: path.read_bytes() for path in FOLDER.glob("*.svg")}
    if is_check:
        differing = sorted(name for name in {*made, *there} if made.get(name) != there.get(name))
        if differing:
            print(f"not what docs/pictures.py draws: {', '.join(differing)}; run make pictures")
        return bool(differing)
    FOLDER.mkdir(exist_ok=True)
    for name in {*there} - {*made}:
        (FOLDER / name).unlink()
    for name, content in made.items():
        (FOLDER / name).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
