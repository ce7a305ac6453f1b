"""Plans of what answers over a wire: registries and engines."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from regviz.layouts.common import Options
from regviz.plan import cost
from regviz.plan.cost import Count

if TYPE_CHECKING:
    from regviz.live.options import Live

_SAMPLED = 8
_PAGE = 1000
_OF_A_TAG = 2
"""Requests: its manifest and its configuration; layers are never fetched."""


def of_registry(source: str, live: Live) -> dict[str, Any]:
    """The plan of a registry's API: its catalog, and the tags of a few repositories."""
    from regviz.live.connect import look  # what speaks HTTP is loaded when asked for

    found = look(source, Options(), live, _SAMPLED)
    count = len(found.repositories)
    exact = found.sampled == count
    tags = found.tags if exact or not found.sampled else round(found.tags * count / found.sampled)
    how = "" if exact else f"the lists of {found.sampled} of {count:,} repositories"
    is_v2 = found.version == "v2"
    requests = -(-count // _PAGE) + count + _OF_A_TAG * tags if is_v2 else None
    seconds, memory = cost.work(requests, cost.REQUEST)
    notes = ["documents that are in the cache already are not asked for again"] if live.cache else []
    notes.append(
        "time is that of a registry on this machine: each request takes as long as the way there and back, 16 at a time"
    )
    if found.problem:
        notes.append(f"the catalog is not whole: {found.problem}")
    scopes = ("registry:catalog:*", "repository:NAME:pull for each repository")
    return {
        "kind": "registry",
        "layout": f"registry-{found.version}",
        "why": found.why,
        "counts": (
            (Count("repositories", count, found.problem == "", found.problem), Count("tags", tags, exact, how))
            if is_v2
            else ()
        ),
        "requests": requests,
        "seconds": seconds,
        "memory_bytes": memory,
        "permissions": scopes if live.needs_catalog else scopes[1:],
        "marks": found.marks,
        "notes": tuple(notes),
        "next_command": f"regviz capture {shlex.quote(source)} -o registry.regviz"
        + (" --allow-pull-marks" if found.marks else ""),
    }


def of_engine(source: str) -> dict[str, Any]:
    """The plan of a running engine."""
    from regviz.live.docker_engine import count_images

    version, images = count_images(source)
    requests = 2 * images + 4
    seconds, memory = cost.work(requests, cost.REQUEST)
    return {
        "kind": "engine",
        "layout": "docker-engine",
        "why": f"Docker Engine {version} answers",
        "counts": (Count("images", images, exact=True, how=""),),
        "requests": requests,
        "seconds": seconds,
        "memory_bytes": memory,
        "permissions": ("the engine's socket: root, or the group docker (which is as much as root)",),
        "marks": "",
        "notes": (),
        "next_command": f"regviz report {source} -o report.html",
    }
