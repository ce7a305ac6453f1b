"""Images as stacks of layers, made ready for figures: what each stands on, and what several have is one cell."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from regviz.plot.labels import ELLIPSIS, drawable, instruction
from regviz.plot.marks import Mark
from regviz.text import count_noun, format_bytes, short_digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

_NAMED = 12
_LONGEST = 2000
_HASH = re.compile(r"\b[0-9a-z]+:[0-9a-f]{64}\b")
_HEX = 64


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of one image.

    Attributes
    ----------
    row : int
        Of the comparison: layers of several images that go together are one row.
    blob : str
        Empty where it has none that is known.
    bytes : int, optional
    match : str
        What the layers of its row have in common.
    made_by : str
    shared : bool
        Whether another image of the table has the blob too, on whatever layers.
    absent : bool
        Whether the blob does not lie in the registry.
    """

    row: int
    blob: str
    bytes: int | None
    match: str
    made_by: str
    shared: bool
    absent: bool


@dataclass(frozen=True, slots=True)
class Image:
    """An image of a comparison.

    Attributes
    ----------
    number : int
        Its place among the images of the table, from 0.
    reference, name : str
        As it was asked for; as it is drawn, with its source where there are several.
    repository : str
        Empty where it was asked for by a digest.
    bytes, shared : int
        Of its distinct blobs; of those that another image of the table has too.
    layers : tuple of Layer
        The base first.
    """

    number: int
    reference: str
    name: str
    repository: str
    bytes: int
    shared: int
    layers: tuple[Layer, ...]


@dataclass(slots=True)
class Run:
    """Layers that lie on each other in the same images: a cell, if it is one layer, or small ones together.

    Attributes
    ----------
    images : tuple of int
        Places among the images that were put in order, side by side.
    layers : list of Layer
    below : int
        The run it stands on; -1 for none.
    """

    images: tuple[int, ...]
    layers: list[Layer] = field(default_factory=list)
    below: int = -1

    @property
    def bytes(self) -> int | None:
        """Of its layers; None where those of none are known."""
        known = [layer.bytes for layer in self.layers if layer.bytes is not None]
        return sum(known) if known else None

    @property
    def shared(self) -> bool:
        """Whether other images have all of its blobs too."""
        return all(layer.shared for layer in self.layers)

    @property
    def there(self) -> bool:
        """Whether its blobs lie in the registry, and their bytes are known."""
        return self.bytes is not None and not any(layer.absent for layer in self.layers)

    @property
    def match(self) -> str:
        """How its layers go together with others that do not have its blobs: ``diff_id``, ``instruction``, ``none``."""
        kinds = {layer.match for layer in self.layers}
        return kinds.pop() if len(kinds) == 1 and kinds <= {"diff_id", "instruction"} else "none"


def images_of(table: pd.DataFrame) -> list[Image]:
    """The images of an answer of :func:`regviz.analysis.compare_images`."""
    records = table.attrs["images"]
    sources, absent = {record["source"] for record in records}, set(table.attrs.get("absent", ()))

    def column(name: str) -> list[Any]:
        return list(table[name].astype(object).where(table[name].notna(), None))

    said = list(zip(column("match"), column("created_by"), strict=True))
    cells = [
        list(zip(*(column(f"{name}_{number}") for name in ("position", "blob", "bytes")), strict=True))
        for number in range(1, len(records) + 1)
    ]
    owners = Counter(blob for image in cells for blob in {str(blob) for _, blob, _ in image if blob})
    stacks = [
        tuple(
            Layer(
                row,
                str(blob or ""),
                size,
                str(match),
                bounded(str(made_by or "")),
                owners[str(blob)] > 1,
                blob in absent,
            )
            for row, ((match, made_by), (position, blob, size)) in enumerate(zip(said, image, strict=True))
            if position is not None
        )
        for image in cells
    ]
    found = []
    for number, (record, stack) in enumerate(zip(records, stacks, strict=True)):
        shared = sum({layer.blob: layer.bytes or 0 for layer in stack if layer.shared}.values())
        name = reference_text(record["reference"])
        if len(sources) > 1:
            name = f"{name} ({PurePosixPath(record['source']).name})"
        repository = repository_of(record["reference"])
        size = int(record["layer_bytes"])
        found.append(Image(number, record["reference"], drawable(name), repository, size, shared, stack))
    return found


def reference_text(reference: str) -> str:
    """A reference as a figure shows it.

    Examples
    --------
    >>> reference_text("team/web:1.0"), reference_text("sha256:" + "1a2b3c4d5e6f" + "0" * 52)
    ('team/web:1.0', 'sha256:1a2b3c4d5e6f')
    """
    encoded = reference.rpartition(":")[2]
    return short_digest(reference) if len(encoded) == _HEX and reference != encoded else reference


def repository_of(reference: str) -> str:
    """The repository of ``repository:tag``; nothing of a digest.

    Examples
    --------
    >>> repository_of("localhost:5000/web:1.0"), repository_of("sha256:" + "0" * 64)
    ('localhost:5000/web', '')
    """
    head, _, tail = reference.rpartition(":")
    return "" if "/" in tail or len(tail) == _HEX else head.partition("@")[0]


def in_order(images: Sequence[Image]) -> list[Image]:
    """Images so that those that stand on the same layers are side by side.

    It is the order of the trie of their stacks: what has a beginning in common touches. Branches whose next layers
    go together in another way (by diff ID or by instruction) are neighbours too; where there is a choice, what more
    images stand on comes first, then what has more bytes.
    """
    found: list[Image] = []
    ahead: list[tuple[list[Image], int]] = [(list(images), 0)]
    while ahead:
        group, depth = ahead.pop()
        found += [image for image in group if len(image.layers) == depth]
        branches: dict[tuple[int, str], list[Image]] = {}
        for image in group:
            if len(image.layers) > depth:
                branches.setdefault(_key(image, depth), []).append(image)
        rows: dict[int, list[Image]] = {}
        for (row, _), members in branches.items():
            rows.setdefault(row, []).extend(members)
        weight = {row: _weight(members) for row, members in rows.items()}
        ahead += sorted(
            ((members, depth + 1) for members in branches.values()),
            key=lambda branch: (weight[branch[0][0].layers[depth].row], _weight(branch[0])),
        )
    return found


def _weight(images: Sequence[Image]) -> tuple[int, int, int]:
    return len(images), sum(image.bytes for image in images), -min(image.number for image in images)


def _key(image: Image, depth: int) -> tuple[int, str]:
    layer = image.layers[depth]
    return layer.row, layer.blob or f"#{image.number}"


def runs_of(images: Sequence[Image], least: int = 0, *, mixed: bool = False) -> list[Run]:
    """The cells of images that were put in order; each stands on one before it in the list.

    Parameters
    ----------
    images : sequence of Image
    least : int
        Layers of fewer bytes than that are one run with their like next to them in the same images.
    mixed : bool
        Whether what is shared and what is not may be one run.
    """
    runs: list[Run] = []
    ahead: list[tuple[tuple[int, ...], int, int]] = [(tuple(range(len(images))), 0, -1)]
    while ahead:
        group, depth, below = ahead.pop()
        branches: dict[tuple[int, str], list[int]] = {}
        for at in group:
            if len(images[at].layers) > depth:
                branches.setdefault(_key(images[at], depth), []).append(at)
        for members in branches.values():
            layer, together, place = images[members[0]].layers[depth], tuple(members), below
            if below >= 0 and runs[below].images == together and _one_run(runs[below].layers[-1], layer, least, mixed):
                runs[below].layers.append(layer)
            else:
                place = len(runs)
                runs.append(Run(together, [layer], below))
            ahead.append((together, depth + 1, place))
    return runs


def _one_run(one: Layer, other: Layer, least: int, mixed: bool) -> bool:  # noqa: FBT001  # named where it comes from
    small = max(one.bytes or 0, other.bytes or 0) < least
    return small and (mixed or (one.shared, one.absent) == (other.shared, other.absent))


def runs_that_fit(images: Sequence[Image], most: int) -> tuple[list[Run], int]:
    """Runs of which at most so many lie on each other; and the bytes below which layers were put together, or 0."""
    runs = runs_of(images)
    if deepest(runs) <= most:
        return runs, 0
    sizes = sorted({(layer.bytes or 0) + 1 for image in images for layer in image.layers})
    mixed = deepest(runs_of(images, sizes[-1])) > most
    low, high = 0, len(sizes) - 1
    while low < high:
        middle = (low + high) // 2
        fits = deepest(runs_of(images, sizes[middle], mixed=mixed)) <= most
        low, high = (low, middle) if fits else (middle + 1, high)
    return runs_of(images, sizes[low], mixed=mixed), sizes[low]


def deepest(runs: Sequence[Run]) -> int:
    """How many runs lie on each other at most."""
    depth: list[int] = []
    for run in runs:
        depth.append(1 + (depth[run.below] if run.below >= 0 else 0))
    return max(depth, default=0)


def run_words(run: Run) -> tuple[str, str]:
    """What stands in a cell: what made it, and its bytes."""
    size = format_bytes(run.bytes) if run.bytes is not None else "size unknown"
    if len(run.layers) > 1:
        return count_noun(len(run.layers), "small layer"), size
    return made_by_text(run.layers[0].made_by) or short_digest(run.layers[0].blob), size


def made_by_text(created_by: str | None) -> str:
    """An instruction as a figure shows it, the hashes in it as short as digests are.

    Examples
    --------
    >>> made_by_text("/bin/sh -c #(nop) COPY file:" + "0a1b2c3d4e5f" + "0" * 52 + " in /srv ")
    'COPY file:0a1b2c3d4e5f in /srv'
    """
    return drawable(_HASH.sub(lambda found: short_digest(found[0]), instruction(bounded(created_by or ""))))


def bounded(text: str) -> str:
    """A text that may be as long as a configuration, as long as anybody reads."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + ELLIPSIS


def run_mark(run: Run, images: Sequence[Image], said: str, series: str) -> Mark:
    """What is said of a cell in a page that can explore.

    Parameters
    ----------
    run : Run
    images : sequence of Image
        In the order in which they are drawn.
    said : str
        How its layers match those of other images.
    series : str
        That of the marks, of which one is below it.
    """
    owners = [images[at] for at in run.images]
    lines = [
        f"{instruction(layer.made_by) or 'a layer'}, {exact(layer.bytes)}{', not there' * layer.absent}"
        for layer in run.layers[:_NAMED]
    ]
    lines += [f"and {count_noun(len(run.layers) - _NAMED, 'more layer')}"] if len(run.layers) > _NAMED else []
    lines += [run.layers[0].blob] if len(run.layers) == 1 and run.layers[0].blob else []
    named = ", ".join(image.reference for image in owners[:_NAMED])
    lines.append(f"in {named}" + (f" and {len(owners) - _NAMED} more" if len(owners) > _NAMED else ""))
    lines += [said] if said else []
    words = [layer.blob for layer in run.layers if layer.blob] + [layer.made_by for layer in run.layers]
    return Mark(
        "\n".join(lines),
        tuple(dict.fromkeys(image.repository for image in owners if image.repository)),
        tuple(dict.fromkeys([*(image.reference for image in owners), *filter(None, words)])),
        ((series, run.below),) if run.below >= 0 else (),
    )


def exact(count: int | None) -> str:
    """Bytes as a person reads them, and to the byte.

    Examples
    --------
    >>> exact(1536), exact(None), exact(12)
    ('1.50 KiB (1,536 bytes)', 'size unknown', '12 B')
    """
    if count is None:
        return "size unknown"
    return f"{format_bytes(count)} ({count:,} bytes)" if count >= 1 << 10 else format_bytes(count)
