"""What the rows of an answer are made of, for each grain it can be asked by.

A row of ``sizes`` stands for members: a repository for its tags, a platform for what each tag reaches through that
platform's children. A member reaches each of its blobs once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from regviz.analysis.reach import column_counts, either, incidence, rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from regviz.analysis.reach import Incidence, Reach, Rows
    from regviz.registry import Registry
    from regviz.schema import Kind

Grain = Literal["tag", "repository", "namespace", "manifest", "layer", "platform"]


@dataclass(frozen=True, slots=True)
class Members:
    """The members of an answer's rows.

    Attributes
    ----------
    keys : dict of str to list of str or None
        The key columns of the rows; None is NA.
    row : array of int
        The row each member belongs to.
    manifests, layers, blobs : csr_array
        Members × what they reach.
    """

    keys: dict[str, Sequence[str | None]]
    row: Rows
    manifests: Incidence
    layers: Incidence
    blobs: Incidence

    @property
    def row_count(self) -> int:
        """Number of rows."""
        return len(next(iter(self.keys.values())))

    def of_rows(self, matrix: Incidence) -> Incidence:
        """Rows × what any of their members reaches."""
        groups = incidence(self.row, np.arange(len(self.row)), (self.row_count, len(self.row)))
        return either(groups @ matrix)


def members(reg: Registry, reached: Reach, by: Grain) -> Members:
    """The members of every row of an answer asked by a grain."""
    if by == "manifest":
        return _manifests(reg, reached)
    if by == "layer":
        return _layers(reg, reached)
    if by == "platform":
        return _platforms(reg, reached)
    tags, repositories = reg.columns("tags"), reg.columns("repositories")
    row = np.arange(len(tags["tag"]))
    keys = {name: _texts(reg, "name", tags[name]) for name in ("repository", "tag")}
    if by != "tag":
        row = rows_of(tags["repository"], repositories["repository"])
        codes, of_repository = np.unique(repositories[by], return_inverse=True)
        row, keys = of_repository[row], {by: _texts(reg, "name", codes)}
    return _of(keys, row, reached.tag_manifests, reached)


def _of(keys: dict[str, Sequence[str | None]], row: Rows, manifests: Incidence, reached: Reach) -> Members:
    """Members that have all of each manifest they reach."""
    layers, blobs = either(manifests @ reached.manifest_layers), either(manifests @ reached.manifest_blobs)
    return Members(keys, row, manifests, layers, blobs)


def _manifests(reg: Registry, reached: Reach) -> Members:
    """Tagged and referenced manifests; a referenced one is reached as a child or by its subject."""
    codes, references = reg.columns("manifests")["manifest"], reg.columns("manifest_references")
    linked = reg.columns("repository_manifests")
    count = len(codes)
    is_subject = references["role"] == reg.name_code("subject")
    subject = rows_of(references["child"][is_subject], codes)
    referrer = rows_of(references["manifest"][is_subject], codes)
    down = reached.child_manifests + incidence(subject, referrer, (count, count))
    roots = np.concatenate([reg.columns("tags")["manifest"], linked["manifest"][linked["is_root"] == 1]])
    known = np.zeros(count, np.bool_)
    frontier = np.unique(rows_of(roots, codes))
    frontier = frontier[frontier >= 0]
    while len(frontier):
        known[frontier] = True
        beyond = np.flatnonzero(column_counts(down[frontier]))
        frontier = beyond[~known[beyond]]
    rows = np.flatnonzero(known)
    own = incidence(np.arange(len(rows)), rows, (len(rows), count))
    keys = {"manifest": _texts(reg, "digest", codes[rows])}
    return _of(keys, np.arange(len(rows)), reached.descend(own), reached)


def _layers(reg: Registry, reached: Reach) -> Members:
    """Layers that tags stand on; a member is what one tag has of one layer."""
    on_stack = np.flatnonzero(reached.step_layer >= 0)
    steps = incidence(reached.step_manifest[on_stack], np.arange(len(on_stack)), (len(reg.columns("manifests")["manifest"]), len(on_stack)))
    standing = (reached.tag_manifests @ steps).tocoo()  # tags × steps
    step = on_stack[standing.col]
    rows, layer = np.unique(reached.step_layer[step], return_inverse=True)
    pair, member = np.unique(standing.row.astype(np.int64) * max(len(rows), 1) + layer, return_inverse=True)
    row = pair % max(len(rows), 1)
    codes, count = reg.columns("layers")["layer"], len(pair)
    return Members(
        {"layer": _texts(reg, "digest", codes[rows])},
        row,
        manifests=incidence(member, reached.step_manifest[step], (count, reached.manifest_blobs.shape[0])),
        layers=incidence(np.arange(count), rows[row], (count, len(codes))),
        blobs=incidence(member, reached.step_blob[step], (count, reached.manifest_blobs.shape[1])),
    )


def _platforms(reg: Registry, reached: Reach) -> Members:
    """Platforms; a member is what one tag reaches through the manifests of one platform."""
    names = manifest_platforms(reg)
    distinct = sorted({name for name in names if name is not None})
    place = {name: row for row, name in enumerate(distinct)}
    platform = np.array([len(distinct) if name is None else place[name] for name in names], np.int64)
    tag = np.repeat(np.arange(reached.tag_manifests.shape[0]), np.diff(reached.tag_manifests.indptr))
    manifest = reached.tag_manifests.indices
    pair, member = np.unique(tag * (len(distinct) + 1) + platform[manifest], return_inverse=True)
    used, row = np.unique(pair % (len(distinct) + 1), return_inverse=True)
    keys = {"platform": [[*distinct, None][at] for at in used.tolist()]}
    return _of(keys, row, incidence(member, manifest, (len(pair), len(names))), reached)


def manifest_platforms(reg: Registry) -> list[str | None]:
    """The platform of each manifest as ``os/architecture[/variant]``; None where it has none.

    An image's configuration says it; where it was not read, the index that lists the image does. Indexes, attestations and
    artifacts have none.

    Notes
    -----
    The variant ``v8`` of ``arm64`` goes without saying, as containerd's ``platforms.Normalize`` has it.
    """
    manifests, references = reg.columns("manifests"), reg.columns("manifest_references")
    listed = rows_of(references["child"], manifests["manifest"])
    first, where = np.unique(listed, return_index=True)
    where = where[first >= 0]
    first = first[first >= 0]
    said = {name: manifests[name].copy() for name in ("os", "architecture", "variant")}
    unread = said["os"][first] < 0
    for name, codes in said.items():
        codes[first[unread]] = references[name][where[unread]]
    triples, row = np.unique(np.stack(list(said.values()), axis=1), axis=0, return_inverse=True)
    texts = [_platform(*_texts(reg, "name", triple)) for triple in triples]
    return [texts[at] for at in row.ravel().tolist()]


def _platform(system: str | None, architecture: str | None, variant: str | None) -> str | None:
    known = [part for part in (system, architecture, variant) if part]
    if not known or known[0] == "unknown":
        return None
    return "/".join(known[:2] if (architecture, variant) == ("arm64", "v8") else known)


def _texts(reg: Registry, kind: Kind, codes: NDArray[np.generic]) -> list[str | None]:
    """Texts of codes; None for -1."""
    here = codes >= 0
    known = iter(reg.code_texts(kind, codes[here].astype(np.int32)))
    return [next(known) if yes else None for yes in here.tolist()]
