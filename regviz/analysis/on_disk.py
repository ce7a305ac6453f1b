"""Where each step of an image lies: from an instruction to the file that holds what it changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.analysis.comparison.chosen import chosen_images
from regviz.analysis.comparison.stacks import places, stacks
from regviz.analysis.lineage.forest import forest
from regviz.analysis.reach import columns, rows_of
from regviz.card import held_bytes
from regviz.graph.values import texts
from regviz.layouts.distribution import grammar as distribution
from regviz.layouts.oci import grammar as oci
from regviz.schema import NA_INT

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from regviz.analysis.comparison.stacks import Stack
    from regviz.analysis.lineage.forest import Forest
    from regviz.analysis.reach import Numbers
    from regviz.registry import Registry
    from regviz.source import Source

    Record = dict[str, Any]
    _Name = tuple[str, str, str]

_V1 = "v1:"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
"""A tag of these is written as it is; v1 quotes any other, once or not at all by its version."""


def steps_on_disk(reg: Registry, image: str | None = None, *, platform: str | None = None) -> pd.DataFrame:
    """One row for each step that built an image, the first at the base: what made it, and the file that holds it.

    Parameters
    ----------
    reg : Registry
    image : str, optional
        As :meth:`Registry.resolve` takes it; left out, the largest image that a tag reaches.
    platform : str, optional
        Which image of an index is meant (``linux/arm64``); left out, ``linux/amd64`` where there is a choice.

    Returns
    -------
    pandas.DataFrame
        step
            Place in the image's history, from 0.
        created_by
            The instruction, as the builder wrote it down.
        layer
            The layer it made: an id of v1, else a chain ID. NA: the step only changed the configuration.
        blob, bytes
            What holds that layer, and its length (stored or declared).
        empty
            Whether the step changed no file.
        present
            Whether the blob lies there.
        path
            The file in the source; NA where there is none, or where the source has no files (a live registry) or
            others than those of v1, Distribution and OCI layouts.
        link
            The file by which the repository may serve that blob; Distribution alone has such.
        shared_with
            How many other images stand on that blob, of those in `manifest_layers`.

        ``attrs`` has ``reference``, ``manifest``, ``platform``, ``layout`` and its ``root``; ``layer_bytes`` (distinct
        blobs of these layers) and ``shared_bytes`` (of them, what other images stand on too); ``base``, the nearest
        tagged image that this one stands on (None where there is none), and ``base_steps``, how many of the steps are
        that image's; and ``documents``: what leads to the steps, from the tag on, each a record of ``what`` it is, its
        ``key`` (what the tag names, or the digest of the document), ``path`` and ``bytes`` (None where not known).

    Raises
    ------
    RegvizError
        Nothing, or more than one image, fits; the message lists candidates.

    Examples
    --------
    In Distribution's storage an image of one ADD and one ENV is a blob, and a line in its configuration::

        step  created_by  bytes  path
           0  ADD rootfs    100  …/blobs/sha256/ab/ab12…/data
           1  ENV A=b        NA  NA

    >>> import regviz as rv
    >>> from regviz.share import folder
    >>> table = steps_on_disk(rv.read(folder("data") / "world-v1.tar.gz"), "nodejs")
    >>> len(table), table["path"].iloc[0]
    (16, 'registry/images/4c161cfa4d41bc4f/layer')
    """
    reg.source.require_contents("the steps of images")
    woods = forest(reg)
    if image is None:
        chosen, _ = chosen_images(woods, platform, most=1)
        if not chosen:
            return _table(woods, [], [], np.empty(0, np.int64), np.empty(0, np.int64), (-1, None))
        image = chosen[0][0]
    stack = stacks([(woods, image)], platform)[0]
    row = int(rows_of(np.array([reg.key_code(stack.manifest)]), columns(reg, "manifests")["manifest"])[0])
    position, layer, blob = places(woods, row)
    steps, made_by, place = _history(reg, row, position, layer)
    layer, blob = np.append(layer, -1)[place], np.append(blob, -1)[place]
    named = _named(reg, image)
    table = _table(woods, steps, made_by, layer, blob, (row, named))
    held = table.dropna(subset="blob").drop_duplicates("blob")
    base, base_steps = _base(woods, stack, made_by, layer)
    table.attrs |= {
        "reference": image,
        "manifest": stack.manifest,
        "platform": stack.platform,
        "layer_bytes": int(held["bytes"].sum()),
        "shared_bytes": int(held.loc[held["shared_with"] > 0, "bytes"].sum()),
        "base": base,
        "base_steps": base_steps,
        "documents": _documents(woods, image, row, named),
    }
    return table


def _table(
    woods: Forest, steps: list[int], made_by: list[Any], layer: Numbers, blob: Numbers, whose: tuple[int, _Name | None]
) -> pd.DataFrame:
    """The rows; `layer` and `blob` are rows of the Registry's tables, -1 for none."""
    import pandas as pd

    reg, (image, named) = woods.registry, whose
    blobs = columns(reg, "blobs")
    lengths, unpacked = held_bytes(reg)
    is_known = np.append((blobs["blob_bytes"] != NA_INT) | (unpacked & (lengths > 0)), np.False_)[blob]
    size = np.append(lengths, 0)[blob].astype(np.int64)
    present = np.append(blobs["present"], -1)[blob]
    is_empty = (layer < 0) | (np.append(columns(reg, "layers")["empty"], -1)[layer] == 1)
    keys = woods.picked("blobs", "blob", blob)
    file_of, link_of = _files(reg.source), _links(reg, named)
    table = pd.DataFrame(
        {
            "step": pd.Series(steps, dtype="Int64"),
            "created_by": pd.Series(made_by, dtype="str"),
            "layer": pd.Series(woods.picked("layers", "layer", layer), dtype="str"),
            "blob": pd.Series(keys, dtype="str"),
            "bytes": pd.Series(pd.arrays.IntegerArray(size, ~is_known)),
            "empty": pd.Series(is_empty, dtype="boolean"),
            "present": pd.Series(pd.arrays.BooleanArray(present == 1, present < 0)),
            "path": pd.Series([key and file_of(key) for key in keys], dtype="str"),
            "link": pd.Series([key and link_of(key) for key in keys], dtype="str"),
            "shared_with": pd.Series(pd.arrays.IntegerArray(_others(woods, image, blob), blob < 0)),
        }
    )
    table.attrs |= {"layout": reg.source.layouts[0], "root": reg.source.root}
    return table


def _history(reg: Registry, image: int, position: list[int], layer: Numbers) -> tuple[list[int], list[Any], list[int]]:
    """Steps: their numbers, what made them, and which of the layers each made, -1 for none."""
    history, manifests = columns(reg, "history"), columns(reg, "manifests")
    code = manifests["manifest"][image]
    rows = slice(*np.searchsorted(history["manifest"], [code, code + 1]).tolist())
    at = {place: row for row, place in enumerate(position)}
    made = [at.get(place, -1) for place in history["position"][rows].tolist()]
    said = texts(reg, "text", history["created_by"][rows])
    if sorted(row for row in made if row >= 0) == [*range(len(position))]:
        return history["step"][rows].tolist(), said, made
    # No history, or one that fits no layer: the layers are the steps.
    return position, texts(reg, "text", columns(reg, "layers")["created_by"][layer]), [*range(len(position))]


def _base(woods: Forest, stack: Stack, made_by: list[Any], layer: Numbers) -> tuple[str | None, int]:
    """The nearest tagged base, and how many of the steps are its own."""
    if stack.base is None:
        return None, 0
    reg = woods.registry
    top = int(rows_of(np.array([reg.key_code(stack.base)]), columns(reg, "layers")["layer"])[0])
    pair = int(woods.names[top])
    tag, below = woods.tag[[pair]], int(woods.image[pair])
    history, code = columns(reg, "history"), columns(reg, "manifests")["manifest"][below]
    rows = slice(*np.searchsorted(history["manifest"], [code, code + 1]).tolist())
    said = texts(reg, "text", history["created_by"][rows])
    # What only changes the configuration belongs to the base where its history says so; no layer tells.
    steps = len(said) if said and made_by[: len(said)] == said else int(np.flatnonzero(layer == top)[-1]) + 1
    return f"{woods.tag_texts('repository', tag)[0]}:{woods.tag_texts('tag', tag)[0]}", steps


def _others(woods: Forest, image: int, blob: Numbers) -> Numbers:
    """How many other images stand on each of some blobs."""
    reached = woods.reached
    wanted, place = np.unique(blob, return_inverse=True)
    rows = np.flatnonzero(np.isin(reached.step_blob, wanted[wanted >= 0]) & (reached.step_manifest != image))
    pairs = np.unique(np.stack([np.searchsorted(wanted, reached.step_blob[rows]), reached.step_manifest[rows]]), axis=1)
    counts: Numbers = np.bincount(pairs[0], minlength=len(wanted)).astype(np.int64)[place]
    return counts


def _named(reg: Registry, image: str) -> _Name | None:
    """The tag that a reference means, if it means one: repository, its path as it is written, and tag."""
    name, digest, _ = image.partition("@")
    repository, colon, tag = name.rpartition(":")
    if digest or not colon or "/" in tag:
        repository, tag = name, "" if digest else "latest"
    repositories, tags = reg.repositories, reg.tags
    for known in (repository, f"library/{repository}"):
        written = repositories.loc[repositories["repository"] == known, "raw_name"]
        if len(written) and (digest or ((tags["repository"] == known) & (tags["tag"] == tag)).any()):
            return known, str(written.iloc[0]), tag
    return None


def _below(source: Source, path: str) -> str:
    return f"{source.root}/{path}" if source.root else path


def _files(source: Source) -> Callable[[str], str | None]:
    """Where a blob lies in a source."""

    def file_of(key: str) -> str | None:
        if key.startswith(_V1):
            return _below(source, f"images/{key.removeprefix(_V1)}/layer") if source.layouts[0] == "v1" else None
        if source.layouts[0] == "distribution":
            return _below(source, distribution.blob_path(b"", key).decode())
        return _below(source, oci.blob_path(b"", key).decode()) if source.layouts[0] == "oci" else None

    return file_of


def _links(reg: Registry, named: _Name | None) -> Callable[[str], str | None]:
    """The link by which a repository may serve a blob, where it has one."""
    if reg.source.layouts[0] != "distribution" or named is None:
        return lambda _: None
    linked, name = columns(reg, "repository_blobs"), named[1]
    codes = linked["link"][linked["repository"] == reg.name_code(named[0])]
    there = set(texts(reg, "digest", codes))

    def link_of(key: str) -> str | None:
        algorithm, _, encoded = key.partition(":")
        path = f"repositories/{name}/_layers/{algorithm}/{encoded}/link"
        return _below(reg.source, path) if key in there else None

    return link_of


def _documents(woods: Forest, image: str, row: int, named: _Name | None) -> list[Record]:
    """What leads from a tag to an image's steps."""
    reg, file_of = woods.registry, _files(woods.registry.source)
    blobs = columns(reg, "blobs")
    target, layout = reg.resolve(image), reg.source.layouts[0]
    found: list[Record] = []
    if named and named[2]:
        found.append({"what": "tag", "key": target, "path": _tag_path(reg.source, named), "bytes": None})
    if layout == "v1":
        return found
    manifest, config = (woods.picked("manifests", name, np.array([row]))[0] for name in ("manifest", "config"))
    for what, key in (("index", target), ("manifest", manifest), ("configuration", config)):
        if key is None or (what == "index" and key == manifest):
            continue
        at = int(rows_of(np.array([reg.key_code(key)]), blobs["blob"])[0])
        if at >= 0:
            size = int(blobs["blob_bytes"][at])
            found.append({"what": what, "key": key, "path": file_of(key), "bytes": None if size == NA_INT else size})
    return found


def _tag_path(source: Source, named: _Name) -> str | None:
    _, name, tag = named
    if source.layouts[0] == "oci":
        return _below(source, "index.json")
    if source.layouts[0] == "distribution":
        return _below(source, f"repositories/{name}/_manifests/tags/{tag}/current/link")
    return _below(source, f"repositories/{name}/tag_{tag}") if source.layouts[0] == "v1" and {*tag} <= _PLAIN else None
