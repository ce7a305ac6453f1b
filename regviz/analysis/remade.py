"""Layers that were built or compressed again without need, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from regviz.analysis.accounting import amortise
from regviz.analysis.reach import columns, incidence, reach, row_counts, through, totals
from regviz.analysis.served import served
from regviz.card import held_bytes
from regviz.errors import RegvizError
from regviz.graph.values import texts

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from regviz.analysis.reach import Incidence, Numbers, Reach
    from regviz.registry import Registry

ChurnGrain = Literal["group", "repository"]
_GROUP = (
    "kind",
    "repository",
    "created_by",
    "blobs",
    "bytes",
    "lost_bytes",
    "repositories",
    "images",
    "tags",
    "blob",
    "diff_id",
)
NEAR_BYTES = 1024
"""Lengths that differ by less are near, whatever part of them that is."""


@dataclass(frozen=True, slots=True)
class _Layers:
    """The layers that are looked at, an element a place in a stack, by manifest; and the blobs that hold them.

    Attributes
    ----------
    manifest, layer, blob : array of int
        Rows of those tables.
    blobs : array of int
        The distinct blobs, as rows of their table.
    content : array of int
        Number of what each of these holds: one diff ID, or this one blob where its diff ID is not known.
    """

    manifest: Numbers
    layer: Numbers
    blob: Numbers
    blobs: Numbers
    content: Numbers


@dataclass(frozen=True, slots=True)
class _Groups:
    """Groups of blobs of which one would do: pairs of a group and a place in `_Layers.blobs`, each place once."""

    group: Numbers
    place: Numbers


def churn(reg: Registry, *, by: ChurnGrain = "group", near: float = 0.01) -> pd.DataFrame:
    """Layers that are there several times, because they were compressed or built again.

    Parameters
    ----------
    reg : Registry
    by : {"group", "repository"}
        What a row is.
    near : float
        Two lengths are near if they differ by at most this part of the larger, or by 1024 bytes.

    Returns
    -------
    pandas.DataFrame
        The most lost_bytes first. ``by="group"``, one row for each group of blobs of which one would do:

        kind
            ``recompressed``: blobs with one diff ID and several digests, anywhere in the registry. That is certain:
            they hold the same tar. ``rebuilt``: layers of one repository made by the same instruction, with lengths
            that are near and other content. That is a suspicion.
        repository, repositories
            The repository that has them; NA where several have any of them, and how many have.
        created_by
            The instruction (of the largest blob).
        blobs, images, tags
            Blobs of the group; images that have any of them, with a tag or without; tags that reach such an image.
        bytes, lost_bytes
            Of the blobs; and without the largest.
        blob, diff_id
            The largest of the group, the one that counts as kept; the diff ID of what was recompressed.

        ``by="repository"``, one row for each repository: ``groups`` it has blobs of, ``recompressed_bytes`` and
        ``rebuilt_bytes`` that it lost, and their sum ``lost_bytes``.

        Either way lost_bytes add up, to the byte, to ``attrs["lost_bytes"]``. ``attrs`` has ``recompressed_bytes``,
        ``rebuilt_bytes`` and ``layer_bytes`` (all the blobs that were looked at) too.

    Raises
    ------
    RegvizError
        There is no such grain, or `near` is no part.

    Notes
    -----
    Looked at are blobs that lie there, of layers that change something, in images that a tag reaches or a repository
    serves by digest: an overwritten tag leaves those. No byte is lost twice. First each diff ID keeps its largest
    blob, and what its others take is recompressed. Only what was kept is then compared for being rebuilt: within a
    repository, a platform, an instruction (and the how-manieth layer of its image that is made by it, as an image needs
    all of its own), contents are sorted by length, and neighbours that are near belong together; groups with a
    content in common are one. Each keeps its largest. A repository's share: what is lost of a blob, divided equally
    among the repositories that have it, in whole bytes (:func:`regviz.analysis.accounting.amortise`).

    A v1 registry and an engine know no digests of compressed layers: there nothing is recompressed.

    Examples
    --------
    A was compressed twice, to 120 and 100 bytes. ``RUN make`` gave 5000 bytes, then 5020, then 9000::

        recompressed   blobs 2   bytes   220   lost_bytes  100   (220 - 120)
        rebuilt        blobs 2   bytes 10020   lost_bytes 5000   (5020 is near 5000, 9000 is not)
        attrs                                  lost_bytes 5100

    >>> import regviz as rv
    >>> table = churn(rv.read())
    >>> int(table["lost_bytes"].sum()) == table.attrs["lost_bytes"] > 0
    True
    """
    import pandas as pd

    if by not in get_args(ChurnGrain):
        raise RegvizError(f"churn cannot be asked by {by!r}; ask by one of {', '.join(get_args(ChurnGrain))}")
    if not 0 <= near < 1:
        raise RegvizError(f"near={near} is no part of a length: give a number from 0 up to 1, such as 0.01")
    reg.source.require_contents("layers that were built again")
    reached, blobs = reach(reg), columns(reg, "blobs")
    stored = np.where(blobs["present"] == 1, held_bytes(reg)[0], 0)
    serving = served(reg, reached)
    layers = _layers(reg, reached, stored, serving)
    kept, again = _recompressed(layers, stored)
    if not {"docker-daemon", "docker-engine"}.isdisjoint(reg.source.layouts):  # unpacked once for each place on a stack
        again = _Groups(*(np.empty(0, np.int64) for _ in range(2)))
    group, blob, is_kept, first_anew = _in_order(
        layers, stored, again, _rebuilt(reg, layers, serving, stored, kept, near)
    )
    having = incidence(layers.manifest, layers.blob, (serving.shape[1], len(stored)))
    members = incidence(group, blob, (int(is_kept.sum()), len(stored)))
    recompressed, rebuilt = np.zeros((2, len(stored)), np.int64)
    for lost, rows in ((recompressed, group < first_anew), (rebuilt, group >= first_anew)):
        lost[blob[rows & ~is_kept]] = stored[blob[rows & ~is_kept]]
    if by == "repository":
        table = _by_repository(reg, through(serving, having), members, [recompressed, rebuilt])
    else:
        images = through(members, csr_array(having.T))
        counted = {
            "repositories": through(members, csr_array(through(serving, having).T)),
            "blobs": members,
            "images": images,
            "tags": through(images, csr_array(reached.tag_manifests.T)),
        }
        table = _by_group(reg, layers, counted, blob[is_kept], first_anew)
        table["bytes"] = pd.Series(totals(members, stored), dtype="Int64")
        table["lost_bytes"] = table["bytes"] - stored[blob[is_kept]]
        table = table[[*_GROUP]].sort_values(
            ["lost_bytes", "kind", "blob"], ascending=[False, True, True], ignore_index=True
        )
    table.attrs |= {
        "lost_bytes": int(recompressed.sum() + rebuilt.sum()),
        "recompressed_bytes": int(recompressed.sum()),
        "rebuilt_bytes": int(rebuilt.sum()),
        "layer_bytes": int(stored[layers.blobs].sum()),
    }
    return table


def _in_order(
    layers: _Layers, stored: Numbers, again: _Groups, anew: _Groups
) -> tuple[Numbers, Numbers, NDArray[np.bool_], int]:
    """Group, blob and whether it is kept, of both kinds of groups, from the largest down; the first group of `anew`."""
    first_anew = int(again.group.max(initial=-1)) + 1
    group = np.concatenate([again.group, anew.group + first_anew])
    blob = layers.blobs[np.concatenate([again.place, anew.place])]
    order = np.lexsort((blob, -stored[blob], group))
    group, blob = group[order], blob[order]
    is_kept = np.ones(len(group), np.bool_)
    is_kept[1:] = group[1:] != group[:-1]
    return group, blob, is_kept, first_anew


def _layers(reg: Registry, reached: Reach, stored: Numbers, serving: Incidence) -> _Layers:
    """Layers that lie there and change something, of images that some repository serves."""
    layers, blobs, kind = columns(reg, "layers"), columns(reg, "blobs"), columns(reg, "manifests")["kind"]
    is_served = np.zeros(serving.shape[1], np.bool_)
    is_served[serving.indices] = True
    is_served &= np.isin(kind, [code for name in ("v1", "image") if (code := reg.name_code(name)) >= 0])
    rows = np.flatnonzero((reached.step_layer >= 0) & (reached.step_blob >= 0) & is_served[reached.step_manifest])
    manifest, layer, blob = (steps[rows] for steps in (reached.step_manifest, reached.step_layer, reached.step_blob))
    changes = (stored[blob] > 0) & (layers["empty"][layer] == 0)
    manifest, layer, blob = manifest[changes], layer[changes], blob[changes]
    used, place = np.unique(blob, return_inverse=True)
    diff_id = layers["diff_id"][layer]
    holds = np.full(len(used), np.iinfo(np.int32).max, np.int32)
    np.minimum.at(holds, place, np.where(diff_id >= 0, diff_id, blobs["blob"][blob]))  # forged ones may disagree
    return _Layers(manifest, layer, blob, used, np.unique(holds, return_inverse=True)[1])


def _recompressed(layers: _Layers, stored: Numbers) -> tuple[Numbers, _Groups]:
    """The place of the blob that each content keeps, its largest; and the contents that have several."""
    order = np.lexsort((layers.blobs, -stored[layers.blobs], layers.content))
    content = layers.content[order]
    first = np.ones(len(order), np.bool_)
    first[1:] = content[1:] != content[:-1]
    several = np.bincount(content)[content] > 1 if len(content) else first
    _, group = np.unique(content[several], return_inverse=True)
    return order[first], _Groups(group, order[several])


def _rebuilt(
    reg: Registry, layers: _Layers, serving: Incidence, stored: Numbers, kept: Numbers, near: float
) -> _Groups:
    """Contents that seem to be one layer built again."""
    made, content, length = _made_alike(reg, layers, serving), layers.content, stored[layers.blobs[kept]]
    at = content[np.searchsorted(layers.blobs, layers.blob[made[1]])]
    width = max(len(kept), 1)
    by_length = np.argsort(length, kind="stable")
    rank = np.empty(len(kept), np.int64)
    rank[by_length] = np.arange(len(kept))
    pair = np.sort(np.unique(made[0], return_inverse=True)[1] * width + rank[at])
    pair = pair[np.append(True, pair[1:] != pair[:-1])] if len(pair) else pair
    way, held = pair // width, by_length[pair % width]
    smaller, larger = length[held[:-1]], length[held[1:]]
    is_near = (way[1:] == way[:-1]) & (larger - smaller <= np.maximum(near * larger, NEAR_BYTES))
    one, other = held[:-1][is_near], held[1:][is_near]
    _, label = connected_components(incidence(one, other, (len(kept), len(kept))), directed=False)
    together = np.bincount(label)[label] > 1 if len(label) else np.zeros(0, np.bool_)
    _, group = np.unique(label[together], return_inverse=True)
    return _Groups(group, kept[together])


def _made_alike(reg: Registry, layers: _Layers, serving: Incidence) -> tuple[Numbers, Numbers]:
    """Pairs: what could be one layer of one build (a number), and a place in a stack that is."""
    manifests, said = columns(reg, "manifests"), columns(reg, "layers")["created_by"]
    platform = np.zeros(serving.shape[1], np.int64)
    for name in ("os", "architecture", "variant"):
        _, platform = np.unique(platform * (1 << 32) + manifests[name] + 1, return_inverse=True)
    step = np.flatnonzero(said[layers.layer] >= 0)
    manifest, instruction = layers.manifest[step], said[layers.layer[step]].astype(np.int64)
    order = np.lexsort((instruction, manifest))  # of one image those made alike, from the base up
    new = np.ones(len(order), np.bool_)
    new[1:] = (manifest[order][1:] != manifest[order][:-1]) | (instruction[order][1:] != instruction[order][:-1])
    start = np.flatnonzero(new)
    turn = np.empty(len(order), np.int64)
    turn[order] = np.arange(len(order)) - np.repeat(start, np.diff(np.append(start, len(order))))
    said_by = np.cumsum(np.bincount(instruction) > 0)[instruction] if len(instruction) else instruction
    kinds, turns = int(platform.max(initial=0)) + 1, int(turn.max(initial=0)) + 1
    way = (said_by * turns + turn) * kinds + platform[manifest]
    found = serving.tocoo()
    first, beyond = (np.searchsorted(manifest, found.col, side) for side in ("left", "right"))
    count = beyond - first
    owner = np.repeat(np.arange(len(count)), count)
    place = np.arange(len(owner)) + np.repeat(first - (np.cumsum(count) - count), count)
    return found.row[owner] * (int(way.max(initial=0)) + 1) + way[place], step[place]


def _by_group(
    reg: Registry, layers: _Layers, counted: dict[str, Incidence], largest: Numbers, first_anew: int
) -> pd.DataFrame:
    """What groups are, given the largest blob of each; what of each kind they have is counted."""
    import pandas as pd

    forest, owners = columns(reg, "layers"), counted["repositories"]
    one = np.flatnonzero(row_counts(owners) == 1)
    repository = np.full(len(largest), -1, np.int64)
    repository[one] = owners.indices[owners.indptr[one]]
    names = np.append(columns(reg, "repositories")["repository"], np.int32(-1))
    used, first = np.unique(layers.blob, return_index=True)
    layer = layers.layer[first[np.searchsorted(used, largest)]]
    is_anew = np.arange(len(largest)) >= first_anew
    said: dict[str, Any] = {
        "kind": np.where(is_anew, "rebuilt", "recompressed"),
        "blob": texts(reg, "digest", columns(reg, "blobs")["blob"][largest]),
        "repository": texts(reg, "name", names[repository]),
        "created_by": texts(reg, "text", forest["created_by"][layer]),
        "diff_id": texts(reg, "digest", np.where(is_anew, -1, forest["diff_id"][layer])),
    }
    made: dict[str, Any] = {name: pd.Series(values, dtype="str") for name, values in said.items()}
    made |= {name: pd.Series(row_counts(matrix), dtype="Int64") for name, matrix in counted.items()}
    return pd.DataFrame(made)


def _by_repository(reg: Registry, having: Incidence, members: Incidence, kinds: list[Numbers]) -> pd.DataFrame:
    import pandas as pd

    recompressed, rebuilt = (amortise(having, lost) for lost in kinds)
    made: dict[str, Any] = {
        "repository": pd.Series(texts(reg, "name", columns(reg, "repositories")["repository"]), dtype="str"),
        "groups": pd.Series(row_counts(through(having, csr_array(members.T))), dtype="Int64"),
        "recompressed_bytes": pd.Series(recompressed, dtype="Int64"),
        "rebuilt_bytes": pd.Series(rebuilt, dtype="Int64"),
        "lost_bytes": pd.Series(recompressed + rebuilt, dtype="Int64"),
    }
    return pd.DataFrame(made).sort_values(["lost_bytes", "repository"], ascending=[False, True], ignore_index=True)
