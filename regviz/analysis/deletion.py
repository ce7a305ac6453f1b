"""What goes with the tags that are deleted: the tags themselves, or their manifests with every tag on them.

A server of Distribution 2.8 deletes manifests, by digest, and with a manifest every tag of that repository that
points to it; 3.x deletes a tag alone too, as v1 does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from regviz.analysis.reach import columns, reach, row_counts, rows_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.registry import Registry

    Mask = NDArray[np.bool_]
    Rows = NDArray[np.int64]

DeleteBy = Literal["manifest", "tag"]
_SERVED = ("ok", "unchecked", "inferred")
_UNREADABLE = ("empty", "malformed")


@dataclass(frozen=True, slots=True)
class Removal:
    """What is deleted, and what of the chosen is not.

    Attributes
    ----------
    tags : array of bool
        Rows of `tags` that go.
    manifests : array of bool
        Rows of `repository_manifests` that go: revision links.
    along : array of bool
        Tags that were not chosen, and go because their manifest does.
    spared_by : array of int
        For each tag that was chosen and is not deleted, because a tag that stays needs its manifest: that tag's
        row; -1 for all others.
    stuck : array of bool
        Chosen tags that no request can delete: nothing tells their manifest, the repository does not serve it, or
        the server would stop half-way (see `halting`).
    """

    tags: Mask
    manifests: Mask
    along: Mask
    spared_by: Rows
    stuck: Mask


def removal(reg: Registry, chosen: Mask, delete_by: DeleteBy, spare: Mask) -> Removal:
    """Work out what is deleted.

    Parameters
    ----------
    reg : Registry
    chosen : array of bool
        Tags that are to go.
    delete_by : {"manifest", "tag"}
    spare : array of bool
        Tags that must stay, and of `repository_manifests` what they reach: it is not deleted by its digest.

    Returns
    -------
    Removal
    """
    tags, links = columns(reg, "tags"), columns(reg, "repository_manifests")
    nothing, nobody = np.zeros(len(chosen), np.bool_), np.full(len(chosen), -1, np.int64)
    link_of_tag = link_rows(reg, tags["repository"], tags["manifest"])
    if delete_by == "tag":
        manifests = np.zeros(len(links["manifest"]), np.bool_)
        if not reg.source.keeps_links:  # where a manifest is listed by its tags alone, it goes with the last of them
            manifests[link_of_tag[chosen & (link_of_tag >= 0)]] = True
            manifests[link_of_tag[~chosen & (link_of_tag >= 0)]] = False
        return Removal(chosen, manifests, nothing, nobody, nothing)
    stuck = chosen & (~_of_link(served_links(reg), link_of_tag) | halting(reg))
    needing = np.append(_needing(reg, spare), -1)[link_of_tag]
    spared_by = np.where(chosen & ~stuck, needing, -1)
    manifests = np.zeros(len(links["manifest"]), np.bool_)
    manifests[link_of_tag[chosen & ~stuck & (spared_by < 0)]] = True
    gone = _of_link(manifests, link_of_tag)
    return Removal(gone, manifests, gone & ~chosen, spared_by, stuck)


def link_rows(reg: Registry, repository: NDArray[np.int32], manifest: NDArray[np.int32]) -> Rows:
    """Rows of `repository_manifests` of pairs of codes; -1 where there is none."""
    links = columns(reg, "repository_manifests")
    width = int(columns(reg, "manifests")["manifest"].max(initial=-1)) + 2
    keys = links["repository"].astype(np.int64) * width + links["manifest"]
    return np.where(manifest >= 0, rows_of(repository.astype(np.int64) * width + manifest, keys), -1)


def served_links(reg: Registry) -> Mask:
    """For each revision link, whether a server finds the manifest through it, and so can delete it.

    Notes
    -----
    Distribution looks the manifest up before it deletes it: the link must be readable, the manifest stored.
    """
    links, manifests = columns(reg, "repository_manifests"), columns(reg, "manifests")
    readable = np.isin(links["link_state"], [code for code in map(reg.name_code, _SERVED) if code >= 0])
    served: Mask = readable & (manifests["present"][rows_of(links["manifest"], manifests["manifest"])] == 1)
    return served


def halting(reg: Registry) -> Mask:
    """For each tag, whether another tag of its repository stops the server in the middle of deleting a manifest.

    Notes
    -----
    Having removed the link of a manifest, Distribution reads every tag of the repository to see which are on it, and
    gives up at one whose link is there and holds no digest (registry/handlers/manifests.go, DeleteManifest).
    """
    tags = columns(reg, "tags")
    odd = np.isin(tags["link_state"], [code for code in map(reg.name_code, _UNREADABLE) if code >= 0])
    stops: Mask = np.isin(tags["repository"], tags["repository"][odd])
    return stops


def _needing(reg: Registry, spare: Mask) -> Rows:
    """For each revision link the first of some tags that needs it: points to its manifest, or to an index of it."""
    tags, links = columns(reg, "tags"), columns(reg, "repository_manifests")
    first = np.full(len(links["manifest"]) + 1, -1, np.int64)  # the last for what has no link, which is -1
    reached = reach(reg).tag_manifests
    tag, manifest = np.repeat(np.arange(len(spare)), row_counts(reached)), reached.indices
    tag, manifest = tag[spare[tag]], columns(reg, "manifests")["manifest"][manifest[spare[tag]]]
    link = link_rows(reg, tags["repository"][tag], manifest)
    direct = tags["manifest"][tag] == manifest  # one with the same manifest says more than one whose index lists it
    order = np.lexsort((tag, ~direct))[::-1]
    first[link[order]] = tag[order]
    return first[:-1]


def _of_link(mask: Mask, link: Rows) -> Mask:
    """A mask of links for what has one; False where that is -1."""
    return np.append(mask, False)[link]
