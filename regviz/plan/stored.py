"""Plans of what lies somewhere: folders, archives, listings, object stores, captures."""

from __future__ import annotations

import shlex
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from regviz import capture
from regviz.layouts.recognise import Found, recognise
from regviz.plan import cost, sample
from regviz.plan.cost import Count
from regviz.read import LISTABLE, recognised
from regviz.storage.base import Counted, has_contents, is_searchable, is_walkable
from regviz.storage.objects import is_objects
from regviz.text import decode_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from regviz.storage.base import Entries, Storage, Walkable

_MOMENT = 2.0  # seconds
_ACCESS_TIMES = (
    "a folder's file system may keep access times, as for any reading; mount it read-only or noatime to prevent that"
)
_COLD = "a disk that was not read lately takes several times as long"


def of_storage(path: str, storage: Storage) -> dict[str, Any]:
    """The plan of a folder, an archive, a listing, an object store or a capture."""
    first, *others = _recognised(path, storage)
    if first.layout == "capture":
        return _of_capture(path, capture.StoredFiles(storage, first.root), first.why)
    notes = [
        f"{decode_name(other.root) or '.'} holds another registry ({other.layout}), which is not read"
        for other in others
    ]
    if first.instead:
        notes.append(f"it cannot be read: {first.instead}")
    kind = _kind(storage)
    if is_objects(storage):
        storage.narrow(first.root)
    counts, about, breaks_off = (
        (*_of_folder(storage, first), False) if is_walkable(storage) else _of_flat(storage, kind)
    )
    if is_objects(storage) and not counts[0].exact and first.layout == "distribution":
        counts = sample.objects(storage, first.root)
    counted = next((count.number for count in counts), None)
    seconds, memory = cost.work(counted, about)
    requests: int | None = 0
    if kind == "objects":
        requests = counted
        notes.append("requests are at most one an object; a thousand are listed by one")
    if kind == "listing" and first.layout not in LISTABLE and not first.instead:
        notes.append("its names tell too little to be read: give the archive or folder itself")
    elif kind == "listing":
        notes.append("it has names alone: no sizes of images, no layers, no report")
    return {
        "kind": kind,
        "layout": first.layout,
        "why": first.why,
        "counts": tuple(counts),
        "requests": requests,
        "seconds": None if first.instead else seconds,
        "memory_bytes": None if first.instead else memory,
        "permissions": _permissions(kind, path),
        "marks": "",
        "notes": (*notes, *((_COLD, _ACCESS_TIMES) if kind == "folder" else ())),
        "next_command": "" if first.instead else _next(path, kind) + (" --partial" if breaks_off else ""),
    }


class _Beginning:
    """The entries of a flat storage that come within a moment; everything else is the storage's own."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.seen, self.is_cut = 0, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def entries(self) -> Iterator[Entries]:
        """Those entries."""
        until = time.monotonic() + _MOMENT
        for batch in self._storage.entries():
            self.seen += len(batch)
            yield batch
            if time.monotonic() > until:
                self.is_cut = True
                return


def _recognised(path: str, storage: Storage) -> list[Found]:
    """As :func:`regviz.read.recognised`; but of what goes on for long, the beginning must do."""
    if is_searchable(storage):
        return recognised(path, storage)
    beginning = _Beginning(storage)
    found = recognise(beginning)
    if not beginning.is_cut:
        return found or recognised(path, storage)  # which says what was looked for
    why = f"as far as its first {beginning.seen:,} entries tell"
    if not found or found[0].instead:
        return [Found("not told yet", b"", why)]
    return [replace(one, why=f"{one.why}, {why}") for one in found]


def _of_capture(path: str, files: capture.Files, why: str) -> dict[str, Any]:
    """The plan of a capture, which says itself how many rows it has."""
    rows = {name.removesuffix(".parquet"): written.rows for name, written in capture.read_manifest(files).files.items()}
    seconds, memory = cost.work(sum(rows.values()), cost.RECORD)
    return {
        "kind": "capture",
        "layout": "capture",
        "why": why,
        "counts": tuple(Count(noun, number, exact=True, how="") for noun, number in rows.items()),
        "requests": 0,
        "seconds": seconds,
        "memory_bytes": memory,
        "permissions": (f"read the files in {path}",),
        "marks": "",
        "notes": (),
        "next_command": _next(path, "capture"),
    }


def _kind(storage: Storage) -> str:
    if not has_contents(storage):
        return "listing"
    if is_objects(storage):
        return "objects"
    return "folder" if is_walkable(storage) else "archive"


def _of_folder(storage: Walkable, found: Found) -> tuple[list[Count], cost.Cost]:
    if found.layout == "distribution":
        return sample.distribution(storage, found.root), cost.FOLDER
    if found.layout == "v1":
        return sample.v1(storage, found.root), cost.IMAGE
    if found.layout == "oci":
        return sample.oci(storage, found.root), cost.FOLDER
    return [Count("objects", None, exact=False, how="")], cost.FOLDER


def _of_flat(storage: Storage, kind: str) -> tuple[list[Count], cost.Cost, bool]:
    """What there is to read, what each costs, and whether it breaks off."""
    noun, about = {"listing": ("records", cost.RECORD), "archive": ("members", cost.MEMBER)}.get(
        kind, ("objects", cost.REQUEST)
    )
    tells = getattr(storage, "count_objects", None)
    counted = tells() if tells else _counted(storage)
    return [Count(noun, counted.objects, counted.exact, counted.how)], about, counted.breaks_off


def _counted(storage: Storage) -> Counted:
    """The entries of a flat storage that cannot tell how many they are, as far as a moment goes."""
    count, until = 0, time.monotonic() + _MOMENT
    for batch in storage.entries():
        count += len(batch)
        if time.monotonic() > until:
            return Counted(count, exact=False, how="at least: what was listed before it took too long")
    return Counted(count, exact=True, how="all were listed")


def _permissions(kind: str, path: str) -> tuple[str, ...]:
    if kind == "folder":
        return (
            f"read files and search directories below {path}, for example as a member of their group, or with sudo",
        )
    if kind == "objects":
        scheme, _, rest = path.partition("://")
        bucket = rest.partition("/")[0]
        if scheme == "s3":
            return (f"s3:ListBucket on arn:aws:s3:::{bucket}", f"s3:GetObject on arn:aws:s3:::{rest.rstrip('/')}/*")
        return (f"list {bucket}", f"read the objects in {rest}")
    return (f"read {path}",)


def _next(path: str, kind: str) -> str:
    source = shlex.quote(path)
    if kind == "listing":
        return f"regviz table {source} tags"
    return f"regviz report {source} -o report.html"
