"""The printable cheat sheet: one tiny image in three storage layouts and in ``docker save``, on one page of A4."""

from __future__ import annotations

import hashlib
import re
import tempfile
import tomllib
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from regviz import __version__
from regviz.lesson.shipped import unpacked
from regviz.read import read
from regviz.text import format_bytes
from regviz.tree import tree
from regviz.world import first_push_world, storage_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from regviz.registry import Registry
    from regviz.tree import Row

_HERE = Path(__file__).parent
_TITLES = {
    "v1": ("Docker Registry v1", "2013 to 2015"),
    "distribution": ("Distribution", "every registry:2 and registry:3, since 2015"),
    "oci": ("OCI image layout", "a folder or an archive, no server"),
    "save": ("docker save", "1.10 to 24"),
}
_IMPORTED = "a base: an imported tar"
_LONGEST_STEP, _SHORTEST_STEP = 48, 18
_CODE = re.compile(r"`([^`]*)`")
_HEX = re.compile(r"\b[0-9a-f]{12,64}\b…?")
_BRIEFLY = [
    (re.compile(pattern), words)
    for pattern, words in (
        (r" \([a-z/]+:[a-z]+\)| for linux/amd64", ""),
        (r"^layer of an image", "layer"),
        (r"^Distribution storage: ", ""),
        (r"^(repository: \d+ tags?|which images are here).*", r"\1"),
        (r"^configuration of an image", "config"),
        (r"^(layer|revision) link: .*", r"\1 link"),
        (r"^→ (\S+) .*", r"→ \1"),
        (r"made \d{4}-\d\d-\d\d, ", ""),
        (r", as engines before 1\.10 know it|, for engines before 1\.10|, kept by the server", ""),
        (r"^what it is: (on|without)", r"what it is; \1"),
    )
]
_SHOWN = 8
"""Digits of a digest: enough to tell the few of one page apart."""


class _Layer(NamedTuple):
    """A layer of the image, by all its names."""

    step: str
    v1: str
    digest: str
    stored: int
    diff_id: str
    unpacked: int
    chain_id: str


class _Image(NamedTuple):
    reference: str
    manifest: str
    config: str
    layers: list[_Layer]

    def marks(self) -> dict[str, str]:
        """What the sheet calls each digest and id, by its digits."""
        names = {self.manifest: "M", self.config: "C"}
        for number, layer in enumerate(self.layers, 1):
            names |= {layer.digest: f"L{number}", layer.diff_id: f"D{number}"}
            names |= {layer.chain_id: f"X{number}"} if number > 1 else {}
            names |= {layer.v1: f"V{number}"}
        return {name.removeprefix("sha256:"): mark for name, mark in names.items()}


def cheatsheet() -> str:
    """The cheat sheet as one HTML page, which loads nothing and prints on one page of A4.

    Its trees and digests are those of the archives ``first-push`` and ``first-push-distribution``, and of the same
    image as an OCI layout and as ``docker save`` writes it.

    Returns
    -------
    str

    Examples
    --------
    >>> page = cheatsheet()
    >>> "Docker Registry v1" in page, "src=" in page
    (True, False)
    """
    with tempfile.TemporaryDirectory() as folder:
        sources = _sources(Path(folder))
        image = _image({name: read(source) for name, source in sources.items()})
        marks = image.marks()
        trees = {name: _tree(source, marks) for name, source in sources.items()}
    facts = tomllib.loads((_HERE / "cheatsheet.toml").read_text(encoding="utf-8"))["row"]
    parts = [
        f"<header><div><h1>One image, where it lies</h1>{_opening(image)}</div>{_digests(image)}</header>",
        '<main><div class="trees">',
        f"<section>{_headed('v1', trees)}</section>",
        f"<section>{_headed('distribution', trees)}</section>",
        f'<section>{_headed("oci", trees)}<div class="second">{_headed("save", trees)}</div></section>',
        f"</div>{_facts(facts)}</main><footer>regviz {__version__}, <code>regviz lesson cheatsheet</code></footer>",
    ]
    style = (_HERE / "cheatsheet.css").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>One image in three storage layouts · regviz</title><style>{style}</style></head>"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _sources(folder: Path) -> dict[str, Path]:
    """The image in each layout: two archives that ship, and two folders."""
    world = first_push_world()
    return {
        "v1": unpacked("first-push") / "registry",
        "distribution": unpacked("first-push-distribution") / "registry",
        "oci": storage_tree(world, "oci").save(folder / "oci"),
        "save": storage_tree(world, "docker-save").save(folder / "save"),
    }


def _image(registries: Mapping[str, Registry]) -> _Image:
    """The image's names, each as the layout that has it says."""
    reg = registries["distribution"]
    tag = reg.tags.to_dict("records")[0]
    manifest = reg.manifests.set_index("manifest").to_dict("index")[tag["manifest"]]
    nodes = reg.layers.fillna({"created_by": _IMPORTED}).set_index("layer").to_dict("index")
    stored = reg.blobs.set_index("blob")["blob_bytes"].to_dict()
    unpacked = registries["save"].blobs.set_index("blob")["blob_bytes"].to_dict()
    v1 = registries["v1"].layers.sort_values("depth")["layer"].tolist()
    places = reg.manifest_layers.sort_values("position").to_dict("records")
    layers = []
    for place, id_ in zip(places, v1, strict=True):
        node = nodes[place["layer"]]
        sizes = int(stored[place["blob"]]), int(unpacked[node["diff_id"]])
        layers.append(
            _Layer(node["created_by"], id_, place["blob"], sizes[0], node["diff_id"], sizes[1], place["layer"])
        )
    return _Image(f"{tag['repository']}:{tag['tag']}", tag["manifest"], manifest["config"], layers)


def _opening(image: _Image) -> str:
    return (
        f"<p>The image <code>{escape(image.reference)}</code> of {len(image.layers)} layers in three storage layouts, "
        "and as <code>docker save</code> writes it. The same letter is the same digest, whether it is a name or what a "
        f"file hashes to: manifest {_named(image.manifest, 'M')}, config {_named(image.config, 'C')}, layers as at the "
        f"right. Digests are SHA-256, cut to {_SHOWN} digits here.</p>"
    )


def _named(digest: str, mark: str) -> str:
    shown = escape(digest.removeprefix("sha256:")[:_SHOWN])
    return f'<span class="{mark[0]}"><code>{shown}</code><b class="mark">{mark}</b></span>'


def _digests(image: _Image) -> str:
    heads = (
        ("Dockerfile step, base first", ""),
        ("v1 id (random)", ""),
        ("layer digest", ""),
        ("bytes", "n"),
        ("diff ID", ""),
        ("bytes", "n"),
        ("chain ID", ""),
    )
    rows = [
        "".join(
            (
                f'<td class="step">{escape(_step(layer.step, _LONGEST_STEP))}</td>',
                f"<td>{_named(layer.v1, f'V{number}')}</td>",
                f"<td>{_named(layer.digest, f'L{number}')}</td>",
                f'<td class="n">{layer.stored:,}</td>',
                f"<td>{_named(layer.diff_id, f'D{number}')}</td>",
                f'<td class="n">{layer.unpacked:,}</td>',
                f"<td>{_named(layer.chain_id, f'X{number}') if number > 1 else f'= D{number}'}</td>",
            )
        )
        for number, layer in enumerate(image.layers, 1)
    ]
    head = "".join(f'<th scope="col" class="{kind}">{name}</th>' for name, kind in heads)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<table class="digests"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _step(created_by: str, longest: int) -> str:
    """An instruction as its Dockerfile had it, short."""
    said = created_by.removeprefix("/bin/sh -c ").removeprefix("#(nop) ")
    said = _HEX.sub(lambda found: found[0][:_SHOWN] + "…", said)
    return said if len(said) <= longest else f"{said[: longest - 1].rstrip()}…"


def _headed(layout: str, trees: Mapping[str, str]) -> str:
    title, note = _TITLES[layout]
    return f"<h2>{title} <small>{note}</small></h2>{trees[layout]}"


def _tree(source: Path, marks: Mapping[str, str]) -> str:
    """A storage as a table: names, bytes, what each is; a file whose bytes hash to a name has that name's mark."""
    lines = []
    for guides, name, row in _lines(list(tree(source, full=True).rows)[1:]):
        shown = _marked(name, marks)
        if row.type == "file":
            mark = marks.get(hashlib.sha256((source / row.path).read_bytes()).hexdigest())
            shown += f' <b class="mark {mark[0]}">{mark}</b>' if mark and f">{mark}<" not in shown else ""
        size = format_bytes(row.bytes) if row.bytes is not None and row.type == "file" else ""
        lines.append(
            f'<tr><td class="name"><i aria-hidden="true">{guides}</i>{shown}</td><td class="n">{size}</td>'
            f'<td class="said">{_marked(_brief(row.explanation, row.path), marks)}</td></tr>'
        )
    return f'<table class="tree"><tbody>{"".join(lines)}</tbody></table>'


def _lines(rows: list[Row]) -> Iterator[tuple[str, str, Row]]:
    """Guides, name and row of each line; a directory with one entry stands in a line with it."""
    above: list[tuple[int, bool]] = []
    at = 0
    while at < len(rows):
        first = row = rows[at]
        while at + 1 < len(rows) and rows[at + 1].depth == row.depth + 1 and rows[at + 1].last:
            at += 1
            row = rows[at]
        while above and above[-1][0] >= first.depth:
            above.pop()
        guides = "".join("   " if last else "│  " for _, last in above[1:])
        guides += ("└─ " if first.last else "├─ ") if above else ""
        above.append((row.depth, first.last))
        name = row.path.split("/")[first.depth - 1 :]
        yield guides, "/".join(name) + ("/" if row.type == "directory" else ""), row
        at += 1


def _brief(explanation: str, path: str) -> str:
    """An explanation in the few words that a sheet on one image needs."""
    for pattern, words in _BRIEFLY:
        explanation = pattern.sub(words, explanation)
    if explanation == "image" and not path.startswith("images/"):
        return "config" if path.endswith(".json") else "manifest"
    what, _, step = explanation.partition(": ")
    if what in ("image", "layer") and step:
        explanation = f"{what}: {_step(step, _SHORTEST_STEP)}"
    return _HEX.sub(lambda found: found[0][:_SHOWN], explanation)


def _marked(text: str, marks: Mapping[str, str]) -> str:
    """A text as HTML, its digests short, and named where the sheet has a name for them."""
    parts, end = [], 0
    for found in re.finditer(r"\b[0-9a-f]{8,64}\b", text):
        mark = next((mark for digits, mark in marks.items() if digits.startswith(found[0])), None)
        parts.append(escape(text[end : found.start()]))
        parts.append(_named(found[0], mark) if mark else escape(found[0][:_SHOWN]))
        end = found.end()
    return "".join(parts) + escape(text[end:])


def _facts(rows: Iterable[Mapping[str, Any]]) -> str:
    body = []
    for row in rows:
        mark = f' <b class="mark {row["mark"]}">{row["mark"]}</b>' if "mark" in row else ""
        cells = "".join(f"<td>{_cell(row[layout])}</td>" for layout in _TITLES)
        kind = ' class="sources"' if row["name"] == "Sources" else ""
        body.append(f'<tr{kind}><th scope="row">{escape(row["name"])}{mark}</th>{cells}</tr>')
    head = "".join(f'<th scope="col" class="{layout}">{title}</th>' for layout, (title, _) in _TITLES.items())
    return (
        f'<table class="facts"><thead><tr><td class="what"></td>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def _cell(said: str | list[str]) -> str:
    lines = [said] if isinstance(said, str) else said
    html = [_CODE.sub(r"<code>\1</code>", escape(line, quote=False)) for line in lines]
    return html[0] if isinstance(said, str) else "".join(f"<div>{line}</div>" for line in html)
