"""From the sizes of tags, step by step, down to what the disk says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from regviz.analysis.owned import stored_bytes
from regviz.analysis.reach import column_counts, columns, groups, reach, rows_of
from regviz.analysis.states import STATES, blob_states
from regviz.errors import NotKnowableError
from regviz.schema import HIDDEN_CATEGORIES, NA, NA_INT, STORAGE_CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import NDArray

    from regviz.analysis.reach import Numbers
    from regviz.registry import Registry

    Amount = tuple[int | None, int | None]

_STATES = {
    "tagged": ("roots without a tag", "blobs of entries of an index.json, or of a save archive, that have no tag"),
    "referenced": ("referenced", "blobs of what speaks about tagged images: signatures, attestations by subject"),
    "untagged": ("untagged", "blobs of manifests that no tag reaches; they can be pulled by digest or id"),
    "unreferenced": ("unreferenced", "blobs that nothing leads to: what collection frees"),
    "recent": ("recent", "blobs that nothing leads to yet, as young as those of a push that is under way"),
    "unknown": ("unknown", "blobs of which nothing can be said, because not everything could be read"),
}
"""What the blobs that no tag reaches are called, by their state."""
_NO_COPIES = ("docker-archive", "docker-daemon")
"""Layouts whose hard links are no copies in ``blobs.copies``."""
_OWN_LINKS = ("zot", "oci", "oci-layouts", *_NO_COPIES)
"""Layouts whose hard links are those of blobs; in others somebody made them, of any files."""
_LISTS = {"unreferenced": "garbage"}
_FILES = {
    "links": "files that name a digest: tags, revisions, layers",
    "metadata": "files of the layout itself, such as v1's json and ancestry, index.json and oci-layout",
    "other": "files that belong to no registry, and symbolic links",
}


class Step(NamedTuple):
    """One step: what it adds to the bytes (None: not known), how many of what, where they are listed, what it is."""

    step: str
    bytes: int | None
    rows: int | None
    listed_in: str
    meaning: str
    subtotal: str | None = None


def reconcile(reg: Registry) -> pd.DataFrame:
    """From the sum of the tags' sizes to what the storage takes, each step with its rows.

    Parameters
    ----------
    reg : Registry
        Read with ``measure=True``.

    Returns
    -------
    pandas.DataFrame
        One row a step, in order. Each `running_bytes` is the one before it plus `bytes`, to the byte.

        step, bytes
            What it is, and what it adds; NA where it is not known, and then no later running_bytes is.
        running_bytes
            What it has come to.
        rows, listed_in
            How many tags, blobs, files or uploads that is, and the answer or table that lists them.
        meaning
            In a sentence.
        subtotal
            What running_bytes is after this step, where that has a name: ``tagged bytes``, ``blobs, each once``,
            ``files`` (what ``du -sb`` says from coreutils 9.2 on), ``files and directories`` (``du -sb`` before),
            ``disk`` (``du -s --block-size=1``). Of object storage ``objects`` (the store's own listing) and
            ``objects, uploads and versions``.

        An archive has no blocks: its steps to the disk are NA.

    Raises
    ------
    NotKnowableError
        The source has no files, or was read without ``measure=True``.

    Examples
    --------
    Two tags share a base of 100 bytes and have 11 and 7 of their own; a layer of 5 is left over (links aside)::

        tags                             218     218
        shared within repositories      -100     118   tagged bytes
        unreferenced                       5     123   blobs, each once

    >>> import regviz as rv
    >>> table = reconcile(rv.read(measure=True))
    >>> files = table[table["subtotal"] == "files"]["running_bytes"].item()
    >>> int(files) == int(rv.read(measure=True).storage["apparent_bytes"].sum())
    True
    """
    import pandas as pd

    _require_files(reg)
    steps = [*_blobs(reg), *_files(reg)]
    running: list[int | None] = []
    for step in steps:
        before = running[-1] if running else 0
        running.append(None if before is None or step.bytes is None else before + step.bytes)
    made: dict[str, Any] = {
        "step": pd.Series([step.step for step in steps], dtype="str"),
        "bytes": pd.Series([step.bytes for step in steps], dtype="Int64"),
        "running_bytes": pd.Series(running, dtype="Int64"),
        "rows": pd.Series([step.rows for step in steps], dtype="Int64"),
        "subtotal": pd.Series([step.subtotal for step in steps], dtype="str"),
        "listed_in": pd.Series([step.listed_in for step in steps], dtype="str"),
        "meaning": pd.Series([step.meaning for step in steps], dtype="str"),
    }
    return pd.DataFrame(made)


def _require_files(reg: Registry) -> None:
    source = reg.source
    source.require_contents("the steps of reconcile")
    layout = source.layouts[0]
    if layout.startswith("registry-") or layout in ("docker-engine", "docker-daemon"):
        keeps = "a Docker Engine keeps layers unpacked, which are not looked at" if "docker" in layout else "it is live"
        raise NotKnowableError(
            f"{source.uri} has no files that its tags could be reconciled with ({keeps}): give the storage folder of a "
            "registry, an archive of it, or a bucket"
        )
    if not len(columns(reg, "storage")["category"]):
        raise NotKnowableError(
            f"the files of {source.uri} were not measured: read it with measure=True "
            "(a capture is made of that by regviz capture --measure)"
        )


def _blobs(reg: Registry) -> list[Step]:
    """From tags to each blob once."""
    reached, stored = reach(reg), stored_bytes(reg)
    repository = columns(reg, "repositories")["repository"]
    of_tag = groups(rows_of(columns(reg, "tags")["repository"], repository), len(repository))
    tag_blobs = reached.tag_blobs
    present = columns(reg, "blobs")["present"] == 1
    within = csr_array(of_tag @ tag_blobs)  # how many tags of a repository reach a blob
    logical, unique = (int(stored[matrix.indices].sum()) for matrix in (tag_blobs, within))
    owners = column_counts(within)
    tagged = int(stored[owners > 0].sum())
    several = int(((within.data > 1) & present[within.indices]).sum())
    steps = [
        Step("tags", logical, tag_blobs.shape[0], "sizes by tag", "sum of the tags' sizes, each counted by itself"),
        Step(
            "shared within repositories",
            unique - logical,
            several,
            "sharing by tag",
            "blobs that several tags of one repository reach count once in it",
        ),
        Step(
            "shared across repositories",
            tagged - unique,
            int(((owners > 1) & present).sum()),
            "owner_sets",
            "blobs that several repositories reach count once",
            "tagged bytes",
        ),
    ]
    for state, number, length in _states(reg, stored, owners > 0):
        name, meaning = _STATES[state]
        steps.append(Step(name, length, number, _LISTS.get(state, "blobs"), meaning))
    steps[-1] = steps[-1]._replace(subtotal="blobs, each once")
    return steps


def _files(reg: Registry) -> list[Step]:
    """From each blob once to all files, and their blocks."""
    kept = _measured(reg)
    length = {name: amount[1] for name, amount in kept.items()}
    blobs, uploads = columns(reg, "blobs"), columns(reg, "uploads")["upload_bytes"]
    stored, copies = stored_bytes(reg), np.maximum(blobs["copies"].astype(np.int64) - 1, 0)
    again = int((stored * copies).sum())
    number = int(copies.sum())
    if reg.source.layouts[0] in _NO_COPIES:
        again, number = again + (length["hard-links"] or 0), number + (kept["hard-links"][0] or 0)
    places, linked = int((blobs["present"] == 1).sum()) + number, kept["hard-links"]
    if reg.source.layouts[0] not in _OWN_LINKS:
        linked = _of_blobs(linked, kept["blobs"], (places, int(stored.sum()) + again))
    counted = int(stored.sum()) + again - (linked[1] or 0)
    found = None if length["blobs"] is None else length["blobs"] - counted
    strays = (kept["blobs"][0] or 0) + (linked[0] or 0) - places
    arrived = int(np.where(uploads == NA_INT, 0, uploads).sum())
    marks = None if length["uploads"] is None else length["uploads"] - arrived
    steps = [
        Step("copies", again, number, "blobs", "further places where a blob lies"),
        Step(
            "hard links",
            None if linked[1] is None else -linked[1],
            linked[0],
            "storage",
            "blobs that are further names of one file take no bytes again",
        ),
        Step(
            "files among blobs",
            found,
            strays,
            "storage",
            "what lies among the blobs and is none (docker save's records for old engines), or changed meanwhile",
        ),
        Step("unfinished uploads", arrived, len(uploads), "uploads", "what arrived of pushes that did not end"),
        Step("records of uploads", marks, None, "storage", "what is written down about them"),
    ]
    steps += [Step(name, length[name], kept[name][0], "storage", meaning) for name, meaning in _FILES.items()]
    is_bucket = HIDDEN_CATEGORIES[0] in kept
    steps[-1] = steps[-1]._replace(subtotal="objects" if is_bucket else "files")
    return steps + (_besides(kept) if is_bucket else _disk(reg, kept, found))


def _of_blobs(linked: Amount, measured: Amount, expected: Amount) -> Amount:
    """What of the further names must be blobs: as many as there are blobs more than files, each counted once."""
    number, length = (
        None if most is None or here is None or all_ is None else min(max(all_ - here, 0), most)
        for most, here, all_ in zip(linked, measured, expected, strict=True)
    )
    return number, length


def _besides(kept: dict[str, Amount]) -> list[Step]:
    """What object storage keeps and does not list."""
    uploads, versions = (kept[name] for name in HIDDEN_CATEGORIES)
    return [
        Step(
            "unfinished multipart uploads",
            uploads[1],
            uploads[0],
            "storage",
            "parts of objects that were neither completed nor aborted; NA where they may not be listed",
        ),
        Step(
            "noncurrent versions",
            versions[1],
            versions[0],
            "storage",
            "objects that were overwritten or deleted and are kept; NA where they may not be listed",
            "objects, uploads and versions",
        ),
    ]


def _disk(reg: Registry, kept: dict[str, Amount], found: int | None) -> list[Step]:
    """From files to blocks."""
    storage = reg.storage.set_index("category")
    known = reg.source.knows_disk and found is not None
    apparent, allocated = (storage[name].drop("hard-links") for name in ("apparent_bytes", "allocated_bytes"))
    number, directories = kept["directories"]
    of_files = int(apparent.drop("directories").sum()) if known else 0
    holes, holed = _holes(reg, any_links=bool(kept["hard-links"][0]))
    beyond = int(allocated.drop("directories").sum()) - of_files + holes if known else None
    in_directories = int(allocated["directories"]) - int(apparent["directories"]) if known else None
    return [
        Step(
            "directories",
            directories if known else None,
            number,
            "storage",
            "what directories say their length is",
            "files and directories",
        ),
        Step("blocks of directories", in_directories, number, "storage", "what they take beyond that, or less"),
        Step(
            "blocks of files",
            beyond,
            None,
            "storage",
            "files take whole blocks; less where the file system packs small files or compresses",
        ),
        Step(
            "holes",
            -holes if known else None,
            holed if known else None,
            "blobs",
            "parts of blobs that take no blocks",
            "disk",
        ),
    ]


def _holes(reg: Registry, *, any_links: bool) -> tuple[int, int]:
    """Bytes of blobs that have no blocks, and how many blobs have such; a second name of a file has none of its own."""
    blobs = columns(reg, "blobs")
    taken = blobs["allocated_bytes"]
    known = (blobs["present"] == 1) & (taken >= 0) & ~((taken == 0) & any_links)
    places = np.where(any_links, 1, np.maximum(blobs["copies"], 1))
    hole = np.where(known, np.maximum(stored_bytes(reg) * places - taken, 0), 0)
    return int(hole.sum()), int((hole > 0).sum())


def _measured(reg: Registry) -> dict[str, Amount]:
    """Number and bytes of each category of ``storage``; None is NA."""
    storage = columns(reg, "storage")
    said: dict[str, Amount] = dict.fromkeys(STORAGE_CATEGORIES, (0, 0))
    names = reg.code_texts("name", storage["category"])
    for name, number, length in zip(names, storage["files"].tolist(), storage["apparent_bytes"].tolist(), strict=True):
        said[name] = (None if number == NA["count"] else number, None if length == NA_INT else length)
    return said


def _states(reg: Registry, stored: Numbers, by_tag: NDArray[np.bool_]) -> Iterator[tuple[str, int, int]]:
    """State, number and bytes of the blobs that no tag reaches."""
    state = blob_states(reg)
    for number, name in enumerate(STATES):
        found = (state == number) & ~by_tag
        yield name, int(found.sum()), int(stored[found].sum())
