"""A script that packs images for a host without a network, and leaves out what it has."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np

from regviz.analysis.members import manifest_platforms
from regviz.analysis.moving import transfer
from regviz.analysis.pulls import ALL
from regviz.analysis.reach import columns, rows_of
from regviz.errors import RegvizError
from regviz.text import count_noun, format_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from regviz.registry import Registry


def bundle_script(
    reg: Registry,
    of: str | Sequence[str],
    *,
    having: str | Sequence[str] = (),
    platform: str | None = None,
    registry: str | None = None,
) -> str:
    """Write a shell script that packs images as one archive for a host without a network.

    ``ctr`` (of containerd) fetches each image by its digest, so that it is the one that was looked at, and keeps
    every digest as it is; the archive has each blob once, without those that the host has. ``ctr images import``
    takes it in there. regviz itself runs nothing.

    Parameters
    ----------
    reg : Registry
    of, having, platform
        As :func:`regviz.analysis.transfer` takes them.
    registry : str, optional
        Host and port of the registry to fetch from. Of a live registry it is known; else the script asks for it, in
        its variable REGISTRY.

    Returns
    -------
    str
        For ``sh``; it takes a name for the archive as its argument, and more options of ``ctr content fetch``
        (``--user``, ``--plain-http``) in the variable FETCH. Its head says how many blobs and bytes are packed.

    Raises
    ------
    RegvizError
        A reference is not there, or not for this platform; the source is a v1 registry, or an archive of
        ``docker save`` without manifests.

    Examples
    --------
    >>> import regviz as rv
    >>> script = bundle_script(rv.read(), "team/web:1.1", having="team/web:1.0", registry="registry.example.org")
    >>> [line for line in script.splitlines() if line.startswith("ctr images tag")]
    ['ctr images tag --force "$REGISTRY"/team/web@sha256:... "$REGISTRY"/team/web:1.1']
    """
    if not {"v1", "registry-v1", "docker-archive"}.isdisjoint(reg.source.layouts):
        raise RegvizError(f"{reg.source.uri} has no manifests, by whose digests images are fetched: read a v2 registry")
    plan = transfer(reg, of, having=having, platform=platform, client="content-store")
    packed, present = plan[plan["reason"] == "needed"], plan[plan["reason"] == "present"]["blob"].drop_duplicates()
    tops = plan.drop_duplicates("reference")
    chosen = _platforms(reg, plan)
    every = ["--all-platforms"] if platform == ALL else [f"--platform {quote(each)}" for each in sorted(set(chosen))]
    size = int(packed["moved_bytes"].sum())
    fetches, names = [], []
    for reference, manifest, its_platform in zip(tops["reference"], tops["blob"], chosen, strict=True):
        repository, name = _named(reg, reference, manifest)
        by_digest = f'"$REGISTRY"/{quote(f"{repository}@{manifest}")}'
        wanted = "--all-platforms" if platform == ALL else f"--platform {quote(its_platform)}"
        fetches.append(f"ctr content fetch {wanted} ${{FETCH:-}} {by_digest}")
        names.append(f'"$REGISTRY"/{quote(name)}')
        if names[-1] != by_digest:
            fetches.append(f"ctr images tag --force {by_digest} {names[-1]}")
    host = registry or (urlsplit(reg.source.uri).netloc if reg.source.layouts[0].startswith("registry-") else "")
    options = " ".join(every)
    what = f"{count_noun(len(tops), 'image')}: {count_noun(len(packed), 'blob')}, {format_bytes(size)} ({size} bytes)"
    lines = [
        "#!/bin/sh",
        f"# {what}; {count_noun(len(present), 'blob')} that the host has are left out.",
        "set -eu",
        f"REGISTRY={quote(host)}" if host else ': "${REGISTRY:?host and port of the registry to fetch from}"',
        "archive=${1:-bundle.tar}",
        *fetches,
        f'ctr images export {options} "$archive" {" ".join(dict.fromkeys(names))}',
        "tar --delete -f \"$archive\" -T - <<'END'",
        *(f"blobs/{blob.replace(':', '/')}" for blob in present),
        "END",
        f"""echo {quote(f"On the host: ctr images import {options}")} "$archive\"""",
    ]
    return "\n".join(lines) + "\n"


def _platforms(reg: Registry, plan: pd.DataFrame) -> list[str]:
    """The platform of each image as its index writes it: ctr takes no other."""
    last = plan[plan["kind"].isin(["index", "manifest"])].drop_duplicates("reference", keep="last")["blob"]
    codes = np.array([reg.key_code(manifest) for manifest in last], np.int32)
    known = manifest_platforms(reg)
    rows = rows_of(codes, columns(reg, "manifests")["manifest"]).tolist()
    return [known[row] or plan.attrs["platform"] for row in rows]


def _named(reg: Registry, reference: str, manifest: str) -> tuple[str, str]:
    """The repository that a reference is pulled from, and how the image is called there."""
    tags = reg.tags.astype({"repository": "str", "tag": "str"})
    name, at, _ = reference.partition("@")
    repository, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = name, "latest"
    for known in (repository, f"library/{repository}"):
        if not at and ((tags["repository"] == known) & (tags["tag"] == tag)).any():
            return known, f"{known}:{tag}"
    served = reg.repository_manifests.astype({"repository": "str"})
    serving = served[served["manifest"] == reg.resolve(reference)]["repository"].tolist()
    if not serving:
        raise RegvizError(f"{reference} is served by no repository: give it as repository:tag")
    known = next((each for each in (name, f"library/{name}") if at and each in serving), serving[0])
    return known, f"{known}@{manifest}"
