"""What is shown: ``python -m benchmarks.shown NAME …`` makes it in a process of its own, and counts.

The report's notebook runs in a kernel, another process; so memory is that of all of them together, looked at ten times a
second, where what they share counts once.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.work import Counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import networkx as nx

LAYERS = 10_000
"""Of the forest that is drawn."""
_MARKS = 3_000
_BASES, _BRANCHES = 0.02, 0.2
"""Up to which part of the layers stand on none, and on any before them."""
_PAUSE = 0.1


def report(source: str, tags: int) -> None:
    """The report of a storage; `tags` says how many it must tell of."""
    with tempfile.TemporaryDirectory() as folder, _together() as peak:
        began, cpu = time.perf_counter(), _cpu()
        from regviz.report import report as write_report

        page = write_report(source, Path(folder) / "report.html")
        wall, cpu = time.perf_counter() - began, _cpu() - cpu
        text = page.read_text(encoding="utf-8")
    if f"<dd>{tags:,}</dd>" not in text:
        raise SystemExit(f"the report does not tell of {tags:,} tags")
    print(json.dumps({"cpu": cpu, "wall": wall, "peak": peak[0], "output": len(text.encode())}))


def forest(layers: int) -> None:
    """A forest of so many layers, drawn and written as SVG."""
    from regviz.plot import forest as draw
    from regviz.plot.svg import to_svg

    graph = _forest(layers)
    counted = Counted(wall=True)
    with counted:
        axes = draw(graph)
        figure = axes.get_figure(root=True)
        assert figure is not None  # it was drawn a moment ago
        svg = to_svg(figure, title="Layers")
        counted.output = len(svg.encode())
    marks = svg.count("<circle")
    if not 0 < marks <= _MARKS:
        raise SystemExit(f"{marks} marks, not at most {_MARKS}")


def _forest(layers: int) -> nx.DiGraph[str]:
    """It grows as registries do: most layers stand on the last one, some on an earlier one, a few on none."""
    import networkx as nx

    chance = random.Random(1)  # nothing secret
    graph: nx.DiGraph[str] = nx.DiGraph()
    names = [f"{number:064x}" for number in range(layers)]
    for number, name in enumerate(names):
        created_by = f"RUN make part{number}"
        graph.add_node(
            name, bytes=int(chance.lognormvariate(12, 3)), created_by=created_by, tags=(), images=(), depth=1
        )
        place = chance.random()
        if number and place > _BASES:
            graph.add_edge(names[chance.randrange(number)] if place < _BRANCHES else names[number - 1], name)
    for number, name in enumerate(names):
        if not graph.out_degree(name):
            graph.nodes[name].update(tags=(f"team{number % 7}/app{number % 200}:{number}",), images=(name,))
    return graph


def _cpu() -> float:
    """CPU of this process, and of those of its children that ended."""
    import os

    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


@contextmanager
def _together() -> Iterator[list[int]]:
    """Looks how much memory this process and all below it take; the most is the list's one element."""
    import psutil  # type: ignore[import-untyped]  # the kernel's own dependency

    own, peak, done = psutil.Process(), [0], threading.Event()

    def look() -> None:
        while not done.wait(_PAUSE):
            total = 0
            for process in (own, *own.children(recursive=True)):
                try:
                    facts = process.memory_full_info()
                except psutil.Error:  # it ended
                    continue
                total += getattr(facts, "pss", facts.uss)
            peak[0] = max(peak[0], total)

    watching = threading.Thread(target=look)
    watching.start()
    try:
        yield peak
    finally:
        done.set()
        watching.join()


def main() -> None:
    words = argparse.ArgumentParser(prog="python -m benchmarks.shown")
    names = words.add_subparsers(dest="name", required=True)
    reporting = names.add_parser("report")
    reporting.add_argument("source")
    reporting.add_argument("tags", type=int)
    names.add_parser("forest").add_argument("layers", type=int)
    given = vars(words.parse_args())
    globals()[given.pop("name")](**given)


if __name__ == "__main__":
    main()
