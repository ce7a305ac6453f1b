"""Where a Registry came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from regviz.errors import NotKnowableError

if TYPE_CHECKING:
    import datetime as dt


@dataclass(frozen=True, slots=True)
class Source:
    """Where a Registry came from, and what that place was able to know.

    Attributes
    ----------
    uri : str
        What was read.
    layouts : tuple of str
        The layouts found there: ``v1``, ``distribution``, ``oci``, ``oci-layouts``, ``zot``, ``skopeo-dir``,
        ``docker-archive``, ``docker-daemon``; of a live registry the API: ``registry-v1``, ``registry-v2``; of a
        running engine ``docker-engine``.
    why : str
        What told so, for a person.
    root : str
        Path of the layout's root within the source; empty where it is the source itself.
    read_at : datetime.datetime
        When reading began (UTC).
    knows_untagged, knows_all_blobs, knows_disk : bool
        Whether untagged manifests, unreferenced blobs, allocated bytes could be seen.
    trusts_times : bool
        Whether file times are taken as the times of pushes.
    links_checked : str
        ``stat``, ``check`` or ``open``: how far links were looked into.
    proxy_cache, may_be_sparse : bool
        A pull-through cache, an OCI layout: places where absent children and layers are normal, or allowed.
    tags_elsewhere : str
        Why tags may lie in a database (Harbor); empty where nothing says so.
    knows_contents : bool
        What manifests, configurations and links say could be read; a listing has their names alone.
    names_in_database, keeps_links : bool
        GitLab's names are in its database; repositories say by links what they serve (else nothing can be unlinked).
    complete : bool
        All that the place lists could be read; else there may be repositories, tags and blobs that no table names.
    """

    uri: str
    layouts: tuple[str, ...]
    why: str
    read_at: dt.datetime
    root: str = ""
    knows_untagged: bool = True
    knows_all_blobs: bool = True
    knows_disk: bool = False
    trusts_times: bool = True
    links_checked: str = "stat"
    proxy_cache: bool = False
    tags_elsewhere: str = ""
    names_in_database: bool = False
    keeps_links: bool = True
    knows_contents: bool = True
    may_be_sparse: bool = False
    complete: bool = True

    def require_contents(self, answer: str) -> None:
        """Refuse an answer that rests on what manifests and configurations say, where they could not be read.

        Raises
        ------
        NotKnowableError
            The source is a listing.
        """
        if not self.knows_contents:
            raise NotKnowableError(
                f"{self.uri} is a listing: it names files, and {answer} cannot be told without what manifests and "
                "configurations say. Read the storage itself, an archive of it, or the live registry",
                reason="a listing names files, and does not have what is in them",
            )
