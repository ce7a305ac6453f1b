"""The bases that images stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from regviz.analysis.lineage.forest import forest
from regviz.analysis.reach import incidence, row_counts, rows_of, through, totals
from regviz.analysis.served import repository_tags

if TYPE_CHECKING:
    import pandas as pd

    from regviz.analysis.lineage.forest import Forest
    from regviz.analysis.reach import Incidence, Numbers
    from regviz.registry import Registry


def bases(reg: Registry) -> pd.DataFrame:
    """Tagged images that other tagged images stand on.

    One image stands on another if the other's whole stack is the beginning of its own, and it has more layers.
    Images with the same stack are one base. It is called after the image that was made first, then after the first
    tag: who only changes a configuration does so later than whom it is taken from.

    Returns
    -------
    pandas.DataFrame
        One row for each such stack, the most bytes first.

        repository, tag, platform, manifest
            What the base is called: a tag, and the image that the tag reaches.
        images, repositories, tags
            What stands on it: distinct images that tags reach, those tags, and their repositories.
        bytes
            What stands on it: of the distinct blobs that hold any layer above it in those images and lie there, and
            that are not the base's own.
        base_bytes
            Of the distinct blobs that hold the layers of `manifest`, and lie there.
        layers, layer
            How many layers the base has, and the topmost one.
        base_layer
            The `layer` of the nearest base that it stands on itself; NA where there is none.
        direct_images
            Images whose nearest base this is; a base of a base has fewer than `images`.
        names
            Tags that reach an image with this very stack.

        What stands on a base of a base is in both rows. ``attrs`` has the ``images`` that tags reach, and of these the
        ``images_with_base``.

    Examples
    --------
    node (base, then a layer of 20) and web (base, then 7) stand on base, of 100 bytes; app on node, with a layer of 3::

        base   images 3   direct_images 2   base_bytes 100   bytes 30   (20 + 7 + 3)
        node   images 1   direct_images 1   base_bytes 120   bytes  3   (base_layer: base's layer)

    >>> import regviz as rv
    >>> table = bases(rv.read())
    >>> bool((table["images"] >= table["direct_images"]).all())
    True
    """
    import pandas as pd

    reg.source.require_contents("bases of images")
    woods = forest(reg)
    top = woods.top[woods.image]
    nearest = _below(woods, top)
    rows = _with_those_below(woods, np.unique(nearest[nearest >= 0]))
    on_base = _above(woods, rows)
    shape = (len(rows), len(woods.top))
    standing = through(on_base, incidence(top, woods.image, (len(woods.parent), len(woods.top))))
    tags = through(standing, csr_array(woods.tag_images.T))
    owner, _, blob = woods.stacks(woods.image[woods.names[rows]])
    own = incidence(owner, blob, (len(rows), len(woods.stored)))
    numbers = {
        "images": row_counts(standing),
        "repositories": row_counts(through(tags, csr_array(repository_tags(reg).T))),
        "tags": row_counts(tags),
        "bytes": totals(_blobs_above(woods, on_base, own), woods.stored),
        "base_bytes": totals(own, woods.stored),
        "layers": woods.depth[rows],
        "direct_images": row_counts(incidence(rows_of(nearest, rows), woods.image, shape)),
        "names": row_counts(incidence(rows_of(top, rows), woods.tag, tags.shape)),
    }
    made = _named(woods, woods.names[rows])
    made |= {name: pd.Series(values, dtype="Int64") for name, values in numbers.items()}
    made["manifest"] = made.pop("manifest")  # long names come last, where a narrow terminal has no room for them
    made["layer"] = pd.Series(woods.picked("layers", "layer", rows), dtype="str")
    made["base_layer"] = pd.Series(woods.picked("layers", "layer", _below(woods, rows)), dtype="str")
    table = pd.DataFrame(made)
    table = table.sort_values(["bytes", "images", "layer"], ascending=[False, False, True], ignore_index=True)
    table.attrs |= {
        "images": len(np.unique(woods.image)),
        "images_with_base": len(np.unique(woods.image[nearest >= 0])),
    }
    return table


def nearest_base(reg: Registry) -> pd.DataFrame:
    """The nearest tagged base of every image that a tag reaches.

    Returns
    -------
    pandas.DataFrame
        One row for each tag, and image that it reaches, by repository and tag.

        repository, tag, platform, manifest
            The tag, and the image.
        base_repository, base_tag, base_manifest
            What it stands on, as :func:`bases` calls it; NA where no tagged image is the beginning of its stack.
        layers, base_layers
            Layers on its stack, and those of them that are the base's; 0 without a base.
        added_bytes
            Of the distinct blobs that hold its other layers, and lie there.

    See Also
    --------
    ancestors : all of them, for one image.

    Examples
    --------
    The layers of app are base's, of 100 bytes, then one of 20, then one of 3; base and app are tagged::

        app    base_tag base   layers 3   base_layers 1   added_bytes  23
        base   base_tag NA     layers 1   base_layers 0   added_bytes 100

    >>> import regviz as rv
    >>> table = nearest_base(rv.read())
    >>> "library/base" in set(table.loc[table["repository"] == "library/nodejs", "base_repository"])
    True
    """
    import pandas as pd

    reg.source.require_contents("bases of images")
    woods = forest(reg)
    distinct, row = np.unique(woods.image, return_inverse=True)
    base = _below(woods, woods.top[distinct])
    depth = np.append(woods.depth, 0)  # of -1, which is none, 0
    owner, layer, blob = woods.stacks(distinct)
    added = depth[layer] > depth[base][owner]
    held = incidence(owner[added], blob[added], (len(distinct), len(woods.stored)))
    numbers = {
        "layers": depth[woods.top[distinct]],
        "base_layers": depth[base],
        "added_bytes": totals(held, woods.stored),
    }
    name = np.append(woods.names, -1)[base][row]
    made = _named(woods, np.arange(len(woods.image)))
    made |= {f"base_{key}": values for key, values in _named(woods, name).items() if key != "platform"}
    made |= {key: pd.Series(values[row], dtype="Int64") for key, values in numbers.items()}
    for long in ("manifest", "base_manifest"):
        made[long] = made.pop(long)
    return pd.DataFrame(made)


def _below(woods: Forest, tops: Numbers) -> Numbers:
    """The base of each image, given by its topmost layer; -1 where it has none."""
    return np.append(woods.below, -1)[tops]


def _with_those_below(woods: Forest, rows: Numbers) -> Numbers:
    """Bases, and the bases of these, and so on."""
    found = frontier = rows
    while len(frontier):
        below = np.unique(woods.below[frontier])
        frontier = np.setdiff1d(below[below >= 0], found)
        found = np.union1d(found, frontier)
    return found


def _above(woods: Forest, rows: Numbers) -> Incidence:
    """Bases × layers: what of tagged images lies above each base."""
    stood_on = np.zeros(len(woods.parent), np.bool_)
    stood_on[woods.reached.step_layer[woods.of_tags]] = True
    layer = np.flatnonzero(stood_on)
    bases_, layers = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    base = woods.below[layer]
    while len(layer := layer[base >= 0]):
        base = base[base >= 0]
        bases_.append(rows_of(base, rows))
        layers.append(layer)
        base = woods.below[base]
    return incidence(np.concatenate(bases_), np.concatenate(layers), (len(rows), len(woods.parent)))


def _blobs_above(woods: Forest, on_base: Incidence, own: Incidence) -> Incidence:
    """Bases × blobs: what holds the layers above each, without its own."""
    layer, blob = (steps[woods.of_tags] for steps in (woods.reached.step_layer, woods.reached.step_blob))
    held = through(on_base, incidence(layer, blob, (len(woods.parent), len(woods.stored))))
    others = csr_array(held - held.multiply(own))
    others.eliminate_zeros()
    return others


def _named(woods: Forest, pairs: Numbers) -> dict[str, Any]:
    """Columns that say which tag and image is meant; -1 is none."""
    import pandas as pd

    tag, image = (np.append(values, -1)[pairs] for values in (woods.tag, woods.image))
    said = {
        "repository": woods.tag_texts("repository", tag),
        "tag": woods.tag_texts("tag", tag),
        "manifest": woods.picked("manifests", "manifest", image),
        "platform": woods.platforms_of(image),
    }
    return {name: pd.Series(values, dtype="str") for name, values in said.items()}
