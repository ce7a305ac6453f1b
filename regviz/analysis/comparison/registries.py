"""Two registries, or one at two moments: what appeared, moved, went, and what a sync must transfer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from regviz.analysis.comparison.sides import paired_names, side
from regviz.analysis.reach import column_counts, through, totals
from regviz.analysis.served import repository_tags

if TYPE_CHECKING:
    import pandas as pd

    from regviz.analysis.comparison.sides import Side
    from regviz.analysis.reach import Incidence
    from regviz.registry import Registry

Change = Literal["appeared", "moved", "went", "same"]
What = Literal["repository", "tag", "manifest"]
CHANGES: tuple[Change, ...] = get_args(Change)
WHATS: tuple[What, ...] = get_args(What)
_TEXTS = ("what", "repository", "tag", "change")
_BYTES = ("bytes", "old_bytes", "missing_bytes", "added_bytes")
_MANIFESTS = ("manifest", "old_manifest")


def compare_registries(old: Registry, new: Registry) -> pd.DataFrame:
    """What differs between two registries, or two captures of one: a mirror and its original, June and July.

    Repositories go together by name. Equal names do first, then those equal without the host and ``library/``, which
    only some registries write (``docker.io/library/nodejs`` is ``nodejs``); where a registry has several such names,
    each stays as it is.

    Parameters
    ----------
    old, new : Registry
        Of any layouts. For a sync: where from, and where to.

    Returns
    -------
    pandas.DataFrame
        One row for each repository, each tag, and each manifest of a repository, in this order.

        what
            ``repository``, ``tag`` or ``manifest``.
        repository, tag
            Their names, as the newer registry has them.
        change
            ``appeared``: only the newer has it; ``went``: only the older; ``same``: both, and a tag points to the same
            manifest; ``moved``: to another; of a repository: some tag appeared, moved or went. NA where it cannot be
            told: a tag's link cannot be read, ids of v1 would have to be compared with digests, or the registry that
            seems to lack it was not read completely there.
        bytes, old_bytes
            Of the distinct blobs that it reaches and that lie there: in the newer, in the older. A manifest's are
            its own, its configuration and its layers; what an index lists has rows of its own.
        missing_bytes
            Those of `old_bytes` that lie nowhere in the newer registry: what a sync from the older must transfer.
        added_bytes
            Those of `bytes` that lie nowhere in the older registry.
        manifest, old_manifest
            What a tag points to in the newer, and in the older; of a row of a manifest, that. NA where there is none.

        Rows share blobs, so they do not add up. ``attrs`` has the ``missing_bytes``, ``missing_blobs``,
        ``added_bytes`` and ``added_blobs`` of all tags together, each blob once; the ``old_bytes`` and ``new_bytes``
        that tags reach; how many rows of each change, or ``unknown``, there are (``repository``, ``tag``,
        ``manifest``: a dict each); the ``basis`` on which tags were compared: ``manifest``, ``image ID`` or ``name``;
        and ``complete``, whether both registries were read completely. Where one was not, or does not show what no
        tag reaches (a live registry), less may be missing there than is said.

    Raises
    ------
    NotKnowableError
        One of them is a listing.

    Notes
    -----
    Manifests without a tag have rows where both sources know those (:attr:`Source.knows_untagged`).

    Registries name content in different ways. Archives of ``docker save`` and engines have image IDs for manifests and
    uncompressed layers: against those of manifests' digests, tags are the same where they reach an image ID in common
    (basis ``image ID``). A v1 registry has no digests at all: against any other, names alone are compared (basis
    ``name``). In both cases missing_bytes and added_bytes are NA and manifests have no rows.

    Examples
    --------
    Tag 1 has a base of 100 bytes and a layer of 10; 2 the same base and one of 20; of the mirror 2 is not there yet,
    and documents are not counted here::

        tag  1   same       bytes 110   old_bytes 110   missing_bytes  0
        tag  2   went       bytes  NA   old_bytes 120   missing_bytes 20   (the base lies there)
        attrs                                           missing_bytes 20

    >>> import regviz as rv
    >>> table = compare_registries(rv.read(), rv.read())
    >>> set(table["change"]), table.attrs["missing_bytes"]
    ({'same'}, 0)
    """
    import pandas as pd

    for registry in (old, new):
        registry.source.require_contents("differences of registries")
    names = paired_names(*(registry.repositories["repository"].astype("str") for registry in (old, new)))
    sides = side(old, names[0]), side(new, names[1])
    basis = _basis(*sides)
    is_known = basis == "manifest"
    lacking = [
        np.where(one.held_by(other), 0, one.stored) if is_known else np.zeros_like(one.stored)
        for one, other in (sides, sides[::-1])
    ]
    tags = _tags(*sides, basis)
    found = [
        _measured(
            _repositories(*sides, tags),
            sides,
            lacking,
            [through(repository_tags(s.registry), s.reached.tag_blobs) for s in sides],
        ),
        _measured(tags, sides, lacking, [s.reached.tag_blobs for s in sides]),
    ]
    if is_known:
        own = [s.reached.manifest_blobs for s in sides]
        found.append(_measured(_manifests(*sides), sides, lacking, own))
    table = pd.concat([pd.DataFrame(each) for each in found], ignore_index=True)
    if not is_known:
        table["missing_bytes"] = table["added_bytes"] = pd.Series(pd.NA, table.index, dtype="Int64")
    reaching = [column_counts(s.reached.tag_blobs) > 0 for s in sides]
    for name, at in (("missing", 0), ("added", 1)):
        there = reaching[at] & (lacking[at] > 0)
        table.attrs[f"{name}_bytes"] = int(lacking[at][there].sum()) if is_known else None
        table.attrs[f"{name}_blobs"] = int(there.sum()) if is_known else None
    table.attrs |= {
        f"{name}_bytes": int(s.stored[r].sum()) for name, s, r in zip(("old", "new"), sides, reaching, strict=True)
    }
    for what in WHATS:
        changes = table.loc[table["what"] == what, "change"]
        table.attrs[what] = {change: int((changes == change).sum()) for change in CHANGES}
        table.attrs[what]["unknown"] = int(changes.isna().sum())
    table.attrs |= {"basis": basis, "complete": all(side.registry.complete for side in sides)}
    return table


def _basis(old: Side, new: Side) -> str:
    """By what tags of the two can be compared."""
    if old.family == new.family:
        return "manifest"
    return "name" if old.is_v1 or new.is_v1 else "image ID"


def _tags(old: Side, new: Side, basis: str) -> pd.DataFrame:
    """All tags of both, with the row that each has in either."""
    both = _outer(old.tags(), new.tags(), ["repository", "tag"])
    here = both["row_old"].notna() & both["row_new"].notna()
    known = here & both["manifest_old"].notna() & both["manifest_new"].notna()
    same = known & (both["manifest_old"] == both["manifest_new"])
    if basis == "image ID":
        known, same = _by_image_id(old, new, both, known)
    elif basis == "name":
        known = here & False
    return _changed((old, new), both, "tag", known, same)


def _by_image_id(old: Side, new: Side, both: pd.DataFrame, named: pd.Series[bool]) -> tuple[Any, Any]:
    """Of which tags it is known, and which reach an image ID in common; schema 1 has none."""
    mine, theirs = old.image_ids(), new.image_ids()
    known, same = named.to_numpy(np.bool_).copy(), np.zeros(len(both), np.bool_)
    rows = both[["row_old", "row_new"]].fillna(-1).to_numpy(np.int64)
    for at in np.flatnonzero(known).tolist():
        first, second = mine[rows[at, 0]], theirs[rows[at, 1]]
        known[at] = bool(first) and bool(second)
        same[at] = not first.isdisjoint(second)
    return known, same


def _repositories(old: Side, new: Side, tags: pd.DataFrame) -> pd.DataFrame:
    """All repositories of both; those of both have moved if one of their tags is not the same."""
    both = _outer(old.repositories(), new.repositories(), ["repository"])
    moved = set(tags.loc[tags["change"].isin(["appeared", "moved", "went"]), "repository"])
    unknown = set(tags.loc[tags["change"].isna(), "repository"]) - moved
    known = ~both["repository"].isin(unknown)
    return _changed((old, new), both, "repository", known, ~both["repository"].isin(moved))


def _manifests(old: Side, new: Side) -> pd.DataFrame:
    """All manifests of each repository of both, which are there or not."""
    linked = old.registry.source.knows_untagged and new.registry.source.knows_untagged and not old.is_v1
    both = _outer(old.manifests(linked=linked), new.manifests(linked=linked), ["repository", "manifest"])
    for name in ("old", "new"):
        both[f"manifest_{name}"] = both["manifest"].where(both[f"row_{name}"].notna())
    every = both["row_old"].notna() | both["row_new"].notna()
    return _changed((old, new), both.drop(columns="manifest"), "manifest", every, every)


def _outer(old: pd.DataFrame, new: pd.DataFrame, on: list[str]) -> pd.DataFrame:
    both = old.merge(new, how="outer", on=on, suffixes=("_old", "_new"))
    return both.sort_values(on, ignore_index=True)


def _changed(sides: tuple[Side, Side], both: pd.DataFrame, what: What, known: Any, same: Any) -> pd.DataFrame:
    """Rows with their change: of what both have it is known whether it is the same."""
    import pandas as pd

    here, there = both["row_old"].notna(), both["row_new"].notna()
    unread = [_unread(each, both["repository"]) for each in sides]
    cases = [~here & ~unread[0], ~there & ~unread[1], here & there & known & same, here & there & known]
    change = np.select(cases, ["appeared", "went", "same", "moved"], default="")
    made = both.rename(columns={"manifest_new": "manifest", "manifest_old": "old_manifest"})
    said = pd.Series(change, dtype="str")
    return made.assign(what=pd.Series([what] * len(both), dtype="str"), change=said.where(said != ""))


def _unread(side_: Side, repositories: pd.Series[str]) -> pd.Series[bool]:
    """Where a registry may have what was not found there."""
    may_have = repositories.isin(side_.incomplete)
    if not side_.registry.source.complete:  # it broke off: there may be more repositories
        may_have |= True
    return may_have


def _measured(
    rows: pd.DataFrame, sides: tuple[Side, Side], lacking: list[Any], owned: list[Incidence]
) -> dict[str, Any]:
    """The columns of the answer, bytes too."""
    import pandas as pd

    made: dict[str, Any] = {
        name: rows[name].astype("str") if name in rows else pd.Series([None] * len(rows), dtype="str")
        for name in (*_TEXTS, *_MANIFESTS)
    }
    numbers = {}
    for at, (name, short) in enumerate((("old_bytes", "missing_bytes"), ("bytes", "added_bytes"))):
        row = rows[f"row_{('old', 'new')[at]}"]
        is_there = row.notna()
        place = row.fillna(0).astype("int64").to_numpy()
        for column, values in ((name, sides[at].stored), (short, lacking[at])):
            counted = np.append(totals(owned[at], values), 0)[np.where(is_there, place, -1)]
            numbers[column] = pd.Series(counted, dtype="Int64").where(is_there)
    made |= numbers
    return {name: made[name] for name in (*_TEXTS, *_BYTES, *_MANIFESTS)}
