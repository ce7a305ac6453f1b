"""What the rows of an answer are made of, for each grain it can be asked by.

A row of ``sizes`` stands for members: a repository for its tags, a platform for what each tag reaches through
that platform's images. A member reaches each of its blobs once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from regviz.analysis.reach import column_counts, columns, groups, incidence, row_counts, rows_of, through
from regviz.graph.values import texts

if TYPE_CHECKING:
    from regviz.analysis.reach import Incidence, Numbers, Reach
    from regviz.registry import Registry

    Keys = dict[str, list[str | None]]

Grain = Literal["tag", "repository", "namespace", "manifest", "layer", "platform"]


@dataclass(frozen=True)
class Members:
    """The members of an answer's rows.

    Attributes
    ----------
    keys : dict of str to list of str or None
        The key columns of the rows; None is NA.
    row : array of int
        The row each member belongs to.
    manifests : csr_array
        Members × the manifests that they reach.
    reached : Reach
    some_layers, some_blobs : csr_array, optional
        Members × what they have of those manifests; left out, it is all.
    """

    keys: Keys
    row: Numbers
    manifests: Incidence
    reached: Reach
    some_layers: Incidence | None = None
    some_blobs: Incidence | None = None

    @cached_property
    def layers(self) -> Incidence:
        """Members × the layers that they reach."""
        return through(self.manifests, self.reached.manifest_layers) if self.some_layers is None else self.some_layers

    @cached_property
    def blobs(self) -> Incidence:
        """Members × the blobs that they reach."""
        return through(self.manifests, self.reached.manifest_blobs) if self.some_blobs is None else self.some_blobs

    @property
    def groups(self) -> Incidence:
        """Rows × members."""
        return groups(self.row, len(next(iter(self.keys.values()))))


def members(reg: Registry, reached: Reach, by: Grain) -> Members:
    """The members of every row of an answer asked by a grain."""
    if by == "manifest":
        return _manifests(reg, reached)
    if by == "layer":
        return _layers(reg, reached)
    if by == "platform":
        return _platforms(reg, reached)
    tags, repositories = columns(reg, "tags"), columns(reg, "repositories")
    if by == "tag":
        keys = {name: texts(reg, "name", tags[name]) for name in ("repository", "tag")}
        return Members(keys, np.arange(len(tags["tag"])), reached.tag_manifests, reached)
    codes, row_of_repository = np.unique(repositories[by], return_inverse=True)
    row = row_of_repository[rows_of(tags["repository"], repositories["repository"])]
    return Members({by: texts(reg, "name", codes)}, row, reached.tag_manifests, reached)


def _manifests(reg: Registry, reached: Reach) -> Members:
    """Tagged and referenced manifests; a referenced one is reached as a child or by its subject."""
    manifest, references = columns(reg, "manifests")["manifest"], columns(reg, "manifest_references")
    linked, count = columns(reg, "repository_manifests"), len(manifest)
    is_subject = references["role"] == reg.name_code("subject")
    subject, referrer = (rows_of(references[name][is_subject], manifest) for name in ("child", "manifest"))
    onwards = reached.child_manifests + incidence(subject, referrer, (count, count))
    roots = np.concatenate([columns(reg, "tags")["manifest"], linked["manifest"][linked["is_root"] == 1]])
    frontier = rows_of(roots, manifest)
    frontier = frontier[frontier >= 0]
    known = np.zeros(count, np.bool_)
    while len(frontier):
        known[frontier] = True
        beyond = np.flatnonzero(column_counts(onwards[frontier]))
        frontier = beyond[~known[beyond]]
    rows = np.flatnonzero(known)
    every = np.arange(len(rows))
    own = incidence(every, rows, (len(rows), count))
    return Members({"manifest": texts(reg, "digest", manifest[rows])}, every, reached.descend(own), reached)


def _layers(reg: Registry, reached: Reach) -> Members:
    """Layers that tags stand on; a member is what one tag has of one layer."""
    on_stack, layer = np.flatnonzero(reached.step_layer >= 0), columns(reg, "layers")["layer"]
    height, width_of_blobs = reached.tag_manifests.shape[1], len(columns(reg, "blobs")["blob"])
    shape = (height, len(on_stack))
    steps = incidence(reached.step_manifest[on_stack], np.arange(len(on_stack)), shape)
    standing = (reached.tag_manifests @ steps).tocoo()  # tags × steps
    step = on_stack[standing.col]
    rows, row_of_step = np.unique(reached.step_layer[step], return_inverse=True)
    width = max(len(rows), 1)
    pair, member = np.unique(standing.row.astype(np.int64) * width + row_of_step, return_inverse=True)
    row = pair % width
    return Members(
        {"layer": texts(reg, "digest", layer[rows])},
        row,
        manifests=incidence(member, reached.step_manifest[step], (len(pair), height)),
        reached=reached,
        some_layers=incidence(np.arange(len(pair)), rows[row], (len(pair), len(layer))),
        some_blobs=incidence(member, reached.step_blob[step], (len(pair), width_of_blobs)),
    )


def _platforms(reg: Registry, reached: Reach) -> Members:
    """Platforms; a member is what one tag reaches through the manifests of one platform."""
    names = manifest_platforms(reg)
    distinct = [*sorted({name for name in names if name is not None}), None]
    place = {name: row for row, name in enumerate(distinct)}
    platform = np.array([place[name] for name in names], np.int64)
    manifest = reached.tag_manifests.indices
    tag = np.repeat(np.arange(reached.tag_manifests.shape[0]), row_counts(reached.tag_manifests))
    pair, member = np.unique(tag * len(distinct) + platform[manifest], return_inverse=True)
    used, row = np.unique(pair % len(distinct), return_inverse=True)
    keys = {"platform": [distinct[at] for at in used.tolist()]}
    return Members(keys, row, incidence(member, manifest, (len(pair), len(names))), reached)


def manifest_platforms(reg: Registry) -> list[str | None]:
    """The platform of each manifest as ``os/architecture[/variant]``; None where it has none.

    An image's configuration says it; where it was not read, the index that lists the image does. Indexes,
    attestations and artifacts have none.

    Notes
    -----
    The variant ``v8`` of ``arm64`` goes without saying, as in containerd's ``platforms.Normalize``.
    """
    manifests, references = columns(reg, "manifests"), columns(reg, "manifest_references")
    listed, first = np.unique(rows_of(references["child"], manifests["manifest"]), return_index=True)
    listed, first = listed[listed >= 0], first[listed >= 0]
    unread = manifests["os"][listed] < 0
    said = []
    for name in ("os", "architecture", "variant"):
        codes = manifests[name].copy()
        codes[listed[unread]] = references[name][first[unread]]
        said.append(texts(reg, "name", codes))
    return [_platform(*parts) for parts in zip(*said, strict=True)]


def _platform(system: str | None, architecture: str | None, variant: str | None) -> str | None:
    known = [part for part in (system, architecture, variant) if part]
    if not known or known[0] == "unknown":
        return None
    return "/".join(known[:2] if (architecture, variant) == ("arm64", "v8") else known)
