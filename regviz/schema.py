"""The contract of every table of a Registry: columns, types, units, keys, references.

`TABLES` is read by whoever needs to know what a column means: the builder of the columns, the pandas view, the capture,
the documentation. :mod:`regviz.contract` holds tables to it.

Inside a Registry a column is one numpy array, and NA is a value of that array:

========  ==========  ====================  =======================
kind      inside      NA inside             outside (pandas)
========  ==========  ====================  =======================
digest    int32       -1                    category of text
name      int32       -1                    category of text
text      int32       -1                    str
count     int32       -1                    Int64
bytes     int64       `NA_INT`              Int64
time      int64 (µs)  `NA_INT`              datetime64[us, UTC]
flag      int8        -1                    boolean
========  ==========  ====================  =======================

*digest* codes point into the registry's pool of keys (digests, chain IDs, v1 ids), *name* codes into its sorted pool
of names, *text* codes into its pool of free text. Keys and names are sorted, so the order of codes is the order of
the texts, and tables sorted by code are sorted by key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["digest", "name", "text", "count", "bytes", "time", "flag"]
Columns = dict[str, "NDArray[Any]"]

NA_INT = np.iinfo(np.int64).min
DTYPES: dict[str, np.dtype[np.generic]] = {
    "digest": np.dtype(np.int32),
    "name": np.dtype(np.int32),
    "text": np.dtype(np.int32),
    "count": np.dtype(np.int32),
    "bytes": np.dtype(np.int64),
    "time": np.dtype(np.int64),
    "flag": np.dtype(np.int8),
}
CODED = ("digest", "name", "text")
NA: dict[str, int] = {kind: int(NA_INT) if dtype == np.int64 else -1 for kind, dtype in DTYPES.items()}
"""The value that stands for NA, by kind."""

MANIFEST_KINDS = ("v1", "image", "index", "attestation", "signature", "chart", "artifact", "cache")
BLOB_KINDS = ("manifest", "config", "layer", "other")
LINK_STATES = ("ok", "unchecked", "empty", "malformed", "mismatch", "missing", "inferred", "unread")
"""``unchecked``: it is there, and was not looked into; a listing's tag may be ``inferred`` from the times of links, or
``unread``: what it points to is not known."""
ROLES = ("child", "attestation", "subject", "blob")
BASES = ("v1", "chain", "digests")
SEVERITIES = ("error", "warning", "info")
"""The worst first."""
STORAGE_CATEGORIES = ("blobs", "links", "uploads", "metadata", "directories", "other", "hard-links")  # further names
HIDDEN_CATEGORIES = ("multipart-uploads", "noncurrent-versions")  # what object storage keeps and does not list


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its kind, what it means, and what it points to.

    Attributes
    ----------
    name : str
    kind : str
        See the table in this module's docstring.
    about : str
        One sentence for a reader.
    required : bool
        Whether NA is forbidden.
    references : str
        ``"table.column"`` whose values every value here is one of; empty where it points nowhere.
    values : tuple of str
        The only values allowed; empty where any is.
    """

    name: str
    kind: Kind
    about: str
    required: bool = False
    references: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its key and its columns, the key's columns first."""

    name: str
    about: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column:
        """The column of that name; KeyError where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def _repository(*, required: bool = True) -> Column:
    return Column("repository", "name", "repository, as the source names it", required, "repositories.repository")


def _manifest(about: str = "manifest", *, required: bool = True, name: str = "manifest") -> Column:
    return Column(name, "digest", about, required, "manifests.manifest")


def _blob(name: str, about: str, *, required: bool = False) -> Column:
    return Column(name, "digest", about, required, "blobs.blob")


def _platform() -> tuple[Column, ...]:
    return (
        Column("os", "name", "operating system"),
        Column("architecture", "name", "CPU architecture"),
        Column("variant", "name", "variant of the CPU architecture"),
    )


def _made(what: str) -> tuple[Column, ...]:
    return (
        Column("created_at", "time", f"when the {what} was made, as its image says"),
        Column("created_by", "text", f"the instruction that made the {what}"),
    )


_TABLES = (
    Table(
        "repositories",
        "one row a repository",
        ("repository",),
        (
            Column("repository", "name", "repository, as the source names it", required=True),
            Column("namespace", "name", "what stands before the first '/'; NA where there is none"),
            Column("raw_name", "name", "its path as it is written on the storage", required=True),
            Column("private", "flag", "v1's access mark; NA elsewhere"),
            Column("has_layers", "flag", "it has a `_layers` directory: what makes a repository for Distribution 2.8"),
            Column("has_manifests", "flag", "it has a `_manifests` directory: what makes a repository for 3.x"),
            Column("has_tags", "flag", "at least one tag", required=True),
            Column("complete", "flag", "everything of it could be read", required=True),
        ),
    ),
    Table(
        "tags",
        "one row a tag",
        ("repository", "tag"),
        (
            _repository(),
            Column("tag", "name", "tag", required=True),
            _manifest("what the tag points to; NA where its link cannot be read", required=False),
            Column("pushed_at", "time", "when the tag was last pushed; NA where file times are no evidence"),
            Column("link_state", "name", "what was found in its link", required=True, values=LINK_STATES),
        ),
    ),
    Table(
        "tag_history",
        "one row for each manifest that a tag points to or once pointed to",
        ("repository", "tag", "manifest"),
        (
            _repository(),
            Column("tag", "name", "tag", required=True),
            _manifest(),
            Column("last_pushed_at", "time", "when this manifest was last pushed under this tag"),
            Column("current", "flag", "the tag points to it now; NA where its link cannot be read"),
        ),
    ),
    Table(
        "manifests",
        "one row for each manifest named anywhere, of any kind; a v1 image is one",
        ("manifest",),
        (
            Column("manifest", "digest", "digest, or the id of a v1 image", required=True),
            Column("kind", "name", "what it is; NA where it was not read", values=MANIFEST_KINDS),
            Column("media_type", "name", "media type, written or deduced"),
            Column("artifact_type", "name", "artifact type, as image-spec manifest.md defines it"),
            Column("present", "flag", "it lies in this registry", required=True),
            Column("in_progress", "flag", "v1: its upload was not completed"),
            _blob("config", "blob of its configuration; an image's is the image ID"),
            Column("layer", "digest", "top of its stack", references="layers.layer"),
            Column("layer_count", "count", "filesystem layers on its stack"),
            *_platform(),
            Column("os_version", "name", "version of the operating system"),
            Column("created_at", "time", "when it was made, as its configuration says"),
            Column("author", "text", "author, as its configuration says"),
            _manifest("manifest it speaks about", required=False, name="subject"),
        ),
    ),
    Table(
        "manifest_references",
        "one row for each manifest or blob that an index lists, and each subject",
        ("manifest", "position"),
        (
            _manifest(),
            Column("position", "count", "place in the list, from 0; a subject stands after the last", required=True),
            Column("child", "digest", "what it refers to", required=True, references="blobs.blob"),
            Column("role", "name", "why it is referred to", required=True, values=ROLES),
            *_platform(),
            Column("media_type", "name", "media type, as the reference says"),
            _manifest("manifest that an attestation vouches for", required=False, name="attests"),
        ),
    ),
    Table(
        "layers",
        "one row for each node of the ancestry forest: a filesystem change in its place on a stack",
        ("layer",),
        (
            Column("layer", "digest", "chain ID, or the id of a v1 image", required=True),
            Column("basis", "name", "what the key was computed from", required=True, values=BASES),
            Column("parent", "digest", "layer below; NA at the base", references="layers.layer"),
            Column("depth", "count", "layers up to here; 1 at the base; NA where parents are not known"),
            Column("diff_id", "digest", "digest of the uncompressed tar"),
            Column("empty", "flag", "it changes nothing", required=True),
            Column("uncompressed_bytes", "bytes", "bytes of the uncompressed content, where the source says"),
            *_made("layer"),
        ),
    ),
    Table(
        "manifest_layers",
        "one row for each layer of each stack; v1: for images with a tag or without descendants",
        ("manifest", "position"),
        (
            _manifest(),
            Column("position", "count", "place in the stack, 0 at the base", required=True),
            Column("layer", "digest", "layer; NA where the blob is no filesystem layer", references="layers.layer"),
            _blob("blob", "blob that holds it"),
            Column("digest", "digest", "digest, as the manifest writes it"),
            Column("empty", "flag", "it changes nothing", required=True),
            Column("foreign", "flag", "its bytes are to be had elsewhere", required=True),
        ),
    ),
    Table(
        "history",
        "one row for each build step of each image; v1: for images with a tag or without descendants",
        ("manifest", "step"),
        (
            _manifest(),
            Column("step", "count", "place in the history, from 0", required=True),
            *_made("step"),
            Column("author", "text", "author of the step"),
            Column("comment", "text", "comment on the step"),
            Column("empty", "flag", "the step made no layer", required=True),
            Column("position", "count", "position of its layer in the stack; NA if it cannot be paired"),
        ),
    ),
    Table(
        "labels",
        "one row for each label of each image",
        ("manifest", "key"),
        (
            _manifest(),
            Column("key", "name", "name of the label", required=True),
            Column("value", "text", "value of the label"),
        ),
    ),
    Table(
        "blobs",
        "one row for each digest named anywhere",
        ("blob",),
        (
            Column("blob", "digest", "digest, or v1:<id> for the layer file of a v1 image", required=True),
            Column("kind", "name", "what refers to it, or the first of: manifest, config, layer", values=BLOB_KINDS),
            Column("media_type", "name", "media type, as a descriptor says"),
            Column("compression", "name", "compression, sniffed where the content was read"),
            Column("blob_bytes", "bytes", "length of the object under its digest: stored if present, else declared"),
            Column("declared_bytes", "bytes", "length that descriptors declare; the largest where they disagree"),
            Column("allocated_bytes", "bytes", "bytes of disk blocks; folders only"),
            Column("copies", "count", "places where it lies", required=True),
            Column("present", "flag", "it lies in this registry", required=True),
            Column("verified", "flag", "its content was hashed, and fits (True) or not (False)"),
            Column("stored_at", "time", "when it was stored; NA where file times are no evidence"),
        ),
    ),
    Table(
        "repository_manifests",
        "one row for each revision link: a manifest that a repository serves",
        ("repository", "manifest"),
        (
            _repository(),
            _manifest(),
            Column("link_state", "name", "what was found in the link", required=True, values=LINK_STATES),
            Column("linked_at", "time", "when it was linked; NA where file times are no evidence"),
            Column("is_root", "flag", "an entry of an index.json, a save archive or an engine", required=True),
        ),
    ),
    Table(
        "repository_blobs",
        "one row for each layer link: a blob that a repository may serve",
        ("repository", "link"),
        (
            _repository(),
            Column("link", "digest", "digest in the link's path", required=True),
            _blob("blob", "digest in the link's content; NA where it cannot be read"),
            Column("link_state", "name", "what was found in the link", required=True, values=LINK_STATES),
            Column("linked_at", "time", "when it was linked, where links were checked"),
        ),
    ),
    Table(
        "uploads",
        "one row for each unfinished upload",
        ("repository", "upload"),
        (
            _repository(),
            Column("upload", "name", "identifier of the upload", required=True),
            Column("upload_bytes", "bytes", "bytes that arrived"),
            Column("started_at", "time", "when it began, as its own file says"),
        ),
    ),
    Table(
        "storage",
        "what the files take, by category; filled by rv.read(…, measure=True)",
        ("category",),
        (
            Column("category", "name", "category", required=True, values=STORAGE_CATEGORIES + HIDDEN_CATEGORIES),
            Column("files", "count", "files (directories, objects); NA where they may not be counted"),
            Column("apparent_bytes", "bytes", "sum of their lengths, each file once; NA where they are not known"),
            Column("allocated_bytes", "bytes", "bytes of disk blocks, each inode once; folders only"),
        ),
    ),
    Table(
        "problems",
        "one row for each thing wrong",
        ("problem",),
        (
            Column("problem", "count", "number of the row", required=True),
            Column("rule", "name", "rule that is broken; see rv.rules()", required=True),
            Column("severity", "name", "how bad it is", required=True, values=SEVERITIES),
            _repository(required=False),
            Column("manifest", "digest", "manifest concerned"),
            Column("blob", "digest", "blob concerned"),
            Column("path", "text", "path within the source"),
            Column("detail", "text", "what was found"),
        ),
    ),
)
TABLES: dict[str, Table] = {table.name: table for table in _TABLES}


def compact(values: NDArray[Any], dtype: np.dtype[np.generic]) -> NDArray[Any]:
    """A column in its inside type; one that says the same in every row takes the room of one."""
    if len(values) > 1 and values[0] == values[-1] and bool((values == values[0]).all()):
        return np.broadcast_to(values[:1].astype(dtype), len(values))
    return np.ascontiguousarray(values, dtype)
