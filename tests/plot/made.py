"""Answers made by hand or by chance, for the figures to draw."""

from __future__ import annotations

import random
from typing import Any

import networkx as nx
import pandas as pd

STRANGE = (
    "日本/図書館",
    "עברית/ספרייה",
    "العربية/مكتبة",
    "größe/straße",
    "emoji/🚀🚀",
    "zalgo/a\u0301\u0302\u0303\u0304\u0305",
    "a$x^2$/b",
    "<script>alert(1)</script>/&amp;",
    "]]>/--><!--",
    "dots…/…",
    "back\\slash/\x1b[31m\x00\u202e",
    "new\nline/\ttab",
)
LONG = tuple(f"team/{'a' * 200}-service-{place}-{'b' * 40}" for place in ("east", "north", "west")) + (
    "x" * 255,
    "y" * 255,
    "W" * 255,
)


def sizes_table(
    rows: list[tuple[str, int, int, int]], grain: str = "repository", reached: int | None = None
) -> pd.DataFrame:
    """Rows of key, exclusive, shared, amortised."""
    table = pd.DataFrame(
        {
            grain: pd.Series([key for key, *_ in rows], dtype="str"),
            "exclusive_bytes": pd.Series([row[1] for row in rows], dtype="Int64"),
            "shared_bytes": pd.Series([row[2] for row in rows], dtype="Int64"),
            "amortised_bytes": pd.Series([row[3] for row in rows], dtype="Int64"),
        }
    )
    total = sum(row[3] for row in rows) if reached is None else reached
    table.attrs |= {"grain": grain, "tagged_bytes": total, "reached_bytes": total}
    return table


def many_sizes(names: list[str], seed: int = 0) -> pd.DataFrame:
    """Sizes as real registries have them: a few large, many small."""
    draw = random.Random(seed)
    rows = []
    for name in names:
        exclusive, shared = (int(draw.lognormvariate(16, 3)) for _ in range(2))
        rows.append((name, exclusive, shared, exclusive + draw.randint(0, shared)))
    return sizes_table(sorted(rows, key=lambda row: -row[1]))


def layer_table(lengths: list[int], tags: list[int] | None = None, present: list[bool] | None = None) -> pd.DataFrame:
    count = len(lengths)
    return pd.DataFrame(
        {
            "blob": pd.Series([f"sha256:{number:064x}" for number in range(count)], dtype="str"),
            "blob_bytes": pd.Series(lengths, dtype="Int64"),
            "present": pd.Series([True] * count if present is None else present, dtype="boolean"),
            "tags": pd.Series([1] * count if tags is None else tags, dtype="Int64"),
        }
    )


def tag_table(contents: dict[tuple[str, str], dict[str, list[tuple[str, int]]]]) -> pd.DataFrame:
    """Tags with their images, and those with layers and their bytes; None is a layer that is not there."""
    rows: list[dict[str, Any]] = []
    for (repository, tag), images in contents.items():
        for image, layers in images.items():
            named = {"repository": repository, "tag": tag, "manifest": image, "image": image, "kind": "image"}
            named["platform"] = "linux/amd64"
            if not layers:
                rows.append(named)
            for position, (layer, size) in enumerate(layers):
                more = {"position": position, "layer": layer, "blob": layer, "blob_bytes": size, "present": size >= 0}
                rows.append({**named, **more})
    names = ["repository", "tag", "manifest", "image", "kind", "platform", "layer", "blob"]
    table = pd.DataFrame(rows, columns=[*names[:6], "position", *names[6:], "blob_bytes", "present"])
    return table.astype(
        dict.fromkeys(names, "str") | {"position": "Int64", "blob_bytes": "Int64", "present": "boolean"}
    )


def random_tags(names: list[str], tags: int, seed: int = 0) -> pd.DataFrame:
    """Tags of images on a few shared bases."""
    draw = random.Random(seed)
    bases = [
        [(f"sha256:{base:02x}{layer:062x}", int(draw.lognormvariate(17, 2))) for layer in range(5)] for base in range(6)
    ]
    contents: dict[tuple[str, str], dict[str, list[tuple[str, int]]]] = {}
    for number in range(tags):
        own = [(f"sha256:ff{number:031x}{layer:031x}", int(draw.lognormvariate(14, 3))) for layer in range(3)]
        image = f"sha256:{number:064x}"
        contents[names[number % len(names)], f"1.{number}"] = {image: [*draw.choice(bases), *own]}
    return tag_table(dict(sorted(contents.items())))


def random_forest(layers: int, names: list[str], seed: int = 0) -> nx.DiGraph[Any]:
    """A layer graph that grows as registries do: most layers on the last one, some on an earlier one, a few on none."""
    draw = random.Random(seed)
    graph: nx.DiGraph[Any] = nx.DiGraph()
    last = -1
    for number in range(layers):
        chance = draw.random()
        parent = -1 if number == 0 or chance < 0.02 else draw.randrange(number) if chance < 0.2 else last
        key = f"sha256:{number:064x}"
        graph.add_node(
            key,
            bytes=None if draw.random() < 0.01 else int(draw.lognormvariate(12, 4)),
            created_by=draw.choice(["RUN make all", f"COPY {draw.choice(names)} /srv", "", None]),
            created=None,
            depth=1,
            empty=False,
            images=(),
            tags=(),
        )
        if parent >= 0:
            graph.add_edge(f"sha256:{parent:064x}", key)
        last = number
    for key in graph:
        if graph.out_degree(key) == 0 and draw.random() < 0.9:
            repository = draw.choice(names)
            graph.nodes[key].update(tags=(f"{repository}:1.0", f"{repository}:latest"), images=(key,))
    return graph
