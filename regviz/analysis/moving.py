"""What pulling an image moves, onto a host that has others and onto an empty one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.analysis.accounting import basis_of, plain_tars
from regviz.analysis.pulls import Shelf, host_with
from regviz.analysis.reach import columns, incidence, rows_of, totals
from regviz.errors import RegvizError
from regviz.graph.layers import tag_names
from regviz.graph.values import numbers, texts
from regviz.schema import NA_INT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from regviz.analysis.pulls import Client, Pull
    from regviz.analysis.reach import Incidence
    from regviz.registry import Registry

NOTHING = "(nothing)"
"""How a host that has no image is called in a matrix."""


def transfer(
    reg: Registry,
    of: str | Sequence[str],
    *,
    having: str | Sequence[str] = (),
    platform: str | None = None,
    client: Client = "docker",
) -> pd.DataFrame:
    """Tell what pulling images moves, onto a host that has pulled others before.

    Parameters
    ----------
    reg : Registry
    of : str or sequence of str
        References (see :meth:`regviz.Registry.resolve`), pulled one after the other: what the first brings, the
        second finds.
    having : str or sequence of str
        What the host has pulled, in the same way, before; nothing, where it is empty.
    platform : str, optional
        Which image of an index is pulled, ``os/architecture[/variant]``, matched as containerd and Docker match
        it (``linux/arm/v7`` takes ``linux/arm/v6`` too, if it must); Linux on this host's architecture where
        nothing is said. ``all``: everything that an index lists, as ``skopeo copy --all`` copies it.
    client : {"docker", "content-store"}
        ``docker``: an engine with a graph driver, as held to Docker Engine 20.10 with overlay2. Of an image that it
        does not have it reuses the layers from the base up, as long as it has each of them there on the same
        chain, and under the same digest; all above are fetched, also where it has their content elsewhere.
        ``content-store``: containerd, an OCI layout, a mirror: what has a digest is not fetched twice.

    Returns
    -------
    pandas.DataFrame
        One row for each blob that is asked for or would be, in order; of an archive of ``docker save`` these are its
        layers as they lie there, uncompressed. reference; manifest (the one it belongs to); blob; kind (index,
        manifest, config, layer, other); position (of a layer, 0 at the base); and

        bytes
            The blob's length: their sum over different blobs is what an empty host fetches.
        moved_bytes
            What is fetched: bytes, or 0. Requests and what they carry besides are not counted, nor is v1's json, nor
            are the signatures that a registry adds to schema 1.
        reason
            ``needed``: the host has it not. ``present``: it has it. ``repeated``: another row has fetched it.
            ``broken-chain`` (docker): it has this blob, but not on these layers. ``recompressed`` (docker): it has
            this layer, from a blob with another digest. ``absent``: it does not come from this registry, in which it
            does not lie (a foreign layer, a deleted one).

        ``attrs`` has moved_bytes, the bytes of all rows; reused_bytes, of the different blobs that are not fetched;
        absent_bytes, of those that do not lie here, as declared; the client; the platform.

    Raises
    ------
    RegvizError
        A reference is not there, or not for this platform.
    NotKnowableError
        The source is a listing or an engine.

    Examples
    --------
    Of the 15 layers of `team/web:1.1` the first 14 are those of `1.0`. A host that has that fetches the manifest of
    3,436 bytes, the configuration of 3,856, and one layer of 1,216: 8,508 bytes.

    >>> import regviz as rv
    >>> pull = transfer(rv.read(), "team/web:1.1", having="team/web:1.0")
    >>> pull["reason"].value_counts().to_dict()
    {'present': 14, 'needed': 3}
    >>> pull[pull["reason"] == "needed"]["bytes"].tolist(), pull.attrs["moved_bytes"]
    ([3436, 3856, 1216], 8508)
    """
    import pandas as pd

    shelf = Shelf(reg, platform, client)
    host = host_with(client, map(shelf.pull, _listed(having)))
    pulls, reasons = [], []
    for reference in _listed(of):
        pull = shelf.pull(reference)
        pulls.append(pull)
        reasons += host.reasons(pull)
        host.receive(pull)
    blob = np.array([code for pull in pulls for code in pull.blobs], np.int32)
    length, present = _stored(reg, blob)
    reason = np.array(reasons, object)
    reason[~present & (reason != "present") & (reason != "repeated")] = "absent"
    moves = ~np.isin(reason, ["present", "repeated", "absent"])
    moved = np.where(moves, length, 0)
    made: dict[str, Any] = {
        "reference": pd.Series([pull.reference for pull in pulls for _ in pull.blobs], dtype="str"),
        "manifest": pd.Series(_digests(reg, [code for pull in pulls for code in pull.images]), dtype="str"),
        "blob": pd.Series(_digests(reg, blob), dtype="str"),
        "kind": pd.Series([kind for pull in pulls for kind in pull.kinds], dtype="str"),
        "position": pd.Series([at for pull in pulls for at in _positions(pull)], dtype="Int64"),
        "bytes": pd.Series(numbers(length, "bytes"), dtype="Int64"),
        "reason": pd.Series(reason.tolist(), dtype="str"),
        "moved_bytes": pd.Series(numbers(moved, "bytes"), dtype="Int64"),
    }
    table = pd.DataFrame(made)
    fetched, absent = np.unique(blob[moves]), np.unique(blob[reason == "absent"])
    table.attrs |= {
        "moved_bytes": _total(moved),
        "reused_bytes": _total(_stored(reg, np.setdiff1d(blob, np.union1d(fetched, absent)))[0]),
        "absent_bytes": _total(_stored(reg, absent)[0]),
        "client": client,
        "platform": str(shelf.wanted or platform),
    }
    return table


def transfer_matrix(
    reg: Registry,
    images: Sequence[str] | None = None,
    *,
    platform: str | None = None,
    client: Client = "docker",
) -> pd.DataFrame:
    """Tell, for each pair of images, how many bytes pulling the one onto a host that has the other moves.

    Parameters
    ----------
    reg : Registry
    images : sequence of str, optional
        References; all tags where nothing is said.
    platform, client
        As :func:`transfer` takes them.

    Returns
    -------
    pandas.DataFrame
        ``having``: what the host has; the first row, ``(nothing)``, is an empty host. One column for each image: the
        moved_bytes of pulling it; NA where an image cannot be pulled, of which ``attrs["cannot"]`` has the reason.
        ``attrs`` has the client, the platform, and the ``basis``: whether layers are moved ``compressed`` or, as an
        archive of ``docker save`` has them, ``uncompressed``, or ``mixed``.

    Raises
    ------
    RegvizError
        A reference is not there.

    Examples
    --------
    Two images stand on a base of 100 bytes, and have 1 and 2 bytes of their own::

        having       a     b
        (nothing)  101   102
        a            0     2
        b            1     0

    >>> import regviz as rv
    >>> table = transfer_matrix(rv.read(), ["team/web:1.0", "team/web:1.1"])
    >>> table["having"].tolist(), table["team/web:1.0"].tolist()[1:]
    (['(nothing)', 'team/web:1.0', 'team/web:1.1'], [0, 8524])
    """
    import pandas as pd

    shelf = Shelf(reg, platform, client)
    names = list(dict.fromkeys(_all_tags(reg) if images is None else _listed(images)))
    pulls: dict[str, Pull] = {}
    cannot: dict[str, str] = {}
    for name in names:
        manifest = reg.resolve(name)
        try:
            pulls[name] = shelf.pull(name, manifest)
        except RegvizError as error:
            cannot[name] = str(error)
    moved = _every_pair(reg, client, list(pulls.values()))
    made: dict[str, Any] = {"having": pd.Series([NOTHING, *names], dtype="str")}
    row = {name: at for at, name in enumerate(pulls, 1)}
    place = [0, *(row.get(name, -1) for name in names)]
    for name in names:
        column = None if name in cannot else moved[:, row[name] - 1]
        made[name] = pd.Series([None if column is None or at < 0 else int(column[at]) for at in place], dtype="Int64")
    table = pd.DataFrame(made)
    table.attrs |= {"unit": "bytes", "client": client, "platform": str(shelf.wanted or platform), "cannot": cannot}
    table.attrs["basis"] = _basis(reg, pulls.values())
    return table


def _basis(reg: Registry, pulls: Iterable[Pull]) -> str | None:
    """What the bytes are of the layers that lie here."""
    found = [code for pull in pulls for code, kind in zip(pull.blobs, pull.kinds, strict=True) if kind == "layer"]
    codes = np.unique(np.array(found, np.int32))
    length, present = _stored(reg, codes)
    rows = rows_of(codes[present & (length > 0)], columns(reg, "blobs")["blob"])
    return basis_of(plain_tars(reg)[rows].tolist())


def _every_pair(reg: Registry, client: Client, pulls: list[Pull]) -> NDArray[np.int64]:
    """Bytes moved: a row for nothing and for each image that the host has, a column for each that it pulls."""
    blob = np.array([code for pull in pulls for code in pull.blobs], np.int32)
    layer = np.array([code for pull in pulls for code in pull.layers], np.int32)
    owner = np.repeat(np.arange(len(pulls)), [len(pull.blobs) for pull in pulls])
    codes, held = np.unique(blob, return_inverse=True)
    length, present = _stored(reg, codes)
    counted = np.where(present & (length != NA_INT), length, 0)
    owned = incidence(owner, held, (len(pulls), len(codes)))
    if client == "docker":
        layers, stacked = np.unique(layer, return_inverse=True)
        standing = incidence(owner, np.where(layer < 0, -1, stacked), (len(pulls), len(layers)))
        return _every_pair_of_engines(pulls, held, stacked, counted, owned, standing)
    whole = totals(owned, counted)
    weighted = owned.copy()
    weighted.data = counted[weighted.indices]
    shared: NDArray[np.int64] = (weighted @ owned.T).toarray()
    return np.vstack([whole, whole[np.newaxis, :] - shared])


def _every_pair_of_engines(
    pulls: list[Pull],
    held: NDArray[np.int64],
    stacked: NDArray[np.int64],
    counted: NDArray[np.int64],
    owned: Incidence,
    standing: Incidence,
) -> NDArray[np.int64]:
    """The same, where layers are reused from the base up: all hosts of one column together."""
    found = np.zeros((len(pulls) + 1, len(pulls)), np.int64)
    has_blob, has_layer = owned.tocsc(), standing.tocsc()
    start = 0
    for across, pull in enumerate(pulls):
        mine = slice(start, start := start + len(pull.blobs))
        is_layer = np.array([kind == "layer" for kind in pull.kinds], np.bool_)
        documents, stack, chain = np.unique(held[mine][~is_layer]), held[mine][is_layer], stacked[mine][is_layer]
        above = _from_each_on(stack, counted)
        there = (has_blob[:, stack].toarray() > 0) & (has_layer[:, chain].toarray() > 0)
        moved = above[np.cumprod(there, axis=1).sum(axis=1)]
        if "config" in pull.kinds:
            config = held[mine][pull.kinds.index("config")]
            moved[has_blob[:, [config]].toarray()[:, 0] > 0] = 0
        lacking = has_blob[:, documents].toarray() == 0
        found[1:, across] = moved + lacking @ counted[documents]
        found[0, across] = above[0] + counted[documents].sum()
    return found


def _from_each_on(stack: NDArray[np.int64], counted: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each layer of a stack, and for none, the bytes of the different blobs from it up."""
    above, seen = np.zeros(len(stack) + 1, np.int64), set[int]()
    for at in range(len(stack) - 1, -1, -1):
        blob = int(stack[at])
        above[at] = above[at + 1] + (0 if blob in seen else counted[blob])
        seen.add(blob)
    return above


def _listed(references: str | Sequence[str]) -> list[str]:
    return [references] if isinstance(references, str) else list(references)


def _all_tags(reg: Registry) -> list[str]:
    known = columns(reg, "tags")["manifest"] >= 0
    return [name for name, is_known in zip(tag_names(reg), known.tolist(), strict=True) if is_known]


def _positions(pull: Pull) -> list[int | None]:
    """Each layer's place in its stack."""
    next_of: dict[int, int] = {}
    found: list[int | None] = []
    for kind, image in zip(pull.kinds, pull.images, strict=True):
        at = next_of.get(image, 0)
        found.append(at if kind == "layer" else None)
        next_of[image] = at + (kind == "layer")
    return found


def _digests(reg: Registry, codes: Any) -> list[str | None]:
    return texts(reg, "digest", np.asarray(codes, np.int32))


def _stored(reg: Registry, codes: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Length of each blob, and whether it lies in the registry."""
    blobs = columns(reg, "blobs")
    rows = rows_of(codes, blobs["blob"])
    known = rows >= 0
    length = np.where(known, blobs["blob_bytes"][rows], NA_INT) if len(blobs["blob"]) else np.full(len(rows), NA_INT)
    present = known & (blobs["present"][rows] == 1) if len(blobs["blob"]) else known
    return np.asarray(length, np.int64), np.asarray(present, np.bool_)


def _total(length: NDArray[np.int64]) -> int:
    return sum(length[length != NA_INT].tolist())
