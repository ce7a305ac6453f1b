"""How a registry grew from one reading to the next, and when its disk will be full."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from regviz.analysis.accounting import sizes
from regviz.analysis.layers import layer_sizes
from regviz.analysis.reach import columns
from regviz.analysis.times import latest_moment
from regviz.card import held_bytes
from regviz.errors import RegvizError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from regviz.registry import Registry

Grown = Literal["reading", "repository", "namespace", "tag", "layer"]
_TOGETHER = dt.timedelta(hours=1)
_SURE = 0.95


def growth(registries: Sequence[Registry], *, by: Grown = "reading") -> pd.DataFrame:
    """Tell how a registry grew from one reading to the next.

    Parameters
    ----------
    registries : sequence of Registry
        At least two readings of one registry, captures of it for example, in any order.
    by : {"reading", "repository", "namespace", "tag", "layer"}
        What a row is.

    Returns
    -------
    pandas.DataFrame
        ``by="reading"``, the oldest first: at, its time; source; repositories, tags, blobs, as many as there are;
        stored_bytes, of the blobs that lie there; tagged_bytes, of those that tags reach; change_bytes, of
        stored_bytes since the reading before; new_bytes, of blobs that did not lie there then; gone_bytes, of those
        that do no more: new - gone = change.

        ``by="repository"`` and so on, what grew most first: the key; first_bytes and last_bytes, what it reaches
        (its unique_bytes in :func:`regviz.analysis.sizes`) in the first and in the last reading, 0 where it was
        not there; change_bytes; exclusive_bytes, of the last reading.

        ``by="layer"``: the layers that lie there in the last reading and did not in the first, the largest first:
        as :func:`regviz.analysis.layer_sizes` has them.

        ``attrs`` has the basis of the time of a reading: ``read``, when it was read; or ``stored``, where all were
        read within one hour, as archives are, so that this says little: when the last thing was stored in each, if
        that differs.

    Raises
    ------
    RegvizError
        There are fewer than two readings, no such grain, or readings of one time.
    NotKnowableError
        A source is a listing.

    Examples
    --------
    In May blobs of 100 and 20 bytes lie there, in June those of 100 and 50: the change is 30, 50 new and 20 gone.

    >>> import regviz as rv
    >>> from regviz.share import folder
    >>> old, new = (rv.read(folder("data") / f"world-{name}.tar.gz") for name in ("v1", "distribution"))
    >>> table = growth([new, old])
    >>> table["stored_bytes"].tolist(), table["change_bytes"].tolist()
    ([202460, 439126], [<NA>, 236666])
    """
    import pandas as pd

    if by not in get_args(Grown):
        raise RegvizError(f"growth cannot be asked by {by!r}; ask by one of {', '.join(get_args(Grown))}")
    moments, basis, ordered = _in_order(registries)
    if by == "reading":
        table = _readings(moments, ordered)
    elif by == "layer":
        found = layer_sizes(ordered[-1])
        is_new = found["present"] & ~found["blob"].isin(_stored(ordered[0]).index)
        table = pd.DataFrame(found[is_new].reset_index(drop=True))
    else:
        keys = ["repository", "tag"] if by == "tag" else [by]
        first, last = (sizes(each, by=by) for each in (ordered[0], ordered[-1]))
        old = first[[*keys, "unique_bytes"]].rename(columns={"unique_bytes": "first_bytes"})
        new = last[[*keys, "unique_bytes", "exclusive_bytes"]].rename(columns={"unique_bytes": "last_bytes"})
        table = old.merge(new, on=keys, how="outer")
        numbers = ["first_bytes", "last_bytes", "exclusive_bytes"]
        table[numbers] = table[numbers].fillna(0)
        table.insert(len(keys) + 2, "change_bytes", table["last_bytes"] - table["first_bytes"])
        order = ["change_bytes", *keys]
        table = pd.DataFrame(table.sort_values(order, ascending=[False, *[True] * len(keys)], ignore_index=True))
    table.attrs = {"grain": by, "basis": basis}
    return table


def forecast(registries: Sequence[Registry], *, disk: int) -> pd.DataFrame:
    """Tell when the disk of a registry will be full, if it goes on growing as it did.

    Parameters
    ----------
    registries : sequence of Registry
        At least two readings of one registry, in any order; three for how sure it is.
    disk : int
        Bytes that its blobs may take.

    Returns
    -------
    pandas.DataFrame
        Three rows: ``expected``, ``earliest`` and ``latest``. estimate; bytes_per_day; days, from the last reading,
        and full_at, when the blobs take `disk` bytes: NA where it does not grow, and of two readings in the last
        two rows. ``attrs`` has the disk_bytes, the stored_bytes of the last reading, the readings, and the basis
        of their times, as :func:`growth` has it.

    Raises
    ------
    RegvizError
        There are fewer than two readings, or readings of one time.
    NotKnowableError
        A source is a listing.

    Notes
    -----
    A straight line by least squares through the stored_bytes of the readings; it is full where the line meets
    `disk`, or at the last reading, if that is past it. ``earliest`` and ``latest`` are the lines through the centre of
    the readings with the ends of the slope's 95 % confidence interval (Student's t, n - 2 degrees of freedom). They
    say how well the readings lie on a line, and not what nobody knows: a new team, a collection.

    Examples
    --------
    100 bytes on 1 May and 130 on 31 May are 1 byte a day: 200 bytes are reached 70 days later, on 9 August.

    >>> import regviz as rv
    >>> from regviz.share import folder
    >>> old, new = (rv.read(folder("data") / f"world-{name}.tar.gz") for name in ("v1", "distribution"))
    >>> table = forecast([old, new], disk=500_000)
    >>> table["estimate"].tolist(), table["full_at"].notna().tolist()
    (['expected', 'earliest', 'latest'], [True, False, False])
    """
    import pandas as pd

    moments, basis, ordered = _in_order(registries)
    stored = np.array([_stored(each).sum() for each in ordered], np.float64)
    days = np.array([(moment - moments[-1]) / dt.timedelta(days=1) for moment in moments])
    centre, level = float(days.mean()), float(stored.mean())
    spread = float(((days - centre) ** 2).sum())
    slope = float(((days - centre) * (stored - level)).sum() / spread)
    slopes: list[float | None] = [slope, None, None]
    freedom = len(ordered) - 2
    if freedom:
        from scipy.stats import t

        rest = stored - level - slope * (days - centre)
        error = float(np.sqrt((rest**2).sum() / freedom / spread) * t.ppf((1 + _SURE) / 2, freedom))
        slopes = [slope, slope + error, slope - error]
    ahead = [None if each is None else _days_until(disk, level, centre, each, float(stored[-1])) for each in slopes]
    table = pd.DataFrame(
        {
            "estimate": pd.Series(["expected", "earliest", "latest"], dtype="str"),
            "bytes_per_day": pd.Series([None if each is None else round(each) for each in slopes], dtype="Int64"),
            "days": pd.Series([None if each is None else round(each, 1) for each in ahead], dtype="Float64"),
            "full_at": pd.Series([_moment(moments[-1], each) for each in ahead], dtype="datetime64[us, UTC]"),
        }
    )
    table.attrs |= {"disk_bytes": disk, "stored_bytes": int(stored[-1]), "readings": len(ordered), "basis": basis}
    return table


def _days_until(disk: int, level: float, centre: float, slope: float, now: float) -> float | None:
    """Days from the last reading until a line meets the size of the disk; None where it never does."""
    if now >= disk:
        return 0.0
    return max(0.0, centre + (disk - level) / slope) if slope > 0 else None


def _moment(last: dt.datetime, days: float | None) -> dt.datetime | None:
    """A time so many days later; None too where no calendar goes so far."""
    try:
        return None if days is None else last + dt.timedelta(days=days)
    except OverflowError:
        return None


def _in_order(registries: Sequence[Registry]) -> tuple[list[dt.datetime], str, list[Registry]]:
    """When each was read, what that rests on, and the readings from the oldest."""
    if len(registries) < 2:
        raise RegvizError("growth needs two readings of a registry or more: captures of different days, for example")
    for each in registries:
        each.source.require_contents("the bytes of tags")
    moments, basis = [each.source.read_at for each in registries], "read"
    stored = [latest_moment(each) for each in registries]
    told = {each for each in stored if each is not None}
    if max(moments) - min(moments) < _TOGETHER and len(told) == len(registries):
        moments, basis = [each for each in stored if each is not None], "stored"
    if len(set(moments)) < len(moments):
        raise RegvizError("two of the readings are of one time: give each once, as captures made at different times")
    order = sorted(range(len(registries)), key=moments.__getitem__)
    return [moments[at] for at in order], basis, [registries[at] for at in order]


def _stored(reg: Registry) -> pd.Series[int]:
    """Bytes of each blob that lies there, by its digest."""
    import pandas as pd

    here = columns(reg, "blobs")["present"] == 1
    return pd.Series(held_bytes(reg)[0][here], index=pd.Index(reg.blobs["blob"][here].astype("str")), dtype="int64")


def _readings(moments: Sequence[dt.datetime], ordered: Sequence[Registry]) -> pd.DataFrame:
    import pandas as pd

    rows: list[dict[str, Any]] = []
    before: pd.Series[int] | None = None
    for moment, reg in zip(moments, ordered, strict=True):
        blobs = _stored(reg)
        row: dict[str, Any] = {
            "at": moment,
            "source": reg.source.uri,
            "repositories": len(columns(reg, "repositories")["repository"]),
            "tags": len(columns(reg, "tags")["tag"]),
            "blobs": len(blobs),
            "stored_bytes": int(blobs.sum()),
            "tagged_bytes": sizes(reg, by="tag").attrs["tagged_bytes"],
        }
        if before is not None:
            row["new_bytes"] = int(blobs[~blobs.index.isin(before.index)].sum())
            row["gone_bytes"] = int(before[~before.index.isin(blobs.index)].sum())
            row["change_bytes"] = row["stored_bytes"] - int(before.sum())
        rows.append(row)
        before = blobs
    counts = (
        "repositories",
        "tags",
        "blobs",
        "stored_bytes",
        "tagged_bytes",
        "change_bytes",
        "new_bytes",
        "gone_bytes",
    )
    made: dict[str, Any] = {
        "at": pd.Series([row["at"] for row in rows], dtype="datetime64[us, UTC]"),
        "source": pd.Series([row["source"] for row in rows], dtype="str"),
        **{name: pd.Series([row.get(name) for row in rows], dtype="Int64") for name in counts},
    }
    return pd.DataFrame(made)
