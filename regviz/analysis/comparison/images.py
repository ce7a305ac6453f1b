"""Images on one grid of layers."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.analysis.accounting import basis_of
from regviz.analysis.comparison.align import Rows, align
from regviz.analysis.comparison.chosen import chosen_images
from regviz.analysis.comparison.stacks import stack_of, stacks
from regviz.analysis.comparison.verdict import match, verdict
from regviz.analysis.lineage.forest import forest
from regviz.errors import RegvizError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from regviz.analysis.comparison.stacks import Stack, Step
    from regviz.analysis.lineage.forest import Forest
    from regviz.registry import Registry

    Cells = dict[int, Step]


def compare_images(
    reg: Registry, images: Sequence[str | tuple[Registry, str]] | None = None, *, platform: str | None = None
) -> pd.DataFrame:
    """Two images or more, layer by layer, on one grid.

    Parameters
    ----------
    reg : Registry
    images : sequence of str or (Registry, str), optional
        At least two, as :meth:`Registry.resolve` takes them; with a Registry before it, one of that. Left out: at most
        24 that tags reach, each once, of each repository its largest, then its second largest, and so on; of a registry
        that has fewer than two, those.
    platform : str, optional
        Which image of an index is meant (``linux/arm64``). Otherwise one platform that all have, ``linux/amd64``
        before others; who names a single image has no choice, and decides for the others.

    Returns
    -------
    pandas.DataFrame
        One row for each layer; what goes together lies in one row. The order is that of every image, the base first.

        match
            What the layers of the row have in common: ``digest`` (the same bytes), ``diff_id`` (the same content,
            compressed otherwise), ``instruction`` (made by the same command, and other content); ``none``: only one
            image has it.
        created_by
            What made the layer, as the first image says that has it and says so.
        position_1, position_2, …
            Its position in each image's stack, 0 at the base; NA where the image has no such layer.
        bytes_1, bytes_2, …
            Bytes of the blob that holds it there (its length, stored or declared).
        empty
            Whether the layer changes nothing.
        blob_1, blob_2, …
            That blob.

        ``attrs["images"]`` has a record of each image: ``reference``, ``source``, ``manifest``, ``platform``,
        ``layers``, ``layer_bytes`` (distinct blobs), ``verdict`` (None of the first). ``attrs`` has ``shared_bytes``
        (distinct blobs that all of them have), ``distinct_bytes`` (that any has) and ``verdicts``: one for each image
        after the first, on how it came from the one before; ``basis``: whether the bytes are those of ``compressed`` or
        ``uncompressed`` layers, or ``mixed``; ``absent``: blobs that are known not to lie in the registry; and
        ``others``, how many tagged images there are besides those that were chosen here, 0 where they were named.
        :data:`regviz.analysis.comparison.verdict.VERDICTS` says what each verdict means,
        :func:`regviz.analysis.comparison.verdict.verdict` by which rules.

    Raises
    ------
    RegvizError
        Fewer than two images were named, a reference that is none, or an index without an image for the platform.

    Notes
    -----
    Each image is put on the grid of those before it by the alignment that keeps the order of both and whose matches
    weigh most (:func:`regviz.analysis.comparison.align.align`). Instructions are compared as they are written, but for
    the hash of what was copied, which is another whenever the content is.

    Examples
    --------
    The second was built from the same steps, its last with other files::

        match         created_by     position_1  position_2  bytes_1  bytes_2
        digest        ADD rootfs /            0           0      100      100
        instruction   COPY app /              1           1       20       21   → rebuilt; shared_bytes 100

    >>> import regviz as rv
    >>> table = compare_images(rv.read(), ["team/web:1.0", "team/web:1.1"])
    >>> table.attrs["verdicts"]
    ['rebuilt']
    """
    import pandas as pd

    compared, others = _compared(reg, images, platform)
    coded = _coded(compared)
    grid = _grid(compared, coded) if compared else []
    count = len(compared)
    cells = [[row.get(image) for row in grid] for image in range(count)]
    first = [next(iter(row.values())) for row in grid]
    made: dict[str, Any] = {
        "match": pd.Series([match([*row.values()]) for row in grid], dtype="str"),
        "created_by": pd.Series(
            [next((s.created_by for s in row.values() if s.created_by), None) for row in grid], dtype="str"
        ),
    }
    made |= _in_each("position", [[step and step.position for step in image] for image in cells], "Int64")
    made |= _in_each("bytes", [[step and step.blob_bytes for step in image] for image in cells], "Int64")
    made["empty"] = pd.Series([step.empty for step in first], dtype="boolean")
    made |= _in_each("blob", [[step and step.blob for step in image] for image in cells], "str")
    table = pd.DataFrame(made)
    held = [{step.blob: step.blob_bytes or 0 for step in stack.steps} for stack in compared]
    every = {blob: length for blobs in held for blob, length in blobs.items()}
    verdicts: list[str] = [
        verdict(one, two, (coded[at], coded[at + 1])) for at, (one, two) in enumerate(pairwise(compared))
    ]
    table.attrs |= {
        "images": [
            {
                "reference": stack.reference,
                "source": stack.uri,
                "manifest": stack.manifest,
                "platform": stack.platform,
                "layers": len(stack.steps),
                "layer_bytes": sum(held[at].values()),
                "verdict": verdicts[at - 1] if at else None,
            }
            for at, stack in enumerate(compared)
        ],
        "shared_bytes": sum(length for blob, length in every.items() if all(blob in blobs for blobs in held)),
        "distinct_bytes": sum(every.values()),
        "verdicts": verdicts,
        "basis": basis_of(step.plain for stack in compared for step in stack.steps if step.blob_bytes),
        "absent": sorted({step.blob for stack in compared for step in stack.steps if step.absent and step.blob}),
        "others": others,
    }
    return table


def _compared(
    reg: Registry, images: Sequence[str | tuple[Registry, str]] | None, platform: str | None
) -> tuple[list[Stack], int]:
    """The images that were asked for, or those that are chosen; and how many others there were to choose from."""
    if images is None:
        reg.source.require_contents("the layers of images")
        woods = forest(reg)
        chosen, others = chosen_images(woods, platform)
        return [stack_of(woods, reference, image) for reference, image in chosen], others
    if len(images) < 2:
        raise RegvizError("a comparison takes two images or more")
    return stacks(_in_registries(reg, images), platform), 0


def _in_each(name: str, images: list[list[Any]], kind: str) -> dict[str, Any]:
    """A column for each image."""
    import pandas as pd

    return {f"{name}_{number}": pd.Series(values, dtype=kind) for number, values in enumerate(images, 1)}


def _in_registries(reg: Registry, images: Iterable[str | tuple[Registry, str]]) -> list[tuple[Forest, str]]:
    """References, each with the forest of its registry, which is made once."""
    named = [(reg, image) if isinstance(image, str) else image for image in images]
    forests: dict[int, Forest] = {}
    for registry, _ in named:
        if id(registry) not in forests:
            registry.source.require_contents("the layers of images")
            forests[id(registry)] = forest(registry)
    return [(forests[id(registry)], reference) for registry, reference in named]


def _coded(compared: list[Stack]) -> list[Rows]:
    """Stacks for the alignment: equal texts have equal numbers, in whatever image."""
    codes: dict[str, int] = {}

    def code(values: list[str | None]) -> Any:
        return np.array(
            [[-1 if value is None else codes.setdefault(value, len(codes))] for value in values], np.int64
        ).reshape(-1, 1)

    return [
        Rows(
            code([step.blob for step in stack.steps]),
            code([step.diff_id for step in stack.steps]),
            code([step.instruction for step in stack.steps]),
            np.array([step.empty for step in stack.steps], np.bool_),
        )
        for stack in compared
    ]


def _grid(compared: list[Stack], coded: list[Rows]) -> list[Cells]:
    """The rows of the grid: which step each image has in them."""
    grid: list[Cells] = [{0: step} for step in compared[0].steps]
    there = coded[0]
    for image in range(1, len(compared)):
        rows, stack = coded[image], compared[image].steps
        partner = {own: place for place, own in align(there, rows)}
        merged: list[tuple[int, int]] = []  # row of the grid so far, step of this image; -1 for none
        done = 0
        waiting: list[int] = []  # steps that only this image has come after those that only others have
        for own in range(len(stack)):
            if own not in partner:
                waiting.append(own)
                continue
            merged += [*((place, -1) for place in range(done, partner[own])), *((-1, step) for step in waiting)]
            merged.append((partner[own], own))
            done, waiting = partner[own] + 1, []
        merged += [*((place, -1) for place in range(done, len(grid))), *((-1, step) for step in waiting)]
        grid = [
            (grid[place] if place >= 0 else {}) | ({image: stack[own]} if own >= 0 else {}) for place, own in merged
        ]
        there = _joined(there, rows, merged)
    return grid


def _joined(there: Rows, rows: Rows, merged: list[tuple[int, int]]) -> Rows:
    """The grid's codes with one image more."""
    place, own = (np.array([pair[at] for pair in merged], np.int64) for at in (0, 1))

    def beside(old: Any, new: Any) -> Any:
        nothing = np.full((1, old.shape[1]), -1, np.int64)
        return np.hstack([np.vstack([old, nothing])[place], np.vstack([new, [[-1]]])[own]])

    empty = np.where(place >= 0, np.append(there.empty, np.False_)[place], np.append(rows.empty, np.False_)[own])
    return Rows(
        beside(there.digest, rows.digest),
        beside(there.diff_id, rows.diff_id),
        beside(there.instruction, rows.instruction),
        empty,
    )
