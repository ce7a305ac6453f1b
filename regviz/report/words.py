"""What the report says in sentences: what this registry is, and what its source could not know."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from regviz.text import count_noun, format_bytes

if TYPE_CHECKING:
    from regviz.card import Summary
    from regviz.registry import Registry
    from regviz.source import Source

SEVERITY_WORDS = {"error": "error", "warning": "warning", "info": "note"}
"""What the report calls the severities of problems."""
_LAYOUTS = {
    "v1": "Docker Registry v1",
    "distribution": "Distribution",
    "oci": "OCI layout",
    "oci-layouts": "OCI layout",
    "skopeo-dir": "skopeo directory",
    "docker-archive": "docker save",
    "docker-daemon": "Docker Engine",
    "docker-engine": "Docker Engine",
}
_APIS = {"registry-v1": "v1", "registry-v2": "v2"}
_LIMITS = (
    (
        "Which manifests are tagged",
        """%(why)s: this may be a registry that keeps its tags in a database. What has no tag here may have
        one there; ask it before you delete anything.""",
    ),
    (
        "Names",
        """GitLab keeps the names of repositories and tags in its database; the storage holds nameless blobs.
        Read such a registry over its API.""",
    ),
    (
        "What the cache does not hold",
        """A pull-through cache holds what was pulled through it. Absent platforms and layers are normal here;
        they are fetched when someone asks.""",
    ),
    (
        "What could not be read",
        "%(partly)s could be read only in part: what seems to be missing may be there; see the problems.",
    ),
    ("Manifests without a tag", "This kind of source lists only what has a tag. The storage has them all."),
    ("Blobs that nothing refers to", "This kind of source does not list them. The storage has them all."),
    (
        "When things were pushed",
        """The file times all lie together, as after a copy, and are no evidence; times of pushes are left
        out. An archive that keeps times (cp -a, tar) has them.""",
    ),
    (
        "Whether each layer link is sound",
        """Links were taken by the names of their directories; rv.read(…, links="check") looks at each.""",
    ),
    ("Blocks on the disk", "The source does not say. All bytes here are lengths of content."),
    ("Who pulls what", "No storage records pulls: a tag that looks old may be in use every day."),
    ("What is inside the layers", "Layers were measured, not opened."),
)


@dataclass(frozen=True, slots=True)
class TagTotals:
    """What all tags add up to.

    Attributes
    ----------
    logical_bytes : int
        The sum of what each tag needs by itself.
    tagged_bytes : int
        The same blobs, each counted once.
    repositories : int
        Repositories that have a tag.
    unknown_bytes : int
        Bytes of blobs of which it is not known whether a tag leads there.
    complete : bool
        Whether all of the source could be read.
    """

    logical_bytes: int
    tagged_bytes: int
    repositories: int
    unknown_bytes: int = 0
    complete: bool = True


def layout_name(source: Source) -> str:
    """What kind of storage this is.

    Examples
    --------
    >>> import regviz as rv
    >>> layout_name(rv.read().source)
    'Distribution storage'
    """
    if source.layouts[0] in _APIS:
        return f"live registry ({_APIS[source.layouts[0]]} API)"
    return " and ".join(_LAYOUTS.get(layout, layout) for layout in source.layouts) + " storage"


def opening(summary: Summary, totals: TagTotals) -> str:
    """One sentence: what the tags take, what they save by sharing, and what no tag reaches.

    Examples
    --------
    >>> from regviz.card import Summary
    >>> print(opening(Summary(2, 4, 3, 9, 12, 3 << 20, 0, 0), TagTotals(8 << 20, 2 << 20, 2)))
    4 tags in 2 repositories would take 8.00 MiB one by one; sharing brings that to 2.00 MiB, and 1.00 MiB
    more is reached from no tag.
    >>> print(opening(Summary(0, 0, 0, 0, 0, 0, 0, 0), TagTotals(0, 0, 0)))
    This registry is empty: no repository, no tag, no blob.
    """
    if not totals.complete:
        said = opening(summary, replace(totals, complete=True))
        return f"In what could be read, {said[0].lower()}{said[1:]}"
    unknown, rest = totals.unknown_bytes, summary.stored_bytes - totals.tagged_bytes - totals.unknown_bytes
    whose = f"of {format_bytes(unknown)} it is not known what leads there"
    if not summary.tags:
        if not summary.repositories and not summary.blobs:
            return "This registry is empty: no repository, no tag, no blob."
        untagged = count_noun(summary.repositories, "repository", "repositories")
        here = f"{format_bytes(summary.stored_bytes)} in {count_noun(summary.blobs, 'blob')}"
        return f"No tag is here: {untagged}, and {here}{f'; {whose}' if unknown else ' that no tag reaches'}."
    repositories = count_noun(totals.repositories, "repository", "repositories")
    tags, taken = count_noun(summary.tags, "tag"), format_bytes(totals.tagged_bytes)
    if totals.logical_bytes > totals.tagged_bytes:
        one_by_one = format_bytes(totals.logical_bytes)
        said = f"{tags} in {repositories} would take {one_by_one} one by one; sharing brings that to {taken}"
    elif summary.tags == 1:
        said = f"One tag in {repositories} takes {taken}"
    else:
        said = f"{tags} in {repositories} share nothing and take {taken}"
    said += f", and {format_bytes(rest)} more is reached from no tag" if rest else ""
    return f"{said}; {whose}." if unknown else f"{said}."


def opening_of_names(summary: Summary) -> str:
    """The same of a listing, in which there are names and lengths alone.

    Examples
    --------
    >>> from regviz.card import Summary
    >>> print(opening_of_names(Summary(2, 4, 0, 0, 12, 3 << 20, 0, 0)))
    A listing of files: it names 2 repositories, 4 tags and 12 blobs of 3.00 MiB, and not which tag needs which blob.
    """
    counts = count_noun(summary.repositories, "repository", "repositories"), count_noun(summary.tags, "tag")
    blobs = f"{count_noun(summary.blobs, 'blob')} of {format_bytes(summary.stored_bytes)}"
    return f"A listing of files: it names {', '.join(counts)} and {blobs}, and not which tag needs which blob."


def limits(reg: Registry) -> list[tuple[str, str]]:
    """What this source could not know: each time what, and why or where else.

    Examples
    --------
    >>> import regviz as rv
    >>> [what for what, _ in limits(rv.read())]
    ['Whether each layer link is sound', 'Blocks on the disk', 'Who pulls what', 'What is inside the layers']
    """
    source = reg.source
    partly = count_noun(int((reg.columns("repositories")["complete"] == 0).sum()), "repository", "repositories")
    holds = (
        bool(source.tags_elsewhere),
        source.names_in_database,
        source.proxy_cache,
        not reg.complete,
        not source.knows_untagged,
        not source.knows_all_blobs,
        not source.trusts_times,
        source.links_checked == "stat" and "distribution" in source.layouts,
        not source.knows_disk,
        True,
        True,
    )
    words = {
        "why": source.tags_elsewhere.capitalize(),
        "partly": partly if source.complete else "The source",
    }
    said = [(what, " ".join(why.split()) % words) for what, why in _LIMITS]
    return [limit for here, limit in zip(holds, said, strict=True) if here]
