"""What an image was built on, and what was built on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.analysis.lineage.forest import forest
from regviz.analysis.reach import column_counts, columns, incidence, rows_of, through, totals

if TYPE_CHECKING:
    import pandas as pd

    from regviz.analysis.lineage.forest import Forest
    from regviz.analysis.reach import Incidence, Numbers
    from regviz.registry import Registry


def ancestors(reg: Registry, image: str) -> pd.DataFrame:
    """Tagged images that an image stands on.

    One image stands on another if the other's whole stack is the beginning of its own, and it has more layers. An
    image with the same stack is its equal, and in ``attrs["equals"]``.

    Parameters
    ----------
    reg : Registry
    image : str
        As :meth:`Registry.resolve` takes it. An index stands for the images that it lists.

    Returns
    -------
    pandas.DataFrame
        One row for each tag, and image that it reaches; the nearest first.

        repository, tag, platform, manifest
            What it stands on: the tag, and the image that the tag reaches.
        layers, layer_bytes
            Of that image: layers on its stack, and bytes of the distinct blobs that hold them and lie there.
        added_layers, added_bytes
            What `image` puts on top: layers, and bytes of the distinct blobs that hold them and lie there.
        image
            What was asked for, or an image that its index lists.

        ``attrs`` has the ``repositories``, ``tags`` and ``images`` of the table, ``bytes`` (of the distinct blobs of
        those images' layers) and the ``equals`` (``repository:tag``).

    Raises
    ------
    RegvizError
        Nothing, or more than one manifest, fits; the message lists candidates.

    See Also
    --------
    nearest_base : the nearest of them, for every tag.

    Examples
    --------
    The layers of app are base's, of 100 bytes, then node's, of 20, then its own, of 3::

        node    layers 2   layer_bytes 120   added_layers 1   added_bytes  3
        base    layers 1   layer_bytes 100   added_layers 2   added_bytes 23

    >>> import regviz as rv
    >>> "base" in set(ancestors(rv.read(), "nodejs:0.10")["repository"].str.removeprefix("library/"))
    True
    """
    reg.source.require_contents("the ancestors of images")
    woods = forest(reg)
    asked = _asked(woods, image)
    tops_below = [(own, layer) for own in asked.tolist() for layer in _ends_below(woods, own)]
    order = np.argsort(woods.top[woods.image], kind="stable")
    sorted_tops = woods.top[woods.image][order]
    pairs: list[tuple[int, int]] = []
    for own, layer in tops_below:
        first, beyond = np.searchsorted(sorted_tops, [layer, layer + 1]).tolist()
        pairs += [(own, pair) for pair in np.sort(order[first:beyond]).tolist()]
    own = np.array([pair[0] for pair in pairs], np.int64)
    tag, lower = (values[np.array([pair[1] for pair in pairs], np.int64)] for values in (woods.tag, woods.image))
    return _table(woods, asked, own, tag, lower, is_above=False)


def descendants(reg: Registry, image: str) -> pd.DataFrame:
    """Tagged images that stand on an image.

    One image stands on another if the other's whole stack is the beginning of its own, and it has more layers. An
    image with the same stack is its equal, and in ``attrs["equals"]``.

    Parameters
    ----------
    reg : Registry
    image : str
        As :meth:`Registry.resolve` takes it. An index stands for the images that it lists.

    Returns
    -------
    pandas.DataFrame
        One row for each tag, and image that it reaches; by repository and tag.

        repository, tag, platform, manifest
            What stands on it: the tag, and the image that the tag reaches.
        layers, layer_bytes
            Of that image: layers on its stack, and bytes of the distinct blobs that hold them and lie there.
        added_layers, added_bytes
            What that image puts on top of `image`: layers, and bytes of the distinct blobs that hold them and lie
            there.
        image
            What was asked for, or an image that its index lists.

        ``attrs`` has the ``repositories``, ``tags`` and ``images`` of the table, ``bytes`` (of the distinct blobs that
        hold the added layers) and the ``equals`` (``repository:tag``).

    Raises
    ------
    RegvizError
        Nothing, or more than one manifest, fits; the message lists candidates.

    Examples
    --------
    On base, of one layer of 100 bytes, stand node with a layer of 20, and app with that and one of 3::

        node    layers 2   layer_bytes 120   added_layers 1   added_bytes 20
        app     layers 3   layer_bytes 123   added_layers 2   added_bytes 23
                                                              bytes       23   (attrs: 20 + 3)

    >>> import regviz as rv
    >>> "library/nodejs" in set(descendants(rv.read(), "base:latest")["repository"])
    True
    """
    reg.source.require_contents("the descendants of images")
    woods = forest(reg)
    asked = _asked(woods, image)
    owns, tags, uppers = [], [], []
    for own in asked.tolist():
        above = _stands_on(woods, int(woods.top[own]))
        pair = np.flatnonzero((woods.top[woods.image] >= 0) & above[woods.top[woods.image]])
        owns.append(np.full(len(pair), own, np.int64))
        tags.append(woods.tag[pair])
        uppers.append(woods.image[pair])
    nothing = np.empty(0, np.int64)
    own, tag, upper = (np.concatenate([nothing, *parts]) for parts in (owns, tags, uppers))
    return _table(woods, asked, own, tag, upper, is_above=True)


def _asked(woods: Forest, image: str) -> Numbers:
    """The images that a reference stands for."""
    reg = woods.registry
    code = np.array([reg.key_code(reg.resolve(image))])
    inside = woods.within(int(rows_of(code, columns(reg, "manifests")["manifest"])[0]))
    return inside[woods.top[inside] >= 0]


def _ends_below(woods: Forest, image: int) -> list[int]:
    """The layers below an image's topmost where tagged images end, the nearest first."""
    found: list[int] = []
    layer = int(woods.below[woods.top[image]])
    while layer >= 0:
        found.append(layer)
        layer = int(woods.below[layer])
    return found


def _stands_on(woods: Forest, layer: int) -> Any:
    """Of each layer whether another one lies somewhere below it."""
    count = len(woods.parent)
    above = np.where(woods.parent < 0, count, woods.parent)
    above = np.append(above, count)
    marked = above == layer
    for _ in range(count.bit_length() + 1):  # each round doubles how far is looked
        if (above == count).all():
            break
        marked |= marked[above]
        above = above[above]
    return marked[:count]


def _table(
    woods: Forest, asked: Numbers, own: Numbers, tag: Numbers, other: Numbers, *, is_above: bool
) -> pd.DataFrame:
    """Rows: an image asked for, a tag, and an image that the tag reaches, which is above the one asked for or below."""
    import pandas as pd

    lower, upper = (own, other) if is_above else (other, own)
    depth = np.append(woods.depth, 0)[woods.top]
    whole, added = _layers_of(woods, other, None), _layers_of(woods, upper, depth[lower])
    made: dict[str, Any] = {
        "repository": pd.Series(woods.tag_texts("repository", tag), dtype="str"),
        "tag": pd.Series(woods.tag_texts("tag", tag), dtype="str"),
        "platform": pd.Series(woods.platforms_of(other), dtype="str"),
        "layers": pd.Series(depth[other], dtype="Int64"),
        "layer_bytes": pd.Series(totals(whole, woods.stored), dtype="Int64"),
        "added_layers": pd.Series(depth[upper] - depth[lower], dtype="Int64"),
        "added_bytes": pd.Series(totals(added, woods.stored), dtype="Int64"),
        "manifest": pd.Series(woods.picked("manifests", "manifest", other), dtype="str"),
        "image": pd.Series(woods.picked("manifests", "manifest", own), dtype="str"),
    }
    table = pd.DataFrame(made)
    is_equal = np.isin(woods.top[woods.image], woods.top[asked])
    equal = np.unique(woods.tag[is_equal])
    names = zip(woods.tag_texts("repository", equal), woods.tag_texts("tag", equal), strict=True)
    counted = added if is_above else whole
    table.attrs |= {
        "repositories": int(table["repository"].nunique()),
        "tags": len(np.unique(tag)),
        "images": len(np.unique(other)),
        "bytes": int(woods.stored[column_counts(counted) > 0].sum()),
        "equals": [f"{repository}:{name}" for repository, name in names],
    }
    return table


def _layers_of(woods: Forest, images: Numbers, above: Numbers | None) -> Incidence:
    """Rows × blobs: the blobs of each image's layers; only of those above some depth, where one is given."""
    distinct, row = np.unique(images, return_inverse=True)
    owner, layer, blob = woods.stacks(distinct)
    held = incidence(np.arange(len(images)), row, (len(images), len(distinct)))
    if above is None:
        return through(held, incidence(owner, blob, (len(distinct), len(woods.stored))))
    # the same image may stand above several others
    pairs = held @ incidence(owner, np.arange(len(owner)), (len(distinct), len(owner)))
    of, step = pairs.nonzero()
    kept = woods.depth[layer[step]] > above[of]
    return incidence(of[kept], blob[step[kept]], (len(images), len(woods.stored)))
