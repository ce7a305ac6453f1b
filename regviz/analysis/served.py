"""Which manifests each repository serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from regviz.analysis.reach import columns, groups, incidence, rows_of, through

if TYPE_CHECKING:
    from regviz.analysis.reach import Incidence, Reach
    from regviz.registry import Registry


def repository_tags(reg: Registry) -> Incidence:
    """Repositories × tags."""
    repository = columns(reg, "repositories")["repository"]
    return groups(rows_of(columns(reg, "tags")["repository"], repository), len(repository))


def served(reg: Registry, reached: Reach, *, linked: bool = True) -> Incidence:
    """Repositories × manifests: what their tags reach and, if wanted, what can be pulled by digest without one.

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis.reach import reach
    >>> reg = rv.read()
    >>> served(reg, reach(reg)).nnz >= served(reg, reach(reg), linked=False).nnz > 0
    True
    """
    found = through(repository_tags(reg), reached.tag_manifests)
    if not linked:
        return found
    links = columns(reg, "repository_manifests")
    there = np.isin(links["link_state"], [reg.name_code(state) for state in ("ok", "unchecked")])
    repository, manifest = (
        rows_of(links[f"{name}"][there], columns(reg, table)[name])
        for name, table in (("repository", "repositories"), ("manifest", "manifests"))
    )
    return through(csr_array(found + incidence(repository, manifest, found.shape)), _every(found.shape[1]))


def _every(count: int) -> Incidence:
    return incidence(np.arange(count), np.arange(count), (count, count))
