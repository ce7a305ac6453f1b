"""How a registry grew, what its tags pointed to, and which of them nobody has pushed since."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.analysis.accounting import amortise
from regviz.analysis.reach import column_counts, columns, groups, incidence, reach, rows_of, through, totals
from regviz.analysis.times import BASES, Moments, blob_moments, micros, tag_moments
from regviz.card import held_bytes
from regviz.errors import RegvizError
from regviz.schema import NA_INT
from regviz.text import parse_age

if TYPE_CHECKING:
    import pandas as pd

    from regviz.analysis.times import Period
    from regviz.registry import Registry

_DAY = 86_400_000_000
"""µs."""


def history(reg: Registry, *, by: Period = "month") -> pd.DataFrame:
    """Tell when a registry grew, and what the pushes of each month still cost.

    Parameters
    ----------
    reg : Registry
    by : {"day", "week", "month", "year"}
        How long a period is, in UTC. A week is ISO's, ``2024-W18``.

    Returns
    -------
    pandas.DataFrame
        One row for each period and what its times rest on, the oldest first; a period of NA has what no time is
        known of.

        period, basis
            ``2024-05``. ``pushed``: the storage's own times say when it came. ``created``: only images say when they
            were made, as of a live registry, or of a copy; it may have come much later. Nothing before Docker's
            first release (1970, 1980) and nothing after the reading is taken for a time.
        blobs, added_bytes
            Blobs that came in this period and lie there still, tagged or not: stored then, else first linked or
            tagged then; of `created`, in the first image that has them.
        total_bytes
            All added_bytes up to here: in the last row, all that lies there.
        tags
            Tags that were last pushed in this period.
        unique_bytes, exclusive_bytes, amortised_bytes
            What these tags reach, as in :func:`regviz.analysis.sizes`: the different blobs; those that tags of no
            other row reach, which would go with them; each blob divided among the rows that reach it, so that the
            column adds up to ``attrs["tagged_bytes"]``.

    Raises
    ------
    RegvizError
        There is no such period.
    NotKnowableError
        The source is a listing.

    Examples
    --------
    Two tags: `a` of 2024-01 has blobs of 100 and 10 bytes, `b` of 2024-02 those of 100 and 5. January added 110 bytes
    and February 5. What January's push still costs: 10 alone, and half of 100.

    >>> import regviz as rv
    >>> table = history(rv.read(), by="year")
    >>> table["period"].tolist(), table["basis"].unique().tolist()
    (['2016', '2024'], ['pushed'])
    >>> int(table["amortised_bytes"].sum()) == table.attrs["tagged_bytes"]
    True
    """
    import pandas as pd

    reg.source.require_contents("the history of a registry")
    reached = reach(reg)
    length, _ = held_bytes(reg)
    present = columns(reg, "blobs")["present"] == 1
    stored = np.where(present, length, 0)
    here = np.flatnonzero(present)
    blobs, tags = blob_moments(reg, reached), tag_moments(reg, reached)
    keys, place = Moments(blobs.when[here], blobs.basis[here]).followed_by(tags).periods(by)
    arrived = incidence(place[: len(here)], here, (len(keys), len(present)))
    pushed = groups(place[len(here) :], len(keys))
    owned = through(pushed, reached.tag_blobs)
    added = totals(arrived, stored)
    values = {
        "blobs": np.diff(arrived.indptr),
        "added_bytes": added,
        "total_bytes": np.cumsum(added),
        "tags": np.diff(pushed.indptr),
        "unique_bytes": totals(owned, stored),
        "exclusive_bytes": totals(owned, np.where(column_counts(owned) == 1, stored, 0)),
        "amortised_bytes": amortise(owned, stored),
    }
    made: dict[str, Any] = {
        "period": pd.Series([key[0] for key in keys], dtype="str"),
        "basis": pd.Series([key[1] for key in keys], dtype="str"),
        **{name: pd.Series(each, dtype="Int64") for name, each in values.items()},
    }
    table = pd.DataFrame(made)
    table.attrs |= {
        "grain": by,
        "stored_bytes": int(stored.sum()),
        "tagged_bytes": int(values["amortised_bytes"].sum()),
    }
    return table


def tag_history(reg: Registry) -> pd.DataFrame:
    """Tell what each tag points to and once pointed to, and since when.

    Returns
    -------
    pandas.DataFrame
        One row for each manifest of each tag, by repository and tag, the oldest first. repository; tag; manifest;
        since: when this manifest was (last) pushed under the tag; until: when the next one was, NA of the last;
        current: the tag points to it now; present: its manifest lies there still; left_bytes: what it reaches that
        no tag reaches today.

    Notes
    -----
    Only Distribution's storage keeps what a tag once pointed to. Of any other source, the current ones are known.
    A manifest that was pushed under a tag again has one row, of its last push.

    Examples
    --------
    A tag that pointed to `x` since Monday, and to `y` since Thursday, has two rows: `x` until Thursday, and `y`.

    >>> import regviz as rv
    >>> table = tag_history(rv.read())
    >>> moved = table[~table["current"]]
    >>> moved[["repository", "tag"]].drop_duplicates().values.tolist()
    [['library/nodejs', 'latest'], ['team/web', 'latest']]
    """
    import pandas as pd

    reg.source.require_contents("the bytes of earlier tags")
    reached, manifest = reach(reg), columns(reg, "manifests")["manifest"]
    rows = rows_of(columns(reg, "tag_history")["manifest"], manifest)
    stored = np.where(columns(reg, "blobs")["present"] == 1, held_bytes(reg)[0], 0)
    left = np.where(column_counts(reached.tag_blobs) > 0, 0, stored)
    start = incidence(np.arange(len(rows)), rows, (len(rows), len(manifest)))
    reaches = through(reached.descend(start), reached.manifest_blobs)
    table = reg.tag_history.astype({"repository": "str", "tag": "str", "manifest": "str"})
    table = table.rename(columns={"last_pushed_at": "since"})
    table["present"] = pd.Series(columns(reg, "manifests")["present"][rows] == 1, dtype="boolean")
    table["left_bytes"] = pd.Series(totals(reaches, left), dtype="Int64")
    table = pd.DataFrame(table.sort_values(["repository", "tag", "since", "current"], ignore_index=True))
    table.insert(4, "until", table.groupby(["repository", "tag"])["since"].shift(-1))
    return table


def stale_tags(reg: Registry, *, older_than: str | dt.timedelta = "90d") -> pd.DataFrame:
    """List the tags that nobody has pushed for long.

    Parameters
    ----------
    reg : Registry
    older_than : str or datetime.timedelta
        ``24h``, ``90d``, ``12w``, counted back from when the source was read.

    Returns
    -------
    pandas.DataFrame
        One row for each such tag, the oldest first. repository; tag; manifest; last_pushed, the time; basis of that:
        ``pushed``, or ``created``, where only the image says when it was made, and nobody knows when it was pushed;
        age_days, whole ones; unique_bytes, of what it reaches; exclusive_bytes, of that what no other tag reaches.

        ``attrs`` has the stale_bytes, which no tag reaches but these: what goes, after collection, if all of them do;
        unknown_tags, how many tags have no time that could be true, and are in no row; older_than, in days.

    Raises
    ------
    RegvizError
        The age cannot be understood.
    NotKnowableError
        The source is a listing.

    Examples
    --------
    Read on 31 December, a tag pushed on 2 October is 90 days old, and one that was pushed on the 3rd is not stale yet.

    >>> import regviz as rv
    >>> reg = rv.read()
    >>> table = stale_tags(reg, older_than="12w")
    >>> bool(table["age_days"].is_monotonic_decreasing), len(table) == len(reg.tags)
    (True, True)
    >>> bool(table["exclusive_bytes"].sum() <= table.attrs["stale_bytes"])
    True
    """
    import pandas as pd

    reg.source.require_contents("the bytes of tags")
    try:
        age = parse_age(older_than) if isinstance(older_than, str) else older_than
    except ValueError as error:
        raise RegvizError(str(error)) from None
    reached = reach(reg)
    moments = tag_moments(reg, reached)
    stored = np.where(columns(reg, "blobs")["present"] == 1, held_bytes(reg)[0], 0)
    known = moments.when != NA_INT
    ages = (micros(reg.source.read_at) - moments.when) / _DAY
    rows = np.flatnonzero(known & (ages >= age / dt.timedelta(days=1)))
    owned = reached.tag_blobs
    users, mine = column_counts(owned), column_counts(owned[rows])
    table = reg.tags[["repository", "tag", "manifest"]].astype("str").iloc[rows].reset_index(drop=True)
    table["last_pushed"] = pd.DatetimeIndex(moments.when[rows].view("M8[us]")).tz_localize("UTC")
    table["basis"] = pd.Series([BASES[code] for code in moments.basis[rows].tolist()], dtype="str")
    table["age_days"] = pd.Series(np.floor(ages[rows]).astype(np.int64), dtype="Int64")
    table["unique_bytes"] = pd.Series(totals(owned, stored)[rows], dtype="Int64")
    table["exclusive_bytes"] = pd.Series(totals(owned, np.where(users == 1, stored, 0))[rows], dtype="Int64")
    table = pd.DataFrame(table.sort_values(["last_pushed", "repository", "tag"], ignore_index=True))
    table.attrs |= {
        "stale_bytes": int(stored[(mine > 0) & (mine == users)].sum()),
        "unknown_tags": int((~known).sum()),
        "older_than": age / dt.timedelta(days=1),
    }
    return table
