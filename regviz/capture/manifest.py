"""What ``capture.json`` says, checked before anything else is believed."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import regviz
from regviz.capture.files import LARGEST_MANIFEST, NAME
from regviz.errors import DamagedCaptureError
from regviz.schema import TABLES
from regviz.source import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from regviz.capture.files import Files

FORMAT, VERSION, READ_SINCE = "regviz-capture", 1, "0.1.0"
"""What is written, and the first regviz that reads it; ARCHITECTURE.md says when they change."""
_TYPES = {"str": str, "bool": bool, "tuple[str, ...]": list, "dt.datetime": str}
"""How JSON holds what `Source` holds."""
_MOST_ROWS = 1 << 30
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Written:
    """What a manifest says of one file."""

    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest says."""

    source: Source
    files: Mapping[str, Written]


def read_manifest(files: Files) -> Manifest:
    """The manifest of a capture.

    Raises
    ------
    DamagedCaptureError
        It is missing, cannot be read, or is of a version that this regviz does not read.
    """
    said = _object(files)
    try:
        version, listed = said["version"], said["files"]
        known = said["format"] == FORMAT and isinstance(listed, dict)
    except KeyError as error:
        raise damaged(files, f"{NAME} cannot be read ({error} is missing)") from error
    if not known:
        raise damaged(files, f"{NAME} is not regviz's")
    if version != VERSION or isinstance(version, bool):
        raise DamagedCaptureError(_other_version(files, version, said.get("regviz")))
    written = {}
    for table in TABLES:
        name = f"{table}.parquet"
        match listed.get(name):
            case {"rows": int(rows), "sha256": str(digest)} if not isinstance(rows, bool) and 0 <= rows <= _MOST_ROWS:
                written[name] = Written(rows, digest)
            case None:
                raise damaged(files, f"{NAME} does not name {name}")
            case _:
                raise damaged(files, f"{NAME} does not say how {name} was written")
    return Manifest(_source(said, files), written)


def _object(files: Files) -> dict[str, Any]:
    if NAME in files.links:
        raise damaged(files, f"{NAME} is a symbolic link, and none is followed")
    data = next((data for _, data in files.read([NAME], LARGEST_MANIFEST + 1)), None)
    if data is None:
        raise damaged(files, f"{NAME} cannot be read")
    if len(data) > LARGEST_MANIFEST:
        raise damaged(files, f"{NAME} cannot be read (it has more than {LARGEST_MANIFEST:,} bytes)")
    try:
        said = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise damaged(files, f"{NAME} cannot be read ({error})") from error
    if not isinstance(said, dict):
        raise damaged(files, f"{NAME} cannot be read (it is no JSON object)")
    return said


def _other_version(files: Files, version: object, read_since: object) -> str:
    own = f"and this regviz reads version {VERSION}"
    if isinstance(version, int) and not isinstance(version, bool) and version > VERSION:
        newer = f"regviz {read_since[:_LONGEST_NAME]} or newer" if isinstance(read_since, str) else "a newer regviz"
        what = f"read it with {newer} (this is {regviz.__version__}), or capture the source again"
    else:
        what = "no regviz writes that: capture the source again"
    shown = repr(version)[:_LONGEST_NAME]
    return f"{files.uri} is a capture of format version {shown}, {own}: {what}"


def _source(manifest: dict[str, Any], files: Files) -> Source:
    try:
        said = manifest["source"]
        known = {field.name: said[field.name] for field in fields(Source) if field.name in said}
        kinds = {field.name: _TYPES[str(field.type)] for field in fields(Source)}
        wrong = [name for name, value in known.items() if not isinstance(value, kinds[name])]
        if not wrong and all(isinstance(layout, str) for layout in known["layouts"]):
            known["layouts"] = tuple(known["layouts"])
            known["read_at"] = dt.datetime.fromisoformat(known["read_at"])
            return Source(**known)
        why = f"{', '.join(wrong) or 'layouts'} of another type"
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        why = str(error)
    raise damaged(files, f"{NAME} does not say what was captured ({why})")


def damaged(files: Files, what: str) -> DamagedCaptureError:
    """The error that says which file of a capture is not as it should be."""
    return DamagedCaptureError(f"the capture {files.uri} is damaged: {what}. Capture the source again")
