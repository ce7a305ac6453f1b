"""sizes(): whose bytes are they?"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import numpy as np

from regviz.analysis.members import Grain, members
from regviz.analysis.reach import column_counts, incidence, reach
from regviz.errors import RegvizError
from regviz.schema import NA_INT

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from regviz.analysis.reach import Incidence
    from regviz.registry import Registry

    Numbers = NDArray[np.int64]

_PLAIN_TAR = ("layer.v1.tar", "layer.nondistributable.v1.tar", "rootfs.diff.tar", "rootfs.foreign.diff.tar")


def sizes(reg: Registry, *, by: Grain = "repository") -> pd.DataFrame:
    """Bytes of each repository, tag, namespace, manifest, layer or platform.

    The bytes of a tag are the lengths of the distinct blobs that it reaches and that lie in the registry: manifests,
    configurations and layers of all its platforms, without what only speaks about it (signatures, say).

    Parameters
    ----------
    reg : Registry
    by : {"repository", "tag", "namespace", "manifest", "layer", "platform"}
        What a row is. ``namespace``: what stands before a repository's first ``/``. ``manifest``: tagged and referenced
        manifests. ``layer``: what the tags have of each layer. ``platform``: what they reach through that platform's images;
        NA is what belongs to no platform: indexes, attestations, charts.

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
            Each blob divided among the rows that reach it. The column adds up, to the byte, to the bytes that the rows reach:
            by tag, repository, namespace and platform the ``tagged_bytes``, by layer the layers' part of them, by manifest also
            what is only referenced.
        absent_bytes
            Of blobs that are named and not there (foreign layers, platforms left out of a copy), as declared; in no other
            column.
        basis
            Whether the layers are ``compressed``, ``uncompressed`` or ``mixed``; NA without layers.

        ``attrs`` has the ``grain``, the ``tagged_bytes`` (distinct blobs that tags reach) and the ``dedupe_ratio`` (logical
        bytes of all tags over tagged bytes; None where there are none).

    Raises
    ------
    RegvizError
        There is no such grain.

    See Also
    --------
    amortise : how a blob is divided.

    Examples
    --------
    >>> import regviz as rv
    >>> table = sizes(rv.read(), by="tag")
    >>> int(table["amortised_bytes"].sum()) == table.attrs["tagged_bytes"]
    True
    """
    import pandas as pd  # loaded when asked for

    if by not in get_args(Grain):
        message = f"sizes cannot be asked by {by!r}; ask by one of {', '.join(get_args(Grain))}"
        raise RegvizError(message)
    reached = reach(reg)
    rows = members(reg, reached, by)
    blobs, layers = reg.columns("blobs"), rows.of_rows(rows.layers)
    known = np.where(blobs["blob_bytes"] == NA_INT, 0, blobs["blob_bytes"]).astype(np.int64)
    present = blobs["present"] == 1
    stored, absent = np.where(present, known, 0), np.where(present, 0, known)

    owned = rows.of_rows(rows.blobs)
    owners, is_layer = column_counts(owned), column_counts(reached.layer_blobs) > 0
    is_plain = _plain_tars(reg)
    member_bytes, groups = rows.blobs @ stored, incidence(rows.row, np.arange(len(rows.row)), (rows.row_count, len(rows.row)))
    unique, exclusive = owned @ stored, owned @ np.where(owners == 1, stored, 0)
    columns = {
        "manifests": np.diff(rows.of_rows(rows.manifests).indptr),
        "layers": np.diff(layers.indptr),
        "layer_bytes": owned @ np.where(is_layer, stored, 0),
        "logical_bytes": groups @ member_bytes,
        "unique_bytes": unique,
        "exclusive_bytes": exclusive,
        "shared_bytes": unique - exclusive,
        "amortised_bytes": amortise(owned, stored),
        "absent_bytes": _capped_sum(owned, absent),
    }
    table = pd.DataFrame({name: pd.array(values, dtype="str") for name, values in rows.keys.items()})
    for name, values in columns.items():
        table[name] = pd.array(values.astype(np.int64), dtype="Int64")
    table["basis"] = _basis(owned @ (is_layer & present & ~is_plain), owned @ (is_layer & present & is_plain))
    order = ["exclusive_bytes", "unique_bytes", *rows.keys]
    table = table.sort_values(order, ascending=[False, False, *[True] * len(rows.keys)], ignore_index=True)
    tag_blobs = reached.tag_blobs
    tagged = int(stored[column_counts(tag_blobs) > 0].sum())
    logical = int((tag_blobs @ stored).sum())
    table.attrs |= {"grain": by, "tagged_bytes": tagged, "dedupe_ratio": logical / tagged if tagged else None}
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
        One number a row, less than one byte from the exact share. They add up to the bytes of all blobs that any row reaches.

    Notes
    -----
    Row r gets the sum, over the blobs b that it reaches, of bytes(b) / rows(b), where rows(b) is how many rows reach b. In
    the game whose players are the rows, and in which a coalition pays for the distinct blobs it reaches, that is the Shapley
    value [1]_: each blob is a game of its own, in which those who reach it are alike and the others pay nothing, and Shapley
    values of games add up. Whole bytes by largest remainder: every share is rounded down, and the bytes left over go, one
    each, to the shares that lost most (of equals, to the earlier row).

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

    >>> reaches = incidence(np.array([0, 1, 2, 0, 1, 2]), np.array([0, 0, 0, 1, 1, 2]), (3, 3))
    >>> amortise(reaches, np.array([100, 11, 7])).tolist()
    [39, 39, 40]
    """
    reaching = column_counts(owned)
    owners = np.maximum(reaching, 1)
    share, rest = blob_bytes // owners, blob_bytes % owners
    whole = np.asarray(owned @ share, np.int64)
    # The rests of all blobs are a whole number of bytes; of each row's part of it only the order matters, so floats do,
    # rounded so that equals stay equal.
    part = np.round(owned.astype(np.float64) @ (rest / owners), 9)
    whole += np.floor(part).astype(np.int64)
    lost = np.round(part - np.floor(part), 9)
    left = int(blob_bytes[reaching > 0].sum() - whole.sum())
    largest = np.argsort(-lost, kind="stable")[:left]
    whole[largest] += 1
    return whole


def _plain_tars(reg: Registry) -> NDArray[np.bool_]:
    """For each blob whether it is known to be an uncompressed tar."""
    blobs = reg.columns("blobs")
    codes = np.unique(blobs["media_type"])
    codes = codes[codes >= 0].astype(np.int32)
    plain = [
        code
        for code, text in zip(codes.tolist(), reg.code_texts("name", codes), strict=True)
        if text.endswith(_PLAIN_TAR)
    ]
    return np.isin(blobs["media_type"], plain) | ((blobs["compression"] >= 0) & (blobs["compression"] == reg.name_code("none")))


def _basis(compressed: Numbers, plain: Numbers) -> pd.api.extensions.ExtensionArray:
    import pandas as pd

    words = np.array([None, "compressed", "uncompressed", "mixed"], dtype=object)
    return pd.array(words[(compressed > 0) + 2 * (plain > 0)], dtype="str")


def _capped_sum(owned: Incidence, declared: Numbers) -> Numbers:
    """Sums of what descriptors merely declare: forged lengths add up to at most the largest number, not to a negative one."""
    exact, about = owned @ declared, owned.astype(np.float64) @ declared.astype(np.float64)
    return np.where(about > np.iinfo(np.int64).max / 2, np.iinfo(np.int64).max, exact)
