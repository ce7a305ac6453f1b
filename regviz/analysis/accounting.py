"""Whose bytes are they: the sizes of what is in a registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from regviz.analysis.layers import layer_users
from regviz.analysis.members import members
from regviz.analysis.owned import check_grain
from regviz.analysis.parts import Parts, by_any_way, distinct_bytes, flagged, row_sums
from regviz.analysis.reach import column_counts, columns, reach, row_counts, totals
from regviz.card import held_bytes
from regviz.graph.values import texts

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from numpy.typing import NDArray

    from regviz.analysis.members import Grain
    from regviz.analysis.reach import Incidence, Numbers
    from regviz.registry import Registry

_PLAIN_TAR = ("layer.v1.tar", "layer.nondistributable.v1.tar", "rootfs.diff.tar", "rootfs.foreign.diff.tar")
_LARGEST = np.iinfo(np.int64).max


def sizes(reg: Registry, *, by: Grain = "repository") -> pd.DataFrame:
    """Bytes of each repository, tag, namespace, manifest, layer or platform.

    The bytes of a tag are the lengths of the distinct blobs that it reaches and that lie in the registry:
    manifests, configurations and layers of all its platforms, without what only speaks about it (signatures).

    Parameters
    ----------
    reg : Registry
    by : {"repository", "tag", "namespace", "manifest", "layer", "platform"}
        What a row is. ``namespace``: what stands before a repository's first ``/``. ``manifest``: tagged and
        referenced manifests. ``layer``: what tags have of each layer. ``platform``: what they reach through
        that platform's images; NA is what belongs to no platform: indexes, attestations, charts.

    Returns
    -------
    pandas.DataFrame
        The largest exclusive_bytes first. Beside the key:

        manifests, layers
            Distinct manifests and layers.
        layer_bytes
            The layers' part of unique_bytes.
        logical_bytes
            Sum over the row's tags (``by="manifest"``: the manifest once).
        unique_bytes
            Of the distinct blobs.
        exclusive_bytes
            Of the blobs that no other row reaches.
        shared_bytes
            unique_bytes - exclusive_bytes.
        amortised_bytes
            Each blob divided among the rows that reach it, so that the column adds up, to the byte, to what
            all rows reach: by tag, repository, namespace and platform to the ``tagged_bytes``, by layer to
            the layers' part of them, by manifest to them and what is only referenced.
        absent_bytes
            Of blobs that are named and not there (foreign layers, platforms left out of a copy), as declared;
            in no other column.
        basis
            Whether the layers are ``compressed``, ``uncompressed`` (as archives of ``docker save`` and
            engines keep them; of an engine's, the bytes of its files count) or ``mixed``; NA without layers.
        tags, repositories, only_repository, empty, created_by
            ``by="layer"`` alone: how many tags and repositories stand on it, the repository where that is one, whether
            it changes nothing, and the instruction that made it.

        ``attrs`` has the ``grain``, the ``tagged_bytes`` (distinct blobs that tags reach), the
        ``reached_bytes`` (to which amortised_bytes adds up) and the ``dedupe_ratio`` (logical bytes of all
        tags over tagged bytes; None where there are none).

    Raises
    ------
    RegvizError
        There is no such grain.

    See Also
    --------
    regviz.analysis.accounting.amortise : how a blob is divided.

    Examples
    --------
    >>> import regviz as rv
    >>> table = sizes(rv.read(), by="tag")
    >>> int(table["amortised_bytes"].sum()) == table.attrs["tagged_bytes"]
    True

    Two tags stand on a base of 100 bytes, and have layers of 11 and 7 bytes of their own (documents left aside)::

        tag    logical  unique  exclusive  shared  amortised
        one        111     111         11     100         61
        two        107     107          7     100         57
        all        218     118 are stored, which is the sum of the last column: dedupe_ratio 1.85

    The largest layers that one repository alone has, with the instructions that made them:

    >>> layers = sizes(rv.read(), by="layer")
    >>> layers[layers["repositories"] == 1][["only_repository", "unique_bytes", "created_by"]].shape[1]
    3
    """
    import pandas as pd

    check_grain("sizes", by)
    reg.source.require_contents("sizes")
    reached = reach(reg)
    rows = members(reg, reached, by)
    blobs, groups = columns(reg, "blobs"), rows.groups
    length, unpacked = held_bytes(reg)
    present = blobs["present"] == 1
    stored, absent = np.where(present, length, 0), np.where(present, 0, length)
    parts, in_row, manifests = Parts(reg), flagged(groups), flagged(rows.manifests)
    row_manifests = by_any_way(in_row, manifests)
    tag_bytes = distinct_bytes(flagged(reached.tag_manifests), parts.blobs, stored)
    if rows.some_blobs is not None:
        members_blobs = flagged(rows.some_blobs)
        owned, member_bytes = by_any_way(in_row, members_blobs), row_sums(members_blobs, stored[members_blobs.indices])
    else:
        owned, of_tags = by_any_way(row_manifests, parts.blobs), rows.manifests is reached.tag_manifests
        member_bytes = tag_bytes if of_tags else distinct_bytes(manifests, parts.blobs, stored)
    layers = (
        by_any_way(row_manifests, parts.layers)
        if rows.some_layers is None
        else by_any_way(in_row, flagged(rows.some_layers))
    )
    is_layer, is_plain = parts.holds_layer(), plain_tars(reg) | unpacked
    length_of, layer_of = stored[owned.indices], is_layer[owned.indices]
    alone = (column_counts(owned) == 1)[owned.indices]
    here, plain = layer_of & present[owned.indices], is_plain[owned.indices]
    unique, exclusive = row_sums(owned, length_of), row_sums(owned, length_of * alone)
    numbers = {
        "manifests": row_counts(row_manifests),
        "layers": row_counts(layers),
        "layer_bytes": row_sums(owned, length_of * layer_of),
        "logical_bytes": totals(groups, member_bytes),
        "unique_bytes": unique,
        "exclusive_bytes": exclusive,
        "shared_bytes": unique - exclusive,
        "amortised_bytes": amortise(owned, stored),
        "absent_bytes": _capped_totals(owned, absent) if absent.any() else np.zeros_like(unique),
    }
    made: dict[str, Any] = {name: pd.Series(values, dtype="str") for name, values in rows.keys.items()}
    made |= {name: pd.Series(values, dtype="Int64") for name, values in numbers.items()}
    made["basis"] = pd.Series(_basis(row_sums(owned, here & ~plain), row_sums(owned, here & plain)), dtype="str")
    if by == "layer":
        made |= layer_users(reg, reached, layers.indices.astype(np.int64))
    order = ["exclusive_bytes", "unique_bytes", *rows.keys]
    rising = [name in rows.keys for name in order]
    table = pd.DataFrame(made).sort_values(order, ascending=rising, ignore_index=True)
    all_tagged = csr_array((column_counts(reached.tag_manifests) > 0)[np.newaxis])
    tagged = int(stored[by_any_way(all_tagged, parts.blobs).indices].sum())
    logical = int(tag_bytes.sum())
    table.attrs |= {
        "grain": by,
        "tagged_bytes": tagged,
        "reached_bytes": int(numbers["amortised_bytes"].sum()),
        "dedupe_ratio": logical / tagged if tagged else None,
    }
    return table


def amortise(owned: Incidence, blob_bytes: Numbers) -> Numbers:
    """Divide each blob's bytes equally among the rows that reach it, in whole bytes that add up exactly.

    Parameters
    ----------
    owned : csr_array
        Rows × blobs, 1 where a row reaches a blob.
    blob_bytes : array of int
        Bytes of each blob.

    Returns
    -------
    array of int
        One number a row, less than one byte from its exact share; together the bytes of all blobs reached.

    Notes
    -----
    Row r gets the sum, over the blobs b that it reaches, of bytes(b) / rows(b), where rows(b) is how many
    rows reach b. In the game whose players are the rows, and in which a coalition pays for the distinct blobs
    it reaches, that is the Shapley value [1]_: each blob is a game of its own, in which those who reach it
    are alike and the others pay nothing, and Shapley values of games add up.

    Whole bytes by largest remainder: every share is rounded down, and the bytes left over go, one each, to
    the shares that lost most (of equals, to the earlier row).

    References
    ----------
    .. [1] L. S. Shapley, "A value for n-person games", Contributions to the Theory of Games II, 1953.

    Examples
    --------
    Three tags stand on a base of 100 bytes; the first two share a layer of 11, the third has one of 7::

        first     100/3 + 11/2      = 38 5/6   -> 39
        second    100/3 + 11/2      = 38 5/6   -> 39
        third     100/3        + 7  = 40 1/3   -> 40
                                     118          118

    >>> from regviz.analysis.reach import incidence
    >>> reaches = incidence(np.array([0, 1, 2, 0, 1, 2]), np.array([0, 0, 0, 1, 1, 2]), (3, 3))
    >>> amortise(reaches, np.array([100, 11, 7])).tolist()
    [39, 39, 40]
    """
    reaching = column_counts(owned)
    several = np.flatnonzero(reaching > 1)
    share, rest = blob_bytes.astype(np.int64), np.zeros(len(blob_bytes))
    share[several], left_over = np.divmod(share[several], reaching[several])
    rest[several] = left_over / reaching[several]
    # The rests of all blobs are a whole number of bytes; of each row's part of it only the order matters, so
    # floats do, rounded so that equals stay equal.
    part = np.round(owned @ rest, 9)
    lost = np.round(part - np.floor(part), 9)
    whole = row_sums(owned, share[owned.indices]) + np.floor(part).astype(np.int64)
    left = int(blob_bytes[reaching > 0].sum() - whole.sum())
    whole[np.argsort(-lost, kind="stable")[:left]] += 1
    return whole


def plain_tars(reg: Registry) -> NDArray[np.bool_]:
    """For each blob whether it is known to be an uncompressed tar."""
    blobs = columns(reg, "blobs")
    codes = np.unique(blobs["media_type"]) if blobs["media_type"].strides != (0,) else blobs["media_type"][:1]
    plain = np.zeros(int(codes.max(initial=-1)) + 2, np.bool_)  # the last for NA
    plain[codes] = [str(text).endswith(_PLAIN_TAR) for text in texts(reg, "name", codes)]
    sniffed: NDArray[np.bool_] = (blobs["compression"] >= 0) & (blobs["compression"] == reg.name_code("none"))
    return plain[blobs["media_type"]] | sniffed


def basis_of(plain: Iterable[bool]) -> str | None:
    """What lengths of layers are, given of each whether it is that of an uncompressed tar; None of nothing.

    Examples
    --------
    >>> basis_of([False]), basis_of([True, True]), basis_of([True, False]), basis_of([])
    ('compressed', 'uncompressed', 'mixed', None)
    """
    said = set(plain)
    return ("mixed" if len(said) == 2 else "uncompressed" if True in said else "compressed") if said else None


def _basis(compressed: Numbers, plain: Numbers) -> list[str | None]:
    words = (None, "compressed", "uncompressed", "mixed")
    return [words[at] for at in ((compressed > 0) + 2 * (plain > 0)).tolist()]


def _capped_totals(owned: Incidence, declared: Numbers) -> Numbers:
    """Sums of what descriptors merely declare: forged lengths add up to the largest number, never below 0."""
    about: NDArray[np.float64] = owned @ declared.astype(np.float64)
    return np.where(about > _LARGEST / 2, _LARGEST, totals(owned, declared))
