"""What happened to a registry, event by event: pushes, overwritten tags, deletions, pushes that died.

A :class:`World` is the list of its events. A writer replays them, so that the storage after each event can be
had.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import datetime as dt

    from regviz.world.describe import Content, Image

LAYOUTS = frozenset({"v1", "distribution"})


@dataclass(frozen=True, kw_only=True)
class _Event:
    """Something that happened in one repository; ``layouts`` names the kinds of registry it happened to."""

    repository: str
    at: dt.datetime
    layouts: frozenset[str] = field(default=LAYOUTS)


@dataclass(frozen=True, kw_only=True)
class Push(_Event):
    """A client pushed something.

    Attributes
    ----------
    content : Image, Index or Artifact
    tags : tuple of str
        A tag that is there is overwritten. None at all: pushed by digest.
    mount_from : str
        A repository whose blobs are linked instead of uploaded again.
    """

    content: Content
    tags: tuple[str, ...] = ("latest",)
    mount_from: str = ""


@dataclass(frozen=True, kw_only=True)
class AbortPush(_Event):
    """A push died in the middle.

    Attributes
    ----------
    image : Image
    tag : str
        What it would have been called.
    layers : int
        How many layers with files had arrived, base first.
    sent : int
        How many bytes of the next one lay on the disk; 0: it had only been announced.
    """

    image: Image
    tag: str = "latest"
    layers: int = 0
    sent: int = 0


@dataclass(frozen=True, kw_only=True)
class DeleteTag(_Event):
    """A tag was deleted."""

    tag: str


@dataclass(frozen=True, kw_only=True)
class DeleteManifest(_Event):
    """A manifest was deleted by its digest, and with it every tag that pointed to it.

    Attributes
    ----------
    content : Image, Index or Artifact
    tag : str
        Under which it had been pushed; only schema 1 needs it, whose bytes name their tag.
    """

    content: Content
    tag: str = ""
    layouts: frozenset[str] = field(default=frozenset({"distribution"}))


@dataclass(frozen=True, kw_only=True)
class MakePrivate(_Event):
    """A v1 repository was set private."""

    layouts: frozenset[str] = field(default=frozenset({"v1"}))


@dataclass(frozen=True, kw_only=True)
class Collect:
    """The garbage of the whole registry was collected, as Distribution 2.8 does it.

    Attributes
    ----------
    at : datetime
    delete_untagged : bool
        With the option ``-m``.
    layouts : frozenset of str
    """

    at: dt.datetime
    delete_untagged: bool = False
    layouts: frozenset[str] = field(default=frozenset({"distribution"}))


Event: TypeAlias = Push | AbortPush | DeleteTag | DeleteManifest | MakePrivate | Collect


@dataclass(frozen=True)
class World:
    """A registry as the list of what happened to it."""

    name: str
    events: tuple[Event, ...]

    def events_in(self, layout: str) -> tuple[Event, ...]:
        """The events that a registry of this layout saw."""
        return tuple(event for event in self.events if layout in event.layouts)

    def first(self, count: int) -> World:
        """The same registry after only its first events."""
        return replace(self, events=self.events[:count])

    def tags(self, layout: str) -> dict[str, dict[str, Content]]:
        """What every tag names in the end, by repository; one that lost all its tags stays, empty."""
        tags: dict[str, dict[str, Content]] = {}
        for event in self.events_in(layout):
            if isinstance(event, Push):
                tags.setdefault(event.repository, {}).update(dict.fromkeys(event.tags, event.content))
            elif isinstance(event, DeleteTag):
                tags[event.repository].pop(event.tag, None)
            elif isinstance(event, DeleteManifest):
                named = tags[event.repository]
                tags[event.repository] = {
                    tag: content for tag, content in named.items() if content is not event.content
                }
        return tags
